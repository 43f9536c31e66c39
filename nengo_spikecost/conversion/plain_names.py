"""Keras models run although TensorFlow can't write the names of their layers.

Keras takes almost any name for a layer, and TensorFlow builds names of its graph from it. Of
Keras 2 the patch P12 takes care; Keras 3.15 hands names on as they are, and a blank is refused.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from .. import stack


def predict(model: Any, inputs: Any) -> Any:
    """What ``model.predict`` gives for an array or a list of arrays, whatever its layers' names."""
    with plain_names(model):
        return model.predict(inputs, verbose=0)


@contextlib.contextmanager
def plain_names(model: Any) -> Iterator[None]:
    """Context in which a model's layers have names that TensorFlow has a scope for.

    Parameters
    ----------
    model : keras.Model
        Of Keras 2 or 3. Its names are as before afterwards.
    """
    if isinstance(model, tf.keras.Model):
        stack.allow_all_layer_names(tf.keras.layers.Layer)
        yield
        return
    renamed = []
    for operation in (model, *_operations(model)):
        plain = re.sub(r"[^A-Za-z0-9_.]", "_", operation.name)
        plain = plain if plain[:1].isalnum() else f"L{plain}"
        if plain != operation.name:
            renamed.append((operation, operation.name))
            operation.name = plain
    try:
        yield
    finally:
        for operation, name in renamed:
            operation.name = name


def _operations(model: Any) -> Iterator[Any]:
    """Layers and operations of a Keras 3 model, those of models in it too."""
    for operation in getattr(model, "operations", None) or model.layers:
        yield operation
        if hasattr(operation, "layers"):
            yield from _operations(operation)
