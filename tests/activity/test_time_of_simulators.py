"""The time that there is, and Ctrl-C, end what asks nobody: builders, tracers, long steps."""

from __future__ import annotations

import threading
import time
import warnings

import nengo
import nengo_loihi
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.activity import register_simulator
from nengo_spikecost.activity.compiled import compiled_backend
from nengo_spikecost.activity.compiled.instructions import SIZE, Code
from nengo_spikecost.activity.compiled.native_run import Tables
from nengo_spikecost.activity.compiled.products import CONVOLUTION, MATRIX, SPARSE, Products
from nengo_spikecost.activity.nengo_dl import LoopSimulator, StreamingBackend
from nengo_spikecost.deadlines import Clock, OutOfTime
from nengo_spikecost.errors import OverwriteWarning
from nengo_spikecost.stack import native_code

from ..ended_soon import ENDS, SOON_S, ends_in_time


def deep_network(n_layers, n=20):
    """A chain of many small layers: each takes as long to build and to trace as a large one."""
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as net:
        here = nengo.Node(np.zeros(n), label="source")
        for _ in range(n_layers):
            a = nengo.Ensemble(
                n, 1, neuron_type=nengo.SpikingRectifiedLinear(), gain=nengo.dists.Choice([1.0]),
                bias=nengo.dists.Choice([300.0]),
            )  # fmt: skip
            nengo.Connection(
                getattr(here, "neurons", here), a.neurons, transform=rng.normal(size=(n, n)),
                synapse=0.005,
            )  # fmt: skip
            here = a
    return net


def measured(simulator, net, n_steps, **options):
    x = np.ones((2, net.nodes[0].size_out))
    return nsc.measure(
        net, x, n_steps, simulator=simulator, batch_size=2, progress=False, **options
    )


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("what", ["built", "traced"])
def test_nengo_dl_is_ended_while_it_builds_and_traces(what, how, monkeypatch):
    """300 layers take 9 s of a processor to be built, and 10 s to be traced."""
    begun = threading.Event()
    kind, name = {
        "built": (LoopSimulator, "__init__"), "traced": (StreamingBackend, "_simulate"),
    }[what]  # fmt: skip
    before = getattr(kind, name)

    def noted(*args, **kwargs):
        begun.set()
        return before(*args, **kwargs)

    monkeypatch.setattr(kind, name, noted)
    n_layers = 300 if what == "built" else 100
    net = deep_network(n_layers)
    limits = {node: node.output for node in net.all_nodes}
    ENDS[how](lambda: measured("nengo_dl", net, 10), 0.5, begun)
    assert {node: node.output for node in net.all_nodes} == limits
    # the process is as it was: what is built next is right
    small = deep_network(3)
    monkeypatch.undo()
    counts = [
        [p.counts for p in measured(simulator, small, 30).populations.values()]
        for simulator in ("nengo_dl", "compiled")
    ]
    np.testing.assert_array_equal(*counts)


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("simulator", ["compiled", "nengo"])
def test_nengos_build_is_ended(simulator, how):
    """Decoders of 3,000 neurons take seconds to solve for, within one call of a library each."""
    with nengo.Network(seed=0) as net:
        here = nengo.Node(np.zeros(1), label="source")
        for _ in range(40):
            a = nengo.Ensemble(1000, 1)
            nengo.Connection(here, a)
            here = a
    measured(simulator, deep_network(1), 1)
    ENDS[how](lambda: measured(simulator, net, 10), 0.5)
    assert all(ensemble.n_neurons == 1000 for ensemble in net.all_ensembles)


@pytest.mark.parametrize("how", ENDS)
def test_compiled_code_is_assembled_in_time(how, monkeypatch):
    begun = threading.Event()
    steps_of = compiled_backend.CompiledNetwork.__init__.__globals__["steps_of"]

    def slow(*args):
        begun.set()
        ended = time.monotonic() + 20
        while time.monotonic() < ended:
            pass
        return steps_of(*args)

    monkeypatch.setitem(compiled_backend.CompiledNetwork.__init__.__globals__, "steps_of", slow)
    ENDS[how](lambda: measured("compiled", deep_network(1), 10), 0.3, begun)


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("simulator", ["nengo_dl_probes", "nengo_loihi", "another"])
def test_many_steps_in_one_call_are_ended(simulator, how):
    """A simulator that is not asked between its steps, whoever has written it."""
    if simulator == "another":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OverwriteWarning)
            register_simulator("another", nengo.Simulator, optimize=False)
    net = deep_network(3)
    if simulator == "nengo_loihi":
        with nengo.Network(seed=0) as net:
            nengo_loihi.add_params(net)
            here = nengo.Node(np.zeros(20), label="source")
            for k in range(3):
                a = nengo.Ensemble(
                    20, 1, neuron_type=nengo_loihi.neurons.LoihiSpikingRectifiedLinear(),
                    gain=nengo.dists.Choice([1.0]), bias=nengo.dists.Choice([300.0]),
                )  # fmt: skip
                if not k:
                    net.config[a].on_chip = False
                nengo.Connection(getattr(here, "neurons", here), a.neurons, synapse=None)
                here = a
    measured(simulator, net, 1)
    ENDS[how](lambda: measured(simulator, net, 60_000), 4)


def products_of(kind):
    """One product, as large as they come, its sources and the number of its targets."""
    shape, none = np.zeros((1, 16), dtype=np.int64), np.zeros(1, dtype=np.int64)
    starts = places = none
    if kind == MATRIX:
        n_sources, n_targets, n_weights = 20_000, 4096, 20_000 * 4096
        shape[0, :3] = kind, n_sources, n_targets
    elif kind == SPARSE:
        n_sources, n_targets, n_weights = 50_000, 1000, 50_000_000
        shape[0, :3] = kind, n_sources, n_targets
        starts = np.arange(n_sources + 1) * 1000
        places = np.tile(np.arange(1000), n_sources).astype(np.int32)
    else:
        side, channels = 224, 128
        n_sources = n_targets = side * side * channels
        n_weights = 9 * channels**2
        shape[0, :15] = (
            kind, n_sources, n_targets, side, side, channels, side, side, channels,
            3, 3, 1, 1, 1, 1,
        )  # fmt: skip
    values = np.ones(2 * n_weights, np.float32)
    most = none.copy()
    return n_sources, n_targets, Products(
        shape, none, none + n_weights, np.asarray(starts, dtype=np.int64),
        np.asarray(places, dtype=np.int32), np.zeros((1, 2), dtype=np.int64), most, values,
    )  # fmt: skip


@pytest.mark.parametrize("by_events", [False, True])
@pytest.mark.parametrize("kind", [MATRIX, SPARSE, CONVOLUTION])
def test_one_product_is_ended_in_its_middle(kind, by_events):
    n_sources, n_targets, products = products_of(kind)
    if kind == SPARSE and not by_events:
        pytest.skip("a sparse matrix has no dense product")
    if by_events:
        products.most_events[0] = n_sources
    memory = np.zeros(n_sources + n_targets, np.float32)
    memory[:n_sources] = 1
    code = np.zeros((1, SIZE), dtype=np.int64)
    code[0, :6] = Code.PRODUCT, n_sources, n_sources, 0, 0, 0
    ended, one = np.zeros(1, np.int64), np.zeros(1, np.float32)
    padded = np.zeros(226 * 226 * 128 + 16, np.float32)
    tables = Tables(np.zeros(1, np.int64), products, one)

    def run(seconds):
        """Steps until it is ended."""
        timer = threading.Timer(seconds, lambda: ended.fill(1))
        timer.start()
        began = time.process_time()
        tables.run(
            code, np.array([[0, 1, 0]]), memory, np.zeros(1), np.zeros((100_000, 1), np.float32), 0,
            100_000, 0, np.empty(n_sources, np.int32), padded, ended,
        )  # fmt: skip
        return time.process_time() - began

    # where the end of a product happens to be the end of the time, all targets have as many: again
    for seconds in (0.5, 0.37, 0.29):
        memory[n_sources:], ended[:] = 0, 0
        assert run(seconds) < seconds + SOON_S
        targets = memory[n_sources:].reshape(-1, n_targets if kind == SPARSE else 1)
        assert targets.any()
        if kind == SPARSE or by_events or targets[0] > targets[-1]:
            return
    # the first targets have a product more than the last: it was ended between them
    raise AssertionError("no product was ended in its middle")


def test_code_that_is_compiled_is_left_to_itself(tmp_path, monkeypatch):
    """It is needed in any case, and whoever comes next finds it."""
    monkeypatch.setattr(native_code, "_known", {})
    compiled, goes_on = [], threading.Event()

    def slow():
        goes_on.wait(20)
        compiled.append(1)
        raise KeyError("what is compiled is not looked at here")

    ends_in_time(lambda: native_code.kept("own", tmp_path, slow), 0.2)
    assert not compiled
    goes_on.set()
    with pytest.raises(KeyError):
        native_code.kept("own", tmp_path, slow)
    # one after the other, not side by side
    assert compiled == [1, 1]


def test_a_clock_that_has_ended_builds_nothing(monkeypatch):
    monkeypatch.setattr(LoopSimulator, "__init__", lambda *_, **__: pytest.fail("was built"))
    with pytest.raises(OutOfTime), Clock(-1).governs():
        measured("nengo_dl", deep_network(1), 1)
