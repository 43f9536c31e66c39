"""Convolutions of all kinds, as Nengo's convolution transforms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import nengo
import numpy as np
import tensorflow as tf

from .base import LayerConverter
from .converter_registry import register_layer_converter

#: Attributes of a layer that have no effect on inference.
TRAINING_ONLY = [
    "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
    "bias_constraint",
]  # fmt: skip
_DEPTHWISE_TRAINING_ONLY = [
    "depthwise_regularizer", "bias_regularizer", "activity_regularizer", "depthwise_constraint",
    "bias_constraint",
]  # fmt: skip
_SEPARABLE_TRAINING_ONLY = [
    *_DEPTHWISE_TRAINING_ONLY, "pointwise_regularizer", "pointwise_constraint",
]  # fmt: skip

#: Grouped convolutions of more spatial axes than this have no kernel in TensorFlow on CPUs.
_MAX_GROUPED_AXES = 2


class ConvolutionConverter(LayerConverter):
    """Base class of all layers that convolve."""

    has_weights = True

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Zeros between the weights of a dilated kernel would be trained."""
        if not converter.inference_only and set(_as_tuple(layer.dilation_rate)) != {1}:
            return f"dilation_rate={layer.dilation_rate} needs inference_only=True"
        return None

    def biases(self) -> np.ndarray | None:
        """The layer's biases, one a filter."""
        return self.layer.bias.numpy() if self.layer.use_bias else None

    @property
    def channel_axis(self) -> int:
        """The axis of one sample that holds the channels."""
        return -1 if self.channels_last else 0

    def space_of(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The spatial part of the shape of a sample."""
        return tuple(shape[:-1] if self.channels_last else shape[1:])

    def image_shape(self, space: tuple[int, ...], channels: int) -> tuple[int, ...]:
        """The shape of a sample of so many channels, in the layer's order."""
        return (*space, channels) if self.channels_last else (channels, *space)

    def add_convolution(
        self, pre: Any, post: Any, input_shape: Sequence[int], kernel: np.ndarray,
        strides: Sequence[int] | int = 1, padding: str = "valid", groups: int = 1,
    ) -> None:  # fmt: skip
        """Convolve from one object to another.

        Parameters
        ----------
        pre, post : Nengo objects
        input_shape : tuple of int
            Spatial shape and channels of one sample, in the layer's order.
        kernel : ndarray of shape (*kernel_size, channels // groups, n_filters)
        strides, padding, groups
            Stride along each axis, ``"same"`` or ``"valid"``, and groups of channels.
        """
        dimensions = kernel.ndim - 2
        if groups > 1 and dimensions > _MAX_GROUPED_AXES:
            kernel, groups = ungrouped(kernel, groups), 1
        transform = nengo.Convolution(
            n_filters=kernel.shape[-1], input_shape=tuple(input_shape),
            kernel_size=kernel.shape[:-2], strides=_as_tuple(strides, dimensions), padding=padding,
            channels_last=self.channels_last, init=kernel, groups=groups,
        )  # fmt: skip
        self.connect(pre, post, transform, trainable=True)

    def add_transposed(self, node_id: int, post: Any, kernel: np.ndarray) -> None:
        """A transposed convolution from the layer's input, to the shape of its output.

        Parameters
        ----------
        node_id : int
        post : Nengo object
        kernel : ndarray of shape (*kernel_size, channels, n_filters)
            Without the layer's dilation.
        """
        layer, kernel = self.layer, dilated(kernel, self.layer.dilation_rate)
        transform = nengo.ConvolutionTranspose(
            n_filters=kernel.shape[-1], input_shape=tuple(self.input_shape(node_id)),
            output_shape=nengo.transforms.ChannelShape(
                tuple(self.output_shape(node_id)), channels_last=self.channels_last
            ),
            kernel_size=kernel.shape[:-2], strides=_as_tuple(layer.strides), padding=layer.padding,
            channels_last=self.channels_last, init=kernel,
        )  # fmt: skip
        self.connect(self.get_input_obj(node_id), post, transform, trainable=True)

    def padded_input(self, node_id: int) -> tuple[Any, tuple[int, ...], str]:
        """The layer's input, its shape, and the padding that is still to be done.

        Causal padding adds all zeros before the first step: they get a Node of their own.
        """
        pre, shape = self.get_input_obj(node_id), tuple(self.input_shape(node_id))
        if self.layer.padding != "causal":
            return pre, shape, self.layer.padding
        length, channels = shape if self.channels_last else shape[::-1]
        before = (self.layer.kernel_size[0] - 1) * self.layer.dilation_rate[0]
        padded = self.image_shape((length + before,), channels)
        places = np.arange(math.prod(padded)).reshape(padded)
        places = places[before:] if self.channels_last else places[:, before:]
        relay = self.add_relay(node_id, math.prod(padded), "padded")
        self.connect(pre, relay[np.ravel(places)])
        return relay, padded, "valid"


@register_layer_converter(tf.keras.layers.Conv1D, tf.keras.layers.Conv2D, tf.keras.layers.Conv3D)
class ConvertConvolution(ConvolutionConverter):
    """Convolutions, dilated and grouped ones too."""

    unsupported_training_args = TRAINING_ONLY

    def convert(self, node_id: int) -> Any:
        """One convolution into the activation."""
        layer = self.layer
        stage = self.add_stage(node_id, layer.activation, self.biases(), self.channel_axis)
        pre, shape, padding = self.padded_input(node_id)
        kernel, groups = self.kernel()
        self.add_convolution(pre, stage.input, shape, kernel, layer.strides, padding, groups)
        return stage.output

    def kernel(self) -> tuple[np.ndarray, int]:
        """The kernel as Nengo takes it, and its groups."""
        kernel = dilated(self.layer.kernel.numpy(), self.layer.dilation_rate)
        return kernel, getattr(self.layer, "groups", 1)


@register_layer_converter(tf.keras.layers.DepthwiseConv1D, tf.keras.layers.DepthwiseConv2D)
class ConvertDepthwise(ConvertConvolution):
    """Convolutions of each channel with filters of its own."""

    unsupported_training_args = _DEPTHWISE_TRAINING_ONLY

    def kernel(self) -> tuple[np.ndarray, int]:
        """A convolution with as many groups as channels."""
        return depthwise_kernel(self.layer.depthwise_kernel.numpy(), self.layer.dilation_rate)


@register_layer_converter(tf.keras.layers.SeparableConv1D, tf.keras.layers.SeparableConv2D)
class ConvertSeparable(ConvolutionConverter):
    """A depthwise convolution, then one that mixes the channels."""

    unsupported_training_args = _SEPARABLE_TRAINING_ONLY

    def convert(self, node_id: int) -> Any:
        """Two convolutions, with a passthrough Node between them."""
        layer = self.layer
        stage = self.add_stage(node_id, layer.activation, self.biases(), self.channel_axis)
        pre, shape, padding = self.padded_input(node_id)
        depthwise, pointwise = (w.numpy() for w in (layer.depthwise_kernel, layer.pointwise_kernel))
        kernel, groups = depthwise_kernel(depthwise, layer.dilation_rate)
        between = self.image_shape(self.space_of(self.output_shape(node_id)), kernel.shape[-1])
        relay = self.add_relay(node_id, math.prod(between), "depthwise")
        self.add_convolution(pre, relay, shape, kernel, layer.strides, padding, groups)
        self.add_convolution(relay, stage.input, between, pointwise)
        return stage.output


@register_layer_converter(
    tf.keras.layers.Conv1DTranspose,
    tf.keras.layers.Conv2DTranspose,
    tf.keras.layers.Conv3DTranspose,
)
class ConvertTransposed(ConvolutionConverter):
    """Transposed convolutions."""

    unsupported_training_args = TRAINING_ONLY

    def convert(self, node_id: int) -> Any:
        """One transposed convolution, to exactly the shape that Keras computes."""
        layer = self.layer
        stage = self.add_stage(node_id, layer.activation, self.biases(), self.channel_axis)
        # Keras: (*kernel_size, filters, channels)
        self.add_transposed(node_id, stage.input, np.swapaxes(layer.kernel.numpy(), -1, -2))
        return stage.output


def dilated(kernel: np.ndarray, rates: Sequence[int] | int) -> np.ndarray:
    """A kernel with zeros between its weights.

    Parameters
    ----------
    kernel : ndarray of shape (*kernel_size, channels, n_filters)
    rates : sequence of int
        One number per spatial axis: 1 puts no zeros between.

    Returns
    -------
    ndarray of shape (*((kernel_size - 1) * rates + 1), channels, n_filters)
    """
    rates = _as_tuple(rates, kernel.ndim - 2)
    if set(rates) == {1}:
        return kernel
    space = [(n - 1) * rate + 1 for n, rate in zip(kernel.shape, rates)]
    result = np.zeros((*space, *kernel.shape[-2:]), dtype=kernel.dtype)
    result[tuple(slice(None, None, rate) for rate in rates)] = kernel
    return result


def depthwise_kernel(kernel: np.ndarray, rates: Sequence[int] | int) -> tuple[np.ndarray, int]:
    """A Keras depthwise kernel as the kernel and the groups of a grouped convolution.

    Parameters
    ----------
    kernel : ndarray of shape (*kernel_size, channels, multiplier)
    rates : sequence of int
        Dilation.

    Returns
    -------
    kernel : ndarray of shape (*kernel_size, 1, channels * multiplier)
    groups : int
    """
    kernel = dilated(kernel, rates)
    return kernel.reshape(*kernel.shape[:-2], 1, -1), kernel.shape[-2]


def ungrouped(kernel: np.ndarray, groups: int) -> np.ndarray:
    """The kernel of the same convolution without groups: zero from group to group.

    Parameters
    ----------
    kernel : ndarray of shape (*kernel_size, channels // groups, n_filters)
    groups : int

    Returns
    -------
    ndarray of shape (*kernel_size, channels, n_filters)
    """
    *space, per_group, n_filters = kernel.shape
    result = np.zeros((*space, groups * per_group, n_filters), dtype=kernel.dtype)
    of_group = n_filters // groups
    for group in range(groups):
        filters = slice(group * of_group, (group + 1) * of_group)
        channels = slice(group * per_group, (group + 1) * per_group)
        result[..., channels, filters] = kernel[..., filters]
    return result


def _as_tuple(value: Sequence[int] | int, length: int = 1) -> tuple[int, ...]:
    return (int(value),) * length if isinstance(value, int) else tuple(int(v) for v in value)
