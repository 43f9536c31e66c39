"""Epoch after epoch, with the best kept, and written to a file.

Training can be taken up again from its state in a file, which is written whole or not at all.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ...checkpoints import differences, is_unchanged, write_arrays
from ...digests import array_digest
from ...errors import TuningError
from ...layout.si import known
from ...progress import progress_bar
from ..fine_tune_options import FineTuneOptions
from .fine_tuning import EpochRecord
from .tasks import Data, rows_of
from .trainee import Scores, Trainee

_PARTS = ("variables", "optimizer", "best")


def _described(
    settings: Mapping[str, Any], weights: Sequence[np.ndarray], data: Data
) -> dict[str, Any]:
    """All that decides how training goes, as JSON holds it: settings, and digests of arrays."""
    samples = (data.inputs, data.labels, data.held_inputs, data.held_labels)
    return {
        **{name: _plain(value) for name, value in settings.items()}, "model": array_digest(weights),
        "data": array_digest(array for part in samples for array in part.values()),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """A setting as plain text and lists, the same in every process.

    The ``repr`` of a regularizer, an optimizer or a function has its address.
    """
    if isinstance(value, Mapping):
        return sorted(([_plain(k), _plain(v)] for k, v in value.items()), key=repr)
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, "get_config") and not isinstance(value, type):
        return [type(value).__qualname__, _plain(value.get_config())]
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return value if isinstance(value, (str, int, float, type(None))) else repr(value)


def _read(path: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """All of a checkpoint that is no array, and its arrays by `_PARTS`.

    Raises
    ------
    TuningError
        If it is of other settings, another model or other data, or no checkpoint.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not is_unchanged({name: archive[name] for name in archive.files}):
                raise ValueError("it was damaged or edited after it was written")
            about = json.loads(str(archive["about"]))
            then, counts = about["arguments"], zip(_PARTS, about["counts"])
            arrays = {part: [archive[f"{part}_{i}"] for i in range(n)] for part, n in counts}
    except Exception as error:  # whatever a damaged archive makes of itself
        raise TuningError(
            f"checkpoint {path!r} can't be read ({error}): remove it, or name another."
        ) from error
    other = differences(then, json.loads(json.dumps(arguments)))
    if other:
        raise TuningError(
            f"checkpoint {path!r} is of another training ({', '.join(other)}). Remove "
            "it, or name another."
        )
    return about, arrays


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
    best_scales : dict from str to float
        Firing-rate scales by layer in that epoch, where they are trained.
    moments : dict from str to ndarray of shape (2,)
        Sums of rates and squared rates in that epoch, by population.
    failed : bool
        Whether training ended with a loss that is no number, or weights that no chip can hold.
    """

    def __init__(
        self, trainee: Trainee, data: Data, options: FineTuneOptions, settings: dict[str, Any]
    ):
        self.trainee, self.data, self.options, self.failed = trainee, data, options, False
        self.history: list[EpochRecord] = []
        self.best_weights = trainee.keras_weights()
        self.best_scales = trainee.scales()
        self.moments: dict[str, Any] = {}
        self._arguments: dict[str, Any] = {}
        if options.checkpoint is not None:
            self._arguments = _described(settings, self.best_weights, data)

    @property
    def best_epoch(self) -> int:
        """The epoch with the smallest objective, the first of equal ones."""
        ranked = ((not math.isfinite(r.objective), r.objective, r.epoch) for r in self.history)
        return min(ranked)[-1]

    def train(self) -> str | None:
        """Train all epochs; if it ends before the last, return the reason."""
        trainee, epochs = self.trainee, self.options.epochs
        trainee.optimizer.build(trainee.variables)
        if not self._resume():
            self._validate(0, [], time.perf_counter())
        trainee.set_start(self.history[0].synops, self.history[0].energy_J)
        done = self.history[-1].epoch
        n_batches = self.data.n // trainee.batch_size
        try:
            total, shown = (epochs - done) * n_batches, self.options.progress
            with progress_bar("fine-tuning", total, shown) as advance:
                for epoch in range(done + 1, epochs + 1):
                    start, scores = time.perf_counter(), []
                    for number, (inputs, labels) in enumerate(self._batches(epoch), start=1):
                        trainee.set_share(self._share((epoch - 1) * n_batches + number, n_batches))
                        scores.append(trainee.train(inputs, labels))
                        if not math.isfinite(scores[-1].loss):
                            return self._failed(scores[-1].loss, epoch)
                        advance(1)
                    self._validate(epoch, scores, start)
                    if not math.isfinite(self.history[-1].loss):
                        return self._failed(self.history[-1].loss, epoch)
                    self._write()
        except KeyboardInterrupt:
            return f"interrupted in epoch {self.history[-1].epoch + 1} of {epochs}"
        return None

    def _failed(self, loss: float, epoch: int) -> str:
        self.failed = True
        misfit = self.trainee.misfit()
        return f"in epoch {epoch} {misfit}" if misfit else f"the loss was {loss} in epoch {epoch}"

    def _batches(self, epoch: int) -> Iterator[Any]:
        order = np.random.default_rng([self.options.seed, epoch]).permutation(self.data.n)
        size = self.trainee.batch_size
        for start in range(0, self.data.n - self.data.n % size, size):
            chosen = np.sort(order[start : start + size])
            yield rows_of(self.data.inputs, chosen), rows_of(self.data.labels, chosen)

    def _share(self, n_trained: int, n_batches: int) -> float:
        """The share of all prices after so many batches, of an epoch's number of them."""
        rising = self.options.cost_epochs * n_batches
        return min(n_trained / rising, 1.0) if rising else 1.0

    def _validate(self, epoch: int, train: list[Scores], start: float) -> None:
        data, trainee = self.data, self.trainee
        scores, moments = trainee.test(data.held_inputs, data.held_labels, data.n_held)
        first = self.history[0] if self.history else scores
        means = np.mean(train, axis=0) if train else np.full(len(scores), np.nan)
        record = EpochRecord(
            epoch=epoch, loss=scores.loss, accuracy=scores.accuracy, synops=scores.synops,
            objective=trainee.objective(scores, first.synops, first.energy_J),
            train_loss=float(means[0]), train_accuracy=float(means[1]),
            train_synops=float(means[2]), seconds=time.perf_counter() - start,
            spikes=known(scores.spikes), energy_J=known(scores.energy_J),
        )  # fmt: skip
        self.history.append(record)
        if self.best_epoch == epoch:
            self.best_weights, self.moments = trainee.keras_weights(), moments
            self.best_scales = trainee.scales()

    def _resume(self) -> bool:
        """Take up training from the checkpoint; False if there is none."""
        if self.options.checkpoint is None or not os.path.exists(self.options.checkpoint):
            return False
        about, arrays = _read(os.fspath(self.options.checkpoint), self._arguments)
        for variable, value in zip(self.trainee.variables, arrays["variables"]):
            variable.assign(value)
        for variable, value in zip(self._memory(), arrays["optimizer"]):
            variable.assign(value)
        self.history = [EpochRecord(**record) for record in about["history"]]
        self.best_weights = arrays["best"]
        self.best_scales = about["scales"]
        self.moments = {name: np.array(pair) for name, pair in about["moments"].items()}
        return True

    def _write(self) -> None:
        """Write a checkpoint; a reader sees the one before or all of this one."""
        if self.options.checkpoint is None:
            return
        variables = [v.numpy() for v in self.trainee.variables]
        memory = [v.numpy() for v in self._memory()]
        parts = dict(zip(_PARTS, (variables, memory, self.best_weights)))
        about = {
            "arguments": self._arguments, "history": [asdict(record) for record in self.history],
            "moments": {name: list(map(float, pair)) for name, pair in self.moments.items()},
            "scales": self.best_scales, "counts": [len(own) for own in parts.values()],
        }  # fmt: skip
        arrays = {f"{part}_{i}": array for part in parts for i, array in enumerate(parts[part])}
        arrays["about"] = np.array(json.dumps(about))
        write_arrays(Path(self.options.checkpoint), arrays)

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
