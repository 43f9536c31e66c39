"""Ranges of constants, spread over samples, static power: what estimates say besides a number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.cost_models import get_cost_model
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.estimate import EnergyEstimate, LayerEnergy
from nengo_spikecost.energy.pricing import estimate_energy
from nengo_spikecost.energy.shown.layer_notes import table_notes
from nengo_spikecost.energy.spread import spread_of
from nengo_spikecost.errors import EnergyError
from nengo_spikecost.workload.work_entries import (
    DenseWork,
    HostWork,
    LearningWork,
    PathwayWork,
    PopulationWork,
    UncountedWork,
)
from nengo_spikecost.workload.workload_record import LayerInfo, Workload

SYNOPS, SPIKES = np.array([100, 300, 200]), np.array([10, 30, 20])


@pytest.fixture
def workload():
    """Two populations of 5 and 4 neurons, 10 steps of 2 ms, three samples."""
    return Workload(
        layers=(LayerInfo("a", "Ensemble", "(5,)"), LayerInfo("b", "Ensemble", "(4,)")),
        populations=(
            PopulationWork("a", "a", 5, "LIF", True, 50, SPIKES),
            PopulationWork("b", "b", 4, "LIF", True, 40, np.zeros(3, int)),
        ),
        pathways=(PathwayWork("a -> b", "b", "neural", 20, SYNOPS),),
        dense=(),
        uncounted=(),
        n_steps=10,
        dt=0.002,
        n_samples=3,
    )


def chip(**more):
    return Device("chip", True, Constant(2.0, low=1.0, high=5.0), Constant(3.0, high=4.0), **more)


def estimate(workload, device):
    return estimate_energy(workload, device, get_cost_model("per_operation"), devices.get("cpu"))


def test_ranges_are_carried_to_every_total(workload):
    found = estimate(workload, chip())
    np.testing.assert_array_equal(found.total_J, 2 * SYNOPS + 3 * 90)
    np.testing.assert_array_equal(found.low.total_J, 1 * SYNOPS + 3 * 90)
    np.testing.assert_array_equal(found.high.total_J, 5 * SYNOPS + 4 * 90)
    np.testing.assert_array_equal(found.high.layer("b").total_J, 5 * SYNOPS + 4 * 40)
    assert found.range_J == (200 + 270, 1000 + 360)
    assert found.device.energy_per_synop.high == 5.0


def test_without_ranges_there_is_one_estimate(workload):
    found = estimate(workload, Device("chip", True, Constant(2.0), Constant(3.0)))
    assert found.low is None and found.high is None
    assert found.range_J == (found.mean_J, found.mean_J)


def test_a_cost_model_may_have_all_of_the_network_on_the_device(workload):
    work = replace(workload, host=(HostWork("in", "a", "input", 7, 0, 0, 1),))
    per_operation = get_cost_model("per_operation")
    whole = replace(per_operation, whole_network=True)
    cpu = devices.get("cpu")
    beside = estimate_energy(work, chip(), per_operation, cpu)
    assert beside.host_J == 7 * cpu.energy_per_synop_J and beside.host_device == cpu
    alone = estimate_energy(work, chip(), whole, cpu)
    assert alone.host == () and alone.host_device is None


def test_a_spike_can_have_a_price_of_its_own(workload):
    found = estimate(workload, chip(energy_per_spike=Constant(7.0)))
    np.testing.assert_array_equal(found.layer("a").total_J, 3 * 50 + 7 * SPIKES)


def test_static_power_is_drawn_for_the_time_of_the_inference(workload):
    power = Constant(4.0, low=2.0, unit="W")
    found = estimate(workload, chip(static_power=power))
    # 10 steps of 2 ms, in real time
    assert found.static.seconds == pytest.approx(0.02)
    np.testing.assert_allclose(found.total_J, 2 * SYNOPS + 3 * 90 + 4.0 * 0.02, rtol=1e-12)
    assert found.low.static.power_W == 2.0
    ticks = estimate(workload, chip(static_power=power, step_time=Constant(0.5, unit="s")))
    assert ticks.static_J == 4.0 * 5


def test_every_chip_that_is_needed_draws_static_power(workload):
    power = Constant(4.0, unit="W")
    # 9 neurons
    for n_neurons, n_chips in ((9, 1), (8, 2), (4, 3)):
        device = chip(static_power=power, neurons_per_chip=n_neurons)
        found = estimate(workload, device)
        assert found.static.n_chips == n_chips
        assert found.static_J == pytest.approx(4.0 * 0.02 * n_chips)


def test_parts_alone(workload):
    found = estimate(workload, chip(static_power=Constant(4.0, unit="W"))).only({"synop"})
    np.testing.assert_array_equal(found.total_J, 2 * SYNOPS)
    np.testing.assert_array_equal(found.high.total_J, 5 * SYNOPS)


def test_so_many_passes(workload):
    """Layers take so many times as much, at both ends of the constants, too; not what is static."""
    once = estimate(workload, chip(static_power=Constant(4.0, low=2.0, unit="W")))
    found = once.times(3)
    np.testing.assert_allclose(found.total_J, 3 * (2 * SYNOPS + 3 * 90) + 4.0 * 0.02, rtol=1e-12)
    assert found.range_J == pytest.approx((3 * (200 + 270) + 0.04, 3 * (1000 + 360) + 0.08))


def test_spread_over_samples():
    values = np.random.RandomState(0).exponential(size=400)
    spread = spread_of(values)
    assert (spread.n_samples, spread.worst_sample) == (400, int(np.argmax(values)))
    assert spread.mean_J == pytest.approx(values.mean())
    assert (spread.low_J, spread.high_J) == tuple(np.percentile(values, [5, 95]))
    assert spread.mean_low_J < spread.mean_J < spread.mean_high_J
    # 400 samples are enough for the normal interval to be about the same
    half = 1.96 * stats.sem(values)
    assert spread.mean_high_J - spread.mean_low_J == pytest.approx(2 * half, rel=0.1)
    assert spread_of(values) == spread


def test_bootstrap_intervals_hold_the_mean_as_often_as_they_say():
    rng = np.random.RandomState(1)
    held = 0
    for seed in range(200):
        spread = spread_of(rng.gamma(2.0, size=60), confidence=0.9, seed=seed)
        held += spread.mean_low_J <= 2.0 <= spread.mean_high_J
    # binomial: 180 expected of 200, standard deviation 4.2; BCa is a little short at n = 60
    assert 163 <= held <= 195


def test_equal_samples_have_no_spread():
    spread = spread_of(np.full(5, 3.0))
    assert spread.mean_low_J == spread.mean_high_J == spread.low_J == spread.worst_J == 3.0
    assert spread_of(np.array([2.0])).mean_J == 2.0


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 2])
def test_impossible_confidence(confidence):
    with pytest.raises(EnergyError, match="confidence must be between 0 and 1"):
        spread_of(np.ones(3), confidence)


def test_constants_have_units():
    with pytest.raises(EnergyError, match="static_power must be a Constant in W"):
        chip(static_power=Constant(1.0))
    with pytest.raises(EnergyError, match="energy_per_spike must be a Constant in J"):
        chip(energy_per_spike=1.0)
    with pytest.raises(EnergyError, match="unit must be one of J, W, s"):
        Constant(1.0, unit="pJ")
    with pytest.raises(EnergyError, match="without spikes needs step_time, the time of a"):
        Device("x", False, Constant(1.0), Constant(1.0), static_power=Constant(1.0, unit="W"))
    layer_time = Constant(1.0, unit="s")
    for spiking in (True, False):  # drawn by nothing, or by a chip
        with pytest.raises(EnergyError, match="'x': layer_time is of a device without spikes that"):
            Device("x", spiking, Constant(1.0), Constant(1.0), layer_time=layer_time)
    with pytest.raises(EnergyError, match="layer_time must be a Constant in s"):
        chip(layer_time=Constant(1.0))
    with pytest.raises(EnergyError, match="one_sample must be the name of a device, not 3"):
        chip(one_sample=3)
    with pytest.raises(EnergyError, match="level must be one of low, nominal, high"):
        chip().at("best")


def test_a_processor_that_is_called_for_every_sample(workload):
    """What a call takes comes besides its arithmetic, once a pass; low is above idle power."""
    single, plain = devices.get("cpu_single"), estimate(workload, devices.get("cpu"))
    found = estimate(workload, single)
    arithmetic = plain.mean_J / 8.6e-9
    assert arithmetic == 9  # neurons; there are no weights
    assert found.static_J == pytest.approx(22.5 * 0.551e-3)
    high_J = 22.5 * 0.551e-3 + arithmetic * 18.9e-9
    assert found.mean_J == pytest.approx(high_J)
    assert found.range_J == pytest.approx((9.1 * 0.551e-3 + arithmetic * 7.5e-9, high_J))
    assert plain.static is None
    often = estimate(replace(workload, dense_passes=3), single)
    assert often.mean_J == pytest.approx(3 * high_J)


def test_layers_that_a_processor_launches(workload):
    """Weights, functions between them and learning: each takes so long, once a pass."""
    layer = workload.layers[0].name
    weights = [DenseWork(f"w{i}", layer, macs) for i, macs in enumerate((6, 0, 5, 4))]
    host = [
        HostWork("softmax", layer, "function", 0, 0, operations=7, passes=1),
        HostWork("weighed", layer, "input", macs=3, updates=0, operations=0, passes=1),
    ]
    work = replace(
        workload, dense=tuple(weights), host=tuple(host),
        learning=(LearningWork("pes", layer, updates=4, macs=8),), dense_passes=2,
    )  # fmt: skip
    single = devices.get("gpu_single")
    found = estimate(work, single)
    n_layers = 3 + 1 + 1  # one has no weights; inputs are weighed by weights that are listed
    assert work.dense_layers == found.static.n_layers == n_layers
    by_hand_s = [2 * (1.014e-3 + n_layers * s) for s in (77.8e-6, 94.5e-6, 122e-6)]
    assert found.static.seconds == pytest.approx(by_hand_s[1])
    assert found.static_J == pytest.approx(37.8 * by_hand_s[1])
    ends_J = found.low.static_J, found.high.static_J
    assert ends_J == pytest.approx((22.8 * by_hand_s[0], 37.8 * by_hand_s[2]))
    arithmetic = estimate(work, devices.get("gpu"))
    assert found.mean_J - found.static_J == pytest.approx(arithmetic.mean_J)
    # another, of which no such time is known
    assert estimate(work, devices.get("cpu_single")).static.n_layers == 0
    both = {"gpu_single": found, "cpu_single": estimate(work, devices.get("cpu_single"))}
    assert (
        "Static power is drawn for the time of a call: gpu_single 1.01 ms a call and 94.5 us for "
        "each of 5 layers; cpu_single 551 us a call, whatever its layers."
    ) in table_notes(work, both)


def test_a_call_for_nothing_is_not_made(workload):
    nothing = replace(workload, populations=(), uncounted=())
    assert nothing.empty and not workload.empty
    assert estimate(nothing, devices.get("gpu_single")).mean_J == 0
    opaque = replace(nothing, uncounted=(UncountedWork("lstm", "a", "is opaque"),))
    called = estimate(opaque, devices.get("gpu_single"))
    assert called.mean_J == pytest.approx(37.8 * 1.014e-3)


def test_layers_that_are_not_known_are_told(workload):
    work = replace(workload, uncounted=(UncountedWork("lstm", "a", "is opaque"),))
    found = estimate(work, devices.get("gpu_single"))
    assert found.lower_bound
    said = table_notes(work, {"gpu_single": found})
    assert any("94.5 us for each of at least 0 layers" in note for note in said)


def test_constants_of_large_batches_say_what_to_take_for_one_sample(workload):
    found = {name: estimate(workload, devices.get(name)) for name in ("cpu", "gpu", "arm")}
    said = [note for note in table_notes(workload, found) if "one sample at a time" in note]
    assert said == [
        "cpu and gpu: arithmetic alone, as in large batches. Of a small network, one sample at a "
        "time, a call takes more than that: cpu_single and gpu_single have it."
    ]
    found["cpu_single"] = estimate(workload, devices.get("cpu_single"))
    (said,) = [note for note in table_notes(workload, found) if "one sample at a time" in note]
    assert said.startswith("gpu: arithmetic alone") and said.endswith(": gpu_single has it.")
    assert not any("one sample" in note for note in table_notes(workload, found, False))
    # every one that is named is there, and is dearer for this workload
    for name in devices.names():
        other = devices.get(name).one_sample
        if other:
            assert found[name].mean_J < estimate(workload, devices.get(other)).mean_J


def test_parts_that_are_the_same_for_all_samples(workload):
    """A cost model of the user's may have one number where another part has one a sample."""
    one, many = np.array([5.0]), np.array([1.0, 2.0, 3.0])
    layers = (LayerEnergy("a", {"fixed": one, "moved": many}), LayerEnergy("b", {"fixed": one}))
    found = EnergyEstimate(chip(), "own", layers)
    np.testing.assert_array_equal(found.layer("a").total_J, [6, 7, 8])
    np.testing.assert_array_equal(found.total_J, [11, 12, 13])
    np.testing.assert_array_equal(found.only({"moved"}).total_J, many)
    np.testing.assert_array_equal(found.only({"fixed"}).mean_J, 10)
    assert EnergyEstimate(chip(), "own", ()).total_J.shape == (1,)


def test_how_many_chips_draw_static_power_is_said(workload):
    power = {"static_power": Constant(4.0, unit="W")}
    one, several = (chip(neurons_per_chip=n, **power) for n in (9, 4))
    said = table_notes(workload, {"one": estimate(workload, one)}, print_warnings=False)
    assert not said
    (said,) = table_notes(workload, {"chip": estimate(workload, several)}, print_warnings=False)
    assert said == "Static power is that of the chips that the neurons fill: 3 of chip."
