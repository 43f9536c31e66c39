"""Which layers of a model are heads: nothing behind them needs neurons."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from .lookup import neuron_layer

#: Layers that hand on values as they are.
_HANDING_ON = frozenset(
    [
        "ActivityRegularization",
        "AlphaDropout",
        "Concatenate",
        "Dropout",
        "Flatten",
        "GaussianDropout",
        "GaussianNoise",
        "Identity",
        "Permute",
        "RepeatVector",
        "Reshape",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
    ]
)


def head_layers(model: tf.keras.Model) -> frozenset[int]:
    """The ``id`` of each layer whose values are the model's outputs, in all its applications.

    Layers that only hand values on may follow. A layer of a model within the model is one if that
    model's output is an output.
    """
    uses: dict[int, list[bool]] = {}
    _collect(model, [True] * len(tf.nest.flatten(model.outputs)), uses)
    return frozenset(layer for layer, heads in uses.items() if all(heads))


def _collect(model: Any, outer: list[bool], uses: dict[int, list[bool]]) -> None:
    """Note of every application of every layer whether it is a head.

    ``outer`` says of each output of the model whether it is an output of the whole.
    """
    nodes = [
        node for depth in sorted(model._nodes_by_depth) for node in model._nodes_by_depth[depth]
    ]
    final: dict[int, bool] = {}
    for tensor, is_final in zip(tf.nest.flatten(model.outputs), outer):
        final[id(tensor)] = final.get(id(tensor), True) and is_final
    for node in nodes:  # the last come first: depth counts from the outputs
        layer = node.layer
        ends = [final.get(id(tensor), False) for tensor in tf.nest.flatten(node.outputs)]
        if isinstance(layer, tf.keras.Model):
            _collect(layer, ends, uses)
        else:
            uses.setdefault(id(neuron_layer(layer)), []).append(all(ends))
        hands_on = type(layer).__name__ in _HANDING_ON and all(ends)
        for tensor in tf.nest.flatten(node.keras_inputs):
            final[id(tensor)] = final.get(id(tensor), True) and hands_on
