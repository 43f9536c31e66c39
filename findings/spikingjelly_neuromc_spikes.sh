#!/usr/bin/env bash
# SpikingJelly's NeuroMC energy of a spiking layer, with and without spikes.
#
# Expected: "op_counter is runtime-driven": a layer that gets no spike at all takes less energy than one whose
#   inputs all spike at every step, as it does by the three other models (SpikeSim's with activity_mode="event").
# Found (spikingjelly 2.0.0, torch 2.13.0, Python 3.11): estimate_neuromc_runtime_energy gives the same energy,
#   to the last bit, for no spikes and for all; a spiking Linear or Conv2d is priced as dense
#   multiply-accumulates, although its neurons are known to be IF neurons.
# Output seen:
#   Linear: no spikes 14,676 pJ, all spike 14,676 pJ; simple 6,447 pJ and 212,820 pJ
#   Conv2d: no spikes 46,068 pJ, all spike 46,068 pJ; simple 58,058 pJ and 1,103,048 pJ
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 loguru scipy tqdm h5py matplotlib
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps spikingjelly==2.0.0
cat > "$folder/script.py" <<'PYTHON'
import sys
import warnings

import torch
from spikingjelly.activation_based import neuron, op_counter

warnings.simplefilter("ignore")
LAYERS = {
    "Linear": (torch.nn.Linear(64, 32, bias=False), (1, 64)),
    "Conv2d": (torch.nn.Conv2d(4, 8, 3, bias=False), (1, 4, 8, 8)),
}


def energies_pJ(estimate, layer, shape):
    found = []
    for spikes in (torch.zeros(shape), torch.ones(shape)):
        model = torch.nn.Sequential(layer, neuron.IFNode()).eval()
        with torch.no_grad():
            found.append(estimate(model, spikes).energy_total_pj)
    return found


changed = False
for name, (layer, shape) in LAYERS.items():
    none, every = energies_pJ(op_counter.estimate_neuromc_runtime_energy, layer, shape)
    few, many = energies_pJ(op_counter.estimate_simple_energy, layer, shape)
    changed |= none != every or few >= many
    print(f"{name}: no spikes {none:,.0f} pJ, all spike {every:,.0f} pJ; simple {few:,.0f} pJ and {many:,.0f} pJ")
sys.exit(changed)
PYTHON
"$folder/venv/bin/python" "$folder/script.py" 2>/dev/null
