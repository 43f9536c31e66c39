#!/usr/bin/env bash
# A recurrent layer in NIR, neurons and one matrix that lead to each other, read by snnTorch.
#
# Expected: v <- 0.9 v + W x + V z of the step before, and a reset to 0, with one matrix V or with V and a
#   matrix of ones in its diagonal behind it.
# Found (snntorch 1.0.0, nir 1.0.8, nirtorch 2.6, torch 2.13.0, Python 3.11): with one matrix the spikes are
#   others. import_nir.py puts the loop into a graph of its own, whose Input leads to the matrix and not to
#   the neurons. With two matrices it does not see the loop, and the spikes are right.
# Output seen:
#   replace rnn subgraph with nirgraph
#   one matrix: 27 of 120 values of spikes differ
#   replace rnn subgraph with nirgraph
#   two matrices: 0 of 120 values of spikes differ
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 snntorch==1.0.0 nir==1.0.8 nirtorch==2.6
cat > "$folder/script.py" <<'PYTHON'
import nir
import numpy as np
import torch
from snntorch.import_nir import import_from_nir

rng = np.random.default_rng(0)
n, dt, beta = 4, 1e-4, 0.9
into, back = rng.normal(0.4, 1, (n, 3)), rng.normal(0, 1, (n, n))
x = rng.normal(0.4, 1, (30, 3)).astype("f")


def graph(matrices):
    tau = np.full(n, dt / (1 - beta))
    nodes = {
        "input": nir.Input(np.array([3])), "fc": nir.Linear(into),
        "lif": nir.LIF(tau, tau / dt, np.zeros(n), np.ones(n), np.zeros(n)),
        "output": nir.Output(np.array([n])),
    }
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "output")]
    last = "lif"
    for k, matrix in enumerate(matrices):
        nodes[f"back{k}"] = nir.Linear(matrix)
        edges.append((last, f"back{k}"))
        last = f"back{k}"
    return nir.NIRGraph(nodes, [*edges, (last, "lif")])


v, z, expected = np.zeros(n), np.zeros(n), []
for row in x:
    v = beta * v + into @ row + back @ z
    z = (v > 1) * 1.0
    v = v * (1 - z)
    expected.append(z)
seen = {}
for name, matrices in (("one matrix", [back]), ("two matrices", [back, np.eye(n)])):
    module, state, spikes = import_from_nir(graph(matrices)), None, []
    with torch.no_grad():
        for row in x:
            given, state = module(torch.tensor(row)[None], state)
            spikes.append(given.numpy().ravel())
    seen[name] = int((np.array(spikes) != np.array(expected)).sum())
    print(f"{name}: {seen[name]} of {np.size(expected)} values of spikes differ")
assert seen["one matrix"] > 0 and seen["two matrices"] == 0
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
