"""What is trained, batch by batch: the part that is the same however a network is simulated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ..fine_tune_options import FineTuneOptions
from .penalties import Penalties
from .tasks import Task, rows_of

Outputs = Mapping[str, tf.Tensor]


class Scores(NamedTuple):
    """Means over samples."""

    loss: float
    accuracy: float
    synops: float
    regularization: float
    spikes: float
    energy_J: float


class Trainee(ABC):
    """A network, its losses and its optimizer.

    A subclass simulates: it has `variables`, `keras_weights` and `simulated`.

    Parameters
    ----------
    task : Task
    penalties : Penalties
    options : FineTuneOptions
    optimizer : tf.keras.optimizers.Optimizer
    """

    def __init__(self, task: Task, penalties: Penalties, options: FineTuneOptions, optimizer: Any):
        self.penalties, self.task = penalties, task
        self.batch_size, self.optimizer = options.batch_size, optimizer
        # synops and Joules that the weights of penalties refer to, and the share of all penalties
        self._at_start = tf.Variable([1.0, 1.0], trainable=False, dtype=tf.float32)
        self._share = tf.Variable(1.0, trainable=False, dtype=tf.float32)
        self._train = tf.function(self._train_step)
        self._test = tf.function(self._test_step)

    @property
    @abstractmethod
    def variables(self) -> list[Any]:
        """The variables that training changes."""

    @abstractmethod
    def keras_weights(self) -> list[np.ndarray]:
        """The Keras model's weights, as they are trained now."""

    @abstractmethod
    def simulated(self, inputs: Any) -> tuple[Outputs, Outputs]:
        """Outputs of a batch by name, and those of populations, each (batch, steps, size).

        Parameters
        ----------
        inputs : dict from str to array of shape (batch, 1 or n_steps, size)
        """

    def scales(self) -> dict[str, float]:
        """Firing-rate scales by layer, where they are trained."""
        return {}

    def misfit(self) -> str | None:
        """Why the weights can't be simulated as they are now, a clause; None if they can."""
        return None

    def close(self) -> None:  # noqa: B027  (most hold nothing)
        """Free what is held."""

    def set_start(self, synops: float, energy_J: float | None) -> None:
        """The synops and the energy that the weights of their penalties refer to."""
        self._at_start.assign(_at_least(synops, energy_J))

    def set_share(self, share: float) -> None:
        """The share of all penalties that training goes by."""
        self._share.assign(share)

    def train(self, inputs: Mapping[str, np.ndarray], targets: Mapping[str, Any]) -> Scores:
        """One step of the optimizer on one batch; the scores are those before it."""
        return _numbers(self._train(dict(inputs), dict(targets)))

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
            scores.append(_numbers(tensors))
            for name, pair in rates.items():
                moments[name] = moments.get(name, 0) + np.asarray(pair, dtype=np.float64)
        return Scores(*np.mean(scores, axis=0).tolist()), moments

    def objective(self, scores: Scores, synops: float, energy_J: float | None) -> float:
        """The loss of the task and all penalties, given synops and energy at the start."""
        return float(self._total(scores, tf.constant(_at_least(synops, energy_J)), 1.0))

    def _total(self, scores: Sequence[Any], at_start: Any, share: Any) -> Any:
        of = Scores(*scores)
        costs = of.regularization + self.penalties.of_synops(of.synops, at_start[0])
        return of.loss + share * (costs + self.penalties.of_energy(of.energy_J, at_start[1]))

    def _train_step(self, inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            scores, _ = self.scored(inputs, targets)
            total = self._total(scores, self._at_start, self._share)
        variables = self.variables
        gradients = tape.gradient(total, variables)
        pairs = [(g, v) for g, v in zip(gradients, variables) if g is not None]
        if tf.math.is_finite(total):  # else weights stay what they were, for `misfit` to say why
            self.optimizer.apply_gradients(pairs)
        return scores

    def _test_step(self, inputs: Any, targets: Any) -> Any:
        scores, outputs = self.scored(inputs, targets)
        moments = {}
        for name, output in outputs.items():
            rates = self.penalties.rates_hz_of(name, output)
            moments[name] = tf.stack([tf.reduce_sum(rates), tf.reduce_sum(rates**2)])
        return scores, moments

    def scored(self, inputs: Any, targets: Any) -> tuple[Scores, Outputs]:
        """Scores of a batch, and the outputs of its populations."""
        outputs, neurons = self.simulated(inputs)
        penalties = self.penalties
        loss, accuracy = self.task.scores(targets, outputs)
        synops = penalties.total_synops(neurons)
        scores = Scores(
            loss, accuracy, synops, penalties.regularization(neurons),
            penalties.spikes_per_neuron(neurons), penalties.energy_J(synops, neurons),
        )  # fmt: skip
        return scores, neurons


def _numbers(tensors: Any) -> Scores:
    return Scores(*(float(t) for t in tensors))


def _at_least(synops: float, energy_J: float | None) -> list[float]:
    return [max(synops, 1.0), energy_J if energy_J is not None and energy_J > 0 else 1.0]
