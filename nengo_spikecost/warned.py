"""Warnings that one call gives once, however many parts of it come upon the same thing.

A call such as `deploy` builds a network several times, and a measurement may build it for every
sample. Within `each_once` the same words are said once; calls that follow say them again.
"""

from __future__ import annotations

import contextlib
import sys
import types
import warnings
from collections.abc import Hashable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from .errors import EmulationWarning


class _Memory:
    """What was said, and what was looked at, in one call."""

    def __init__(self) -> None:
        self.said: set[tuple[type, str]] = set()
        self.seen: WeakKeyDictionary[Any, set[Hashable]] = WeakKeyDictionary()


_MEMORY: ContextVar[_Memory | None] = ContextVar("nengo_spikecost_warned", default=None)


@contextlib.contextmanager
def each_once() -> Iterator[None]:
    """Context of one call; one inside another belongs to the outer call."""
    if _MEMORY.get() is not None:
        yield
        return
    token = _MEMORY.set(_Memory())
    try:
        yield
    finally:
        _MEMORY.reset(token)


def warn(text: str, category: type[Warning]) -> None:
    """Give a warning of the line that called this package, unless its call has given it already."""
    memory = _MEMORY.get()
    if memory is not None:
        if (category, text) in memory.said:
            return
        memory.said.add((category, text))
    warnings.warn(text, category, stacklevel=_depth_of_caller())


def _depth_of_caller() -> int:
    """How far up the caller of this package is, as ``stacklevel`` counts from `warn`."""
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        depth, frame = depth + 1, frame.f_back
    return depth


def _is_ours(frame: types.FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).split(".")[0] in (__package__, "contextlib")


def is_first(obj: Any, key: Hashable = None) -> bool:
    """Whether this call asks for the first time about an object; outside of calls always."""
    memory = _MEMORY.get()
    if memory is None:
        return True
    keys = memory.seen.setdefault(obj, set())
    first = key not in keys
    keys.add(key)
    return first


#: Notes for developers: on outdated code, and on files that were left open.
_FOR_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning)


@contextlib.contextmanager
def passed_on(package: str) -> Iterator[None]:
    """Context in which another package is called: its warnings come once each, with its name."""
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        pass_on(package, caught)


def pass_on(package: str, caught: Iterable[warnings.WarningMessage]) -> None:
    """Give the warnings of another package that were recorded.

    They become `EmulationWarning`, which the command line shows too. Notes for its developers
    are left out.
    """
    for text, category in dict.fromkeys((str(w.message), w.category) for w in caught):
        if category is UserWarning:
            warn(f"{package} says: {text}", EmulationWarning)
        elif not issubclass(category, _FOR_DEVELOPERS):
            warn(text, category)
