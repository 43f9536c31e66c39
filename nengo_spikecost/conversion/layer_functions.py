"""Functions of layers that neurons can't compute: pooling, softmax, curves, extremes.

Each is written twice, in NumPy for one sample and in TensorFlow for a batch (see `HostFunction`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .host_node import HostFunction


def pool_windows(
    space: Sequence[int], pool_size: Sequence[int], strides: Sequence[int], padding: str
) -> list[tuple[int, int, int]]:
    """Of each axis the number of windows, and of padded elements before and after, as in Keras."""
    result = []
    for n, k, s in zip(space, pool_size, strides):
        windows = -(-n // s) if padding == "same" else (n - k) // s + 1
        missing = max((windows - 1) * s + k - n, 0)
        result.append((windows, missing // 2, missing - missing // 2))
    return result


class MaxPool(HostFunction):
    """The largest value of each window, channel by channel.

    Parameters
    ----------
    shape_in : tuple of int
        Spatial shape and channels; with 1, 2 or 3 spatial axes.
    pool_size, strides : sequence of int
        One number per spatial axis.
    padding : {"valid", "same"}
        As in Keras: padded elements are never the largest.
    channels_last : bool
        Whether the channels are the last axis, or the first.
    """

    name = "max pooling"

    def __init__(
        self, shape_in: Sequence[int], pool_size: Sequence[int], strides: Sequence[int],
        padding: str = "valid", channels_last: bool = True,
    ):  # fmt: skip
        self.shape_in = tuple(int(n) for n in shape_in)
        self.pool_size = tuple(int(n) for n in pool_size)
        self.strides = tuple(int(n) for n in strides)
        self.padding = padding
        self.channels_last = channels_last
        *space, channels = self._last(self.shape_in)
        windows, *pads = zip(*pool_windows(space, self.pool_size, self.strides, padding))
        self._pad = [*zip(*pads), (0, 0)]
        self.shape_out = (*windows, channels) if channels_last else (channels, *windows)
        # comparisons; padded elements are compared too
        self.operations = self.size_out * (math.prod(self.pool_size) - 1)

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        image = x if self.channels_last else np.moveaxis(x, 0, -1)
        image = np.pad(image, self._pad, constant_values=-np.inf)
        space = tuple(range(len(self.pool_size)))
        view: Any = np.lib.stride_tricks.sliding_window_view
        windows = view(image, self.pool_size, axis=space)
        windows = windows[tuple(slice(None, None, s) for s in self.strides)]
        largest = windows.max(axis=tuple(-1 - axis for axis in space))
        return largest if self.channels_last else np.moveaxis(largest, -1, 0)

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        if not self.channels_last:  # not every processor pools channels that come first
            x = tf.transpose(x, [0, *range(2, x.shape.rank), 1])
        largest = tf.nn.max_pool(x, self.pool_size, self.strides, self.padding.upper())
        if not self.channels_last:
            rank = largest.shape.rank
            largest = tf.transpose(largest, [0, rank - 1, *range(1, rank - 1)])
        return largest

    def _last(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape if self.channels_last else (*shape[1:], shape[0])


class Softmax(HostFunction):
    """Exponentials divided by their sum.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, before and after.
    axes : sequence of int
        Axes of one sample that are summed over; may count from the end.
    """

    name = "softmax"

    def __init__(self, shape: Sequence[int], axes: Sequence[int] = (-1,)):
        self.shape_in = self.shape_out = tuple(int(n) for n in shape)
        self.axes = tuple(axis % len(self.shape_in) for axis in axes)
        # maximum, difference, exponential, sum, division: one of each an element
        self.operations = 5 * self.size_out

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        powers = np.exp(x - x.max(axis=self.axes, keepdims=True))
        return powers / powers.sum(axis=self.axes, keepdims=True)

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        axes = [1 + axis for axis in self.axes]
        if len(axes) == 1:
            return tf.nn.softmax(x, axis=axes[0])
        return tf.exp(x - tf.reduce_logsumexp(x, axis=axes, keepdims=True))


class Sigmoid(HostFunction):
    """``1 / (1 + exp(-x))`` of each element.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, before and after.
    """

    name = "sigmoid"

    def __init__(self, shape: Sequence[int]):
        self.shape_in = self.shape_out = tuple(int(n) for n in shape)
        # exponential, addition, division: one of each an element
        self.operations = 3 * self.size_out

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        return 0.5 * (1 + np.tanh(0.5 * x))  # the same, and no large exponential

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(x)


class Tanh(HostFunction):
    """The hyperbolic tangent of each element.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, before and after.
    """

    name = "tanh"

    def __init__(self, shape: Sequence[int]):
        self.shape_in = self.shape_out = tuple(int(n) for n in shape)
        # exponential, two additions, division: one of each an element
        self.operations = 4 * self.size_out

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        return np.tanh(x)

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        return tf.tanh(x)


class Extreme(HostFunction):
    """The largest or smallest value along some axes.

    Parameters
    ----------
    shape_in : tuple of int
        Shape of one sample.
    axes : sequence of int
        Axes of one sample.
    keepdims : bool
        Whether these axes stay, with length 1.
    largest : bool
    """

    def __init__(
        self, shape_in: Sequence[int], axes: Sequence[int], keepdims: bool, largest: bool
    ):  # fmt: skip
        self.name = "largest value" if largest else "smallest value"
        self.shape_in = tuple(int(n) for n in shape_in)
        self.axes, self.keepdims, self.largest = tuple(axes), keepdims, largest
        kept = [1 if i in self.axes else n for i, n in enumerate(self.shape_in)]
        self.shape_out = tuple(n for i, n in enumerate(kept) if keepdims or i not in self.axes)
        self.operations = self.size_in - self.size_out  # comparisons

    def of_sample(self, x: np.ndarray) -> np.ndarray:
        extreme = np.max if self.largest else np.min
        return np.asarray(extreme(x, axis=self.axes, keepdims=self.keepdims))

    def of_batch(self, x: tf.Tensor) -> tf.Tensor:
        extreme = tf.reduce_max if self.largest else tf.reduce_min
        return extreme(x, axis=[1 + axis for axis in self.axes], keepdims=self.keepdims)
