"""Layers without a Nengo form, as TensorNodes: for ``allow_fallback=True``."""

from __future__ import annotations

import math
from typing import Any

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf

from .converter_registry import register_fallback
from .linear import LinearConverter


@register_fallback
class ConvertFallback(LinearConverter):
    """As NengoDL does it, and layers that are called with more than one tensor, too.

    NengoDL hands a layer its first input only. Here all of them go into one TensorNode, one after
    the other, and the layer is run eagerly on what is cut out of it: not for training.
    """

    def __init__(self, layer: Any, converter: Any):
        super().__init__(layer, converter)
        several = any(len(_tensors(node)) > 1 for node in layer.inbound_nodes)
        # which copies the layer, and builds it for its first input
        self._single = None if several else nengo_dl.converter.ConvertFallback(layer, converter)

    def convert(self, node_id: int) -> Any:
        """One TensorNode."""
        node = self.layer.inbound_nodes[node_id]
        if len(tf.nest.flatten(node.outputs)) > 1:
            raise self.refused("it has several outputs, and a TensorNode has one")
        if self._single is not None:
            return self._single.convert(node_id)
        tensors = _tensors(node)
        shapes = [tuple(tensor.shape)[self.outer_axes :] for tensor in tensors]
        output = nengo_dl.TensorNode(
            _OfSeveral(self.layer, node, shapes, self.output_shape(node_id)),
            shape_in=(sum(map(math.prod, shapes)),), shape_out=tuple(self.output_shape(node_id)),
            pass_time=False, label=self.layer.name,
        )  # fmt: skip
        start = 0
        for tensor, shape in zip(tensors, shapes):
            layer, number, index = tensor._keras_history
            given = nengo.Network.context[-1].layer_map[layer][number][index]
            self.connect(given, output[start : start + math.prod(shape)])
            start += math.prod(shape)
        return output


class _OfSeveral:
    """A layer, as a function of all its inputs in one row.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
    node : Keras node
        Its application, with the arguments of the call.
    shapes : list of tuple of int
        Shapes of one sample of each input.
    shape_out : tuple of int
        Shape of one sample of its output.
    """

    def __init__(self, layer: Any, node: Any, shapes: Any, shape_out: Any):
        self._layer, self._shapes, self._shape_out = layer, shapes, tuple(shape_out)
        self._given = [list(node.call_args), dict(node.call_kwargs)]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """From shape (batch_size, total) to (batch_size, \\*shape_out)."""
        output = tf.numpy_function(self._on_arrays, [x], tf.float32)
        return tf.ensure_shape(output, (x.shape[0], *self._shape_out))

    def _on_arrays(self, x: np.ndarray) -> np.ndarray:
        cuts = np.cumsum([math.prod(shape) for shape in self._shapes])[:-1]
        parts = iter(zip(np.split(x, cuts, axis=1), self._shapes))

        def filled(value: Any) -> Any:
            if not hasattr(value, "_keras_history"):
                return value
            part, shape = next(parts)
            return tf.constant(part.reshape(len(part), *shape))

        args, kwargs = tf.nest.map_structure(filled, self._given)
        return np.asarray(self._layer(*args, **kwargs), dtype="f4")


def _tensors(node: Any) -> list[Any]:
    given = tf.nest.flatten([list(node.call_args), dict(node.call_kwargs)])
    return [value for value in given if hasattr(value, "_keras_history")]
