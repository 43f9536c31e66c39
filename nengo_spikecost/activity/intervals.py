"""Intervals for shares and means of outcomes, and for differences of two on the same samples.

Two settings of a network mostly fail on the same images, so the difference of their accuracies
is known far better than either of them: all that compares takes outcomes image by image.

Sources
-------
E. B. Wilson 1927, J. Am. Stat. Assoc. 22:209, the score interval of a share.
D. G. Bonett and R. M. Price 2012, J. Educ. Behav. Stat. 37:479, the adjusted Wald interval for
a difference of paired shares.
Q. McNemar 1947, Psychometrika 12:153; its exact form is a binomial test of the discordant pairs.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri


def wilson(n_right: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval for a share.

    Parameters
    ----------
    n_right, n : int
        ``n_right`` of ``n``.
    confidence : float
        How often such intervals hold the true share.

    Returns
    -------
    low, high : float
    """
    # as binomtest(...).proportion_ci does, without the half second that scipy.stats takes to import
    z2 = quantile(confidence) ** 2
    middle = (n_right + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (n_right * (n - n_right) / n + z2 / 4)) / (n + z2)
    low = 0.0 if n_right == 0 else middle - half
    return low, 1.0 if n_right == n else middle + half


def paired_difference(
    first: np.ndarray, second: np.ndarray, confidence: float = 0.95, n_all: float = math.inf
) -> tuple[float, float]:
    """Interval for the share of the first minus that of the second.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
        Outcomes on the same images, in the same order: bool, or numbers, as of a regression,
        whose means are compared (`mean_difference`).
    confidence : float
        How often such intervals hold the true difference.
    n_all : float
        Images that the n were drawn from: the interval is for the difference on all of these.

    Returns
    -------
    low, high : float
    """
    if first.dtype != bool or second.dtype != bool:
        return mean_difference(first, second, confidence, n_all)
    n = len(first)
    only_first = (int(np.sum(first & ~second)) + 1) / (n + 2)
    only_second = (int(np.sum(second & ~first)) + 1) / (n + 2)
    difference = only_first - only_second
    spread = math.sqrt(max(0.0, only_first + only_second - difference**2) / (n + 2))
    half = quantile(confidence) * spread * math.sqrt(1 - n / n_all)
    return max(-1.0, difference - half), min(1.0, difference + half)


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Probability of a difference as large as the one seen, or larger, if there were none.

    Exact and two-sided: under that hypothesis the images that just one of the two gets right
    fall to either side like a coin. Of outcomes that are numbers, Student's paired test.
    """
    from scipy.stats import binomtest, ttest_1samp  # half a second's import

    if first.dtype != bool or second.dtype != bool:
        difference = np.asarray(first, np.float64) - second
        if len(difference) < 2 or np.ptp(difference) == 0:
            return 1.0 if not difference.any() else 0.0
        return float(ttest_1samp(difference, 0.0).pvalue)
    only_first = int(np.sum(first & ~second))
    only_second = int(np.sum(second & ~first))
    n = only_first + only_second
    return float(binomtest(only_first, n).pvalue) if n else 1.0


def mean_difference(
    first: np.ndarray, second: np.ndarray, confidence: float = 0.95, n_all: float = math.inf
) -> tuple[float, float]:
    """Normal interval for the mean of ``first - second``, image by image; shape (n,) each."""
    difference = np.broadcast_to(first - second, max(first.shape, second.shape))
    n = len(difference)
    centre = float(difference.mean())
    if n < 2:
        return -math.inf, math.inf
    spread = float(difference.std(ddof=1)) / math.sqrt(n) * math.sqrt(1 - n / n_all)
    half = quantile(confidence) * spread
    return centre - half, centre + half


def interval_of(outcomes: np.ndarray, confidence: float) -> tuple[float, float]:
    """Interval for the mean of outcomes: Wilson's for a share, or else the normal one."""
    if outcomes.dtype == bool:
        return wilson(int(outcomes.sum()), len(outcomes), confidence)
    return mean_difference(outcomes, np.zeros(len(outcomes)), confidence)


def quantile(confidence: float) -> float:
    """Standard deviations on either side of a normal mean that hold so large a share."""
    return float(ndtri(0.5 + confidence / 2))
