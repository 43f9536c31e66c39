"""The workload of a Keras model: its layers, and nothing that is measured."""

from __future__ import annotations

from typing import Any

from ....errors import EnergyError
from ....layers.layer_info import LayerInfo
from ....layers.layer_shape import LayerShape
from ....workload.presentation import Presentation, checked_presentation
from ....workload.work_entries import DenseWork, UncountedWork
from ....workload.workload_record import Workload
from .counts import n_operations, n_operations_of_qkeras

_DT = 0.001

#: Functions that an accumulator's sign and a few gates decide.
_FREE_FUNCTIONS = ("linear", "relu", "relu6", "leaky_relu", "prelu")

_WITH_MACS = ("convolution", "depthwise convolution", "transposed convolution", "dense")


class ShapeCounter:
    """The layers of a Keras model, ready to be priced.

    Parameters
    ----------
    network : tf.keras.Model or Conversion
        Of a conversion, the model that was converted.
    compat : {None, "qkeras"}
        Whose counts.

    Raises
    ------
    EnergyError
        If it is neither, or a model that is no graph of layers.
    """

    def __init__(self, network: Any, compat: str | None = None):
        from ....conversion import Conversion
        from ....layers.keras_shapes import keras_layer_infos, keras_shapes

        converted = network if isinstance(network, Conversion) else None
        model = converted.model if converted else network
        if not hasattr(model, "layers"):
            raise EnergyError(
                "cost_model='qtools' takes a Keras model, or what convert() made of one, not "
                f"{type(network).__name__}."
            )
        shapes = keras_shapes(model, temporal=converted is not None and converted.temporal)
        self.counted = workload_of_shapes(keras_layer_infos(model), shapes, compat)

    def workload(self, n_steps: int | None = None, dt: float | None = None) -> Workload:
        """The work of one inference: it is the same however many steps are asked for."""
        checked_presentation(n_steps, dt, Presentation(1, _DT))
        return self.counted

    def layer_name(self, layer: Any) -> str:
        """The row of a layer given by name or as a Keras layer."""
        from ....workload.exact import named_layer

        return named_layer(layer, self.counted.layer_names)


def workload_of_shapes(
    infos: tuple[LayerInfo, ...], shapes: tuple[LayerShape, ...], compat: str | None = None
) -> Workload:
    """A workload of layers alone.

    Parameters
    ----------
    infos : tuple of LayerInfo
        The rows of tables.
    shapes : tuple of LayerShape
    compat : {None, "qkeras"}
        Whose counts.
    """
    count = n_operations if compat is None else n_operations_of_qkeras
    multiplying = [shape for shape in shapes if shape.kind in _WITH_MACS]
    reasons = [(shape, _uncounted(shape)) for shape in shapes]
    return Workload(
        layers=infos,
        populations=(),
        pathways=(),
        dense=tuple(DenseWork(s.name, s.layer, count(s)) for s in multiplying),
        uncounted=tuple(UncountedWork(s.name, s.layer, reason) for s, reason in reasons if reason),
        n_steps=1, dt=_DT, n_samples=0, shapes=shapes,
    )  # fmt: skip


def _uncounted(shape: LayerShape) -> str | None:
    """Why not all of a layer has an energy."""
    if shape.kind == "unknown":
        return f"nothing is known of the operations of layers of type {shape.type}"
    name = shape.activation
    simple = name.startswith(("quantized_", "binary", "ternary", "stochastic_", "bernoulli"))
    if name in _FREE_FUNCTIONS or simple:
        return None
    return f"its function {name} has no energy here, only what it reads and writes"
