"""The task of a network: the loss on its outputs, and labels in the form that it takes.

`training_data` has samples to train with, and some that are held out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ...activity.given_arrays import one_array
from ...activity.labels import LINEAR, SIGMOID, SOFTMAX
from ...activity.subject import subject
from ...conversion import Conversion
from ...conversion.output_heads import head_of
from ...errors import DataError, TuningError
from ...words import counted
from ..fine_tune_options import FineTuneOptions


class Task:
    """The loss on every output of a model.

    Parameters
    ----------
    model : tf.keras.Model
        Its last layers say whether outputs are probabilities.
    loss : str or callable or dict, optional
        A Keras loss, by name or as a function of ``(y_true, y_pred)``, for all outputs or by
        output name. Default: cross-entropy, where the labels are whole numbers, one-hot, or
        zeros and ones behind a sigmoid.
    readout : {"last", "mean"}
        Whether the output of the last step or the mean over all steps is scored.
    labels : dict from str to ndarray
        Targets by output name.
    sizes : dict from str to int
        Values of each output.

    Raises
    ------
    TuningError
        If there is no such loss, or none is given and labels are no classes.
    DataError
        If a label is no class.
    """

    def __init__(
        self, model: tf.keras.Model, loss: Any, readout: str, labels: Mapping[str, np.ndarray],
        sizes: Mapping[str, int],
    ):  # fmt: skip
        self.readout = readout
        self._losses, self._kinds = {}, {}
        heads = dict(zip(model.output_names, map(head_of, model.outputs)))
        for name, y in labels.items():
            given = loss.get(name) if isinstance(loss, Mapping) else loss
            head = heads.get(name, LINEAR)
            kind = _kind(y, sizes[name], head)
            if given is None:
                if kind is None:
                    raise TuningError(
                        f"No loss is given for output {name!r}, whose labels are no classes but of "
                        f"shape {y.shape} and type {y.dtype}. Give whole numbers, shape (n,), or "
                        "a Keras loss, such as loss='mse'."
                    )
                given = _cross_entropy(kind, head)
            if kind == "classes" and (y.min() < 0 or y.max() >= sizes[name]):
                raise DataError(
                    f"Label {int(y.max() if y.max() >= sizes[name] else y.min())} is no class of "
                    f"output {name!r}, which has {sizes[name]}."
                )
            self._kinds[name] = kind
            self._losses[name] = _resolved(given)
            _check_takes(name, self._losses[name], y, sizes[name], kind)

    def scores(
        self, targets: Mapping[str, tf.Tensor], outputs: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Loss and accuracy of a batch, averaged over samples; of the outputs, the sum and mean.

        Parameters
        ----------
        targets : dict from str to tf.Tensor of shape (batch, ...)
        outputs : dict from str to tf.Tensor of shape (batch, n_steps, size)
        """
        total, right = tf.constant(0.0), []
        for name, loss in self._losses.items():
            steps, y = outputs[name], targets[name]
            read = steps[:, -1] if self.readout == "last" else tf.reduce_mean(steps, axis=1)
            kind = self._kinds[name]
            if kind == "classes":
                y = tf.reshape(y, [-1])
                hits = tf.equal(tf.cast(y, tf.int64), tf.argmax(read, axis=-1))
            else:
                y = tf.reshape(tf.cast(y, read.dtype), tf.shape(read))
                hits = tf.equal(y > 0.5, read > 0.5)
            if kind == "one-hot":
                hits = tf.equal(tf.argmax(y, axis=-1), tf.argmax(read, axis=-1))
            if kind is not None:
                right.append(tf.reduce_mean(tf.cast(hits, tf.float32)))
            total += tf.reduce_mean(loss(y, read))
        return total, tf.add_n(right) / len(right) if right else tf.constant(float("nan"))


def labels_by_output(y: Any, names: tuple[str, ...], n: int) -> dict[str, np.ndarray]:
    """Labels of each output, checked.

    Raises
    ------
    DataError
        If there are not as many as samples, or an output has none.
    """
    if isinstance(y, Mapping):
        given = {getattr(key, "name", key): value for key, value in y.items()}
    elif len(names) == 1:
        given = {names[0]: y}
    else:
        raise DataError(f"y must be a dict by output: the model has {', '.join(names)}.")
    labels = {}
    for name in names:
        if given.get(name) is None:
            raise DataError(f"y has no labels for output {name!r}.")
        labels[name] = own = np.atleast_1d(one_array(given[name], f"Labels of {name!r}"))
        if len(own) != n:
            raise DataError(
                f"The data have {counted(n, 'sample')} and {counted(len(own), 'label')} for "
                f"{name!r}."
            )
        if own.dtype.kind not in "biuf":
            raise DataError(f"Labels of {name!r} must be numbers, not {own.dtype}.")
        if not np.isfinite(own).all():
            raise DataError(f"Labels of {name!r} hold NaN or infinite values.")
    return labels


def _kind(y: np.ndarray, size: int, head: str) -> str | None:
    """What labels are, if they tell classes: numbers, one-hot rows, or a yes or no each value."""
    if size > 1 and y.size == len(y):
        return "classes" if (y == np.rint(y)).all() else None
    if not np.isin(y, (0, 1)).all() or y.size != len(y) * size:
        return None
    if size > 1 and (y.reshape(len(y), size).sum(axis=1) == 1).all():
        return "one-hot"
    return "binary" if head == SIGMOID else None


def _cross_entropy(kind: str, head: str) -> Any:
    """From logits, unless the output goes through a softmax or sigmoid."""
    losses = tf.keras.losses
    if kind == "binary" or (kind == "one-hot" and head == SIGMOID):
        return losses.BinaryCrossentropy()
    loss = losses.CategoricalCrossentropy
    return (losses.SparseCategoricalCrossentropy if kind == "classes" else loss)(
        from_logits=head != SOFTMAX
    )


def _check_takes(name: str, loss: Any, y: np.ndarray, size: int, kind: str | None) -> None:
    """Raise an error for a loss that has no number for such labels and an output of this size.

    Of as many samples as the output has values, a loss could take one for the other.
    """
    n = 2 if size != 2 else 3
    rows = np.resize(y, (n, *y.shape[1:]))
    read = tf.zeros((n, size))
    try:
        loss(rows.reshape(-1) if kind == "classes" else rows.reshape(n, size).astype("f4"), read)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError):
        advice = "leave loss out, or give them one-hot" if kind == "classes" else "give others"
        raise TuningError(
            f"loss can't be taken of output {name!r}, which has {counted(size, 'value')}, and "
            f"labels of shape {y.shape}: {advice}."
        ) from None


def _resolved(loss: Any) -> Any:
    try:
        function = tf.keras.losses.get(loss)
    except (ValueError, TypeError):
        function = None
    if not callable(function):
        raise TuningError(
            "loss must be a Keras loss, by name or as a function of (y_true, y_pred), not "
            f"{loss!r}."
        )
    return function


@dataclass(frozen=True)
class Data:
    """Samples to train with, and those held out.

    Attributes
    ----------
    inputs, held_inputs : dict from str to ndarray of shape (n, 1 or n_steps, size)
        By input name; float32.
    labels, held_labels : dict from str to ndarray
        By output name.
    """

    inputs: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    held_inputs: dict[str, np.ndarray]
    held_labels: dict[str, np.ndarray]

    @property
    def n(self) -> int:
        """Samples to train with."""
        return len(next(iter(self.inputs.values())))

    @property
    def n_held(self) -> int:
        """Samples held out."""
        return len(next(iter(self.held_inputs.values())))


def rows_of(arrays: Mapping[str, np.ndarray], rows: Any) -> dict[str, np.ndarray]:
    """The same samples of each array."""
    return {name: values[rows] for name, values in arrays.items()}


def training_data(conversion: Conversion, x: Any, y: Any, options: FineTuneOptions) -> Data:
    """Samples and labels as arrays, some of them held out in whole batches.

    Raises
    ------
    DataError
        If they do not fit the network.
    TuningError
        If there are too few for a batch, or ``validation`` is neither a share nor samples.
    """
    validation, batch, n_steps = options.validation, options.batch_size, options.n_steps
    inputs, labels = _arrays(conversion, x, y, n_steps)
    n = len(next(iter(inputs.values())))
    if isinstance(validation, (tuple, list)):
        if len(validation) != 2:
            raise TuningError(f"validation must be (x, y) or a share, not {len(validation)} parts.")
        held_inputs, held_labels = _arrays(conversion, validation[0], validation[1], n_steps)
    else:
        if not isinstance(validation, (int, float)) or not 0 <= validation < 1:
            raise TuningError(
                f"validation must be (x, y) or a share from 0 to 1, not {validation!r}."
            )
        share = float(validation)
        order = np.random.default_rng(options.seed).permutation(n)
        # whole batches, and at least one
        n_held = max(math.ceil(share * n / batch), 1) * batch
        held = np.sort(order[:n_held] if share else order[: min(n_held, 1000)])
        held_inputs, held_labels = rows_of(inputs, held), rows_of(labels, held)
        if share:
            kept = np.sort(order[n_held:])
            inputs, labels = rows_of(inputs, kept), rows_of(labels, kept)
    data = Data(inputs, labels, held_inputs, held_labels)
    if data.n < batch or data.n_held < batch:
        raise TuningError(
            f"{counted(data.n, 'sample')} to train with and {data.n_held} held out are too few for "
            f"batch_size={batch}: give more samples, or a smaller batch_size."
        )
    return data


def _arrays(conversion: Conversion, x: Any, y: Any, n_steps: int) -> Any:
    _, stream = subject(conversion).stream(x, n_steps)
    if stream.n_samples is None:
        raise TuningError("x must be an array or a dict of arrays: it is gone through many times.")
    (batch,) = stream.batches(stream.n_samples)
    return batch.inputs, labels_by_output(y, tuple(conversion.outputs), stream.n_samples)
