"""``compat="qualia"`` on converted Keras models: what goes into a layer, and comes out."""

from __future__ import annotations

from dataclasses import replace

import nengo
import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost import NetworkGraph, convert, measure
from nengo_spikecost.energy.peers.lemaire import PARTS, lemaire
from nengo_spikecost.energy.peers.lemaire.modules import dense_modules, spiking_modules
from nengo_spikecost.layers.keras_shapes import keras_shapes
from nengo_spikecost.workload.exact import count

from ...models import randomise
from .workloads import digital

layers = tf.keras.layers
STEPS = 10
N = 3


def measured(model, neuron_type=None, lower=False):
    """A converted model's workload, with its layers."""
    randomise(model)
    # variances are positive
    model.set_weights([abs(w) for w in model.get_weights()])
    conversion = convert(
        model,
        neuron_type=neuron_type or nengo.SpikingRectifiedLinear(),
        scale_firing_rates=100,
        lower=lower,
    )
    size = model.input_shape[1:]
    data = np.random.RandomState(0).uniform(0, 1, (N, *size)).astype("f4")
    activity = measure(conversion, data, STEPS, progress=False)
    workload = count(NetworkGraph(conversion), activity, conversion.layer_infos)
    return replace(workload, shapes=keras_shapes(model))


@pytest.fixture(scope="module")
def plain():
    """Convolution, normalization, ReLU, pooling, and two dense layers."""
    inp = x = tf.keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(4, 3, name="conv0")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(6, activation="relu", name="dense0")(x)
    x = layers.Dense(3, name="dense1")(x)
    return measured(tf.keras.Model(inp, x))


def by_name(workload):
    return {module.shape.name: module for module in spiking_modules(workload)}


def spikes(workload, layer):
    return sum(p.spikes for p in workload.populations if p.layer == layer)


def test_neurons_are_folded_into_the_layer_before_them(plain):
    found = by_name(plain)
    assert list(found) == ["conv0", "relu", "pool", "flat", "dense0", "dense1"]
    conv = found["conv0"]
    assert conv.neurons and conv.output.binary
    np.testing.assert_array_equal(conv.output.count, spikes(plain, "relu"))
    assert conv.output.size == 6 * 6 * 4 * STEPS
    assert conv.shape.n_biases == 4  # the normalization's


def test_inputs_are_graded(plain):
    found = by_name(plain)["conv0"].input
    assert not found.binary
    assert (found.count, found.size, found.rate) == (1280, 1280, 1)
    half = {m.shape.name: m for m in spiking_modules(plain, 0.5)}["conv0"].input
    assert half.rate == 0.5


def test_spikes_pass_poolings_and_flattens(plain):
    found = by_name(plain)["dense0"]
    assert found.input.binary
    np.testing.assert_array_equal(found.input.count, spikes(plain, "relu"))
    assert found.input.size == 3 * 3 * 4 * STEPS
    np.testing.assert_array_equal(found.output.count, spikes(plain, "dense0"))


def test_a_readout_has_no_neurons(plain):
    found = by_name(plain)["dense1"]
    assert not found.neurons and not found.output.binary
    np.testing.assert_array_equal(found.input.count, spikes(plain, "dense0"))


def test_a_readout_by_hand(plain):
    """Fully connected, 6 to 3, at 1.25 pJ an access and 8-bit operations."""
    estimate = lemaire(8, ram="new", compat="qualia").price(plain, digital(True))
    theta = spikes(plain, "dense0")
    stepwise = 3 * STEPS
    expected = {
        "potentials": 2 * (theta * 3 + stepwise) * 1.25,
        "weights": theta * 3 * 1.25,
        "biases": np.full(N, stepwise * 1.25),
        "io": theta * 1.25,
        "operations": (theta * 3 + stepwise) * 0.03,
        # the rate, not the spikes
        "addressing": theta / (6 * STEPS) * STEPS * 3 * 0.03,
    }
    parts_J = estimate.layer("dense1").parts_J
    for part in PARTS:
        np.testing.assert_allclose(1e12 * parts_J[part], expected[part], 1e-12, err_msg=part)


def test_what_the_tool_has_no_equation_for_is_listed(plain):
    for spiking in (True, False):
        estimate = lemaire(compat="qualia").price(plain, digital(spiking))
        assert [u.name for u in estimate.uncounted] == ["pool"]
        assert "AveragePooling2D" in estimate.uncounted[0].reason
        assert estimate.total_J.shape == (N if spiking else 1,)
    names = [module.shape.name for module in dense_modules(plain)]
    assert names == ["conv0", "relu", "pool", "flat", "dense0", "dense1"]


def test_the_leak_is_that_of_the_neurons():
    model = tf.keras.Sequential([tf.keras.Input((5,)), layers.Dense(4, activation="relu")])
    for neuron_type, leaky in ((nengo.LIF(), True), (nengo.SpikingRectifiedLinear(), False)):
        (module,) = spiking_modules(measured(model, neuron_type))
        assert module.leaky == leaky


def test_merged_spikes_are_added():
    inp = tf.keras.Input((6, 6, 2))
    a = layers.Conv2D(3, 3, padding="same", activation="relu", name="a")(inp)
    b = layers.Conv2D(3, 3, padding="same", activation="relu", name="b")(a)
    x = layers.Add(name="add")([a, b])
    x = layers.Conv2D(2, 3, activation="relu", name="c")(x)
    workload = measured(tf.keras.Model(inp, x))
    found = by_name(workload)
    both = spikes(workload, "a") + spikes(workload, "b")
    np.testing.assert_array_equal(found["c"].input.count, both)
    assert found["c"].input.binary
    assert found["add"].handled


def test_a_shared_layer_has_the_neurons_of_each_use():
    shared = layers.Dense(4, activation="relu", name="shared")
    inp = tf.keras.Input((4,))
    x = shared(shared(inp))
    workload = measured(tf.keras.Model(inp, x))
    first, second = (p.spikes for p in workload.populations)
    found = spiking_modules(workload)
    assert len(found) == 2 and {m.shape.layer for m in found} == {"shared"}
    np.testing.assert_array_equal(found[0].output.count, first)
    np.testing.assert_array_equal(found[1].input.count, first)
    np.testing.assert_array_equal(found[1].output.count, second)


def test_a_separable_convolution_has_neurons_behind_its_second_half():
    inp = tf.keras.Input((6, 6, 2))
    x = layers.SeparableConv2D(3, 3, activation="relu", name="separable")(inp)
    workload = measured(tf.keras.Model(inp, x))
    depthwise, pointwise = spiking_modules(workload)
    assert not depthwise.neurons and not depthwise.output.binary
    assert pointwise.neurons
    np.testing.assert_array_equal(pointwise.output.count, spikes(workload, "separable"))


def test_the_default_is_not_far_where_there_are_no_borders():
    """Dense layers alone: the corrected estimate differs by what is listed, and only by that."""
    model = tf.keras.Sequential(
        [
            tf.keras.Input((7,)),
            layers.Dense(6, activation="relu", name="a"),
            layers.Dense(5, activation="relu", name="b"),
        ]
    )
    workload = measured(model)
    options = {"ram": "old", "fifo_size": 64}
    exact = lemaire(8, **options).price(workload, digital(True)).layer("b").parts_J
    tool = lemaire(8, **options, compat="qualia").price(workload, digital(True)).layer("b").parts_J
    for part in ("potentials", "weights", "biases", "io", "operations"):
        np.testing.assert_allclose(exact[part], tool[part], 1e-12, err_msg=part)
    # the tool's rate in place of the spikes of 6 inputs
    np.testing.assert_allclose(exact["addressing"], 6 * tool["addressing"], 1e-12)
