"""Multiply-accumulates of a layer by its shape, exact at the borders of its input."""

from __future__ import annotations

import math

from .layer_shape import LayerShape

#: Kinds of layers that move a kernel over their input.
CONVOLUTIONS = ("convolution", "depthwise convolution", "transposed convolution")


def layer_macs(shape: LayerShape) -> int:
    """Multiply-accumulates of a layer with weights; no product where a kernel leaves its input.

    The padding of convolutions is told from their shapes, as Keras divides it: an odd zero goes
    behind. A causal padding cannot be told from one of both sides.
    """
    if shape.kind == "dense":
        return shape.n_out * shape.channels_in
    return taps_met(shape) * shape.channels_out * (shape.channels_in // shape.groups)


def taps_met(shape: LayerShape) -> int:
    """Pairs of a position of a kernel and a tap that is on the input."""
    given, made = shape.input_shapes[0][:-1], shape.output_shape[:-1]
    if shape.kind == "transposed convolution":
        given, made = made, given  # its taps are those of the convolution it transposes
    default = (1,) * len(shape.kernel_size) if shape.kind in CONVOLUTIONS else shape.kernel_size
    if math.prod(made) == 1 and len(made) != len(shape.kernel_size):
        return math.prod(given)  # a global pooling
    axes = zip(
        given, made or (1,) * len(shape.kernel_size), shape.kernel_size, shape.strides or default,
        shape.dilation or (1,) * len(shape.kernel_size),
    )  # fmt: skip
    return math.prod(_taps_of_axis(*axis) for axis in axes)


def _taps_of_axis(n_in: int, n_out: int, kernel: int, stride: int, dilation: int) -> int:
    reach = (kernel - 1) * dilation + 1
    before = max(0, (n_out - 1) * stride + reach - n_in) // 2
    return sum(
        0 <= position * stride + tap * dilation - before < n_in
        for position in range(n_out)
        for tap in range(kernel)
    )
