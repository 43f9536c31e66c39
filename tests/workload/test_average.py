"""Average counting: what ModelEnergy does, and where it crashes and we do not."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost.energy.peers.kerasspiking import layer_counters as keras_layers
from nengo_spikecost.energy.peers.kerasspiking.average import (
    AverageCounter,
    layer_statistics,
    workload_of,
)
from nengo_spikecost.energy.peers.kerasspiking.layer_counters import count_layer, register_layer
from nengo_spikecost.errors import DataError, EnergyError, OverwriteWarning, UncountedWarning

from ..models import conv_net, images

layers = tf.keras.layers


@pytest.fixture
def registry(monkeypatch):
    """Counters registered in a test are forgotten after it."""
    register_layer(type("Unused", (), {}))
    monkeypatch.setattr(
        keras_layers.layer_counters, "_rules", dict(keras_layers.layer_counters._rules)
    )


def stats(model, data=None):
    return {s.name: s for s in layer_statistics(model, data)}


def test_the_model_is_left_as_it_was():
    inner = layers.Dense(4)
    inp = tf.keras.Input((3, 5))
    model = tf.keras.Model(inp, layers.TimeDistributed(inner)(inp))
    nodes = [(len(x.inbound_nodes), len(x.outbound_nodes)) for x in (*model.layers, inner)]
    weights = model.get_weights()
    AverageCounter(model, np.ones((2, 3, 5)))
    assert nodes == [(len(x.inbound_nodes), len(x.outbound_nodes)) for x in (*model.layers, inner)]
    for before, after in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(before, after)


def test_rates_are_means_over_all_batches():
    model = conv_net(tf.keras)
    data = images(70)  # three batches, the last one short
    expected = np.abs(tf.keras.Model(model.inputs, model.get_layer("conv0").output)(data)).mean()
    # float32 sums in another order
    assert stats(model, data)["conv1"].rate_hz == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: tf.data.Dataset.from_tensor_slices(x).batch(3),
        lambda x: tf.data.Dataset.from_tensor_slices((x, np.zeros(len(x)))).batch(4),
        lambda x: (x[i : i + 2] for i in range(0, len(x), 2)),
        lambda x: {"image": x},
        lambda x: [x],
        lambda x: x.tolist(),
    ],
    ids=["dataset", "with labels", "generator", "dict", "list", "nested lists"],
)
def test_data_as_predict_takes_them(wrap):
    model, data = conv_net(tf.keras), images(7)
    expected = [s.rate_hz for s in layer_statistics(model, data)]
    got = [s.rate_hz for s in layer_statistics(model, wrap(data))]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_unequal_inputs_that_crash_kerasspiking():
    inp = tf.keras.Input((4,), name="inp")
    wide = layers.Dense(9, activation="relu", name="wide")(inp)
    joined = layers.Concatenate(name="joined")([inp, wide])
    model = tf.keras.Model(inp, layers.Dense(2, name="out")(joined))
    data = np.random.RandomState(0).uniform(-1, 1, (5, 4)).astype("f4")
    with pytest.warns(UncountedWarning, match="'joined' of type Concatenate"):
        got = stats(model, data)
    both = np.abs(tf.keras.Model(inp, joined)(data)).mean()
    assert got["joined"].rate_hz == pytest.approx(both, rel=1e-6)
    assert got["out"].rate_hz == pytest.approx(both, rel=1e-6)


def test_layers_without_counter_are_uncounted():
    inp = tf.keras.Input((6, 6, 2))
    model = tf.keras.Model(inp, layers.MaxPooling2D(name="pool")(inp))
    with pytest.warns(UncountedWarning, match="register_layer"):
        workload = AverageCounter(model).workload()
    (uncounted,) = workload.uncounted
    assert uncounted.name == "pool"
    assert "MaxPooling2D" in uncounted.reason


@pytest.mark.filterwarnings("error")
def test_free_layers_say_nothing():
    inp = tf.keras.Input((4, 4, 2))
    x = layers.Dropout(0.1)(layers.Add()([inp, inp]))
    x = layers.Reshape((16, 2))(x)
    model = tf.keras.Model(inp, layers.GlobalAveragePooling1D()(x))
    assert not AverageCounter(model).workload().uncounted


def test_a_counter_of_the_users_own(registry):
    inp = tf.keras.Input((4, 4, 3))
    model = tf.keras.Model(inp, layers.UpSampling2D(name="up")(inp))

    @register_layer(layers.UpSampling2D)
    def count_upsampling(node):
        return {"connections": np.prod(node.output_shapes[1:])}

    assert stats(model)["up"].connections == 192
    with pytest.warns(OverwriteWarning, match="UpSampling2D already has a layer counter"):
        register_layer(layers.UpSampling2D)(lambda node: {"synapses": 1})
    with pytest.raises(EnergyError, match=r"UpSampling2D .*'synapses'.*neurons, connections"):
        stats(model)


def test_layers_that_cannot_be_counted():
    with pytest.raises(EnergyError, match="never applied"):
        count_layer(layers.Dense(3, name="alone"))
    with pytest.raises(EnergyError, match="Expected a Keras layer, not str"):
        count_layer("dense")
    inp = tf.keras.Input((None, None, 3))
    with pytest.raises(EnergyError, match="'act' has an output of unknown size"):
        stats(tf.keras.Model(inp, layers.ReLU(name="act")(inp)))


def test_what_is_no_graph_of_layers():
    class Subclassed(tf.keras.Model):
        pass

    for model in (Subclassed(), {}, None):
        with pytest.raises(EnergyError, match="functional or Sequential"):
            AverageCounter(model)


def test_sequential_models():
    model = tf.keras.Sequential(
        [tf.keras.Input((4,)), layers.Dense(3, "relu", name="a"), layers.Dense(2, name="b")]
    )
    got = stats(model, np.ones((2, 4)))
    assert {n: (s.connections, s.neurons) for n, s in got.items()} == {"a": (12, 3), "b": (6, 0)}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 8, 8, 1)), "no samples"),
        (np.full((2, 8, 8, 1), np.nan), "not finite"),
        (np.zeros((2, 7, 8, 1)), r"do not fit the model.*\(None, 8, 8, 1\)"),
        (3, "not int"),
    ],
)
def test_bad_data(data, message):
    with pytest.raises(DataError, match=message):
        AverageCounter(conv_net(tf.keras), data)


def test_without_data_there_are_static_counts_only():
    workload = workload_of(layer_statistics(conv_net(tf.keras)), 5)
    assert not workload.measured
    assert all(p.synops is None for p in workload.pathways)
    assert [layer.input_rate_hz for layer in workload.layers] == [None] * len(workload.layers)
