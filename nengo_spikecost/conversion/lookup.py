"""Nengo objects of each layer: collected, and looked up by Keras layer, layer name or tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import nengo
import tensorflow as tf


def walk_layers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer by name, those of nested models as ``outer/inner``."""
    for layer in model.layers:
        yield prefix + layer.name, layer
        if hasattr(layer, "layers"):
            yield from walk_layers(layer, f"{prefix}{layer.name}/")


def neuron_layer(layer: Any) -> Any:
    """The layer that has the neurons: of a TimeDistributed wrapper, the layer within."""
    while isinstance(layer, tf.keras.layers.TimeDistributed):
        layer = layer.layer
    return layer


class LayerLookup(Mapping):
    """Read-only mapping from the layers of a Keras model to Nengo objects.

    Keys are layer names; a layer object, or a tensor of the user's model, may be used in
    their place. A layer inside a nested model is called ``"outer/inner"``. A layer that
    is applied several times has one entry an application: ``"shared.0"``, ``"shared.1"``.

    Parameters
    ----------
    entries : dict from str to list
        For every layer name, the Nengo object of each application, in order.
    what : str
        Kind of the entries, for error messages: ``"layer"``, ``"input"``.
    aliases : dict from int or str to str
        ``id`` of a layer or tensor of the user's model, or another name, to the entry it stands
        for.
    missing : dict from str to str
        Names without an object, and why: a clause that follows the name.
    """

    def __init__(
        self, entries: dict[str, list[Any]], what: str, aliases: dict[Any, str],
        missing: Mapping[str, str] | None = None,
    ):  # fmt: skip
        self._what = what
        self._missing = dict(missing or {})
        self._aliases = aliases
        self._applications = {name: len(objs) for name, objs in entries.items()}
        self._objects: dict[str, Any] = {}
        for name, objs in entries.items():
            if len(objs) == 1:
                self._objects[name] = objs[0]
            else:
                self._objects.update({f"{name}.{i}": obj for i, obj in enumerate(objs)})

    def name_of(self, key: Any) -> str:
        """The name under which ``key`` (a name, a layer or a tensor) is listed.

        Raises
        ------
        KeyError
            If there is no such entry, or the layer was applied more than once.
        """
        name = self._name(key)
        if name in self._objects:
            return name
        if self._applications.get(name, 1) > 1:
            choices = ", ".join(repr(f"{name}.{i}") for i in range(self._applications[name]))
            raise KeyError(
                f"Layer {name!r} is applied {self._applications[name]} times: use {choices}."
            )
        if name in self._missing:
            raise KeyError(f"{self._what.capitalize()} {name!r} {self._missing[name]}")
        raise KeyError(
            f"There is no {self._what} {name!r}; there are {', '.join(self._objects) or 'none'}."
        )

    def replaced(self, objects: Mapping[Any, Any], reason: str) -> LayerLookup:
        """The same entries with other objects; entries without one are missing.

        Parameters
        ----------
        objects : mapping
            From the objects of this lookup to others.
        reason : str
            Why there is none: a clause that follows the name.
        """
        entries: dict[str, list[Any]] = {}
        missing = dict(self._missing)
        for name, n in self._applications.items():
            names = [name] if n == 1 else [f"{name}.{i}" for i in range(n)]
            replaced = [objects.get(self._objects[key]) for key in names]
            if None in replaced:
                missing.update(dict.fromkeys([name, *names], reason))
            else:
                entries[name] = replaced
        return LayerLookup(entries, self._what, self._aliases, missing)

    def _name(self, key: Any) -> str:
        if isinstance(key, str):
            return key if key in self._applications else self._aliases.get(key, key)
        if id(key) in self._aliases:
            return self._aliases[id(key)]
        if isinstance(key, tf.keras.layers.Layer):
            return key.name
        history = getattr(key, "_keras_history", None)
        if history is not None:
            return history[0].name
        raise KeyError(
            f"A {self._what} is found by its name, its Keras layer or its tensor, "
            f"not by {type(key).__name__}."
        )

    def __getitem__(self, key: Any) -> Any:
        return self._objects[self.name_of(key)]

    def __contains__(self, key: Any) -> bool:
        try:
            self.name_of(key)
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def __repr__(self) -> str:
        return f"<LayerLookup of {len(self)}: {', '.join(self)}>"


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
    tensors: list[Any], names: list[str], copies: list[Any], objects: Any, what: str,
    keys: Mapping[str, str],
) -> LayerLookup:  # fmt: skip
    """Nengo objects of the model's ends; two of its ends may be the same tensor.

    ``keys`` are more names: those of a dict of inputs or outputs.
    """
    entries: dict[str, list[Any]] = {}
    for name, tensor in zip(names, copies):
        entries.setdefault(name, []).append(objects[tensor])
    ids = {id(t): name for t, name in zip(tensors, names)}
    return LayerLookup(entries, what, {**ids, **keys})
