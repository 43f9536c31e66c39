"""Per-operation pricing: properties on random workloads, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nengo_spikecost.energy.host_pricing import price_host
from nengo_spikecost.energy.per_operation import price
from nengo_spikecost.errors import EnergyError, MissingActivityError

from .workloads import device, workloads

# Sums of a few float64 in another order.
RTOL = 1e-12

energies = st.floats(0, 1e-6, allow_nan=False)


@given(workloads(), energies, energies)
def test_spiking_totals_are_the_plain_sum(workload, e_synop, e_neuron):
    estimate = price(workload, device(e_synop, e_neuron, True))
    for sample in range(workload.n_samples):
        expected = sum(
            int(p.synops[sample]) * e_synop for p in workload.pathways if p.synops is not None
        ) + sum(p.updates * e_neuron for p in workload.populations if p.spiking and p.on_chip)
        assert estimate.total_J[sample] == pytest.approx(expected, rel=RTOL, abs=0)


@given(workloads(), energies, energies)
def test_dense_totals_are_the_plain_sum(workload, e_synop, e_neuron):
    estimate = price(workload, device(e_synop, e_neuron, False))
    macs = sum(d.macs for d in workload.dense) + sum(h.operations for h in workload.host)
    neurons = sum(p.n_neurons for p in workload.populations)
    expected = macs * e_synop + neurons * e_neuron
    np.testing.assert_allclose(estimate.total_J, [expected], rtol=RTOL)
    assert estimate.host == ()
    # Dense devices need no activity.
    static = price(replace(workload, n_samples=0), estimate.device)
    assert static.mean_J == estimate.mean_J


@given(workloads(), st.booleans())
def test_the_total_is_the_sum_of_layers_and_the_mean_over_samples(workload, spiking):
    estimate = price(workload, device(1e-12, 3e-12, spiking))
    layers = [estimate.layer(name) for name in workload.layer_names]
    np.testing.assert_allclose(estimate.total_J, sum(e.total_J for e in layers), rtol=RTOL)
    means = sum(e.parts_J["synop"].mean() + e.parts_J["neuron"].mean() for e in layers)
    assert estimate.mean_J == pytest.approx(means, rel=RTOL)
    assert (estimate.total_J >= 0).all()


@given(workloads(), st.booleans(), st.integers(-3, 3))
def test_energy_is_linear_in_the_constants(workload, spiking, exponent):
    factor = 2.0**exponent  # exact in float64
    one = price(workload, device(1e-12, 3e-12, spiking)).total_J
    many = price(workload, device(factor * 1e-12, factor * 3e-12, spiking)).total_J
    np.testing.assert_array_equal(many, factor * one)


@given(workloads(), st.integers(2, 7))
def test_longer_presentations_cost_in_proportion(workload, factor):
    spiking = device(1e-12, 3e-12, True)
    longer = workload.for_presentation(factor * workload.n_steps, workload.dt)
    np.testing.assert_allclose(
        price(longer, spiking).total_J, factor * price(workload, spiking).total_J, rtol=1e-9
    )


@given(workloads())
def test_nothing_is_silently_zero(workload):
    """Every part of the workload is priced, on the host, or listed as missing."""
    estimate = price(workload, device(1.0, 1.0, True))
    missing = {u.name for u in estimate.uncounted}
    for p in workload.populations:
        assert (not p.spiking and p.on_chip) == (p.name in missing)
    for p in workload.pathways:
        priced = p.synops is not None
        assert priced + (p.name in missing) + (not p.on_chip) == 1
    assert {u.name for u in workload.uncounted} <= missing
    assert estimate.lower_bound == bool(missing)


@given(workloads(), energies, energies)
def test_the_host_is_the_plain_sum(workload, e_synop, e_neuron):
    parts = price_host(workload, device(e_synop, e_neuron, False))
    expected = sum(
        h.passes * ((h.macs + h.operations) * e_synop + h.updates * e_neuron) for h in workload.host
    )
    assert sum(part.energy_J for part in parts) == pytest.approx(expected, rel=RTOL)
    assert len(parts) == len({(h.layer, h.role) for h in workload.host})


@given(workloads())
def test_spiking_devices_need_spikes(workload):
    spiking = device(1e-12, 1e-12, True)
    with pytest.raises(MissingActivityError, match="activity=measure"):
        price(replace(workload, n_samples=0), spiking)
    graded = replace(
        workload, populations=tuple(replace(p, spiking=False) for p in workload.populations)
    )
    with pytest.raises(EnergyError, match="Nothing in this network spikes"):
        price(graded, spiking)
