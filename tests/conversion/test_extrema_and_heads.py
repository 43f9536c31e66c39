"""Maximum, Minimum, CenterCrop, and sigmoid heads, against Keras; and on the chip."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion import HostNode
from nengo_spikecost.errors import ConversionError, NetworkGraphError
from nengo_spikecost.graph.off_chip import mark_off_chip
from nengo_spikecost.loihi import check_support
from tests.conversion.agreement import assert_owned_and_counted, assert_same, random_weights

keras, layers = tf.keras, tf.keras.layers


@pytest.mark.parametrize("kind", ["Maximum", "Minimum"])
@pytest.mark.parametrize("shapes", [[(4, 3), (4, 3)], [(4, 3), (1, 3)], [(4, 3)] * 4])
def test_extrema(kind, shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    model = random_weights(keras.Model(inputs, layers.Dense(2)(getattr(layers, kind)()(inputs))))
    for options in ({}, {"lower": True}, {"scale_firing_rates": 20}):
        assert_owned_and_counted(assert_same(model, **options))
    hidden = [layers.Dense(3, activation="relu")(x) for x in inputs]
    joined = getattr(layers, kind)(name="joined")(hidden)
    model = random_weights(keras.Model(inputs, layers.Dense(2, activation="relu")(joined)))
    conversion = nsc.convert(model)
    # relu(b - a) in neurons of the chip, one population for each tensor after the first
    assert conversion.lowering is not None
    found = [e for e, owner in conversion.layer_names.items() if owner == "joined"]
    neurons = sum(getattr(e, "n_neurons", 0) for e in found)
    assert neurons == 12 * (len(shapes) - 1)


def test_extrema_run_on_the_chip():
    inp = keras.Input((6,))
    first = layers.Dense(8, activation="relu")(inp)
    a, b = (layers.Dense(5, activation="relu")(first) for _ in range(2))
    out = layers.Dense(4, activation="relu", name="after")(layers.Maximum()([a, b]))
    model = random_weights(keras.Model(inp, layers.Dense(2)(out)))
    conversion = nsc.convert(model, neuron_type="LoihiSpikingRectifiedLinear",
                             scale_firing_rates=100, synapse=0.005)  # fmt: skip
    assert not check_support(conversion)
    x = np.random.RandomState(0).uniform(0, 1, (2, 6)).astype("f4")
    activity = nsc.measure(conversion, x, 60, simulator="loihi", progress=False)
    assert all(p.counts.sum() for p in activity.populations.values())


@pytest.mark.parametrize(
    "shape, size", [((7, 6, 2), (4, 3)), ((5, 5, 1), (5, 2)), ((6, 8, 3), (1, 1))]
)
def test_center_crop(shape, size):
    inp = keras.Input(shape)
    assert_same(keras.Model(inp, layers.CenterCrop(*size)(inp)))
    with pytest.raises(ConversionError, match="smaller than 9 x 3, so that it would resize"):
        nsc.convert(keras.Model(inp, layers.CenterCrop(9, 3)(inp)))


def heads(conversion):
    nodes = [node for node in conversion.net.all_nodes if isinstance(node, HostNode)]
    return sorted(node.function.name for node in nodes)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_heads_are_the_hosts(name):
    inp = keras.Input((4,))
    x = layers.Dense(5, activation="relu")(inp)
    models = {
        "dense": layers.Dense(1, activation=name)(x),
        "activation": layers.Activation(name)(layers.Dense(2)(x)),
        "reshaped": layers.Flatten()(layers.Reshape((1, 2))(layers.Dense(2, activation=name)(x))),
        "nested": keras.Sequential([keras.Input((5,)), layers.Dense(3, activation=name)])(x),
        "two": [layers.Dense(1, activation=name)(x), layers.Dense(2, activation="softmax")(x)],
    }
    for label, outputs in models.items():
        model = random_weights(keras.Model(inp, outputs))
        conversion = assert_same(model, label=label)
        wanted = [name, "softmax"] if label == "two" else [name]
        assert heads(conversion) == sorted(wanted), label
        assert heads(nsc.convert(model)) == sorted(wanted), label
        spiking = {type(e.neuron_type).__name__ for e in nsc.convert(model).net.all_ensembles}
        assert spiking == {"SpikingRectifiedLinear"}
        swapped = nsc.convert(model, swap_activations={name: nengo.LIF()})
        assert heads(swapped) == wanted[1:]


def test_what_is_no_head_has_neurons():
    inp = keras.Input((4,))
    x = layers.Dense(5, activation="sigmoid", name="hidden")(inp)
    for outputs in (layers.Dense(2)(x), [x, layers.Dense(2)(x)], layers.Dense(2, "relu")(x)):
        conversion = assert_same(random_weights(keras.Model(inp, outputs)), "nengo_dl")
        assert heads(conversion) == [] and "Sigmoid" in conversion.neuron_counts


def test_a_conversion_is_marked_off_chip():
    inp = keras.Input((4,))
    x = layers.Dense(5, activation="relu", name="a")(inp)
    model = keras.Model(inp, layers.Dense(3, activation="relu", name="b")(x))
    for chosen in (["b"], [nsc.convert(model).layers["b"]]):
        conversion = nsc.convert(model)
        chosen = chosen if isinstance(chosen[0], str) else [conversion.layers["b"]]
        mark_off_chip(conversion, chosen)
        ensemble = conversion.layers["b"].ensemble
        assert conversion.net.config[ensemble].on_chip is False
        mark_off_chip(conversion.net, [ensemble])
    with pytest.raises(NetworkGraphError, match="c is no Ensemble of"):
        mark_off_chip(conversion, ["c"])
    with pytest.raises(NetworkGraphError, match=r"write \['b'\]"):
        mark_off_chip(conversion, "b")
