"""Keras models run although TensorFlow can't write the names of their layers.

Keras takes almost any name for a layer, and TensorFlow builds names of its graph from it. Keras
3.15 hands it on as it is, and a blank is refused; Keras 2 puts underscores for most signs, but
leaves a ``>``, after which TensorFlow wants a letter: a layer called ``<b>`` can't predict.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any


def predict(model: Any, inputs: Any) -> Any:
    """What ``model.predict`` gives for an array or a list of arrays, whatever its layers' names."""
    with plain_names(model):
        return model.predict(inputs, verbose=0)


@contextlib.contextmanager
def plain_names(model: Any) -> Iterator[None]:
    """Context in which model and layers have names that TensorFlow has a scope for.

    Parameters
    ----------
    model : keras.Model
        Of Keras 2 or 3. Its names are as before afterwards.
    """
    renamed = []
    for operation in (model, *_operations(model)):
        plain = re.sub(r"[^A-Za-z0-9_.]", "_", operation.name)
        plain = plain if plain[:1].isalnum() else f"L{plain}"
        if plain != operation.name:
            renamed.append((operation, operation.name))
            _rename(operation, plain)
    try:
        yield
    finally:
        for operation, name in renamed:
            _rename(operation, name)


def _rename(operation: Any, name: str) -> None:
    try:
        operation.name = name
    except AttributeError:  # of Keras 2 it is only read, and kept here
        operation._name = name


def _operations(model: Any) -> Iterator[Any]:
    """Layers of a model and, of Keras 3, operations; those of models in it too."""
    if hasattr(model, "_flatten_layers") and not hasattr(model, "operations"):
        yield from model._flatten_layers(include_self=False)
        return
    for operation in getattr(model, "operations", None) or model.layers:
        yield operation
        if hasattr(operation, "layers"):
            yield from _operations(operation)
