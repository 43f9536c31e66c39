"""Intervals for shares, and comparisons of two shares on the same images.

Two settings of a network mostly fail on the same images, so the difference of their accuracies
is known far better than either of them: everything here that compares takes outcomes image by
image.

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
from scipy.stats import binomtest


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
    ends = binomtest(n_right, n).proportion_ci(confidence, method="wilson")
    return float(ends.low), float(ends.high)


def paired_difference(
    first: np.ndarray, second: np.ndarray, confidence: float = 0.95, n_all: float = math.inf
) -> tuple[float, float]:
    """Interval for the share of the first minus that of the second.

    Parameters
    ----------
    first, second : ndarray of bool, shape (n,)
        Outcomes on the same images, in the same order.
    confidence : float
        How often such intervals hold the true difference.
    n_all : float
        Images that the n were drawn from: the interval is for the difference on all of these.

    Returns
    -------
    low, high : float
    """
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
    fall to either side like a coin.
    """
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


def quantile(confidence: float) -> float:
    """Standard deviations on either side of a normal mean that hold so large a share."""
    return float(ndtri(0.5 + confidence / 2))
