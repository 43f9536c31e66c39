"""Models that are more than a chain of layers, against Keras."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from tests.conversion.agreement import assert_owned_and_counted, assert_same, random_weights

keras = tf.keras
layers = tf.keras.layers


def check(inputs, outputs, **options):
    model = random_weights(keras.Model(inputs, outputs))
    conversion = assert_same(model, **options)
    assert_owned_and_counted(conversion)
    return conversion


def block(name, filters=3):
    inp = x = keras.Input((4, 4, 3))
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", name="a")(x)
    x = layers.BatchNormalization(name="bn")(x)
    return keras.Model(inp, layers.Add(name="add")([x, inp]), name=name)


def test_nested_models():
    inp = x = keras.Input((4, 4, 3))
    x = block("block")(x)
    sequential = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras.Sequential([layers.Conv2D(2, 2, activation="relu", name="b")], name="deep"),
            layers.Flatten(name="flat"),
            layers.Dense(4, name="c"),
        ],
        name="tail",
    )
    conversion = check(inp, sequential(x), scale_firing_rates={"tail/deep/b": 7})
    names = set(conversion.layer_names.values())
    assert {"block/a", "block/bn", "block/add", "tail/deep/b", "tail/c"} <= names
    assert conversion.layers["tail/deep/b"].ensemble.gain.options == [7]


def test_sequential_in_sequential():
    inner = keras.Sequential([layers.Dense(5, activation="relu"), layers.Dense(4)])
    model = keras.Sequential([keras.Input((3,)), inner, layers.ReLU(), layers.Dense(2)])
    assert_owned_and_counted(assert_same(random_weights(model)))


def test_shared_layers_and_models():
    inp = keras.Input((4, 4, 3))
    shared = layers.Conv2D(3, 3, padding="same", activation="relu6", name="shared")
    nested = block("block")
    x, y = shared(inp), shared(shared(inp))
    conversion = check(inp, layers.Concatenate(name="cat")([nested(x), nested(y)]))
    owners = list(conversion.layer_names.values())
    ensembles = [conversion.layer_names[ens] for ens in conversion.net.all_ensembles]
    assert sorted(ensembles) == ["block/a"] * 2 + ["shared"] * 6
    assert set(owners) >= {"shared", "block/a", "cat"}
    assert {"block/a.0", "block/a.1", "shared.2"} <= set(conversion.layers)


def test_a_layer_inside_and_outside_a_nested_model():
    inp, shared = keras.Input((5,)), layers.Dense(5, activation="relu", name="shared")
    inner_input = keras.Input((5,))
    inner = keras.Model(inner_input, layers.Dense(5)(shared(inner_input)), name="inner")
    check(inp, inner(shared(inp)))


def test_several_inputs_and_outputs():
    a, b = keras.Input((4,), name="a"), keras.Input((3, 3), name="b")
    x = layers.Dense(5, activation="relu", name="x")(a)
    y = layers.Dense(5, activation="relu", name="y")(layers.Flatten()(b))
    z = layers.Add(name="z")([x, y])
    # x is an output and used inside, a is an output as it is, and z one twice
    conversion = check([a, b], [x, z, layers.Dense(2)(z), a, z])
    assert conversion.outputs["x"] is not conversion.outputs["a"]


def test_nested_model_with_several_inputs_and_outputs():
    a, b = keras.Input((4,)), keras.Input((4,))
    x = layers.Dense(4, activation="relu")(a)
    inner = keras.Model([a, b], [layers.Add()([x, b]), x, b], name="inner")
    p, q = keras.Input((4,)), keras.Input((4,))
    u, v, w = inner([p, q])
    check([p, q], [layers.Dense(3)(layers.Concatenate()([u, v])), layers.Subtract()([w, u])])


def test_models_that_compute_nothing():
    inp = keras.Input((2, 3))
    check(inp, inp)
    check(inp, layers.Flatten()(inp))
    check(inp, layers.Dropout(0.3)(layers.Reshape((6,))(inp)))


def test_a_converter_of_the_users():
    class Halve(layers.Layer):
        def call(self, x):
            return x / 2

    inp = keras.Input((4,))
    model = random_weights(keras.Model(inp, Halve(name="half")(layers.Dense(3)(inp))))
    with pytest.raises(nsc.errors.ConversionError, match="register_layer_converter"):
        nsc.convert(model)
    from nengo_spikecost.conversion import LayerConverter, register_layer_converter

    @register_layer_converter(Halve)
    class ConvertHalve(LayerConverter):
        def convert(self, node_id):
            return self.add_affine(node_id, 0.5, 0)

    assert_same(model)
    with pytest.warns(nsc.errors.OverwriteWarning, match="Halve already has a layer converter"):
        register_layer_converter(Halve)(ConvertHalve)
    with pytest.raises(nsc.errors.ConversionError, match="decorates a subclass"):
        register_layer_converter(Halve)(lambda: None)


def test_converters_of_the_users_come_first(monkeypatch):
    import nengo_dl

    from nengo_spikecost.conversion import LayerConverter
    from nengo_spikecost.conversion.layers import converters

    ours, theirs = converters[layers.Dense], nengo_dl.Converter.converters[layers.Dense]
    assert ours is not theirs
    assert theirs.__module__ == "nengo_dl.converter"  # a nengo_dl.Converter is as it was
    mine = type("Mine", (LayerConverter,), {"__module__": "users.module"})
    monkeypatch.setitem(nengo_dl.Converter.converters, layers.Dense, mine)
    assert converters[layers.Dense] is mine


def test_mobile_net_block():
    """An inverted residual with all that MobileNetV2 has, and a nested preprocessing."""
    preprocessing = keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(2.0, -1)])
    inp = keras.Input((8, 8, 3))
    x = start = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(preprocessing(inp))
    for layer in (
        layers.Conv2D(12, 1, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(6.0),
        layers.ZeroPadding2D(((0, 1), (0, 1))),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False),
        layers.Cropping2D(((0, 1), (0, 1))),
        layers.BatchNormalization(),
        layers.ReLU(6.0),
        layers.Conv2D(4, 1, use_bias=False),
        layers.BatchNormalization(),
    ):
        x = layer(x)
    x = layers.GlobalAveragePooling2D()(layers.Add()([start, x]))
    check(inp, layers.Dense(5, activation="softmax")(layers.Dropout(0.2)(x)))


def test_the_model_is_untouched_by_shared_layers():
    inp, shared = keras.Input((5,)), layers.Dense(5, name="shared")
    model = random_weights(keras.Model(inp, shared(shared(inp))))
    before = [w.copy() for w in model.get_weights()]
    nsc.convert(model)
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)
