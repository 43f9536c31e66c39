"""By what names an activation is known, whichever package it comes from.

``tf.nn.relu``, ``tf.keras.activations.relu``, that of Keras 3, JAX' and the text ``"relu"`` are one
activation. Models are copied before they are converted, and Keras writes functions by their
names: so they are told apart by names here, not by identity.
"""

from __future__ import annotations

import inspect
from typing import Any

import nengo
import tensorflow as tf

#: Packages whose functions are known by their names: the same name is the same function.
_PACKAGES = ("tensorflow", "keras", "tf_keras", "jax", "torch", "numpy", "nengo_spikecost")

#: Names of activations in Keras 3 that Keras 2 has not, and of layers that are activations.
_MORE_NAMES = frozenset(
    [
        "abs",
        "absolute",
        "celu",
        "glu",
        "hard_shrink",
        "hard_silu",
        "hard_tanh",
        "leaky_relu",
        "log_sigmoid",
        "log_softmax",
        "prelu",
        "relu6",
        "silu",
        "soft_shrink",
        "sparse_plus",
        "sparse_sigmoid",
        "sparsemax",
        "squareplus",
        "tanh_shrink",
        "threshold",
        "thresholded_relu",
    ]
)

#: Other names for the same.
_SYNONYMS = {
    "swish": "silu", "hard_swish": "hard_silu", "hardsigmoid": "hard_sigmoid", "hardswish":
    "hard_silu", "hardtanh": "hard_tanh", "leakyrelu": "leaky_relu", "re_lu": "relu",
    "thresholdedrelu": "thresholded_relu", "leaky_re_lu": "leaky_relu", "p_re_lu": "prelu",
    "thresholded_re_lu": "thresholded_relu", "logistic": "sigmoid", "expit": "sigmoid",
    "none": "linear", "identity": "linear",
}  # fmt: skip


def activation_keys(activation: Any) -> tuple[Any, ...]:
    """What an activation may be called in ``swap_activations``, the most special name first.

    Parameters
    ----------
    activation
        A function, its name, a Keras layer that is one or its class, a Nengo neuron type, a curve
        of ours with a name, or a quantizer of QKeras, or a function that stands for one
        (`quantizer_in_keras_2`). None is linear.
    """
    activation = getattr(activation, "quantizer", activation)
    if activation is None:
        return ("linear",)
    if isinstance(activation, str):
        return (_named(activation),)
    if isinstance(activation, nengo.neurons.NeuronType):
        return (activation,)
    if _is_activation_layer(activation):
        return _of_layer(activation)
    if inspect.isclass(activation):
        return (_named(activation.__name__),)
    name = getattr(activation, "__name__", None) or getattr(activation, "name", None)
    if name == "":  # a curve of ours that has none
        return (("unnamed",),)
    if isinstance(name, str) and (_package(activation) in _PACKAGES or _is_ufunc(activation)):
        return (_named(name),)
    if hasattr(activation, "get_config"):  # an object such as a quantizer
        return (text_of(activation), _named(type(activation).__name__))
    return (activation,)


def text_of(quantizer: Any) -> str:
    """A quantizer with its settings; its type alone where its own ``__str__`` fails.

    That of ``quantized_hswish`` does in qkeras-v3 1.2.1, unless its integer bits are an array.
    """
    try:
        return str(quantizer)
    except (AssertionError, TypeError, ValueError):
        return type(quantizer).__name__


def is_activation_name(name: str) -> bool:
    """Whether a text names an activation of Keras 2 or 3."""
    known = _named(name)
    return known in _MORE_NAMES or callable(getattr(tf.keras.activations, known, None))


def _is_activation_layer(activation: Any) -> bool:
    """Whether it is a layer of Keras 2 or 3."""
    return any(base.__name__ == "Layer" for base in type(activation).__mro__)


def _of_layer(layer: Any) -> tuple[Any, ...]:
    kind = _named(type(layer).__name__)
    if kind == "activation":
        return activation_keys(layer.activation)
    if kind != "relu":
        return (kind,)
    limit, slope = layer.max_value, float(layer.negative_slope)
    if slope or float(layer.threshold):
        return ("leaky_relu",) if limit is None and not float(layer.threshold) else (layer,)
    return ("relu",) if limit is None else ("relu6",) if float(limit) == 6 else (layer,)


def _is_ufunc(activation: Any) -> bool:
    """Whether it is a function as NumPy has them, which names no module."""
    return type(activation).__name__ == "ufunc"


def _named(name: str) -> str:
    lower = name.lower()
    if lower.endswith("_v2"):  # as TensorFlow calls its own newer ones
        lower = lower[:-3]
    return _SYNONYMS.get(lower, lower)


def is_of_keras_3(function: Any) -> bool:
    """Whether a function is Keras 3's, or of a package that defines it as Keras 3 does."""
    package = _package(function)
    keras_2 = tf.keras.activations.relu.__module__.partition(".")[0]
    return package in ("keras", "jax", "torch") and package != keras_2


def _package(function: Any) -> str:
    return str(getattr(function, "__module__", "") or "").partition(".")[0]
