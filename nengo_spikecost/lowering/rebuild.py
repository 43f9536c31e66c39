"""Copies of networks and of their parts, with seeds and settings, that share nothing.

The copy has the given network's subnetworks. Every object gets the seed that it has in the
given network, so that everything random (decoders, initial voltages) comes out the same
although the new network has fewer objects.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.builder.network import seed_network
from nengo.connection import LearningRule
from nengo.ensemble import Neurons


class Copier:
    """Makes a copy of a network, object by object.

    Parameters
    ----------
    network : nengo.Network

    Attributes
    ----------
    network : nengo.Network
        The copy: at first without objects, but with all subnetworks.
    objects : dict
        From each object of the given network that was copied to its copy.
    """

    def __init__(self, network: nengo.Network):
        self._old = network
        self._seeds: dict[Any, int] = {}
        self._seeded: dict[Any, bool] = {}
        # Of what has no seed, the one drawn here is not used: the user's generator is not either.
        seed_network(network, self._seeds, self._seeded, base_rng=np.random.RandomState(0))
        self.objects: dict[Any, Any] = {}
        self._home: dict[Any, nengo.Network] = {}
        self.network = self._empty(network, top=True)

    def _empty(self, old: nengo.Network, top: bool = False) -> nengo.Network:
        seed = self._seeds[old] if self._seeded[old] and not top else old.seed
        new = nengo.Network(label=old.label, seed=seed, add_to_container=False)
        self.objects[old] = new
        for obj in (*old.ensembles, *old.nodes, *old.connections, *old.probes):
            self._home[obj] = new
        for part in old.networks:
            new.networks.append(self._empty(part))
        return new

    def new_of(self, obj: Any) -> Any:
        """The copy of an object, of a slice of one, or of a learning rule."""
        if isinstance(obj, ObjView):
            return ObjView(self.new_of(obj.obj), obj.slice)
        if isinstance(obj, Neurons):
            return self.objects[obj.ensemble].neurons
        if isinstance(obj, LearningRule):
            return LearningRule(self.objects[obj.connection], obj.learning_rule_type)
        return self.objects[obj]

    def copy(self, obj: Any, **changes: Any) -> Any:
        """Copy an Ensemble, Node, Connection or Probe, some attributes changed."""
        if isinstance(obj, nengo.Connection):
            changes = {"pre": self.new_of(obj.pre), "post": self.new_of(obj.post), **changes}
        elif isinstance(obj, nengo.Probe):
            changes = {"target": self.new_of(obj.target), **changes}
        if self._seeded[obj]:
            changes["seed"] = self._seeds[obj]
        new = _copied(obj, changes)
        self.objects[obj] = new
        if isinstance(obj, nengo.Ensemble):
            self.objects[obj.neurons] = new.neurons
        self.add(new, beside=obj)
        return new

    def add(self, new: Any, beside: Any = None) -> None:
        """Add an object to the new network, or to the part of it that another one is from.

        Connections between different parts belong in the whole: Nengo builds the objects of a
        network before its parts, and its Connections after them.
        """
        home = self.network if beside is None else self._home[beside]
        home.objects[_kind(new)].append(new)

    def copy_settings(self, merged: Mapping[Any, Iterable[Any]]) -> None:
        """Copy every ``config`` once all objects are there.

        Parameters
        ----------
        merged : mapping from new object to iterable of old objects
            Objects in place of several: they get the settings of these, where they agree.
        """
        for old in (self._old, *self._old.all_networks):
            _copy_defaults(old, self.objects[old])
            self._copy_values(old, self.objects[old])
        for new, olds in merged.items():
            self._merge_values(new, list(olds))

    def _copy_values(self, old: nengo.Network, new: nengo.Network) -> None:
        for key, params in list(old.config.params.items()):
            if isinstance(key, type) or key not in self.objects:
                continue
            for name, value in _values(params).items():
                setattr(new.config[self.objects[key]], name, value)

    def _merge_values(self, new: Any, olds: list[Any]) -> None:
        """Give a new object the settings that some old ones agree on."""
        for net in (self._old, *self._old.all_networks):
            # Not config[obj]: asking for settings would add some to the user's network.
            settings = [_values(net.config.params[o]) for o in olds if o in net.config.params]
            names = {name for values in settings for name in values}
            known = self.network.config[nengo.Connection]._extra_params
            for name in names.intersection(known):
                given = [values[name] for values in settings if name in values]
                if all(value == given[0] for value in given):
                    setattr(self.network.config[new], name, given[0])


def _copied(obj: Any, changes: Mapping[str, Any]) -> Any:
    """A copy of an object in no network, with other values for some of its attributes.

    Attribute by attribute: both ends of a Connection are read-only once they are set, and
    NengoDL's TensorNodes can't be copied by Nengo's own way.
    """
    kind: Any = type(obj)
    new = kind.__new__(kind)
    vars(new).update(vars(obj), _initialized=False)
    first = [name for name in kind._param_init_order if name in obj.params]
    with warnings.catch_warnings():
        # Nengo warns where a passthrough Node's sizes are set anew, to what they were.
        warnings.simplefilter("ignore")
        for name in dict.fromkeys((*first, *obj.params)):
            if name in changes:
                setattr(new, name, changes[name])
            elif obj in getattr(kind, name):
                setattr(new, name, getattr(obj, name))
    new._initialized = True
    return new


def _kind(obj: Any) -> type:
    for kind in (nengo.Ensemble, nengo.Node, nengo.Connection, nengo.Probe):
        if isinstance(obj, kind):
            return kind
    raise TypeError(type(obj).__name__)


def _values(params: Any) -> dict[str, Any]:
    """The settings that one object has of its own."""
    extra = params._clsparams._extra_params
    return {name: p.__get__(params, type(params)) for name, p in extra.items() if params in p}


def _copy_defaults(old: nengo.Network, new: nengo.Network) -> None:
    """Parameters that backends add, and defaults of Nengo's own."""
    for key, params in old.config.params.items():
        if not isinstance(key, type):
            continue
        if key not in new.config.params:
            new.config.configures(key)
        copy = new.config.params[key]
        for name, param in params._extra_params.items():
            copy.set_param(name, param)
        for name in params.params:
            param = params.get_param(name)
            if params in param:
                param.set_default(copy, param.get_default(params))
