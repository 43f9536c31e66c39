#!/usr/bin/env bash
# A network of snnTorch's Leaky with its default reset, written to NIR and read by snnTorch again.
#
# Expected: the network that comes back spikes as the one that was written, or something says that it can't.
# Found (snntorch 1.0.0, nir 1.0.8, nirtorch 2.6, torch 2.13.0, Python 3.11): the default reset, by subtraction in the next step, is
#   written as v_reset = 0, as each reset is, and comes back as a reset to zero in the same step. And an
#   IF, which has no leak, comes back as Leaky(beta=0.9).
# Output seen:
#   spikes of 100 steps: 77 before, 50 after; reset subtract, then zero
#   an IF comes back with beta = 0.9
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 snntorch==1.0.0 nir==1.0.8 nirtorch==2.6
cat > "$folder/script.py" <<'PYTHON'
import contextlib

import nir
import numpy as np
import snntorch as snn
import torch
from snntorch.export_nir import export_to_nir
from snntorch.import_nir import import_from_nir


def read(graph):
    with contextlib.redirect_stdout(None):  # it says what it looks for
        return import_from_nir(graph)


lif = snn.Leaky(beta=torch.full((1,), 0.9), threshold=torch.ones(1), init_hidden=True)
linear = torch.nn.Linear(1, 1, bias=False)
torch.nn.init.constant_(linear.weight, 0.9)
net = torch.nn.Sequential(linear, lif)
x = torch.ones(1, 1)
with torch.no_grad():
    before = [net(x).item() for _ in range(100)]
lif.reset_mem()
graph = export_to_nir(net, x, ignore_dims=[0])
back = read(graph)
with torch.no_grad():
    state, after = None, []
    for _ in range(100):
        out, state = back(x, state)
        after.append(out.item())
kinds = [module for module in back.modules() if isinstance(module, snn.Leaky)]
print(f"spikes of 100 steps: {sum(before):g} before, {sum(after):g} after; reset "
      f"{lif.reset_mechanism}, then {kinds[0].reset_mechanism}")
integrate = nir.IF(r=np.ones(1), v_threshold=np.ones(1))
nodes = {"input": nir.Input(np.array([1])), "if": integrate, "output": nir.Output(np.array([1]))}
integrator = read(nir.NIRGraph(nodes, [("input", "if"), ("if", "output")]))
beta = next(m for m in integrator.modules() if isinstance(m, snn.Leaky)).beta.item()
print(f"an IF comes back with beta = {beta:.2g}")
assert sum(before) > 1.2 * sum(after) and kinds[0].reset_mechanism == "zero" and beta < 1
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
