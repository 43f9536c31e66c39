"""The Nengo objects of each layer, collected from a network that was converted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import nengo
import tensorflow as tf

from .lookup import LayerLookup


def collect_objects(
    net: nengo.Network, model: tf.keras.Model, names: Iterable[str]
) -> dict[str, list[Any]]:
    """Nengo objects of every application of every layer, in the order of ``names``."""
    objects: dict[str, list[Any]] = {}
    _collect(net, model, "", objects)
    return {name: objects[name] for name in names if name in objects}


def _collect(
    net: nengo.Network, model: tf.keras.Model, prefix: str, objects: dict[str, list[Any]]
) -> None:
    nested = iter(net.networks)
    for layer, applications in net.layer_map.items():
        if layer not in model.layers and not isinstance(layer, tf.keras.Model):
            continue  # helper layers that nengo_dl adds for TimeDistributed
        name = prefix + layer.name
        outputs = [outputs[0] for _, outputs in sorted(applications.items())]
        objects.setdefault(name, []).extend(outputs)
        if isinstance(layer, tf.keras.Model):
            for _ in applications:
                _collect(next(nested), layer, f"{name}/", objects)


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
    tensors: list[Any], names: list[str], copies: list[Any], objects: Any, what: str
) -> LayerLookup:
    """Nengo objects of the model's ends; two of its ends may be the same tensor."""
    entries: dict[str, list[Any]] = {}
    for name, tensor in zip(names, copies):
        entries.setdefault(name, []).append(objects[tensor])
    return LayerLookup(entries, what, {id(t): name for t, name in zip(tensors, names)})
