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


def convert_need(layers: Mapping[str, Any]) -> Need:
    """For converting a model.

    Parameters
    ----------
    layers : mapping from str to tf.keras.layers.Layer
        All layers of the model, those of models within it too.
    """
    weights = {id(w): tuple(w.shape) for layer in layers.values() for w in layer.weights}
    n_values = sum(_n_values(getattr(layer, "output_shape", ())) for layer in layers.values())
    n_bytes = (
        math.prod(s) * (_PER_ENTRY if len(s) == 2 else _PER_WEIGHT) for s in weights.values()
    )
    return Need(sum(n_bytes) + _PER_VALUE * n_values)


def _n_values(shape: Any) -> int:
    """Values of a sample: of one output, or several; an axis of any length counts once."""
    if isinstance(shape, Mapping):
        return sum(map(_n_values, shape.values()))
    if isinstance(shape, Iterable) and any(isinstance(part, (tuple, list)) for part in shape):
        return sum(map(_n_values, shape))
    known = () if isinstance(shape, str) else tuple(shape or ())  # "multiple"
    return math.prod(n or 1 for n in known[1:])


def check_memory(layers: Mapping[str, Any], memory: int | None) -> None:
    """Refuse a model that there is not enough memory to convert.

    Raises
    ------
    ConversionError
    """
    remedy = "give a smaller model, or more memory (memory=)"
    convert_need(layers).check("Converting the model", memory, ConversionError, remedy=remedy)
