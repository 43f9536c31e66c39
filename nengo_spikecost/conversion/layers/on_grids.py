"""Base classes of the converters of quantizeml's layers: see `quantizeml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import tensorflow as tf

from ..host_node import HostNode
from ..quantized_values import (
    EXACT_BELOW,
    Grid,
    Quantizing,
    Step,
    numbers_of,
    shifted,
    times,
    within,
)
from ..quantizeml_tensors import Traced, ZeroTensors
from .base import LayerConverter

#: Of each conversion that goes on.
_ZEROS: WeakKeyDictionary[Any, ZeroTensors] = WeakKeyDictionary()


class OnGrids(LayerConverter):
    """A layer between tensors of whole numbers."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Training would need quantizers in Nengo."""
        if not converter.inference_only:
            return "training with quantizers has no Nengo form; use inference_only=True"
        if converter.temporal_model:
            return (
                "layers of quantizeml work on whole samples, and axis 1 of this model is time; if "
                "it is not, pass temporal=False"
            )
        return super().problem(layer, converter)

    # -- grids ----------------------------------------------------------------------------

    @property
    def zeros(self) -> ZeroTensors:
        """The model's tensors, for zeros."""
        return _ZEROS.setdefault(self.converter, ZeroTensors())

    def input_tensors(self, node_id: int) -> list[Any]:
        """The inputs of an application of the layer, as Keras knows them."""
        return list(tf.nest.flatten(self.layer.inbound_nodes[node_id].keras_inputs))

    def traced(self, node_id: int) -> Traced:
        """What the layer and its quantizers make of zeros."""
        return self.zeros.traced(self.layer.get_output_at(node_id))

    def grids(self, node_id: int) -> list[Grid]:
        """The grids of the inputs.

        Raises
        ------
        ConversionError
            If an input has none.
        """
        return [self._grid(self.zeros.of(tensor)) for tensor in self.input_tensors(node_id)]

    def _grid(self, zero: Any) -> Grid:
        if not isinstance(zero, tf.Tensor):
            return Grid.of(zero)
        if zero.dtype.is_integer:
            bits = 8 * zero.dtype.size - (not zero.dtype.is_unsigned)
            return Grid(np.zeros((), "f4"), np.ones((), "f4"), bits, False)
        raise self.refused(
            "its input is of floats, of which it cuts off what is behind the point; put an "
            "InputQuantizer before it, as quantizeml.models.quantize does"
        )

    def before(self, node_id: int) -> Grid:
        """The grid of what the layer computes before its output quantizer."""
        return Grid.of(self.traced(node_id).before)

    def after(self, node_id: int) -> Grid:
        """The grid of the output."""
        return Grid.of(self.traced(node_id).output)

    # -- how large numbers may be ---------------------------------------------------------

    def largest(self, node_id: int, which: int = 0) -> np.ndarray:
        """A bound on the size of an input's numbers: one, or one a channel."""
        return self.zeros.largest(self.input_tensors(node_id)[which])

    def limit(self, node_id: int, largest: Any) -> None:
        """Note a bound on the size of the output's numbers."""
        self.zeros.limit(self.layer.get_output_at(node_id), np.asarray(largest, dtype=float))

    def limit_sums(self, node_id: int, sums: Any) -> None:
        """Note a bound on the layer's sums, and whether float32 may round them."""
        if getattr(self.layer, "out_quantizer", None) is None:  # behind one they are others
            self.limit(node_id, sums)
        largest = np.max(sums)
        if self.converter.rounds and largest >= EXACT_BELOW:
            words = f"sums of up to {largest:.2g}, which quantizeml rounds to float32"
            self.converter.note(self.layer, words, exact=False)

    def check_buffer(self, node_id: int, largest: Any) -> None:
        """Refuse numbers that may be too large once they have the same binary point."""
        bits = self.layer.buffer_bitwidth
        if np.max(largest) > 2.0**bits:
            points = [grid.frac_bits for grid in self.grids(node_id)]
            raise self.refused(
                f"the binary points of its inputs, {min(map(np.min, points)):g} to "
                f"{max(map(np.max, points)):g}, are so far apart that its buffer of {bits} bits "
                "may overflow; quantize the model with per_tensor_activations=True"
            )

    # -- quantizers -----------------------------------------------------------------------

    def factor(self, node_id: int) -> np.ndarray:
        """Of all values, where they are not rounded: the scales of quantizers have few bits."""
        scales = self.traced(node_id).made.get("out_scales")
        if scales is None or self.converter.rounds:
            return np.ones(())
        rescaled = numbers_of(scales) * Grid.of(scales).unit
        return rescaled / self.before(node_id).scales.astype(float)

    def output_steps(self, node_id: int) -> tuple[Step, ...]:
        """The steps of the output quantizer."""
        quantizer, scales = self.layer.out_quantizer, self.traced(node_id).made.get("out_scales")
        frac_bits, steps = self.before(node_id).frac_bits, []
        if scales is not None:
            frac_bits = frac_bits + Grid.of(scales).frac_bits
            steps = [times(numbers_of(scales)), within(quantizer.buffer_bitwidth)]
        return (*steps, *shifted(self.after(node_id).frac_bits - frac_bits, quantizer.value_bits))

    def add_quantizer(self, node_id: int, obj: Any) -> Any:
        """The output quantizer behind an object; of rates only."""
        if self.layer.out_quantizer is None:
            return obj
        self.note_bits(self.layer.out_quantizer.bitwidth)
        if not self.converter.rounds:
            return obj
        unit, unit_after = self.before(node_id).unit, self.after(node_id).unit
        return self.add_steps(node_id, obj, unit, self.output_steps(node_id), unit_after)

    def add_steps(
        self, node_id: int, obj: Any, unit: Any, steps: Sequence[Step], unit_after: Any
    ) -> HostNode:
        """A Node that makes steps on the numbers of an object's values: see `Quantizing`."""
        self.converter.in_float64 = True
        function = Quantizing(self.output_shape(node_id), unit, steps, unit_after)
        node = HostNode(function, label=self.label(node_id, "quantized"))
        self.connect(obj, node)
        return node

    def note_bits(self, bits: int) -> None:
        """Say that values are rounded to so many bits, or that they are not."""
        rounds = self.converter.rounds
        how = "rounded" if rounds else "not rounded"
        self.converter.note(self.layer, f"values of {bits} bits, {how}", exact=rounds)


class Weighted(OnGrids):
    """A layer with weights."""

    #: Whether each channel has a filter of its own.
    by_channel = False
    #: Whether channels get one binary point before they are weighed.
    aligns = True

    def aligned(self, node_id: int) -> tuple[Grid, np.ndarray]:
        """The grid of the input as it is weighed, and a bound on its numbers."""
        (grid,), largest = self.grids(node_id), self.largest(node_id)
        if not self.aligns or grid.frac_bits.size == 1:
            return grid, largest
        common = np.max(grid.frac_bits)
        largest = largest * 2.0 ** (common - grid.frac_bits).astype(float)
        self.check_buffer(node_id, largest)
        return replace(grid, frac_bits=common), largest

    def weights(self, node_id: int) -> tuple[np.ndarray, np.ndarray | None]:
        """The weights of the layer, from values to values.

        Returns
        -------
        kernel : ndarray
            In the shape that it is quantized in, which has the filters last.
        biases : ndarray of shape (n_filters,), or None
        """
        grid, largest = self.aligned(node_id)
        numbers = numbers_of(self.traced(node_id).made["weight"])
        ratio = self.before(node_id).unit / grid.unit * self.factor(node_id)
        if self.by_channel:
            sums = np.abs(numbers).sum(axis=(0, 1, -1)) * largest
            return numbers * np.reshape(ratio, (-1, 1)), self.biases_of(node_id, sums)
        per_input = np.broadcast_to(largest, numbers.shape[-2])[:, None]
        sums = (np.abs(numbers) * per_input).sum(axis=tuple(range(numbers.ndim - 1)))
        return numbers * ratio, self.biases_of(node_id, sums)

    def biases_of(self, node_id: int, sums: np.ndarray) -> np.ndarray | None:
        """The layer's biases; ``sums`` is a bound on the numbers that they are added to."""
        biases = None
        if self.layer.use_bias:
            numbers = numbers_of(self.traced(node_id).made["bias"])
            biases = numbers * self.before(node_id).unit * self.factor(node_id)
            sums = sums + np.abs(numbers)
        self.limit_sums(node_id, sums)
        return biases
