"""Code that asks no clock is ended all the same; what can't be ended is waited for no longer."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from nengo_spikecost.deadlines import (
    PATIENCE_S,
    Clock,
    OutOfTime,
    check_time,
    in_time,
    in_time_here,
    while_asked,
)

from .ended_soon import ENDS, ends_by_ctrl_c, ends_in_time


def counting(ended, hides=0):
    """A loop of Python's that asks nothing, and hides so many errors, whatever they are."""

    def run():
        n = 0
        for _ in range(hides + 1):
            try:
                while True:
                    n += 1
            except BaseException:
                ended.append(n)
        return n

    return run


@pytest.mark.parametrize("hides", [0, 1])
def test_python_code_is_ended_wherever_it_is(hides):
    ended = []
    ends_in_time(lambda: in_time(counting(ended, hides)), 0.3)
    # also where it hides an error: it is raised again
    deadline = time.monotonic() + 5
    while len(ended) <= hides and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(ended) == hides + 1


def test_ctrl_c_ends_it_too():
    ended = []
    run = counting(ended)

    def heard():
        run()
        raise KeyboardInterrupt  # hidden by the loop

    ends_by_ctrl_c(lambda: in_time(heard), 0.3)
    assert ended


@pytest.mark.parametrize("how", ENDS)
def test_what_hears_nothing_is_left_to_itself(how):
    """One call of a library: it goes on, and nobody waits for it."""
    goes_on, done = threading.Event(), threading.Event()

    def deaf():
        goes_on.wait(20)
        done.set()

    try:
        ENDS[how](lambda: while_asked(deaf, lambda: None), 0.2)
        began = time.monotonic()
        ENDS[how](lambda: while_asked(deaf, lambda: None, patience_s=0), 0.2)
        assert time.monotonic() - began < 0.2 + PATIENCE_S
        assert not done.is_set()
    finally:
        goes_on.set()
    assert done.wait(5)


def test_native_code_within_python_code_is_told_to_stop():
    told = threading.Event()
    ends_in_time(lambda: in_time(lambda: told.wait(20), told.set), 0.2)
    ends_by_ctrl_c(lambda: in_time(lambda: [told.clear(), told.wait(20)], told.set), 0.2)
    # one within another: each thread ends the one that it waits for
    ended = threading.Event()
    ends_in_time(lambda: in_time(lambda: while_asked(lambda: ended.wait(20), ended.set)), 0.2)
    assert ended.is_set()


def test_what_it_makes_and_raises_is_handed_on():
    def fails():
        raise KeyError("no")

    for clock in (Clock(), Clock(60)):
        with clock.governs():
            assert in_time(lambda: 5) == 5
            with pytest.raises(KeyError, match="no"):
                in_time(fails)


@pytest.mark.parametrize("hides", [0, 1])
def test_code_that_stays_in_its_thread_is_ended(hides):
    ended, here = [], threading.get_ident()
    run = counting(ended, hides)
    ends_in_time(lambda: in_time_here(run), 0.3)
    assert len(ended) == hides + 1
    with Clock(60).governs():
        assert in_time_here(threading.get_ident) == here
    ends_by_ctrl_c(lambda: in_time_here(counting(ended)) and in_time_here(interrupted), 0.3)


def interrupted():
    raise KeyboardInterrupt  # which the loop before has hidden


def test_no_error_comes_later_than_the_code_that_it_is_for():
    for k in range(40):
        clock = Clock(0.1 + 0.001 * k)  # just before, at, and just after the watch
        with clock.governs(), contextlib.suppress(OutOfTime):
            in_time_here(lambda: time.sleep(0.13))
        n = sum(range(1000))  # where it would be raised
        assert n == 499500


def test_what_governs_here_governs_in_the_thread():
    with pytest.raises(OutOfTime), Clock(-1).governs():
        in_time(lambda: pytest.fail("there is no time"))
    clock = Clock(60)
    with pytest.raises(OutOfTime), clock.governs():
        in_time(lambda: [clock.start(-1), check_time()])


def test_nothing_is_said_of_threads_that_were_ended(capfd):
    ended = threading.Event()

    def late():
        try:
            time.sleep(0.3)  # one instruction, in which nothing can be raised
            while True:
                pass
        finally:
            ended.set()

    with pytest.raises(OutOfTime), Clock(0.1).governs():
        in_time(late)
    assert ended.wait(5) and not capfd.readouterr().err
