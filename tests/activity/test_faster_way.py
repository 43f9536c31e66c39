"""A measurement that takes long says once what compiled code would take."""

from __future__ import annotations

import sys
import types
import warnings

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.activity import faster_way
from nengo_spikecost.activity.compiled import estimated_time
from nengo_spikecost.activity.nengo_dl import StreamingBackend
from nengo_spikecost.activity.processors import usable_processors
from nengo_spikecost.errors import MeasurementWarning


def network(function=None):
    with nengo.Network(seed=0) as net:
        given = nengo.Node(np.zeros(2), label="given")
        first = nengo.Ensemble(20, 2, label="first", neuron_type=nengo.SpikingRectifiedLinear())
        second = nengo.Ensemble(30, 2, label="second", neuron_type=nengo.SpikingRectifiedLinear())
        nengo.Connection(given, first)
        nengo.Connection(first.neurons, second.neurons, transform=np.full((30, 20), 0.01))
        if function is not None:
            node = nengo.Node(function, size_in=2)
            nengo.Connection(first, node)
        nengo.Probe(second.neurons, label="out")
    return net


@pytest.fixture
def slow(monkeypatch):
    """NengoDL whose batches seem to take 10 s each."""
    clock = {"now": 0.0}
    run = StreamingBackend.run

    def slowly(backend, inputs):
        found = run(backend, inputs)
        clock["now"] += 10.0
        return found

    monkeypatch.setattr(StreamingBackend, "run", slowly)
    # of measure alone: compiled code times its products by the same clock
    measuring = sys.modules["nengo_spikecost.activity.batch_runs"]
    monkeypatch.setattr(measuring, "time", types.SimpleNamespace(perf_counter=lambda: clock["now"]))


def said(net, n, **options):
    x = np.random.RandomState(0).uniform(-1, 1, (n, 2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nsc.measure(net, x, n_steps=10, batch_size=2, progress=False, **options)
    return [str(w.message) for w in caught if w.category is MeasurementWarning]


def test_said_once_with_the_time_left(slow, monkeypatch):
    """After two batches of 2 of 30 samples, 13 batches of 10 s are left: 130 s."""
    (words,) = said(network(), 30)
    assert "about 2.2 minutes more for the 26 samples left" in words
    assert "simulator='compiled' (--simulator compiled) would take about 1 s" in words
    # what the estimate is made of, by hand: updates, and spikes times 30 targets each
    spikes = {"first": np.full(20, 3.0)}
    setup = activity_setup(monkeypatch)
    expected = 10 * 50 * estimated_time.NEURON_S + 20 * 3 * 30 * estimated_time.SYNOP_S
    got = estimated_time.seconds_of_sample(setup, spikes)
    assert got == pytest.approx(expected / usable_processors(), rel=1e-12)


def activity_setup(monkeypatch):
    """The setup of a measurement of the network."""
    kept = []
    init = StreamingBackend.__init__
    monkeypatch.setattr(
        StreamingBackend, "__init__", lambda self, setup: kept.append(setup) or init(self, setup)
    )
    said(network(), 2)
    return kept[0]


def test_nothing_is_said_of_what_ends_soon_or_is_compiled(slow):
    assert not said(network(), 14)  # 50 s are left after two batches
    assert not said(network(), 30, simulator="compiled")


def test_nothing_is_said_where_python_would_run_a_part(slow):
    assert not said(network(lambda t, x: x**2), 30)


def test_times_in_words():
    words = [faster_way._words(s) for s in (0.2, 59.4, 119, 120, 3600, 7200, 40000)]
    assert words == ["1 s", "59 s", "119 s", "2.0 minutes", "60 minutes", "2.0 hours", "11 hours"]
