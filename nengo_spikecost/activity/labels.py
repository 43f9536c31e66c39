"""Labels of an output, read in one place: what they are, and how the output is held against them.

How the task is told, if the user does not say it (``task=``), for an output of ``size`` values:

1. Numbers ``(n,)`` or ``(n, 1)`` for a size of 2 or more are classes; the largest value is the
   network's.
2. A matrix ``(n, size)`` with exactly one 1 in each row, and 0 elsewhere, is one-hot: the same.
3. Behind a sigmoid, other zeros and ones are binary labels, or multi-label: each value is its own
   yes or no, which a value above 0.5 is.
4. Real values are targets of a regression.

What could be two of these is refused: zeros and ones of a single value without a sigmoid (logits
or targets?), rows of zeros and ones that are not one-hot, rows that are probabilities (soft
labels or targets?).

Sources
-------
Keras' own metrics give the same: CategoricalAccuracy and SparseCategoricalAccuracy of classes,
BinaryAccuracy (threshold 0.5) of binary labels and multi-label, RootMeanSquaredError of a
regression. ``tests/activity/test_labels.py`` holds them equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .. import check
from ..check import TASKS
from ..errors import DataError
from ..words import counted
from .given_arrays import one_array

#: Activations of an output that make a difference: all others are as good as none.
SOFTMAX, SIGMOID, LINEAR = "softmax", "sigmoid", "linear"


@dataclass(frozen=True)
class Labels:
    """What the values of an output should have been, and how they are read.

    Attributes
    ----------
    kind : {"classes", "binary", "multi-label", "regression"}
    values : ndarray
        Classes: int64 ``(n,)``. Binary and multi-label: bool ``(n, size)``. Regression: float64
        ``(n, size)``.
    threshold : float, optional
        Binary and multi-label: a value above is a yes.
    variance : float
        Regression: mean squared distance of all targets from the mean of their value.
    """

    kind: str
    values: np.ndarray = field(repr=False)
    threshold: float | None = None
    variance: float = 0.0

    def __len__(self) -> int:
        return len(self.values)

    @property
    def task(self) -> str:
        """One of `TASKS`."""
        return TASKS[1] if self.kind == "regression" else TASKS[0]

    @property
    def words(self) -> str:
        """What they are, in words."""
        return {
            "classes": "classes: the largest value says the class",
            "binary": f"binary labels: a value above {self.threshold} is class 1",
            "multi-label": f"multi-label: each value above {self.threshold} is a yes",
            "regression": "targets of a regression",
        }[self.kind]

    def rows(self, chosen: Any) -> Labels:
        """Those of some samples."""
        return replace(self, values=self.values[chosen])

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs ``(n, size)`` as the labels are: classes, or a yes or no for each value."""
        return outputs if self.kind == "regression" else predicted(outputs, self.threshold)

    def outcomes(self, outputs: np.ndarray) -> np.ndarray:
        """How good the output of each sample is, shape (n,): the mean over samples is the score.

        Classes and binary labels: bool, whether it is right; NaN never is. Multi-label: the share
        of values that are. Regression: 1 minus the squared error over the variance of the
        targets; the mean is R², the share of the variance that is explained.
        """
        if self.kind == "regression":
            error = np.asarray(outputs, np.float64) - self.values
            return 1 - (error**2).mean(axis=1) / self.variance
        if self.kind == "classes":
            finite = ~np.isnan(outputs).any(axis=1)
            return (outputs.argmax(axis=1) == self.values) & finite
        right = (outputs > self.threshold) == self.values
        return right[:, 0] if self.kind == "binary" else right.mean(axis=1)


def predicted(outputs: np.ndarray, threshold: float | None = None) -> np.ndarray:
    """Classes of outputs ``(n, size)``, int64 (n,); with a threshold yes or no for each value.

    A single value becomes a class, 0 or 1, of shape (n,); several stay ``(n, size)``.
    """
    if threshold is None:
        return outputs.argmax(axis=1)
    yes = (outputs > threshold).astype(np.int64)
    return yes[:, 0] if yes.shape[1] == 1 else yes


def labels_of(y: Any, output: str) -> Any:
    """The labels of one output, where they are given by output.

    Raises
    ------
    DataError
        If there are none for it.
    """
    if not isinstance(y, Mapping):
        return y
    by_name = {getattr(key, "name", key): own for key, own in y.items()}
    if output not in by_name:
        raise DataError(
            f"y has no labels for output {output!r}; it has some for "
            f"{', '.join(map(str, by_name)) or 'none'}."
        )
    return by_name[output]


def only_labels(y: Any) -> Any:
    """The labels of the only output, which may be given by its name.

    Raises
    ------
    DataError
        If there are labels of several outputs.
    """
    if not isinstance(y, Mapping):
        return y
    if len(y) != 1:
        raise DataError(
            f"Labels are of {len(y)} outputs ({', '.join(str(key) for key in y)}), and here only "
            "those of one are read: give these alone."
        )
    return next(iter(y.values()))


def read_labels(
    y: Any, size: int, head: str | None = None, task: str | None = None,
    shape: Sequence[int | None] | None = None,
) -> Labels:  # fmt: skip
    """Labels of an output, checked.

    Parameters
    ----------
    y : array
        Numbers of classes ``(n,)`` or ``(n, 1)``, or rows ``(n, size)``, or with the axes of the
        output in place of the size.
    size : int
        Values of the output.
    head : str, optional
        What the output goes through: `SOFTMAX`, `SIGMOID` or `LINEAR`. None: not known.
    task : {"classification", "regression"}, optional
        Default: told from the labels and the head.
    shape : sequence of int, optional
        Axes of the output.

    Raises
    ------
    DataError
        If they are no labels of this output, or could be of either task.
    """
    check.task(task, DataError)
    y = one_array(y, "Labels")
    if y.dtype.kind not in "buif":
        raise DataError(
            f"Labels must be the numbers of classes, from 0, or real targets, not {y.dtype}: "
            "number the classes, such as by np.unique(y, return_inverse=True)[1]."
        )
    rows = _rows(y, size, shape, task)
    finite = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
    if not finite.all():
        first = int(np.argmin(finite))
        raise DataError(f"Labels hold NaN or infinite values, first for sample {first}.")
    if task == TASKS[1]:
        return _targets(rows)
    if rows.ndim == 1:
        return Labels("classes", _whole(rows, size))
    return _single(rows, head, task) if size == 1 else _matrix(rows, head, task)


def _rows(
    y: np.ndarray, size: int, shape: Sequence[int | None] | None, task: str | None
) -> np.ndarray:
    """Numbers of classes of shape (n,), or targets of shape (n, size)."""
    axes = y.shape[1:]
    if y.ndim and not len(y):
        raise DataError("Labels are empty: give one for each sample.")
    if y.ndim and size > 1 and math.prod(axes) == 1 and task != TASKS[1]:
        return y.reshape(-1)
    if y.ndim and math.prod(axes) == size:
        long = tuple(axis for axis in axes if axis != 1)
        wanted = tuple(axis for axis in shape or () if axis != 1)
        if len(long) <= 1 or long == wanted:
            return y.reshape(len(y), size)
    expected = f"(n,) or one-hot, (n, {size}), or targets of that shape"
    if size == 1:
        expected = "(n,) or (n, 1)"
    elif task == TASKS[1]:
        expected = f"(n, {size}), a target for each value"
    advice = ""
    if y.ndim == 2 and y.dtype.kind in "iu":
        advice = (
            " If they are labels of every step: an output is read once a sample, so give one for "
            "each sample, such as that of its last step, y[:, -1]."
        )
    raise DataError(f"Labels have shape {y.shape}; expected {expected}.{advice}")


def _targets(rows: np.ndarray) -> Labels:
    values = rows.astype(np.float64)
    spread = values - values.mean(axis=0) if len(values) else values
    return Labels("regression", values, variance=float((spread**2).mean()) if spread.size else 0.0)


def _whole(numbers: np.ndarray, n_classes: int) -> np.ndarray:
    """Numbers of classes, int64."""
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64)
    wrong = (whole != numbers) | (whole < 0) | (whole >= n_classes)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"Labels must be whole numbers from 0 to {n_classes - 1}, the classes of the "
            f"output; sample {first} has {numbers[first]}."
        )
    return whole


def _single(rows: np.ndarray, head: str | None, task: str | None) -> Labels:
    """Labels of an output of one value."""
    wrong = ~np.isin(rows[:, 0], (0, 1))
    if not wrong.any():
        if head == SIGMOID:
            return Labels("binary", rows == 1, 0.5)
        if task is None:
            raise DataError(
                "Labels are 0 and 1, and the output has a single value without a sigmoid, not one "
                "value for each class: say task='classification' if class 1 is a value above "
                f"{_threshold(head)}, or task='regression' if they are targets."
            )
        return Labels("binary", rows == 1, _threshold(head))
    first = int(np.argmax(wrong))
    whole = head == SIGMOID and (rows == np.rint(rows)).all()
    if task == TASKS[0] or whole:
        raise DataError(
            f"Labels of an output with a single value must be 0 or 1; sample {first} has "
            f"{rows[first, 0]}. Say task='regression' if they are targets."
        )
    return _targets(rows)


def _threshold(head: str | None) -> float:
    """Where a yes begins, without a sigmoid: a logit of 0 is a probability of one half.

    Of a Node or Ensemble nothing is known: what stands for 0 and 1 is told apart in the middle.
    """
    return 0.0 if head == LINEAR else 0.5


def _matrix(rows: np.ndarray, head: str | None, task: str | None) -> Labels:
    """Labels with one value for each of several of the output."""
    no_bit = ~np.isin(rows, (0, 1)).all(axis=1)
    n_ones = rows.sum(axis=1)
    if no_bit.any():
        first = int(np.argmax(no_bit))
        if task == TASKS[0]:
            raise DataError(
                "Labels of classes are their numbers, or rows of zeros with one 1; sample "
                f"{first} has {_row(rows[first])}. If these are probabilities, give "
                "y.argmax(axis=1)."
            )
        if head == SOFTMAX or ((rows >= 0).all() and np.allclose(n_ones, 1, atol=1e-3)):
            raise DataError(
                f"Labels are soft: sample {first} has {_row(rows[first])}. Give "
                "y.argmax(axis=1) to count right classes, or say task='regression' if they are "
                "targets."
            )
        return _targets(rows)
    if (n_ones == 1).all():
        return Labels("classes", rows.argmax(axis=1))
    if head == SIGMOID:
        return Labels("multi-label", rows == 1, 0.5)
    first = int(np.argmax(n_ones != 1))
    raise DataError(
        f"Labels are not one-hot: the row of sample {first} has {int(n_ones[first])} ones, not "
        "one. Give the numbers of classes; or say task='regression' if they are targets. (Several "
        "ones in a row are labels of a network that ends in a sigmoid.)"
    )


def _row(values: np.ndarray) -> str:
    shown = ", ".join(f"{value:.3g}" for value in values[:4])
    return f"[{shown}{', ...' if len(values) > 4 else ''}]"


def check_length(labels: Labels, n_samples: int) -> None:
    """Refuse labels that are not one for each sample."""
    if len(labels) != n_samples:
        raise DataError(
            f"y has {counted(len(labels), 'label')} for {counted(n_samples, 'sample')}; give one "
            "per sample."
        )
