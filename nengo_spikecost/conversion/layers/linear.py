"""`LinearConverter`: the linear part of a layer, without its activation."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.ensemble import Neurons

from ...errors import ConversionError
from ..reasons import refused


class LinearConverter(nengo_dl.converter.LayerConverter):
    """Looks at a layer, and makes the linear part of it."""

    #: Layer attributes that only matter in training, with the value they must have for it.
    unsupported_training_args: ClassVar[list[Any]] = []

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Why a layer can't be converted, as a clause; None if it can.

        Parameters
        ----------
        layer : tf.keras.layers.Layer
        converter : nengo_dl.Converter
            Holds the options of the conversion.
        """
        return None

    @classmethod
    def convertible(cls, layer: Any, converter: Any) -> tuple[bool, str | None]:
        """NengoDL's question; a layer with a `problem` may still become a TensorNode."""
        problem = cls.problem(layer, converter)
        return super().convertible(layer, converter) if problem is None else (False, problem)

    # -- the layer ------------------------------------------------------------------------

    @property
    def channels_last(self) -> bool:
        """Whether the channels are the layer's last axis, or the first."""
        return getattr(self.layer, "data_format", "channels_last") != "channels_first"

    @property
    def inference_only(self) -> bool:
        """Whether the network need not be trainable as the layer is."""
        return self.converter.inference_only

    @property
    def outer_axes(self) -> int:
        """Axes that Keras has before those of one sample at one step: the batch, and time."""
        return 2 if self.converter.temporal_model else 1

    def axis(self, axis: int, node_id: int) -> int:
        """A Keras axis, which counts the batch, as an axis of one sample at one step."""
        of_sample = axis % len(self.layer.get_output_shape_at(node_id)) - self.outer_axes
        if of_sample < 0:
            raise self.refused(f"axis {axis} is the batch or time")
        return of_sample

    def n_inputs(self, node_id: int) -> int:
        """Number of tensors this application of the layer is given."""
        return len(tf.nest.flatten(self.layer.inbound_nodes[node_id].input_tensors))

    def refused(self, reason: str) -> ConversionError:
        """The error to raise for a layer that can't be converted; ``reason`` is a clause."""
        return refused(self.layer, reason)

    def indices(self, node_id: int) -> np.ndarray:
        """The number of each element of the input, in the shape of one sample."""
        shape = tuple(self.input_shape(node_id))
        return np.arange(math.prod(shape)).reshape(shape)

    # -- linear parts ---------------------------------------------------------------------

    def add_relay(self, node_id: int, size: int | None = None, part: str | None = None) -> Any:
        """A passthrough Node, of the size of the layer's output if none is given."""
        size = math.prod(self.output_shape(node_id)) if size is None else size
        return nengo.Node(size_in=int(size), label=self.label(node_id, part))

    def connect(self, pre: Any, post: Any, transform: Any = 1, trainable: bool = False) -> Any:
        """A Connection; from neurons, with the synapse of the conversion.

        Parameters
        ----------
        pre, post : Nengo objects, or slices of them
        transform : nengo.transforms.Transform or array_like
            As in ``nengo.Connection``; the number 1 is no transform.
        trainable : bool
            Whether NengoDL may train the weights.
        """
        options = {} if np.array_equal(transform, 1) else {"transform": transform}
        conn = nengo.Connection(pre, post, synapse=self.synapse(pre), **options)
        self.set_trainable(conn, trainable)
        return conn

    def synapse(self, pre: Any) -> Any:
        """The filter of Connections from an object or a slice of it."""
        obj = pre.obj if isinstance(pre, nengo.base.ObjView) else pre
        return self.converter.synapse if isinstance(obj, Neurons) else None

    def select(self, node_id: int, indices: np.ndarray, input_idx: int = 0) -> Any:
        """The object whose element ``i`` is element ``indices[i]`` of the layer's input."""
        pre = self.get_input_obj(node_id, tensor_idx=input_idx)
        indices = np.ravel(indices)
        if np.array_equal(indices, np.arange(pre.size_out)):
            return pre
        output = self.add_relay(node_id, len(indices))
        self.connect(pre[indices], output)
        return output

    def broadcast(self, node_id: int, pre: Any, shape: tuple[int, ...]) -> Any:
        """An object of some shape, repeated as far as the output's shape asks for."""
        wanted = tuple(self.output_shape(node_id))
        if shape == wanted:
            return pre
        indices = np.arange(pre.size_out).reshape(shape)
        return pre[np.ravel(np.broadcast_to(indices, wanted))]

    def add_affine(self, node_id: int, scale: Any, offset: Any, pre: Any = None) -> Any:
        """A Node that holds ``scale * input + offset``.

        Parameters
        ----------
        node_id : int
        scale, offset : array_like
            Broadcast to the shape of one sample.
        """
        shape = self.output_shape(node_id)
        output = self.add_relay(node_id)
        scale = np.ravel(np.broadcast_to(np.asarray(scale, dtype=np.float64), shape))
        offset = np.ravel(np.broadcast_to(np.asarray(offset, dtype=np.float64), shape))
        pre = self.get_input_obj(node_id) if pre is None else pre
        self.connect(pre, output, scale[0] if (scale == scale[0]).all() else scale)
        if offset.any():
            self.add_constant(node_id, output, offset)
        return output

    def add_constant(self, node_id: int, obj: Any, values: np.ndarray) -> None:
        """Add a constant to the input of an object: one weight an element, of one Node."""
        node = nengo.Node([1], label=self.label(node_id, "bias"))
        self.connect(node, obj, np.ravel(values)[:, None])

    def label(self, node_id: int, part: str | None = None) -> str:
        """Label of an object of the layer, and of which part, if it has several."""
        label = f"{self.layer.name}.{node_id}"
        return label if part is None else f"{label}.{part}"
