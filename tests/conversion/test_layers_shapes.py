"""Layers that move, scale and join elements, against Keras."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost import NetworkGraph
from tests.conversion.agreement import (
    assert_owned_and_counted,
    assert_same,
    check_layers,
    random_weights,
)

keras = tf.keras
layers = tf.keras.layers


def test_dense_on_any_number_of_axes():
    for shape in [(5,), (4, 5), (3, 4, 5), (2, 3, 4, 5), (1, 5)]:
        made = [
            layers.Dense(3),
            layers.Dense(4, activation="relu"),
            layers.Dense(2, use_bias=False),
        ]
        conversion = check_layers(made, shape, scale_firing_rates=10)
        for pathway in NetworkGraph(conversion).pathways:
            if pathway.kind == "input":
                assert set(pathway.fan_out) <= {2, 3, 4}  # weights are shared between places


def test_shapes():
    made = [
        layers.Permute((2, 1, 3)),
        layers.Permute((3, 1, 2)),
        layers.Permute((1, 2, 3)),
        layers.Reshape((3, -1)),
        layers.Flatten(),
        layers.Flatten(data_format="channels_first"),
        layers.Cropping2D(1),
        layers.Cropping2D(((1, 2), (0, 1))),
        layers.Cropping2D((1, 0), data_format="channels_first"),
        layers.ZeroPadding2D(1),
        layers.ZeroPadding2D(((1, 2), (0, 3))),
        layers.ZeroPadding2D((1, 2), data_format="channels_first"),
        layers.UpSampling2D(2),
        layers.UpSampling2D((3, 2)),
        layers.UpSampling2D((1, 2), data_format="channels_first"),
        *(layers.UpSampling2D((2, 3), interpolation=how) for how in ("bilinear", "bicubic")),
        layers.UpSampling2D(2, data_format="channels_first", interpolation="bilinear"),
    ]
    check_layers(made, (4, 5, 3))


def test_shapes_of_one_and_three_axes():
    made = [
        layers.Cropping1D((1, 2)),
        layers.ZeroPadding1D((2, 1)),
        layers.UpSampling1D(3),
        layers.Permute((2, 1)),
    ]
    check_layers(made, (6, 2))
    made = [
        layers.Cropping3D(((1, 0), (0, 1), (1, 1))),
        layers.ZeroPadding3D(((1, 0), (0, 1), (2, 1))),
        layers.UpSampling3D((2, 1, 3)),
    ]
    check_layers(made, (3, 2, 4, 2))
    check_layers([layers.RepeatVector(3)], (4,))


def test_scales_and_offsets():
    made = [
        layers.BatchNormalization(),
        layers.BatchNormalization(axis=1, center=False),
        layers.BatchNormalization(axis=[2, 3], scale=False),
        layers.Rescaling(1 / 127.5, offset=-1),
        layers.Rescaling(2.0),
        layers.Normalization(mean=0.4, variance=2.5),
        layers.Normalization(axis=-1, mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0]),
    ]
    check_layers(made, (4, 5, 3))


def test_normalization_that_was_adapted():
    layer = layers.Normalization(axis=1)
    layer.adapt(np.random.RandomState(0).uniform(1, 3, (50, 4)))
    inp = keras.Input((4,))
    assert_same(keras.Model(inp, layers.Dense(3, activation="relu")(layer(inp))))


def test_what_does_nothing_in_inference():
    made = [
        layers.Dropout(0.5),
        layers.SpatialDropout2D(0.5),
        layers.GaussianNoise(1.0),
        layers.GaussianDropout(0.5),
        layers.AlphaDropout(0.5),
        layers.ActivityRegularization(0.1),
        layers.RandomFlip(),
        layers.RandomContrast(0.5),
        layers.RandomZoom(0.5),
        layers.Identity(),
    ]
    conversion = check_layers(made, (3, 3, 2))
    assert len(conversion.net.all_objects) == 1 + len(made)  # the input and the Probes
    inp = keras.Input((3,))
    model = keras.Model(inp, layers.Dropout(0.5, name="drop")(inp, training=True))
    with pytest.raises(nsc.errors.ConversionError, match=r"'drop' .*random in inference too"):
        nsc.convert(model)


def test_joining():
    a, b, c = keras.Input((3, 4, 2)), keras.Input((3, 4, 2)), keras.Input((1, 4, 1))
    d = keras.Input((2,))
    outputs = [
        layers.Add()([a, b, a]),
        layers.Add()([a, c]),
        layers.Add()([a, d]),
        layers.Average()([a, b, c]),
        layers.Subtract()([a, b]),
        layers.Subtract()([c, a]),
        layers.Concatenate()([a, b]),
        layers.Concatenate(axis=1)([a, b, a]),
        layers.Concatenate(axis=2)([b, a]),
        layers.Concatenate(axis=-3)([a, b]),
    ]
    conversion = assert_same(keras.Model([a, b, c, d], outputs))
    assert_owned_and_counted(conversion)


def test_bare_operations():
    a, b = keras.Input((3, 4)), keras.Input((3, 4))
    ramp = np.linspace(-1, 1, 4, dtype="f4")
    outputs = [
        a + b,
        a - b,
        tf.add(a, b),
        tf.subtract(a, 2.0),
        1 - a,
        a + ramp,
        2 * a,
        a * ramp,
        a / 3,
        -a,
        tf.nn.relu(a),
        tf.nn.relu6(4 * a),
        a[:, 1:],
        a[:, ::2, 1:3],
        a[:, 0],
        a[:, :, -1],
        a + b[:, :1],
    ]
    conversion = assert_same(keras.Model([a, b], outputs))
    assert_owned_and_counted(conversion)


def test_filters_are_not_lost():
    """Whatever comes from neurons passes the converter's synapse, once."""
    inp = x = keras.Input((4, 4, 2))
    x = layers.Conv2D(2, 1, activation="relu")(x)
    made = [
        layers.UpSampling2D(2),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Cropping2D(1),
        layers.ZeroPadding2D(1),
        layers.Permute((2, 1, 3)),
        layers.AveragePooling2D(2, 1, "same"),
        layers.BatchNormalization(),
        layers.Dense(3),
        layers.SeparableConv2D(3, 2),
        layers.Flatten(data_format="channels_first"),
    ]
    model = random_weights(keras.Model(inp, [layer(x) for layer in made]))
    conversion = nsc.convert(model, synapse=0.02)
    for conn in conversion.net.all_connections:
        from_neurons = isinstance(conn.pre_obj, nengo.ensemble.Neurons)
        assert (conn.synapse is not None) == from_neurons, conn
