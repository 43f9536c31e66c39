"""Layer counters: connections and neurons of a Keras layer, for ``cost_model="kerasspiking"``.

The registry is here, below the converters, so that a layer of the user's own can be given its
converter and its counter in one class. The counters of Keras' layers are with the cost model, in
`nengo_spikecost.energy.peers.kerasspiking`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Union

from ..registry import TypeRegistry
from .layer_subclasses import differs_from_known


@dataclass(frozen=True)
class LayerUse:
    """One application of a Keras layer; the fields are named as those of a Keras node.

    Attributes
    ----------
    layer : tf.keras.layers.Layer
        The layer, built.
    input_shapes, output_shapes : tuple, or list of tuples for several tensors
        Shapes with the batch axis (None) first.
    """

    layer: Any
    input_shapes: Any
    output_shapes: Any


@dataclass(frozen=True)
class LayerCount:
    """Connections and neurons of one application of a layer.

    Attributes
    ----------
    connections : int
        Connections from all inputs to all units.
    neurons : int
        Neuron updates per time step.
    spiking : bool
        Whether the layer could run on spiking hardware as it is.
    uncounted : str, optional
        Why the layer could not be counted.
    """

    connections: int = 0
    neurons: int = 0
    spiking: bool = True
    uncounted: str | None = None


LayerCounter = Callable[[LayerUse], Union[LayerCount, Mapping[str, Any]]]

layer_counters: TypeRegistry[LayerCounter] = TypeRegistry("layer counter", differs_from_known)
"""Counters of every layer type, this package's and the user's."""


def register_layer(layer_class: type) -> Callable[[LayerCounter], LayerCounter]:
    """Decorator that registers a counter for a type of Keras layer.

    The function takes a `LayerUse` and returns a `LayerCount`, or a dict with any of its
    first three fields.

    Parameters
    ----------
    layer_class : type

    Warns
    -----
    OverwriteWarning
        If the type already has a counter.
    """
    return layer_counters.register(layer_class)
