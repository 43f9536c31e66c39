"""Bare TensorFlow operations between layers: ``a + b``, ``2 * a``, ``a[:, 1:]``."""

from __future__ import annotations

import importlib
from typing import Any, Callable

import nengo
import numpy as np
import tensorflow as tf

from .base import LayerConverter
from .converter_registry import register_layer_converter
from .curves import rectified

# Keras does not export the layers that it makes of operations; they are in the same package
# as its base class, whose name changes from version to version.
_tf_op_layer = importlib.import_module(
    tf.keras.layers.Layer.__module__.replace("engine.base_layer", "layers.core.tf_op_layer")
)

CONVERTED = "sums, differences, products with constants, slices, relu and relu6"


class OperationConverter(LayerConverter):
    """Base class of bare operations."""

    def arguments(self, node_id: int) -> tuple[Any, ...]:
        """The arguments of the operation, without its name."""
        node = self.layer.inbound_nodes[node_id]
        named = {k: v for k, v in node.call_kwargs.items() if k != "name" and v is not None}
        return (*node.call_args, *named.values())

    def is_tensor(self, value: Any) -> bool:
        """Whether an argument comes from a layer: everything else is a constant."""
        return hasattr(value, "_keras_history")

    def shape_of(self, tensor: Any) -> tuple[int, ...]:
        """Shape of one sample of a tensor at one step."""
        return tuple(tensor.shape)[self.outer_axes :]

    def object_of(self, tensor: Any) -> Any:
        """The Nengo object of a tensor that the operation is applied to."""
        layer, node_id, tensor_id = tensor._keras_history
        return nengo.Network.context[-1].layer_map[layer][node_id][tensor_id]


@register_layer_converter(_tf_op_layer.TFOpLambda)
class ConvertOperation(OperationConverter):
    """Operations of one or two arguments that are linear, and ReLU."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Only a few operations are known."""
        return None if layer.symbol in _OPERATIONS else _unknown(layer.symbol)

    def convert(self, node_id: int) -> Any:
        """The method for the name of the operation."""
        return _OPERATIONS[self.layer.symbol](self, node_id, *self.arguments(node_id))

    def add_sum(self, node_id: int, a: Any, b: Any, sign: int = 1) -> Any:
        """``a + sign * b``, each a tensor or a constant."""
        output = self.add_relay(node_id)
        wanted = tuple(self.output_shape(node_id))
        for value, weight in ((a, 1), (b, sign)):
            if not self.is_tensor(value):
                constant = weight * np.broadcast_to(self._constant(value), wanted)
                self.add_constant(node_id, output, constant.astype(np.float64))
                continue
            pre = self.broadcast(node_id, self.object_of(value), self.shape_of(value))
            self.connect(pre, output, weight)
        return output

    def add_product(self, node_id: int, a: Any, b: Any) -> Any:
        """A tensor times a constant, or a constant times a tensor."""
        if self.is_tensor(a) and self.is_tensor(b):
            raise self.refused("the product of two layers is not linear, and neurons only add")
        tensor, factor = (a, b) if self.is_tensor(a) else (b, a)
        return self._scaled(node_id, tensor, self._constant(factor))

    def add_quotient(self, node_id: int, a: Any, b: Any) -> Any:
        """A tensor divided by a constant."""
        if self.is_tensor(b):
            raise self.refused("it divides by the output of a layer, which is not linear")
        return self._scaled(node_id, a, 1 / self._constant(b))

    def add_curve(self, node_id: int, a: Any, curve: Any) -> Any:
        """An activation."""
        stage = self.add_stage(node_id, curve)
        self.connect(self.object_of(a), stage.input)
        return stage.output

    def _scaled(self, node_id: int, tensor: Any, factor: Any) -> Any:
        if self.shape_of(tensor) != tuple(self.output_shape(node_id)):
            raise self.refused("its constant has more axes than what it multiplies")
        return self.add_affine(node_id, factor, 0, self.object_of(tensor))

    def _constant(self, value: Any) -> np.ndarray:
        """A constant of one sample: its batch axis, if it has one, is of length 1."""
        constant = np.asarray(value, dtype=np.float64)
        n_axes = len(self.layer.get_output_shape_at(0)) - self.outer_axes
        while constant.ndim > n_axes:
            if len(constant) != 1:
                raise self.refused("its constant differs from sample to sample")
            constant = constant[0]
        return constant


@register_layer_converter(_tf_op_layer.SlicingOpLambda)
class ConvertSlice(OperationConverter):
    """Slices of all axes but the batch."""

    def convert(self, node_id: int) -> Any:
        """A selection."""
        tensor, key = self.arguments(node_id)
        keys = tuple(_slice(k) for k in (key if isinstance(key, (tuple, list)) else (key,)))
        outer = keys[: self.outer_axes]
        if any(k != slice(None) for k in outer) or Ellipsis in outer:
            raise self.refused("it slices the batch or time")
        pre, shape = self.object_of(tensor), self.shape_of(tensor)
        indices = np.arange(pre.size_out).reshape(shape)[keys[self.outer_axes :]]
        output = self.add_relay(node_id, indices.size)
        self.connect(pre[np.ravel(indices)], output)
        return output


def _slice(key: Any) -> Any:
    """A slice as Keras keeps it, as a slice."""
    if isinstance(key, dict):
        return slice(key["start"], key["stop"], key["step"])
    return key


def _unknown(symbol: str) -> str:
    return (
        f"of bare TensorFlow operations only {CONVERTED} are converted, not tf.{symbol}; use "
        "a Keras layer for it"
    )


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "__operators__.add": ConvertOperation.add_sum,
    "math.add": ConvertOperation.add_sum,
    "math.divide": ConvertOperation.add_quotient,
    "math.multiply": ConvertOperation.add_product,
    "math.negative": lambda self, node_id, a: self._scaled(node_id, a, -1.0),
    "math.subtract": lambda self, node_id, a, b: self.add_sum(node_id, a, b, sign=-1),
    "math.truediv": ConvertOperation.add_quotient,
    "nn.relu": lambda self, node_id, a: self.add_curve(node_id, a, tf.nn.relu),
    "nn.relu6": lambda self, node_id, a: self.add_curve(node_id, a, rectified(max_value=6.0)),
}
