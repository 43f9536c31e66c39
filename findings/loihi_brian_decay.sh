#!/usr/bin/env bash
# One neuron and one spike, with the same weight and decays, on two emulators of Loihi that compute in whole
# numbers. The current has a decay of 0.
#
# Expected: the same currents, voltages and spikes; the current stays as it is.
# Found (brian2-loihi 0.5.2, brian2 2.9.0, nengo-loihi 1.1.0, nengo 3.2.0, numpy 1.23.5, Python 3.11): equal decays
#   of the voltage mean the same in both, equal decays of the current do not. NengoLoihi's decay_u is the chip's
#   register, 0 to 4095, to which 1 is added; Brian2Loihi's decay_I is the sum, "0...4096", and neither says so.
#   With decay_I = decay_u + 1 they agree in every step, to the last bit.
# Output seen:
#   decay_I = decay_u: 1,998 currents and 1,982 voltages of 2,000 differ; 102 and 142 spikes; last current 9,270 and 16,256
#   decay_I = decay_u + 1: 0 currents and 0 voltages of 2,000 differ; 102 and 102 spikes; last current 9,270 and 9,270
# Exits with 1 if this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "setuptools<81" \
    brian2==2.9.0 brian2-loihi==0.5.2 nengo==3.2.0 nengo-loihi==1.1.0 numpy==1.23.5 scipy==1.10.1
cat > "$folder/script.py" <<'PYTHON'
import brian2
import brian2_loihi
import numpy as np
from nengo_loihi.block import Axon, LoihiBlock, Synapse
from nengo_loihi.builder import Model
from nengo_loihi.builder.discretize import discretize_model
from nengo_loihi.emulator import EmulatorInterface
from nengo_loihi.inputs import SpikeInput
from nengo_loihi.probe import LoihiProbe

brian2.prefs.codegen.target = "numpy"
N_STEPS, THRESHOLD, WEIGHT, DECAY_U, DECAY_V = 2000, 3000, 254, 0, 100
times = np.array([1])


def in_nengo():
    model, source, block = Model(), SpikeInput(1), LoihiBlock(1)
    for time in times:
        source.add_spikes(time, [0], permanent=True)
    block.compartment.configure_relu()
    block.compartment.configure_filter(0.1)
    synapse, axon = Synapse(1), Axon(1)
    synapse.set_weights(np.ones((1, 1)))  # becomes 254, the largest
    block.add_synapse(synapse)
    axon.target = synapse
    source.add_axon(axon)
    model.add_input(source)
    model.add_block(block)
    probes = [LoihiProbe(target=block, key=key) for key in ("current", "voltage", "spiked")]
    for probe in probes:
        model.add_probe(probe)
    discretize_model(model)
    block.compartment.decay_u[:], block.compartment.decay_v[:] = DECAY_U, DECAY_V
    block.compartment.vth[:], block.compartment.vmin = 64 * THRESHOLD, -(2**22)
    with EmulatorInterface(model) as emulator:
        emulator.run_steps(N_STEPS)
        return [np.ravel(emulator.collect_probe_output(probe)) for probe in probes]


def in_brian(decay):
    brian2.start_scope()
    source = brian2_loihi.LoihiSpikeGeneratorGroup(1, [0] * len(times), times.tolist())
    neuron = brian2_loihi.LoihiNeuronGroup(1, threshold_v_mant=THRESHOLD, decay_v=DECAY_V, decay_I=decay)
    synapse = brian2_loihi.LoihiSynapses(source, neuron)
    synapse.connect()
    synapse.w = WEIGHT
    states = [brian2_loihi.LoihiStateMonitor(neuron, name) for name in ("I", "v")]
    spikes = brian2_loihi.LoihiSpikeMonitor(neuron)
    brian2_loihi.LoihiNetwork(source, neuron, synapse, spikes, *states).run(N_STEPS)
    return states[0].I[0][:N_STEPS], states[1].v[0][:N_STEPS], len(spikes.t)


current, voltage, spiked = in_nengo()
others = {}
for name, decay in (("decay_u", DECAY_U), ("decay_u + 1", DECAY_U + 1)):
    own_current, own_voltage, n_spikes = in_brian(decay)
    others[name] = int((current != own_current).sum()), int((voltage != own_voltage).sum())
    print(
        "decay_I = {}: {:,} currents and {:,} voltages of 2,000 differ;".format(name, *others[name]),
        f"{int(spiked.sum())} and {n_spikes} spikes; last current {current[-1]:,.0f} and {own_current[-1]:,.0f}",
    )
assert min(others["decay_u"]) > 1000 and others["decay_u + 1"] == (0, 0)
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore "$folder/script.py" 2> "$folder/errors.txt" || { tail -3 "$folder/errors.txt"; exit 1; }
