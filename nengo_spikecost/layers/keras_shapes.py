"""The layers of a Keras model as `LayerShape`: what formulas of shapes take.

`keras_shapes` follows nested models, shared layers, and layers with several inputs. What one
application of a layer is, one function per type of layer says; they are found along the
method resolution order of the layer's class, so QKeras' layers are those they derive from.
What no function is registered for has the kind ``"unknown"``.

TensorFlow is not imported before there is a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable, Union

from ..errors import EnergyError
from ..layers.layer_info import LayerInfo
from ..registry import TypeRegistry
from .keras_quantizers import layer_quantizers
from .layer_shape import LayerShape

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerApplication:
    """One application of a layer, as the functions of the registry are given it.

    Attributes
    ----------
    layer : tf.keras.layers.Layer
    name : str
        Unique name of the application.
    row : str
        Name of the layer, that of one in a nested model as ``outer/inner``.
    inputs : tuple of str
        Names of the applications that it reads.
    input_shapes : tuple of tuple of int
    output_shape : tuple of int
        Shapes of one sample, in the order that the layer has them in.
    """

    layer: Any
    name: str
    row: str
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape

    def shape(self, kind: str, **fields: Any) -> LayerShape:
        """A `LayerShape` of a kind, with everything that all layers have filled in."""
        first = getattr(self.layer, "data_format", None) == "channels_first"

        def channels_last(size: Shape) -> Shape:
            return (*size[1:], size[0]) if first and len(size) > 1 else size

        known: dict[str, Any] = {
            "name": self.name,
            "layer": self.row,
            "kind": kind,
            "inputs": self.inputs,
            "input_shapes": tuple(map(channels_last, self.input_shapes)),
            "output_shape": channels_last(self.output_shape),
            "activation": activation_name(getattr(self.layer, "activation", None)),
            "type": type(self.layer).__name__,
            "quantizers": layer_quantizers(self.layer),
        }
        return LayerShape(**{**known, **fields})


ShapeRule = Callable[[LayerApplication], Union[LayerShape, tuple[LayerShape, ...]]]

shape_rules: TypeRegistry[ShapeRule] = TypeRegistry("shape rule")
"""What one application of a layer is, by the type of the layer: this package's and the user's."""


def register_shape(*layer_types: type) -> Callable[[ShapeRule], ShapeRule]:
    """Decorator that registers a function for one or more types of Keras layers.

    The function takes a `LayerApplication` and returns a `LayerShape`, or several that follow
    each other; the last of them has the application's name. Warns with `OverwriteWarning` if a
    type already has a function.
    """
    _register_defaults()
    return shape_rules.register(*layer_types)


def keras_shapes(model: Any, temporal: bool = False) -> tuple[LayerShape, ...]:
    """What every application of every layer of a Keras model looks like.

    Parameters
    ----------
    model : tf.keras.Model
        A functional or Sequential model that has been built. It is not changed.
    temporal : bool
        Whether axis 1 of everything is time: shapes are then those of one step. An axis 1 of
        unknown length is taken for time in any case.

    Returns
    -------
    tuple of LayerShape
        Each after those that it reads; of a model within the model, its layers.

    Raises
    ------
    EnergyError
        If the model is no graph of layers.
    """
    _register_defaults()
    found: list[LayerShape] = []
    _Walk(temporal, found).walk(model, {}, "")
    return tuple(found)


def keras_layer_infos(model: Any) -> tuple[LayerInfo, ...]:
    """Name, type, output shape and parameters of every layer that has a shape of its own.

    Raises
    ------
    EnergyError
        If the model is no graph of layers.
    """
    infos: dict[str, LayerInfo] = {}

    def collect(model: Any, prefix: str) -> None:
        for layer in model.layers:
            name = prefix + layer.name
            if getattr(layer, "_nodes_by_depth", None):
                collect(layer, f"{name}/")
                continue
            size = getattr(layer, "output_shape", "multiple")
            if isinstance(size, list) and len(size) == 1:  # an InputLayer's
                size = size[0]
            infos[name] = LayerInfo(name, type(layer).__name__, str(size), layer.count_params())

    rows = {shape.layer: shape for shape in keras_shapes(model)}
    collect(model, "")
    hidden = [
        LayerInfo(name, shape.type, str((None, *shape.output_shape)), 0)
        for name, shape in rows.items()
        if name not in infos  # the input of a Sequential model
    ]
    return (*hidden, *(info for name, info in infos.items() if name in rows))


def activation_name(activation: Any) -> str:
    """Name of a function, of a quantizer, or of a layer that is an activation."""
    if activation is None:
        return "linear"
    if isinstance(activation, str):
        return activation.partition("(")[0]
    return getattr(activation, "__name__", None) or type(activation).__name__


class _Walk:
    """Follows a model's graph, and those of the models in it."""

    def __init__(self, temporal: bool, found: list[LayerShape]):
        self.temporal = temporal
        self.found = found
        self.applications: dict[str, int] = {}

    def walk(self, model: Any, writers: dict[int, str], prefix: str) -> dict[int, str]:
        """Add a model's applications; return who writes which tensor, by its ``id``.

        ``writers`` has those of the model's inputs, if it is in another one.
        """
        writers = dict(writers)
        for node in _nodes(model):
            layer, row = node.layer, prefix + node.layer.name
            outputs = _flat(node.outputs)
            tensors = _flat(node.keras_inputs)
            if not tensors and all(id(t) in writers for t in outputs):
                continue  # the input of a model that is in another one
            if getattr(layer, "_nodes_by_depth", None):
                inner = self.walk(
                    layer,
                    {id(t): writers[id(s)] for t, s in zip(_flat(layer.inputs), tensors)},
                    f"{row}/",
                )
                ends = _flat(layer.outputs)
                writers.update({id(o): inner[id(e)] for o, e in zip(outputs, ends)})
                continue
            application = LayerApplication(
                layer=layer,
                name=self._unique(row),
                row=row,
                inputs=tuple(writers[id(t)] for t in tensors),
                input_shapes=tuple(self._sample(t) or () for t in tensors),
                output_shape=self._sample(outputs[0]) or (),
            )
            known = all(self._sample(t) is not None for t in (*tensors, outputs[0]))
            self.found.extend(_shapes_of(application, known))
            writers.update({id(t): application.name for t in outputs})
        return writers

    def _unique(self, row: str) -> str:
        number = self.applications.get(row, 0)
        self.applications[row] = number + 1
        return f"{row}.{number}" if number else row

    def _sample(self, tensor: Any) -> Shape | None:
        """Shape of one sample, of one step of it; None if it is not known."""
        size = tuple(tensor.shape)[1:]
        if size and (self.temporal or size[0] is None):
            size = size[1:]
        return None if None in size else tuple(int(n) for n in size)


def _nodes(model: Any) -> Iterator[Any]:
    """A model's applications of layers, each after those that it reads."""
    import tensorflow as tf

    depths = getattr(model, "_nodes_by_depth", None)
    if hasattr(model, "layers") and not isinstance(model, tf.keras.Model):
        raise EnergyError(
            "Expected a tf.keras model of Keras 2, and this one is of Keras 3: pass what convert() "
            "makes of it."
        )
    if not depths:
        raise EnergyError(
            "Expected a functional or Sequential tf.keras model that has been built, not "
            f"{type(model).__name__}: its layers and their connections cannot be listed."
        )
    for depth in sorted(depths, reverse=True):
        yield from depths[depth]


def _shapes_of(application: LayerApplication, known: bool) -> tuple[LayerShape, ...]:
    rule = shape_rules.find(application.layer)
    if rule is None or not known:
        return (application.shape("unknown"),)
    shapes = rule(application)
    return shapes if isinstance(shapes, tuple) else (shapes,)


def of_wrapped(application: LayerApplication) -> tuple[LayerShape, ...]:
    """The layer within a ``TimeDistributed``, with time as one of its axes."""
    inner = replace(application, layer=application.layer.layer)
    shapes = _shapes_of(inner, known=True)
    kinds = {"unknown"} if any(s.kind == "unknown" for s in shapes) else set()
    return (application.shape("unknown"),) if kinds else shapes


def _flat(tensors: Any) -> list[Any]:
    if isinstance(tensors, Mapping):
        tensors = list(tensors.values())
    if isinstance(tensors, (list, tuple)):
        return [t for member in tensors for t in _flat(member)]
    return [tensors]


_registered = False


def _register_defaults() -> None:
    """Fill the registry, once there is a model and TensorFlow has been imported for it."""
    global _registered
    if not _registered:
        _registered = True
        from . import keras_shape_rules

        keras_shape_rules.register_all(shape_rules)
    # its layers may be imported after the first model was looked at
    from .keras_shape_rules import register_optional

    register_optional(shape_rules)
