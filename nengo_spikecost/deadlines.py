"""The time that something may take: asked for inside its loops, and ended by an exception.

To look at all tilings of one layer takes from a millisecond to minutes, and so does a batch of
samples. So no loop over either goes on without asking, and a search has what it found before at
hand when one of them ends. Loops over samples know nothing of the search that they serve: they ask
the clock that `Clock.governs` them, as deep as they are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from typing import Any, Callable, TypeVar

R = TypeVar("R")

#: Seconds between two questions while native code runs.
_ASKED_EVERY_S = 0.1


class OutOfTime(BaseException):
    """No time is left for this: what was found before has to do.

    No error, and so nothing that handles errors may take it for one.
    """


_GOVERNING: ContextVar[tuple[Clock, ...]] = ContextVar("nengo_spikecost_clocks", default=())


def check_time() -> None:
    """Raise `OutOfTime` if clocks govern what runs, and one of them has no time left."""
    for clock in _GOVERNING.get():
        clock.check()


def while_asked(run: Callable[[], R], stop: Callable[[], Any]) -> R:
    """Run native code, which no loop of Python's is in, and end it when there is no time left.

    It runs in a thread of its own, so that this one hears Ctrl-C, and asks the clocks that govern
    it. Whatever ends the wait, what runs has ended when this returns.

    Parameters
    ----------
    run : callable
        Calls the native code.
    stop : callable
        Makes it return soon; called from this thread, while the other is in it.
    """
    results: list[R] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(run())
        except BaseException as error:  # raised in the thread that waits
            errors.append(error)
        finally:
            ended.set()

    ended, context = threading.Event(), copy_context()
    thread = threading.Thread(target=context.run, args=(work,), daemon=True)
    thread.start()
    try:
        while not ended.wait(_ASKED_EVERY_S):
            check_time()
    except BaseException:
        stop()
        thread.join()
        raise
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


class Clock:
    """A point in time, which the loops of a search ask for.

    Parameters
    ----------
    seconds : float
        From now; infinite by default.

    Attributes
    ----------
    until : float
        In s, by ``time.monotonic``.
    """

    def __init__(self, seconds: float = float("inf")):
        self._watch: Callable[[float], None] | None = None
        self.start(seconds)

    def start(self, seconds: float) -> None:
        """Let it end that many seconds from now."""
        self.until = time.monotonic() + seconds

    def move_by_seconds(self, advance: Callable[[int], None], most: int) -> None:
        """Move a progress bar at every whole second, however often a loop asks, up to ``most``."""
        started, done = time.monotonic(), 0

        def watch(now: float) -> None:
            nonlocal done
            new = min(most, int(now - started)) - done
            if new > 0:
                done += new
                advance(new)

        self._watch = watch

    @property
    def left(self) -> float:
        """Seconds that are left; 0 if none are."""
        return max(0.0, self.until - time.monotonic())

    @property
    def has_passed(self) -> bool:
        """Whether no time is left."""
        now = time.monotonic()
        if self._watch is not None:
            self._watch(now)
        return now > self.until

    def check(self) -> None:
        """Raise `OutOfTime` if no time is left."""
        if self.has_passed:
            raise OutOfTime

    @contextmanager
    def governs(self) -> Iterator[None]:
        """Let `check_time` ask this clock, too, in all that is called from here."""
        token = _GOVERNING.set((*_GOVERNING.get(), self))
        try:
            yield
        finally:
            _GOVERNING.reset(token)

    @contextmanager
    def bounds(self) -> Iterator[None]:
        """End what runs in the block when no time is left, and go on behind it."""
        with suppress(OutOfTime), self.governs():
            yield

    @contextmanager
    def part(self, share: float) -> Iterator[None]:
        """Only this share of the time that is left."""
        with self._changed(min(self.until, time.monotonic() + share * self.left)):
            yield

    @contextmanager
    def at_least(self, seconds: float) -> Iterator[None]:
        """That many seconds from now, even if less are left."""
        with self._changed(max(self.until, time.monotonic() + seconds)):
            yield

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """As long as it takes: for what is known to be short, and needed in any case."""
        with self._changed(float("inf")):
            yield

    @contextmanager
    def _changed(self, until: float) -> Iterator[None]:
        before, self.until = self.until, until
        try:
            yield
        finally:
            self.until = before
