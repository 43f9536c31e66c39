"""The default on a spiking device: events as they were counted."""

from __future__ import annotations

from dataclasses import replace

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nengo_spikecost import NetworkGraph, measure
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.peers.lemaire import MEMORY_PARTS, PARTS, lemaire
from nengo_spikecost.energy.peers.lemaire.spiking import pathway_accesses, population_accesses
from nengo_spikecost.errors import EnergyError, MissingActivityError
from nengo_spikecost.workload.exact import count
from nengo_spikecost.workload.work_entries import HostWork, LearningWork, PathwayWork

from .workloads import digital, spiking_workloads

STEPS = 50
# sums of float64 products in another order
RTOL = 1e-12


def corner_network(where: int, padding: str, filters: int = 2) -> nengo.Network:
    """One neuron of 6x6 spikes, 5 times in 50 steps, into a 3x3 convolution; and a readout."""
    conv = nengo.Convolution(
        filters, (6, 6, 1), kernel_size=(3, 3), padding=padding, init=np.ones((3, 3, 1, filters))
    )
    bias = np.zeros(36)
    bias[where] = 100
    relu = nengo.SpikingRectifiedLinear(initial_state={"voltage": nengo.dists.Choice([0.5])})
    with nengo.Network(seed=0) as net:
        one, zero = np.ones(36), np.zeros(conv.size_out)
        a = nengo.Ensemble(36, 1, neuron_type=relu, gain=one, bias=bias, label="a")
        b = nengo.Ensemble(conv.size_out, 1, neuron_type=relu, gain=zero + 1, bias=zero, label="b")
        out = nengo.Node(size_in=3, label="out")
        nengo.Connection(a.neurons, b.neurons, transform=conv, synapse=None)
        weights = np.ones((3, conv.size_out))
        nengo.Connection(b.neurons, out, transform=weights, synapse=None)
    return net


def counted(net: nengo.Network):
    activity = measure(net, None, STEPS, simulator="nengo", progress=False)
    return count(NetworkGraph(net), activity)


@pytest.mark.parametrize(
    "padding, where, taps",
    [("same", 0, 4), ("same", 3, 6), ("same", 14, 9), ("valid", 0, 1), ("valid", 14, 9)],
)
def test_one_neuron_into_a_convolution(padding, where, taps):
    """By hand: a spike in the corner reads 4 of 9 weights of each filter, or 1 without padding."""
    workload = counted(corner_network(where, padding))
    a, b = (p for p in workload.populations)
    pathway = next(p for p in workload.pathways if p.kind == "neural")
    assert a.spikes == [5]
    done = pathway_accesses(pathway)
    n_events = 5 * taps * 2
    assert done.events_in == 5
    assert done.weights == done.additions == done.address_additions == n_events
    assert done.potentials == 2 * n_events
    assert done.address_macs == 2 * 5
    assert done.macs == done.inputs == 0

    estimate = lemaire(32).price(workload, digital(True))
    n_b = 2 * (36 if padding == "same" else 16)
    spikes_b = int(b.spikes[0])
    readout = 3 * spikes_b

    def ram(n_words):  # 4 bytes each; half a word of 64 bits; all memories are below 8 KiB
        return 10e-12 * 4 * n_words / 8192 / 2

    expected = {
        "potentials": 2 * n_events * ram(n_b)
        + 2 * n_b * STEPS * ram(n_b)
        + 2 * 36 * STEPS * ram(36)
        + 2 * readout * ram(3),
        "weights": n_events * ram(18) + readout * ram(3 * n_b),
        # nothing says that biases of Ensembles that are an array of one value are but one
        "biases": 36 * STEPS * ram(36),
        "io": (5 + spikes_b) * 2 * ram(1000),
        "operations": (n_events + readout + 36 * STEPS + 5 + spikes_b) * 0.1e-12,
        "addressing": 2 * 5 * 3.2e-12 + (n_events + readout) * 0.1e-12,
    }
    for part in PARTS:
        found = sum(layer.parts_J[part] for layer in estimate.layers)
        np.testing.assert_allclose(found, [expected[part]], RTOL, err_msg=part)
    assert not estimate.uncounted


def test_graded_values_are_multiplied_each_time_they_come():
    pathway = PathwayWork(
        "data -> a", "a", "input", 72, n_sources=36, n_targets=8, n_weights=18, passes=3
    )
    done = pathway_accesses(pathway)
    assert done.inputs == 3 * 36
    assert done.weights == done.macs == done.address_additions == 3 * 72
    assert done.potentials == 2 * 3 * 72
    assert done.address_macs == 2 * 3 * 36
    assert done.additions == done.events_in == 0


def test_neurons_by_themselves():
    (population,) = [p for p in counted(corner_network(0, "same")).populations if p.name == "a"]
    done = population_accesses(population, STEPS)
    assert done.biases == 36 * STEPS
    assert done.additions == 36 * STEPS + 5
    assert done.potentials == 2 * 36 * STEPS
    assert done.leaks == done.macs == 0
    still = population_accesses(replace(population, has_bias=False, leaky=True), STEPS)
    assert still.biases == 0
    assert still.additions == 5
    assert (still.leaks, still.macs) == (36 * STEPS, 0)
    # potentials decay in their own width, whatever that of the weights: 32 bits here
    narrow = lemaire({"weights": 8, "potentials": 32}).price.prices(digital(True))
    assert narrow.leak_J == pytest.approx((3.1 + 0.1) * 1e-12)
    assert narrow.mul_J == pytest.approx(0.2e-12)


@given(workload=spiking_workloads(), eighths=st.integers(0, 40), bits=st.sampled_from([8, 16, 32]))
@settings(max_examples=50)
def test_energy_is_a_line_over_spikes(workload, eighths, bits):
    """Zero spikes leave what steps and graded values cost; every spike more adds the same."""
    factor = eighths / 8
    price, device = lemaire(bits).price, digital(True)
    silent = price(workload.with_spikes(0), device)
    once = price(workload, device)
    scaled = price(workload.with_spikes(factor), device)
    for i, layer in enumerate(once.layers):
        for part, energy in layer.parts_J.items():
            nothing = silent.layers[i].parts_J[part]
            assert (energy >= nothing * (1 - RTOL)).all()
            line = nothing + factor * (energy - nothing)
            np.testing.assert_allclose(scaled.layers[i].parts_J[part], line, rtol=1e-9)


@given(workload=spiking_workloads())
@settings(max_examples=30)
def test_without_spikes_only_steps_cost(workload):
    """A silent network whose only input is a constant: potentials, biases and leaks remain."""
    silent = workload.with_spikes(0)
    silent = replace(silent, pathways=tuple(p for p in silent.pathways if p.kind != "input"))
    estimate = lemaire(32).price(silent, digital(True))
    for part in ("weights", "io", "addressing"):
        assert not any(layer.parts_J[part].any() for layer in estimate.layers)
    of_layer = {p.layer: p for p in silent.populations}
    for layer in estimate.layers:
        p = of_layer.get(layer.name)
        stepwise = p.n_neurons * silent.n_steps if p else 0
        expected = stepwise * ((p.has_bias * 0.1 + p.leaky * 3.2) if p else 0) * 1e-12
        np.testing.assert_allclose(layer.parts_J["operations"], expected, RTOL)
        assert layer.parts_J["potentials"].any() == bool(p)
        assert layer.parts_J["biases"].any() == bool(p and p.has_bias)


@given(workload=spiking_workloads())
@settings(max_examples=30)
def test_every_sample_has_its_own_energy(workload):
    price, device = lemaire(8).price, digital(True)
    together = price(workload, device)
    for sample in range(workload.n_samples):
        one = replace(
            workload,
            n_samples=1,
            populations=tuple(replace(p, spikes=p.spikes[[sample]]) for p in workload.populations),
            pathways=tuple(
                p
                if p.events is None
                else replace(p, source_spikes=p.source_spikes[[sample]], events=p.events[[sample]])
                for p in workload.pathways
            ),
        )
        found = price(one, device).total_J
        np.testing.assert_allclose(found, together.total_J[[sample]], RTOL)


@given(workload=spiking_workloads())
@settings(max_examples=30)
def test_narrow_numbers_cost_less(workload):
    device = digital(True)
    totals = [
        lemaire(bits, operation_type="quadratic").price(workload, device).total_J
        for bits in (8, 16, 32)
    ]
    assert (totals[0] <= totals[1]).all() and (totals[1] <= totals[2]).all()
    mixed = lemaire({"weights": 8, "potentials": 32}, operation_type="quadratic")
    found = mixed.price(workload, device).total_J
    assert (totals[0] <= found).all() and (found <= totals[2]).all()


def test_widths_are_those_of_their_parts():
    workload = counted(corner_network(14, "valid"))
    device = digital(True)
    base = lemaire(8).price(workload, device)
    wide = lemaire({"weights": 8, "potentials": 32}).price(workload, device)
    for before, after in zip(base.layers, wide.layers):
        for part in PARTS:
            same = np.array_equal(before.parts_J[part], after.parts_J[part])
            touched = part in ("potentials", "operations") and before.parts_J[part].any()
            assert same != touched, (before.name, part)


@pytest.mark.parametrize("activations, as_bits", [(8, 8), (2, 4), (32, 16), (18, 12)])
def test_a_multiplication_has_as_many_partial_products(activations, as_bits):
    """8-bit weights by other activations: as square multiplications of the same number."""
    mixed = lemaire({"weights": 8, "activations": activations}, operation_type="quadratic")
    square = lemaire(as_bits, operation_type="quadratic")
    found, expected = (m.price.prices(digital(True)).mul_J for m in (mixed, square))
    assert found == pytest.approx(expected, rel=RTOL)


def test_constants_of_the_device_are_used():
    workload = counted(corner_network(0, "same"))
    device = digital(True)
    twice = {key: Constant(2 * constant.value) for key, constant in device.operations.items()}
    other = Device("twice", True, Constant(1), Constant(1), operations=twice)
    found = lemaire(8).price(workload, other).total_J
    np.testing.assert_allclose(found, 2 * lemaire(8).price(workload, device).total_J, RTOL)


def test_where_neurons_run_does_not_matter():
    add_params = pytest.importorskip("nengo_loihi").add_params
    net = corner_network(0, "same")
    on_chip = lemaire().price(counted(net), digital(True))
    add_params(net)
    for ensemble in net.all_ensembles:
        net.config[ensemble].on_chip = False
    off_chip = lemaire().price(counted(net), digital(True))
    np.testing.assert_array_equal(on_chip.total_J, off_chip.total_J)


def test_biases_of_a_readout_are_its_own():
    """Those of neurons are in their population, wherever they come from."""
    workload = counted(corner_network(0, "same"))
    layer = workload.layer_names[-1]
    bias = replace(PathwayWork("", "b", "bias", 72), pre="constant", n_sources=1)
    of_neurons = replace(bias, name="constant -> b", post="b", n_targets=72)
    of_readout = replace(
        bias, name="constant -> out", layer=layer, post="out", n_synapses=2, n_targets=3
    )
    more = replace(workload, pathways=(*workload.pathways, of_neurons, of_readout))
    before, after = (lemaire().price(w, digital(True)) for w in (workload, more))
    reads_J = STEPS * 2 * 10e-12 * 3 * 4 / 8192 / 2  # two biases from a memory of three
    expected = {"biases": reads_J, "potentials": 2 * reads_J, "operations": STEPS * 2 * 0.1e-12}
    for part in PARTS:
        found = [sum(layer.parts_J[part][0] for layer in e.layers) for e in (before, after)]
        # the difference of energies a thousand times as large
        found_J = found[1] - found[0]
        np.testing.assert_allclose(found_J, expected.get(part, 0), rtol=1e-9, err_msg=part)


def test_functions_are_additions():
    workload = counted(corner_network(0, "same"))
    layer = workload.layer_names[-1]
    function = HostWork("softmax", layer, "function", 0, 0, 30, STEPS)
    readout = HostWork("readout", layer, "readout", 1000, 0, 0, STEPS)
    more = replace(workload, host=(function, readout))
    found = lemaire().price(more, digital(True)).total_J
    before = lemaire().price(workload, digital(True)).total_J
    # the rest is a difference of energies a thousand times as large
    np.testing.assert_allclose(found - before, 30 * STEPS * 0.1e-12, rtol=1e-9)


def test_what_has_no_equation_is_listed():
    workload = counted(corner_network(0, "same"))
    a, b = workload.populations
    graded = replace(b, spiking=False, spikes=None, neuron_type="RectifiedLinear")
    rule = LearningWork("pes", b.layer, 10, 20)
    estimate = lemaire().price(
        replace(workload, populations=(a, graded), learning=(rule,)), digital(True)
    )
    assert {u.name for u in estimate.uncounted} == {"b", "pes"}
    assert estimate.lower_bound
    assert "RectifiedLinear neurons have graded outputs" in estimate.uncounted[0].reason


def test_what_cannot_be_priced():
    net = corner_network(0, "same")
    workload, device = counted(net), digital(True)
    with pytest.raises(MissingActivityError, match="measure"):
        lemaire().price(count(NetworkGraph(net)), device)
    silent = replace(
        workload,
        populations=tuple(replace(p, spiking=False, spikes=None) for p in workload.populations),
    )
    with pytest.raises(EnergyError, match="Nothing in this network spikes"):
        lemaire().price(silent, device)
    with pytest.raises(EnergyError, match="'bare' has no int8_add"):
        lemaire().price(workload, Device("bare", True, Constant(1), Constant(1)))
    with pytest.raises(EnergyError, match="layers of a Keras model"):
        lemaire(compat="qualia").price(workload, device)


def test_parts():
    estimate = lemaire().price(counted(corner_network(0, "same")), digital(True))
    for layer in estimate.layers:
        assert tuple(layer.parts_J) == PARTS
        assert set(MEMORY_PARTS) < set(PARTS)
        assert all(energy.shape == (1,) for energy in layer.parts_J.values())
    assert estimate.cost_model == "lemaire"
