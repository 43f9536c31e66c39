"""A converted network in NengoDL, trained batch by batch."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf

from ...conversion import Conversion
from ..fine_tune_options import FineTuneOptions
from .penalties import Penalties
from .spiking_aware import spiking_aware_training
from .tasks import Task, rows_of
from .weights import WeightMap, trainable_parameters


class Scores(NamedTuple):
    """Means over samples."""

    loss: float
    accuracy: float
    synops: float
    regularization: float


class Trainee:
    """The network, its losses and its optimizer.

    Parameters
    ----------
    conversion : Conversion
        Made with ``inference_only=False``; its network is changed.
    weights : WeightMap
    task : Task
    penalties : Penalties
    options : FineTuneOptions
    optimizer : tf.keras.optimizers.Optimizer
    """

    def __init__(
        self, conversion: Conversion, weights: WeightMap, task: Task, penalties: Penalties,
        options: FineTuneOptions, optimizer: Any,
    ):  # fmt: skip
        self.penalties, self.task, self.weights = penalties, task, weights
        self.batch_size, self.optimizer = options.batch_size, optimizer
        # rates of constant samples are the same at every step
        self.n_steps = options.n_steps if options.spikes or conversion.temporal else 1
        self._at_start = tf.Variable(1.0, trainable=False, dtype=tf.float32)
        net = conversion.net
        self.parameters = tuple(trainable_parameters(net))
        for parameter, trains in zip(self.parameters, weights.trains):
            if not trains:
                parameter.freeze()
        with net:
            nengo_dl.configure_settings(stateful=False, keep_history=True)
            probes = {p.name: nengo.Probe(p.ensemble.neurons) for p in penalties.populations}
        # NengoDL's own builders train rates
        building = spiking_aware_training() if options.spikes else contextlib.nullcontext()
        with building, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No GPU support detected")
            self.sim = nengo_dl.Simulator(
                net, dt=options.dt, minibatch_size=options.batch_size, seed=options.seed,
                progress_bar=False,
            )  # fmt: skip
        order = {probe: i for i, probe in enumerate(self.sim.model.probes)}
        self._outputs = {name: order[probe] for name, probe in conversion.outputs.items()}
        self._populations = {name: order[probe] for name, probe in probes.items()}
        self._fed = dict(zip(conversion.input_nodes, conversion.inputs))
        self._train = tf.function(self._train_step)
        self._test = tf.function(self._test_step)

    @property
    def variables(self) -> list[Any]:
        """The variables that training changes."""
        return self.sim.keras_model.trainable_variables

    def set_synops_at_start(self, synops: float) -> None:
        """The synops that the weight of the penalty refers to."""
        self._at_start.assign(max(synops, 1.0))

    def keras_weights(self) -> list[np.ndarray]:
        """The Keras model's weights, as they are trained now."""
        return self.weights.collect([p.trained(self.sim) for p in self.parameters])

    def train(self, inputs: Mapping[str, np.ndarray], targets: Mapping[str, Any]) -> Scores:
        """One step of the optimizer on one batch; the scores are those before it."""
        return _scores(self._train(dict(inputs), dict(targets)))

    def test(
        self, inputs: Mapping[str, np.ndarray], targets: Mapping[str, Any], n: int
    ) -> tuple[Scores, dict[str, np.ndarray]]:
        """Scores of some samples, whole batches, and the rates of each population.

        Returns
        -------
        scores : Scores
        moments : dict from str to ndarray of shape (2,)
            By population: sums of rates and of squared rates, Hz.
        """
        scores: list[Scores] = []
        moments: dict[str, np.ndarray] = {}
        for start in range(0, n - n % self.batch_size, self.batch_size):
            part = slice(start, start + self.batch_size)
            tensors, rates = self._test(rows_of(inputs, part), rows_of(targets, part))
            scores.append(_scores(tensors))
            for name, pair in rates.items():
                moments[name] = moments.get(name, 0) + np.asarray(pair, dtype=np.float64)
        return Scores(*np.mean(scores, axis=0).tolist()), moments

    def close(self) -> None:
        """Free the simulator."""
        self.sim.close()

    def total(self, scores: Sequence[Any], at_start: Any = None) -> Any:
        """The objective: the loss of the task and all penalties."""
        loss, _, synops, regularization = scores
        at_start = self._at_start if at_start is None else at_start
        return loss + regularization + self.penalties.of_synops(synops, at_start)

    def _train_step(self, inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            scores, _ = self._scored(inputs, targets)
            total = self.total(scores)
        variables = self.variables
        gradients = tape.gradient(total, variables)
        pairs = [(g, v) for g, v in zip(gradients, variables) if g is not None]
        self.optimizer.apply_gradients(pairs)
        return scores

    def _test_step(self, inputs: Any, targets: Any) -> Any:
        scores, outputs = self._scored(inputs, targets)
        moments = {}
        for name, output in outputs.items():
            rates = tf.abs(output) / self.penalties.amplitudes[name]
            moments[name] = tf.stack([tf.reduce_sum(rates), tf.reduce_sum(rates**2)])
        return scores, moments

    def _scored(self, inputs: Any, targets: Any) -> Any:
        read = self.sim.keras_model([*self._inputs(inputs)], training=True)
        outputs = {name: read[i] for name, i in self._outputs.items()}
        neurons = {name: read[i] for name, i in self._populations.items()}
        loss, accuracy = self.task.scores(targets, outputs)
        synops = self.penalties.total_synops(neurons)
        return (loss, accuracy, synops, self.penalties.regularization(neurons)), neurons

    def _inputs(self, inputs: Any) -> Iterator[tf.Tensor]:
        """Values of every Node without input, in the order of the simulator, and the steps."""
        for node in self.sim.node_inputs:
            if node in self._fed:
                values = inputs[self._fed[node]]
                if values.shape[1] == 1 and self.n_steps > 1:
                    values = tf.tile(values, [1, self.n_steps, 1])
            else:
                shape = (self.batch_size, self.n_steps, node.size_out)
                values = tf.broadcast_to(tf.constant(node.output, tf.float32), shape)
            yield values
        yield tf.fill((self.batch_size, 1), self.n_steps)


def _scores(tensors: Any) -> Scores:
    return Scores(*(float(t) for t in tensors))
