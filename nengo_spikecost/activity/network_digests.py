"""Digests that tell whether a network, or data, are those of an earlier run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.exceptions import ConfigError

from ..digests import add_array, array_digest
from .samples import Batch

_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, range, slice, type(...))

#: How deep attributes of objects that are not Nengo's are looked into.
_DEPTH = 6

#: Attributes in which Nengo notes what was asked of an object.
_OF_NENGO = ("_paramdict", "_FrozenObject__")


def network_digest(network: nengo.Network) -> str:
    """A digest of all that a network is built from, 64 hexadecimal digits.

    It covers weights, neuron types, seeds, synapses, processes, and what its config sets for
    single objects; functions by their code, their defaults, and the numbers and arrays around
    them. It does not cover global variables.
    """
    return _Digest(network).of_network()


def batch_digest(batch: Batch) -> str:
    """A digest of the values and labels of a batch, 64 hexadecimal digits."""
    targets = [] if batch.targets is None else [np.asarray(batch.targets)]
    return array_digest([*(batch.inputs[name] for name in sorted(batch.inputs)), *targets])


class _Digest:
    """The digest of one network, in which its objects are named by their numbers."""

    def __init__(self, network: nengo.Network):
        self._network = network
        self._digest = hashlib.blake2b(digest_size=32)
        self._number = {id(obj): number for number, obj in enumerate(network.all_objects)}
        self._within: set[int] = set()

    def of_network(self) -> str:
        for net in (self._network, *self._network.all_networks):
            self._add((net.seed, len(net.ensembles), len(net.nodes), len(net.connections)))
        for obj in self._network.all_objects:
            if isinstance(obj, nengo.Network):
                continue
            self._say(type(obj).__qualname__)
            for name in sorted(obj.params):
                self._say(name)
                self._add(getattr(obj, name))
            self._add(self._settings(obj))
        return self._digest.hexdigest()

    def _settings(self, obj: Any) -> dict[str, Any]:
        """Settings of other packages for an object in the network's config."""
        kinds = (nengo.Ensemble, nengo.Connection)
        kind = next((kind for kind in kinds if isinstance(obj, kind)), None)
        if kind is None:
            return {}
        try:
            names = self._network.config[kind]._extra_params
            return {name: getattr(self._network.config[obj], name) for name in sorted(names)}
        except (AttributeError, ConfigError):
            return {}

    def _say(self, text: str) -> None:
        self._digest.update(f"{len(text)}:{text}".encode())

    def _add(self, value: Any, depth: int = 0) -> None:
        if isinstance(value, _PLAIN):
            self._say(f"{type(value).__name__} {value!r}")
        elif id(value) in self._number:
            self._say(f"object {self._number[id(value)]}")
        elif isinstance(value, Neurons):
            self._say(f"neurons {self._number.get(id(value.ensemble))}")
        elif isinstance(value, LearningRule):
            self._say(f"rule {self._number.get(id(value.connection))}")
        elif isinstance(value, ObjView):
            self._say("part")
            self._add(value.obj, depth)
            self._add(value.slice, depth)
        elif isinstance(value, np.ndarray):
            add_array(self._digest, value)
        elif scipy.sparse.issparse(value):
            rows = value.tocsr()
            for array in (rows.data, rows.indices, rows.indptr):
                add_array(self._digest, array)
        elif isinstance(value, Mapping):
            self._say(f"mapping {len(value)}")
            for key in sorted(value, key=str):
                self._add(str(key), depth)
                self._add(value[key], depth)
        elif isinstance(value, Sequence):
            self._say(f"sequence {len(value)}")
            for item in value:
                self._add(item, depth)
        else:
            self._add_object(value, depth)

    def _add_object(self, value: Any, depth: int) -> None:
        """Any other object: its type and its parts."""
        self._say(f"{type(value).__module__}.{type(value).__qualname__}")
        params = getattr(value, "_paramdict", None)
        code = getattr(value, "__code__", None)
        if params is not None:
            for name in sorted(params):
                self._say(name)
                self._add(getattr(value, name), depth)
            if depth < _DEPTH:  # what a class of the user's own keeps besides
                own = {k: v for k, v in vars(value).items() if k not in params}
                own = {k: v for k, v in own.items() if not k.startswith(_OF_NENGO)}
                self._add(own, depth + 1)
        elif code is not None:
            self._say(value.__qualname__)
            self._add_function(value, depth)
        elif depth < _DEPTH and hasattr(value, "__dict__"):
            for name, part in sorted(vars(value).items()):
                self._say(name)
                self._add(part, depth + 1)

    def _add_function(self, function: Any, depth: int) -> None:
        """Code, defaults and closure of a function; without the parts of objects there."""
        if id(function.__code__) in self._within:
            return
        self._within.add(id(function.__code__))
        self._add_code(function.__code__)
        cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
        self._add([function.__defaults__, function.__kwdefaults__, cells], _DEPTH)
        if depth < _DEPTH and hasattr(function, "__self__"):
            self._add(function.__self__, depth + 1)
        self._within.remove(id(function.__code__))

    def _add_code(self, code: Any) -> None:
        self._digest.update(code.co_code)
        self._add(code.co_names)
        for constant in code.co_consts:
            if hasattr(constant, "co_code"):
                self._add_code(constant)
            elif isinstance(constant, (*_PLAIN, tuple, frozenset)):
                ordered = (
                    sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant
                )
                self._say(repr(ordered))


def _filled(cell: Any) -> bool:
    """Whether a variable around a function has a value yet."""
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
