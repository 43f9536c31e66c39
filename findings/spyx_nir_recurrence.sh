#!/usr/bin/env bash
# A recurrent layer of Spyx, written to NIR.
#
# Expected: the input leads to the neurons, and r dt / tau is what an input adds to their membrane.
# Found (spyx 1.0.0, nir 1.0.8, Python 3.11): the input leads to the recurrent weights, and through them to the
#   neurons. And r is beta, so that an input of 1 adds beta (1 - beta) by the graph, and 1 in Spyx, with
#   recurrence or without. Spyx reads it back as it was, since it looks at neither.
# Output seen:
#   input -> w_rec, w_rec -> lif, lif -> w_rec, lif -> output
#   an input of 1 adds 0.09 by the graph, and 1 in Spyx
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check spyx==1.0.0 nir==1.0.8
cat > "$folder/script.py" <<'PYTHON'
import jax.numpy as jnp
import numpy as np
import spyx.nir
import spyx.nn
from flax import nnx

layer = spyx.nn.RLIF((2,), beta=0.9, rngs=nnx.Rngs(0))
shape = np.array([2])
graph = spyx.nir.to_nir(spyx.nn.Sequential(layer), {"input": shape}, {"output": shape})
inner = graph.nodes["layer_0"]
edges = [tuple(name.partition(".")[2] for name in edge) for edge in inner.edges]
print(", ".join(f"{pre} -> {post}" for pre, post in edges))
lif = inner.nodes["layer_0.lif"]
by_graph = float((lif.r / lif.tau)[0])  # dt is 1
_, membrane = layer(jnp.ones((1, 2)), layer.initial_state(1))
own = float(membrane[0, 0])
print(f"an input of 1 adds {by_graph:.2g} by the graph, and {own:g} in Spyx")
assert ("input", "w_rec") in edges and ("input", "lif") not in edges
assert abs(by_graph - 0.09) < 1e-3 and own == 1
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
