#!/usr/bin/env bash
# Nengo's optimizer on parts of neurons in reverse order.
#
# Expected: a network runs with the optimizer, which is on by default, as it does without.
# Found (nengo 4.1.0, Python 3.11): two Connections from `neurons[::-1]` raise "strides is
#   incompatible with shape of requested array and size of buffer"; one alone, or other slices, run.
# Output seen:
#   1 x [::-1]: optimizer ok, without it ok
#   2 x [::-1]: optimizer ValueError, without it ok
#   2 x [::2]: optimizer ok, without it ok
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nengo==4.1.0 numpy scipy
cat > "$folder/reversed.py" <<'PYTHON'
import nengo
import numpy as np


def outcome(n, part, optimize):
    with nengo.Network(seed=0) as net:
        given = nengo.Node(np.ones(6))
        for _ in range(n):
            ensemble = nengo.Ensemble(6, 1, gain=np.ones(6), bias=np.ones(6))
            output = nengo.Node(size_in=3)
            nengo.Connection(given[part], ensemble.neurons[part], synapse=None)
            weights = np.ones((3, len(range(6)[part])))
            nengo.Connection(ensemble.neurons[part], output, transform=weights)
    try:
        with nengo.Simulator(net, optimize=optimize, progress_bar=False) as sim:
            sim.run_steps(3)
    except ValueError:
        return "ValueError"
    return "ok"


backwards, stride = slice(None, None, -1), slice(None, None, 2)
seen = []
for n, part, name in ((1, backwards, "[::-1]"), (2, backwards, "[::-1]"), (2, stride, "[::2]")):
    seen.append([outcome(n, part, optimize) for optimize in (True, False)])
    print(f"{n} x {name}: optimizer {seen[-1][0]}, without it {seen[-1][1]}")
assert seen == [["ok", "ok"], ["ValueError", "ok"], ["ok", "ok"]]
PYTHON
"$folder/venv/bin/python" "$folder/reversed.py"
