"""The time that there is, and Ctrl-C, end a simulation within a batch; what is counted stays."""

from __future__ import annotations

import os
import signal
import threading
import time

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.deadlines import Clock, OutOfTime, check_time, while_asked

#: Every time limit and Ctrl-C end what runs within so many seconds.
SOON_S = 2.0


def slow_network(seconds=0.02):
    """A step takes so long in the function of a Node, wherever that is called."""

    def late(t, x):
        time.sleep(seconds)
        return x

    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(4), label="source")
        between = nengo.Node(late, size_in=4)
        a = nengo.Ensemble(
            4, 1, neuron_type=nengo.SpikingRectifiedLinear(), gain=nengo.dists.Choice([80.0]),
            bias=nengo.dists.Choice([10.0]),
        )  # fmt: skip
        nengo.Connection(source, between, synapse=None)
        nengo.Connection(between, a.neurons, synapse=None)
    return net


def large_network(n=3000):
    """A step takes some ms in native code."""
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as net:
        here = nengo.Node(np.zeros(n), label="source")
        for _ in range(2):
            a = nengo.Ensemble(
                n, 1, neuron_type=nengo.SpikingRectifiedLinear(), gain=nengo.dists.Choice([1.0]),
                bias=nengo.dists.Choice([400.0]),
            )  # fmt: skip
            nengo.Connection(
                getattr(here, "neurons", here),
                a.neurons,
                transform=rng.normal(size=(n, n)),
                synapse=None,
            )
            here = a
    return net


def measured(simulator, n_steps, net=None, **options):
    net = slow_network() if net is None else net
    x = np.ones((2, net.nodes[0].size_out))
    return nsc.measure(
        net, x, n_steps, simulator=simulator, batch_size=2, progress=False, **options
    )


@pytest.mark.parametrize("simulator", ["nengo_dl", "compiled", "nengo"])
def test_a_batch_is_given_up(simulator):
    measured(simulator, 1)  # what is compiled or imported once
    began = time.monotonic()
    with pytest.raises(OutOfTime), Clock(0.5).governs():
        measured(simulator, 3000)
    assert 0.5 < time.monotonic() - began < 0.5 + SOON_S


@pytest.mark.parametrize("simulator", ["nengo_dl", "compiled"])
def test_native_code_without_python_is_given_up(simulator):
    """Many steps of one sample, in which nothing of Python's is called."""
    net = large_network()
    measured(simulator, 2, net)
    began = time.monotonic()
    with pytest.raises(OutOfTime), Clock(3).governs():
        measured(simulator, 100_000, net)
    assert 3 < time.monotonic() - began < 3 + SOON_S


@pytest.fixture
def ctrl_c_is_not_ignored():
    """A shell that starts a job in the background has it ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_is_not_ignored")
@pytest.mark.parametrize("simulator", ["nengo_dl", "compiled", "nengo"])
def test_ctrl_c_is_heard(simulator):
    measured(simulator, 1)
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    began = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        measured(simulator, 3000)
    assert 1 < time.monotonic() - began < 1 + SOON_S


@pytest.mark.parametrize("simulator", ["nengo_dl", "compiled", "nengo"])
def test_a_clock_changes_no_count(simulator):
    rng = np.random.RandomState(1)
    net, x = large_network(200), rng.uniform(-1, 1, (6, 200))
    options = {"simulator": simulator, "batch_size": 3, "progress": False}
    alone = nsc.measure(net, x, 40, **options)
    with Clock(600).governs():
        asked = nsc.measure(net, x, 40, **options)
    for name, population in alone.populations.items():
        assert population.counts.any()
        np.testing.assert_array_equal(population.counts, asked.populations[name].counts)


def test_what_runs_has_ended_when_the_wait_is_over():
    stopped, ended = threading.Event(), threading.Event()

    def run():
        stopped.wait(20)
        ended.set()

    with pytest.raises(OutOfTime), Clock(0.05).governs():
        while_asked(run, stopped.set)
    assert ended.is_set()


def test_what_native_code_gives_and_raises_is_handed_on():
    assert while_asked(lambda: 5, lambda: None) == 5

    def fails():
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        while_asked(fails, lambda: None)
    # clocks govern the thread, too
    with pytest.raises(OutOfTime), Clock(-1).governs():
        while_asked(check_time, lambda: None)
