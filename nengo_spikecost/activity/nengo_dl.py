"""Spikes counted while NengoDL simulates.

Two ways give the same numbers. `StreamingBackend` runs NengoDL's tensor graph in a loop of
our own, which adds each step's spikes to counters of neurons and keeps nothing else. It uses
four private methods of nengo-dl 3.6. `ProbingBackend` needs only NengoDL's public interface: an
integrating synapse on a Probe without history does the adding.

How the loop counts:

1. The network becomes a subnetwork, with a Probe on the neurons of each population (`with_probes`).
2. NengoDL builds its tensor graph, without a Keras model around it (`LoopSimulator`).
3. While TensorFlow traces the graph, NengoDL calls ``_build_loop`` to build the loop over steps.
   `StreamingBackend._loop` stands in for it: a ``tf.while_loop`` with NengoDL's own step inside.
4. NengoDL's step hands over what all Probes read. Spikes of height amplitude/dt are divided back
   into whole numbers, rounded, and added to counters of shape (batch_size, n_neurons); of
   outputs the last value and the sum are kept.
5. The counters leave TensorFlow once a batch. Memory depends neither on the number of steps nor
   on that of samples.

NengoDL's own loop would write every step of every Probe into an array, which for ten thousand
neurons, a thousand steps and a hundred samples is 4 GB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf

from ..deadlines import in_time, while_asked
from ..errors import MeasurementError
from ..graph import SpikeSource
from .backend import Backend, BatchCounts, Setup, amplitude
from .gathered import sampled, saw_nothing
from .nengo_dl_network import (
    build_simulator,
    checks_in_words,
    lane_calls,
    whole_products,
    with_probes,
)
from .nengo_dl_noise import separate_processes
from .nengo_dl_probes import ProbingBackend
from .operators_of_others import only_nengo_runs


def nengo_dl_backend(setup: Setup) -> Backend:
    """The streaming loop if this nengo-dl has the methods it needs, else the public way."""
    graph = nengo_dl.tensor_graph.TensorGraph
    has_loop = hasattr(nengo_dl.Simulator, "_build_keras") and all(
        hasattr(graph, name) for name in ("_build_loop", "_build_inner_loop", "_fill_bases")
    )
    return StreamingBackend(setup) if has_loop else ProbingBackend(setup)


class LoopSimulator(nengo_dl.Simulator):
    """A NengoDL Simulator that only prepares its tensor graph.

    `StreamingBackend` never calls the Keras model which a Simulator builds around the
    graph, and building it traces the whole network once more.
    """

    def _build_keras(self, progress: Any = None) -> None:
        self.keras_model = None
        with tf.device(self.tensor_graph.device):
            self.tensor_graph.build()


class _Constant:
    """An input that is the same at every step."""

    def __init__(self, values: tf.Tensor):
        self._values = values[:, 0]

    def __getitem__(self, key: Any) -> tf.Tensor:
        return self._values


class StreamingBackend(Backend):
    """NengoDL's tensor graph in a loop that counts instead of recording.

    Parameters
    ----------
    setup : Setup
        What to simulate.
    """

    #: builds NengoDL's tensor graph
    simulator_type: type = LoopSimulator

    def __init__(self, setup: Setup):
        self.setup = setup
        network, self._probes = with_probes(setup)
        self._calls = lane_calls(setup)
        with self._calls.replaced():
            self._calls.reset()
            self._sim = build_simulator(self.simulator_type, network, setup)
        self._graph = self._sim.tensor_graph
        self._fed = {spec.node: spec.name for spec in setup.inputs}
        self._function = tf.function(self._simulate)
        self._n_steps_done = 0
        with tf.device(self._graph.device):
            #: steps before this batch, as the graph reads it
            self._first = tf.Variable(0, dtype=tf.int32, trainable=False)
            #: whether the loop ends before its next step
            self._stop = tf.Variable(False, dtype=tf.bool, trainable=False)
        #: By the shapes of the inputs: samples of a stream may have steps, or be still.
        self._graphs: dict[Any, Any] = {}

    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        key = tuple(x.shape for x in inputs.values())
        if key not in self._graphs:
            if self._graphs and self.setup.continuous:
                raise MeasurementError(
                    "Samples with a time axis and without one can't follow each other in a "
                    "continuous presentation of NengoDL: give all of them n_steps values, or use "
                    "simulator='compiled'."
                )
            # processes and functions of time get their state when the graph is complete,
            # and the graph is complete once it has been traced
            specs = [tf.TensorSpec(x.shape, x.dtype) for x in self._arrays(inputs, trace=True)]
            with only_nengo_runs(self.setup.network):
                traced = in_time(lambda: self._function.get_concrete_function(specs))
            self._graphs[key] = traced
            self._start_afresh()
        elif not self.setup.continuous:
            self._start_afresh()
        with self._calls.watched(), whole_products():
            arrays = [tf.convert_to_tensor(x) for x in self._arrays(inputs)]
            first = self._n_steps_done
            self._first.assign(first)
            counts, outputs = self._called(self._graphs[key], arrays)
        if self.setup.continuous:
            self._n_steps_done += self.setup.n_steps
        return self._batch_counts((counts, outputs), self.setup.n_steps, first)

    def _called(self, graph: Any, *arguments: Any) -> Any:
        """What a traced loop returns; Ctrl-C, or the end of the time there is, ends it in a step.

        A back end whose loop was ended is of no more use: its state is that of some step. A step
        that takes seconds is made to its end, but nobody waits for it.
        """
        self._stop.assign(False)
        with checks_in_words():
            return while_asked(lambda: graph(*arguments), lambda: self._stop.assign(True))

    def _batch_counts(self, totals: Any, n_steps: int, first: int) -> BatchCounts:
        """Totals of the steps after ``first`` as counts, and as last values and means."""
        counts, outputs = totals
        read, steps = {}, {}
        for (name, probe), (last, total, *kept) in zip(self.setup.outputs.items(), outputs):
            n = int(sampled(probe, self.setup.dt, first, n_steps).sum())
            if not n:
                raise saw_nothing(name)
            read[name] = (last.numpy(), (total.numpy() / n).astype(np.float32))
            if kept:
                steps[name] = np.moveaxis(kept[0].numpy(), 0, 1)
        named = zip(self.setup.populations, counts)
        return BatchCounts({p.name: c.numpy() for p, c in named}, read, steps=steps)

    def close(self) -> None:
        self._sim.close()

    def _arrays(self, inputs: Mapping[str, np.ndarray], trace: bool = False) -> list[np.ndarray]:
        """Values of every Node without input, fed or not, in the order of the graph."""
        dtype = self._graph.dtype
        arrays = []
        for node, output in self._graph.invariant_inputs.items():
            if node in self._fed:
                values = inputs[self._fed[node]]
            elif isinstance(output, np.ndarray):
                values = np.broadcast_to(output, (self.setup.batch_size, 1, node.size_out))
            elif trace:
                values = np.zeros((self.setup.batch_size, self.setup.n_steps, node.size_out))
            else:
                values = self._generate(node)
            arrays.append(np.asarray(values, dtype=dtype))
        return arrays

    def _start_afresh(self) -> None:
        """Give processes and functions of Nodes the state that a sample starts from."""
        self._calls.reset()
        inputs = self._graph.invariant_inputs
        every = dict(inputs)
        for node in [node for node, x in every.items() if isinstance(x, nengo.Process)]:
            del inputs[node]  # their steps are made below, and only once
        self._graph.build_post()
        inputs.clear()
        inputs.update(every)
        separate_processes(self._graph)

    def _generate(self, node: nengo.Node) -> np.ndarray:
        """Values of a Node that is a process or a function of time."""
        values = np.zeros((self.setup.batch_size, self.setup.n_steps, node.size_out))
        for i in range(self.setup.n_steps):
            time = (self._n_steps_done + i + 1) * self.setup.dt
            values[:, i] = [step(time) for step in self._graph.input_funcs[node]]
        return values

    def _simulate(self, arrays: list[tf.Tensor]) -> Any:
        """Trace the whole simulation of one batch (NengoDL calls back into `_loop`)."""
        graph = self._graph
        n_steps = tf.fill((self.setup.batch_size, 1), self.setup.n_steps)
        graph._build_loop = self._loop
        try:
            graph.call([*arrays, n_steps], training=False, stateful=self.setup.continuous)
        finally:
            del graph._build_loop
        return self._totals

    def _loop(self, progress: Any) -> Any:
        graph = self._graph
        for node, values in graph.node_inputs.items():
            if values.shape[1] == 1:
                graph.node_inputs[node] = _Constant(values)
        order = {probe: i for i, probe in enumerate(graph.model.probes)}
        counted = [order[probe] for probe in self._probes]
        read = [order[probe] for probe in self.setup.outputs.values()]
        first, end, *totals, state = self._beginning(counted, read)

        def body(step: Any, counts: Any, outputs: Any, state: Any, params: Any) -> Any:
            graph._fill_bases(
                dict(zip(graph.saved_state, state)), dict(zip(graph.base_params, params))
            )
            added: list[Any] = []

            def add_up(tensors: list[tf.Tensor], _: tf.Tensor) -> None:
                tensors = [self._by_sample(i, x) for i, x in enumerate(tensors)]
                added.append(
                    [
                        _add_counts(total, tensors[i], population, self._per_spike(j, tensors[i]))
                        for j, (total, i, population) in enumerate(
                            zip(counts, counted, self.setup.populations)
                        )
                    ]
                )
                added.append(
                    [
                        self._added(probe, step, tensors[i], *own)
                        for own, i, probe in zip(outputs, read, self.setup.outputs.values())
                    ]
                )

            step = graph._build_inner_loop(step, add_up, progress)
            new_state = tuple(graph.signals.bases[key] for key in graph.saved_state)
            new_params = tuple(graph.signals.bases[key] for key in graph.base_params)
            return step, added[0], added[1], new_state, new_params

        step, counts, outputs, state, params = tf.while_loop(
            lambda step, *_: tf.logical_and(step < end, tf.logical_not(self._stop)), body,
            (first, *totals, state, tuple(graph.base_params.values())), parallel_iterations=1,
        )  # fmt: skip
        self._totals = self._result(counts, outputs, state)
        # TensorGraph.call expects steps run, arrays of Probes, final state and parameters
        return tf.fill((self.setup.batch_size,), step), {}, state, params

    def _added(
        self, probe: nengo.Probe, step: Any, values: tf.Tensor, last: Any, total: Any, *kept: Any
    ) -> tuple[Any, ...]:  # fmt: skip
        """The last value and the sum of a Probe after one step, if it samples then; all values."""
        added = tf.cast(values, total.dtype)
        if probe.sample_every is None:
            return (values, total + added, *(steps.write(step, values) for steps in kept))
        number = tf.cast(self._first + step + 1, tf.float64)
        takes = tf.math.floormod(number, probe.sample_every / self.setup.dt) < 1
        return tf.where(takes, values, last), tf.where(takes, total + added, total)

    def _beginning(self, counted: list[int], read: list[int]) -> tuple[Any, ...]:
        """The start of the loop: first step, step after the last, counts, outputs, state."""
        graph = self._graph
        counts = [
            self._zeros(i, graph.dtype if population.spiking else tf.float64)
            for i, population in zip(counted, self.setup.populations)
        ]
        outputs = [
            (self._zeros(i, graph.dtype), self._zeros(i, tf.float64), *self._kept(i, name))
            for i, name in zip(read, self.setup.outputs)
        ]
        state = tuple(graph.saved_state.values())
        return tf.constant(0), self.setup.n_steps, counts, outputs, state

    def _per_spike(self, index: int, output: tf.Tensor) -> tf.Tensor:
        """Spikes of a population in one unit of its output, by its place in the setup."""
        return tf.constant(self.setup.dt / amplitude(self.setup.populations[index]), output.dtype)

    def _kept(self, probe: int, name: str) -> list[tf.TensorArray]:
        """Room for the values of an output at every step, if they are kept."""
        if name not in self.setup.kept_by_step:
            return []
        zeros = self._zeros(probe, self._graph.dtype)
        return [tf.TensorArray(zeros.dtype, self.setup.n_steps, element_shape=zeros.shape)]

    def _result(self, counts: Any, outputs: Any, state: Any) -> Any:
        """The values that are kept at the end of the loop."""
        return counts, [(last, total, *(x.stack() for x in kept)) for last, total, *kept in outputs]

    def _zeros(self, probe: int, dtype: Any) -> tf.Tensor:
        signal = self._graph.model.sig[self._graph.model.probes[probe]]["in"]
        return tf.zeros((self.setup.batch_size, signal.size), dtype)

    def _by_sample(self, probe: int, x: tf.Tensor) -> tf.Tensor:
        """A Probe's values as (batch_size, size), also where no input reaches them."""
        signal = self._graph.model.sig[self._graph.model.probes[probe]]["in"]
        if x.shape.rank == signal.ndim:
            x = tf.broadcast_to(x, (self.setup.batch_size, *x.shape))
        return tf.reshape(x, (self.setup.batch_size, signal.size))


def _add_counts(
    total: Any, output: tf.Tensor, population: SpikeSource, per_spike: tf.Tensor
) -> tf.Tensor:
    """Add one step's spikes.

    Dividing by the amplitude leaves whole numbers except for rounding errors, which are removed
    here, before anything is added up. Whole numbers in float32 are exact up to `MAX_SPIKES`, never
    wrap round, and stay NaN once a simulation has gone wrong; integers would cost a tenth more
    time for the cast.
    """
    spikes = tf.abs(output) * per_spike
    if population.spiking:
        spikes = tf.round(spikes)
    return total + tf.cast(spikes, total.dtype)
