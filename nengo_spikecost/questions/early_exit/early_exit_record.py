"""`EarlyExit`: a curve over thresholds, from all samples that end early to none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ... import check
from ...errors import MeasurementError
from ...layout import Result
from .early_exit_options import EarlyExitOptions


@dataclass(frozen=True)
class ExitPoint:
    """What comes of ending every sample when its answer is as sure as a threshold.

    Attributes
    ----------
    threshold : float
    mean_steps : float
        Steps per sample.
    early : float
        Share of the samples that end before the last step.
    accuracy : float
    interval : tuple of float
        Wilson's interval for it.
    loss : float
        Accuracy of reading all samples after the last step, minus this one, on the same samples.
    loss_interval : tuple of float
        Of the paired outcomes.
    energy_J : float or None
        Mean energy of the steps until then. None: uncounted; NaN: not predicted.
    energy_ends_J : tuple of (float, float) or None
        At least and at most, of an energy that is not predicted.
    updates, synops : float or None
        Updates of the chip's compartments and synaptic operations until then, mean per sample.
    steps : ndarray of int64, shape (n_samples,)
        At which step each sample ends.
    correct : ndarray of bool, shape (n_samples,)
    """

    threshold: float
    mean_steps: float
    early: float
    accuracy: float
    interval: tuple[float, float]
    loss: float
    loss_interval: tuple[float, float]
    energy_J: float | None
    energy_ends_J: tuple[float, float] | None
    updates: float | None
    synops: float | None
    steps: np.ndarray = field(repr=False, compare=False)
    correct: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True)
class EarlyExit(Result):
    """Accuracy, steps and energy of samples that end when the answer is sure.

    Attributes
    ----------
    points : tuple of ExitPoint
        By threshold, ascending: ever more steps.
    accuracy_by_step : ndarray of shape (n_steps,)
        Of reading all samples after the same step.
    options : EarlyExitOptions
        With the ``min_step`` that was used.
    output : str
    n_samples, n_steps : int
    dt : float
        Length of a step in s.
    energy_is_at_least : bool
        Whether energies hold the least of what hangs on a time of steps: the host reads the output
        after each, which takes a time that is not known, unless it was given.
    """

    points: tuple[ExitPoint, ...]
    accuracy_by_step: np.ndarray = field(repr=False)
    options: EarlyExitOptions
    output: str
    n_samples: int
    n_steps: int
    dt: float
    energy_is_at_least: bool = False

    def __repr__(self) -> str:
        return (
            f"<EarlyExit of {self.n_samples} samples at {len(self.points)} thresholds; summary() "
            "prints it>"
        )

    @property
    def counted(self) -> bool:
        """Whether updates, synops and energy until the exit are known."""
        return self.points[0].energy_J is not None

    def best(self, max_accuracy_loss: float = 0.001, *, sure: bool = False) -> ExitPoint:
        """The threshold with the fewest steps that is accurate enough on these samples.

        Judge it on others: `judging`.

        Parameters
        ----------
        max_accuracy_loss : float
            Share of the samples, against reading all of them after the last step.
        sure : bool
            Take the upper end of the interval for the loss, not its estimate.

        Raises
        ------
        MeasurementError
            If there is none; it names the closest. Or if the loss is no number.
        """
        if not check.is_number(max_accuracy_loss):
            raise MeasurementError(
                "max_accuracy_loss must be a number, a share of the samples, not "
                f"{max_accuracy_loss!r}."
            )

        def loss(point: ExitPoint) -> float:
            return point.loss_interval[1] if sure else point.loss

        fits = [point for point in self.points if loss(point) <= max_accuracy_loss + 1e-12]
        if fits:
            return min(fits, key=lambda point: (point.mean_steps, -point.accuracy))
        close = min(self.points, key=loss)
        raise MeasurementError(
            f"No threshold{' surely' if sure else ''} loses at most {max_accuracy_loss:.2%}; the "
            f"closest loses {loss(close):.2%}, in {close.mean_steps:.1f} steps. Allow a larger "
            "loss, or give larger thresholds."
        )

    def judging(self, max_accuracy_loss: float = 0.001, *, sure: bool = False) -> EarlyExitOptions:
        """Options that judge the `best` threshold of these samples on others.

        On the samples that a threshold was chosen on, it was also lucky.

        Parameters
        ----------
        max_accuracy_loss : float
            As a share of samples, which `best` may lose.
        sure : bool
            Whether the upper end of the interval for the loss must be within it.

        Examples
        --------
        ::

            chosen = nsc.early_exit(held_out, y_held_out)
            judged = nsc.early_exit(test, y_test, options=chosen.judging(0.001))
        """
        threshold = self.best(max_accuracy_loss, sure=sure).threshold
        return replace(self.options, thresholds=(threshold,))
