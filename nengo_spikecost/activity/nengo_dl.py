"""Spikes counted while NengoDL simulates.

Two ways give the same numbers. `StreamingBackend` runs NengoDL's tensor graph in a loop of
our own, which adds each step's spikes to counters of neurons and keeps nothing else. It uses
four private methods of nengo-dl 3.6. `ProbingBackend` needs only NengoDL's public interface: an
integrating synapse on a Probe without history does the adding.

How the loop counts:

1. The network becomes a subnetwork, with a Probe on the neurons of each population (`_wrap`).
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

import contextlib
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo_dl import graph_optimizer

from ..deadlines import in_time, while_asked
from ..errors import MeasurementError
from ..graph import SpikeSource, rules_of
from ..graph.nengo_types import replaced
from ..stack.cancellation import cancellable
from .backend import Backend, BatchCounts, Setup, amplitude
from .gathered import sampled, saw_nothing
from .lane_calls import LaneCalls
from .nengo_dl_noise import separate_processes
from .operators_of_others import only_nengo_runs

#: Settings of the user's network that hold for the simulation too. The others (planner,
#: history, training) concern how NengoDL runs, which is ours to choose here.
_KEPT_SETTINGS = ("dtype", "simplifications")


def nengo_dl_backend(setup: Setup) -> Backend:
    """The streaming loop if this nengo-dl has the methods it needs, else the public way."""
    graph = nengo_dl.tensor_graph.TensorGraph
    has_loop = hasattr(nengo_dl.Simulator, "_build_keras") and all(
        hasattr(graph, name) for name in ("_build_loop", "_build_inner_loop", "_fill_bases")
    )
    return StreamingBackend(setup) if has_loop else ProbingBackend(setup)


def _check_filters(network: nengo.Network) -> None:
    """Refuse filters that NengoDL would run as those of a base class.

    NengoDL has its own form of ``LinearFilter`` and ``Lowpass``, and takes it for every subclass:
    a ``make_step`` of the subclass is never called. All other processes it runs as they are.
    Reference: nengo-dl 3.6.0, process_builders.py, ``SimProcessBuilder``.

    Raises
    ------
    MeasurementError
        If a synapse, a process or a noise is of such a class.
    """
    rules = [rule.learning_rule_type for c in network.all_connections for rule in rules_of(c)]
    owners: list[tuple[Any, str]] = [(conn, "synapse") for conn in network.all_connections]
    owners += [(probe, "synapse") for probe in network.all_probes]
    owners += [(node, "output") for node in network.all_nodes]
    owners += [(ensemble, "noise") for ensemble in network.all_ensembles]
    owners += [(rule, name) for rule in rules for name in ("pre_synapse", "post_synapse")]
    for owner, name in owners:
        process = getattr(owner, name, None)
        if not isinstance(process, nengo.LinearFilter):
            continue
        base = nengo.Lowpass if isinstance(process, nengo.Lowpass) else nengo.LinearFilter
        own = replaced(process, base)
        if own:
            raise MeasurementError(
                f"{owner} has the {name} {process}, whose {', '.join(own)} NengoDL does not call: "
                f"it runs every {base.__name__} alike. Measure with simulator='nengo'."
            )


def _wrap(setup: Setup) -> tuple[nengo.Network, list[nengo.Probe]]:
    """A network around the user's, with Probes on the populations.

    The user's network becomes a subnetwork, so that Probes and settings can be added
    without changing it. Its own seed, or else ``setup.seed``, decides all that is random.
    """
    _check_filters(setup.network)
    outer = nengo.Network(seed=setup.seed, add_to_container=False)
    with outer:
        nengo.Network.add(setup.network)
        # NengoDL's default planner merges all neurons into one array and then writes with
        # scatter; the cheap one gives the same outputs in a quarter of the time.
        nengo_dl.configure_settings(
            planner=graph_optimizer.noop_planner, inference_only=True, keep_history=True
        )
        for setting in _KEPT_SETTINGS:
            value = nengo_dl.config.get_setting(setup.network, setting)
            if value is not None:
                nengo_dl.configure_settings(**{setting: value})
        probes = [nengo.Probe(population.spikes_of) for population in setup.populations]
    return outer, probes


def _build(simulator: type, network: nengo.Network, setup: Setup) -> Any:
    with warnings.catch_warnings():
        # advice that every build on a machine without a graphics card repeats
        warnings.filterwarnings("ignore", message="No GPU support detected")
        with only_nengo_runs(network):
            return in_time(
                lambda: simulator(
                    network, dt=setup.dt, seed=setup.seed, minibatch_size=setup.batch_size,
                    progress_bar=False,
                )
            )  # fmt: skip


def lane_calls(setup: Setup) -> LaneCalls:
    """The functions that remember, a copy a lane.

    Raises
    ------
    MeasurementError
        If NengoDL would call them in another order than Nengo.
    """
    fed = {spec.node for spec in setup.inputs}
    calls = LaneCalls(setup.network, fed, setup.batch_size, setup.continuous)
    for source, other in calls.out_of_order():
        raise MeasurementError(
            f"{source} and {other} share what they remember, and NengoDL calls Nodes without input "
            "for all steps before the network's first, so that they would see it at other times "
            "than in Nengo. Use simulator='nengo', or 'loihi'; or connect the Nodes."
        )
    return calls


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
        network, self._probes = _wrap(setup)
        self._calls = lane_calls(setup)
        with self._calls.replaced():
            self._calls.reset()
            self._sim = _build(self.simulator_type, network, setup)
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
        with self._calls.watched(), _whole_products():
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
        with _checks_in_words():
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


class ProbingBackend(Backend):
    """NengoDL through its public interface only.

    A Probe whose synapse integrates, and which keeps no history, holds the sum over all
    steps but the last (a synapse lags one step); a plain one holds the last step. Signed
    outputs can't be summed so: for these the whole history is kept, as it is in a
    continuous presentation, where an integral would run on from sample to sample.

    Parameters
    ----------
    setup : Setup
        What to simulate.
    """

    def __init__(self, setup: Setup):
        self.setup = setup
        self._started, self._n_steps_done = False, 0
        network, self._probes = _wrap(setup)
        self._integrals: dict[str, nengo.Probe] = {}
        with network:
            for population, probe in zip(setup.populations, self._probes):
                if setup.continuous or not population.spiking or _may_be_negative(population):
                    continue
                network.config[probe].keep_history = False
                integral = nengo.Probe(
                    population.spikes_of, synapse=nengo.LinearFilter([1], [1, 0])
                )
                network.config[integral].keep_history = False
                self._integrals[population.name] = integral
        self._calls = lane_calls(setup)
        with self._calls.replaced():
            self._calls.reset()
            self._sim = _build(nengo_dl.Simulator, network, setup)
        separate_processes(self._sim.tensor_graph)

    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        setup = self.setup
        # a reset draws new noise: not before the first batch, as in the streaming loop
        if self._started and not setup.continuous:
            self._calls.reset()
            self._sim.reset(include_trainable=False)
            separate_processes(self._sim.tensor_graph)
        self._started = True
        # NengoDL takes constant inputs step by step
        data = {
            spec.node: np.broadcast_to(
                inputs[spec.name], (setup.batch_size, setup.n_steps, spec.size)
            )
            for spec in setup.inputs
        }
        n_steps = None if data else setup.n_steps
        with self._calls.watched(), _checks_in_words(), _whole_products():
            read = in_time(
                *cancellable(
                    lambda: self._sim.predict_on_batch(
                        data or None, n_steps=n_steps, stateful=setup.continuous
                    )
                )
            )
        counts = {
            population.name: self._counts(population, probe, read)
            for population, probe in zip(setup.populations, self._probes)
        }
        outputs, kept = {}, {}
        for name, probe in setup.outputs.items():
            steps = read[probe].reshape(setup.batch_size, len(read[probe][0]), -1)
            # NengoDL samples in run(), and not in predict
            steps = steps[:, sampled(probe, setup.dt, self._n_steps_done, setup.n_steps)]
            if not steps.shape[1]:
                raise saw_nothing(name)
            outputs[name] = (steps[:, -1], steps.mean(axis=1, dtype=np.float64).astype("f4"))
            if name in setup.kept_by_step:
                kept[name] = steps
        if setup.continuous:
            self._n_steps_done += setup.n_steps
        return BatchCounts(counts, outputs, steps=kept)

    def close(self) -> None:
        self._sim.close()

    def _counts(self, population: SpikeSource, probe: nengo.Probe, read: Any) -> np.ndarray:
        per_spike = self.setup.dt / amplitude(population)
        steps = np.abs(read[probe].astype(np.float64)) * per_spike
        if population.spiking:
            steps = np.rint(steps)
        totals = steps.sum(axis=1)
        if population.name in self._integrals:
            # the integral of spikes of height amplitude/dt
            integral = read[self._integrals[population.name]][:, -1]
            totals += np.rint(integral.astype(np.float64) / amplitude(population))
        return totals


@contextlib.contextmanager
def _checks_in_words() -> Iterator[None]:
    """What a check within TensorFlow says, without the many lines that TensorFlow adds."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        said = re.search(r"assertion failed: \[(.+?)\]", str(error))
        if said is None:
            raise
        raise MeasurementError(said.group(1)) from error


@contextlib.contextmanager
def _whole_products() -> Iterator[None]:
    """Products in all bits of float32: of ten, as graphics cards take by default, spikes differ."""
    setting = tf.config.experimental
    before = setting.tensor_float_32_execution_enabled()
    setting.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        setting.enable_tensor_float_32_execution(before)


def _may_be_negative(population: SpikeSource) -> bool:
    """Whether a spike of this population can have a negative sign."""
    neuron_type = population.neuron_type
    return bool(getattr(neuron_type, "negative", True)) or hasattr(neuron_type, "negative_slope")
