"""Layers by their shapes, for cost models that are formulas of shapes.

A `LayerShape` describes one application of one layer of the network as it was written,
before anything was lowered: the words of Keras, without Keras. Exact counts of spikes and
synapses are in a `Workload`; these are for formulas that know nothing better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Kinds of layers, as far as their cost goes.
#:
#: ``"convolution"``, ``"depthwise convolution"``, ``"transposed convolution"``
#:     A kernel moved over its input; ``groups`` says which channels it sees.
#: ``"dense"``
#:     A matrix, applied to the last axis.
#: ``"batch normalization"``, ``"activation"``, ``"average pooling"``, ``"max pooling"``
#:     As named. A pooling has a ``kernel_size``; a global one its whole input.
#: ``"add"``, ``"subtract"``, ``"multiply"``, ``"average"``, ``"maximum"``, ``"minimum"``
#:     Several inputs merged, element by element.
#: ``"shape"``
#:     Values are handed on: flatten, reshape, concatenate, crop, pad, dropout.
#: ``"input"``
#:     Data that are fed.
#: ``"unknown"``
#:     Nothing is known of its cost; it is to be listed as uncounted.
LAYER_KINDS = (
    "convolution", "depthwise convolution", "transposed convolution", "dense",
    "batch normalization", "activation", "average pooling", "max pooling", "add", "subtract",
    "multiply", "average", "maximum", "minimum", "shape", "input", "unknown",
)  # fmt: skip


@dataclass(frozen=True)
class LayerShape:
    """One application of one layer.

    Attributes
    ----------
    name : str
        Name of the application, unique: that of the layer, numbered from the second on.
    layer : str
        Name of the layer whose row the work belongs to.
    kind : str
        One of `LAYER_KINDS`.
    inputs : tuple of str
        Names of the applications that it reads.
    input_shapes : tuple of tuple of int
        Shape of one sample of each input, channels last.
    output_shape : tuple of int
        Shape of one sample of the output, channels last.
    kernel_size, strides, dilation : tuple of int
        One number per spatial axis; empty without a kernel.
    groups : int
        Groups of channels of a convolution; the number of channels of a depthwise one.
    n_weights, n_biases : int
        Stored weights without biases; biases.
    activation : str
        Name of the function that follows within the layer; ``"linear"`` for none.
    type : str
        Name of the class, e.g. ``"Conv2D"``.
    quantizers : mapping from str to object
        Number formats of its tensors, as far as they are known, by ``"weights"``, ``"bias"``,
        ``"output"`` and others; see `nengo_spikecost.energy.peers.qtools`.
    """

    name: str
    layer: str
    kind: str
    inputs: tuple[str, ...] = ()
    input_shapes: tuple[tuple[int, ...], ...] = ()
    output_shape: tuple[int, ...] = ()
    kernel_size: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1
    n_weights: int = 0
    n_biases: int = 0
    activation: str = "linear"
    type: str = ""
    quantizers: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in LAYER_KINDS:
            raise ValueError(
                f"Layer {self.name!r}: kind must be one of {', '.join(LAYER_KINDS)}, "
                f"not {self.kind!r}."
            )

    @property
    def n_in(self) -> int:
        """Elements of the first input; 0 without an input."""
        return math.prod(self.input_shapes[0]) if self.input_shapes else 0

    @property
    def n_out(self) -> int:
        """Elements of the output."""
        return math.prod(self.output_shape)

    @property
    def channels_in(self) -> int:
        """Channels of the first input: its last axis."""
        return self.input_shapes[0][-1] if self.input_shapes and self.input_shapes[0] else 0

    @property
    def channels_out(self) -> int:
        """Channels of the output: its last axis."""
        return self.output_shape[-1] if self.output_shape else 0
