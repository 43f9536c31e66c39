"""Whole numbers on a grid: what layers of quantizeml hand on, and what they do to them.

A tensor of quantizeml is of whole numbers, times a unit: a power of two (its ``FixedPoint``), or
that times a scale (its ``QFloat``); there is one unit, or one a channel. A network carries the
values, numbers times units, so that its rates are those of any other model. Where the package does
something to the numbers that is not linear, a `Quantizing` Node takes them from the values, which
lie on the grid but for the rounding of sums, and makes the package's own steps, in float32 as it
does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from .host_node import HostFunction

#: Below it, float32 has every whole number: sums of them are exact, in whatever order.
EXACT_BELOW = 2**24


@dataclass(frozen=True)
class Grid:
    """The units and the size of a tensor's numbers.

    Attributes
    ----------
    frac_bits : ndarray of shape () or (n_channels,)
        The power of two, negated.
    scales : ndarray of shape () or (n_channels,)
        1 for a ``FixedPoint``.
    value_bits : int
        Numbers are from ``-2**value_bits`` to ``2**value_bits - 1``.
    scaled : bool
        Whether it is a ``QFloat``.
    """

    frac_bits: np.ndarray
    scales: np.ndarray
    value_bits: int
    scaled: bool

    @classmethod
    def of(cls, tensor: Any) -> Grid:
        """The grid of one of quantizeml's tensors."""
        scaled = hasattr(tensor, "fp")
        fixed = tensor.fp if scaled else tensor
        scales = np.asarray(tensor.scales if scaled else 1.0, dtype="f4")
        return cls(np.asarray(fixed.frac_bits, "f4"), scales, int(fixed.value_bits), scaled)

    @property
    def unit(self) -> np.ndarray:
        """The value of the number 1, float64."""
        return self.scales.astype(float) * 2.0 ** -self.frac_bits.astype(float)


def numbers_of(tensor: Any) -> np.ndarray:
    """The whole numbers of one of quantizeml's tensors, float64."""
    return np.asarray(tensor.values, dtype=float)


@dataclass(frozen=True)
class Step:
    """One operation on numbers.

    Attributes
    ----------
    operation : {"times", "plus", "clip", "floor", "round"}
        ``"round"`` is to even.
    number : ndarray, optional
        The factor, the term, or the smallest value; float32.
    high : ndarray, optional
        The largest value.
    """

    operation: str
    number: Any = None
    high: Any = None

    def of(self, n: Any, library: Any) -> Any:
        """Of float32 numbers, with NumPy or TensorFlow."""
        if self.operation == "times":
            return n * self.number
        if self.operation == "plus":
            return n + self.number
        if self.operation == "clip":
            return library.minimum(library.maximum(n, self.number), self.high)
        return library.floor(n) if self.operation == "floor" else library.round(n)


def times(factor: Any) -> Step:
    """A product, rounded to float32."""
    return Step("times", np.asarray(factor, dtype="f4"))


def within(value_bits: int) -> Step:
    """Saturation, as numbers of so many bits and a sign have it."""
    high = np.float32(2.0**value_bits)
    return Step("clip", -high, np.float32(high - 1))


def shifted(shift: Any, value_bits: int) -> tuple[Step, ...]:
    """Numbers with other binary points: halves go up, and what is too large saturates."""
    power = times(2.0 ** np.asarray(shift, dtype=float))
    return power, Step("plus", np.float32(0.5)), Step("floor"), within(value_bits)


def after(steps: Sequence[Step], n: np.ndarray) -> np.ndarray:
    """What steps make of numbers; float32."""
    n = np.asarray(n, dtype="f4")
    for step in steps:
        n = step.of(n, np)
    return n


class Quantizing(HostFunction):
    """Steps on the numbers behind values.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, before and after.
    unit : float or ndarray of shape (n_channels,), optional
        Of the values before; default: they are no numbers on a grid yet, and go into the steps as
        they are.
    steps : sequence of Step
    unit_after : float or ndarray of shape (n_channels,)
        Of the values afterwards.
    """

    name = "quantizing"

    def __init__(self, shape: Sequence[int], unit: Any, steps: Sequence[Step], unit_after: Any = 1):
        self.shape_in = self.shape_out = tuple(int(n) for n in shape)
        self.unit, self.unit_after = unit, np.asarray(unit_after, dtype=float)
        self.steps = tuple(steps)
        # one of each an element; on hardware the numbers are there already
        self.operations = len(self.steps) * self.size_out

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        n = x if self.unit is None else np.rint(x / self.unit)
        return after(self.steps, n).astype(float) * self.unit_after

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        n = x if self.unit is None else tf.round(x / tf.constant(self.unit, x.dtype))
        n = tf.cast(n, tf.float32)
        for step in self.steps:
            n = step.of(n, tf)
        return tf.cast(n, x.dtype) * tf.constant(self.unit_after, x.dtype)
