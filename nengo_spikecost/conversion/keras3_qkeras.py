"""Layers of qkeras-v3, which is QKeras for Keras 3, as layers of Keras 2 with quantized weights.

The package is called ``qkeras`` as QKeras itself is, and is not imported here. A layer computes
with what its quantizers make of its variables at each call; a copy in Keras 2 has these numbers for
its own. The formulas are those of qkeras-v3 1.2.1:

======================  ============================================================================
layer                   weights that it computes with
======================  ============================================================================
QDense, QConv...        each variable, quantized; QConv2D's kernel times its mask
QBatchNormalization     ``inv = 1 / sqrt(q(variance) + epsilon) * q(gamma)``, quantized once more by
                        its ``inverse_quantizer``, and ``q(beta) - q(mean) * inv``
QConv2DBatchnorm, ...   ``q(inv * kernel)`` and ``q(inv * (bias - mean) + beta)``
QAveragePooling2D, ...  the average times ``n * q(1 / n)``, of windows of n
======================  ============================================================================
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from .layers.activation_keys import text_of
from .layers.quantizer_curves import is_quantizer, rounded_curve

#: By the class of a layer: the layer of Keras 2 that computes the same.
_KINDS = {
    "QActivation": "Activation", "QAveragePooling2D": "AveragePooling2D",
    "QBatchNormalization": "BatchNormalization", "QConv1D": "Conv1D", "QConv2D": "Conv2D",
    "QConv2DBatchnorm": "Conv2D", "QConv2DTranspose": "Conv2DTranspose", "QDense": "Dense",
    "QDenseBatchnorm": "Dense", "QDepthwiseConv2D": "DepthwiseConv2D",
    "QDepthwiseConv2DBatchnorm": "DepthwiseConv2D",
    "QGlobalAveragePooling2D": "GlobalAveragePooling2D", "QSeparableConv1D": "SeparableConv1D",
    "QSeparableConv2D": "SeparableConv2D",
}  # fmt: skip
_FOLDED = ("QConv2DBatchnorm", "QDenseBatchnorm", "QDepthwiseConv2DBatchnorm")
_VARIABLES = {
    "kernel": "kernel", "depthwise": "depthwise_kernel", "pointwise": "pointwise_kernel",
    "bias": "bias",
}  # fmt: skip


def is_of_qkeras(layer: Any) -> bool:
    """Whether a layer of Keras 3 is one of qkeras-v3's, and no subclass of one."""
    return type(layer).__module__.startswith("qkeras.")


def kind_in_keras_2(layer: Any) -> tuple[str, dict[str, Any]]:
    """The layer of Keras 2 that computes the same: its class, and arguments beside its name.

    Raises
    ------
    ValueError
        If there is none: with a clause that says why.
    """
    name = type(layer).__name__
    kind = _KINDS.get(name)
    if kind is None:
        raise ValueError(
            f"layers of qkeras-v3 of this type are not converted; those that are: "
            f"{', '.join(sorted(_KINDS))}"
        )
    changes: dict[str, Any] = {}
    activation = getattr(layer, "activation", None)
    if is_quantizer(activation):
        changes["activation"] = quantizer_in_keras_2(activation)
    elif name == "QActivation":
        changes["activation"] = importlib.import_module("keras").activations.serialize(activation)
    if name in _FOLDED:
        changes["use_bias"] = True
    if name == "QBatchNormalization":
        changes["scale"] = changes["center"] = True
    return kind, changes


def pooling_in_keras_2(layer: Any, pooling: Any) -> Any:
    """A pooling layer of Keras 2, with the factor and the activation of one of qkeras-v3.

    Parameters
    ----------
    layer : keras.layers.Layer
    pooling : tf.keras.layers.Layer
        Of the kind that `kind_in_keras_2` gives, and its name.
    """
    activation = getattr(layer, "activation", None)
    quantizer = layer.average_quantizer_internal
    if quantizer is None and activation is None:
        return pooling
    layers = tf.keras.layers
    shape = tuple(layer.input.shape)[1:]
    parts = [tf.keras.Input(shape), pooling]
    if quantizer is not None:
        space = shape[:2] if layer.data_format == "channels_last" else shape[1:]
        size = math.prod(getattr(layer, "pool_size", space))
        factor = size * float(np.ravel(_numpy(quantizer(1.0 / size)))[0])
        parts.append(layers.Rescaling(factor, name=f"{layer.name}_factor"))
    if activation is not None:
        function = quantizer_in_keras_2(activation) if is_quantizer(activation) else activation
        parts.append(layers.Activation(function, name=f"{layer.name}_activation"))
    return tf.keras.Sequential(parts, name=layer.name)


def quantized_weights(layer: Any) -> list[np.ndarray]:
    """The weights that a layer computes with, in the order that Keras 2's layer has them.

    Raises
    ------
    ValueError
        If a quantizer draws them at random: with a clause that says so.
    """
    name = type(layer).__name__
    if name in ("QActivation", "QAveragePooling2D", "QGlobalAveragePooling2D"):
        return []
    if name == "QBatchNormalization":
        return _of_normalization(layer)
    if name in _FOLDED:
        return _of_folded(layer)
    weights = []
    for quantized, variable in _VARIABLES.items():
        value = getattr(layer, variable, None)
        if value is None or (quantized == "kernel" and hasattr(layer, "depthwise_kernel")):
            continue
        value = _numpy(value)
        if name == "QSeparableConv1D" and quantized != "bias":
            weights.append(_quantized(layer, quantized, value[None])[0])
        else:
            weights.append(_quantized(layer, quantized, value))
    if getattr(layer, "_mask", None) is not None:
        weights[0] = weights[0] * _numpy(layer._mask)
    return weights


def rounding_of_quantizer(layer: Any) -> float:
    """How far a value of a layer's activation may be off, relative to the largest: one step.

    A sum in another order may be rounded to the next value.
    """
    activation = getattr(layer, "activation", None)
    return 2.0 ** -float(getattr(activation, "bits", 0)) if is_quantizer(activation) else 0.0


def quantizer_in_keras_2(quantizer: Any) -> Any:
    """A quantizer of qkeras-v3 as an activation of Keras 2.

    Its attribute ``rounded`` is the curve that it rounds; None if it is another function.
    """
    settings = {**quantizer.get_config(), "clip": getattr(quantizer, "is_quantized_clip", None)}
    text, number = text_of(quantizer), 1
    while True:  # what is called the same may have other settings
        name = text if number == 1 else f"{text}#{number}"
        registered = tf.keras.utils.get_registered_object(f"qkeras3>{name}")
        if registered is None:
            break
        if repr(registered.settings) == repr(settings):
            return registered
        number += 1

    @tf.autograph.experimental.do_not_convert
    def activation(x: Any) -> Any:
        keras = importlib.import_module("keras")
        if keras.config.backend() == "tensorflow":
            return quantizer(x)
        tensor = keras.ops.convert_to_tensor
        y = tf.numpy_function(lambda x: _numpy(quantizer(tensor(x))), [x], tf.float32)
        return tf.ensure_shape(y, x.shape)

    function: Any = activation
    function.__name__, function.settings, function.quantizer = name, settings, quantizer
    try:
        function.rounded = rounded_curve(quantizer)
    except ValueError:
        function.rounded = None
    return tf.keras.utils.register_keras_serializable("qkeras3", name)(function)


def _numpy(value: Any) -> np.ndarray:
    array = importlib.import_module("keras").ops.convert_to_numpy(value)
    return np.asarray(array, dtype=np.float32)


def _quantized(layer: Any, name: str, value: np.ndarray) -> np.ndarray:
    """What a quantizer of a layer makes of a value."""
    quantizer = getattr(layer, f"{name}_quantizer_internal", None)
    if quantizer is None:
        return value
    tensor = importlib.import_module("keras").ops.convert_to_tensor
    first, second = (_numpy(quantizer(tensor(value))) for _ in range(2))
    if not np.array_equal(first, second):
        raise ValueError(
            f"its {name}_quantizer {type(quantizer).__name__} draws at random, so that the layer "
            "computes something else at each call; use one without stochastic rounding"
        )
    return first


def _inverse(normalization: Any, gamma: Any, variance: np.ndarray) -> np.ndarray:
    inverse = 1 / np.sqrt(variance + np.float32(normalization.epsilon))
    return inverse if gamma is None else inverse * gamma


def _of_normalization(layer: Any) -> list[np.ndarray]:
    """``[inv, beta, mean, 1 - epsilon]``: Keras 2 divides by the root of 1."""
    values: Mapping[str, Any] = {
        name: None if variable is None else _quantized(layer, name, _numpy(variable))
        for name, variable in (
            ("gamma", layer.gamma if layer.scale else None),
            ("beta", layer.beta if layer.center else None),
            ("mean", layer.moving_mean), ("variance", layer.moving_variance),
        )
    }  # fmt: skip
    inverse = _inverse(layer, values["gamma"], values["variance"])
    inverse = _quantized(layer, "inverse", inverse)
    beta = np.zeros_like(inverse) if values["beta"] is None else values["beta"]
    return [inverse, beta, values["mean"], np.full_like(inverse, 1 - layer.epsilon)]


def _of_folded(layer: Any) -> list[np.ndarray]:
    """The kernel and the bias into which a batch normalization is folded."""
    norm, depthwise = layer.batchnorm, type(layer).__name__.startswith("QDepthwise")
    gamma = _numpy(norm.gamma) if norm.scale else None
    inverse = _inverse(norm, gamma, _numpy(norm.moving_variance))
    bias = _numpy(layer.bias) if layer.use_bias else np.float32(0)
    folded = inverse * (bias - _numpy(norm.moving_mean))
    if norm.center:
        folded = folded + _numpy(norm.beta)
    kernel = _numpy(layer.depthwise_kernel if depthwise else layer.kernel)
    factor = inverse.reshape(kernel.shape[2:]) if depthwise else inverse
    name = "depthwise" if depthwise else "kernel"
    return [_quantized(layer, name, factor * kernel), _quantized(layer, "bias", folded)]
