"""The same counts on every stack, number of threads, size of batches and order of samples.

What workers of a cluster count is held in ``tests/scale_out``. docs/determinism.md has the table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import nengo
import numpy as np
import pytest

from nengo_spikecost import measure
from nengo_spikecost.activity.backend import draws_as_it_runs
from nengo_spikecost.errors import MeasurementError
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.loihi import Emulator
from tests.activity.random_networks import N_STEPS, Drawn
from tests.loihi import placements
from tests.properties.recorded_cases import CASES
from tests.tools import ROOT, tool

ORDER = np.array([3, 0, 4, 2, 1])
EVERYTHING = np.arange(5)


@pytest.fixture(scope="module")
def recorded_counts():
    return tool("recorded_counts")


# ---------------------------------------------------------------- every stack, every thread


@pytest.mark.parametrize("case", CASES)
def test_counts_are_those_that_were_recorded(recorded_counts, case):
    """Once, on one stack: so all stacks agree, whoever runs this."""
    assert recorded_counts.differences(recorded_counts.counted([case])) == []


def test_all_that_is_recorded_is_counted(recorded_counts):
    assert list(recorded_counts.recorded()) == list(CASES)
    assert all(one["sum"] for ways in recorded_counts.recorded().values() for one in ways.values())


def test_what_differs_is_told(recorded_counts, monkeypatch, tmp_path):
    other = json.loads(recorded_counts.RECORDED.read_text(encoding="utf-8"))
    other["drawn"]["nengo"]["sum"] += 1
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps(other), encoding="utf-8")
    real = recorded_counts.recorded()
    monkeypatch.setattr(recorded_counts, "RECORDED", path)
    (line,) = recorded_counts.differences(real)
    assert line.startswith("drawn, nengo: {'sum': ")


def in_a_process(n, *cases, **environment):
    """Compare recorded counts in a process of its own, with so many threads of everything."""
    names = ("OMP", "OPENBLAS", "MKL", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    threads = {f"{name}{'' if 'TF' in name else '_NUM'}_THREADS": str(n) for name in names}
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "recorded_counts.py"), "--processors", str(n),
         *(f"--case={case}" for case in cases)],
        env={**os.environ, **threads, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert done.stdout.split()[-2:] == ["0", "differ."]


@pytest.mark.slow
@pytest.mark.parametrize(
    "n, environment",
    [
        (1, {"PYTHONHASHSEED": "1", "NUMBA_NUM_THREADS": "1"}),
        (5, {"PYTHONHASHSEED": "2", "TF_ENABLE_ONEDNN_OPTS": "0"}),
        (2, {"PYTHONHASHSEED": "3", "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}),
    ],
    ids=["one thread", "five threads, no oneDNN", "an old processor"],
)
def test_threads_hashes_and_kernels_change_no_count(n, environment, tmp_path):
    """Nor does the order of sets, or another way to multiply in TensorFlow or compiled code."""
    in_a_process(n, **{**environment, "NUMBA_CACHE_DIR": str(tmp_path)})


# ---------------------------------------------------------------- batches and order


def assert_same(own, reference, chosen, graded=0.0):
    """Counts of samples ``chosen`` are equal; values of neurons without spikes up to rounding."""
    spiking = {name for name, record in reference.populations.items() if record.spiking}
    for name, record in reference.populations.items():
        np.testing.assert_allclose(
            own.populations[name].counts, record.counts[chosen],
            rtol=0 if name in spiking else graded, atol=0, err_msg=name,
        )  # fmt: skip
    for name, output in reference.outputs.items():
        np.testing.assert_allclose(
            own.outputs[name].mean, output.mean[chosen], rtol=graded,
            atol=graded * np.abs(output.mean).max(), err_msg=name,
        )  # fmt: skip


#: Samples side by side, and which: all but the first are other batches, orders, or alone.
WAYS = [(1, EVERYTHING), (2, ORDER), (3, ORDER[1:4]), (1, EVERYTHING[4:])]


def any_batch_any_order(net, x, simulator, graded=0.0):
    def run(chosen, size):
        given = {name: values[chosen] for name, values in x.items()}
        size = None if simulator == "nengo" else size
        return measure(
            net, given, N_STEPS, simulator=simulator, batch_size=size, presentation="fresh",
            progress=False,
        )  # fmt: skip

    reference = run(EVERYTHING, 5)
    for size, chosen in WAYS:
        assert_same(run(chosen, size), reference, chosen, graded)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("simulator", ["nengo", "compiled", "nengo_dl"])
def test_any_batch_any_order(simulator, seed):
    """Random networks with noise, learning, neurons that draw, and functions that remember."""
    drawn = Drawn(seed)
    x = drawn.samples(5)
    if simulator == "nengo_dl" and drawn.draws:
        pytest.skip("neurons that draw random numbers: NengoDL draws for a whole batch at once")
    # TensorFlow's functions round other at the end of an array than within (LIFRate's logarithm)
    any_batch_any_order(drawn.net, x, simulator, graded=2e-6 if simulator == "nengo_dl" else 0.0)


def noisy(noise, kind):
    """Two Ensembles, the first with noise on its input."""
    with nengo.Network(seed=3) as net:
        given = nengo.Node([0.0], label="given")
        a = nengo.Ensemble(40, 1, neuron_type=kind, noise=noise, label="a")
        b = nengo.Ensemble(40, 1, neuron_type=kind, noise=noise, label="b")
        nengo.Connection(given, a)
        nengo.Connection(a, b, synapse=0.005)
        if noise is not None:
            more = nengo.Node(noise, size_out=1)
            nengo.Connection(more, b, transform=0.001)
        nengo.Probe(b, label="out")
    return net


X = np.linspace(-1, 1, 5)[:, None]
NOISE = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 100), scale=False)


@pytest.mark.parametrize("simulator", ["nengo", "compiled", "nengo_dl", "nengo_dl_probes"])
def test_noise_is_the_same_for_every_sample(simulator):
    """Whatever is beside it or came before, on this worker or another; it has no seed."""
    net = noisy(NOISE, nengo.SpikingRectifiedLinear())
    any_batch_any_order(net, {"given": X}, simulator, graded=1e-6 if "dl" in simulator else 0.0)
    quiet = noisy(None, nengo.SpikingRectifiedLinear())
    with_noise, without = (
        measure(each, {"given": X}, N_STEPS, simulator=simulator, progress=False)
        for each in (net, quiet)
    )
    differs = with_noise.populations["a"].counts != without.populations["a"].counts
    assert differs.mean() > 0.1


@pytest.mark.parametrize("simulator", ["nengo", "compiled"])
@pytest.mark.parametrize(
    "kind",
    [nengo.PoissonSpiking(nengo.LIFRate()), nengo.StochasticSpiking(nengo.LIFRate())],
    ids=str,
)
def test_neurons_draw_for_every_sample_what_a_new_simulator_draws(simulator, kind):
    net = noisy(None, kind)
    any_batch_any_order(net, {"given": X}, simulator)
    found = measure(net, X, N_STEPS, simulator=simulator, progress=False)
    for k, value in enumerate(X):
        net.nodes[0].output = value
        with net:
            probes = [nengo.Probe(ensemble.neurons) for ensemble in net.ensembles]
        with nengo.Simulator(net, progress_bar=False, seed=0, optimize=False) as sim:
            sim.run_steps(N_STEPS)
        for ensemble, probe in zip(net.ensembles, probes):
            expected = np.rint(sim.data[probe] * 0.001).sum(axis=0)
            np.testing.assert_array_equal(found.populations[ensemble.label].counts[k], expected)
        del net.probes[-2:]
        net.nodes[0].output = [0.0]


def test_nengo_dl_says_that_it_draws_for_a_batch_at_once():
    """What the table in docs/determinism.md has as not the same, and so can't be shared."""
    net = noisy(None, nengo.PoissonSpiking(nengo.LIFRate()))
    assert all(draws_as_it_runs(population) for population in NetworkGraph(net).populations)
    with pytest.raises(MeasurementError, match=r"^checkpoint: neurons of a, b draw .* in nengo_dl"):
        measure(net, X, N_STEPS, checkpoint="never", progress=False)


@pytest.mark.parametrize("seed", range(3))
def test_emulated_chip(seed):
    """Any batch, order and number of threads: all that is counted on all cores."""
    layers = placements.images(seed)
    size = layers.input.size_out
    x = np.random.RandomState(seed).uniform(50, 300, (5, size))

    def run(chosen, batch_size, n_threads):
        with Emulator(layers.net, batch_size=batch_size, n_threads=n_threads) as emulator:
            return emulator.run({layers.input: x[chosen, None]}, 20)

    reference = run(EVERYTHING, 5, 1)
    assert reference.spikes.sum() > 0
    for n_threads, (batch_size, chosen) in enumerate(WAYS, 1):
        own = run(chosen, batch_size, n_threads)
        for name in ("spikes", "synops", "messages", "chip_to_host"):
            counts = getattr(own, name), getattr(reference, name)
            np.testing.assert_array_equal(counts[0], counts[1][chosen], err_msg=name)
