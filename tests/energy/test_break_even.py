"""Break-even by hand: tiny workloads whose energies are added up here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nengo_spikecost.energy.cost_models import CostModel, get_cost_model
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.estimate import EnergyEstimate, LayerEnergy
from nengo_spikecost.errors import EnergyError, MissingActivityError
from nengo_spikecost.questions.opponent.bit_matching import (
    BitWidths,
    mac_over_acc,
    matched_device,
    matched_models,
)
from nengo_spikecost.questions.opponent.literature import (
    PUBLISHED,
    QUANTITIES,
    Threshold,
    yan_compute,
)
from nengo_spikecost.questions.opponent.two_sides import compare_sides, only_on_chip
from nengo_spikecost.workload.work_entries import (
    DenseWork,
    HostWork,
    PathwayWork,
    PopulationWork,
    UncountedWork,
)
from nengo_spikecost.workload.workload_record import LayerInfo, Workload

from .workloads import workloads

SYNOPS, SPIKES = np.array([100, 300, 200]), np.array([10, 30, 20])
WIDTHS = BitWidths(4)
HOROWITZ = {
    name: Constant(value)
    for name, value in {
        "int8_add": 0.03,
        "int32_add": 0.1,
        "int8_mul": 0.2,
        "int32_mul": 3.1,
        "sram_8KiB": 10.0,
        "sram_32KiB": 20.0,
        "sram_1MiB": 100.0,
    }.items()
}


def chip(synop=2.0, neuron=3.0, **more):
    return Device("chip", True, Constant(synop), Constant(neuron), **more)


def opponent(synop=40.0, neuron=1.0, **more):
    return Device("dense", False, Constant(synop), Constant(neuron), **more)


@pytest.fixture
def workload():
    """Inputs on the host, 5 neurons there, 4 on the chip, a pooling, and a readout on the host.

    10 steps of 2 ms, three samples.
    """
    names = ("a", "b", "pool", "out", "flat")
    return Workload(
        layers=tuple(LayerInfo(name, "Ensemble", "(5,)") for name in names),
        populations=(
            PopulationWork("a", "a", 5, "LIF", True, 50, SPIKES, on_chip=False),
            PopulationWork("b", "b", 4, "LIF", True, 40, np.array([4, 8, 0])),
        ),
        pathways=(
            PathwayWork("x -> a", "a", "input", 30, None, on_chip=False),
            PathwayWork("a -> b", "b", "neural", 20, SYNOPS, n_sources=5, source_spikes=SPIKES),
            PathwayWork("b -> out", "out", "readout", 8, None, on_chip=False),
        ),
        dense=(
            DenseWork("xa", "a", 30, on_chip=False),
            DenseWork("ab", "b", 20),
            DenseWork("mean", "pool", 7),
            DenseWork("bo", "out", 8, on_chip=False),
        ),
        uncounted=(),
        n_steps=10,
        dt=0.002,
        n_samples=3,
        host=(
            HostWork("xa", "a", "input", 30, 0, 0, 1),
            HostWork("a", "a", "neurons", 0, 5, 0, 10),
            HostWork("bo", "out", "readout", 8, 0, 0, 10),
        ),
    )


def sides(workload, device=None, other=None, model="per_operation", widths=WIDTHS):
    return compare_sides(
        workload, device or chip(), other or opponent(), get_cost_model(model), widths
    )


def test_energies_of_both_sides_by_hand(workload):
    found = sides(workload)
    layers = {layer.name: layer for layer in found.layers}
    np.testing.assert_array_equal(layers["b"].total.snn_J, 2 * SYNOPS + 3 * 40)
    np.testing.assert_array_equal(layers["b"].total.fixed_J, np.full(3, 3 * 40))
    assert layers["b"].total.ann_J == 40 * 20 + 1 * 4
    assert layers["pool"].total.ann_J == 40 * 7
    assert found.network.total.ann_J == 40 * 27 + 4
    assert [layers[n].where for n in ("a", "b", "pool", "out", "flat")] == [
        "host", "", "composed", "host", "nothing",
    ]  # fmt: skip
    assert found.network.where == ""


def test_rates_and_spikes_per_synapse_by_hand(workload):
    found = sides(workload)
    layer = found.layers[1]
    # 100, 300 and 200 spikes arrive at 20 synapses; 10, 30 and 20 leave 5 neurons in 20 ms
    np.testing.assert_allclose(layer.spikes_per_synapse, [5, 15, 10])
    np.testing.assert_allclose(layer.spikes_per_step, [0.5, 1.5, 1.0])
    np.testing.assert_allclose(layer.rate_hz, [100, 300, 200])
    # 120 + f 400 = 804
    assert layer.total.factor == pytest.approx((804 - 120) / 400)
    assert layer.break_even_rate_hz == pytest.approx(200 * 1.71)
    assert layer.break_even_spikes_per_synapse == pytest.approx(10 * 1.71)
    assert layer.total.ratio == pytest.approx(520 / 804)
    assert layer.samples_won == 1.0
    # of the network all 9 neurons, that of the host too
    np.testing.assert_allclose(found.network.rate_hz, (SPIKES + [4, 8, 0]) / (9 * 0.02))
    assert found.network.total.factor == pytest.approx((1084 - 120) / 400)


def test_without_the_layers_of_the_input_rates_are_those_of_the_synapses(workload):
    pathways = [replace(p, n_sources=0, source_spikes=None) for p in workload.pathways]
    found = sides(replace(workload, pathways=tuple(pathways)))
    np.testing.assert_allclose(found.layers[1].rate_hz, np.array([5, 15, 10]) / 0.02)


def test_fixed_cost_alone_exceeds_the_opponent(workload):
    found = sides(workload, other=opponent(1.0))
    balance = found.layers[1].total
    assert balance.ann_J == 24 < 120
    assert balance.crossing == "never"
    assert balance.factor is None and found.layers[1].break_even_rate_hz is None
    assert found.layers[1].samples_won == 0.0


def test_a_fixed_cost_of_just_the_opponents_leaves_no_spikes(workload):
    found = sides(workload, device=chip(neuron=804 / 40))
    assert found.layers[1].total.factor == 0.0


def test_silent_layers_have_no_slope(workload):
    found = sides(workload.with_spikes(0.0))
    assert found.layers[1].total.crossing == "flat"
    assert found.network.total.factor is None


def test_layers_that_do_nothing(workload):
    assert sides(workload).layers[4].total.crossing == "nothing"
    assert sides(workload).layers[4].total.ratio is None


def test_what_the_host_does_is_priced_apart_on_the_opponent(workload):
    found = sides(workload)
    assert found.host.layers == ("a", "out")
    assert found.host.snn_J == 40 * (30 + 10 * 8) + 1 * 10 * 5
    assert found.host.ann_J == 40 * (30 + 8) + 1 * 5


def test_a_cost_model_that_prices_the_host_too_compares_all_of_it(workload):
    def price(workload, device):
        """A Joule an event, a multiply-accumulate and a neuron, wherever."""
        if device.spiking:
            joules = {
                n: sum(p.events for p in workload.pathways if p.layer == n and p.events is not None)
                + sum(p.updates for p in workload.populations if p.layer == n)
                for n in workload.layer_names
            }
        else:
            joules = {
                n: sum(d.macs for d in workload.dense if d.layer == n) for n in workload.layer_names
            }
        layers = (
            LayerEnergy(n, {"all": np.broadcast_to(np.asarray(j, float), 3)})
            for n, j in joules.items()
        )
        return EnergyEstimate(device, "whole", tuple(layers))

    whole = CostModel("whole", get_cost_model("per_operation").counter, price)
    pathways = [
        replace(p, events=SYNOPS if p.name == "a -> b" else np.array([8, 16, 0]))
        for p in workload.pathways
        if p.kind != "input"
    ]
    found = sides(replace(workload, pathways=tuple(pathways)), model=whole)
    assert found.host is None
    assert [layer.where for layer in found.layers] == ["", "", "composed", "", "nothing"]
    assert found.network.total.ann_J == 65
    assert found.network.n_synapses == 28
    np.testing.assert_array_equal(found.layers[3].total.snn_J, [8, 16, 0])


def test_memory_and_static_power_are_left_out_of_arithmetic(workload):
    def price(workload, device):
        spikes = sum(p.synops for p in workload.pathways if p.synops is not None)
        moved = 5.0 * spikes if device.spiking else np.full(1, 700.0)
        done = 1.0 * spikes if device.spiking else np.full(1, 300.0)
        layers = [LayerEnergy(n, {"none": np.zeros(len(moved))}) for n in workload.layer_names]
        layers[1] = LayerEnergy("b", {"sram": moved, "ops": done})
        return EnergyEstimate(device, "memory", tuple(layers))

    counter = get_cost_model("per_operation").counter
    model = CostModel("memory", counter, price, memory_parts=("sram",))
    device = chip(static_power=Constant(1000.0, unit="W"))  # 20 J in 20 ms
    found = sides(workload, device=device, model=model)
    assert found.static_J == 20.0
    total, arithmetic = found.network.total, found.network.arithmetic
    assert total.mean_J == 6 * 200 + 20 and total.mean_fixed_J == 20
    assert total.factor == pytest.approx((1000 - 20) / 1200)
    assert arithmetic.mean_J == 200 and arithmetic.ann_J == 300
    assert arithmetic.factor == pytest.approx(1.5)
    assert found.layers[1].arithmetic.factor == pytest.approx(1.5)


def test_per_operation_has_no_memory_to_leave_out(workload):
    assert sides(workload).network.arithmetic is None


def test_uncounted_parts_are_named_where_they_are(workload):
    missing = UncountedWork("rule", "b", "is opaque")
    found = sides(replace(workload, uncounted=(missing,)))
    assert found.layers[1].uncounted == ("rule (is opaque)",)
    assert found.network.uncounted == ("rule (is opaque)",)
    assert found.layers[0].uncounted == ()


def test_a_network_that_is_all_its_hosts_has_nothing_to_compare(workload):
    populations = [replace(p, on_chip=False) for p in workload.populations]
    pathways = [replace(p, on_chip=False, synops=None) for p in workload.pathways]
    host = [HostWork("a -> b", "b", "neurons", 20, 0, 0, 10)]
    everything = replace(
        workload,
        populations=tuple(populations),
        pathways=tuple(pathways),
        dense=tuple(replace(d, on_chip=False) for d in workload.dense),
        host=(*workload.host, *host),
    )
    found = sides(everything)
    assert found.network.where == "host"
    assert found.network.total.crossing == "nothing"
    assert found.host.ann_J == 40 * 65 + 9


def test_the_right_devices(workload):
    with pytest.raises(EnergyError, match="dense works without spikes"):
        sides(workload, device=opponent())
    with pytest.raises(EnergyError, match="chip is a spiking device: the opponent"):
        sides(workload, other=chip())
    picky = replace(get_cost_model("per_operation"), can_price=lambda device: device.spiking)
    with pytest.raises(EnergyError, match="cannot price 'dense'"):
        sides(workload, model=picky)
    with pytest.raises(MissingActivityError):
        sides(replace(workload, n_samples=0))


@settings(max_examples=60)
@given(workloads(), st.floats(0.1, 50), st.floats(0.0, 5), st.floats(0.1, 1e4))
def test_priced_again_at_break_even_both_sides_are_equal(workload, synop, neuron, mac):
    """For the network and each layer: whatever the workload, energy is affine in its spikes."""
    device, other = chip(synop, neuron), opponent(mac)
    model = get_cost_model("per_operation")
    if not any(p.on_chip and p.spiking for p in workload.populations):
        assume(False)
    found = compare_sides(workload, device, other, model, WIDTHS)
    for balance in (found.network, *found.layers):
        factor = balance.total.factor
        if factor is None:
            assert balance.total.crossing != "crosses"
            continue
        assert factor >= 0
        again = model.price(workload.with_spikes(factor), device)
        priced = again if balance is found.network else again.layer(balance.name)
        # energies are sums of a few dozen products: 1e-9 is far above their rounding
        assert np.mean(priced.total_J) == pytest.approx(balance.total.ann_J, rel=1e-9, abs=1e-9)
        assert balance.total.at(factor) == pytest.approx(balance.total.ann_J, rel=1e-9, abs=1e-9)
        assert balance.total.at(1.0) == pytest.approx(balance.total.mean_J, rel=1e-9)


@settings(max_examples=40)
@given(workloads())
def test_what_is_left_to_the_host_is_on_neither_side(workload):
    found = compare_sides(workload, chip(), opponent(), get_cost_model("per_operation"), WIDTHS)
    if workload.host:
        alone = get_cost_model("per_operation").price(only_on_chip(workload), opponent())
        assert found.network.total.ann_J == pytest.approx(float(alone.total_J.mean()))
        for layer in found.layers:
            if layer.where == "host":
                assert layer.total.crossing == "nothing"


class TestBitWidths:
    @pytest.mark.parametrize(
        "n_steps, bits", [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (40, 6), (255, 8)]
    )
    def test_match_the_steps(self, n_steps, bits):
        assert BitWidths.of(None, n_steps).activations == bits
        assert bits == int(np.ceil(np.log2(n_steps + 1)))

    def test_are_given(self):
        assert BitWidths.of(5, 40) == BitWidths(5, 8, 32)
        assert BitWidths.of({"weights": 4}, 40) == BitWidths(6, 4, 32)

    @pytest.mark.parametrize("bits", [0, 33, 2.5, True, "8", {"weights": 0}, {"width": 8}])
    def test_are_checked(self, bits):
        with pytest.raises(EnergyError, match="bits"):
            BitWidths.of(bits, 40)

    def test_energies_of_the_table_are_kept(self):
        device = opponent(operations=HOROWITZ)
        for width in (8, 32):
            matched = matched_device(device, BitWidths(width, width, width))
            mul, add = HOROWITZ[f"int{width}_mul"].value, HOROWITZ[f"int{width}_add"].value
            assert matched.energy_per_synop_J == pytest.approx(mul + add)
            assert matched.energy_per_neuron_J == pytest.approx(add)

    def test_other_widths_by_hand(self):
        matched = matched_device(opponent(operations=HOROWITZ), BitWidths(4, 16, 20))
        # 4 x 16 bits as 8 x 8; additions on the line, half way from 8 to 32
        assert matched.energy_per_synop_J == pytest.approx(0.2 + 0.065)
        assert matched.energy_per_neuron_J == pytest.approx(0.065)
        matched = matched_device(opponent(operations=HOROWITZ), BitWidths(16, 16, 8))
        # a 256 + b 16, with a = 2.3 / 768 and b = 0.025 - 8 a: Qualia's 0.7833
        assert matched.energy_per_synop_J == pytest.approx(0.7833333 + 0.03, rel=1e-6)

    def test_ranges_are_carried(self):
        ranged = {**HOROWITZ, "int8_mul": Constant(0.2, low=0.1, high=0.4)}
        matched = matched_device(opponent(operations=ranged), BitWidths(8, 8, 8))
        assert matched.energy_per_synop.low == pytest.approx(0.13)
        assert matched.energy_per_synop.high == pytest.approx(0.43)
        assert matched.energy_per_neuron.low is None

    def test_a_spiking_device_that_only_adds_adds_as_wide(self):
        adds = chip(0.03, 0.03, operations=HOROWITZ)
        assert matched_device(adds, BitWidths(6)).energy_per_synop_J == pytest.approx(0.1)
        measured = chip(23.6, 81.0, operations=HOROWITZ)
        assert matched_device(measured, BitWidths(6)) is measured
        assert matched_device(opponent(), BitWidths(6)) == opponent()

    def test_lemaire_gets_the_widths(self):
        from nengo_spikecost.energy.peers.lemaire import lemaire

        def widths(cost_model):
            found = [model.price.widths for model in matched_models(cost_model, BitWidths(6))]
            return [(w.weights, w.activations, w.potentials) for w in found]

        assert widths("lemaire") == [(8, 8, 32), (8, 6, 32)]
        assert widths(lemaire(16)) == [(16, 16, 16), (16, 6, 16)]
        qualia = lemaire(16, compat="qualia")
        assert matched_models(qualia, BitWidths(6)) == (qualia, qualia)

    def test_a_model_made_of_a_price_of_the_package_has_its_ratio(self):
        from nengo_spikecost.energy.peers.lemaire import lemaire
        from nengo_spikecost.energy.per_operation import PER_OPERATION, exact_counter, price

        adds, multiplies = (
            replace(side, operations=HOROWITZ) for side in (chip(0.1), opponent(3.2))
        )
        for usual in (PER_OPERATION, lemaire(8)):
            own = CostModel("own", exact_counter, usual.price)
            ratio = mac_over_acc((own, own), adds, multiplies)
            assert ratio == mac_over_acc((usual, usual), adds, multiplies)
            assert ratio > 1
        other = CostModel("other", exact_counter, lambda workload, device: price(workload, device))
        assert mac_over_acc((other, other), adds, multiplies) is None


class TestLiterature:
    def test_has_a_source_for_every_number(self):
        for threshold in (*PUBLISHED, yan_compute(2.5, 0.3)):
            assert threshold.quantity in QUANTITIES
            assert 0 < threshold.low <= threshold.high
            assert threshold.source and threshold.meaning
            assert threshold.evidence in ("read", "quoted", "second-hand", "computed")

    def test_verdicts_between_and_beyond_the_ends(self):
        per_step = Threshold("t", QUANTITIES[1], 0.1, 0.15, "", "", "read")
        assert per_step.verdict(4.0, 40) == "met"
        assert per_step.verdict(5.0, 40) == "depends"
        assert per_step.verdict(6.1, 40) == "not met"
        assert per_step.band(40) == pytest.approx((4.0, 6.0))
        per_inference = Threshold("t", QUANTITIES[0], 0.15, 1.38, "", "", "read")
        assert per_inference.verdict(1.0, 40) == "depends"
        assert per_inference.band(40) == (0.15, 1.38)

    def test_what_was_found_for_a_few_steps_says_nothing_of_many(self):
        few = Threshold("t", QUANTITIES[1], 0.1, 0.15, "", "", "read", steps=(5, 10))
        assert [few.applies(n) for n in (4, 5, 10, 11)] == [False, True, True, False]
        assert few.verdict(0.2, 5) == "met"
        assert few.verdict(0.2, 40) == "other steps"
        (yan,) = (t for t in PUBLISHED if "data movement" in t.name)
        assert yan.steps == (5, 10)

    def test_yan_by_hand(self):
        found = yan_compute(2.5, 0.6)
        assert (found.low, found.high) == (pytest.approx(1.0), 2.5)
