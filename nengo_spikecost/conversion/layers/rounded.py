"""Curves whose values are rounded to a grid: activations of few bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ..host_node import HostFunction


@dataclass(frozen=True)
class Rounded:
    """A curve, and the values that are left of it.

    Where neurons spike, their spikes round in their own way, and only the curve is converted. Of
    rates the rounding is computed as well.

    Attributes
    ----------
    curve : PiecewiseLinear, nengo.neurons.NeuronType or None
        What is rounded; None is linear.
    step : float or ndarray
        The distance between two values; an array is broadcast to the shape of one sample.
    low, high : float or ndarray
        The smallest and the largest value.
    up : bool
        Whether a value between two goes to the larger one; else to the one with an even number.
    name : str
        How the activation is called by those who made it.
    """

    curve: Any
    step: Any
    low: Any
    high: Any
    up: bool = False
    name: str = ""

    def of(self, x: Any, library: Any = np) -> Any:
        """Rounded values, with NumPy or TensorFlow."""
        n = x / self.step
        n = library.floor(n + 0.5) if self.up else _to_even(n)
        y = n * self.step
        return library.minimum(library.maximum(y, self.low), self.high)

    def choice(self, rounds: bool) -> str:
        """What became of it, in words."""
        high, step = (np.max(value) for value in (self.high, self.step))
        kind = "ReLU" if np.all(np.asarray(self.low) == 0) else f"from {np.min(self.low):g}"
        how = "rounded" if rounds else "not rounded"
        return f"{kind} up to {high:g}, {how} to {step:g}"


def _to_even(x: Any) -> Any:
    return tf.round(x) if tf.is_tensor(x) else np.rint(x)


class Round(HostFunction):
    """The rounding of a `Rounded` curve.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, before and after.
    rounded : Rounded
    """

    name = "rounding"

    def __init__(self, shape: Sequence[int], rounded: Rounded):
        self.shape_in = self.shape_out = tuple(int(n) for n in shape)
        self.rounded = rounded
        # a division, a rounding, a product, two comparisons: one of each an element
        self.operations = 5 * self.size_out

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.rounded.of(x))

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        return self.rounded.of(x, _TF)


class _TF:
    """TensorFlow's functions under NumPy's names."""

    floor, minimum, maximum = tf.floor, tf.minimum, tf.maximum
