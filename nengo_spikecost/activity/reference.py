"""Spikes counted while Nengo's reference simulator, or one with its interface, runs.

Only what every such simulator offers is used: it is built from a network, runs a number of steps,
and holds the data of Probes, which can be cleared. Probes are read and cleared every so many
steps, so that memory does not grow with the number of steps.

Nengo has no batches: samples are presented one after another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons

from ..deadlines import in_time, in_time_here
from ..errors import MeasurementError
from ..graph import SpikeSource
from .backend import Backend, BatchCounts, Setup, amplitude, draws_as_it_runs
from .gathered import Gathered, saw_nothing
from .lane_calls import LaneCalls
from .simulator_spec import register_backend

#: Probed values held at a time: 2**21 of float64 are 16 MiB.
VALUES_AT_ONCE = 2**21


class ReferenceBackend(Backend):
    """A simulator with the interface of ``nengo.Simulator``, run sample by sample.

    In a fresh presentation the simulator is reset before every sample, or built again if
    it can't be reset, and functions of Nodes start with what they remembered when the network was
    given (`NodeFunctions`). Processes without a seed draw the same noise for every sample. So do
    stochastic neuron types of `NengoBackend`; those of other simulators may go on after a reset.

    Parameters
    ----------
    setup : Setup
        In a continuous presentation every lane is a simulator of its own.
    simulator : callable
        Called as ``simulator(network, dt=..., seed=..., progress_bar=False, **options)``.
    **options
        Further arguments of the simulator.
    """

    def __init__(
        self, setup: Setup, simulator: Callable[..., Any] = nengo.Simulator, **options: Any
    ):
        self.setup = setup
        self._make, self._options = simulator, options
        self._network = self._surrounding()
        with self._network:
            self._probes = [self._spike_probe(p) for p in setup.populations]
        self._feeds = {spec.name: _Feed(spec.size, setup.dt) for spec in setup.inputs}
        self._simulators: list[Any] = []
        self._calls: list[LaneCalls] = []
        self._n_presented: list[int] = []
        #: steps that are run at first, before it shows what they record
        self._first_steps = 1

    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        n = len(next(iter(inputs.values()))) if inputs else 1
        samples = []
        for i in range(n):
            lane = i if self.setup.continuous else 0
            simulator = self._ready(lane)
            first = self._n_presented[lane] * self.setup.n_steps if self.setup.continuous else 0
            for name, feed in self._feeds.items():
                feed.present(inputs[name][i], first)
            with self._calls[lane].watched():
                samples.append(self._present(simulator))
            self._n_presented[lane] += 1
        counts = {
            p.name: np.stack([counts[k] for counts, _ in samples])
            for k, p in enumerate(self.setup.populations)
        }
        outputs = {
            name: _joined(name, [outputs[name].output(1) for _, outputs in samples])
            for name in self.setup.outputs
        }
        steps = {
            name: np.concatenate([outputs[name].output(1)["steps"] for _, outputs in samples])
            for name in self.setup.kept_by_step
        }
        return BatchCounts(counts, outputs, steps=steps)

    def close(self) -> None:
        for simulator in self._simulators:
            simulator.close()

    def _spike_probe(self, population: SpikeSource) -> Any:
        """What the spikes of a population are found by in the data of a simulator."""
        return nengo.Probe(population.spikes_of, synapse=None)

    def _surrounding(self) -> nengo.Network:
        """A network with the user's as a subnetwork, in which Probes are added beside it."""
        network = nengo.Network(seed=self.setup.seed, add_to_container=False)
        with network:
            nengo.Network.add(self.setup.network)
        return network

    def _not_called(self) -> set[nengo.Node]:
        """Nodes whose functions the simulator does not call."""
        return {spec.node for spec in self.setup.inputs}

    def _ready(self, lane: int) -> Any:
        """The simulator of a lane, in the state that its next sample starts from."""
        if lane == len(self._simulators):
            given = self._not_called()
            self._calls.append(LaneCalls(self.setup.network, given, 1, self.setup.continuous))
            self._calls[lane].reset()
            self._simulators.append(self._build(lane))
            self._n_presented.append(0)
        elif not self.setup.continuous:
            self._calls[lane].reset()
            try:
                self._reset(self._simulators[lane])
            except NotImplementedError:
                self._simulators[lane].close()
                self._simulators[lane] = self._build(lane)
        return self._simulators[lane]

    def _reset(self, simulator: Any) -> None:
        """Bring a simulator back to its first step."""
        simulator.reset()

    def _build(self, lane: int) -> Any:
        feeds = {spec.node: self._feeds[spec.name] for spec in self.setup.inputs}
        with self._calls[lane].replaced(), _outputs_replaced(feeds):
            simulator = self._made(
                dt=self.setup.dt, seed=self.setup.seed, progress_bar=False, **self._options
            )
        if not hasattr(simulator, "clear_probes"):
            simulator.close()
            raise MeasurementError(
                f"{type(simulator).__name__} has no clear_probes(): what it records would "
                "grow with every step. Simulators need the interface of nengo.Simulator."
            )
        return simulator

    def _made(self, **options: Any) -> Any:
        """A new simulator, given up when there is no time left."""
        return in_time(lambda: self._make(self._network, **options))

    def _run_steps(self, simulator: Any, n_steps: int) -> None:
        """Run steps, which end wherever they are when there is no time left."""
        in_time_here(lambda: simulator.run_steps(n_steps, progress_bar=False))

    def _present(self, simulator: Any) -> tuple[list[np.ndarray], dict[str, Gathered]]:
        """Run the steps of one sample; counts by population, and outputs."""
        counts = [np.zeros(p.n_neurons) for p in self.setup.populations]
        kept = self.setup.kept_by_step
        outputs = {name: Gathered(name in kept) for name in self.setup.outputs}
        # anew for every sample, whose sums are then in the same order
        remaining, chunk = self.setup.n_steps, self._first_steps
        while remaining:
            n = min(chunk, remaining)
            self._run_steps(simulator, n)
            size = 0
            for total, population, probe in zip(counts, self.setup.populations, self._probes):
                values = simulator.data[probe]
                total += _counted(values, population, self.setup.dt)
                size += values.size
            for name, probe in self.setup.outputs.items():
                values = np.asarray(simulator.data[probe])
                outputs[name].add(values[None])
                size += values.size
            simulator.clear_probes()
            remaining -= n
            # a Probe may be of anything, weights too: its size shows when it is read
            chunk = max(1, min(VALUES_AT_ONCE * n // max(1, size), self.setup.n_steps))
        return counts, outputs


class _Feed:
    """The output of a Node that is fed: the values of a sample, step by step."""

    def __init__(self, size: int, dt: float):
        self._values = np.zeros((1, size))
        self._dt = dt
        self._first = 0

    def present(self, values: np.ndarray, first: int) -> None:
        """Present values of shape (1 or n_steps, size) from step ``first`` on."""
        self._values = values.astype(np.float64)
        self._first = first

    def __call__(self, t: float) -> np.ndarray:
        step = round(t / self._dt) - 1 - self._first
        return self._values[min(max(step, 0), len(self._values) - 1)]


def _joined(name: str, outputs: list[dict[str, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Last values and means of all samples, each (n_samples, size), float32."""
    if not all(outputs):
        raise saw_nothing(name)
    last, mean = (np.concatenate([output[key] for output in outputs]) for key in ("last", "mean"))
    return last.astype(np.float32), mean.astype(np.float32)


def _counted(values: np.ndarray, population: SpikeSource, dt: float) -> np.ndarray:
    """Spikes added up over steps; graded outputs count as rates."""
    spikes = np.abs(values) * (dt / amplitude(population))
    return (np.rint(spikes) if population.spiking else spikes).sum(axis=0)


@contextlib.contextmanager
def _outputs_replaced(feeds: Mapping[Any, _Feed]) -> Iterator[None]:
    """Replace outputs of Nodes while a simulator is built.

    The outputs of Nodes are part of the network, and only NengoDL takes data besides: this is
    the one way to feed a Node that all simulators have.
    """
    outputs = nengo.Node.output.data  # past the setter, which may call a function
    before = {node: node.output for node in feeds}
    try:
        outputs.update(feeds)
        yield
    finally:
        outputs.update(before)


class NengoBackend(ReferenceBackend):
    """Nengo's reference simulator.

    Its optimizer is ten times as fast on networks of many small Ensembles, and off where it would
    change what is computed (nengo 4.1.0):

    * neurons that draw random numbers, and processes without a seed, do so in another order in
      every build;
    * functions of Nodes that share what they remember are called in another order, too;
    * two Connections to or from parts in reverse order (``neurons[::-1]``) may be merged the wrong
      way round, or can't be.
    """

    def __init__(self, setup: Setup):
        super().__init__(setup, nengo.Simulator)
        network = setup.network
        draws = any(draws_as_it_runs(population) for population in setup.populations)
        draws |= any(map(_is_seeded_by_order, _processes(network)))
        parts = [p for c in network.all_connections for p in (c.pre_slice, c.post_slice)]
        parts += [probe.slice for probe in network.all_probes]
        #: by generator of random numbers, the state that each sample starts from
        self._generators: dict[np.random.RandomState, Any] = {}
        self._keeps_order = draws or any(map(_is_reversed, parts))

    def _build(self, lane: int) -> Any:
        remembering = self._calls[lane].functions.calls
        self._options["optimize"] = not self._keeps_order and len(remembering) < 2
        simulator = super()._build(lane)
        self._generators = {
            generator: generator.get_state() for generator in _generators(simulator.model)
        }
        return simulator

    def _reset(self, simulator: Any) -> None:
        """Bring a simulator back to its first step, and neurons to the numbers that they drew."""
        super()._reset(simulator)
        for generator, state in self._generators.items():
            generator.set_state(state)


def _processes(network: nengo.Network) -> list[Any]:
    """All processes of a network: outputs of Nodes, noise of Ensembles, synapses."""
    found = [node.output for node in network.all_nodes]
    found += [ensemble.noise for ensemble in network.all_ensembles]
    found += [each.synapse for each in (*network.all_connections, *network.all_probes)]
    return [process for process in found if isinstance(process, nengo.Process)]


def _is_seeded_by_order(process: Any) -> bool:
    """Whether Nengo draws its seed when it makes its step, and it may draw numbers then."""
    draws_nothing = (nengo.LinearFilter, nengo.synapses.Triangle, nengo.processes.PresentInput)
    return process.seed is None and not isinstance(process, draws_nothing)


def _generators(model: Any) -> list[np.random.RandomState]:
    """Those of neurons that draw as they run, which a reset of Nengo leaves as they are."""
    neurons = (op for op in model.operators if isinstance(op, SimNeurons))
    kept = (value for op in neurons for value in op.state_extra.values())
    return [value for value in kept if isinstance(value, np.random.RandomState)]


def _is_reversed(part: Any) -> bool:
    """Whether a part of an object is in reverse order, and no copy of it."""
    return isinstance(part, slice) and (part.step or 1) < 0


def register_simulator(
    name: str, simulator: Callable[..., Any], *, continuous: bool = False,
    starts_anew: bool = False, options: Sequence[str] = (), **arguments: Any,
) -> None:  # fmt: skip
    """Make a simulator with the interface of ``nengo.Simulator`` known to `measure`.

    One that can do more (batches, chip counts, a state that can be taken up) needs a `Backend`
    of its own: see `register_backend`.

    Parameters
    ----------
    name : str
        What to call it in ``measure(..., simulator=name)``.
    simulator : callable
        A class such as ``nengo_ocl.Simulator``, or a function like it: takes a network and
        ``dt``, ``seed`` and ``progress_bar``; what it gives has ``run_steps``, ``data``,
        ``clear_probes``, ``reset`` and ``close``.
    continuous, starts_anew, options
        What it can do: see `SimulatorSpec`. Options are handed to the simulator as arguments.
    **arguments
        Further arguments of the simulator.

    Warns
    -----
    OverwriteWarning
        If the name is that of another simulator.

    Examples
    --------
    >>> import nengo
    >>> register_simulator("nengo without optimizer", nengo.Simulator, optimize=False)
    """

    def backend(setup: Setup) -> Backend:
        own = {key: value for key, value in setup.options.items() if key != "by_step"}
        return ReferenceBackend(setup, simulator, **arguments, **own)

    register_backend(
        name, minibatch=False, continuous=continuous, starts_anew=starts_anew,
        options=(*options, "by_step"),
    )(backend)  # fmt: skip
