"""Weights of Keras 3 layers as inference uses them: quantized ones and LoRA's as floats.

The formulas are those of Keras 3.15.1 (`keras.layers.Dense` and its kin):

=========  ====================================================================================
mode       a weight, from what is stored
=========  ====================================================================================
int8       ``q / scale``, one scale an output
int4       ``(q - zero[g]) * scale[g]``, g the block of 128 inputs; without blocks ``q / scale``;
           a byte holds two outputs, that of the low nibble first
float8     rounded to ``float8_e4m3fn`` at ``scale``, which Keras does at each call
gptq, awq  ``(q - zero[g]) * scale[g]``, transposed; awq divides by a scale of each input, too
LoRA       all of these, plus ``alpha / rank * A @ B``; a file of Keras 3's own format holds the
           sum already, and zeros in A and B
=========  ====================================================================================
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .conversion_record import LayerChoice
from .keras3_qkeras import rounding_of_quantizer

#: The main variable of a layer that Keras can quantize or give a LoRA.
_VARIABLES = ("kernel", "embeddings")
#: What a layer's output is rounded by, relative to its size: half a step of the type, which has
#: so many bits behind the leading one; all else is computed in float32 and more.
_LARGEST_FLOAT8 = 448.0
_ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float8": 2.0**-4}


def inference_weights(layer: Any) -> list[np.ndarray]:
    """The weights of a Keras 3 layer, in the order that Keras 2's layer of that name has.

    Parameters
    ----------
    layer : keras.layers.Layer
        No model.

    Returns
    -------
    list of np.ndarray
        Floats of 32 bits or more, and integers that are no quantized weights.
    """
    layer = _inner(layer)
    if _mode(layer) is None and not getattr(layer, "lora_enabled", False):
        return [_as_floats(weights) for weights in layer.get_weights()]
    name = next(name for name in _VARIABLES if hasattr(layer, f"_{name}") or hasattr(layer, name))
    weights = _stored(layer, name)
    if getattr(layer, "lora_enabled", False):
        a, b = (_value(layer, f"lora_{name}_{letter}") for letter in "ab")
        weights = weights + layer.lora_alpha / layer.lora_rank * (a @ b)
    return [weights] if getattr(layer, "bias", None) is None else [weights, _bias(layer)]


def policy_of_copy(name: str) -> str:
    """The data type of a layer's copy: float32 for all that Keras keeps or computes in less.

    NengoDL computes in float32, and NumPy can't hand on bfloat16.
    """
    name = name.rpartition("_from_")[2]
    return "float32" if name.rpartition("mixed_")[2] in ("float16", "bfloat16") else name


def rounding_choices(model: Any) -> list[LayerChoice]:
    """One note for each layer of a Keras 3 model whose weights were stored in few bits."""
    return [
        LayerChoice(
            name, type(layer).__name__, f"weights of {mode} as floats; inputs are not rounded",
            exact=False, on_host=False,
        )
        for name, layer in _leaves(model)
        if (mode := _mode(_inner(layer))) is not None
    ]  # fmt: skip


def rounding_of(model: Any) -> float:
    """How far a Keras 3 model's output may be off what its weights say, relative to its size."""
    worst = 0.0
    layers = [_inner(layer) for _, layer in _leaves(model)]
    for layer in layers:
        worst = max(
            worst, _ROUNDING.get(_mode(layer) or "", 0.0),
            _ROUNDING.get(layer.compute_dtype, 0.0), rounding_of_quantizer(layer),
        )  # fmt: skip
    return float(worst * 4 * np.sqrt(len(layers)))  # errors of layers add up as a random walk


@contextmanager
def inputs_not_rounded(model: Any) -> Iterator[None]:
    """Within it a Keras 3 model, called eagerly, computes with its inputs as they are."""
    layers = [_inner(layer) for _, layer in _leaves(model)]
    taken = {id(layer): layer.inputs_quantizer for layer in layers if _rounds_inputs(layer)}
    try:
        for layer in layers:
            if id(layer) in taken:
                layer.inputs_quantizer = None
        yield
    finally:
        for layer in layers:
            if id(layer) in taken:
                layer.inputs_quantizer = taken[id(layer)]


def _rounds_inputs(layer: Any) -> bool:
    return getattr(layer, "inputs_quantizer", None) is not None


def _leaves(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer that is no model, by the name that it has in a Conversion."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _leaves(layer, f"{prefix}{layer.name}/")
        else:
            yield prefix + layer.name, layer


def _inner(layer: Any) -> Any:
    """The layer in a wrapper such as TimeDistributed."""
    while hasattr(layer, "layer"):
        layer = layer.layer
    return layer


def _mode(layer: Any) -> str | None:
    return getattr(layer, "quantization_mode", None)


def _value(layer: Any, name: str) -> np.ndarray:
    return _as_floats(np.asarray(getattr(layer, name)))


def _as_floats(weights: np.ndarray) -> np.ndarray:
    """Types that NumPy does not have itself, and halves, as float32."""
    known = weights.dtype.kind in "iub" or weights.dtype in (np.float32, np.float64)
    return weights if known else weights.astype(np.float32)


def _stored(layer: Any, name: str) -> np.ndarray:
    mode = _mode(layer)
    if mode in ("gptq", "awq") and getattr(layer, f"is_{mode}_calibrated", False):
        return _grouped_by_output(layer, mode)
    weights = _value(layer, f"_{name}" if hasattr(layer, f"_{name}") else name)
    if mode == "float8":
        return _rounded_to_float8(weights, _value(layer, f"{name}_scale"))
    if mode not in ("int8", "int4"):
        return weights
    scale = _value(layer, f"{name}_scale")
    if mode == "int4":
        weights = _unpacked(layer, weights, axis=-1)
    if hasattr(layer, f"{name}_zero"):
        groups, axis = _value(layer, "g_idx").astype(int), -1 if name == "embeddings" else 0
        zero = _value(layer, f"{name}_zero").astype(np.float32)
        weights = (weights - zero.take(groups, axis)) * scale.take(groups, axis)
    elif name == "embeddings":
        weights = weights / scale[:, None]  # one scale a word
    elif mode == "int8" and hasattr(layer, "_adjust_scale_for_dequant"):
        weights = weights / np.asarray(layer._adjust_scale_for_dequant(scale))  # EinsumDense
    else:
        weights = weights / scale
    return weights.reshape(getattr(layer, "original_kernel_shape", weights.shape))


def _grouped_by_output(layer: Any, mode: str) -> np.ndarray:
    weights = _value(layer, "quantized_kernel")
    scale, zero = _value(layer, "kernel_scale"), _value(layer, "kernel_zero").astype(np.float32)
    if mode == "awq" or weights.shape[0] != scale.shape[0]:  # two outputs a byte
        weights = _unpacked(layer, weights, axis=0)
    groups = _value(layer, "g_idx").astype(int)
    weights = ((weights - zero[:, groups]) * scale[:, groups]).T
    if mode == "awq":
        weights = weights / _value(layer, "awq_scales")[:, None]
    return weights.reshape(getattr(layer, "original_kernel_shape", weights.shape))


def _unpacked(layer: Any, weights: np.ndarray, axis: int) -> np.ndarray:
    """Two numbers of 4 bits from each byte."""
    names = (
        "_orig_output_dim", "_int4_unpacked_column_size", "gptq_unpacked_column_size",
        "awq_unpacked_column_size", "units",
    )  # fmt: skip
    length = next(v for name in names if (v := getattr(layer, name, None)) is not None)
    unpack = importlib.import_module("keras").quantizers.unpack_int4
    dtype = weights.dtype.name
    return np.asarray(unpack(weights, length, axis=axis, dtype=dtype)).astype(np.float32)


def _bias(layer: Any) -> np.ndarray:
    bias = _value(layer, "bias")
    if _mode(layer) == "float8" and layer.compute_dtype == "float32":
        # as processors multiply matrices of float8
        bias = bias.astype(importlib.import_module("ml_dtypes").bfloat16).astype(np.float32)
    return bias


def _rounded_to_float8(weights: np.ndarray, scale: np.ndarray) -> np.ndarray:
    float8 = importlib.import_module("ml_dtypes").float8_e4m3fn  # Keras 3 comes with it
    scaled = np.clip(weights / scale, -_LARGEST_FLOAT8, _LARGEST_FLOAT8)
    return scaled.astype(float8).astype(np.float32) * scale
