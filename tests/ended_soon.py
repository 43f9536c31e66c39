"""How soon something ends after its time is over, or after Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import pytest

from nengo_spikecost.deadlines import Clock, OutOfTime

#: Every time limit and Ctrl-C end what runs within so many seconds: of a processor, of which this
#: process may have a part only, and of the clock so many times as much.
SOON_S, BUSY = 2.0, 4


class After:
    """The time from an event on, which a thread of its own makes happen."""

    def __init__(self, event: Callable[[], Any]):
        self._event = event
        self._at: tuple[float, float] | None = None

    def __call__(self) -> None:
        """Let it happen, once."""
        if self._at is None:
            self._at = time.monotonic(), time.process_time()
            self._event()

    def check_soon(self) -> None:
        """What it is to end has ended in time."""
        assert self._at is not None, "it ended before it was to be ended"
        wall_s, processor_s = (
            now - then for now, then in zip((time.monotonic(), time.process_time()), self._at)
        )
        assert processor_s < SOON_S and wall_s < BUSY * SOON_S, (processor_s, wall_s)


def ends_in_time(
    run: Callable[[], Any], seconds: float, begun: threading.Event | None = None
) -> None:
    """``run`` takes longer than these seconds, once it has begun, and ends soon after them."""
    clock = Clock(3600)
    after = _after(seconds, lambda: clock.start(0), begun)
    with after as over, pytest.raises(OutOfTime), clock.governs():
        run()
    over.check_soon()


def ends_by_ctrl_c(
    run: Callable[[], Any], seconds: float, begun: threading.Event | None = None
) -> None:
    """``run`` hears Ctrl-C after these seconds, and ends soon."""
    # a shell that starts a job in the background has it ignore SIGINT
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        after = _after(seconds, lambda: os.kill(os.getpid(), signal.SIGINT), begun)
        with after as pressed, pytest.raises(KeyboardInterrupt):
            run()
        pressed.check_soon()
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _after(
    seconds: float, event: Callable[[], Any], begun: threading.Event | None
) -> Iterator[After]:
    after = After(event)

    def wait() -> None:
        if begun is None or begun.wait(120):
            time.sleep(seconds)
            if not over.is_set():
                after()

    over, timer = threading.Event(), threading.Thread(target=wait, daemon=True)
    timer.start()
    try:
        yield after
    finally:
        over.set()


#: How what runs is ended.
ENDS = {"time": ends_in_time, "Ctrl-C": ends_by_ctrl_c}
