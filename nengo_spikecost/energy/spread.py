"""How energy differs between inputs: kept apart from how well the constants are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import check
from ..errors import EnergyError

PERCENTILES = (5.0, 95.0)
N_RESAMPLES = 2000


@dataclass(frozen=True)
class Spread:
    """Energy per inference over the samples that were measured.

    Parameters
    ----------
    n_samples : int
        Samples that were measured.
    mean_J, low_J, high_J, worst_J : float
        Mean, 5th and 95th percentile, and maximum.
    worst_sample : int
        The sample of the maximum, counted from 0.
    mean_low_J, mean_high_J : float
        Confidence interval of the mean: bootstrap, bias-corrected and accelerated (Efron, Better
        bootstrap confidence intervals, J. American Statistical Association 82, 1987). Both equal
        to the mean where all samples are equal.
    confidence : float
        Confidence of that interval.
    """

    n_samples: int
    mean_J: float
    low_J: float
    high_J: float
    worst_J: float
    worst_sample: int
    mean_low_J: float
    mean_high_J: float
    confidence: float


def spread_of(total_J: np.ndarray, confidence: float = 0.95, seed: int = 0) -> Spread:
    """How far energies per inference differ between samples.

    Parameters
    ----------
    total_J : ndarray of shape (n_samples,)
    confidence : float
        Between 0 and 1.
    seed : int
        Of the resampling.

    Raises
    ------
    EnergyError
        If the confidence is not between 0 and 1, or there are no samples.
    """
    if not check.is_number(confidence) or not 0 < confidence < 1:
        raise EnergyError(f"confidence must be between 0 and 1, not {confidence!r}.")
    if not len(total_J):
        raise EnergyError("There are no samples to tell a spread from.")
    mean = float(np.mean(total_J))
    low, high = np.percentile(total_J, PERCENTILES)
    interval = mean, mean
    if np.ptp(total_J) > 0:
        interval = _interval_of_mean(total_J, confidence, seed)
    return Spread(
        n_samples=len(total_J), mean_J=mean, low_J=float(low), high_J=float(high),
        worst_J=float(np.max(total_J)), worst_sample=int(np.argmax(total_J)),
        mean_low_J=interval[0], mean_high_J=interval[1], confidence=confidence,
    )  # fmt: skip


def _interval_of_mean(values: np.ndarray, confidence: float, seed: int) -> tuple[float, float]:
    from scipy.stats import bootstrap  # a second's import

    interval = bootstrap(
        (values,), np.mean, n_resamples=N_RESAMPLES, batch=max(1, (1 << 22) // len(values)),
        confidence_level=confidence, method="BCa", random_state=np.random.RandomState(seed),
    ).confidence_interval  # fmt: skip
    return float(interval.low), float(interval.high)
