"""Networks made of modules, priced on every device and fitted, from spikes and built matrices.

What a device takes is worked out from ``nengo.Simulator``'s spikes, the targets that the built
matrices give each neuron, and the device's own constants.
"""

from __future__ import annotations

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.energy import devices
from tests.native.brute_force import simulate, synapse_counts
from tests.native.module_networks import MODULES, build

pytest.importorskip("nengo_spa")
pytestmark = pytest.mark.filterwarnings(
    "ignore::nengo_spikecost.errors.EmulationWarning", "ignore:Could not create a semantic pointer"
)
N_STEPS = 15

#: Devices that take energy for synops and updates, and for nothing else.
PLAIN = ("loihi", "spinnaker2", "digital_snn")
#: Functions of Nodes: what they compute on the host can't be known.
FUNCTIONS = {"transcode": ["node #3"]}


NAMES = [
    name if name in ("arrays", "transcode", "neural_lmu", "product")
    else pytest.param(name, marks=pytest.mark.slow)
    for name in sorted(MODULES)
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_prices_of_modules_are_spikes_times_targets_times_constants(name):
    net = build(name)
    sim, spikes = simulate(net, N_STEPS)
    activity = nsc.measure(net, None, N_STEPS, simulator="nengo", progress=False)
    energy = nsc.NetworkEnergy(net, activity)
    workload = energy.workload()
    assert [part.name for part in workload.uncounted] == FUNCTIONS.get(name, [])
    routes = {p.connections: p for p in nsc.NetworkGraph(net).pathways if p.kind == "neural"}
    synops, left_out = 0, 0
    for route, targets in synapse_counts(net, sim).items():
        if route in routes:
            emitted = spikes[routes[route].pre.ensemble].sum(axis=0)
            synops += emitted @ targets
            # neurons whose decoders are 0, which no evaluation point drives: no graph can know
            left_out += (emitted * (routes[route].fan_out - targets)).sum()
    neurons = sum(own.shape[1] for own in spikes.values())
    for key in devices.names():
        device, priced = devices.get(key), energy.estimate(key)
        assert np.isfinite(priced.mean_J) and priced.mean_J > 0
        if not device.spiking:
            # a call at every step takes what it takes, and the arithmetic little
            drawn = priced.static.energy_J if priced.static else 0.0
            assert priced.mean_J - drawn < 1
            if device.step_time is not None:
                launches = (
                    workload.dense_layers * device.layer_time.value if device.layer_time else 0.0
                )
                seconds = N_STEPS * (device.step_time.value + launches)
                assert drawn == pytest.approx(device.static_power.value * seconds, rel=1e-9)
        if key in PLAIN:
            by_hand = (synops + left_out) * device.energy_per_synop_J
            by_hand += neurons * N_STEPS * device.energy_per_neuron_J
            assert priced.mean_J == pytest.approx(by_hand, rel=1e-9)
    assert left_out <= 0.2 * synops


@pytest.mark.parametrize("name", NAMES)
def test_modules_fit(name):
    """On at least as many cores as their neurons need, and no more than one for each block."""
    net = build(name)
    fit = nsc.loihi.fit_blocks(net, time_limit=30)
    cells = sum(ensemble.n_neurons for ensemble in net.all_ensembles)
    assert cells / 1024 <= fit.n_cores <= 128


def test_a_processor_that_can_not_keep_up_says_so():
    """A call takes longer than a step: no card draws the power that this comes to."""
    net = build("product")
    activity = nsc.measure(net, None, N_STEPS, simulator="nengo", progress=False)
    energy = nsc.NetworkEnergy(net, activity)
    priced = energy.estimate("gpu_single")
    assert priced.static.seconds > priced.ran_s
    ratio = priced.static.seconds / (priced.ran_s)
    text = " ".join(str(priced).split())
    assert f"For a second of this network gpu_single takes {ratio:.3g} s" in text
    assert "For a second" not in str(energy.estimate("gpu"))
