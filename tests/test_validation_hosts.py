"""The model of a step that a host manages: its formula, its constants, and what it covers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nengo_spikecost.energy.loihi_chip import shipped_chip

from .tools import tool

hosts, data = map(tool, ("validation_hosts", "validation_data"))


def test_an_interval_by_hand():
    """Three kinds of software with a network each: a prediction interval of Student's t."""
    logs = np.log([10.0, 20.0, 80.0])
    found = hosts.interval([[10.0], [20.0], [80.0]], 0.8)
    assert found.nominal == pytest.approx(np.exp(logs.mean()))
    reach = stats.t.ppf(0.9, 2) * logs.std(ddof=1) * np.sqrt(1 + 1 / 3)
    assert [found.low, found.high] == pytest.approx(np.exp(logs.mean() + [-reach, reach]))
    # a second network of the same software tells of its spread, and is not one more observation
    assert hosts.interval([[10.0, 10.0], [20.0], [80.0]]).nominal == pytest.approx(found.nominal)


def test_it_covers_what_it_says_of_networks_of_new_software():
    """Drawn: deviations between and within software as large as those found."""
    rng = np.random.RandomState(0)
    sizes, held, n = (2, 4, 1, 1, 2, 4), 0, 2000
    for _ in range(n):
        draw = [rng.normal(0, 0.75) + rng.normal(0, 1.27, size) for size in sizes]
        new = np.exp(rng.normal(0, 0.75) + rng.normal(0, 1.27))
        found = hosts.interval([np.exp(logs) for logs in draw])
        held += found.low <= new <= found.high
    assert 0.8 <= held / n <= 0.9  # t of few degrees of freedom: rather too often


def test_the_shipped_constants_are_those_of_all_networks():
    step = shipped_chip().host_io["host"].step
    found = hosts.of_others(None)
    assert [step.low, step.value, step.high] == pytest.approx(list(found), rel=0.01)


def test_pairs_are_of_measured_steps():
    pairs = data.host_times()
    steps = [key for key, found in data.measurements().items() if found.boundary == "step"]
    # nearest neighbours run free: nothing goes in
    assert {pair.measurement for pair in pairs} == {k for k in steps if not k.startswith("knn")}
    assert {pair.by for pair in pairs} == {"host", "x86"}
    assert len(hosts.networks()) == 14


def test_what_was_found_of_what_was_stated():
    """12 of 14 networks, from other software's alone; stated are 8 of 10."""
    inside = [
        found.low <= network.step_s <= found.high
        for network in hosts.networks()
        for found in [hosts.of_others(network.software)]
    ]
    assert sum(inside) == 12
    assert "Stated: 80%. Found: 12.0 of 14 networks" in hosts.table()


def test_no_step_is_predicted_with_itself():
    """By other software, or by the spike's time of another network."""
    for prediction in hosts.steps():
        pair = next(p for p in data.host_times() if p.measurement == prediction.key)
        if prediction.constants == "host":
            others = hosts.of_others(pair.software)
            assert (prediction.value.low, prediction.value.high) == (others.low, others.high)
            assert not prediction.value.predicted
        else:
            assert prediction.held_out == ("no" if pair.network == "sequential MNIST" else "yes")


def test_a_wide_range_is_called_so():
    def verdict(least, most, **known):
        prediction = data.Prediction("", "", hosts.Range(least, 60, most), "")
        return prediction.verdict(100.0, **known)

    assert verdict(40, 119) == "in range"
    assert verdict(39, 119) == "in a wide range"
    assert verdict(40, 90) == "bad"
    assert verdict(40, 90, low=85, high=115) == "in range"  # as well as it is known


def test_sequential_mnist_by_hand():
    """Its published counts and constants of Loihi's own table, without the package."""
    (davies, silicon, x86, total, used) = hosts.sequential_mnist()
    updates = 350 * 840
    core = 636_472 * 23.6e-12 + updates * (52 + 0.806 * 29) * 1e-12 + 10_868 * 1.7e-12
    assert davies.value.nominal == pytest.approx(core, rel=1e-3)
    assert x86.value.nominal == pytest.approx(18e-3 + 0.7995 * 6e-3)
    drawn = x86.value.nominal * 840 * 16.649e-6
    assert total.value.nominal == pytest.approx(drawn + silicon.value.nominal)
    static = 2 * 0.474e-3 * 840 * 16.649e-6
    assert used.value.nominal == pytest.approx(total.value.nominal + static)
