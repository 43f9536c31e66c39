"""Networks that run on are priced per second, with the opponent running at every step.

Right values are by hand: operations of a step x 1,000 steps a second x Joules an operation.
"""

from __future__ import annotations

import json

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.energy import devices
from nengo_spikecost.energy.loihi_chip import ChipWork, price_chip

RATE = 250.0  # a quarter of a spike a step, exactly: 25 spikes in 100 steps, and 250 in 1,000
A, B = 4, 3


def network(back=False):
    """``A`` neurons that fire at `RATE` send to ``B`` that are silent; or to themselves, too."""
    weights = {"transform": np.full((B, A), 1e-9), "synapse": None}
    with nengo.Network(seed=0) as net:
        given = nengo.Node([1.0], label="given")
        kinds = {"neuron_type": nengo.SpikingRectifiedLinear()}
        a = nengo.Ensemble(A, 1, gain=np.ones(A), bias=np.full(A, RATE), label="a", **kinds)
        b = nengo.Ensemble(B, 1, gain=np.ones(B), bias=np.zeros(B), label="b", **kinds)
        nengo.Connection(given, a.neurons, transform=np.full((A, 1), 1e-9), synapse=None)
        nengo.Connection(a.neurons, b.neurons, **weights)
        if back:
            nengo.Connection(a.neurons, a.neurons, transform=np.full((A, A), 1e-9))
    return net, given


def measured(n_steps, back=False, samples=None):
    net, given = network(back)
    data = None if samples is None else {given: np.ones((samples, 1))}
    return net, nsc.measure(net, data, n_steps, simulator="nengo", progress=False)


@pytest.mark.parametrize("back, samples", [(False, None), (True, None), (True, 2)])
@pytest.mark.parametrize("n_steps", [100, 1000])
def test_the_same_power_however_long(n_steps, back, samples):
    net, activity = measured(n_steps, back, samples)
    assert activity.protocol.runs_on
    energy = nsc.NetworkEnergy(net, activity)
    synapses = A * B + back * A * A
    for name in ("cpu", "gpu", "digital"):
        estimate, device = energy.estimate(name), devices.get(name)
        step_J = (A + synapses) * device.energy_per_synop_J + (A + B) * device.energy_per_neuron_J
        assert estimate.power_W == pytest.approx(1000 * step_J)
        assert estimate.mean_J == pytest.approx(estimate.power_W * n_steps * 0.001)
    loihi, device = energy.estimate("loihi"), devices.get("loihi")
    synops = RATE * synapses
    assert loihi.power_W == pytest.approx(
        synops * device.energy_per_synop_J + 1000 * (A + B) * device.energy_per_neuron_J
    )
    # the host weighs its input at every step, as the opponent does
    host_W = loihi.host_J / (n_steps * 0.001)
    assert host_W == pytest.approx(1000 * A * devices.get("cpu").energy_per_synop_J)
    text = energy.summary_string(["name", "macs", "synops", "energy cpu", "energy loihi"])
    total = next(line for line in text.split("\n") if line.startswith("Total "))
    assert total.split()[2] == f"{synops:,.0f}"
    assert f"{1e9 * loihi.power_W:.3g} nW" in total and "Per second" in text
    assert energy.to_dict()["devices"]["loihi"]["power_W"] == loihi.power_W


def test_samples_that_are_presented_are_inferences():
    net, activity = measured(100, samples=2)
    energy = nsc.NetworkEnergy(net, activity)
    assert not activity.protocol.runs_on and energy.estimate("cpu").power_W is None
    assert "Per inference" in energy.summary_string()


def test_learning_runs_on():
    net, given = network()
    with net:
        a, b = net.ensembles
        learned = nengo.Connection(a, b, learning_rule_type=nengo.PES())
        nengo.Connection(given, learned.learning_rule)
    activity = nsc.measure(net, {given: np.ones((2, 1))}, 20, simulator="nengo", progress=False)
    assert activity.protocol.runs_on


def test_break_even_runs_the_opponent_at_every_step():
    results = [nsc.break_even(*measured(n_steps)) for n_steps in (100, 1000)]
    for n_steps, result in zip((100, 1000), results):
        sides = result.sides
        # `a` gets its input from the host on both sides
        step_J = A * B * sides.opponent.energy_per_synop_J
        neurons_J = (A + B) * sides.opponent.energy_per_neuron_J
        assert result.network.total.ann_J == pytest.approx(n_steps * (step_J + neurons_J))
        assert result.widths.activations == 8
        assert "dense pass at every step" in result.summary_string()
        assert result.to_dict()["presentation"]["runs_on"] is True
    first, second = (r.network.total for r in results)
    assert second.ratio == pytest.approx(first.ratio)
    assert results[0].verdict == results[1].verdict and "W" in results[0].verdict


def test_comparison_and_estimate_show_power():
    net, activity = measured(100)
    compared = nsc.compare(net, activity)
    cpu_W = compared.row("per_operation", "cpu").estimate.power_W
    assert f"{1e6 * cpu_W:.3g} uW" in compared.summary_string(130)
    assert json.loads(compared.to_json())["rows"][0]["power_W"] == cpu_W
    assert "Power on cpu" in str(nsc.NetworkEnergy(net, activity).estimate("cpu"))


@pytest.mark.parametrize("n_steps", [100, 1000])
def test_a_chip_that_waits_for_its_next_step(n_steps):
    """Events of the cores over the time that they stand for, and static power all the time."""
    counts = {"n_cores": 2, "n_compartments": 100, "dt": 0.001}
    work = ChipWork.by_hand(n_steps=n_steps, synops=5000.0 * n_steps, **counts)
    cost = price_chip(work)
    ran_s = n_steps * 0.001
    assert cost.latency_s.nominal < ran_s
    cores_W = cost.energy_J("core dynamic").nominal / ran_s
    assert cost.running_W("core dynamic").nominal == pytest.approx(cores_W)
    static_W = sum(
        cost.parts_J[part].nominal for part in ("static chips", "static cores")
    ) / cost.latency_s.nominal  # fmt: skip
    clock_W = cost.parts_J["x86 clock"].nominal / cost.latency_s.nominal
    code_W = cost.parts_J["x86 code"].nominal / ran_s
    assert cost.running_W("chip").nominal == pytest.approx(cores_W + static_W + clock_W + code_W)


def test_a_deployed_network_that_runs_on():
    """The emulated chip: what its cores spend over simulated time, in the verdict too."""
    kinds = {
        "neuron_type": stack.nengo_loihi().neurons.LoihiSpikingRectifiedLinear(
            initial_state={"voltage": nengo.dists.Choice([0])}
        )
    }
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(A, 1, gain=np.ones(A), bias=np.full(A, RATE), label="a", **kinds)
        b = nengo.Ensemble(B, 1, gain=np.ones(B), bias=np.zeros(B), label="b", **kinds)
        nengo.Connection(a.neurons, b.neurons, transform=np.full((B, A), 0.5))
    activity = nsc.measure(net, None, 50, simulator="loihi", progress=False)
    cost = nsc.loihi.chip_cost(activity)
    assert cost.work.runs_on
    watts = cost.energy_J("core dynamic").nominal / 0.05
    assert cost.running_W("core dynamic").nominal == pytest.approx(watts)
    assert "while it runs" in cost.summary_string() and "W its cores" in cost.summary_string()
