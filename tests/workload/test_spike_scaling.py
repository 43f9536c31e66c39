"""Workloads with more or fewer spikes, and what is known of the synapses besides their number."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_spikecost import NetworkGraph, measure
from nengo_spikecost.workload.exact import count

STEPS = 20


@pytest.fixture(scope="module")
def workload():
    """A convolution between spiking neurons, an NEF Connection, and a readout."""
    conv = nengo.Convolution(2, (4, 4, 1), kernel_size=(3, 3), init=np.ones((3, 3, 1, 2)))
    with nengo.Network(seed=0) as net:
        data = nengo.Node(np.linspace(0, 1, 16), label="data")
        relu = nengo.SpikingRectifiedLinear()
        gain, bias = nengo.dists.Choice([100]), nengo.dists.Choice([0])
        a = nengo.Ensemble(16, 1, neuron_type=relu, label="a", gain=gain, bias=bias)
        b = nengo.Ensemble(conv.size_out, 1, neuron_type=nengo.LIF(), label="b")
        c = nengo.Ensemble(5, 1, label="c")
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(data, a.neurons, synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=conv)
        nengo.Connection(b, c)
        nengo.Connection(c, out)
    activity = measure(net, None, STEPS, simulator="nengo", progress=False)
    return count(NetworkGraph(net), activity)


def by_ends(workload):
    return {(p.name.split(" -> ")[0], p.name.split(" -> ")[1]): p for p in workload.pathways}


def test_weights_are_counted_as_stored(workload):
    found = by_ends(workload)
    conv, decoded = found["a", "b"], found["b", "c"]
    # 3x3 kernel, one channel to two; valid: 2x2 places, each sees all 9
    assert (conv.n_synapses, conv.n_weights, conv.shared) == (72, 18, True)
    assert (conv.n_sources, conv.n_targets) == (16, 8)
    assert (decoded.n_synapses, decoded.n_weights, decoded.shared) == (40, 40, False)


def test_events_are_counted_off_the_chip_too(workload):
    found = by_ends(workload)
    populations = {p.name: p for p in workload.populations}
    for (pre, _), pathway in found.items():
        if pre == "data":
            assert pathway.source_spikes is None and pathway.events is None
        else:
            np.testing.assert_array_equal(pathway.source_spikes, populations[pre].spikes)
    assert np.array_equal(found["a", "b"].events, found["a", "b"].synops)
    readout = found["c", "out"]
    # one value is decoded, from every neuron
    assert readout.synops is None
    np.testing.assert_array_equal(readout.events, populations["c"].spikes)


def test_what_neurons_add_and_lose(workload):
    found = {p.name: (p.has_bias, p.leaky) for p in workload.populations}
    assert found == {"a": (False, False), "b": (True, True), "c": (True, True)}


@pytest.mark.parametrize("device", ["loihi", "spinnaker"])
def test_energy_is_affine_in_spikes(workload, device):
    from nengo_spikecost.energy import devices
    from nengo_spikecost.energy.per_operation import price

    def total(factor):
        return price(workload.with_spikes(factor), devices.get(device)).mean_J

    silent, once, twice = total(0), total(1), total(2)
    assert 0 < silent < once
    # floating-point sums of a few terms
    assert twice - once == pytest.approx(once - silent, rel=1e-12)
    populations = sum(p.updates for p in workload.populations)
    updates_J = populations * devices.get(device).energy_per_neuron_J
    if device == "loihi":  # where weights are factored, encoders work without spikes
        assert silent == pytest.approx(updates_J, rel=1e-12)
    else:
        assert silent > updates_J


def test_the_same_spikes_are_the_same_workload(workload):
    assert workload.with_spikes(1) is workload
