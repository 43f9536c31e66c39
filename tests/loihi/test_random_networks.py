"""Random networks of populations: what is said to run does, what is said to fail does."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_spikecost.loihi import check_support

from .networks import emulate, emulator_counts, nengo_counts
from .random_populations import random_network

N_NETWORKS = 150


@pytest.mark.parametrize("seeds", np.array_split(np.arange(N_NETWORKS), 10))
def test_random_networks_do_what_is_said(seeds):
    for seed in seeds:
        check(int(seed))


def check(seed):
    layers = random_network(seed)
    problems = check_support(layers.net)
    said = [str(problem) for problem in problems]
    try:
        sim = emulate(layers.net, steps=20)
    except Exception as error:
        # vectors to the host fail in a run of many steps, and give wrong values step by step
        refused = any(p.refused or "as a vector" in p.reason for p in problems)
        assert refused, (seed, said, repr(error))
        return
    assert not any(problem.refused for problem in problems), (seed, said)
    if problems:
        return
    found = emulator_counts(sim, layers.probes)
    expected = nengo_counts(layers.net, layers.probes, steps=20)
    for label, counts in expected.items():
        # Weights are rounded, and what passes the host is a step late: of 20, with filters
        # that fill slowly, up to a few spikes in the populations behind it
        assert np.abs(found[label] - counts).max() <= 4, (seed, label)
        assert abs(found[label].sum() - counts.sum()) <= 5 + 0.25 * counts.sum(), (seed, label)


def test_random_networks_are_of_all_sorts():
    outcomes = []
    for seed in range(N_NETWORKS):
        problems = check_support(random_network(seed).net)
        outcomes.append("fails" if any(p.refused for p in problems) else bool(problems))
    assert min(outcomes.count(outcome) for outcome in ("fails", True, False)) > 15
