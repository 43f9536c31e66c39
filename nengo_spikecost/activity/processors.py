"""The processors that this process may use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar

_LIMIT: ContextVar[int | None] = ContextVar("nengo_spikecost_processors", default=None)


def usable_processors() -> int:
    """How many there are, or as many as `at_most` allows."""
    limit = _LIMIT.get()
    if limit is not None:
        return limit
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def at_most(n: int) -> Iterator[None]:
    """Context in which this thread shares the machine with others, and takes so many."""
    token = _LIMIT.set(n)
    try:
        yield
    finally:
        _LIMIT.reset(token)
