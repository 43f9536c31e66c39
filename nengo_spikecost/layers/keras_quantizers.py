"""Quantizers of a layer of QKeras, as plain data.

QKeras is not imported: its layers are known by ``get_quantizers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

#: The tensor that each quantizer of a layer is for, and the variable that it is made of. The
#: quantizer itself is in the attribute ``<name>_quantizer_internal``.
_QUANTIZED: Mapping[str, tuple[str, str]] = {
    "kernel": ("weights", "kernel"), "depthwise": ("weights", "depthwise_kernel"),
    "pointwise": ("pointwise", "pointwise_kernel"), "bias": ("bias", ""),
    "gamma": ("gamma", "gamma"), "beta": ("beta", ""), "mean": ("mean", ""),
    "variance": ("variance", "moving_variance"),
}  # fmt: skip


def is_quantizer_object(value: Any) -> bool:
    """Whether something is one of QKeras' quantizers, and not one of Keras' functions."""
    return type(value).__module__.startswith("qkeras.") and hasattr(value, "get_config")


def layer_quantizers(layer: Any) -> dict[str, Any]:
    """The quantizers of a layer by the tensors that they are for.

    Returns
    -------
    dict
        Empty for a layer of Keras itself. Values are None where QKeras quantizes nothing, else
        ``{"class_name": ..., "config": ..., "n_values": ...}``; the last is how many different
        values the quantized weights have, of quantizers to powers of two.
    """
    result: dict[str, Any] = {}
    if hasattr(layer, "get_quantizers"):
        for name, (tensor, variable) in _QUANTIZED.items():
            attribute = f"{name}_quantizer_internal"
            if hasattr(layer, attribute):
                values = getattr(layer, variable, None)
                result[tensor] = _serialized(getattr(layer, attribute), values)
    output = getattr(layer, "quantizer", None)
    if not is_quantizer_object(output):
        output = getattr(layer, "activation", None)
    if is_quantizer_object(output):
        result["output"] = _serialized(output)
    return result


def _serialized(quantizer: Any, variable: Any = None) -> dict[str, Any] | None:
    if quantizer is None:
        return None
    name = getattr(quantizer, "__name__", None) or type(quantizer).__name__
    config = quantizer.get_config() if hasattr(quantizer, "get_config") else {}
    result: dict[str, Any] = {"class_name": name, "config": config}
    if variable is not None and "po2" in name:
        result["n_values"] = len(np.unique(np.asarray(quantizer(variable))))
    return result
