"""The layers of a Keras model as `LayerShape`, which formulas of shapes take.

`keras_shapes` follows nested models, shared layers, and layers with several inputs. One function
per type of layer, in `shape_rules`, describes an application of it; functions are looked up along
the method resolution order of the layer's class, so QKeras' layers are those they derive from.
A layer without one has the kind ``"unknown"``.

TensorFlow is not imported before there is a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import EnergyError
from . import keras_shape_rules as _keras_shape_rules  # noqa: F401  (registers Keras' own)
from .layer_application import LayerApplication, Shape, shape_rules, shapes_of
from .layer_info import LayerInfo, kind_of
from .layer_shape import LayerShape

#: Decorator that registers a function for one or more types of Keras layers; warns with
#: `OverwriteWarning` if a type already has one.
register_shape = shape_rules.register


def keras_shapes(model: Any, temporal: bool = False) -> tuple[LayerShape, ...]:
    """The shape of every application of every layer of a Keras model.

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
    shapes: list[LayerShape] = []
    _Walk(temporal, shapes).walk(model, {}, "")
    return tuple(shapes)


def layer_info(name: str, layer: Any) -> LayerInfo:
    """Name, type, output shape and parameters of a Keras layer, for tables."""
    shape = getattr(layer, "output_shape", "multiple")
    if isinstance(shape, list) and len(shape) == 1:  # an InputLayer's
        shape = shape[0]
    return LayerInfo(name, kind_of(layer), str(shape), layer.count_params())


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
            infos[name] = layer_info(name, layer)

    rows = {shape.layer: shape for shape in keras_shapes(model)}
    collect(model, "")
    hidden = [
        LayerInfo(name, shape.type, str((None, *shape.output_shape)), 0)
        for name, shape in rows.items()
        if name not in infos  # the input of a Sequential model
    ]
    return (*hidden, *(info for name, info in infos.items() if name in rows))


class _Walk:
    """Follows a model's graph, and those of the models in it."""

    def __init__(self, temporal: bool, shapes: list[LayerShape]):
        self.temporal = temporal
        self.shapes = shapes
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
                layer=layer, name=self._unique(row), row=row,
                inputs=tuple(writers[id(t)] for t in tensors),
                input_shapes=tuple(self._sample(t) or () for t in tensors),
                output_shape=self._sample(outputs[0]) or (),
            )  # fmt: skip
            known = all(self._sample(t) is not None for t in (*tensors, outputs[0]))
            self.shapes.extend(shapes_of(application) if known else (application.shape("unknown"),))
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


def _flat(tensors: Any) -> list[Any]:
    if isinstance(tensors, Mapping):
        tensors = list(tensors.values())
    if isinstance(tensors, (list, tuple)):
        return [t for member in tensors for t in _flat(member)]
    return [tensors]
