"""One firing rate for a layer, from the spikes of all its neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import check
from ..errors import TuningError

STATISTICS = ("mean_active", "mean", "percentile", "max")


@dataclass(frozen=True)
class RateStatistic:
    """A way to say the rate of a layer in one number.

    Attributes
    ----------
    name : {"mean_active", "mean", "percentile", "max"}
        ``"mean_active"``: the mean over all neurons and samples that fired, each neuron taken
        for a sample in which it fired. ``"mean"``: over all. ``"percentile"``: of the
        neurons' rates, each averaged over the samples. ``"max"``: the most spikes of one neuron
        for one sample.
    percentile : float
        Which percentile.
    """

    name: str = "mean_active"
    percentile: float = 99.0

    def __post_init__(self) -> None:
        check.choice("statistic", self.name, STATISTICS, TuningError)
        if not check.is_number(self.percentile) or not 0 < self.percentile <= 100:
            raise TuningError(
                f"percentile must be above 0 and at most 100, not {self.percentile!r}."
            )

    def of(self, counts: np.ndarray, seconds: float) -> float:
        """The rate in Hz of counts of shape (n_samples, n_neurons) in so many seconds."""
        if self.name == "mean_active":
            fired = np.count_nonzero(counts)
            return float(counts.sum(dtype=np.float64) / fired) / seconds if fired else 0.0
        if self.name == "mean":
            return float(counts.mean(dtype=np.float64)) / seconds
        if self.name == "percentile":
            means = counts.mean(axis=0, dtype=np.float64)
            return float(np.percentile(means, self.percentile)) / seconds
        return float(counts.max(initial=0)) / seconds

    def slack_hz(self, seconds: float) -> float:
        """How far a rate may be off because spikes are whole: half of one, for a maximum."""
        return 0.5 / seconds if self.name == "max" else 0.0

    def lowest_hz(self, seconds: float) -> float:
        """The least that is not zero: neurons that fired have fired once."""
        return 1 / seconds if self.name in ("mean_active", "max") else 0.0

    def __str__(self) -> str:
        words = {
            "mean_active": "mean rate of active neurons", "mean": "mean rate",
            "percentile": f"{self.percentile:g}th percentile of neurons' rates",
            "max": "largest rate",
        }  # fmt: skip
        return words[self.name]
