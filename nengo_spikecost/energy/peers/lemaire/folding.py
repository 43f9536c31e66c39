"""Layers as hardware runs them: batch normalization folded into the weights before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from ....layers.layer_macs import CONVOLUTIONS
from ....layers.layer_shape import LayerShape


def folded(shapes: Iterable[LayerShape]) -> tuple[LayerShape, ...]:
    """The layers without the batch normalizations that follow a linear layer directly.

    Where nothing else reads that layer, its weights are scaled and its biases shifted once,
    before inference; a layer that had no biases has one for each channel afterwards.
    """
    kept = {shape.name: shape for shape in shapes}
    readers = Counter(name for shape in kept.values() for name in shape.inputs)
    instead: dict[str, str] = {}
    for shape in list(kept.values()):
        shape = replace(shape, inputs=tuple(instead.get(name, name) for name in shape.inputs))
        kept[shape.name] = shape
        before = kept.get(shape.inputs[0]) if shape.inputs else None
        if shape.kind != "batch normalization" or before is None:
            continue
        linear = before.kind in (*CONVOLUTIONS, "dense") and before.activation == "linear"
        if linear and readers[before.name] == 1:
            biases = before.n_biases or before.channels_out
            # what reads the normalization now reads the layer, as often
            readers[before.name] = readers[shape.name]
            kept[before.name] = replace(before, n_biases=biases)
            instead[shape.name] = before.name
            del kept[shape.name]
    return tuple(kept.values())
