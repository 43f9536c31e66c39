"""Keras models as layer shapes, held against Keras' own parameters and outputs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost.energy.peers.qtools.counts import n_operations
from nengo_spikecost.errors import EnergyError, OverwriteWarning
from nengo_spikecost.layers.keras_shapes import (
    keras_layer_infos,
    keras_shapes,
    register_shape,
    shape_rules,
)
from nengo_spikecost.layers.layer_shape import LayerShape

L = tf.keras.layers


def only(layer: Any, size: tuple[int, ...]) -> tuple[LayerShape, ...]:
    x = L.Input(size)
    return keras_shapes(tf.keras.Model(x, layer(x)))[1:]


WITH_WEIGHTS = [
    (lambda: L.Dense(5), (7,)),
    (lambda: L.Dense(5, use_bias=False), (3, 4, 7)),
    (lambda: L.Conv1D(4, 3, strides=2, padding="same"), (9, 3)),
    (lambda: L.Conv2D(4, (3, 2), dilation_rate=2), (9, 8, 3)),
    (lambda: L.Conv2D(6, 3, padding="same", groups=3), (7, 7, 3)),
    (lambda: L.Conv2D(4, 3, strides=2, padding="same"), (8, 7, 3)),
    (lambda: L.Conv3D(2, 2), (4, 4, 4, 2)),
    (lambda: L.Conv1DTranspose(4, 3, strides=2), (5, 3)),
    (lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same"), (5, 5, 3)),
    (lambda: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), (6, 6, 3)),
    (lambda: L.SeparableConv2D(5, 3, strides=2, depth_multiplier=2), (9, 9, 3)),
    (lambda: L.SeparableConv1D(5, 3), (9, 3)),
    (lambda: L.TimeDistributed(L.Dense(5)), (4, 3)),
]


@pytest.mark.parametrize("make, size", WITH_WEIGHTS)
def test_parameters_shapes_and_products(make: Any, size: tuple[int, ...]) -> None:
    """With all weights 1 and no biases, the outputs for ones add up to the products made."""
    layer = make()
    shapes = only(layer, size)
    last = shapes[-1]
    assert last.output_shape == tuple(layer.output_shape[1:])
    assert sum(s.n_weights + s.n_biases for s in shapes) == layer.count_params()
    inner = getattr(layer, "layer", layer)
    biased = inner.use_bias
    assert last.n_biases == (last.channels_out if biased else 0)
    if len(shapes) == 1:
        layer.set_weights(
            [np.ones(w.shape) if w.ndim > 1 else np.zeros(w.shape) for w in layer.get_weights()]
        )
        ones = np.ones((1, *size), dtype="f4")
        assert n_operations(last) == round(float(np.sum(layer(ones))))


def test_separable_products() -> None:
    depthwise, pointwise = only(L.SeparableConv2D(5, 3, strides=2, depth_multiplier=2), (9, 9, 3))
    assert depthwise.output_shape == (4, 4, 6)
    assert n_operations(depthwise) == 4 * 4 * 6 * 9
    assert n_operations(pointwise) == 4 * 4 * 5 * 6
    assert pointwise.inputs == (depthwise.name,)
    assert pointwise.name == pointwise.layer == depthwise.layer


@pytest.mark.parametrize(
    "layer, size, kind, kernel",
    [
        (L.AveragePooling2D(2), (6, 6, 3), "average pooling", (2, 2)),
        (L.MaxPooling1D(3), (9, 3), "max pooling", (3,)),
        (L.GlobalAveragePooling2D(), (6, 5, 3), "average pooling", (6, 5)),
        (L.GlobalMaxPooling2D(keepdims=True), (6, 5, 3), "max pooling", (6, 5)),
        (L.GlobalAveragePooling2D(data_format="channels_first"), (3, 6, 5), "average pooling",
         (6, 5)),
    ],
)  # fmt: skip
def test_poolings(layer: Any, size: Any, kind: str, kernel: tuple[int, ...]) -> None:
    (shape,) = only(layer, size)
    assert (shape.kind, shape.kernel_size) == (kind, kernel)
    assert shape.output_shape == tuple(layer.output_shape[1:])
    taps = shape.n_out * math.prod(kernel)
    assert n_operations(shape) == (taps if kind == "average pooling" else taps - shape.n_out)


@pytest.mark.parametrize(
    "layer, kind, activation",
    [
        (L.BatchNormalization(), "batch normalization", "linear"),
        (L.Rescaling(2.0), "batch normalization", "linear"),
        (L.Activation("tanh"), "activation", "tanh"),
        (L.ReLU(max_value=6), "activation", "relu"),
        (L.PReLU(), "activation", "prelu"),
        (L.Softmax(), "activation", "softmax"),
        (L.Dense(3, activation="relu"), "dense", "relu"),
        (L.Flatten(), "shape", "linear"),
        (L.Dropout(0.1), "shape", "linear"),
        (L.ZeroPadding2D(), "shape", "linear"),
        (L.UpSampling2D(), "shape", "linear"),
        (L.UpSampling2D(interpolation="bilinear"), "unknown", "linear"),
        (L.LayerNormalization(), "unknown", "linear"),
        (L.TimeDistributed(L.LayerNormalization()), "unknown", "linear"),
    ],
)
def test_kinds(layer: Any, kind: str, activation: str) -> None:
    (shape,) = only(layer, (4, 4, 2))
    assert (shape.kind, shape.activation) == (kind, activation)
    assert shape.type == type(layer).__name__
    assert shape.output_shape == tuple(layer.output_shape[1:])


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"])
def test_merges(name: str) -> None:
    a, b = L.Input((4,)), L.Input((4,))
    shape = keras_shapes(tf.keras.Model([a, b], getattr(L, name)()([a, b])))[-1]
    assert shape.kind == name.lower()
    assert len(shape.inputs) == len(set(shape.inputs)) == 2
    assert n_operations(shape) == 4


def test_bare_operations() -> None:
    x = L.Input((4, 6))
    y = tf.nn.relu(x + 2 * x)[:, 1:]
    kinds = [s.kind for s in keras_shapes(tf.keras.Model(x, y))]
    assert kinds == ["input", "unknown", "add", "activation", "shape"]


def test_channels_first_is_turned() -> None:
    x = L.Input((3, 8, 6))
    conv = L.Conv2D(5, 3, data_format="channels_first")
    shape = keras_shapes(tf.keras.Model(x, conv(x)))[-1]
    assert shape.input_shapes == ((8, 6, 3),)
    assert shape.output_shape == (6, 4, 5)


def nested() -> tf.keras.Model:
    """A layer that is shared, in a model that is used twice, with several inputs and outputs."""
    a = L.Input((6,), name="a")
    shared = L.Dense(6, name="shared")
    inner = tf.keras.Model(a, shared(shared(a)), name="inner")
    b, c = L.Input((6,), name="b"), L.Input((6,), name="c")
    x = L.Add(name="add")([inner(b), inner(c)])
    return tf.keras.Model([b, c], [x, L.Dense(2, name="out")(x)], name="outer")


def test_nested_models_and_shared_layers() -> None:
    found = {s.name: s for s in keras_shapes(nested())}
    uses = [s for s in found.values() if s.layer == "inner/shared"]
    assert [s.name for s in uses] == ["inner/shared", *(f"inner/shared.{i}" for i in (1, 2, 3))]
    assert found["out"].inputs == ("add",)
    # every use of the inner model reads one of the outer inputs, and ends at the sum
    starts = []
    for end in found["add"].inputs:
        before = found[end].inputs[0]
        starts.append(found[before].inputs[0])
        assert before.startswith("inner/shared")
    assert sorted(starts) == ["b", "c"]


def test_each_comes_after_what_it_reads() -> None:
    seen: set[str] = set()
    for shape in keras_shapes(nested()):
        assert set(shape.inputs) <= seen
        assert shape.name not in seen
        seen.add(shape.name)


def test_rows() -> None:
    infos = {info.name: info for info in keras_layer_infos(nested())}
    assert list(infos) == ["b", "c", "inner/shared", "add", "out"]
    assert sum(info.n_params for info in infos.values()) == nested().count_params()
    sequential = tf.keras.Sequential([L.Input((3,)), L.Dense(2, name="dense")])
    rows = [info.name for info in keras_layer_infos(sequential)]
    assert rows[1:] == ["dense"]
    assert {s.layer for s in keras_shapes(sequential)} == set(rows)


def test_time_is_left_out() -> None:
    x = L.Input((None, 5))
    assert keras_shapes(tf.keras.Model(x, L.Dense(3)(x)))[-1].output_shape == (3,)
    x = L.Input((7, 5))
    shapes = keras_shapes(tf.keras.Model(x, L.Dense(3)(x)), temporal=True)
    assert shapes[-1].input_shapes == ((5,),)


def test_unknown_sizes_are_unknown() -> None:
    x = L.Input((4, None, 3))
    assert keras_shapes(tf.keras.Model(x, L.Conv2D(3, 3)(x)))[-1].kind == "unknown"


def test_models_that_are_no_graph_are_refused() -> None:
    class Subclass(tf.keras.Model):
        pass

    for model in (Subclass(), tf.keras.Sequential([L.Dense(3)])):
        with pytest.raises(EnergyError, match="functional or Sequential"):
            keras_shapes(model)


def test_models_of_keras_3_are_refused() -> None:
    keras = pytest.importorskip("keras", "3", reason="Keras 3 is not installed")
    with pytest.raises(EnergyError, match="Keras 3"):
        keras_shapes(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))


def test_a_layer_of_the_users_own() -> None:
    class Halve(L.Layer):
        def call(self, x: Any) -> Any:
            return x / 2

    assert only(Halve(), (4,))[0].kind == "unknown"
    register_shape(Halve)(lambda use: use.shape("batch normalization", n_weights=1))
    try:
        assert only(Halve(), (4,))[0].kind == "batch normalization"
        with pytest.warns(OverwriteWarning, match="Halve already has a shape rule"):
            register_shape(Halve)(lambda use: use.shape("shape"))
        assert only(Halve(), (4,))[0].kind == "shape"
    finally:
        shape_rules._rules.pop(Halve)


def test_the_model_is_left_alone() -> None:
    model = nested()
    nodes = [len(layer.inbound_nodes) for layer in model.layers]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras_shapes(model)
    assert nodes == [len(layer.inbound_nodes) for layer in model.layers]
