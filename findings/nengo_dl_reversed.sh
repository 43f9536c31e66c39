#!/usr/bin/env bash
# Values in reverse order in NengoDL.
#
# Expected: nengo_dl.Simulator gives what nengo.Simulator(optimize=False) gives.
# Found (nengo-dl 3.6.0, nengo 3.2.0, TensorFlow 2.12.0, Python 3.11): `[::-1]` of a whole object, at
#   either end of a Connection, is ignored without a word; parts such as `[3::-1]` come right.
# Output seen:
#   to [::-1]: nengo [6. 5. 4. 3. 2. 1.], nengo_dl [1. 2. 3. 4. 5. 6.]
#   from [::-1]: nengo [6. 5. 4. 3. 2. 1.], nengo_dl [1. 2. 3. 4. 5. 6.]
#   from [3::-1]: nengo [4. 3. 2. 1. 0. 0.], nengo_dl [4. 3. 2. 1. 0. 0.]
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip "setuptools>=68,<70" wheel
pip tensorflow==2.12.0 numpy==1.23.5 nengo==3.2.0
pip --no-build-isolation nengo-dl==3.6.0
cat > "$folder/reversed.py" <<'PYTHON'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import nengo
import nengo_dl
import numpy as np


def network(pre, post):
    with nengo.Network(seed=0) as net:
        given, first, second = nengo.Node(np.arange(1.0, 7.0)), *(nengo.Node(size_in=6) for _ in "12")
        nengo.Connection(given, first, synapse=None)
        nengo.Connection(first[pre], second[post], synapse=None)
        probe = nengo.Probe(second)
    return net, probe


seen = []
back, every = slice(None, None, -1), slice(None)
for name, pre, post in (
    ("to [::-1]", every, back), ("from [::-1]", back, every),
    ("from [3::-1]", slice(3, None, -1), slice(4)),
):
    net, probe = network(pre, post)
    with nengo.Simulator(net, optimize=False, progress_bar=False) as sim:
        sim.run_steps(2, progress_bar=False)
    right = sim.data[probe][-1]
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(2)
    print(f"{name}: nengo {right}, nengo_dl {sim.data[probe][-1]}")
    seen.append(np.array_equal(right, sim.data[probe][-1]))
assert seen == [False, False, True]
PYTHON
"$folder/venv/bin/python" "$folder/reversed.py" 2>/dev/null
