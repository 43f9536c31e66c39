#!/usr/bin/env bash
# A synapse whose class replaces Lowpass' make_step, in Nengo and on NengoLoihi's emulated chip.
#
# Expected: NengoLoihi refuses a synapse that the chip does not have, as it refuses every synapse that
#   is no Lowpass ("Cannot handle non-Lowpass synapses"), or runs it as Nengo does.
# Found (nengo-loihi 1.1.0, nengo 3.2.0, numpy 1.23.5, Python 3.11): every subclass of Lowpass passes
#   its test by isinstance, and runs as a Lowpass of the same tau; make_step is never called. A
#   synapse that turns the sign round keeps the target silent in Nengo, and makes it fire on the chip.
# Output seen:
#   Nengo: 0 spikes
#   NengoLoihi: 82 spikes
# Exits with 1 if Nengo's target fires, or NengoLoihi's does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "setuptools<81" \
    nengo==3.2.0 nengo-loihi==1.1.0 numpy==1.23.5 scipy==1.10.1
cat > "$folder/synapse.py" <<'PYTHON'
import sys

import nengo
import nengo_loihi
import numpy as np

nengo.rc.set("decoder_cache", "enabled", "False")


class Negated(nengo.Lowpass):
    """Filters, and turns the sign round."""

    def make_step(self, *args, **kwargs):
        step = super().make_step(*args, **kwargs)
        return lambda t, signal: -step(t, signal)


spikes = {}
for name, simulator in (("Nengo", nengo.Simulator), ("NengoLoihi", nengo_loihi.Simulator)):
    with nengo.Network(seed=0) as network:
        network.config[nengo.Ensemble].neuron_type = nengo.SpikingRectifiedLinear(
            initial_state={"voltage": nengo.dists.Choice([0])}
        )
        a = nengo.Ensemble(1, 1, gain=[1], bias=[100])
        b = nengo.Ensemble(1, 1, gain=[1], bias=[0])
        nengo.Connection(a.neurons, b.neurons, transform=[[1]], synapse=Negated(0.005))
        probe = nengo.Probe(b.neurons)
    with simulator(network, progress_bar=False) as sim:
        sim.run_steps(1000)
    spikes[name] = int(np.rint(sim.data[probe].sum() * 0.001))
    print(f"{name}: {spikes[name]} spikes")
sys.exit(0 if spikes["Nengo"] == 0 and spikes["NengoLoihi"] > 0 else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/synapse.py"
