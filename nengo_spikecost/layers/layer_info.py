"""`LayerInfo`: the name, type and size of a layer, as a row of a table shows them."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    name: str
    kind: str
    output_shape: str
    n_params: int | None = None
    input_rate_hz: float | None = None
