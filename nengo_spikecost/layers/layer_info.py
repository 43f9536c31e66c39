"""`LayerInfo`: the name, type and size of a layer, as a row of a table shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import EnergyError


@dataclass(frozen=True)
class LayerInfo:
    """Name, type and size of a layer, for a row of a table.

    Attributes
    ----------
    name : str
        Layer name.
    kind : str
        Type of the layer as people know it: ``"Conv2D"``, ``"Ensemble"``.
    output_shape : str
        Shape as printed.
    n_params : int, optional
        Number of parameters (weights and biases). None: not known.
    input_rate_hz : float, optional
        Mean absolute activation at the layer's input, read as Hz: known to the `average`
        counter only. Measured networks have spikes in their populations instead.
    group : str
        Subnetwork of a Nengo network that it is in, such as an EnsembleArray; ``""``: in none.
    """

    name: str
    kind: str
    output_shape: str
    n_params: int | None = None
    input_rate_hz: float | None = None
    group: str = ""


def kind_of(layer: Any) -> str:
    """The type of a layer as people know it; of what stands for one of Keras 3, its type there."""
    kind = type(layer).__name__
    return str(layer.kind) if kind in ("Keras3Operation", "Keras3Layer") else kind


def named_layer(layer: Any, names: Iterable[str]) -> str:
    """The name of a layer given by name or as an object that has one."""
    known = tuple(names)
    name = layer if isinstance(layer, str) else getattr(layer, "name", None)
    if name not in known:
        raise EnergyError(f"There is no layer {layer!r}; the layers are {', '.join(known)}.")
    return str(name)
