#!/usr/bin/env bash
# A neuron with min_voltage=-inf that is inhibited all the time, on NengoLoihi's emulator.
#
# Expected: it never fires; its voltage stops at -2**23 + 1, the lowest that NengoLoihi's Compartment
#   documents ("range [-2**23 + 1, 0]").
# Found (nengo-loihi 1.1.0, nengo 3.2.0, numpy 1.23.5, Python 3.11): builder/discretize.py rounds minus
#   infinity to -2**31 + 1. The emulator adds in 32 bits, so that the next sum is a large positive
#   number, and the neuron fires. Nothing is warned of.
# Output seen:
#   lowest voltage -2147483647, spikes 1
# Exits with 1 if NengoLoihi has become right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "setuptools<81" \
    nengo==3.2.0 nengo-loihi==1.1.0 numpy==1.23.5 scipy==1.10.1
cat > "$folder/lowest.py" <<'PYTHON'
import warnings

import nengo
import nengo_loihi
import numpy as np

warnings.simplefilter("ignore")
with nengo.Network(seed=0) as net:
    nengo_loihi.add_params(net)
    # each fires in every step
    sources = nengo.Ensemble(
        100, 1, neuron_type=nengo.SpikingRectifiedLinear(), gain=np.ones(100),
        bias=np.full(100, 1000.5),
    )
    net.config[sources].on_chip = False
    inhibited = nengo.Ensemble(
        1, 1, neuron_type=nengo.LIF(tau_rc=5, min_voltage=-np.inf), gain=[1], bias=[0]
    )
    nengo.Connection(sources.neurons, inhibited.neurons, transform=-np.ones((1, 100)), synapse=None)
    probe = nengo.Probe(inhibited.neurons)
with nengo_loihi.Simulator(net, target="sim", progress_bar=False) as sim:
    sim.run_steps(3000)
(block,) = sim.model.blocks
spikes = int((sim.data[probe] > 0).sum())
print(f"lowest voltage {int(block.compartment.vmin)}, spikes {spikes}")
raise SystemExit(spikes == 0)
PYTHON
"$folder/venv/bin/python" "$folder/lowest.py"
