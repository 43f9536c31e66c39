"""`measure` on the emulated chip, against NengoLoihi's own simulator, spike for spike."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from tests.loihi import test_architectures as architectures
from tests.loihi.networks import emulate
from tests.loihi.test_emulation import nef_network, recurrent_network

loihi = stack.nengo_loihi()
FAMILIES = ["conv_with_bias", "residual_with_projection", "depthwise_conv", "several_outputs"]


def converted(name, **options):
    options = {"neuron_type": "LoihiSpikingRectifiedLinear", "synapse": 0.005, **options}
    model = architectures.make_model(architectures.ARCHITECTURES[name])
    return nsc.convert(model, scale_firing_rates=architectures.SCALE, **options)


def images(n, seed=0):
    return np.random.RandomState(seed).uniform(0.2, 1, (n, 6, 6, 1))


def assert_same(found, expected):
    assert set(found.populations) == set(expected.populations)
    for name, record in expected.populations.items():
        assert record.spiking == found.populations[name].spiking
        np.testing.assert_array_equal(found.populations[name].counts, record.counts, err_msg=name)
    for name, output in expected.outputs.items():
        np.testing.assert_array_equal(found.outputs[name].last, output.last, err_msg=name)
        # the same float64 values, added up in chunks of other lengths
        np.testing.assert_allclose(found.outputs[name].mean, output.mean, rtol=1e-6, err_msg=name)


def both(network, data, n_steps, **options):
    """The emulation, held equal to NengoLoihi's simulator."""
    found = nsc.measure(network, data, n_steps, simulator="loihi", **options)
    expected = nsc.measure(network, data, n_steps, simulator="nengo_loihi", **options)
    assert_same(found, expected)
    assert expected.chip is None and found.protocol.simulator == "loihi"
    return found


@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
@pytest.mark.parametrize("name", FAMILIES)
def test_converted_models(name, presentation):
    conversion = converted(name)
    activity = both(conversion, images(3), 20, presentation=presentation)
    assert activity.chip.spikes.sum() > 0
    assert list(activity.outputs) == list(conversion.outputs)
    assert set(activity.chip.layers) <= {p.layer for p in nsc.NetworkGraph(conversion).populations}


@pytest.mark.parametrize(
    "net",
    [recurrent_network(nengo.LIF(tau_ref=0.003)), nef_network(), nef_network(feedback=True)],
    ids=["recurrent", "decoded", "decoded with feedback"],
)
def test_native_networks(net):
    activity = both(net, None, 50)
    # and NengoLoihi itself, of this network with Probes in it and none around it
    populations = nsc.NetworkGraph(net).populations
    with net:
        probes = {p.name: nengo.Probe(p.ensemble.neurons, synapse=None) for p in populations}
    sim = emulate(net, 50)
    for population in populations:
        height = 1000 * getattr(population.neuron_type, "amplitude", 1)
        spikes = np.round(sim.data[probes[population.name]] / height).sum(axis=0)
        np.testing.assert_array_equal(activity.populations[population.name].counts[0], spikes)
