#!/usr/bin/env bash
# Two Connections to the same population, where the last neuron before the first reaches nothing.
#
# Expected: NengoLoihi's emulator runs the network, and its allocators put it on a core.
# Found (nengo-loihi 1.1.0, nengo 3.2.0, numpy 1.23.5, Python 3.11): the emulator does, and the
#   allocators do not: Core.add_synapse in hardware/nxsdk_objects.py numbers axons on from the last of
#   the set of synapses before, which is None where no weight is behind it.
# Output seen:
#   emulated: 15 spikes
#   allocated: TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'
# Exits with 1 if NengoLoihi has become right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "setuptools<81" \
    nengo==3.2.0 nengo-loihi==1.1.0 numpy==1.23.5 scipy==1.10.1
cat > "$folder/unread.py" <<'PYTHON'
import warnings

import nengo
import nengo_loihi
import numpy as np
from nengo_loihi.hardware.allocators import Greedy

warnings.simplefilter("ignore")
with nengo.Network(seed=0) as net:
    nengo_loihi.add_params(net)
    equal = {"neuron_type": nengo.SpikingRectifiedLinear(), "gain": np.ones(2)}
    sources = nengo.Ensemble(2, 1, bias=np.full(2, 1000.5), **equal)  # fire in every step
    net.config[sources].on_chip = False
    post = nengo.Ensemble(2, 1, bias=np.zeros(2), **equal)
    first = nengo.Sparse((2, 2), indices=[(0, 0)], init=[1.0])  # nothing of neuron 1
    nengo.Connection(sources.neurons, post.neurons, transform=first, synapse=None)
    nengo.Connection(sources.neurons, post.neurons, transform=np.eye(2), synapse=None)
    probe = nengo.Probe(post.neurons)
with nengo_loihi.Simulator(net, target="sim", progress_bar=False) as sim:
    sim.run_steps(11)
print(f"emulated: {int((sim.data[probe] > 0).sum())} spikes")
try:
    Greedy()(sim.model, n_chips=1)
except TypeError as error:
    print(f"allocated: TypeError: {error}")
    raise SystemExit(0)
raise SystemExit(1)
PYTHON
"$folder/venv/bin/python" "$folder/unread.py"
