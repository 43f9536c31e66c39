"""Keras layers between two populations, as a table of small models."""

from __future__ import annotations

from typing import Any, Callable

import tensorflow as tf

from tests.models import positive_variances, randomise

L = tf.keras.layers


def _residual(x: Any) -> Any:
    side = L.Conv2D(4, 3, padding="same", activation="relu", name="side")(x)
    x = L.Conv2D(4, 1, use_bias=False, name="skip")(x)
    x = L.Add(name="add")([x, side])
    return L.Conv2D(3, 3, activation="relu", name="after")(x)


def _add_to_conv(x: Any) -> Any:
    side = L.Conv2D(4, 3, padding="same", activation="relu", name="side")(x)
    x = L.Add(name="add")([x, side])
    return L.Conv2D(3, 2, activation="relu", name="after")(x)


def _add_to_dense(x: Any) -> Any:
    side = L.Conv2D(4, 3, padding="same", activation="relu", name="side")(x)
    x = L.Flatten(name="flat")(L.Add(name="add")([x, side]))
    return L.Dense(5, activation="relu", name="after")(x)


def _concatenate(x: Any) -> Any:
    side = L.Conv2D(2, 3, padding="same", activation="relu", name="side")(x)
    x = L.Concatenate(name="joined")([x, side])
    return L.Conv2D(3, 3, padding="same", activation="relu", name="after")(x)


def _in_a_row(*layers: Callable[[], Any]) -> Callable[[Any], Any]:
    def build(x: Any) -> Any:
        for layer in layers:
            x = layer()(x)
        return x

    return build


def _conv(*args: Any, **kwargs: Any) -> Callable[[], Any]:
    return lambda: L.Conv2D(*args, **{"activation": "relu", **kwargs})


#: From a name to (what follows the first population, how paths into neurons are written).
ARCHITECTURES: dict[str, tuple[Callable[[Any], Any], set[str]]] = {
    "valid": (_in_a_row(_conv(3, 3)), {"Convolution"}),
    "same": (_in_a_row(_conv(3, 3, padding="same")), {"Convolution"}),
    "strided": (_in_a_row(_conv(3, 3, strides=2, padding="same")), {"Convolution"}),
    "average_pooling": (_in_a_row(lambda: L.AveragePooling2D(2), _conv(3, 3)), {"Convolution"}),
    "pooling_of_odd_size": (_in_a_row(lambda: L.AveragePooling2D(3), _conv(2, 2)), {"Convolution"}),
    "global_pooling": (
        _in_a_row(L.GlobalAveragePooling2D, lambda: L.Dense(5, activation="relu")),
        {"Dense"},
    ),
    "batch_norm": (
        _in_a_row(L.BatchNormalization, _conv(3, 3, padding="same")),
        {"Convolution"},
    ),
    "batch_norm_after": (
        _in_a_row(_conv(3, 3, activation=None, padding="same"), L.BatchNormalization, L.ReLU),
        {"Convolution"},
    ),
    "two_linear": (_in_a_row(_conv(3, 3, activation=None), _conv(3, 3)), {"Convolution"}),
    "two_linear_same": (
        _in_a_row(_conv(3, 3, activation=None, padding="same"), _conv(3, 3, padding="same")),
        {"Sparse", "Dense"},
    ),
    "add_to_conv": (_add_to_conv, {"Convolution"}),
    "add_to_dense": (_add_to_dense, {"Convolution", "Dense"}),
    "concatenate": (_concatenate, {"Convolution"}),
    "residual": (_residual, {"Convolution"}),
    "upsampling": (
        _in_a_row(lambda: L.UpSampling2D(2), _conv(3, 3, padding="same")),
        {"ConvolutionTranspose"},
    ),
    "zero_padding": (_in_a_row(lambda: L.ZeroPadding2D(1), _conv(3, 3)), {"Convolution"}),
    "zero_padding_strided": (
        _in_a_row(
            lambda: L.ZeroPadding2D(((0, 1), (0, 1))), _conv(3, 3, strides=2, use_bias=False)
        ),
        {"Convolution"},
    ),
    "grouped": (_in_a_row(_conv(6, 3, groups=2)), {"Convolution"}),
    "grouped_batch_norm": (
        _in_a_row(
            _conv(4, 3, groups=4, activation=None, use_bias=False), L.BatchNormalization, L.ReLU
        ),
        {"Convolution"},
    ),
    "flatten_dense": (
        _in_a_row(lambda: L.AveragePooling2D(2), L.Flatten, lambda: L.Dense(5, activation="relu")),
        {"Dense"},
    ),
    "depthwise": (
        _in_a_row(
            lambda: L.DepthwiseConv2D(3, padding="same"), lambda: L.BatchNormalization(), L.ReLU
        ),
        {"Convolution"},
    ),
    "separable": (
        _in_a_row(lambda: L.SeparableConv2D(3, 3, activation="relu", padding="same")),
        {"Convolution"},
    ),
    "one_axis": (
        _in_a_row(
            lambda: L.Reshape((16, 16)),
            lambda: L.Conv1D(4, 3, padding="same", activation="relu"),
            lambda: L.AveragePooling1D(2),
            lambda: L.Conv1D(4, 3, activation="relu"),
        ),
        {"Convolution"},
    ),
    "max_pooling": (
        _in_a_row(lambda: L.MaxPooling2D(2), _conv(3, 3, padding="same")),
        {"Convolution"},
    ),
    "activation": (_in_a_row(_conv(3, 3, activation=None), L.ReLU), {"Convolution"}),
}


def model(name: str, size: int = 8, channels: int = 4, readout: bool = True) -> Any:
    """A model with one of the `ARCHITECTURES` after a first convolution with neurons."""
    inp = x = tf.keras.Input((size, size, 1), name="image")
    x = L.Conv2D(channels, 1, use_bias=False, name="first_linear")(x)
    x = L.ReLU(name="first")(L.BatchNormalization(name="first_norm")(x))
    x = ARCHITECTURES[name][0](x)
    if readout:
        x = L.Dense(3, name="readout")(L.Flatten(name="last_flatten")(x))
    return positive_variances(randomise(tf.keras.Model(inp, x, name=name)))
