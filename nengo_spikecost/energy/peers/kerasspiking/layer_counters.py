"""Connections and neurons of Keras layers, as KerasSpiking's ModelEnergy counts them.

One small function per layer type, found along the method resolution order of the layer's
class. These are KerasSpiking's definitions, kept for comparison; `average` lists where they
are known to be wrong. TensorFlow is not imported before a layer is there to be counted.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from ....errors import EnergyError, UncountedWarning
from ....layers.layer_counts import (
    LayerCount,
    LayerCounter,
    LayerUse,
    layer_counters,
    register_layer,
)

__all__ = ["LayerCount", "LayerUse", "count_layer", "layer_counters", "register_layer"]


_COUNTS = ("neurons", "connections", "spiking")

# Layers that KerasSpiking takes to cost nothing, and says nothing about.
_FREE_LAYERS = (
    "Add", "Dropout", "Flatten", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "GlobalAveragePooling3D", "InputLayer", "Reshape",
)  # fmt: skip


def count_layer(layer: Any, use: LayerUse | None = None) -> LayerCount:
    """Count one application of a Keras layer.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer.
    use : LayerUse, optional
        The application; default: the layer's first.

    Raises
    ------
    EnergyError
        If ``layer`` is no Keras layer, was never applied, has an output of unknown size, or
        if its registered counter returns something that is not a count.
    """
    import tensorflow as tf

    if not isinstance(layer, tf.keras.layers.Layer):
        raise EnergyError(f"Expected a Keras layer, not {type(layer).__name__}: {layer!r}.")
    if use is None:
        if not layer.inbound_nodes:
            raise EnergyError(
                f"Layer {layer.name!r} was never applied to an input, so its connections are "
                "not known. Call it on a tf.keras.Input first."
            )
        node = layer.inbound_nodes[0]
        use = LayerUse(layer, node.input_shapes, node.output_shapes)
    counter = layer_counters.find(layer)
    if counter is not None:
        return _checked(counter(use), layer)
    if isinstance(layer, tuple(getattr(tf.keras.layers, name) for name in _FREE_LAYERS)):
        return LayerCount()
    kind = type(layer).__name__
    warnings.warn(
        f"Layer {layer.name!r} of type {kind} cannot be counted and is left out: no counter "
        "is registered for it. Register one with register_layer.",
        UncountedWarning,
        stacklevel=3,
    )
    return LayerCount(uncounted=f"no counter is registered for layers of type {kind}")


def _checked(result: LayerCount | Mapping[str, Any], layer: Any) -> LayerCount:
    if isinstance(result, LayerCount):
        return result
    for key in result:
        if key not in _COUNTS:
            raise EnergyError(
                f"The counter for {type(layer).__name__} (layer {layer.name!r}) returned "
                f"{key!r}; it may return {', '.join(_COUNTS)}."
            )
    connections, neurons = (int(result.get(key, 0)) for key in ("connections", "neurons"))
    return LayerCount(connections, neurons, bool(result.get("spiking", True)))


def _output_size(use: LayerUse) -> int:
    """Units at the output of one time slice; a leading unknown axis is taken for time."""
    sizes = tuple(use.output_shapes)[1:]
    if sizes and sizes[0] is None:
        sizes = sizes[1:]
    if any(size is None for size in sizes):
        raise EnergyError(
            f"Layer {use.layer.name!r} has an output of unknown size, {use.output_shapes}: "
            "only the first axis after the batch may be None (time)."
        )
    return int(np.prod(sizes, dtype=np.int64))


def _activation(activation: Any, units: int) -> LayerCount:
    """Neurons of an activation: none if it is linear."""
    if activation is None or getattr(activation, "__name__", activation) == "linear":
        return LayerCount()
    return LayerCount(neurons=units, spiking=False)


def _count_activation(use: LayerUse) -> LayerCount:
    # ReLU and LeakyReLU have no `activation`: they are one.
    return _activation(getattr(use.layer, "activation", "relu"), _output_size(use))


def _count_conv(use: LayerUse) -> LayerCount:
    units = _output_size(use)
    per_unit = int(np.prod(use.layer.kernel.shape[:-1], dtype=np.int64))
    act = _activation(use.layer.activation, units)
    return LayerCount(units * per_unit, act.neurons, act.spiking)


def _count_dense(use: LayerUse) -> LayerCount:
    units = _output_size(use)
    positions = units // int(use.output_shapes[-1])
    weights = int(np.prod(use.layer.kernel.shape, dtype=np.int64))
    act = _activation(use.layer.activation, units)
    return LayerCount(positions * weights, act.neurons, act.spiking)


def _count_spiking_activation(use: LayerUse) -> LayerCount:
    # The input always has a time axis; the output only with return_sequences=True.
    return LayerCount(neurons=int(np.prod(use.input_shapes[2:], dtype=np.int64)))


def _count_time_distributed(use: LayerUse) -> LayerCount:
    """The wrapped layer on one time slice.

    Shapes alone say all that is needed; calling the wrapped layer to learn them, as
    KerasSpiking does, would leave a node in the user's model.
    """

    def one_slice(shape: Any) -> Any:
        if isinstance(shape, list):
            return [one_slice(s) for s in shape]
        return (shape[0], *shape[2:])

    inner, given, made = use.layer.layer, one_slice(use.input_shapes), one_slice(use.output_shapes)
    return count_layer(inner, LayerUse(inner, given, made))


def _of_tensorflow(tf: Any) -> dict[type, LayerCounter]:
    layers = tf.keras.layers
    return {
        **dict.fromkeys((layers.Activation, layers.ReLU, layers.LeakyReLU), _count_activation),
        **dict.fromkeys((layers.Conv1D, layers.Conv2D, layers.Conv3D), _count_conv),
        layers.Dense: _count_dense,
        layers.TimeDistributed: _count_time_distributed,
    }


layer_counters.add_defaults("tensorflow", _of_tensorflow)
layer_counters.add_defaults(
    "keras_spiking", lambda package: {package.SpikingActivation: _count_spiking_activation}
)
