"""A layer of Keras 3 that Keras 2 has not, in the place that it has in a model made anew."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .keras3_operation import filled


class Keras3Layer(tf.keras.layers.Layer):
    """It calls the layer of Keras 3 that it stands for, and is not trained.

    It is called with a list of tensors: those among the arguments of the original, in their order.

    Parameters
    ----------
    original : keras.layers.Layer
    reason : str
        Why Keras 2 has no such layer, and what to do: a clause.
    node : mapping, optional
        The arguments of the original, as in the configuration of its model; default: one tensor.
    """

    def __init__(
        self, original: Any, reason: str, node: Mapping[str, Any] | None = None, **options: Any
    ):
        super().__init__(**options)
        # Keras would track its variables as those of this layer
        object.__setattr__(self, "original", original)
        self.reason, self.node = reason, None if node is None else dict(node)

    @property
    def kind(self) -> str:
        """The name of the original's class."""
        return type(self.original).__name__

    def call(self, tensors: Any) -> Any:
        """Run the original, in inference and eagerly: its variables are in no graph."""
        return self._run(tf.nest.flatten(tensors))

    @tf.autograph.experimental.do_not_convert
    def _run(self, tensors: Sequence[Any]) -> Any:
        keras = importlib.import_module("keras")

        def applied(*arrays: Any) -> list[np.ndarray]:
            outputs = self._applied([keras.ops.convert_to_tensor(x) for x in arrays])
            return [keras.ops.convert_to_numpy(y).astype("f4") for y in outputs]

        specs = self._specs([tuple(x.shape) for x in tensors], [x.dtype.name for x in tensors])
        # one output comes alone or in a list
        outputs = tf.nest.flatten(tf.numpy_function(applied, tensors, [tf.float32] * len(specs)))
        outputs = [tf.ensure_shape(y, spec.shape) for y, spec in zip(outputs, specs)]
        return outputs if len(outputs) > 1 else outputs[0]

    def _specs(self, shapes: Any, dtypes: Any) -> list[Any]:
        """What Keras 3 knows of the outputs for tensors of these shapes."""
        tensor = importlib.import_module("keras").KerasTensor
        return self._applied([tensor(s, dtype=dtype) for s, dtype in zip(shapes, dtypes)])

    def _applied(self, tensors: list[Any]) -> list[Any]:
        """All outputs of the original."""
        if self.node is None:
            return list(tf.nest.flatten(self.original(*tensors)))
        args = [filled(value, tensors) for value in self.node["args"]]
        named = {k: filled(v, tensors) for k, v in self.node["kwargs"].items() if v is not None}
        return list(tf.nest.flatten(self.original(*args, **named)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of its first output, which Keras 3 knows."""
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        specs = self._specs([tuple(shape) for shape in shapes], ["float32"] * len(shapes))
        return tf.TensorShape(specs[0].shape)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same layer of, in this process."""
        more = {"original": self.original, "reason": self.reason, "node": self.node}
        return {**super().get_config(), **more}
