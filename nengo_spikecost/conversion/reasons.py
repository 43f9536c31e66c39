"""Why a layer can't be converted, and what to do, in words for the user.

nengo_dl raises whatever its checks or NumPy raise; the entries below turn what is known
into advice. Anything else is passed on as it is, with the name of the layer.
"""

from __future__ import annotations

from typing import Any, Callable

import tensorflow as tf

from ..errors import ConversionError

_FALLBACK = "pass allow_fallback=True to run it, uncounted, as a TensorNode"


def _is_dense_on_many_axes(layer: Any, message: str) -> bool:
    return isinstance(layer, tf.keras.layers.Dense) and "hape" in message


#: Condition on the layer and nengo_dl's message; the reason to give instead.
_REASONS: list[tuple[Callable[[Any, str], bool], str]] = [
    (
        lambda layer, message: type(layer).__name__ == "TFOpLambda",
        "it is a bare TensorFlow operation; use the Keras layer for it instead "
        "(tf.keras.layers.Add for a + b)",
    ),
    (
        lambda layer, message: "registered converter" in message,
        "layers of this type have no Nengo form; replace it, register a converter for it with "
        f"nengo_dl.Converter.register, or {_FALLBACK}",
    ),
    (
        lambda layer, message: "softmax" in message,
        "softmax has no Nengo form; leave it off the last layer (the predicted class is the "
        f"same), or {_FALLBACK}",
    ),
    (
        lambda layer, message: "Multiple applications of layer" in message,
        "it is applied more than once; pass split_shared_weights=True to give each "
        "application weights of its own",
    ),
    (
        lambda layer, message: "max pooling" in message,
        "max pooling has no Nengo form; pass max_to_avg_pool=True to average instead, or "
        f"{_FALLBACK}",
    ),
    (
        _is_dense_on_many_axes,
        "its input has more than one axis; flatten it first, or use a 1x1 convolution",
    ),
]


def layer_error(layer: Any, error: Exception) -> ConversionError:
    """The error to raise for what nengo_dl raised while converting a layer."""
    message = str(error).split(" Unable to convert layer")[0].strip().rstrip(".")
    for applies, reason in _REASONS:
        if applies(layer, message):
            message = reason
            break
    return ConversionError(
        f"Layer {layer.name!r} ({type(layer).__name__}) can't be converted: {message}.",
        layer=layer.name,
    )
