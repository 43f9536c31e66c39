"""Memory that copies of a function share with the user's own: watched, so that it is told.

Classes are not copied with their objects, nor modules with the functions that look into them. A
list in a class, in a closure around a class, or in another module is therefore one list for all
samples. Whether it is ever changed can't be told from the code; so it is compared before and after
a batch. NumPy's and Python's global generators of random numbers are such memory too.
"""

from __future__ import annotations

import pickle
import random
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from .lane_memory import Walk, is_installed, is_library, is_settled, names_in

_DESCRIPTORS = (types.FunctionType, staticmethod, classmethod, property, types.MemberDescriptorType)


class SharedMemory:
    """What functions reach that their copies do not have for themselves.

    Parameters
    ----------
    walk : Walk
        Everything that is copied with the functions.
    """

    def __init__(self, walk: Walk):
        kinds = {type(obj) for obj in walk.changeable.values()}
        self._classes = [
            c for kind in kinds for c in kind.__mro__ if _is_users(c.__module__)
        ]  # fmt: skip
        methods = [f for c in self._classes for f in vars(c).values() if _code(f) is not None]
        self._methods = [_function(f) for f in methods]
        self._functions = walk.functions
        self._vocabularies = [v for v in walk.objects.get("Vocabulary", []) if is_settled(v)]
        self._before: dict[str, bytes] = {}

    def watches(self) -> bool:
        """Whether there is anything of the kind."""
        return next(self._parts(), None) is not None

    def watch(self) -> None:
        """Note what there is."""
        self._before = self._contents()

    def changed(self) -> list[str]:
        """What has changed since `watch`, in words."""
        before = self._before
        return sorted(k for k, data in self._contents().items() if before.get(k, data) != data)

    def _contents(self) -> dict[str, bytes]:
        contents = {}
        for name, value in self._parts():
            try:
                contents[name] = pickle.dumps(value)
            except Exception:  # objects raise all kinds when they can't be pickled
                contents[name] = repr(value).encode()
        return contents

    def _parts(self) -> Iterator[tuple[str, Any]]:
        for kind in self._classes:
            for name, value in vars(kind).items():
                if not name.startswith("__") and not isinstance(value, _DESCRIPTORS):
                    yield f"{kind.__qualname__}.{name}", value
        for number, vocabulary in enumerate(self._vocabularies):
            own = vocabulary.name or f"number {number}"
            yield f"pointers of vocabulary {own}", list(vocabulary)
        names: set[str] = set()
        for function in (*self._functions, *self._methods):
            names |= names_in(function.__code__)
            yield from _of_modules(function)
        for method in self._methods:
            for name, cell in zip(method.__code__.co_freevars, method.__closure__ or ()):
                if name != "__class__":
                    yield f"{name}, around {method.__qualname__}", _contents_of(cell)
            if _is_users(method.__module__):
                for name in names_in(method.__code__) & set(method.__globals__):
                    if not isinstance(method.__globals__[name], types.ModuleType):
                        yield f"{method.__module__}.{name}", method.__globals__[name]
        if "random" in names:
            yield "the generator of numpy.random", np.random.get_state()  # noqa: NPY002 (the one that is looked for)
            yield "the generator of random", random.getstate()


def _of_modules(function: Any) -> Iterator[tuple[str, Any]]:
    """Variables of the user's other modules that a function's code names."""
    names = names_in(function.__code__)
    for name in names & set(function.__globals__):
        module = function.__globals__[name]
        if isinstance(module, types.ModuleType) and _is_users(module.__name__):
            for own in names & set(vars(module)):
                yield f"{module.__name__}.{own}", vars(module)[own]
                inner = vars(module)[own]
                if isinstance(inner, types.FunctionType):
                    for used in names_in(inner.__code__) & set(inner.__globals__):
                        yield f"{inner.__module__}.{used}", inner.__globals__[used]


def _is_users(module: Any) -> bool:
    return not (is_library(module) or is_installed(module))


def _function(member: Any) -> Any:
    return getattr(member, "__func__", member)


def _code(member: Any) -> Any:
    return getattr(_function(member), "__code__", None)


def _contents_of(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing in it yet
        return None
