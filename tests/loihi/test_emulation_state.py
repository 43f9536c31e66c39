"""What is remembered: by functions of Nodes, in a state that is kept, in a checkpoint."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

import nengo
import numpy as np
import pytest

from nengo_spikecost import checkpoints as checkpoint
from nengo_spikecost import stack
from nengo_spikecost.errors import DataError, EmulationWarning, LoihiError
from nengo_spikecost.loihi.emulation import Emulator, presenting

from .emulated import IMAGES, Reference, spiking_network
from .networks import STEPS, Layers

loihi = stack.nengo_loihi()


class World:
    """Two functions of Nodes that share what they remember."""

    def __init__(self):
        self.seen = []
        self.rng = np.random.RandomState(4)

    def act(self, t, x):
        self.seen.append(float(x[0]))

    def sense(self, t):
        return 0.02 * sum(self.seen[-5:]) + self.rng.uniform(0, 1)


def counter(start):
    """A function with a variable around it, and a default that changes."""
    n = start

    def count(t, x, calls=[]):  # noqa: B006 (to be found)
        nonlocal n
        n += float(np.abs(x).sum() > 0.1)
        calls.append(t)
        return 0.1 * np.sin(n) + 0.001 * len(calls)

    return count


def remembering_network():
    """A loop through chip and host with all kinds of memory: functions, noise, filters."""
    world = World()
    with nengo.Network(seed=5) as net:
        loihi.add_params(net)
        given = nengo.Node([0.0], label="given")
        sense = nengo.Node(world.sense, label="sense")
        count = nengo.Node(counter(3), size_in=1, size_out=1, label="count")
        noise = nengo.Node(nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 0.05)))
        own = nengo.Node(nengo.processes.FilteredNoise(nengo.Alpha(0.01), seed=1), size_out=1)
        a = nengo.Ensemble(30, 1, label="a")
        b = nengo.Ensemble(20, 1, label="b")
        stochastic = nengo.Ensemble(
            15, 1, neuron_type=nengo.StochasticSpiking(nengo.RectifiedLinear())
        )
        net.config[stochastic].on_chip = False
        act = nengo.Node(world.act, size_in=1, label="act")
        for source in (given, sense, noise, own, count):
            nengo.Connection(source, a, synapse=0.003)
        nengo.Connection(a, b)
        nengo.Connection(b, act, synapse=nengo.Alpha(0.004))
        nengo.Connection(b, count, synapse=0.01)
        nengo.Connection(b, stochastic)
        net.probes_made = [
            nengo.Probe(b, synapse=nengo.Alpha(0.01)),
            nengo.Probe(a.neurons),
            nengo.Probe(stochastic.neurons),
            nengo.Probe(count),
            nengo.Probe(b.neurons, synapse=0.01),
        ]
    return net


GIVEN = np.random.RandomState(1).uniform(-1, 1, (6, 1))


def emulator_of(net, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Emulator(net, **options)


def values(run, net):
    """All outputs and counts of a run, in an order of the network's."""
    counts = [run.spikes, run.synops, run.messages, run.active, *run.host_counts.values()]
    return [*(run.outputs[p].steps for p in net.probes_made), *counts]


def run_all(emulator, inputs, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return emulator.run({emulator.network.all_nodes[0]: inputs}, 20, readout="all", **options)


@pytest.mark.filterwarnings("ignore")
def test_functions_that_remember_do_so_for_each_sample():
    """Lanes don't mix, and a fresh sample is what a new network gives."""
    net = remembering_network()
    with emulator_of(net, batch_size=3) as emulator:
        together = run_all(emulator, GIVEN)
    with emulator_of(net, batch_size=1) as emulator:
        alone = run_all(emulator, GIVEN)
    for one, other in zip(values(together, net), values(alone, net)):
        np.testing.assert_array_equal(one, other)

    # without what NengoLoihi draws at random in every simulation
    sums = {}
    for sample in range(2):
        layers = Layers(3, seed=2)
        world = World()
        with layers.net:
            layers.input.output = [90.0, 80.0 + 100 * sample, 120.0]
            a = layers.population(6, "a")
            layers.connect(layers.encoder, a, layers.weights(3, 6).T)
            act = nengo.Node(world.act, size_in=1, label="act")
            nengo.Connection(a.neurons[:1], act, synapse=0.005)
            sense = nengo.Node(world.sense, label="sense")
            beside = nengo.Ensemble(5, 1, neuron_type=nengo.RectifiedLinear())
            layers.net.config[beside].on_chip = False
            nengo.Connection(sense, beside, synapse=None)
            probe = nengo.Probe(sense)
        if not sample:
            inputs = {layers.input: [[90, 80, 120], [90, 180, 120]]}
            warned = pytest.warns(EmulationWarning, match=r"act.*sense")
            with Emulator(layers.net, batch_size=2) as emulator, warned:
                run = emulator.run(inputs, STEPS, readout="all")
            found = run.outputs[probe].steps
            assert len(world.seen) == 1  # Nengo calls it once when the Node is made
        sums[sample] = Reference(layers.net).data[probe]
    assert (sums[0] != sums[1]).any()
    for sample in range(2):
        np.testing.assert_array_equal(found[sample], sums[sample])


def test_what_cannot_be_copied_is_refused_for_several_lanes():
    layers = Layers(4, seed=1)
    numbers = (float(k) for k in range(10**6))
    with layers.net:
        node = nengo.Node(lambda t: next(numbers), label="stream")
        nengo.Probe(node)
        layers.connect(layers.encoder, layers.population(4, "a"), np.eye(4))
    inputs = {layers.input: np.ones((2, 4))}
    refused = pytest.raises(LoihiError, match=r"stream.*generator.*batch_size=1.*shared=")
    with Emulator(layers.net, batch_size=2) as emulator, refused:
        emulator.run(inputs, 5)
    with Emulator(layers.net, batch_size=2, shared=[node]) as emulator:
        emulator.run(inputs, 5)
    with Emulator(layers.net, batch_size=1) as emulator:
        emulator.run(inputs, 5, presentation="continuous")
        with pytest.raises(LoihiError, match="generator"):
            emulator.state()


def python(code, *arguments, **options):
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=root, env=environment, **options
    )


def assert_equal_values(found, expected):
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore")
def test_a_state_is_restored(tmp_path):
    """In another Emulator of a network built again; in another process: see below."""
    net = remembering_network()
    with emulator_of(net, batch_size=2) as emulator:
        assert set(emulator.state()) == {"network", "digest"}
        run_all(emulator, GIVEN[:2], presentation="continuous")
        state = emulator.state()
        np.savez(tmp_path / "state.npz", **state)
        expected = values(run_all(emulator, GIVEN[2:], presentation="continuous"), net)
        emulator.restore(pickle.loads(pickle.dumps(state)))
        again = values(run_all(emulator, GIVEN[2:], presentation="continuous"), net)
    assert_equal_values(again, expected)
    net = remembering_network()
    with emulator_of(net, batch_size=2) as emulator, np.load(tmp_path / "state.npz") as file:
        emulator.restore(file)
        again = values(run_all(emulator, GIVEN[2:4], presentation="continuous"), net)
        emulator.restore(emulator.state())
        rest = values(run_all(emulator, GIVEN[4:], presentation="continuous"), net)
    assert_equal_values([np.concatenate(pair) for pair in zip(again, rest)], expected)
    refused = pytest.raises(LoihiError, match="batch_size")
    with emulator_of(net, batch_size=3) as emulator, refused:
        emulator.restore(state)
    refused = pytest.raises(LoihiError, match="another network")
    with Emulator(spiking_network(IMAGES[0]).net) as emulator, refused:
        emulator.restore(state)


#: Runs until it is killed: slowly, so that this is in the middle.
RUNS = """
import sys, time, warnings
warnings.simplefilter("ignore")
from tests.loihi.test_emulation_state import *
from nengo_spikecost import checkpoints as checkpoint
def slow(path, arrays, write=checkpoint.write_arrays):
    time.sleep(0.1)
    write(path, arrays)
checkpoint.write_arrays = slow
net = remembering_network()
run_all(emulator_of(net, batch_size=2), GIVEN, presentation=sys.argv[2], checkpoint=sys.argv[1])
"""


def killed(folder, presentation):
    """A run of another process, killed when its first batch is done."""
    process = python(RUNS, folder, presentation)
    while not list(folder.glob("batch-*.npz")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


def ended(folder, presentation):
    """A run of this process that ended early, as good as killed."""
    write = checkpoint.write_arrays

    def fail(path, arrays):
        if path.name == "batch-000001.npz":
            raise KeyboardInterrupt
        write(path, arrays)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "write_arrays", fail)
        with emulator_of(remembering_network(), batch_size=2) as emulator:
            run_all(emulator, GIVEN, presentation=presentation, checkpoint=folder)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "begin, presentation", [(killed, "continuous"), (ended, "continuous"), (ended, "fresh")]
)
def test_a_run_goes_on_where_it_ended(tmp_path, begin, presentation):
    net, folder = remembering_network(), tmp_path / "run"
    begin(folder, presentation)
    done = {path: path.stat().st_mtime_ns for path in folder.glob("batch-*.npz")}
    assert 1 <= len(done) < 3
    with emulator_of(net, batch_size=2) as emulator:
        expected = run_all(emulator, GIVEN, presentation=presentation)
        expected_after = run_all(emulator, GIVEN[:2], presentation="continuous")
    options = {"presentation": presentation, "checkpoint": folder}
    with emulator_of(net, batch_size=2) as emulator:
        assert_equal_values(values(run_all(emulator, GIVEN, **options), net), values(expected, net))
        assert all(path.stat().st_mtime_ns == when for path, when in done.items())
        assert len(list(folder.glob("batch-*.npz"))) == 3
        assert len(list(folder.glob("state-*.npz"))) == (presentation == "continuous")
        emulator.reset()
        again = run_all(emulator, GIVEN, **options)
        after = run_all(emulator, GIVEN[:2], presentation="continuous")
    assert_equal_values(values(again, net), values(expected, net))
    assert_equal_values(values(after, net), values(expected_after, net))


def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path):
    layers = spiking_network(IMAGES[0])
    folder = tmp_path / "run"
    with Emulator(layers.net, batch_size=2) as emulator:
        emulator.run(IMAGES, 5, checkpoint=folder)
        for inputs, n_steps, options, named in (
            (IMAGES, 6, {}, "n_steps=5, not 6"),
            (IMAGES, 5, {"presentation": "continuous"}, "presentation='fresh', not 'continuous'"),
            (IMAGES, 5, {"by_step": True}, "by_step=False, not True"),
            (IMAGES + 1, 5, {}, "another input of .*input"),
            (IMAGES[:1], 5, {}, "batch_size=2, not 1, another input"),
        ):
            with pytest.raises(DataError, match=named):
                emulator.run(inputs, n_steps, checkpoint=folder, **options)
        (tmp_path / "notes").mkdir()
        (tmp_path / "notes" / "mine.txt").write_text("mine")
        with pytest.raises(DataError, match=r"mine\.txt"):
            emulator.run(IMAGES, 5, checkpoint=tmp_path / "notes")
        with pytest.raises(DataError, match="checkpoint"):
            emulator.run(IMAGES, 5, checkpoint=tmp_path / "notes" / "mine.txt")
        damaged = folder / "batch-000001.npz"
        damaged.write_bytes(damaged.read_bytes()[:100])
        with pytest.raises(DataError, match="batch-000001"):
            emulator.run(IMAGES, 5, checkpoint=folder)
    layers.net.config[layers.net.all_ensembles[1]].block_shape = loihi.BlockShape(
        (4, 4, 3), (4, 4, 3)
    )
    refused = pytest.raises(DataError, match="another network")
    with Emulator(layers.net, batch_size=2) as emulator, refused:
        emulator.run(IMAGES, 5, checkpoint=folder)


def peaks_of_memory(lengths):
    """The most memory that Python held while a network ran for so many steps, in bytes."""
    presenting.BYTES_AT_ONCE = 2**15
    peaks = []
    with Emulator(spiking_network(IMAGES[0]).net, batch_size=5, n_threads=1) as emulator:
        for n_steps in lengths:
            tracemalloc.start()
            emulator.run(IMAGES, n_steps)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    return peaks


def test_memory_does_not_grow_with_steps():
    # in a process of its own: threads that other tests have left take memory, too
    code = (
        "from tests.loihi.test_emulation_state import *; print(peaks_of_memory((200, 200, 2000)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    peaks = [int(peak) for peak in done.stdout.strip("[]\n").split(",")]
    # with all steps at once it would be ten times as much; Python's own objects vary a little
    assert peaks[2] < 1.5 * peaks[1]
