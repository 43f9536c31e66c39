"""What became of each layer, collected from a network that was converted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import tensorflow as tf

from ..layers.layer_info import LayerInfo
from .lookup import LayerLookup, walk_layers


def collect_objects(
    net: nengo.Network, model: tf.keras.Model, prefix: str = ""
) -> dict[str, list[Any]]:
    """Nengo objects of every application of every layer, in the order of the model."""
    nested = iter(net.networks)
    found: dict[str, list[Any]] = {}
    for layer, applications in net.layer_map.items():
        if layer not in model.layers and not isinstance(layer, tf.keras.Model):
            continue  # helper layers that nengo_dl adds for TimeDistributed
        name = prefix + layer.name
        found[name] = [outputs[0] for _, outputs in sorted(applications.items())]
        if isinstance(layer, tf.keras.Model):
            for _ in applications:
                inner = collect_objects(next(nested), layer, f"{name}/")
                for inner_name, objs in inner.items():
                    found.setdefault(inner_name, []).extend(objs)
    order = [prefix + name for name, _ in walk_layers(model)]
    return {name: found[name] for name in order if name in found}


def image_shapes(
    objects: Mapping[str, list[Any]], layers: Mapping[str, Any]
) -> dict[Any, tuple[int, ...]]:
    """Output shapes of layers that tell where their channels are: last."""
    shapes: dict[Any, tuple[int, ...]] = {}
    for name, objs in objects.items():
        shape = getattr(layers[name], "output_shape", None)
        channels_last = getattr(layers[name], "data_format", "channels_last") == "channels_last"
        if isinstance(shape, tuple) and len(shape) > 2 and None not in shape[1:] and channels_last:
            shapes.update(dict.fromkeys(objs, shape[1:]))
    return shapes


def lookup_ends(
    tensors: list[Any], names: list[str], copies: list[Any], found: Any, what: str
) -> LayerLookup:
    """Nengo objects of the model's ends; two of its ends may be the same tensor."""
    entries: dict[str, list[Any]] = {}
    for name, tensor in zip(names, copies):
        entries.setdefault(name, []).append(found[tensor])
    return LayerLookup(entries, what, {id(t): name for t, name in zip(tensors, names)})


def layer_info(name: str, layer: Any) -> LayerInfo:
    """What is said of a layer in tables."""
    shape = getattr(layer, "output_shape", "multiple")
    if isinstance(shape, list) and len(shape) == 1:  # an InputLayer's
        shape = shape[0]
    return LayerInfo(name, type(layer).__name__, str(shape), layer.count_params())
