"""Layers that join several tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from .base import LayerConverter
from .converter_registry import register_layer_converter


@register_layer_converter(tf.keras.layers.Add, tf.keras.layers.Average, tf.keras.layers.Subtract)
class ConvertSum(LayerConverter):
    """Weighted sums."""

    def weights(self, n_inputs: int) -> list[float]:
        """The factor of each input."""
        if isinstance(self.layer, tf.keras.layers.Subtract):
            return [1, -1]
        return [1 / n_inputs if isinstance(self.layer, tf.keras.layers.Average) else 1] * n_inputs

    def convert(self, node_id: int) -> Any:
        """One Connection an input, into one Node."""
        output = self.add_relay(node_id)
        tensors = tf.nest.flatten(self.layer.inbound_nodes[node_id].input_tensors)
        for i, (tensor, weight) in enumerate(zip(tensors, self.weights(len(tensors)))):
            pre = self.get_input_obj(node_id, tensor_idx=i)
            shape = tuple(tensor.shape)[self.outer_axes :]
            self.connect(self.broadcast(node_id, pre, shape), output, weight)
        return output


@register_layer_converter(tf.keras.layers.Concatenate)
class ConvertConcatenate(LayerConverter):
    """Tensors put side by side."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Samples of a batch are simulated apart from each other."""
        return "it joins samples of the batch (axis 0)" if layer.axis == 0 else None

    def convert(self, node_id: int) -> Any:
        """Each input into its slice of one Node."""
        output = self.add_relay(node_id)
        axis = self.axis(self.layer.axis, node_id)
        shape = tuple(self.output_shape(node_id))
        places = np.arange(output.size_in).reshape(shape)
        shapes = self.input_shape(node_id)
        shapes = shapes if isinstance(shapes, list) else [shapes]
        start = 0
        for i, part in enumerate(shapes):
            stop = start + part[axis]
            where = places.take(range(start, stop), axis=axis)
            self.connect(self.get_input_obj(node_id, tensor_idx=i), output[np.ravel(where)])
            start = stop
        return output


@register_layer_converter(tf.keras.layers.Maximum, tf.keras.layers.Minimum)
class ConvertExtremum(LayerConverter):
    """The largest or smallest of several tensors, element by element."""

    def convert(self, node_id: int) -> Any:
        """One population of ReLUs for each tensor after the first."""
        tensors = tf.nest.flatten(self.layer.inbound_nodes[node_id].input_tensors)
        parts = []
        for i, tensor in enumerate(tensors):
            pre = self.get_input_obj(node_id, tensor_idx=i)
            parts.append(self.broadcast(node_id, pre, tuple(tensor.shape)[self.outer_axes :]))
        largest = isinstance(self.layer, tf.keras.layers.Maximum)
        return self.add_extremum(node_id, parts, largest)
