"""NengoDL's tensor graph with firing-rate scales that change without a rebuild.

A scale acts in three places of a converted network: on the gains of a population, on its
biases and on the height of its spikes. All three are constants of NengoDL's graph. Here
they are arguments of it, so that one traced graph runs with any scales; and so is the state,
so that one simulation can stop on its way, be read, and go on.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Reset
from nengo_dl import graph_optimizer, neuron_builders

from ...activity.backend import BatchCounts, Setup, amplitude
from ...activity.nengo_dl import LoopSimulator, StreamingBackend
from ...deadlines import in_time
from .gain_operators import gain_operators, is_tunable
from .rescaled_biases import CannotRescale, ScaledBias, per_neuron


def missing_api() -> str | None:
    """The first name that this nengo-dl lacks, in words, or None."""
    needed = {
        nengo_dl.Simulator: ("_build_keras",),
        nengo_dl.tensor_graph.TensorGraph: ("_build_loop", "_build_inner_loop", "_fill_bases"),
        neuron_builders: ("TFNeuronBuilder", "SimNeuronsBuilder", "GenericNeuronBuilder"),
        graph_optimizer: ("default_simplifications", "noop_planner"),
    }
    for owner, names in needed.items():
        lacking = [name for name in names if not hasattr(owner, name)]
        if lacking:
            return f"this nengo-dl has no {owner.__name__}.{lacking[0]}"
    return None


class _KeepsGains(LoopSimulator):
    """Builds a graph in which every gain is a multiplication.

    NengoDL takes a gain of 1 out of its graph. Here it is taken for another number while the
    graph is simplified, so that the operators are those of a network with scales.
    """

    def __init__(self, network: nengo.Network, **options: Any):
        self.closed = None  # NengoDL asks for this first, whatever attribute is read
        simplifications = nengo_dl.config.get_setting(
            network, "simplifications", graph_optimizer.default_simplifications
        )
        with network:
            nengo_dl.configure_settings(simplifications=(self._mark, *simplifications))
        super().__init__(network, **options)

    def _mark(self, operators: list[Any]) -> list[Any]:
        for _, op in gain_operators(self.model, operators):
            gains = op.A.initial_value
            if not np.array_equal(gains, np.full_like(gains, 2)):
                gains.setflags(write=True)
                gains[...] = 2
                gains.setflags(write=False)
        return operators


@dataclass(frozen=True)
class _Part:
    """Where the scale of one population acts in the graph.

    Attributes
    ----------
    population : int
        Its place in the setup.
    amplitude : float
        At scale 1.
    gains : tuple of (key, start, stop)
        Slices of the arrays of the graph's state.
    bias : ScaledBias
    reset : builder, optional
        Sets the biases; None if they are zero.
    neurons : builder
        Makes the spikes.
    """

    population: int
    amplitude: float
    gains: tuple[tuple[Any, int, int], ...]
    bias: ScaledBias
    reset: Any
    neurons: Any


class RescaledLoop(StreamingBackend):
    """The counting loop of `StreamingBackend` for any scales and numbers of steps.

    Parameters
    ----------
    setup : Setup
        With a network whose scales are all 1. Its ``n_steps`` is not used.
    biases : mapping from nengo.Ensemble to ScaledBias

    Raises
    ------
    CannotRescale
        If the graph is not as it is in the NengoDL that this was written for.
    """

    simulator_type = _KeepsGains

    def __init__(self, setup: Setup, biases: Mapping[nengo.Ensemble, ScaledBias]):
        super().__init__(setup)
        with tf.device(self._graph.device):
            self._initial = {k: v.value() for k, v in self._graph.saved_state.items()}
        self._parts = [
            self._part(i, population.obj, biases[population.obj])
            for i, population in enumerate(setup.populations)
            if is_tunable(population.obj)
        ]
        self._traced: dict[Any, Any] = {}
        self._noise = False
        self._zeros_here = self._zero_totals()
        self.rescale({})

    # -- scales ---------------------------------------------------------------------------

    def rescale(self, scales: Mapping[str, float]) -> None:
        """Set the scales, by layer; 1 for layers left out."""
        dtype, dt = self._graph.dtype, self.setup.dt
        state = {key: None for part in self._parts for key, *_ in part.gains}
        arrays = {key: self._initial[key].numpy() for key in state}
        per_spike = [dt / amplitude(p) for p in self.setup.populations]
        heights, biases = [], []
        for part in self._parts:
            scale = scales.get(self.setup.populations[part.population].layer, 1)
            # NengoDL takes a gain this close to 1 for 1
            gain = 1 if np.allclose(np.asarray(scale, dtype), 1) else scale
            for key, start, stop in part.gains:
                arrays[key][:, start:stop] = gain
            height = part.amplitude if scale == 1 else part.amplitude / scale
            per_spike[part.population] = dt / height
            # divided here: TensorFlow would multiply with a reciprocal, and round otherwise
            in_dtype = np.asarray(height, dtype)
            heights.append((tf.constant(in_dtype), tf.constant(in_dtype / np.asarray(dt, dtype))))
            if part.reset is not None:
                biases.append(tf.constant(part.bias.at(scale), dtype))
            if isinstance(part.neurons, neuron_builders.GenericNeuronBuilder):
                for op in part.neurons.ops:
                    # Nengo's parameters are read-only once they are set
                    type(op.neurons).amplitude.data[op.neurons] = height
        self._start = {key: tf.constant(arrays[key]) if key in arrays else x
                       for key, x in self._initial.items()}  # fmt: skip
        self._scaled = ([tf.constant(x, dtype) for x in per_spike], heights, biases)
        self._state: list[tf.Tensor] | None = None

    def _part(self, index: int, ensemble: nengo.Ensemble, bias: ScaledBias) -> _Part:
        model, graph = self._sim.model, self._graph
        name = self.setup.populations[index].name
        if not np.all(per_neuron(ensemble.gain, ensemble) == 1):
            raise CannotRescale(f"the gains of {name} are not 1 at scale 1")
        j, output = model.sig[ensemble.neurons]["in"], model.sig[ensemble.neurons]["out"]
        builders = [(op, build) for ops, build in graph.op_builder.op_builds.items() for op in ops]
        gains = []
        for owner, op in gain_operators(model, [op for op, _ in builders]):
            if owner is ensemble:
                signal = graph.signals[op.A]
                if signal.key not in self._initial or not signal.minibatched:
                    raise CannotRescale(f"the gains of {name} are no part of the state")
                gains += [(signal.key, *piece) for piece in signal.slices]
        neurons = [build.built_neurons for op, build in builders
                   if isinstance(op, SimNeurons) and op.output is output]  # fmt: skip
        if len(neurons) != 1 or len(neurons[0].ops) != 1:
            raise CannotRescale(f"the neurons of {name} are not one operator")
        own = neurons[0].ops[0]
        if isinstance(neurons[0], neuron_builders.GenericNeuronBuilder):
            own.neurons = copy.copy(own.neurons)  # a neuron type that no network has
        elif not isinstance(neurons[0], neuron_builders.TFNeuronBuilder):
            raise CannotRescale(f"{type(neurons[0]).__name__} is no builder of NengoDL")
        resets = [
            build
            for op, build in builders
            if isinstance(op, Reset) and op.dst is j and np.any(np.asarray(op.value) != 0)
        ]
        if len(resets) != int(not bias.is_zero):
            raise CannotRescale(f"the biases of {name} are not set by one operator")
        return _Part(
            index, float(own.neurons.amplitude), tuple(gains), bias,
            resets[0] if resets else None, neurons[0],
        )  # fmt: skip

    # -- simulation -----------------------------------------------------------------------

    def run_lengths(
        self, inputs: Mapping[str, np.ndarray], lengths: Sequence[int]
    ) -> dict[int, BatchCounts]:
        """Present one batch for the longest time, and read it at every length.

        Parameters
        ----------
        inputs : mapping from str to ndarray
            ``(batch_size, 1 or n_steps, size)`` for each input.
        lengths : sequence of int
            Steps, ascending.
        """
        self.setup = replace(self.setup, n_steps=lengths[-1])
        concrete = self._concrete_for(inputs)
        arrays = [tf.convert_to_tensor(x) for x in self._arrays(inputs)]
        state = list(self._start.values()) if self._state is None else self._state
        totals, done, counts = self._zeros_here, 0, {}
        self._first.assign(self._n_steps_done)
        with self._calls.watched():
            for length in lengths:
                *totals, state = self._called(
                    concrete,
                    arrays,
                    tf.constant(done),
                    tf.constant(length),
                    *totals,
                    state,
                    *self._scaled,
                )
                counts[length] = self._batch_counts(totals, length, self._n_steps_done)
                done = length
        if self.setup.continuous:
            self._state = state
            self._n_steps_done += done
        return counts

    def begin(self) -> None:
        """Start anew: the next batch is the first."""
        self._state, self._n_steps_done, self._fresh = None, 0, True

    def _concrete_for(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """The traced graph for inputs of these shapes, random numbers as they begin."""
        specs = [tf.TensorSpec(x.shape, x.dtype) for x in self._arrays(inputs, trace=True)]
        key = tuple(tuple(spec.shape) for spec in specs)
        if key not in self._traced:
            number = tf.TensorSpec((), tf.int32)
            given = _specs((*self._zeros_here, list(self._start.values()), *self._scaled))
            self._traced[key] = in_time(
                lambda: self._function.get_concrete_function(specs, number, number, *given)
            )
            self._noise = _draws_random_numbers(self._traced[key])
            self._start_afresh()
        elif self._fresh:
            for builder in self._graph.op_builder.op_builds.values():
                if hasattr(builder, "config"):
                    builder.config.rng.seed(self._graph.seed)
            if self._noise:
                # TensorFlow's generators start anew with the seed, and only then
                tf.random.set_seed(self._graph.seed)
            self._start_afresh()
        elif not self.setup.continuous:
            self._start_afresh()
        self._fresh = False
        return self._traced[key]

    def _simulate(self, arrays: Any, *beginning: Any) -> Any:
        self._beginning_here = beginning
        return super()._simulate(arrays)

    def _beginning(self, counted: list[int], read: list[int]) -> tuple[Any, ...]:
        first, end, counts, outputs, state, _, heights, biases = self._beginning_here
        remaining = list(biases)
        for part, (height, per_step) in zip(self._parts, heights):
            if isinstance(part.neurons, neuron_builders.TFNeuronBuilder):
                part.neurons.amplitude, part.neurons.alpha = height, per_step
            if part.reset is not None:
                ((data, constant),) = part.reset.scatters
                bias = tf.broadcast_to(remaining.pop(0), constant.shape)
                part.reset.scatters = [(data, bias)]
        return first, end, counts, outputs, tuple(state)

    def _per_spike(self, index: int, output: tf.Tensor) -> tf.Tensor:
        return self._beginning_here[5][index]

    def _result(self, counts: Any, outputs: Any, state: Any) -> Any:
        return counts, outputs, list(state)

    def _zero_totals(self) -> list[Any]:
        """Counts and outputs before the first step."""
        dtype, n = self._graph.dtype, self.setup.batch_size
        counts = [tf.zeros((n, p.n_neurons), dtype if p.spiking else tf.float64)
                  for p in self.setup.populations]  # fmt: skip
        outputs = [(tf.zeros((n, probe.size_in), dtype), tf.zeros((n, probe.size_in), tf.float64))
                   for probe in self.setup.outputs.values()]  # fmt: skip
        return [counts, outputs]


def _specs(tensors: Any) -> Any:
    return tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), tensors)


def _draws_random_numbers(concrete: Any) -> bool:
    """Whether a traced graph has operations that draw random numbers."""
    definition = concrete.graph.as_graph_def()
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    return any(node.op.startswith(("Random", "Multinomial")) for node in nodes)
