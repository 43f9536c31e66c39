"""The time that something may take: asked for inside its loops, and ended by an exception.

To look at all tilings of one layer takes from a millisecond to minutes, and so does a batch of
samples. So no loop over either goes on without asking, and a search has what it found before at
hand when one of them ends. Loops over samples know nothing of the search that they serve: they ask
the clock that `Clock.governs` them, as deep as they are.

Three kinds of code ask nobody. Native code runs in a thread of its own, and is told to stop
(`while_asked`). So do builders and tracers of others, which are Python: an exception is raised in
that thread (`in_time`). What hears neither within `PATIENCE_S` (one call of a library that takes
seconds) is left to itself: it goes on for that call, and nobody waits for it. Python code that
depends on the thread that it is in, as functions of the user do, stays there, and a second thread
watches the time (`in_time_here`).
"""

from __future__ import annotations

import ctypes
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from typing import Any, Callable, TypeVar

R = TypeVar("R")

#: Seconds between two questions while code runs that asks nobody.
_ASKED_EVERY_S = 0.1

#: Seconds after which code is told once more to end, if it has hidden the first error.
_AGAIN_S = 0.25

#: Seconds that code is given to end when it was told to; then it is left to itself.
PATIENCE_S = 1.0


#: Threads that were left to themselves. TensorFlow has a process wait for its own, at its very end.
_LEFT: list[threading.Thread] = []


class OutOfTime(BaseException):
    """No time is left for this: what was found before has to do.

    No error, and so nothing that handles errors may take it for one.
    """


class _Ended(SystemExit):
    """Raised in a thread that nobody waits for any more; not shown where it gets to the end."""


_GOVERNING: ContextVar[tuple[Clock, ...]] = ContextVar("nengo_spikecost_clocks", default=())


def check_time() -> None:
    """Raise `OutOfTime` if clocks govern what runs, and one of them has no time left."""
    for clock in _GOVERNING.get():
        clock.check()


def while_asked(run: Callable[[], R], stop: Callable[[], Any], patience_s: float = PATIENCE_S) -> R:
    """Run native code, which no loop of Python's is in, and end it when there is no time left.

    It runs in a thread of its own, so that this one hears Ctrl-C, and asks the clocks that govern
    it. What ``stop`` ends in time has ended when this returns.

    Parameters
    ----------
    run : callable
        Calls the native code.
    stop : callable
        Makes it return soon; called from this thread, while the other is in it.
    patience_s : float
        Seconds to wait for that. What runs longer is left to itself, and may keep nothing that is
        used again.
    """
    return _waited_for(run, lambda _: stop(), patience_s)


def in_time(run: Callable[[], R], stop: Callable[[], Any] | None = None) -> R:
    """Run a builder or tracer, which asks no clock, and end it wherever it is when time is over.

    It runs in a thread of its own, in which an exception is raised then, and after Ctrl-C, which
    Python forgets if it comes while a weak reference is called back. What it was making is thrown
    away with the thread: whatever of the user's is changed meanwhile is put back around this, not
    within.

    Parameters
    ----------
    run : callable
        Gives what it makes, and changes nothing that anybody uses afterwards.
    stop : callable, optional
        Makes native code that it calls return soon.
    """
    check_time()

    def end(thread: threading.Thread) -> None:
        _raise_in(thread, _Ended)
        if stop is not None:
            stop()

    return _waited_for(run, end, PATIENCE_S)


def in_time_here(run: Callable[[], R]) -> R:
    """Run Python code in this very thread, and raise `OutOfTime` in it when no time is left.

    Parameters
    ----------
    run : callable
        As that of `in_time`. It may depend on its thread, and take seconds in no one call.
    """
    clocks = _GOVERNING.get()
    if not any(math.isfinite(clock.until) for clock in clocks):
        return run()
    check_time()
    here, lock = threading.current_thread(), threading.Lock()
    over, raised = threading.Event(), threading.Event()

    def watch() -> None:
        pause_s = _ASKED_EVERY_S
        while not over.wait(pause_s):
            with lock:
                if not over.is_set() and any(clock.has_passed for clock in clocks):
                    raised.set()
                    _raise_in(here, OutOfTime)  # and again, where it was hidden
                    pause_s = _AGAIN_S

    threading.Thread(target=watch, daemon=True).start()
    try:
        try:
            made = run()
        finally:
            over.set()
    finally:  # whatever was raised, and wherever: also between the two lines above
        with lock:
            over.set()
            _raise_in(here, None)  # what was not raised yet is not raised later
    if raised.is_set():  # and hidden by what it was raised in, so that something may be missing
        raise OutOfTime
    return made


def _raise_in(thread: threading.Thread, error: type[BaseException] | None) -> None:
    """Raise an error in a thread, at its next instruction of Python; None takes that back."""
    number = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(error) if error else None)


def _waited_for(
    run: Callable[[], R], stop: Callable[[threading.Thread], Any], patience_s: float
) -> R:
    """Run in a thread; whatever ends the wait for it, `stop` is called and it is given some time.

    It is called again and again: code may hear the first call where it hides errors.
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
        until = time.monotonic() + patience_s
        stop(thread)
        while not ended.wait(min(patience_s, _AGAIN_S)) and time.monotonic() < until:
            stop(thread)
        if not ended.is_set():
            _LEFT.append(thread)
        raise
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def is_one_left() -> bool:
    """Whether something still runs that was left to itself."""
    _LEFT[:] = [thread for thread in _LEFT if thread.is_alive()]
    return bool(_LEFT)


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
