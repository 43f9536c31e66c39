"""Pooling against Keras: averages, and what max pooling can become."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost import NetworkGraph
from nengo_spikecost.conversion import HostNode
from nengo_spikecost.conversion.layer_functions import MaxPool, Softmax
from nengo_spikecost.errors import ConversionWarning
from tests.conversion.agreement import (
    assert_same,
    check_layers,
    predictions,
    random_inputs,
    random_weights,
    with_nengo_dl,
)
from tests.models import randomise

keras = tf.keras
layers = tf.keras.layers

PADDINGS = ("valid", "same")
SIZES = [(2, None), (3, 2), ((3, 2), (1, 3)), (2, 1), (4, 3)]
ON_HOST = pytest.mark.filterwarnings("ignore:These layers are computed exactly")


def test_average_pooling():
    made = [
        layers.AveragePooling2D(size, strides, padding=padding)
        for (size, strides), padding in itertools.product(SIZES, PADDINGS)
    ]
    made += [layers.GlobalAveragePooling2D(), layers.GlobalAveragePooling2D(keepdims=True)]
    check_layers(made, (7, 5, 3))


def test_average_pooling_of_one_and_three_axes():
    made = [layers.AveragePooling1D(3, 2, padding=padding) for padding in PADDINGS]
    check_layers([*made, layers.GlobalAveragePooling1D()], (8, 3))
    made = [layers.AveragePooling3D(2, padding=padding) for padding in PADDINGS]
    check_layers([*made, layers.GlobalAveragePooling3D()], (3, 4, 5, 2), "nengo_dl")


def test_average_pooling_is_counted_channel_by_channel():
    conversion = check_layers([layers.AveragePooling2D(2, name="pool")], (4, 4, 3))
    (pathway,) = NetworkGraph(conversion).pathways
    assert (pathway.fan_out == 1).all()


@ON_HOST
def test_max_pooling():
    made = [
        layers.MaxPool2D(size, strides, padding=padding)
        for (size, strides), padding in itertools.product(SIZES, PADDINGS)
    ]
    made += [layers.GlobalMaxPool2D(), layers.GlobalMaxPool2D(keepdims=True)]
    conversion = check_layers(made, (7, 5, 3))
    assert all(choice.exact and choice.on_host for choice in conversion.choices)
    assert [choice.layer for choice in conversion.choices] == [layer.name for layer in made]


@ON_HOST
def test_max_pooling_of_one_and_three_axes():
    made = [layers.MaxPool1D(3, 2, padding=padding) for padding in PADDINGS]
    check_layers([*made, layers.GlobalMaxPool1D()], (8, 3))
    made = [layers.MaxPool3D(2, padding=padding) for padding in PADDINGS]
    check_layers([*made, layers.GlobalMaxPool3D()], (3, 4, 5, 2))


@pytest.mark.parametrize("padding", PADDINGS)
def test_other_than_exact(padding):
    inp = keras.Input((7, 5, 3))
    models = [
        keras.Model(inp, [pool(3, 2, padding=padding, name="pool")(inp), whole(name="all")(inp)])
        for pool, whole in [
            (layers.MaxPool2D, layers.GlobalMaxPool2D),
            (layers.AveragePooling2D, layers.GlobalAveragePooling2D),
        ]
    ]
    inputs = random_inputs(models[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConversionWarning)  # it was asked for
        average = nsc.convert(models[0], max_pooling="average")
        strided = nsc.convert(models[0], max_pooling="strided")
    for found, wanted in zip(with_nengo_dl(average, inputs), predictions(models[1], inputs)):
        np.testing.assert_allclose(found, wanted, atol=1e-5)  # float32
    found, corner = with_nengo_dl(strided, inputs)
    first = inputs[0][:, ::2, ::2]
    first = first if padding == "same" else first[:, :3, :2]
    np.testing.assert_array_equal(found, first.reshape(3, -1))
    np.testing.assert_array_equal(corner, inputs[0][:, 0, 0])
    for conversion, choice in ((average, "average"), (strided, "first element")):
        assert [c.layer for c in conversion.choices] == ["pool", "all"]
        assert all(choice in c.choice and not c.exact for c in conversion.choices)
    assert not NetworkGraph(strided).uncounted


def test_the_host_is_spoken_of():
    inp = x = keras.Input((6, 6, 1))
    x = layers.Conv2D(3, 3, activation="relu", name="conv")(x)
    x = layers.MaxPool2D(2, name="pool")(x)
    x = layers.Dense(4, activation="softmax", name="out")(layers.Flatten()(x))
    model = random_weights(keras.Model(inp, x))
    said = (
        "on the host: pool, and so are neurons that take their values; max_pooling='average' .* "
        "max_pooling='strided'"
    )
    with pytest.warns(ConversionWarning, match=said):
        conversion = nsc.convert(model, synapse=0.005, max_pooling="exact")
    assert [(c.layer, c.on_host) for c in conversion.choices] == [("pool", True), ("out", True)]
    pool = conversion.layers["pool"]
    assert isinstance(pool, HostNode)
    assert pool.operations == 2 * 2 * 3 * 3
    (incoming,) = (c for c in conversion.net.all_connections if c.post_obj is pool)
    assert incoming.synapse.tau == 0.005  # it comes from neurons
    (outgoing,) = (c for c in conversion.net.all_connections if c.pre_obj is pool)
    assert outgoing.synapse is None


def test_host_functions_do_the_same_in_both_forms():
    rng = np.random.RandomState(0)
    functions = [
        MaxPool((7, 5, 3), (3, 2), (2, 1), padding, last)
        for padding, last in itertools.product(PADDINGS, (True, False))
        if last
    ]
    functions += [MaxPool((3, 7, 5), (3, 2), (2, 1), padding, False) for padding in PADDINGS]
    functions += [Softmax((4, 3)), Softmax((4, 3), (0, 1)), Softmax((4, 3), (0,))]
    for function in functions:
        x = rng.normal(size=(2, *function.shape_in)).astype("f4")
        batch = function.of_batch(tf.constant(x)).numpy()
        assert batch.shape[1:] == function.shape_out
        for sample, found in zip(x, batch):
            np.testing.assert_allclose(function.of_sample(sample), found, rtol=1e-6)  # float32


@ON_HOST
def test_gradients_pass_the_host():
    """NengoDL can train through it."""
    import nengo_dl

    inp = x = keras.Input((4, 4, 1))
    x = layers.Conv2D(2, 3, padding="same", activation="relu")(x)
    x = layers.Flatten()(layers.MaxPool2D(2)(x))
    model = random_weights(keras.Model(inp, layers.Dense(2, activation="softmax")(x)))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", inference_only=False)
    data, labels = np.ones((4, 1, 16)), np.tile([[[0.0, 1.0]]], (4, 1, 1))
    with nengo_dl.Simulator(conversion.net, minibatch_size=4, progress_bar=False, seed=0) as sim:
        sim.compile(tf.optimizers.SGD(0.1), loss="mse")
        losses = sim.fit({conversion.input_nodes[0]: data}, labels, epochs=3, verbose=0).history[
            "loss"
        ]
    assert losses[2] < losses[1] < losses[0]


@ON_HOST
@pytest.mark.parametrize("choice", ["exact", "average", "strided"])
def test_spikes_are_measured_around_the_host(choice):
    inp = x = keras.Input((6, 6, 1))
    x = layers.Conv2D(3, 3, activation="relu", name="conv")(x)
    x = layers.MaxPool2D(2, name="pool")(x)
    x = layers.Conv2D(2, 2, activation="relu", name="last")(x)
    model = randomise(keras.Model(inp, layers.Softmax(name="out")(layers.Flatten()(x))))
    conversion = nsc.convert(model, scale_firing_rates=100, max_pooling=choice)
    x = np.random.RandomState(0).uniform(0, 1, (4, 6, 6, 1)).astype("f4")
    streamed = nsc.measure(conversion, x, n_steps=20)
    probed = nsc.measure(conversion, x, n_steps=20, simulator="nengo_dl_probes")
    for name in ("conv", "last"):
        counts = streamed.populations[name].counts
        np.testing.assert_array_equal(counts, probed.populations[name].counts)
        assert counts.sum() > 0


@ON_HOST
def test_the_host_of_nengo_loihi():
    """Softmax of what comes from the chip, in NengoLoihi's emulator."""
    import nengo
    import nengo_loihi

    inp = x = keras.Input((5,))
    x = layers.Dense(8, activation="relu", name="hidden")(x)
    x = layers.Dense(6, activation="relu", name="chip")(x)
    x = layers.Reshape((6, 1))(x)
    x = layers.Flatten()(layers.MaxPool1D(2, name="pool")(x))
    model = keras.Model(inp, layers.Dense(3, activation="softmax", name="out")(x))
    rng = np.random.RandomState(0)
    model.set_weights([rng.uniform(0, 1, w.shape) for w in model.get_weights()])
    conversion = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=20, synapse=0.01
    )
    for node in conversion.input_nodes:
        node.output = np.linspace(0, 1, 5)
    with conversion.net:
        nengo_loihi.add_params(conversion.net)
        hidden = conversion.layers["hidden"].ensemble
        conversion.net.config[hidden].on_chip = False
    (probe,) = conversion.outputs.values()
    with nengo_loihi.Simulator(conversion.net, target="sim", progress_bar=False) as sim:
        sim.run_steps(60)
        found = sim.data[probe][-1]
    with nengo.Simulator(conversion.net, progress_bar=False) as sim:
        sim.run_steps(60)
        expected = sim.data[probe][-1]
    assert found.sum() == pytest.approx(1)
    # NengoLoihi rounds weights to 8 bits, and delivers two steps later
    np.testing.assert_allclose(found, expected, atol=0.05)


@ON_HOST
def test_channels_first():
    """Keras does not pool channels first on CPUs."""
    x = np.random.RandomState(0).normal(size=(3, 6, 5, 2)).astype("f4")
    for pool in (layers.MaxPool2D, layers.AveragePooling2D):
        inp = keras.Input((6, 5, 2))
        expected = keras.Model(inp, pool(3, 2, padding="same")(inp)).predict_on_batch(x)
        inp = keras.Input((2, 6, 5))
        layer = pool(3, 2, padding="same", data_format="channels_first")
        conversion = nsc.convert(keras.Model(inp, layer(inp)), max_pooling="exact")
        found = with_nengo_dl(conversion, [x.transpose(0, 3, 1, 2)])[0]
        wanted = expected.transpose(0, 3, 1, 2).reshape(3, -1)
        np.testing.assert_allclose(found, wanted, atol=1e-5)  # float32


@ON_HOST
def test_pooling_is_not_trained():
    inp = keras.Input((4, 4, 2))
    model = keras.Model(inp, layers.AveragePooling2D(2)(inp))
    conversion = assert_same(model, "nengo_dl", inference_only=False)
    (conn,) = (c for c in conversion.net.all_connections if c.size_in == 32)
    assert conversion.net.config[conn].trainable is False


@pytest.mark.parametrize("max_pooling", ["exact", "average", "strided"])
@pytest.mark.parametrize(
    "layer, shape",
    [
        (layers.MaxPool1D(1, 2), (5, 3)),
        (layers.MaxPool2D(1, 2, padding="same"), (4, 5, 2)),
        (layers.MaxPool2D((3, 1), (2, 3), padding="same"), (1, 7, 2)),
        (layers.MaxPool3D(1, (1, 2, 1)), (2, 3, 2, 2)),
        (layers.GlobalMaxPool2D(keepdims=True), (1, 1, 4)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_largest_of_one_element_is_that_one(layer, shape, max_pooling):
    """Exact in every form, without the host; a soak's seed 1026 had one there that did nothing."""
    simulators = "nengo_dl" if len(shape) == 4 else "both"
    conversion = check_layers([layer], shape, simulators, max_pooling=max_pooling)
    assert not any(choice.on_host or not choice.exact for choice in conversion.choices)
