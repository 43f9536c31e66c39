"""Calls of the layers and operations of a Keras 3 model, made with those of Keras 2."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from ..errors import ConversionError
from .keras3_layer import Keras3Layer
from .keras3_operation import Keras3Operation, tensors_of

#: Tensors by layer, number of its call, and number of the call's output.
Tensors = dict[tuple[str, int, int], Any]


class Calls(NamedTuple):
    """Calls of a layer or an operation that are still to be made, numbered, in their order."""

    name: str
    apply: Callable[[Mapping[str, Any], int, Tensors], Iterable[Any]]
    nodes: deque[tuple[int, Mapping[str, Any]]]


def calls_of_layer(name: str, layer: Any, entry: Mapping[str, Any]) -> Calls:
    """Those of a layer of Keras 2, or of the `Keras3Layer` that stands for one."""
    return Calls(name, partial(_apply_layer, layer), _nodes(entry))


def calls_of_operation(name: str, entry: Mapping[str, Any]) -> Calls:
    """Those of an operation; each of its outputs is a layer of its own."""
    return Calls(name, partial(_apply_operation, entry), _nodes(entry))


def _nodes(entry: Mapping[str, Any]) -> deque[tuple[int, Mapping[str, Any]]]:
    return deque(enumerate(entry.get("inbound_nodes", ())))


def make_calls(model_name: str, calls: Sequence[Calls], tensors: Tensors) -> None:
    """Make every call as soon as its inputs are there.

    Layers are listed once each, before those that they feed: one that is called again, on what a
    later layer made of its output, has a call whose input comes further down the list.
    """
    waiting = list(calls)
    while waiting:
        made = False
        for layer in waiting:
            while layer.nodes and all(key in tensors for key in tensors_of(layer.nodes[0][1])):
                number, node = layer.nodes.popleft()
                for j, output in enumerate(layer.apply(node, number, tensors)):
                    tensors[layer.name, number, j] = output
                made = True
        waiting = [layer for layer in waiting if layer.nodes]
        if waiting and not made:
            raise ConversionError(
                f"Layer {waiting[0].name!r} of model {model_name!r} is called on what the model's "
                "configuration does not name: save the model again with the Keras that made it.",
                layer=waiting[0].name,
            )


def _apply_layer(
    layer: Any, node: Mapping[str, Any], number: int, tensors: Tensors
) -> Sequence[Any]:
    if isinstance(layer, Keras3Layer):
        outputs = layer([tensors[history] for history in tensors_of(node)])
    else:
        arguments = [_mapped(argument, tensors) for argument in node["args"]]
        outputs = layer(*arguments, **_call_arguments(node["kwargs"], tensors))
    return list(tf.nest.flatten(outputs))


def _apply_operation(
    entry: Mapping[str, Any], node: Mapping[str, Any], number: int, tensors: Tensors
) -> Iterator[Any]:
    """A layer for each output of one application of an operation."""
    name = entry["config"]["name"]
    plain = {key: value for key, value in entry.items() if key != "inbound_nodes"}
    inputs = [tensors[history] for history in tensors_of(node)]
    n_outputs, j = 1, 0
    while j < n_outputs:
        label = name if number == j == 0 else f"{name}.{number}" + f".{j}" * (j > 0)
        try:
            layer = Keras3Operation(plain, node, j, name=label)
            if j == 0:
                n_outputs = layer.n_outputs(inputs)
            output = layer(inputs)
        except Exception as error:
            raise ConversionError(
                f"Operation {name!r} ({entry['class_name']}) of a Keras 3 model can't be made "
                f"in Keras 2: {str(error).strip().splitlines()[0]}",
                layer=name,
            ) from error
        yield output
        j += 1


def _mapped(argument: Any, tensors: Mapping[tuple[str, int, int], Any]) -> Any:
    """A call argument with every reference to a Keras 3 tensor replaced by our tensor."""
    if isinstance(argument, Mapping):
        if argument.get("class_name") == "__keras_tensor__":
            name, node, index = argument["config"]["keras_history"]
            return tensors[name, node, index]
        return {key: _mapped(value, tensors) for key, value in argument.items()}
    if isinstance(argument, (list, tuple)):
        return [_mapped(value, tensors) for value in argument]
    return argument


def _call_arguments(kwargs: Mapping[str, Any], tensors: Mapping[Any, Any]) -> dict[str, Any]:
    # masks are None in models that can be converted, and not every Keras 2 layer takes one
    return {key: _mapped(value, tensors) for key, value in kwargs.items() if value is not None}
