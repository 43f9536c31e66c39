"""Converted Keras models, lowered: the same rates, and no relays between neurons."""

from __future__ import annotations

import nengo
import nengo_loihi
import numpy as np
import pytest
import tensorflow as tf
from nengo.ensemble import Neurons

from nengo_spikecost.conversion import convert
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.lowering import lower

from .architectures import ARCHITECTURES, model
from .comparison import assert_same_rates, assert_unchanged, snapshot, synapses


def converted(name):
    return convert(model(name), neuron_type="RectifiedLinear", synapse=0.005, lower=False)


def neural_connections(network):
    """Connections to neurons from anything but data."""
    return [
        c
        for c in network.all_connections
        if isinstance(c.post_obj, Neurons) and isinstance(c.pre_obj, Neurons)
    ]


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_same_rates(name):
    conversion = converted(name)
    before = snapshot(conversion.net)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    assert_unchanged(conversion.net, before)
    assert_same_rates(conversion.net, lowering, conversion.input_nodes)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_form(name):
    conversion = converted(name)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    found = neural_connections(lowering.network)
    assert {type(c.transform).__name__ for c in found} <= ARCHITECTURES[name][1]
    for conn in lowering.network.all_connections:
        if isinstance(conn.post_obj, Neurons):
            assert not (isinstance(conn.pre_obj, nengo.Node) and conn.pre_obj.output is None)
    assert not [change for change in lowering.changes if change.kind == "left"]


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_same_synapses(name):
    conversion = converted(name)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    before, after = synapses(conversion.net), synapses(lowering.network)
    assert before.keys() == after.keys()
    for key, count in after.items():
        # Two routes between the same two are two sets of synapses before, one after.
        assert count <= before[key]
        routes = [p for p in NetworkGraph(conversion.net).pathways if p.kind == "neural"]
        if sum((p.pre.name, p.post.name) == key for p in routes) == 1:
            assert count == before[key]


@pytest.mark.parametrize("name", ["average_pooling", "residual", "upsampling", "grouped"])
def test_runs_on_the_emulator(name):
    """NengoLoihi refuses each of these as NengoDL converts them, and runs them lowered."""
    conversion = convert(
        model(name), neuron_type="LoihiSpikingRectifiedLinear", synapse=0.005, lower=False,
        scale_firing_rates=400,
    )  # fmt: skip
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    net, new = lowering.network, lowering.objects
    (image,) = conversion.input_nodes
    new[image].output = np.random.RandomState(0).uniform(0, 1, image.size_out)
    nengo_loihi.add_params(net)
    net.config[new[conversion.layers["first"].ensemble]].on_chip = False
    ensembles = [obj for obj in new.values() if isinstance(obj, nengo.Ensemble)]
    with net:
        probes = [nengo.Probe(ensemble.neurons) for ensemble in ensembles]
    with nengo_loihi.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(40)
        assert all(np.any(sim.data[probe]) for probe in probes)


def test_mobile_net():
    """A MobileNetV2, small: depthwise and linear layers, residual additions, ReLU6."""
    tf.keras.utils.set_random_seed(0)
    keras_model = tf.keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None)
    rng = np.random.RandomState(0)
    for layer in keras_model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            shapes = [weights.shape for weights in layer.get_weights()]
            layer.set_weights([rng.uniform(0.5, 1.5, shape) for shape in shapes])
    conversion = convert(keras_model, neuron_type="RectifiedLinear", lower=False)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    for conn in neural_connections(lowering.network):
        # On images of one position a depthwise layer is one number a channel.
        diagonal = isinstance(conn.transform, nengo.Dense) and conn.transform.init.ndim < 2
        assert diagonal or isinstance(conn.transform, nengo.Convolution)
    assert not [change for change in lowering.changes if change.kind == "left"]
    assert_same_rates(
        conversion.net, lowering, conversion.input_nodes, steps=1, simulators=("nengo",)
    )


@pytest.mark.parametrize("name", ["add_to_dense", "upsampling", "max_pooling"])
def test_lowered_twice(name):
    conversion = converted(name)
    once = lower(conversion.net, keep=conversion.input_nodes)
    inputs = [once.objects[node] for node in conversion.input_nodes]
    twice = lower(once.network, keep=inputs)
    assert str(twice) == "Lowering: nothing changed"
    assert len(twice.network.all_objects) == len(once.network.all_objects)
