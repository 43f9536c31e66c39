"""Layers of quantizeml, with their own arithmetic.

quantizeml is optional and not imported here: its layers are registered when the user imports it.
What it makes of weights, biases and scales is asked of its own quantizers. The network carries
values, whole numbers times their unit (see `quantized_values`); a linear layer has weights that
lead from the unit of its input to that of its sums.

Of rates, a Node behind each quantizer makes its steps, and NengoDL runs the network in float64: a
sum of ``n`` products is off by at most ``(n + 4) * 2**-53`` of their sizes, which the package's
buffers keep below 2**32, and so by less than half a number up to ``n = 2**19``. Where neurons
spike, quantizers are left out but for their scale, and ReLUs saturate where their quantizer does.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from ... import stack
from ..layer_functions import pool_windows
from ..quantized_values import Grid, Step, after, numbers_of, shifted, times, within
from ..quantizeml_tensors import is_quantized
from .converter_registry import register_layer_converter
from .convolutions import ConvolutionConverter, depthwise_kernel, dilated, ungrouped
from .curves import PiecewiseLinear, Term, rectified
from .dense import places_transform
from .merging import ConvertConcatenate
from .no_ops import ConvertNoOperation
from .on_grids import OnGrids, Weighted
from .pooling import ConvertMaxPooling
from .shapes import ConvertFlatten, ConvertPermute


class ConvertQuantizedDense(Weighted):
    """Dense layers."""

    def convert(self, node_id: int) -> Any:
        """A matrix, or a convolution whose kernel covers one place."""
        kernel, biases = self.weights(node_id)
        stage = self.add_stage(node_id, None, biases)
        *places, _ = self.input_shape(node_id)
        self.connect(self.get_input_obj(node_id), stage.input, places_transform(kernel, places))
        return self.add_quantizer(node_id, stage.output)


class ConvertQuantizedConvolution(Weighted, ConvolutionConverter):
    """Convolutions."""

    def convert(self, node_id: int) -> Any:
        """One convolution."""
        kernel, biases = self.weights(node_id)
        stage = self.add_stage(node_id, None, biases)
        pre, shape, padding = self.padded_input(node_id)
        kernel, groups = self.with_groups(kernel)
        self.add_convolution(pre, stage.input, shape, kernel, self.layer.strides, padding, groups)
        return self.add_quantizer(node_id, stage.output)

    def with_groups(self, kernel: np.ndarray) -> tuple[np.ndarray, int]:
        """The kernel as Nengo takes it, and its groups."""
        return dilated(kernel, self.layer.dilation_rate), 1

    def padded_input(self, node_id: int) -> tuple[Any, tuple[int, ...], str]:
        """The layer's input, its shape, and the padding that is still to be done.

        Pixels that were moved up are padded with what zero has become.
        """
        layer, shape = self.layer, tuple(self.input_shape(node_id))
        pre = self.get_input_obj(node_id)
        number = self.traced(node_id).made.get("padding_value")
        if number is None:
            return pre, shape, layer.padding
        border = numbers_of(number) * self.aligned(node_id)[0].unit
        height, width, channels = shape
        # as quantizeml has it, which does not look at the dilation
        (_, top, bottom), (_, left, right) = pool_windows(
            (height, width), layer.kernel_size, layer.strides, "same"
        )
        padded = (top + height + bottom, left + width + right, channels)
        indices = np.arange(math.prod(padded)).reshape(padded)
        inside = indices[top : top + height, left : left + width].ravel()
        relay = self.add_relay(node_id, indices.size, "padded")
        self.connect(pre, relay[inside])
        values = np.array(np.broadcast_to(border, padded)).ravel()
        values[inside] = 0
        if values.any():
            self.add_constant(node_id, relay, values)
        return relay, padded, "valid"


class ConvertQuantizedDepthwise(ConvertQuantizedConvolution):
    """Convolutions of each channel with a filter of its own."""

    by_channel, aligns = True, False

    def with_groups(self, kernel: np.ndarray) -> tuple[np.ndarray, int]:
        """A convolution with as many groups as channels."""
        return depthwise_kernel(kernel, self.layer.dilation_rate)


class ConvertQuantizedSeparable(Weighted, ConvolutionConverter):
    """A convolution of each channel, then one that mixes them."""

    def convert(self, node_id: int) -> Any:
        """Two convolutions, with a passthrough Node between them."""
        layer, made = self.layer, self.traced(node_id).made
        (grid, largest), scale = self.aligned(node_id), Grid.of(made["dw_weight"]).unit
        depthwise, pointwise = (numbers_of(made[name]) for name in ("dw_weight", "pw_weight"))
        ratio = self.before(node_id).unit / (grid.unit * scale) * self.factor(node_id)
        sums = np.abs(depthwise).sum(axis=(0, 1, -1)) * largest
        sums = (np.abs(pointwise[0, 0]) * sums[:, None]).sum(axis=0)
        stage = self.add_stage(node_id, None, self.biases_of(node_id, sums))
        kernel, groups = depthwise_kernel(depthwise * scale, layer.dilation_rate)
        between = (*self.output_shape(node_id)[:-1], kernel.shape[-1])
        relay = self.add_relay(node_id, math.prod(between), "depthwise")
        pre, shape = self.get_input_obj(node_id), tuple(self.input_shape(node_id))
        self.add_convolution(pre, relay, shape, kernel, layer.strides, layer.padding, groups)
        self.add_convolution(relay, stage.input, between, pointwise * ratio)
        return self.add_quantizer(node_id, stage.output)


class ConvertQuantizedTransposed(Weighted, ConvolutionConverter):
    """Transposed convolutions."""

    def convert(self, node_id: int) -> Any:
        """One transposed convolution, to exactly the shape that Keras computes."""
        kernel, biases = self.weights(node_id)
        stage = self.add_stage(node_id, None, biases)
        self.add_transposed(node_id, stage.input, kernel)
        return self.add_quantizer(node_id, stage.output)


class ConvertQuantizedDepthwiseTransposed(Weighted, ConvolutionConverter):
    """Transposed convolutions of each channel with a filter of its own."""

    by_channel = True

    def convert(self, node_id: int) -> Any:
        """One transposed convolution, with weights of zero from channel to channel."""
        kernel, biases = self.weights(node_id)
        stage = self.add_stage(node_id, None, biases)
        kernel, groups = depthwise_kernel(kernel, 1)
        self.add_transposed(node_id, stage.input, ungrouped(kernel, groups))
        return self.add_quantizer(node_id, stage.output)


class ConvertQuantizedReLU(OnGrids):
    """ReLUs, which saturate where their output quantizer does."""

    def convert(self, node_id: int) -> Any:
        """One or two populations of neurons, and the quantizer."""
        maximum: Any = np.inf
        if self.layer.max_value is not None:
            maximum = numbers_of(self.traced(node_id).made["max_value"])
        if self.layer.out_quantizer is None:
            self.limit(node_id, np.minimum(self.largest(node_id), maximum))
        stage = self.add_stage(node_id, self.curve(node_id, maximum))
        self.connect(self.get_input_obj(node_id), stage.input)
        return self.add_quantizer(node_id, stage.output)

    def curve(self, node_id: int, maximum: Any) -> Any:
        """The curve up to a number, or to one that the quantizer makes its largest."""
        unit, factor = self.before(node_id).unit, self.factor(node_id)
        high, quantizer = maximum * unit, self.layer.out_quantizer
        if quantizer is not None:
            top = 2.0**quantizer.value_bits - 1
            if self.converter.rounds:
                limit = _first_number(self.output_steps(node_id), top, np.shape(unit)) * unit
            else:
                limit = top * self.after(node_id).unit / factor
            high = np.minimum(high, limit)
        if not np.isfinite(high).all():
            return rectified()
        terms = Term("positive", weight=factor), Term("excess", weight=-factor, shift=-high)
        return PiecewiseLinear(terms)


class ConvertQuantizedAdd(OnGrids):
    """Sums of two tensors."""

    def convert(self, node_id: int) -> Any:
        """One Connection an input, into one Node."""
        grids, output = self.grids(node_id), self.add_relay(node_id)
        common = np.maximum(*(grid.frac_bits for grid in grids))
        sums = np.zeros(())
        for i, grid in enumerate(grids):
            shift = (common - grid.frac_bits).astype(float)
            numbers = self.largest(node_id, i) * 2.0**shift
            self.check_buffer(node_id, numbers)
            sums = sums + numbers
            pre = self.get_input_obj(node_id, tensor_idx=i)
            self.connect(pre, output, 0.5 if self.layer.average else 1)
        self.limit_sums(node_id, sums)
        return self.add_quantizer(node_id, output)


class ConvertQuantizedGlobalAverage(OnGrids, ConvolutionConverter):
    """The mean of each channel."""

    def convert(self, node_id: int) -> Any:
        """A convolution with one window."""
        (grid,), (*space, channels) = self.grids(node_id), self.input_shape(node_id)
        self.limit_sums(node_id, self.largest(node_id) * math.prod(space))
        ratio = self.before(node_id).unit / grid.unit * self.factor(node_id)
        kernel = np.array(np.broadcast_to(ratio, (*space, 1, channels)))
        pre, output = self.get_input_obj(node_id), self.add_relay(node_id)
        self.add_convolution(pre, output, (*space, channels), kernel, groups=channels)
        return self.add_quantizer(node_id, output)


class ConvertQuantizedConcatenate(OnGrids, ConvertConcatenate):
    """Tensors put side by side."""


class _Through(OnGrids):
    """Layers that hand on numbers as they are."""

    def convert(self, node_id: int) -> Any:
        """Convert the layer as Keras' own."""
        self.limit(node_id, self.largest(node_id))
        return super().convert(node_id)


class ConvertQuantizedMaxPooling(_Through, ConvertMaxPooling):
    """Max pooling, or the form that the user chose for it."""


class ConvertQuantizedDropout(_Through, ConvertNoOperation):
    """Dropout does nothing."""


class ConvertQuantizedPermute(_Through, ConvertPermute):
    """Axes in another order."""


class ConvertQuantizedReshape(_Through, ConvertFlatten):
    """Another shape, in the same order."""


class ConvertQuantizedFlatten(OnGrids, ConvertFlatten):
    """One axis, with one binary point: numbers that are too large for it saturate."""

    def convert(self, node_id: int) -> Any:
        """The input; of rates, with a Node where channels have binary points of their own."""
        (grid,), output = self.grids(node_id), super().convert(node_id)
        common = np.max(grid.frac_bits)
        if (grid.frac_bits == common).all():
            return output
        rounds = self.converter.rounds
        highest = (2.0**grid.value_bits - 1) * 2.0**-common
        how = "cut off" if rounds else "not cut off"
        self.converter.note(self.layer, f"values above {highest:g} {how}", exact=rounds)
        if not rounds:
            return output
        places = output.size_out // grid.frac_bits.size
        steps = shifted(np.tile(common - grid.frac_bits, places), grid.value_bits)
        unit_after = self.after(node_id).unit
        return self.add_steps(node_id, output, np.tile(grid.unit, places), steps, unit_after)


class ConvertQuantizedRescaling(OnGrids):
    """Another unit."""

    def convert(self, node_id: int) -> Any:
        """A factor."""
        (grid,) = self.grids(node_id)
        self.limit(node_id, self.largest(node_id))
        return self.add_affine(node_id, self.after(node_id).unit / grid.unit, 0)


class ConvertInputQuantizer(OnGrids):
    """Pixels as whole numbers; those that start below zero are moved up."""

    def convert(self, node_id: int) -> Any:
        """Of rates, a Node that rounds."""
        layer, pre, grid = self.layer, self.get_input_obj(node_id), self.after(node_id)
        steps = [times(1 / grid.unit), Step("round"), within(grid.value_bits)]
        zero = np.zeros(())
        if not layer.signed:
            zero = after(steps, -layer.range_min.numpy())
            steps += [Step("plus", zero), within(grid.value_bits)]
        self.note_bits(layer.bitwidth)
        if self.converter.rounds:
            return self.add_steps(node_id, pre, None, steps, grid.unit)
        return self.add_affine(node_id, 1, zero * grid.unit) if zero.any() else pre


class ConvertDequantizer(OnGrids):
    """From whole numbers to floats."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """One tensor at a time."""
        if any(isinstance(node.keras_inputs, list) and len(node.keras_inputs) > 1
               for node in layer.inbound_nodes):  # fmt: skip
            return "it has several inputs; give each a Dequantizer of its own"
        return super().problem(layer, converter)

    def convert(self, node_id: int) -> Any:
        """The input; of rates, with a Node where products with scales are rounded."""
        pre, (tensor,) = self.get_input_obj(node_id), self.input_tensors(node_id)
        if not is_quantized(tensor):
            return pre
        (grid,) = self.grids(node_id)
        if not (grid.scaled and self.converter.rounds):
            return pre
        steps = times(2.0 ** -grid.frac_bits.astype(float)), times(grid.scales)
        return self.add_steps(node_id, pre, grid.unit, steps, 1.0)


def _first_number(steps: tuple[Step, ...], top: float, shape: tuple[int, ...]) -> np.ndarray:
    """The smallest number of which steps, which never fall, make the largest; one a channel.

    Infinity where none below 2**32 does.
    """
    shape = after(steps, np.zeros(shape)).shape
    low, high = np.full(shape, -1.0), np.full(shape, 2.0**32)
    reached = after(steps, high) >= top
    while np.any(high - low > 1):  # low does not reach it; high does, if any does
        middle = np.floor((low + high) / 2)
        there = after(steps, middle) >= top
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    return np.where(reached, high, np.inf)


_CONVERTERS: dict[str, Any] = {
    "Dequantizer": ConvertDequantizer, "InputQuantizer": ConvertInputQuantizer,
    "QuantizedAdd": ConvertQuantizedAdd, "QuantizedConcatenate": ConvertQuantizedConcatenate,
    "QuantizedConv2D": ConvertQuantizedConvolution,
    "QuantizedConv2DTranspose": ConvertQuantizedTransposed,
    "QuantizedDense": ConvertQuantizedDense,
    "QuantizedDepthwiseConv2D": ConvertQuantizedDepthwise,
    "QuantizedDepthwiseConv2DTranspose": ConvertQuantizedDepthwiseTransposed,
    "QuantizedDropout": ConvertQuantizedDropout, "QuantizedFlatten": ConvertQuantizedFlatten,
    "QuantizedGlobalAveragePooling2D": ConvertQuantizedGlobalAverage,
    "QuantizedMaxPool2D": ConvertQuantizedMaxPooling, "QuantizedPermute": ConvertQuantizedPermute,
    "QuantizedReLU": ConvertQuantizedReLU, "QuantizedRescaling": ConvertQuantizedRescaling,
    "QuantizedReshape": ConvertQuantizedReshape,
    "QuantizedSeparableConv2D": ConvertQuantizedSeparable,
}  # fmt: skip


def register(quantizeml: ModuleType) -> None:
    """Register the converters of a quantizeml that has been imported."""
    for name, converter in _CONVERTERS.items():
        register_layer_converter(getattr(quantizeml.layers, name))(converter)


stack.when_imported("quantizeml", register)
