"""The memory that a conversion takes, told from the Keras model before it is copied.

The numbers are fits to how processes grew, rounded up. What lowering composes comes after it, and
is told by `lower`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConversionError
from ..memory import Need

#: Bytes of a weight of a matrix, which Nengo has in float64: Keras', the copy's, Nengo's, and what
#: looks for weights that are 0; of other weights, such as kernels; and of a value of a layer.
_PER_ENTRY, _PER_WEIGHT, _PER_VALUE = 40, 12, 15


def convert_need(layers: Mapping[str, Any], temporal: bool = False) -> Need:
    """For converting a model.

    Parameters
    ----------
    layers : mapping from str to tf.keras.layers.Layer
        All layers of the model, those of models within it too.
    temporal : bool
        Whether axis 1 is time: a network has the values of one step, however many there are.
    """
    weights = {id(w): tuple(w.shape) for layer in layers.values() for w in layer.weights}
    shapes = [getattr(layer, "output_shape", ()) for layer in layers.values()]
    n_values = sum(_n_values(shape, 2 if temporal else 1) for shape in shapes)
    n_bytes = (
        math.prod(s) * (_PER_ENTRY if len(s) == 2 else _PER_WEIGHT) for s in weights.values()
    )
    return Need(sum(n_bytes) + _PER_VALUE * n_values)


def _n_values(shape: Any, first: int) -> int:
    """Values from an axis on: of one output, or several; an axis of any length counts once."""
    if isinstance(shape, Mapping):
        shape = list(shape.values())
    if isinstance(shape, Iterable) and any(isinstance(part, (tuple, list)) for part in shape):
        return sum(_n_values(part, first) for part in shape)
    known = () if isinstance(shape, str) else tuple(shape or ())  # "multiple"
    return math.prod(n or 1 for n in known[first:])


def check_memory(layers: Mapping[str, Any], temporal: bool, memory: int | None) -> None:
    """Refuse a model that there is not enough memory to convert.

    Raises
    ------
    ConversionError
    """
    remedy = "give a smaller model, or more memory (memory=)"
    need = convert_need(layers, temporal)
    need.check("Converting the model", memory, ConversionError, remedy=remedy)
