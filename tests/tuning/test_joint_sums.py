"""Correlations of sums that were added, against NumPy's of all values at once."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_spikecost.tuning.sweeps.joint_sums import Agreement


def joined(outputs, targets, cuts):
    parts = [Agreement.of(*pair) for pair in zip(np.split(outputs, cuts), np.split(targets, cuts))]
    total = parts[0]
    for part in parts[1:]:
        total = Agreement.of_array(total.joined(part).to_array())
    return total


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("cuts", [[], [1], [3, 4, 20], list(range(1, 30))])
def test_of_stages(offset, cuts):
    rng = np.random.default_rng(1)
    targets = rng.normal(size=(30, 2)) + offset
    outputs = 0.4 * targets + rng.normal(size=targets.shape)
    # an offset of 1e6 leaves ten digits of what varies
    right = np.corrcoef(outputs.ravel(), targets.ravel())[0, 1]
    assert joined(outputs, targets, cuts).correlation == pytest.approx(right, rel=1e-8)


def test_of_what_does_not_vary_there_is_none():
    targets = np.arange(12.0).reshape(6, 2)
    for outputs in (np.full((6, 2), 0.1), np.full((6, 2), np.nan)):
        assert np.isnan(joined(outputs, targets, [1, 4]).correlation)
    # the same within each stage, and not in all
    steps = np.repeat([[0.1], [0.3]], 3, axis=0) * np.ones(2)
    right = np.corrcoef(steps.ravel(), targets.ravel())[0, 1]
    assert joined(steps, targets, [3]).correlation == pytest.approx(right)
    assert joined(-targets, targets, [2]).correlation == pytest.approx(-1)
