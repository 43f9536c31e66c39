"""Published numbers that nothing here was fitted to, or that a device has to give back.

Every number is a publication's, beside the test that uses it. Powers are energies of one second
of work, priced as any network is.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.cost_models import get_cost_model
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.pricing import estimate_energy
from nengo_spikecost.workload.work_entries import DenseWork, PathwayWork, PopulationWork
from nengo_spikecost.workload.workload_record import LayerInfo, Workload


@pytest.fixture(autouse=True)
def shipped_table(monkeypatch):
    monkeypatch.setattr(devices, "_table", devices.read_devices(devices.DEVICE_FILE))


def spiking_work(synops, neurons=1, n_steps=1000, spikes=0):
    """So many synops in steps of 1 ms: a second of them, if nothing else is said."""
    return Workload(
        layers=(LayerInfo("a", "Ensemble", f"({neurons},)"),),
        populations=(
            PopulationWork(
                "a", "a", neurons, "LIF", True, neurons * n_steps, np.array([float(spikes)])
            ),
        ),
        pathways=(PathwayWork("a -> a", "a", "neural", 1, np.array([float(synops)])),),
        dense=(),
        uncounted=(),
        n_steps=n_steps,
        dt=0.001,
        n_samples=1,
    )


def dense_work(macs):
    return Workload(
        layers=(LayerInfo("a", "Dense", "(1,)"),),
        populations=(),
        pathways=(),
        dense=(DenseWork("a", "a", macs),),
        uncounted=(),
        n_steps=1,
        dt=0.001,
        n_samples=0,
    )


def priced(workload, device, cost_model="per_operation"):
    model = get_cost_model(cost_model)
    return estimate_energy(workload, devices.get(device, cost_model), model, devices.get("cpu"))


# TrueNorth at 0.8 V, 128 synapses a neuron: Merolla et al., Science 345, 2014; Akopyan et al.,
# IEEE TCAD 34(10), 2015. Mean rate of all neurons in Hz, power in W.
TRUENORTH_NEURONS, TRUENORTH_SYNAPSES = 2**20, 128
TRUENORTH = [(11.58, 68e-3), (20.07, 71e-3), (95.93, 94e-3)]


def truenorth_work(rate_hz):
    spikes = rate_hz * TRUENORTH_NEURONS
    return spiking_work(spikes * TRUENORTH_SYNAPSES, TRUENORTH_NEURONS, spikes=spikes)


@pytest.mark.parametrize(("rate_hz", "power_W"), TRUENORTH)
def test_truenorth_as_measured(rate_hz, power_W):
    found = priced(truenorth_work(rate_hz), "truenorth")
    # two of the points were fitted to; the one between them was not
    assert found.mean_J == pytest.approx(power_W, rel=0.01)
    assert found.static.seconds == pytest.approx(1.0)
    low, high = found.range_J
    assert low < power_W < high


@pytest.mark.parametrize(("point", "error"), [(0, -0.406), (2, 2.56)])
def test_what_26_pJ_for_everything_would_say_of_truenorth(point, error):
    """The number that is usually quoted holds the static power of one operating point."""
    quoted = Constant(26e-12, evidence="operating point")
    device = Device("TrueNorth at 26 pJ", True, quoted, Constant(0.0))
    rate_hz, power_W = TRUENORTH[point]
    wrong = priced(truenorth_work(rate_hz), device).mean_J / power_W - 1
    assert wrong == pytest.approx(error, abs=0.005)
    right = priced(truenorth_work(rate_hz), "truenorth").mean_J / power_W - 1
    assert abs(right) < 0.01 < abs(wrong) / 30


def test_odin_as_measured():
    """Frenkel et al., IEEE TBioCAS 13(1), 2019: at 75 MHz, and at the low end, 1.3 MHz."""
    found = priced(spiking_work(37.5e6, 256), "odin")
    assert found.mean_J == pytest.approx(477e-6, rel=0.01)
    found = priced(spiking_work(650e3, 256), "odin")
    assert found.low.mean_J == pytest.approx(35e-6, rel=0.01)
    # 54 pJ a synaptic operation, it is said of that point; most of it is no synaptic operation's
    assert found.low.mean_J / 650e3 == pytest.approx(54e-12, rel=0.01)
    assert found.device.energy_per_synop_J < 54e-12 / 6


def test_loihi_searching_neighbours():
    """Frady et al. 2020: 76,800 neurons, 60 steps, 1.33 mJ of dynamic energy a query.

    667 to 750 spikes reach every neuron; neurons are inactive but for these. The constants
    were simulated before there was silicon, and know of no routing.
    """
    for spikes, error in ((667, 0.089), (750, 0.202)):
        work = spiking_work(spikes * 76_800, 76_800, n_steps=60)
        found = priced(work, "loihi").low
        assert found.mean_J / 1.33e-3 - 1 == pytest.approx(error, abs=0.003)


# npj Unconventional Computing s44335-024-00002-4, Table 3, made with KerasSpiking: nJ on its
# GPU and CPU as printed. Its column for Loihi depends on rates that it does not give.
TABLE_3 = {
    "LMU1": ("3434", "99081"),
    "LMU2": ("6331", "181641"),
    "LMU3": ("6331", "181641"),
    "RNN": ("3100", "90000"),
    "Dense1": ("610", "18000"),
    "Dense2": ("310", "8800"),
    "Dense3": ("9.6", "280"),
}


def as_printed(value, digits=2):
    return float(f"{value:.{digits - 1}e}")


def nanojoules(device, operations):
    return priced(dense_work(operations), device, "kerasspiking").mean_J * 1e9


@pytest.mark.parametrize("layer", ["RNN", "Dense1", "Dense2", "Dense3"])
def test_kerasspikings_cpu_column_gives_its_gpu_column(layer):
    """Two digits are printed: a number of operations gives both, where one column says which."""
    gpu_nJ, cpu_nJ = map(float, TABLE_3[layer])
    # all numbers of operations that the CPU's column leaves possible
    half_digit = 0.5 * 10 ** (math.floor(math.log10(cpu_nJ)) - 1)
    least, most = (round((cpu_nJ + end * half_digit) / 8.6) for end in (-1, 1))
    fitting = [n for n in range(least, most + 1) if as_printed(nanojoules("cpu", n)) == cpu_nJ]
    assert fitting
    assert any(as_printed(nanojoules("gpu", n)) == gpu_nJ for n in fitting)


@pytest.mark.parametrize("layer", ["LMU1", "LMU2", "LMU3"])
def test_kerasspikings_layers_that_are_sums(layer):
    gpu_nJ, cpu_nJ = map(float, TABLE_3[layer])
    operations = round(cpu_nJ / 8.6)
    assert nanojoules("cpu", operations) == pytest.approx(cpu_nJ, rel=1e-4)
    # sums of numbers with two digits: 0.7% off in the table itself
    assert nanojoules("gpu", operations) == pytest.approx(gpu_nJ, rel=0.01)


def test_kerasspikings_totals():
    gpu_nJ, cpu_nJ = (sum(float(row[i]) for row in TABLE_3.values()) for i in (0, 1))
    assert (gpu_nJ, cpu_nJ) == pytest.approx((20125.6, 579443), rel=1e-4)
    ratio = nanojoules("cpu", 10_000) / nanojoules("gpu", 10_000)
    assert ratio == pytest.approx(8.6 / 0.3, rel=1e-12)
    assert cpu_nJ / gpu_nJ == pytest.approx(ratio, rel=0.01)


def test_no_shipped_constant_is_an_operating_point():
    for name in devices.names():
        for constant in devices.get(name).constants().values():
            assert constant.evidence != "operating point"
