#!/usr/bin/env bash
# NIR's Affine, SumPool2d and grouped Conv2d, read by nirtorch with its own mapping.
#
# Expected: the bias of an Affine, the padding of a SumPool2d, the groups of a Conv2d.
# Found (nirtorch 2.6, nir 1.0.8, torch 2.13.0, Python 3.11): an Affine has a bias that torch drew at random,
#   another one each time; a SumPool2d has no padding; a grouped Conv2d can't be read.
# Output seen:
#   Affine with the bias [10, 20], of zeros: within 1 of zero, and twice not the same
#   SumPool2d of 4 x 4 with padding: 2 x 2, expected 3 x 3; AvgPool2d: 3 x 3
#   Conv2d of 2 groups: ValueError: out_channels must be divisible by groups
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 nir==1.0.8 nirtorch==2.6
cat > "$folder/script.py" <<'PYTHON'
import nir
import nirtorch
import numpy as np
import torch


def read(node, x, output):
    nodes = {
        "input": nir.Input(np.array(x.shape)), "node": node, "output": nir.Output(np.array(output))
    }
    graph = nir.NIRGraph(nodes, [("input", "node"), ("node", "output")])
    return nirtorch.nir_to_torch(graph, {})(x)[0].detach()


affine = nir.Affine(np.eye(2, dtype="float32"), np.array([10, 20], dtype="float32"))
first, second = (read(affine, torch.zeros(2), (2,)) for _ in range(2))
print("Affine with the bias [10, 20], of zeros:", end=" ")
print("within 1 of zero," if max(first.abs().max(), second.abs().max()) < 1 else "right,", end=" ")
print("and twice the same" if torch.equal(first, second) else "and twice not the same")
pools = {}
for kind in (nir.SumPool2d, nir.AvgPool2d):
    pool = kind(*(np.array([size, size]) for size in (2, 2, 1)))
    pools[kind.__name__] = tuple(read(pool, torch.ones(1, 4, 4), (1, 3, 3)).shape[-2:])
print("SumPool2d of 4 x 4 with padding: {} x {}, expected 3 x 3;".format(*pools["SumPool2d"]), end=" ")
print("AvgPool2d: {} x {}".format(*pools["AvgPool2d"]))
error = None
try:
    weight = np.ones((4, 1, 3, 3), "float32")
    nirtorch.nir_to_torch(nir.Conv2d((4, 4), weight, 1, 0, 1, 2, np.zeros(4, "float32")), {})
except ValueError as caught:
    error = caught
print(f"Conv2d of 2 groups: ValueError: {error}")
assert first.abs().max() < 1 and not torch.equal(first, second)
assert pools == {"SumPool2d": (2, 2), "AvgPool2d": (3, 3)} and error
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
