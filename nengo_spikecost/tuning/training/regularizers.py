"""Penalties on firing rates: KerasSpiking's regularizers, with their arguments checked.

Each takes a tensor of any shape and gives one number: the penalty on how far its values are
from a target, or outside a range. They are regularizers of Keras, so a layer can have them
as ``activity_regularizer``; `RateLoss` makes one a loss of a NengoDL Probe on neurons, and
`fine_tune` takes one for each layer, with targets in Hz.

What is new here: errors that say what was expected, tensors of whole numbers, a target that
comes back as it was from a saved model, and percentiles other than the maximum without
TensorFlow Probability.

Sources
-------
KerasSpiking 0.3, https://www.nengo.ai/keras-spiking/reference.html.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Union

import numpy as np
import tensorflow as tf

from ... import check, stack
from ...errors import EstimateWarning, TuningError

Target = Union[float, Sequence[float]]

_theirs: Any = stack.keras_spiking().regularizers
_serializable = tf.keras.utils.register_keras_serializable(package="nengo_spikecost")


class _Checked:
    """Mixin before a regularizer of KerasSpiking that checks its arguments and its tensors."""

    def __init__(self, *, target: Target, **others: Any):
        target_range(target)
        names = [name for name in ("l1", "l2") if name in others]
        weights = [check.positive(name, others[name], TuningError, zero=True) for name in names]
        if weights and not any(weights):
            warnings.warn(
                f"{type(self).__name__} has no effect: its weights are 0.", EstimateWarning,
                stacklevel=3,
            )  # fmt: skip
        # a file has lists where there were tuples
        target = tuple(target) if isinstance(target, (list, tuple)) else target
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said above, as a warning of this package
            super().__init__(target=target, **others)  # type: ignore[call-arg]

    def __call__(self, x: Any) -> tf.Tensor:
        """The penalty on all of ``x``, a scalar."""
        tensor = tf.convert_to_tensor(x)
        return super().__call__(  # type: ignore[misc]
            tensor if tensor.dtype.is_floating else tf.cast(tensor, tf.float32)
        )

    def distance(self: Any, x: tf.Tensor) -> tf.Tensor:
        """How far each value is from the target (with its sign), or outside the range."""
        low, high = self.minimum, self.maximum
        return x - high if low == high else tf.nn.relu(low - x) + tf.nn.relu(x - high)


@_serializable
class RangedRegularizer(_Checked, _theirs.RangedRegularizer):
    """Penalise values by how far they are from a target, or outside a range.

    Parameters
    ----------
    target : float or (float, float)
        A value, from which any distance is penalised; or a range ``(min, max)``, within
        which nothing is. In the units of what is regularized.
    regularizer : tf.keras.regularizers.Regularizer, optional
        The penalty on the distances. Default: ``L1L2(l2=0.01)`` of Keras.

    Raises
    ------
    TuningError
        If the range is not two finite numbers in order.
    """

    def __init__(self, target: Target = 0, regularizer: Any = None):
        if regularizer is None:
            regularizer = tf.keras.regularizers.L1L2(l2=0.01)
        try:
            penalty = tf.keras.regularizers.get(regularizer)
        except (TypeError, ValueError, AttributeError):
            penalty = None
        if not callable(penalty) or isinstance(penalty, type):
            raise TuningError(
                "regularizer must be a regularizer of Keras, or its name, not "
                f"{check.shown(regularizer)}."
            )
        super().__init__(target=target, regularizer=penalty)


@_serializable
class L1L2(_Checked, _theirs.L1L2):
    """Penalise distances from a target, and their squares.

    Parameters
    ----------
    l1, l2 : float
        Weights of the sum of distances and of the sum of their squares.
    target : float or (float, float)
        As of `RangedRegularizer`.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, target: Target = 0):
        super().__init__(l1=l1, l2=l2, target=target)


@_serializable
class L1(L1L2):
    """Penalise distances from a target.

    Parameters
    ----------
    l1 : float
        Weight of the sum of distances.
    target : float or (float, float)
        As of `RangedRegularizer`.
    l2 : float
        As of `L1L2`.
    """

    def __init__(self, l1: float = 0.01, target: Target = 0, l2: float = 0.0):
        super().__init__(l1=l1, l2=l2, target=target)


@_serializable
class L2(L1L2):
    """Penalise squared distances from a target.

    Parameters
    ----------
    l2 : float
        Weight of the sum of squared distances.
    target : float or (float, float)
        As of `RangedRegularizer`.
    l1 : float
        As of `L1L2`.
    """

    def __init__(self, l2: float = 0.01, target: Target = 0, l1: float = 0.0):
        super().__init__(l1=l1, l2=l2, target=target)


@_serializable
class Percentile(L1L2):
    """Penalise a percentile of the values, which a few outliers do not move.

    Parameters
    ----------
    percentile : float
        From 0 to 100, which is the maximum. Between two values it is interpolated
        linearly, as NumPy does.
    axis : int or tuple of int
        Axes that the percentile is taken over, 0 being the batch.
    target : float or (float, float)
        As of `RangedRegularizer`.
    l1, l2 : float
        As of `L1L2`.

    Examples
    --------
    >>> import tensorflow as tf
    >>> from nengo_spikecost.tuning import Percentile
    >>> rates_hz = tf.constant([[50.0, 300.0], [150.0, 200.0]])
    >>> float(Percentile(target=(100, 200), l1=1)(rates_hz))
    100.0
    """

    def __init__(
        self, percentile: float = 100, axis: int | Sequence[int] = 0, target: Target = 0,
        l1: float = 0, l2: float = 0,
    ):  # fmt: skip
        super().__init__(l1=l1, l2=l2, target=target)
        if not check.is_number(percentile) or not 0 <= percentile <= 100:
            raise TuningError(f"percentile must be from 0 to 100, not {percentile!r}.")
        self.percentile, self.axis = float(percentile), axis

    def __call__(self, x: Any) -> tf.Tensor:
        """The penalty on the percentiles of ``x``, a scalar."""
        return super().__call__(percentile_of(x, self.percentile, self.axis))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same regularizer."""
        return {**super().get_config(), "percentile": self.percentile, "axis": self.axis}


def percentile_of(x: tf.Tensor, percentile: float, axis: int | Sequence[int]) -> tf.Tensor:
    """A percentile over some axes, interpolated linearly; differentiable.

    Parameters
    ----------
    x : tf.Tensor of floats
    percentile : float
        From 0 to 100.
    axis : int or sequence of int

    Returns
    -------
    tf.Tensor
        The shape of ``x`` without those axes.
    """
    x = tf.convert_to_tensor(x)
    over = [a % x.shape.rank for a in np.atleast_1d(axis)]
    if percentile == 100:
        return tf.reduce_max(x, axis=over)
    kept = [a for a in range(x.shape.rank) if a not in over]
    sizes = tf.shape(x)
    moved = tf.transpose(x, [*kept, *over])
    shape = [*(sizes[a] for a in kept), -1]
    ordered = tf.sort(tf.reshape(moved, shape))
    last = tf.cast(tf.shape(ordered)[-1] - 1, tf.float64)
    place = last * (percentile / 100)
    low = tf.floor(place)
    share = tf.cast(place - low, x.dtype)
    below = tf.gather(ordered, tf.cast(low, tf.int32), axis=-1)
    above = tf.gather(ordered, tf.cast(tf.math.ceil(place), tf.int32), axis=-1)
    return below + share * (above - below)


def target_range(target: Any) -> tuple[float, float]:
    """A target as a range.

    Raises
    ------
    TuningError
        If it is neither a number nor two finite ones in order.
    """
    ends = target if isinstance(target, (list, tuple)) else (target, target)
    try:
        minimum, maximum = (float(end) for end in ends)
    except (TypeError, ValueError):
        raise TuningError(
            f"target must be a number or a range (min, max), not {target!r}."
        ) from None
    if not (np.isfinite([minimum, maximum]).all() and minimum <= maximum):
        raise TuningError(
            f"target {target!r} is no range: its minimum must not exceed its maximum, both finite."
        )
    return minimum, maximum
