"""The points that no other beats, those beyond noise, and the cheapest that is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from ... import check
from ...activity.intervals import mcnemar
from ...errors import TuningError
from .trials import ROUNDING, Point, Reading, Trial


class Judged(Protocol):
    """A setting whose accuracy and energy are known."""

    @property
    def n_steps(self) -> int: ...
    @property
    def energy_J(self) -> float: ...
    @property
    def loss(self) -> float: ...
    @property
    def loss_interval(self) -> tuple[float, float]: ...


AnyJudged = TypeVar("AnyJudged", bound=Judged)


def pareto(points: Sequence[Point]) -> list[Point]:
    """The points that no other dominates, from the least energy upwards.

    A point dominates another if it is no worse in accuracy, energy and latency, and better in
    one of them. Of equal points the first is kept.
    """
    costs = np.array([(-p.accuracy, p.energy_J, p.latency_s) for p in points])
    kept = [points[i] for i in undominated(costs)]
    return sorted(kept, key=lambda p: (p.energy_J, p.latency_s, p.trial))


def rivals(trials: Sequence[Trial]) -> list[Reading]:
    """The readings of all images that no other such reading dominates."""
    readings = [reading for trial in trials if trial.complete for reading in trial.readings]
    costs = np.array([(-r.accuracy, r.mean_J, r.n_steps) for r in readings])
    return [readings[i] for i in undominated(costs)]


def undominated(costs: np.ndarray) -> list[int]:
    """Rows that no other is at most as large as in every column; of equal ones the first.

    Parameters
    ----------
    costs : ndarray of shape (n, n_costs)
        Every column is better small.
    """
    kept = []
    for i, cost in enumerate(costs):
        no_worse = np.all(costs <= cost, axis=1)
        better = no_worse & np.any(costs < cost, axis=1)
        twin = no_worse[:i] & np.all(costs[:i] == cost, axis=1)
        if not better.any() and not twin.any():
            kept.append(i)
    return kept


def significant(front: Sequence[Point], confidence: float) -> list[Point]:
    """The part of a front whose accuracy is not chance.

    From the least energy upwards, a point stays if it is more accurate, by an exact McNemar test
    on the same images, than each of those kept that are no worse than it in energy and latency.
    """
    kept: list[Point] = []
    for point in sorted(front, key=lambda p: (p.energy_J, p.latency_s)):
        cheaper = [k for k in kept if k.latency_s <= point.latency_s]
        if all(
            point.accuracy > k.accuracy and mcnemar(point.correct, k.correct) <= 1 - confidence
            for k in cheaper
        ):
            kept.append(point)
    return kept


def cheapest_within(
    settings: Sequence[AnyJudged], max_loss: float, sure: bool, noun: str, advice: str
) -> AnyJudged:
    """The least energy that loses at most so much; of equal ones the fastest, then the first.

    Parameters
    ----------
    sure : bool
        Take the upper end of the interval for the loss, not its estimate.
    noun : str
        Name of a setting in the error.
    advice : str
        Sentences at the end of the error.

    Raises
    ------
    TuningError
        If there is none; it names the closest. Or if ``max_loss`` is no number.
    """
    if not check.is_number(max_loss):
        raise TuningError(
            f"max_accuracy_loss must be a number, a share of the samples, not {max_loss!r}."
        )

    def loss(judged: AnyJudged) -> float:
        return judged.loss_interval[1] if sure else judged.loss

    fits = [judged for judged in settings if loss(judged) <= max_loss + ROUNDING]
    if fits:
        return min(fits, key=lambda judged: (judged.energy_J, judged.n_steps))
    close = min(settings, key=loss)
    surely = " surely" if sure else ""
    raise TuningError(
        f"No {noun}{surely} loses at most {max_loss:.2%}; the closest{surely} loses "
        f"{loss(close):.2%}, at {close.n_steps} steps. {advice}"
    )
