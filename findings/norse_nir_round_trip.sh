#!/usr/bin/env bash
# A network of Norse, written to NIR and read by Norse again, with all defaults.
#
# Expected: it spikes as before, and nir can write it to a file.
# Found (norse 1.1.0, nir 1.0.8, nirtorch 2.6, torch 2.13.0, Python 3.11): tau is written as dt / tau_mem_inv,
#   which is dt times the time constant: 10 ms become 1e-5 s. With to_nir(dt=1) it is in seconds. A LIFCell
#   lets the whole input jump into its current and is written with w_in = 1, which is read as a current
#   that moves towards its input. And parameters that are numbers, as the defaults are, can't be written.
# Output seen:
#   LIFBoxCell: tau 1e-05, spikes 12 before, 100 after; with dt=1 tau 0.01, spikes 12 before, 12 after
#   LIFCell: tau 1e-05, spikes 49 before, 8 after; with dt=1 tau 0.01, spikes 49 before, 11 after
#   LIFBoxCell(): TypeError: Scalar datasets don't support chunk/filter options
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 norse==1.1.0 nir==1.0.8 nirtorch==2.6
cat > "$folder/script.py" <<'PYTHON'
import nir
import norse.torch as norse
import torch


def count(module):
    total, state = 0, None
    with torch.no_grad():
        for _ in range(100):
            out, state = module(torch.ones(1), state)
            total += int(out.item())
    return total


ones, zeros = torch.ones(1), torch.zeros(1)
box = norse.LIFBoxParameters(tau_mem_inv=100 * ones, v_leak=zeros, v_th=ones)
cuba = norse.LIFParameters(
    tau_mem_inv=100 * ones, tau_syn_inv=200 * ones, v_leak=zeros, v_th=ones, v_reset=zeros
)
linear = torch.nn.Linear(1, 1)
torch.nn.init.constant_(linear.weight, 1.8)
torch.nn.init.zeros_(linear.bias)
seen = {}
for cell in (norse.LIFBoxCell(box), norse.LIFCell(cuba)):
    net = norse.SequentialState(linear, cell)
    words = []
    for dt in (0.001, 1.0):
        graph = norse.to_nir(net, torch.ones(1), dt=dt)
        tau = float(getattr(graph.nodes["1"], "tau_mem", getattr(graph.nodes["1"], "tau", None))[0])
        own = count(net), count(norse.from_nir(graph))
        seen[type(cell).__name__, dt] = own
        words.append(f"tau {tau:.3g}, spikes {own[0]} before, {own[1]} after")
    print(f"{type(cell).__name__}: {words[0]}; with dt=1 {words[1]}")
error = None
try:
    net = norse.SequentialState(linear, norse.LIFBoxCell())
    nir.write("defaults.nir", norse.to_nir(net, torch.ones(1)))
except TypeError as caught:
    error = caught
print(f"LIFBoxCell(): TypeError: {error}")
assert seen["LIFBoxCell", 0.001] == (12, 100) and seen["LIFBoxCell", 1.0] == (12, 12)
assert seen["LIFCell", 0.001] == (49, 8) and seen["LIFCell", 1.0] == (49, 11) and error
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
