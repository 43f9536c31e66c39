"""Bare operations between layers: ``a + b``, ``2 * a``, ``a[:, 1:]``, ``keras.ops.mean(a)``.

TensorFlow's, which Keras 2 keeps as layers of its own, and those of Keras 3 have the same rules: an
operation is looked up by its kind (`operation_kinds`), and its arguments by their order.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import nengo
import numpy as np
import tensorflow as tf

from ...errors import ConversionWarning
from ...layers.keras_shape_rules import shape_of_operation
from ...layers.layer_application import shape_rules
from ..keras3_operation import Keras3Operation
from ..layer_functions import Extreme
from ..reasons import FALLBACK
from .base import LayerConverter
from .converter_registry import register_layer_converter
from .curves import clipped, rectified, soft_shrink, softmax
from .fallback import ConvertFallback
from .linear_maps import InfiniteOutput, read_linear
from .operation_kinds import CURVES, KINDS, reason_of_operation

# Keras does not export the layers that it makes of operations; they are in the same package
# as its base class, whose name changes from version to version.
_tf_op_layer = importlib.import_module(
    tf.keras.layers.Layer.__module__.replace("engine.base_layer", "layers.core.tf_op_layer")
)


class OperationConverter(LayerConverter):
    """Base class of bare operations."""

    def arguments(self, node_id: int) -> dict[str, Any]:
        """The arguments of the operation by name, without its own name."""
        node = self.layer.inbound_nodes[node_id]
        named = {k: v for k, v in node.call_kwargs.items() if k != "name" and v is not None}
        try:
            bound = inspect.signature(self.layer.function).bind(*node.call_args, **named)
        except (TypeError, ValueError):
            return {**{f"argument{i}": v for i, v in enumerate(node.call_args)}, **named}
        return {k: v for k, v in bound.arguments.items() if k != "name" and v is not None}

    def is_tensor(self, value: Any) -> bool:
        """Whether an argument comes from a layer: everything else is a constant."""
        return hasattr(value, "_keras_history")

    def tensors(self, node_id: int) -> list[Any]:
        """The tensors among the arguments, in their order, nested ones too."""
        arguments = tf.nest.flatten(list(self.arguments(node_id).values()))
        return [value for value in arguments if self.is_tensor(value)]

    def shape_of(self, tensor: Any) -> tuple[int, ...]:
        """Shape of one sample of a tensor at one step."""
        return tuple(tensor.shape)[self.outer_axes :]

    def object_of(self, tensor: Any) -> Any:
        """The Nengo object of a tensor that the operation is applied to."""
        layer, node_id, tensor_id = tensor._keras_history
        return nengo.Network.context[-1].layer_map[layer][node_id][tensor_id]

    def applied(self, node_id: int, values: Sequence[Any]) -> Any:
        """The operation applied to arrays in the place of its tensors."""
        queue = list(values)
        filled = tf.nest.map_structure(
            lambda value: queue.pop(0) if self.is_tensor(value) else value,
            self.arguments(node_id),
        )
        return self.layer.function(**filled)

    # -- kinds ----------------------------------------------------------------------------

    def add_sum(self, node_id: int, a: Any, b: Any, sign: int = 1) -> Any:
        """``a + sign * b``, each a tensor or a constant."""
        output = self.add_relay(node_id)
        wanted = tuple(self.output_shape(node_id))
        for value, weight in ((a, 1), (b, sign)):
            if not self.is_tensor(value):
                constant = weight * np.broadcast_to(self._constant(node_id, value), wanted)
                self.add_constant(node_id, output, constant.astype(np.float64))
                continue
            pre = self.broadcast(node_id, self.object_of(value), self.shape_of(value))
            self.connect(pre, output, weight)
        return output

    def add_product(self, node_id: int, a: Any, b: Any) -> Any:
        """A tensor times a constant, or a constant times a tensor."""
        if self.is_tensor(a) and self.is_tensor(b):
            return self.fallen_back(
                node_id, "the product of two layers is not linear, and neurons only add"
            )
        tensor, factor = (a, b) if self.is_tensor(a) else (b, a)
        return self._scaled(node_id, tensor, self._constant(node_id, factor))

    def add_quotient(self, node_id: int, a: Any, b: Any) -> Any:
        """A tensor divided by a constant."""
        if self.is_tensor(b):
            return self.fallen_back(
                node_id, "it divides by the output of a layer, which is not linear"
            )
        return self._scaled(node_id, a, 1 / self._constant(node_id, b))

    def fallen_back(self, node_id: int, reason: str) -> Any:
        """A TensorNode in place of an operation, if the user allows it."""
        if not self.converter.allow_fallback:
            raise self.refused(f"{reason}; {FALLBACK}")
        words = f"Layer {self.layer.name!r}: {reason}. Falling back to a TensorNode."
        warnings.warn(words, ConversionWarning, stacklevel=2)
        return ConvertFallback(self.layer, self.converter).convert(node_id)

    def add_curve(self, node_id: int, a: Any, curve: Any) -> Any:
        """An activation."""
        stage = self.add_stage(node_id, curve)
        self.connect(self.object_of(a), stage.input)
        return stage.output

    def add_largest(self, node_id: int, a: Any, b: Any, largest: bool = True) -> Any:
        """The larger or smaller of two tensors, or of a tensor and a constant."""
        parts, wanted = [], tuple(self.output_shape(node_id))
        for value in (a, b):
            if self.is_tensor(value):
                parts.append(self.broadcast(node_id, self.object_of(value), self.shape_of(value)))
        if len(parts) == 1:
            value = b if self.is_tensor(a) else a
            constant = np.broadcast_to(self._constant(node_id, value), wanted)
            node = self.add_relay(node_id, part="constant")
            self.add_constant(node_id, node, constant.astype(np.float64))
            parts.insert(0, node)
        return self.add_extremum(node_id, parts, largest)

    def add_extreme(
        self, node_id: int, a: Any, axis: Any = None, keepdims: Any = False, largest: bool = True
    ) -> Any:
        """The largest or smallest along some axes, on the host."""
        shape = self.shape_of(a)
        if axis is None:
            raise self.refused("it joins samples of the batch; give it the axes of one sample")
        axes = [self._axis(int(x), len(shape)) for x in np.atleast_1d(axis)]
        function = Extreme(shape, axes, bool(keepdims), largest)
        name = "largest" if largest else "smallest"
        output = self.add_host_node(node_id, function, f"exact {name} on the host")
        self.connect(self.object_of(a), output)
        return output

    def add_linear(self, node_id: int) -> Any:
        """Any operation that is linear, by trying it out; see `read_linear`."""
        tensors = self.tensors(node_id)
        if self.converter.temporal_model:
            raise self.refused(
                "it is a bare operation in a model whose axis 1 is time, and may join steps; use a "
                "Keras layer for it"
            )
        shapes = [self.shape_of(tensor) for tensor in tensors]
        try:
            found = read_linear(lambda values: self.applied(node_id, values), shapes)
        except MemoryError:
            raise self.refused("it is too large to read as weights; use a Keras layer") from None
        except InfiniteOutput:
            raise self.refused(
                "some of its outputs are infinite whatever it is given, as those of padding with "
                "-inf before a MaxPooling, and no network has such values; use "
                "MaxPooling(padding='same'), or ZeroPadding, which is the same where no value "
                "before it is negative, and train it so"
            ) from None
        except Exception as error:
            reason = str(error).strip().split("\n")[0]
            raise self.refused(f"it can't be tried out ({reason}); use a Keras layer") from error
        wanted = int(np.prod(self.output_shape(node_id)))
        if found is None or found.weights.shape[0] != wanted:
            raise self.refused(
                "it is not linear with these arguments, or joins samples of the batch: synapses "
                "only add, sample by sample; give it axes of one sample and constants"
            )
        return self.add_map(node_id, [self.object_of(tensor) for tensor in tensors], found)

    def add_map(self, node_id: int, objects: Sequence[Any], linear: Any) -> Any:
        """A `LinearMap` of some objects as Connections."""
        weights, start, parts = linear.weights.tocsc(), 0, []
        for pre in objects:
            part = weights[:, start : start + pre.size_out].tocsr()
            part.eliminate_zeros()
            start += pre.size_out
            if part.nnz:
                parts.append((pre, part))
        if len(parts) == 1 and not linear.constants.any() and len(objects) == 1:
            pre, part = parts[0]
            if part.shape[0] == part.shape[1] and _is_identity(part):
                return pre
        output = self.add_relay(node_id)
        for pre, part in parts:
            if (np.diff(part.indptr) <= 1).all():  # each output is one input
                rows = np.flatnonzero(np.diff(part.indptr))
                data = part.data[0] if (part.data == part.data[0]).all() else part.data
                post = output if len(rows) == output.size_in else output[rows]
                self.connect(pre[part.indices], post, data)
            else:
                self.connect(pre, output, nengo.Sparse(part.shape, init=part))
        if linear.constants.any():
            self.add_constant(node_id, output, linear.constants)
        return output

    def _scaled(self, node_id: int, tensor: Any, factor: Any) -> Any:
        pre = self.broadcast(node_id, self.object_of(tensor), self.shape_of(tensor))
        return self.add_affine(node_id, factor, 0, pre)

    def _constant(self, node_id: int, value: Any) -> np.ndarray:
        """A constant of one sample: its batch axis, if it has one, is of length 1."""
        constant = np.asarray(value, dtype=np.float64)
        n_axes = len(self.output_shape(node_id))
        while constant.ndim > n_axes:
            if len(constant) != 1:
                raise self.refused("its constant differs from sample to sample")
            constant = constant[0]
        return constant

    def _axis(self, axis: int, n_axes: int) -> int:
        """An axis that counts the batch, as one of a sample."""
        found = axis % (n_axes + self.outer_axes) - self.outer_axes
        if found < 0:
            raise self.refused(f"axis {axis} is the batch or time")
        return found

    def add_kind(self, node_id: int, kind: str, name: str) -> Any:
        """The objects of an operation of a kind."""
        given = self.arguments(node_id)
        values = list(given.values())
        if kind == "linear":
            return self.add_linear(node_id)
        if kind == "curve":
            return self.add_curve(node_id, values[0], self._curve(name, given, node_id))
        if kind == "clip":
            low, high = (np.asarray(v, dtype=np.float64) for v in values[1:3])
            if low.ndim or high.ndim:
                raise self.refused("its limits differ from element to element")
            return self.add_curve(node_id, values[0], clipped(float(low), float(high), "clip"))
        if kind in ("largest", "smallest"):
            return self.add_largest(node_id, values[0], values[1], kind == "largest")
        if kind in ("max", "min"):
            more = {k: v for k, v in {**self.settings, **given}.items() if k in _OF_EXTREMES}
            return self.add_extreme(node_id, values[0], largest=kind == "max", **more)
        if kind == "sum":
            return self.add_sum(node_id, values[0], values[1])
        if kind == "difference":
            return self.add_sum(node_id, values[0], values[1], sign=-1)
        if kind == "product":
            return self.add_product(node_id, values[0], values[1])
        if kind == "quotient":
            return self.add_quotient(node_id, values[0], values[1])
        raise self.refused(reason_of_operation(name))

    @property
    def settings(self) -> dict[str, Any]:
        """What an operation was made with, beside its arguments."""
        return {}

    def _curve(self, name: str, given: dict[str, Any], node_id: int) -> Any:
        more = {**self.settings, **given}
        if name == "leaky_relu":
            slope = more.get("negative_slope", more.get("alpha", 0.2))
            return rectified(float(slope), name="leaky_relu")
        if name == "soft_shrink":
            return soft_shrink(float(more.get("threshold", 0.5)))
        if name == "softmax":
            axes = np.atleast_1d(more.get("axis", -1))
            n_axes = len(self.output_shape(node_id))
            return softmax(tuple(self._axis(int(axis), n_axes) for axis in axes))
        return CURVES.get(name, getattr(tf.nn, name, None) or getattr(tf.math, name, name))


_OF_EXTREMES = ("axis", "keepdims")


@register_layer_converter(_tf_op_layer.TFOpLambda)
class ConvertOperation(OperationConverter):
    """Operations of TensorFlow in a model of Keras 2."""

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Only a few operations are known."""
        return None if KINDS.get(layer.symbol) else reason_of_operation(layer.symbol)

    def convert(self, node_id: int) -> Any:
        """By the kind of the operation."""
        kind = KINDS[self.layer.symbol]
        return self.add_kind(node_id, kind, self.layer.symbol.rpartition(".")[2])


@register_layer_converter(Keras3Operation)
class ConvertKeras3Operation(OperationConverter):
    """Operations of a model of Keras 3."""

    @staticmethod
    def shape(use: Any) -> Any:
        """As operations of TensorFlow."""
        return shape_of_operation(use)

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Most are known."""
        return None if KINDS.get(layer.kind) else reason_of_operation(layer.kind)

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration of the operation."""
        return dict(self.layer.entry["config"])

    def arguments(self, node_id: int) -> dict[str, Any]:
        """The operation's arguments by name."""
        tensors = tf.nest.flatten(self.layer.inbound_nodes[node_id].input_tensors)
        given = self.layer.arguments(tensors)
        for name, value in list(given.items()):
            if isinstance(value, tuple) and any(map(self.is_tensor, value)):  # of *args
                given.pop(name)
                given.update({f"{name}{i}": part for i, part in enumerate(value)})
        return {k: v for k, v in given.items() if v is not None}

    def applied(self, node_id: int, values: Sequence[Any]) -> Any:
        """The operation applied to arrays in the place of its tensors."""
        return self.layer.call(list(values))

    def convert(self, node_id: int) -> Any:
        """By the kind of the operation."""
        kind, name = KINDS[self.layer.kind], _snake(self.layer.kind)
        if name == "re_l_u":
            return self._add_relu(node_id)
        if name == "clip":
            given = self.arguments(node_id)
            low, high = [self.settings.get(k, given.get(k)) for k in ("x_min", "x_max")]
            if low is None or high is None or np.ndim(low) or np.ndim(high):
                raise self.refused("it needs two limits, each one number; use maximum and minimum")
            curve = clipped(float(low), float(high), "clip")
            return self.add_curve(node_id, given["x"], curve)
        return self.add_kind(node_id, kind, name)

    def _add_relu(self, node_id: int) -> Any:
        """``keras.activations.relu(a, ...)``, which may leak and saturate."""
        more, (tensor, *_) = self.settings, self.tensors(node_id)
        limit, slope = more.get("max_value"), float(more.get("negative_slope") or 0)
        if float(more.get("threshold") or 0):
            raise self.refused("its output jumps at its threshold; only 0 has none")
        if limit is None and not slope:
            return self.add_curve(node_id, tensor, tf.nn.relu)
        curve = rectified(slope, None if limit is None else float(limit), "relu")
        return self.add_curve(node_id, tensor, curve)


def _snake(name: str) -> str:
    """``LeakyRelu`` as ``leaky_relu``."""
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def _is_identity(matrix: Any) -> bool:
    n = matrix.shape[0]
    return matrix.nnz == n and (matrix.data == 1).all() and (matrix.indices == np.arange(n)).all()


# prices without a conversion go by shapes
shape_rules.register(Keras3Operation)(ConvertKeras3Operation.shape)


@register_layer_converter(_tf_op_layer.SlicingOpLambda)
class ConvertSlice(OperationConverter):
    """Slices of all axes but the batch."""

    def convert(self, node_id: int) -> Any:
        """A selection."""
        node = self.layer.inbound_nodes[node_id]
        named = [value for name, value in node.call_kwargs.items() if name != "name"]
        tensor, key = (*tuple(node.call_args), *named)
        keys = tuple(_slice(k) for k in (key if isinstance(key, (tuple, list)) else (key,)))
        if Ellipsis in keys:  # stands for all axes that are not named
            at = keys.index(Ellipsis)
            rank = len(tensor.shape) - sum(k is not None and k is not Ellipsis for k in keys)
            keys = (*keys[:at], *[slice(None)] * rank, *keys[at + 1 :])
        if any(k != slice(None) for k in keys[: self.outer_axes]):
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
