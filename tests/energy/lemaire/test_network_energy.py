"""The cost model where users meet it: `NetworkEnergy`."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost import convert, measure
from nengo_spikecost.energy import devices
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.peers.lemaire import (
    MEMORY_PARTS,
    PARTS,
    OperationTable,
    lemaire,
    operation_table,
)
from nengo_spikecost.energy.peers.lemaire.ledger import Ledger
from nengo_spikecost.errors import EnergyError, MissingActivityError
from nengo_spikecost.questions.network_energy import NetworkEnergy
from nengo_spikecost.workload.workload_record import Workload

from ...models import conv_net, images
from .workloads import digital

STEPS = 20


@pytest.fixture(scope="module")
def measured():
    conversion = convert(conv_net(tf.keras), scale_firing_rates=100)
    return conversion, measure(conversion, images(4), STEPS, progress=False)


def test_estimates(measured):
    energy = NetworkEnergy(*measured, cost_model=lemaire(8))
    assert energy.cost_model == "lemaire(bits=8)"
    for spiking in (True, False):
        estimate = energy.estimate(digital(spiking))
        assert estimate.cost_model == "lemaire(bits=8)"
        assert (estimate.total_J > 0).all()
        assert all(tuple(layer.parts_J) == PARTS for layer in estimate.layers)
        memory = estimate.only(MEMORY_PARTS).total_J
        assert ((memory > 0) & (memory < estimate.total_J)).all()


def test_the_devices_of_the_table(measured):
    for name in ("digital", "digital_snn"):
        device = devices.get(name)
        assert operation_table(device) == OperationTable()
        assert device.spiking == (name == "digital_snn")
    energy = NetworkEnergy(*measured, cost_model=lemaire())
    table = energy.summary_string()
    assert "digital_snn" in table and "digital" in table
    expected = energy.estimate(digital(True)).mean_J
    assert energy.total_energy("digital_snn") == pytest.approx(expected, rel=1e-12)


def test_other_presentations_are_scaled(measured):
    energy = NetworkEnergy(*measured, cost_model=lemaire(8))
    once = energy.estimate(digital(True)).mean_J
    with pytest.warns(UserWarning, match="Measure again"):
        twice = energy.estimate(digital(True), 2 * STEPS).mean_J
    # constant inputs are sent once, all else is done twice
    assert once < twice < 2 * once


def test_ranges_of_constants_reach_the_total(measured):
    nominal = digital(True)
    wide = {
        key: Constant(c.value, low=0.5 * c.value, high=3 * c.value)
        for key, c in nominal.operations.items()
    }
    device = Device("wide", True, Constant(1), Constant(1), operations=wide)
    estimate = NetworkEnergy(*measured, cost_model=lemaire(8)).estimate(device)
    expected = 0.5 * estimate.mean_J, 3 * estimate.mean_J
    np.testing.assert_allclose(estimate.range_J, expected, rtol=1e-12)


def test_without_activity_only_dense_devices(measured):
    conversion, _ = measured
    energy = NetworkEnergy(conversion, cost_model=lemaire())
    assert energy.estimate(digital(False)).mean_J > 0
    with pytest.raises(MissingActivityError, match="measure"):
        energy.estimate(digital(True))


def test_a_device_without_operations(measured):
    with pytest.raises(EnergyError, match="'digital_snn'"):
        NetworkEnergy(*measured, cost_model=lemaire()).estimate("loihi")


def test_energy_of_no_layer():
    ledger = Ledger(Workload((), (), (), (), (), 1, 0.001, 0), 1)
    ledger.add("other", {"weights": np.zeros(1)})  # nothing to be lost
    with pytest.raises(EnergyError, match="'other' is no layer"):
        ledger.add("other", {"weights": np.ones(1)})
