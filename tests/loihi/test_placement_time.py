"""The search for places ends in time, and after Ctrl-C, with the best that it has found."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from nengo_spikecost.errors import SpikeCostWarning
from nengo_spikecost.loihi.mapping import assignment
from nengo_spikecost.loihi.mapping.assignment import Problem, solve

from ..ended_soon import SOON_S


def problem(n=1200):
    """Blocks of which each talks to a few others, on one mesh with some free cores."""
    rng = np.random.RandomState(0)
    flow = rng.uniform(size=(n, n)) * (rng.uniform(size=(n, n)) < 0.02)
    flow = np.triu(flow, 1)
    side = int(np.ceil(np.sqrt(1.1 * n)))
    at = np.stack(np.divmod(np.arange(side**2), side), axis=1)
    distance = np.abs(at[:, None] - at[None]).sum(axis=2).astype(float)
    return Problem(
        flow=flow + flow.T, distance=distance, capacity=np.ones(side**2, int),
        region=np.zeros(side**2, int),
    )  # fmt: skip


def check(found, own, n=1200):
    assert len(set(found.places.tolist())) == n  # whole: no two in one place
    cost = sum(
        own.flow[i, j] * own.distance[found.places[i], found.places[j]]
        for i, j in zip(*np.nonzero(np.triu(own.flow)))
    )
    assert found.cost == pytest.approx(cost)
    assert 0 <= found.lower_bound <= found.cost <= found.start_cost
    assert not found.in_time


@pytest.mark.parametrize("limit", [1e-9, 1.5])
def test_the_time_limit_holds(limit):
    # of this thread: on a busy machine those of BLAS spin while they wait for each other
    own, began = problem(), time.thread_time()
    found = solve(own, np.arange(1200), seed=0, max_moves=10**6, time_limit_s=limit)
    assert time.thread_time() - began < limit + SOON_S
    check(found, own)


def test_ctrl_c_keeps_the_best():
    own, looked = problem(), threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt():
        looked.wait(60)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        with pytest.MonkeyPatch.context() as patch, pytest.warns(SpikeCostWarning, match="so far"):
            make = assignment._Search._make

            def noted(self, step):
                make(self, step)
                looked.set()

            patch.setattr(assignment._Search, "_make", noted)
            found = solve(own, np.arange(1200), seed=0, max_moves=10**6, time_limit_s=600)
    finally:
        signal.signal(signal.SIGINT, before)
    check(found, own)
    assert found.n_moves > 0 and found.cost < found.start_cost
