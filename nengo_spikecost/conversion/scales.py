"""Firing-rate scales by layer, as the user gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Union

import nengo

from ..errors import ConversionError
from ..spiking.conversion_values import checked_scale
from ..spiking.defaults import OTHERS
from .lookup import neuron_layer, walk_layers

ScaleLike = Union[float, Mapping[Any, float]]


def resolve_scales(scales: ScaleLike, names: Mapping[int, str]) -> dict[str, float]:
    """Scale by layer name; a single number, or that of `OTHERS`, applies to every other layer.

    ``names`` gives the name of each layer object of the user's model, by ``id``.
    """
    if isinstance(scales, Mapping):
        layers = dict.fromkeys(names.values())
        others = {key: scale for key, scale in scales.items() if key == OTHERS}
        resolved = resolve_scales(others[OTHERS], names) if others else {}
        for name, scale in by_layer_name(scales, names).items():
            if name in others:
                continue
            if name not in layers:
                raise ConversionError(
                    f"scale_firing_rates names layer {name!r}, which the model does not have; "
                    f"its layers are {', '.join(layers)}."
                )
            resolved[name] = checked_scale(scale, f" of layer {name!r}")
        return resolved
    scale = checked_scale(scales)
    return {} if scale == 1 else dict.fromkeys(names.values(), scale)


def with_prefix(scales: ScaleLike, names: Mapping[int, str], prefix: str) -> ScaleLike:
    """Scales with layers called as in the model that theirs is a part of."""
    if not prefix or not isinstance(scales, Mapping):
        return scales
    known = set(names.values())

    def inner(key: Any) -> Any:
        named = isinstance(key, str) and key not in known and prefix + key in known
        return prefix + key if named else key

    return {inner(key): scale for key, scale in scales.items()}


def by_layer_name(given: Mapping[Any, Any], names: Mapping[int, str]) -> dict[str, Any]:
    """A dict by layers or their names as one by names; ``names`` as `layer_names` gives them."""
    return {k if isinstance(k, str) else names.get(id(k), str(k)): v for k, v in given.items()}


def layer_names(*models: Any) -> dict[int, str]:
    """Name of each layer object of some models, by ``id``; see `names_by_id`."""
    names: dict[int, str] = {}
    for model in models:
        names.update(names_by_id(dict(walk_layers(model))))
    return names


def names_by_id(layers: Mapping[str, Any]) -> dict[int, str]:
    """Name of each layer object, by ``id``, of layers by name.

    A layer within a TimeDistributed wrapper has the wrapper's name: that is the layer of the model.
    """
    names: dict[int, str] = {}
    for name, layer in layers.items():
        names[id(layer)] = names[id(neuron_layer(layer))] = name
    return names


def refuse_unused_scales(names: Iterable[str], owners: Mapping[Any, str]) -> None:
    """Raise `ConversionError` for layers that were given a scale and have no use for it."""
    neurons: dict[str, list[Any]] = {}
    for obj, name in owners.items():
        if isinstance(obj, nengo.Ensemble):
            neurons.setdefault(name, []).append(obj.neuron_type)
    unused = [name for name in names if name not in neurons]
    if unused:
        raise ConversionError(
            f"scale_firing_rates has no effect on layers without neurons: {', '.join(unused)}; "
            f"those with neurons are {', '.join(neurons) or 'none'}.",
            layer=unused[0],
        )
    for name in names:
        fixed = [kind for kind in neurons[name] if not hasattr(kind, "amplitude")]
        if len(fixed) == len(neurons[name]):
            raise ConversionError(
                f"scale_firing_rates has no effect on the {type(fixed[0]).__name__} neurons of "
                f"layer {name!r}, which have no amplitude to divide: leave the layer out.",
                layer=name,
            )
