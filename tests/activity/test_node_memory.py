"""Nodes that remember: every sample starts with their own copies, on every simulator.

Right values are those of a delay line by hand: 30 steps of 1 through 10 steps of delay are 20 ones,
a mean of 20/30; and Nengo's reference simulator of a network that was made anew for each sample.
"""

from __future__ import annotations

import collections
import itertools
import random
import sys
import types
import warnings

import nengo
import numpy as np
import pytest

from nengo_spikecost.activity import measure, register_simulator, simulators
from nengo_spikecost.errors import MeasurementError, MeasurementWarning

DELAY, STEPS = 10, 30
RIGHT = 20 / 30

FRESH = [
    ("nengo_dl", 3), ("nengo_dl", 2), ("nengo_dl", 1), ("nengo_dl_probes", 2), ("nengo", 1),
    ("nengo", 2), ("nengo_loihi", 1), ("loihi", 2), ("loihi", 1),
]  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore:Functions of Nodes remember")


def deque_around():
    waiting = collections.deque([0.0] * DELAY)

    def delay(t, x):
        waiting.append(float(x[0]))
        return waiting.popleft()

    return delay


class Ring:
    """A ring of values, moved on at every step."""

    def __init__(self, size=DELAY):
        self.values, self.place = np.zeros(size), 0

    def __call__(self, t, x):
        out = self.values[self.place]
        self.values[self.place] = x[0]
        self.place = (self.place + 1) % DELAY
        return out

    def step(self, t, x):
        return self(t, x)


def nonlocal_number():
    n = 0

    def gate(t, x):
        nonlocal n
        n += 1
        return x if n > DELAY else 0 * x

    return gate


def default_list():
    def delay(t, x, waiting=[0.0] * DELAY):
        waiting.append(float(x[0]))
        return waiting.pop(0)

    return delay


GLOBAL = [0.0] * DELAY


def of_module(t, x):
    GLOBAL.append(float(x[0]))
    return GLOBAL.pop(0)


def attribute():
    def delay(t, x):
        delay.waiting.append(float(x[0]))
        return delay.waiting.pop(0)

    delay.waiting = [0.0] * DELAY
    return delay


def iterator():
    numbers = itertools.count()
    return lambda t, x: x if next(numbers) >= DELAY else 0 * x


class Slots:
    __slots__ = ("waiting",)

    def __init__(self):
        self.waiting = [0.0] * DELAY

    def __call__(self, t, x):
        self.waiting.append(float(x[0]))
        return self.waiting.pop(0)


class KeepsOnItself(nengo.Process):
    """Keeps its state where Nengo does not reset it."""

    def __init__(self):
        super().__init__(default_size_in=1, default_size_out=1)
        self.waiting = [0.0] * DELAY

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        def step(t, x):
            self.waiting.append(float(x[0]))
            return np.array([self.waiting.pop(0)])

        return step


MAKERS = {
    "deque": deque_around, "object": Ring, "method": lambda: Ring().step,
    "nonlocal": nonlocal_number, "default": default_list, "global": lambda: of_module,
    "attribute": attribute, "iterator": iterator, "slots": Slots, "process": KeepsOnItself,
    "large": lambda: Ring(300_000),
}  # fmt: skip


def network(delay):
    """An input, the delay, and neurons behind it."""
    with nengo.Network(seed=0) as net:
        net.given = nengo.Node([0.0], label="given")
        size = {} if isinstance(delay, nengo.Process) else {"size_in": 1, "size_out": 1}
        node = nengo.Node(delay, label="delay", **size)
        neurons = nengo.Ensemble(
            3, 1, neuron_type=nengo.SpikingRectifiedLinear(), gain=[100, 200, 300],
            bias=[0, 0, 0], encoders=[[1]] * 3, label="neurons",
        )  # fmt: skip
        nengo.Connection(net.given, node, synapse=None)
        nengo.Connection(node, neurons, synapse=None)
        nengo.Probe(node, label="out")
    return net


def measured(net, simulator="nengo_dl", batch_size=3, **options):
    data = {net.given: np.ones((3, 1))}
    options = {"presentation": "fresh", "progress": False, **options}
    return measure(net, data, STEPS, simulator=simulator, batch_size=batch_size, **options)


def means(net, *arguments, **options):
    return measured(net, *arguments, **options).outputs["out"].mean[:, 0]


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("simulator, batch_size", [("nengo_dl", 3), ("nengo_dl", 2), ("nengo", 1)])
def test_a_delay_line_of_any_kind(maker, simulator, batch_size):
    """Each sample alike, and again in a second measurement; the user's own stays as it was."""
    net = network(maker())
    for _ in range(2):
        np.testing.assert_allclose(means(net, simulator, batch_size), RIGHT, rtol=1e-6)
    with nengo.Simulator(net, progress_bar=False, optimize=False) as simulation:
        net.given.output = [0.0]
        simulation.run_steps(DELAY)
    assert not simulation.data[net.probes[0]].any()


@pytest.mark.parametrize("simulator, batch_size", FRESH)
def test_every_simulator(simulator, batch_size):
    net = network(deque_around())
    for _ in range(2):
        activity = measured(net, simulator, batch_size)
        np.testing.assert_allclose(activity.outputs["out"].mean[:, 0], RIGHT, rtol=1e-6)
        assert len(set(activity.populations["neurons"].per_sample())) == 1


def test_a_registered_simulator():
    register_simulator("nengo of a test", nengo.Simulator, optimize=False)
    try:
        np.testing.assert_allclose(means(network(Ring()), "nengo of a test", 1), RIGHT, rtol=1e-6)
    finally:
        simulators.remove("nengo of a test")


@pytest.mark.parametrize(
    "simulator", ["nengo_dl", "nengo_dl_probes", "nengo", "nengo_loihi", "loihi"]
)
def test_a_continuous_presentation_remembers(simulator):
    """A board does not pause: the second sample meets what the first left, and nothing else."""
    net = network(deque_around())
    for _ in range(2):
        found = means(net, simulator, 1, presentation="continuous")
        np.testing.assert_allclose(found, [RIGHT, 1, 1], rtol=1e-6)
        # two lanes, each of them a board: the first two samples start in them
        found = means(net, simulator, 2, presentation="continuous")
        np.testing.assert_allclose(found, [RIGHT, RIGHT, 1], rtol=1e-6)


class World:
    """One state behind two Nodes."""

    def __init__(self):
        self.seen = 0.0

    def act(self, t, x):
        self.seen += float(x[0])

    def sense(self, t, x=None):
        return self.seen


@pytest.mark.parametrize("simulator, batch_size", FRESH)
def test_two_nodes_with_one_state(simulator, batch_size):
    """The sum of ones so far, read by a Node behind the one that adds: 1, 2, ... 30."""
    world = World()
    with nengo.Network(seed=0) as net:
        net.given = nengo.Node([0.0], label="given")
        add = nengo.Node(lambda t, x: (world.act(t, x), x)[1], size_in=1, size_out=1, label="add")
        read = nengo.Node(world.sense, size_in=1, size_out=1, label="read")
        nengo.Connection(net.given, add, synapse=None)
        nengo.Connection(add, read, synapse=None)
        nengo.Probe(read, label="out")
        on_chip = nengo.Ensemble(2, 1, gain=[1, 1], bias=[0, 0], encoders=[[1]] * 2)
        nengo.Connection(net.given, on_chip)
    activity = measured(net, simulator, batch_size)
    np.testing.assert_allclose(activity.outputs["out"].last[:, 0], 30)
    np.testing.assert_allclose(activity.outputs["out"].mean[:, 0], 15.5)
    assert world.seen == 0


def test_a_source_that_reads_what_a_node_writes():
    """NengoDL calls sources beforehand for all steps: refused there. Nengo: 0 + 1 + ... + 29."""
    world = World()
    with nengo.Network(seed=0) as net:
        net.given = nengo.Node([0.0], label="given")
        nengo.Connection(net.given, nengo.Node(world.act, size_in=1, label="act"), synapse=None)
        nengo.Probe(nengo.Node(world.sense, size_out=1, label="sense"), label="out")
    for simulator in ("nengo_dl", "nengo_dl_probes"):
        with pytest.raises(MeasurementError, match=r"'sense'.*'act'.*simulator='nengo'"):
            measured(net, simulator)
    with nengo.Simulator(network_of_world(World()), progress_bar=False) as simulation:
        simulation.run_steps(STEPS)
    expected = simulation.data[simulation.model.probes[0]].mean()
    np.testing.assert_allclose(means(net, "nengo", 1), expected, rtol=1e-6)


def network_of_world(world):
    with nengo.Network(seed=0) as net:
        given = nengo.Node([1.0])
        nengo.Connection(given, nengo.Node(world.act, size_in=1), synapse=None)
        nengo.Probe(nengo.Node(world.sense, size_out=1))
    return net


@pytest.mark.parametrize("simulator, batch_size", FRESH)
def test_functions_of_time_and_of_connections(simulator, batch_size):
    """A source that counts its calls, and a Connection whose function does: 1, 2, ... 30."""

    def count():
        numbers = [0]

        def counted(*arguments):
            numbers[0] += 1
            return numbers[0]

        return counted

    with nengo.Network(seed=0) as net:
        net.given = nengo.Node([0.0], label="given")
        source = nengo.Node(count(), size_out=1, label="source")
        behind = nengo.Node(size_in=1)
        conn = nengo.Connection(net.given, behind, function=lambda x: x, synapse=None)
        nengo.Connection.function_info.data[conn] = type(conn.function_info)(count(), 1)
        nengo.Probe(source, label="out")
        nengo.Probe(behind, label="behind")
        on_chip = nengo.Ensemble(2, 1, gain=[1, 1], bias=[0, 0], encoders=[[1]] * 2)
        nengo.Connection(net.given, on_chip)
    activity = measured(net, simulator, batch_size)
    for name in ("out", "behind"):
        np.testing.assert_allclose(activity.outputs[name].mean[:, 0], 15.5)
        np.testing.assert_allclose(activity.outputs[name].last[:, 0], 30)


class Steps(nengo.Process):
    """Counts its steps in a state of Nengo's kind."""

    def make_state(self, shape_in, shape_out, dt, dtype=None):
        return {"n": np.zeros(1)}

    def make_step(self, shape_in, shape_out, dt, rng, state):
        n = state["n"]

        def step(t):
            n[...] += 1
            return n.copy()

        return step


@pytest.mark.parametrize("simulator, batch_size", FRESH)
def test_processes_without_input(simulator, batch_size):
    """NengoDL 3.6 moves one state of all lanes on in each: 3, 6, ... with three samples."""
    with nengo.Network(seed=0) as net:
        net.given = nengo.Node([0.0], label="given")
        nengo.Probe(nengo.Node(Steps(), size_out=1, label="steps"), label="out")
        noise = nengo.Node(nengo.processes.FilteredNoise(nengo.Lowpass(0.01)), size_out=1)
        nengo.Probe(noise, label="noise")
        on_chip = nengo.Ensemble(2, 1, gain=[1, 1], bias=[0, 0], encoders=[[1]] * 2)
        nengo.Connection(net.given, on_chip)
    activity = measured(net, simulator, batch_size)
    np.testing.assert_allclose(activity.outputs["out"].mean[:, 0], 15.5)
    noise = activity.outputs["noise"].mean
    np.testing.assert_allclose(noise, np.broadcast_to(noise[0], noise.shape), rtol=1e-5)


def values_of(values):
    yield from values


@pytest.mark.parametrize("simulator", ["nengo_dl", "nengo", "nengo_loihi"])
def test_a_generator_is_refused(simulator):
    stream = values_of([0.0] * DELAY + [1.0] * 10 * STEPS)
    net = network(lambda t, x: x * next(stream))
    with pytest.raises(MeasurementError, match=r"'delay'.*generator.*list"):
        measured(net, simulator, 1)
    if simulator != "nengo_dl":  # as the message says
        found = means(net, simulator, 1, presentation="continuous")
        np.testing.assert_allclose(found, [RIGHT, 1, 1], rtol=1e-6)


def test_a_generator_can_not_start_afresh_on_the_chip():
    stream = values_of([0.0] * DELAY + [1.0] * 10 * STEPS)
    net = network(lambda t, x: x * next(stream))
    with pytest.raises(MeasurementError, match=r"'delay'.*generator.*continuous"):
        measured(net, "loihi", 1)


def test_what_can_not_be_copied_is_told():
    """A module, as objects of C can't be pickled: it may change, and nobody can say."""

    class Opaque:
        n = 0

        def __reduce__(self):
            raise TypeError("cannot pickle 'Opaque' object")

        def __call__(self, t, x):
            self.n += 1
            return x if self.n > DELAY else 0 * x

    with pytest.warns(MeasurementWarning, match=r"'delay'.*Opaque.*samples mix"):
        measured(network(Opaque()), "nengo", 1)


class OfClass:
    waiting = [0.0] * DELAY

    def __call__(self, t, x):
        self.waiting.append(float(x[0]))
        return self.waiting.pop(0)


def test_memory_of_classes_modules_and_global_generators_is_told():
    module = types.ModuleType("module_of_a_test")
    module.waiting = [0.0] * DELAY
    sys.modules[module.__name__] = module
    here = {"module": module, "__name__": __name__}
    exec("def f(t, x):\n module.waiting.append(float(x[0]))\n return module.waiting.pop(0)", here)
    cases = {
        "OfClass.waiting": OfClass(), "module_of_a_test.waiting": here["f"],
        "generator of numpy.random": lambda t, x: x + np.random.uniform(),  # noqa: NPY002
        "generator of random": lambda t, x: x + random.random(),
    }  # fmt: skip
    for name, function in cases.items():
        with pytest.warns(MeasurementWarning, match=f"'delay'.*{name}"):
            measured(network(function), "nengo", 1)


def test_what_functions_collect_is_told_once():
    seen = []
    with pytest.warns(MeasurementWarning, match=r"'delay'.*own objects.*Probes") as caught:
        measured(network(lambda t, x: (seen.append(t), x)[1]), "nengo", 1)
    assert len([w for w in caught if "own objects" in str(w.message)]) == 1
    assert not seen
    with warnings.catch_warnings():
        warnings.simplefilter("error", MeasurementWarning)
        table = [1.0, 2.0]
        measured(network(lambda t, x: x * table[0]), "nengo_dl", 2)


def test_a_checkpoint_of_nodes_that_remember(tmp_path):
    """Batches start afresh, so a run that is taken up ends as one that never stopped."""
    net, whole = network(Ring()), measured(network(Ring()), batch_size=1)
    data = {net.given: np.ones((3, 1))}

    def stops():
        yield {net.given: data[net.given][:1]}
        raise RuntimeError("stopped")

    options = {"n_steps": STEPS, "batch_size": 1, "progress": False, "checkpoint": tmp_path}
    with pytest.raises(MeasurementError):
        measure(net, stops(), **options)
    again = measure(net, data, **options)
    for name, record in whole.populations.items():
        np.testing.assert_array_equal(record.counts, again.populations[name].counts)
