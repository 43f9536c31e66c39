"""An operation of Keras 3 (``a + b``, ``keras.ops.mean(a)``) as a layer of Keras 2."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

#: Stands in a template for the tensors that the layer is called with, in their order.
TENSOR = "__keras_tensor__"


def is_operation(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a Keras 3 model's configuration is an operation of Keras' own."""
    return str(entry.get("module", "")).startswith(("keras.src.ops.", "keras.src.activations"))


def keras_3_activation(name: str) -> Any:
    """An activation of Keras 3 that Keras 2 has not, or has another of that name.

    ``hard_sigmoid`` has a slope of 1/6 in Keras 3, and of 0.2 in Keras 2.
    """
    registered = tf.keras.utils.get_registered_object(f"keras3>{name}")
    if registered is not None:
        return registered

    @tf.autograph.experimental.do_not_convert
    def activation(x: Any) -> Any:
        keras = importlib.import_module("keras")
        function = keras.activations.get(name)
        if keras.config.backend() == "tensorflow":
            return function(x)
        y = tf.numpy_function(lambda x: np.asarray(function(x), "f4"), [x], tf.float32)
        return tf.ensure_shape(y, x.shape)

    activation.__name__ = name
    activation.__module__ = "keras.src.activations"  # where it is from: see `is_of_keras_3`
    return tf.keras.utils.register_keras_serializable("keras3", name)(activation)


def activation_in_keras_2(value: Any) -> Any:
    """A layer's activation, from its configuration in Keras 3."""
    name = value.get("config") if isinstance(value, Mapping) else value
    if not isinstance(name, str):
        return value
    same = name not in _DIFFERENT and callable(getattr(tf.keras.activations, name, None))
    return name if same else keras_3_activation(name)


#: Activations with one name, and another definition in each Keras.
_DIFFERENT = ("hard_sigmoid",)


class Keras3Operation(tf.keras.layers.Layer):
    """One application of an operation of Keras 3; what it gives several of, it gives one of.

    It is called with a list of tensors: those among the operation's arguments, in their order.

    Parameters
    ----------
    entry : mapping
        The operation in the configuration of its model: module, class name and configuration.
    node : mapping
        Its arguments, as in that configuration.
    output : int
        Which of its outputs this is.
    """

    def __init__(
        self, entry: Mapping[str, Any], node: Mapping[str, Any], output: int = 0, **options: Any
    ):
        super().__init__(**options)
        self.entry, self.node, self.output_number = dict(entry), dict(node), output
        keys = ("module", "class_name", "config", "registered_name")
        saving = importlib.import_module("keras").saving
        with saving.CustomObjectScope({}):
            self.operation = saving.deserialize_keras_object(
                {key: self.entry[key] for key in keys if key in self.entry}
            )

    @property
    def kind(self) -> str:
        """The name of the operation's class: ``"Add"``, ``"Mean"``."""
        return str(self.entry["class_name"])

    def arguments(self, tensors: Sequence[Any]) -> dict[str, Any]:
        """The operation's arguments by name, with these tensors in their places."""
        queue = list(tensors)
        args = [filled(value, queue) for value in self.node["args"]]
        kwargs = {key: filled(value, queue) for key, value in self.node["kwargs"].items()}
        bound = inspect.signature(self.operation.call).bind(*args, **kwargs)
        return {name: value for name, value in bound.arguments.items() if name != "self"}

    def _outputs_of(self, function: Any, tensors: Sequence[Any]) -> list[Any]:
        """All outputs of one of the operation's functions, in a list."""
        queue = list(tensors)
        args = [filled(value, queue) for value in self.node["args"]]
        kwargs = {key: filled(value, queue) for key, value in self.node["kwargs"].items()}
        return list(tf.nest.flatten(function(*args, **kwargs)))

    def n_outputs(self, tensors: Sequence[Any]) -> int:
        """How many outputs the operation has, for tensors of these shapes."""
        keras = importlib.import_module("keras")
        specs = [keras.KerasTensor(tuple(t.shape), dtype=t.dtype.name) for t in tensors]
        return len(self._outputs_of(self.operation.compute_output_spec, specs))

    def evaluated(self, tensors: Sequence[Any]) -> Any:
        """What the operation makes of tensors of the backend that Keras 3 runs on."""
        return self._outputs_of(self.operation.call, tensors)[self.output_number]

    def call(self, tensors: Any) -> Any:
        """Run the operation."""
        return self._run(tf.nest.flatten(tensors))

    @tf.autograph.experimental.do_not_convert
    def _run(self, tensors: Sequence[Any]) -> Any:
        if importlib.import_module("keras").config.backend() == "tensorflow":
            return self.evaluated(tensors)
        return tf.numpy_function(
            lambda *arrays: np.asarray(self.evaluated(arrays), "f4"), tensors, tf.float32
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output, which Keras 3 knows."""
        keras = importlib.import_module("keras")
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        specs = [keras.KerasTensor(tuple(shape)) for shape in shapes]
        outputs = self._outputs_of(self.operation.compute_output_spec, specs)
        return tf.TensorShape(outputs[self.output_number].shape)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same layer of."""
        more = {"entry": self.entry, "node": self.node, "output": self.output_number}
        return {**super().get_config(), **more}


def tensors_of(node: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Where the tensors among an operation's arguments come from, in their order."""
    found: list[tuple[str, int, int]] = []

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            if value.get("class_name") == TENSOR:
                name, number, index = value["config"]["keras_history"]
                found.append((name, number, index))
                return
            value = list(value.values())
        if isinstance(value, (list, tuple)):
            for part in value:
                look(part)

    look([node["args"], node["kwargs"]])
    return found


def filled(value: Any, tensors: list[Any]) -> Any:
    """An argument from its configuration, with tensors taken from a list."""
    if isinstance(value, Mapping):
        kind, config = value.get("class_name"), value.get("config") or {}
        if kind == TENSOR:
            return tensors.pop(0)
        if kind == "__numpy__" or kind == "__tensor__":
            return np.asarray(config["value"], dtype=config["dtype"])
        if kind == "__slice__":
            return slice(*(filled(config[k], tensors) for k in ("start", "stop", "step")))
        if kind == "__ellipsis__":
            return Ellipsis
        if kind == "__tuple__":
            return tuple(filled(part, tensors) for part in value["items"])
        return {key: filled(part, tensors) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [filled(part, tensors) for part in value]
        # a key of several axes is a tuple, which JSON does not have
        keys = any(isinstance(p, slice) or p is Ellipsis or p is None for p in parts)
        return tuple(parts) if keys else parts
    return value
