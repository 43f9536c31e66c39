"""Quantizers of activations of QKeras (Keras 2) and qkeras-v3 (Keras 3), as rounded curves.

Both packages call themselves ``qkeras``, and neither is imported: quantizers are told by where
their classes are from. What is read of one is held against the quantizer itself, at many values.
"""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import tensorflow as tf

from .activation_keys import text_of
from .curves import PiecewiseLinear, Term, clipped, rectified
from .rounded import Rounded

_REMEDY = (
    "use quantized_relu, or quantized_bits with a fixed alpha, and train the model with it, or put "
    "another in its place, which computes something else (swap_activations)"
)


def is_quantizer(activation: Any) -> bool:
    """Whether an activation is one of the quantizers of a package ``qkeras``."""
    return type(activation).__module__.startswith("qkeras.")


def quantizer_problem(quantizer: Any) -> str | None:
    """Why an activation's quantizer can't be converted, as a clause; None if it can."""
    if not is_quantizer(quantizer):
        return None
    try:
        rounded_curve(quantizer)
    except ValueError as error:
        return str(error)
    return None


def rounded_curve(quantizer: Any) -> Rounded:
    """The curve that a quantizer rounds.

    Raises
    ------
    ValueError
        If it is none of straight pieces: with a clause that says why.
    """
    name = type(quantizer).__name__
    read = _READERS.get(name)
    if read is None:
        raise ValueError(
            f"its activation {name} is not a ReLU, nor another curve of straight pieces, and "
            f"neurons have no other; {_REMEDY}"
        )
    if getattr(quantizer, "use_stochastic_rounding", False):
        raise ValueError(f"its activation {name} rounds at random; use_stochastic_rounding=False")
    rounded = read(quantizer)
    _hold_against(quantizer, rounded)
    return rounded


def _relu(quantizer: Any) -> Rounded:
    if quantizer.use_sigmoid:
        raise ValueError("its activation quantized_relu has use_sigmoid, which no neuron has")
    integer, slope = 2.0 ** float(quantizer.integer), float(quantizer.negative_slope)
    step = integer * 2.0 ** -float(quantizer.bits - (slope != 0))
    limit = quantizer.relu_upper_bound
    high = integer - step
    if limit is not None and float(limit) < high:
        if not _is_of_keras_3(quantizer) or getattr(quantizer, "is_quantized_clip", None) is None:
            # not in the configuration, which layers are copied by
            raise ValueError(
                f"its activation quantized_relu has relu_upper_bound={float(limit):g}, and QKeras "
                "does not store whether that holds (is_quantized_clip); choose integer bits with "
                "the largest value that you want"
            )
        high = high if quantizer.is_quantized_clip else float(limit)
    curve = rectified(slope, high)
    if slope and isinstance(curve, PiecewiseLinear):
        # below, it saturates as far from zero as above, times the slope
        lowest = Term("deficit", weight=slope, slope=-1.0, shift=-integer)
        curve = PiecewiseLinear((*curve.terms, lowest))
    return Rounded(curve, step, -slope * integer, high, name=text_of(quantizer))


def _bits(quantizer: Any) -> Rounded:
    alpha = quantizer.alpha
    if isinstance(alpha, str):
        raise ValueError(
            f"its activation {type(quantizer).__name__} has alpha={alpha!r}: its scale follows "
            "from its inputs, which no neuron does; give it a number (alpha=1)"
        )
    scale = 1.0 if alpha is None else np.asarray(alpha, dtype=float)
    if np.ndim(scale) and np.size(scale) > 1:
        raise ValueError(f"its activation {type(quantizer).__name__} has several scales (alpha)")
    scale = float(np.ravel(scale)[0])
    signed = bool(quantizer.keep_negative)
    bits = int(quantizer.bits) - signed
    if bits <= 0:
        raise ValueError(
            f"its activation {type(quantizer).__name__} has one bit: it jumps at 0, which no sum "
            f"of ReLU neurons does; {_REMEDY}"
        )
    integer = 2.0 ** float(quantizer.integer)
    step = integer * 2.0**-bits
    high = integer - step
    low = (-high if quantizer.symmetric else -integer) if signed else 0.0
    return _saturating(quantizer, scale, scale * step, scale * low, scale * high)


def _tanh(quantizer: Any) -> Rounded:
    if quantizer.use_real_tanh:
        raise ValueError("its activation quantized_tanh has use_real_tanh, a curve of no neuron")
    step = 2.0 ** -float(quantizer.bits - 1)
    return _saturating(quantizer, 1.0, step, -1.0 + step * bool(quantizer.symmetric), 1.0 - step)


def _saturating(quantizer: Any, slope: float, step: float, low: float, high: float) -> Rounded:
    curve: Any = clipped(low, high, slope=slope)
    if low == 0 and slope == 1:
        curve = rectified(0.0, high)
    return Rounded(curve, step, low, high, name=text_of(quantizer))


_READERS = {
    "quantized_relu": _relu, "quantized_bits": _bits, "quantized_linear": _bits,
    "quantized_tanh": _tanh,
}  # fmt: skip


def values_of(curve: Any, x: np.ndarray) -> np.ndarray:
    """A curve of straight pieces at some values."""
    if curve is None:
        return x
    if isinstance(curve, nengo.neurons.NeuronType):
        return np.maximum(x, 0.0)
    terms = [t.weight * np.maximum(t.slope * x + t.shift, 0.0) for t in curve.terms]
    return np.sum(terms, axis=0) + curve.offset


def _hold_against(quantizer: Any, rounded: Rounded) -> None:
    """Raise ValueError unless the quantizer computes what was read of it."""
    largest = max(abs(rounded.low), abs(rounded.high))
    # 257 values, beyond the largest, on the grid, half way between, and elsewhere
    x = np.concatenate([np.arange(-64, 65) * rounded.step / 2, np.linspace(-3, 3, 128) * largest])
    x = x.astype("f4")
    theirs = np.asarray(quantizer(tf.constant(x)), dtype=float)
    ours = rounded.of(values_of(rounded.curve, x.astype(float)))
    if not np.allclose(ours, theirs, rtol=0, atol=1e-5 * largest):
        worst = x[np.argmax(np.abs(ours - theirs))]
        raise ValueError(
            f"its activation {text_of(quantizer)} gives {theirs[x == worst][0]:g} for {worst:g}, "
            f"which is not what a rounded curve of its settings gives; {_REMEDY}"
        )


def _is_of_keras_3(quantizer: Any) -> bool:
    """Whether it is one of qkeras-v3, which copies are not made of."""
    bases = type(quantizer).__mro__
    return not any(issubclass(base, tf.Module) for base in bases if base is not object)
