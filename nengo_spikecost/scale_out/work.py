"""`Work` and `Built`: what a caller gives to workers, and what they make of it."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any


class Built(abc.ABC):
    """What a worker built."""

    @abc.abstractmethod
    def run(self, what: Any, data: Any, go_on: Callable[[], None]) -> Any:
        """Do a shard.

        Parameters
        ----------
        what : object
            `Shard.what`.
        data : object
            Its samples.
        go_on : callable
            To be called between batches: raises if nobody waits for the shard any more.
        """

    def close(self) -> None:  # noqa: B027  (most have nothing to free)
        """Free what it holds."""


class Work(abc.ABC):
    """What every worker builds once. It is pickled, with all that it holds."""

    @abc.abstractmethod
    def build(self, n_threads: int) -> Built:
        """Build it, for so many threads."""
