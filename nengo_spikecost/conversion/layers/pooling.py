"""Pooling: averages as convolutions, maxima on the host or in a form that the user chose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ..layer_functions import MaxPool, pool_windows
from .converter_registry import register_layer_converter
from .convolutions import ConvolutionConverter, ungrouped


class PoolingConverter(ConvolutionConverter):
    """Base class of all pooling layers."""

    has_weights = False

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Any pooling layer can be converted."""
        return None

    def space(self, node_id: int) -> tuple[int, ...]:
        """Spatial shape of the input."""
        return self.space_of(self.input_shape(node_id))

    def windows(self, node_id: int) -> tuple[tuple[int, ...], tuple[int, ...], str]:
        """Pool size, strides and padding; a global pool is one window."""
        layer, space = self.layer, self.space(node_id)
        if not hasattr(layer, "pool_size"):
            return space, (1,) * len(space), "valid"
        return _per_axis(layer.pool_size, space), _per_axis(layer.strides, space), layer.padding

    def add_average(self, node_id: int) -> Any:
        """The mean of each window, over those of its elements that lie in the image."""
        pool_size, strides, padding = self.windows(node_id)
        weights = np.full(pool_size, 1 / math.prod(pool_size))
        output = self.add_relay(node_id)
        missing = 1 / _covered(self.space(node_id), pool_size, strides, padding)
        if (missing == 1).all():
            self._add_depthwise(node_id, output, weights, strides, padding)
            return output
        sums = self.add_relay(node_id, part="sums")
        self._add_depthwise(node_id, sums, weights, strides, padding)
        per_place = missing[..., None] if self.channels_last else missing[None]
        shape = self.image_shape(missing.shape, self.input_shape(node_id)[self.channel_axis])
        self.connect(sums, output, np.ravel(np.broadcast_to(per_place, shape)))
        return output

    def add_strided(self, node_id: int) -> Any:
        """The first element of each window that lies in the image."""
        pool_size, strides, padding = self.windows(node_id)
        weights = np.zeros(pool_size)
        windows = pool_windows(self.space(node_id), pool_size, strides, padding)
        weights[tuple(before for _, before, _ in windows)] = 1
        output = self.add_relay(node_id)
        self._add_depthwise(node_id, output, weights, strides, padding)
        return output

    def add_maximum(self, node_id: int) -> Any:
        """The largest element of each window, on the host."""
        pool_size, strides, padding = self.windows(node_id)
        shape = self.input_shape(node_id)
        function = MaxPool(shape, pool_size, strides, padding, self.channels_last)
        output = self.add_host_node(node_id, function, "exact max pooling on the host")
        self.connect(self.get_input_obj(node_id), output)
        return output

    def _add_depthwise(
        self, node_id: int, post: Any, weights: np.ndarray, strides: Sequence[int], padding: str
    ) -> None:
        """Convolve every channel with the same weights, of shape ``pool_size``."""
        shape = self.input_shape(node_id)
        groups = shape[self.channel_axis]
        kernel = np.repeat(weights[..., None, None], groups, axis=-1)
        if not self.inference_only:
            # TensorFlow has gradients of grouped convolutions on few processors
            kernel, groups = ungrouped(kernel, groups), 1
        pre = self.get_input_obj(node_id)
        self.add_convolution(pre, post, shape, kernel, strides, padding, groups)

    def connect(self, pre: Any, post: Any, transform: Any = 1, trainable: bool = False) -> Any:
        """Nothing of a pooling layer is trained."""
        return super().connect(pre, post, transform)


@register_layer_converter(
    tf.keras.layers.AvgPool1D, tf.keras.layers.AvgPool2D, tf.keras.layers.AvgPool3D,
    tf.keras.layers.GlobalAvgPool1D, tf.keras.layers.GlobalAvgPool2D,
    tf.keras.layers.GlobalAvgPool3D,
)  # fmt: skip
class ConvertAveragePooling(PoolingConverter):
    """Average pooling."""

    def convert(self, node_id: int) -> Any:
        """A convolution with equal weights."""
        return self.add_average(node_id)


@register_layer_converter(
    tf.keras.layers.MaxPool1D, tf.keras.layers.MaxPool2D, tf.keras.layers.MaxPool3D,
    tf.keras.layers.GlobalMaxPool1D, tf.keras.layers.GlobalMaxPool2D,
    tf.keras.layers.GlobalMaxPool3D,
)  # fmt: skip
class ConvertMaxPooling(PoolingConverter):
    """Max pooling, or the form that the user chose for it."""

    def convert(self, node_id: int) -> Any:
        """The form given by the option ``max_pooling`` of the conversion."""
        pool_size, _, _ = self.windows(node_id)
        if all(1 in ends for ends in zip(pool_size, self.space(node_id))):
            return self.add_strided(node_id)  # the largest of one element is that one
        choice = self.converter.max_pooling
        if choice == "exact":
            return self.add_maximum(node_id)
        if choice == "average":
            self.converter.note(self.layer, "average pooling", exact=False)
            return self.add_average(node_id)
        self.converter.note(self.layer, "the first element of each window", exact=False)
        return self.add_strided(node_id)


def _covered(
    space: Sequence[int], pool_size: Sequence[int], strides: Sequence[int], padding: str
) -> np.ndarray:
    """Fraction of each window that lies in the image, of the pooled spatial shape."""
    windows = pool_windows(space, pool_size, strides, padding)
    result = np.ones(())
    for n, k, s, (n_windows, before, _) in zip(space, pool_size, strides, windows):
        start = np.arange(n_windows) * s - before
        inside = np.minimum(start + k, n) - np.maximum(start, 0)
        result = result[..., None] * (inside / k)
    return result


def _per_axis(value: Any, space: Sequence[int]) -> tuple[int, ...]:
    return (value,) * len(space) if isinstance(value, int) else tuple(value)
