"""Intervals held against scipy's, against sums written out, and against simulation."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.stats import binomtest

from nengo_spikecost.activity.intervals import (
    mcnemar,
    mean_difference,
    paired_difference,
    wilson,
)


@pytest.mark.parametrize("right, n", [(0, 10), (10, 10), (98, 100), (993, 1000), (1, 3)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_wilson_is_scipys(right, n, confidence):
    expected = binomtest(right, n).proportion_ci(confidence, method="wilson")
    assert wilson(right, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def _pairs(both, only_first, only_second, neither):
    outcomes = [(1, 1)] * both + [(1, 0)] * only_first + [(0, 1)] * only_second
    outcomes += [(0, 0)] * neither
    first, second = np.array(outcomes, dtype=bool).T
    return first, second


@pytest.mark.parametrize("only_first, only_second", [(0, 0), (6, 0), (5, 1), (12, 5), (7, 7)])
def test_mcnemar_is_a_sum_of_coins(only_first, only_second):
    first, second = _pairs(80, only_first, only_second, 3)
    n, least = only_first + only_second, min(only_first, only_second)
    expected = min(1.0, 2 * sum(comb(n, k) for k in range(least + 1)) / 2**n)
    assert mcnemar(first, second) == pytest.approx(expected)
    if n:
        assert mcnemar(first, second) == pytest.approx(binomtest(only_first, n, 0.5).pvalue)


def test_paired_difference_by_hand():
    # 2 and 7 of 100 discordant, each plus 1 of 102: -5/102, and the normal half width
    low, high = paired_difference(*_pairs(85, 2, 7, 6))
    p, q = 3 / 102, 8 / 102
    half = 1.959964 * np.sqrt((p + q - (p - q) ** 2) / 102)
    assert (low, high) == pytest.approx((p - q - half, p - q + half), abs=1e-6)


@pytest.mark.parametrize("n, p, q", [(100, 0.02, 0.05), (1000, 0.004, 0.01), (300, 0.01, 0.01)])
def test_paired_difference_covers(n, p, q):
    """Of 95% intervals 95% hold the truth; with few discordant pairs it errs to more."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        u = rng.random(n)
        first, second = u >= q, (u < q) | (u >= q + p)
        low, high = paired_difference(first, second)
        held += low <= p - q <= high
        # first fails where u < q; second where q <= u < q + p
    assert 0.93 <= held / 1000 <= 1.0


def test_paired_is_narrower_than_unpaired():
    first, second = _pairs(900, 8, 2, 90)
    low, high = paired_difference(first, second)
    a, b = wilson(908, 1000), wilson(902, 1000)
    assert high - low < 0.5 * (a[1] - a[0] + b[1] - b[0])


def test_mean_difference():
    rng = np.random.default_rng(0)
    first = rng.normal(5, 1, 200)
    low, high = mean_difference(first + 0.1, first)
    assert low == pytest.approx(0.1) == high  # the same images: no noise is left
    low, high = mean_difference(first, rng.normal(4.5, 1, 200))
    assert low < 0.5 < high


@pytest.mark.parametrize("seen", [200, 600])
def test_intervals_of_a_part_cover_the_whole(seen):
    """Of the first images of a shuffled set, for what all of the set would say."""
    rng = np.random.default_rng(0)
    u = rng.random(1000)
    first, second, energy = u > 0.03, u < 0.96, rng.gamma(3.0, 1.0, 1000)
    difference = first.mean() - second.mean()
    held = held_J = 0
    for _ in range(1000):
        part = rng.permutation(1000)[:seen]
        low, high = paired_difference(first[part], second[part], 0.95, 1000)
        held += low <= difference <= high
        low, high = mean_difference(energy[part], np.zeros(seen), 0.95, 1000)
        held_J += low <= energy.mean() <= high
    assert 0.93 <= held / 1000 <= 0.99
    assert 0.93 <= held_J / 1000 <= 0.98
