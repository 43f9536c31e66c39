#!/usr/bin/env bash
# Two ways in a NIR graph that meet again (2 x and 3 x, added), read by Norse.
#
# Expected: 5 x at every step.
# Found (norse 1.1.0, nir 1.0.8, nirtorch 2.6, torch 2.13.0, Python 3.11): one of the ways alone. nirtorch's
#   load runs nodes depth first from the input, so the node at which the ways meet comes before the second
#   way, and what the module gives is the output of the node that is run last.
# Output seen:
#   step 0: input 1, output 3, expected 5
#   step 1: input 10, output 30, expected 50
#   step 2: input 100, output 300, expected 500
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 norse==1.1.0 nir==1.0.8 nirtorch==2.6
cat > "$folder/script.py" <<'PYTHON'
import nir
import norse.torch
import numpy as np
import torch

one = np.ones((1, 1), dtype=np.float32)
nodes = {
    "input": nir.Input(np.array([1])), "left": nir.Linear(2 * one), "right": nir.Linear(3 * one),
    "sum": nir.Linear(one), "output": nir.Output(np.array([1])),
}
edges = [("input", "left"), ("input", "right"), ("left", "sum"), ("right", "sum"),
         ("sum", "output")]
module, state = norse.torch.from_nir(nir.NIRGraph(nodes, edges)), None
seen = []
for step, value in enumerate((1.0, 10.0, 100.0)):
    with torch.no_grad():
        given, state = module(torch.tensor([[value]]), state)
    seen.append(given.item())
    print(f"step {step}: input {value:g}, output {given.item():g}, expected {5 * value:g}")
assert seen != [5, 50, 500]
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
