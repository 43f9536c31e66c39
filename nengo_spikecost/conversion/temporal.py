"""Models with a time axis, which a network runs through step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf


def is_temporal(model: tf.keras.Model, layers: Iterable[Any]) -> bool:
    """Whether axis 1 of a model's inputs is time, by its layers or by its inputs' shapes."""
    time_distributed = tf.keras.layers.TimeDistributed
    if any(isinstance(layer, time_distributed) or _of_keras_spiking(layer) for layer in layers):
        return True
    return any(len(x.shape) > 2 and x.shape[1] is None for x in model.inputs)


def joins_steps(layer: Any, node_id: int) -> bool:
    """Whether an application of a layer works along axis 1: a network has no other step at hand.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        A layer of a temporal model.
    node_id : int
        Which application of it.
    """
    if isinstance(layer, tf.keras.layers.InputLayer) or _of_keras_spiking(layer):
        return False
    inputs = _shapes(layer.inbound_nodes[node_id].input_tensors)
    outputs = _shapes(layer.inbound_nodes[node_id].output_tensors)
    if len({shape[1:2] for shape in inputs + outputs}) != 1:
        return True
    window = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    return window is not None and any(len(s) == np.size(window) + 2 for s in inputs)


def wraps_a_model(layer: Any) -> bool:
    """Whether a layer is TimeDistributed around a model, not a layer."""
    wrapped = getattr(layer, "layer", None)
    is_wrapper = isinstance(layer, tf.keras.layers.TimeDistributed)
    return is_wrapper and isinstance(wrapped, tf.keras.Model)


def _shapes(tensors: Any) -> list[tuple[int | None, ...]]:
    return [tuple(tensor.shape) for tensor in tf.nest.flatten(tensors)]


def _of_keras_spiking(layer: Any) -> bool:
    return type(layer).__module__.split(".")[0] == "keras_spiking"
