"""Activations against Keras: populations of ReLU neurons, sums of them, and the host."""

from __future__ import annotations

import nengo
import nengo_dl
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion import HostNode
from tests.conversion.agreement import (
    assert_same,
    check_layers,
    predictions,
    random_inputs,
    random_weights,
    with_nengo_dl,
)

keras = tf.keras
layers = tf.keras.layers


def activation_layers():
    return [
        layers.ReLU(),
        layers.ReLU(max_value=0.7),
        layers.ReLU(max_value=1.0, negative_slope=0.2),
        layers.ReLU(negative_slope=0.3),
        layers.LeakyReLU(0.1),
        layers.LeakyReLU(0.0),
        layers.PReLU(),
        layers.PReLU(shared_axes=[1]),
        layers.Activation("relu"),
        layers.Activation("relu6"),
        layers.Activation(tf.nn.relu6),
        layers.Activation(tf.nn.leaky_relu),
        layers.Activation("hard_sigmoid"),
        layers.Activation("linear"),
        layers.Activation("softmax"),
        layers.Softmax(axis=1),
        layers.Softmax(axis=(1, 2)),
    ]


@pytest.mark.parametrize("scale", [1, 30])
def test_layers(scale):
    inputs = [4 * np.random.RandomState(0).normal(size=(3, 4, 6)).astype("f4")]
    check_layers(activation_layers(), (4, 6), inputs=inputs, scale_firing_rates=scale)


def test_sigmoid_and_tanh():
    """NengoDL has these; Nengo itself has no Tanh with this time constant."""
    check_layers([layers.Activation("sigmoid"), layers.Activation("tanh")], (6,))


@pytest.mark.parametrize(
    "activation",
    ["relu6", tf.nn.leaky_relu, layers.LeakyReLU(0.1), layers.ReLU(2.0), "hard_sigmoid", "softmax"],
    # without the addresses of objects: processes that share the tests must agree on names
    ids=["relu6", "leaky_relu", "LeakyReLU", "ReLU", "hard_sigmoid", "softmax"],
)
def test_in_layers_with_biases(activation):
    """Biases and the scale of the firing rates act on all populations of a layer."""
    made = [
        layers.Conv2D(3, 2, activation=activation),
        layers.DepthwiseConv2D(2, activation=activation),
        layers.Dense(5, activation=activation),
    ]
    conversion = check_layers(made, (4, 4, 2), scale_firing_rates=25)
    for ensemble in conversion.net.all_ensembles:
        assert ensemble.gain.options == [25]
    if activation == "softmax":
        assert not conversion.net.all_ensembles
        assert sum(isinstance(n, HostNode) for n in conversion.net.all_nodes) == 3
    else:
        # biases are in the neurons: the only Nodes are the input, and two relays a layer
        assert len(conversion.net.all_nodes) == 1 + 2 * 3


@pytest.mark.parametrize("name", ["LoihiSpikingRectifiedLinear", "LIF", "SpikingRectifiedLinear"])
def test_populations_are_of_the_chosen_type(name):
    inp = keras.Input((4,))
    model = keras.Model(inp, layers.Dense(3, activation="relu6", name="d")(inp))
    conversion = nsc.convert(model, neuron_type=name, synapse=0.01)
    ensembles = conversion.net.all_ensembles
    assert [ens.label for ens in ensembles] == ["d.1.positive", "d.1.excess"] or len(ensembles) == 2
    assert {type(ens.neuron_type).__name__ for ens in ensembles} == {name}
    assert {conversion.layer_names[ens] for ens in ensembles} == {"d"}
    for conn in conversion.net.all_connections:
        from_neurons = isinstance(conn.pre_obj, nengo.ensemble.Neurons)
        assert conn.synapse == (nengo.Lowpass(0.01) if from_neurons else None)


@pytest.mark.parametrize("neurons", [nengo_dl.LeakyReLU, nengo_dl.SpikingLeakyReLU])
def test_leaky_neurons_on_request(neurons):
    """One population with the slope of the layer, where the neuron type can leak."""
    inp = keras.Input((4,))
    model = keras.Model(inp, layers.LeakyReLU(0.15)(inp))
    for options in ({"neuron_type": neurons()}, {"swap_activations": {
        nengo_dl.LeakyReLU(negative_slope=0.15): neurons(negative_slope=0.15)
    }}):  # fmt: skip
        conversion = nsc.convert(model, **options)
        (ensemble,) = conversion.net.all_ensembles
        assert isinstance(ensemble.neuron_type, neurons)
        assert ensemble.neuron_type.negative_slope == pytest.approx(0.15)


def test_leaky_neurons_compute_the_same():
    inp = keras.Input((4,))
    model = random_weights(keras.Model(inp, layers.Dense(5, activation=layers.LeakyReLU(0.2))(inp)))
    assert_same(model, neuron_type=nengo_dl.LeakyReLU(), scale_firing_rates=10)


def test_swapped_activations():
    inp = keras.Input((4,))
    x = layers.Dense(5, activation="gelu")(inp)
    model = random_weights(keras.Model(inp, layers.Dense(3, activation="elu")(x)))
    plain = random_weights(
        keras.Model(inp, layers.Dense(3, activation="relu6")(layers.Dense(5, "relu")(inp)))
    )
    swaps = {tf.keras.activations.gelu: tf.nn.relu, tf.keras.activations.elu: tf.nn.relu6}
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", swap_activations=swaps)
    inputs = random_inputs(model)
    found, wanted = with_nengo_dl(conversion, inputs)[0], predictions(plain, inputs)[0]
    np.testing.assert_allclose(found, wanted, atol=1e-5)  # float32


def test_scale_does_not_touch_neurons_without_amplitude():
    inp = keras.Input((4,))
    hidden = layers.Dense(3, activation="tanh", name="d")(inp)  # as a head it would be the host's
    model = random_weights(keras.Model(inp, layers.Dense(2)(hidden)))
    with pytest.warns(nsc.errors.ConversionWarning, match="'d': scale_firing_rates has no effect"):
        assert_same(model, "nengo_dl", scale_firing_rates=100)


@pytest.mark.parametrize("activation", ["relu", "relu6", None, "softmax"])
def test_training(activation):
    """Every weight and bias of Keras is one that NengoDL trains, and counts once."""
    inp = x = keras.Input((4, 4, 2))
    x = layers.Conv2D(3, 2, activation=activation)(x)
    x = layers.DepthwiseConv2D(2, activation=activation)(x)
    x = layers.Dense(4, activation=activation)(x)
    x = layers.Dense(5, activation=activation)(layers.Flatten()(x))
    model = random_weights(keras.Model(inp, x))
    conversion = assert_same(model, "nengo_dl", inference_only=False, scale_firing_rates=5)
    with nengo_dl.Simulator(conversion.net, progress_bar=False) as sim:
        found = sum(np.prod(w.shape) for w in sim.keras_model.trainable_weights)
    assert found == sum(np.prod(w.shape) for w in model.trainable_weights)
