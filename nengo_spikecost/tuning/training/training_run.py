"""Epoch after epoch, with the best kept, and written to a file."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from ...errors import TuningError
from ...progress import progress_bar
from ..fine_tune_options import FineTuneOptions
from . import training_checkpoint as checkpoints
from .data import Data
from .fine_tuning import EpochRecord
from .trainee import Scores, Trainee


class Run:
    """The epochs, and the best of them.

    Parameters
    ----------
    trainee : Trainee
    data : Data
    options : FineTuneOptions
    settings : dict
        All that decides how training goes, for the checkpoint to be of the same.

    Attributes
    ----------
    history : list of EpochRecord
    best_weights : list of ndarray
        The Keras model's, of the best epoch.
    moments : dict from str to ndarray of shape (2,)
        Sums of rates and squared rates in that epoch, by population.
    failed : bool
        Whether training ended with a loss that is no number.
    """

    def __init__(
        self, trainee: Trainee, data: Data, options: FineTuneOptions, settings: dict[str, Any]
    ):
        self.trainee, self.data, self.options, self.failed = trainee, data, options, False
        self.history: list[EpochRecord] = []
        self.best_weights = trainee.keras_weights()
        self.moments: dict[str, Any] = {}
        self._arguments: dict[str, Any] = {}
        if options.checkpoint is not None:
            self._arguments = checkpoints.described(settings, self.best_weights, data)

    @property
    def best_epoch(self) -> int:
        """The epoch with the smallest objective, the first of equal ones."""
        return min(self.history, key=lambda r: (r.objective, r.epoch)).epoch

    def train(self) -> str | None:
        """Train all epochs; if it ends before the last, return the reason."""
        trainee, epochs = self.trainee, self.options.epochs
        trainee.optimizer.build(trainee.variables)
        if not self._resume():
            self._validate(0, [], time.perf_counter())
        trainee.set_synops_at_start(self.history[0].synops)
        done = self.history[-1].epoch
        n_batches = self.data.n // trainee.batch_size
        try:
            total, shown = (epochs - done) * n_batches, self.options.progress
            with progress_bar("fine-tuning", total, shown) as advance:
                for epoch in range(done + 1, epochs + 1):
                    start, scores = time.perf_counter(), []
                    for inputs, labels in self._batches(epoch):
                        scores.append(trainee.train(inputs, labels))
                        if not math.isfinite(scores[-1].loss):
                            self.failed = True
                            return f"the loss was {scores[-1].loss} in epoch {epoch}"
                        advance(1)
                    self._validate(epoch, scores, start)
                    self._write()
        except KeyboardInterrupt:
            return f"interrupted in epoch {self.history[-1].epoch + 1} of {epochs}"
        return None

    def _batches(self, epoch: int) -> Iterator[Any]:
        order = np.random.default_rng([self.options.seed, epoch]).permutation(self.data.n)
        size = self.trainee.batch_size
        for start in range(0, self.data.n - self.data.n % size, size):
            chosen = np.sort(order[start : start + size])
            yield (
                {k: v[chosen] for k, v in self.data.inputs.items()},
                {k: v[chosen] for k, v in self.data.labels.items()},
            )

    def _validate(self, epoch: int, train: list[Scores], start: float) -> None:
        data, trainee = self.data, self.trainee
        scores, moments = trainee.test(data.held_inputs, data.held_labels, data.n_held)
        at_start = self.history[0].synops if self.history else scores.synops
        means = np.mean(train, axis=0) if train else np.full(4, np.nan)
        record = EpochRecord(
            epoch=epoch, loss=scores.loss, accuracy=scores.accuracy, synops=scores.synops,
            objective=float(trainee.total(scores, max(at_start, 1.0))),
            train_loss=float(means[0]), train_accuracy=float(means[1]),
            train_synops=float(means[2]), seconds=time.perf_counter() - start,
        )  # fmt: skip
        self.history.append(record)
        if self.best_epoch == epoch:
            self.best_weights, self.moments = trainee.keras_weights(), moments

    def _resume(self) -> bool:
        if self.options.checkpoint is None:
            return False
        state = checkpoints.read(self.options.checkpoint, self._arguments)
        if state is None:
            return False
        for variable, value in zip(self.trainee.variables, state.variables):
            variable.assign(value)
        for variable, value in zip(self._memory(), state.optimizer):
            variable.assign(value)
        self.history, self.best_weights = list(state.history), state.best
        self.moments = {name: np.array(pair) for name, pair in state.moments.items()}
        return True

    def _write(self) -> None:
        if self.options.checkpoint is None:
            return
        state = checkpoints.State(
            variables=[v.numpy() for v in self.trainee.variables],
            optimizer=[v.numpy() for v in self._memory()], best=self.best_weights,
            history=tuple(self.history),
            moments={name: list(map(float, pair)) for name, pair in self.moments.items()},
        )  # fmt: skip
        checkpoints.write(self.options.checkpoint, state, self._arguments)

    def _memory(self) -> list[Any]:
        variables = self.trainee.optimizer.variables
        return list(variables() if callable(variables) else variables)


def make_optimizer(learning_rate: Any, n_batches: int) -> Any:
    """Adam whose rate falls to a tenth along a cosine, or a new optimizer like one given.

    Raises
    ------
    TuningError
        If it is neither a positive number nor an optimizer.
    """
    if isinstance(learning_rate, (int, float)):
        if not (math.isfinite(learning_rate) and learning_rate > 0):
            raise TuningError(f"learning_rate must be a positive number, not {learning_rate!r}.")
        schedule = tf.keras.optimizers.schedules.CosineDecay(
            float(learning_rate), max(n_batches, 1), alpha=0.1
        )
        return tf.keras.optimizers.Adam(schedule)
    if not hasattr(learning_rate, "apply_gradients"):
        raise TuningError(
            f"learning_rate must be a number or a Keras optimizer, not {learning_rate!r}."
        )
    return type(learning_rate).from_config(learning_rate.get_config())
