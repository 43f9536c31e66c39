"""`LayerApplication`, and `shape_rules`: the registry of functions that describe one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Union

from ..registry import TypeRegistry
from .keras_quantizers import layer_quantizers
from .layer_shape import LayerShape
from .layer_subclasses import differs_from_known

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
            "name": self.name, "layer": self.row, "kind": kind, "inputs": self.inputs,
            "input_shapes": tuple(map(channels_last, self.input_shapes)),
            "output_shape": channels_last(self.output_shape),
            "activation": activation_name(getattr(self.layer, "activation", None)),
            "type": type(self.layer).__name__, "quantizers": layer_quantizers(self.layer),
        }  # fmt: skip
        return LayerShape(**{**known, **fields})


ShapeRule = Callable[[LayerApplication], Union[LayerShape, tuple[LayerShape, ...]]]

#: From the type of a Keras layer to the function that describes an application of it. The
#: function takes a `LayerApplication` and returns a `LayerShape`, or several that follow each
#: other; the last of them has the application's name.
shape_rules: TypeRegistry[ShapeRule] = TypeRegistry("shape rule", differs_from_known)


def shapes_of(application: LayerApplication) -> tuple[LayerShape, ...]:
    """An application as its rule describes it; ``"unknown"`` without one."""
    rule = shape_rules.find(application.layer)
    shapes = application.shape("unknown") if rule is None else rule(application)
    return shapes if isinstance(shapes, tuple) else (shapes,)


def activation_name(activation: Any) -> str:
    """Name of a function, of a quantizer, or of a layer that is an activation."""
    if activation is None:
        return "linear"
    if isinstance(activation, str):
        return activation.partition("(")[0]
    return getattr(activation, "__name__", None) or type(activation).__name__
