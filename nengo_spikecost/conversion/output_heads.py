"""The head of an output: what its values go through last, which says how labels are read."""

from __future__ import annotations

from typing import Any

from ..activity.labels import LINEAR, SIGMOID, SOFTMAX

#: Layers that hand on every value as it is, or filter it over time.
_HANDED_ON = (
    "Flatten", "Reshape", "Permute", "Dropout", "InputLayer", "Identity", "Lowpass", "Alpha",
    "GaussianNoise", "GaussianDropout", "AlphaDropout", "SpatialDropout1D", "SpatialDropout2D",
)  # fmt: skip


def head_of(tensor: Any) -> str:
    """The head of an output tensor of a model, of Keras 2 or 3.

    Returns
    -------
    str
        ``"softmax"``, ``"sigmoid"``, or ``"linear"`` for all others.
    """
    history = getattr(tensor, "_keras_history", None)
    while history is not None:
        layer, number = history[0], history[2]
        inner = getattr(layer, "layers", None)
        if inner is not None and getattr(layer, "outputs", None):  # a nested model
            history = getattr(layer.outputs[number], "_keras_history", None)
            continue
        while type(layer).__name__ == "TimeDistributed":
            layer = layer.layer
        kind = _activation(layer)
        if kind != LINEAR or type(layer).__name__ not in (*_HANDED_ON, "Activation"):
            return kind
        try:
            given = None if type(layer).__name__ == "InputLayer" else layer.input
        except (AttributeError, ValueError):  # applied several times
            given = None
        history = getattr(given, "_keras_history", None)
    return LINEAR


def _activation(layer: Any) -> str:
    activation = getattr(layer, "activation", None)
    acting = layer if activation is None else activation
    name = getattr(acting, "__name__", type(acting).__name__).lower()
    if "softmax" in name and "log" not in name:
        return SOFTMAX
    return SIGMOID if "sigmoid" in name and "log" not in name else LINEAR
