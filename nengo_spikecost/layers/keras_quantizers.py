"""Quantizers of a layer of QKeras, as plain data.

QKeras is not imported: its layers are known by ``get_quantizers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

#: From the attributes of a layer with its quantizers to the tensors that they are for.
_ATTRIBUTES: Mapping[str, str] = {
    "kernel_quantizer_internal": "weights",
    "depthwise_quantizer_internal": "weights",
    "pointwise_quantizer_internal": "pointwise",
    "bias_quantizer_internal": "bias",
    "gamma_quantizer_internal": "gamma",
    "beta_quantizer_internal": "beta",
    "mean_quantizer_internal": "mean",
    "variance_quantizer_internal": "variance",
}

#: The variable behind each of them.
_VARIABLES: Mapping[str, str] = {
    "kernel_quantizer_internal": "kernel",
    "depthwise_quantizer_internal": "depthwise_kernel",
    "pointwise_quantizer_internal": "pointwise_kernel",
    "gamma_quantizer_internal": "gamma",
    "variance_quantizer_internal": "moving_variance",
}


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
        for attribute, tensor in _ATTRIBUTES.items():
            if hasattr(layer, attribute):
                quantizer = getattr(layer, attribute)
                variable = getattr(layer, _VARIABLES.get(attribute, ""), None)
                result[tensor] = _serialized(quantizer, variable)
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
