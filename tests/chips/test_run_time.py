"""Spikes of every step against the reference simulator, and what follows from them."""

from __future__ import annotations

import json

import nengo
import numpy as np
import pytest

from nengo_spikecost import chips, errors
from nengo_spikecost.chips.network_parts import NetworkParts
from nengo_spikecost.chips.step_recording import step_spikes

from .networks import chain

N_STEPS = 30


@pytest.fixture(scope="module")
def network():
    rng = np.random.RandomState(3)
    hidden = np.zeros((20, 20))
    hidden[:12, 12:] = rng.rand(12, 8) * (rng.rand(12, 8) < 0.5)
    hidden[12:, 12:] = 0.2 * rng.randn(8, 8)
    into = np.zeros((5, 20))
    into[:, :12] = rng.rand(5, 12)
    readout = np.zeros((20, 3))
    readout[12:] = rng.rand(8, 3)
    return chain({"input": into, "hidden": hidden, "readout": readout}, (12, 8), synapse=0.004)


@pytest.fixture(scope="module")
def events():
    return (np.random.RandomState(4).rand(3, N_STEPS, 5) < 0.3) * 80.0


def reference(network, sample):
    """Which neurons fired at which step, by Nengo itself."""
    with network.copy() as own:
        own.nodes[0].output = nengo.processes.PresentInput(sample, 0.001)
        probes = [nengo.Probe(ens.neurons) for ens in own.all_ensembles]
    with nengo.Simulator(own, progress_bar=False) as sim:
        sim.run_steps(N_STEPS, progress_bar=False)
        return [sim.data[probe] > 0 for probe in probes]


def test_spikes_of_every_step_are_those_of_nengo(network, events):
    parts = NetworkParts.of(network)
    spikes = step_spikes(parts, network, events, spike_input=True)
    for sample in range(len(events)):
        theirs = reference(network, events[sample])
        for ens, fired in zip(network.all_ensembles, theirs):
            np.testing.assert_array_equal(spikes.fired[ens.label][sample], fired)
            assert fired.any()
    np.testing.assert_array_equal(spikes.inputs["input"], events > 0)


def test_cycles_are_those_of_each_neuron_counted_by_hand(network, events):
    found = chips.run_time("xylo_audio3", network, events, spike_input=True)
    into = (network.connections[0].transform.init != 0).T
    for sample in range(len(events)):
        a, b, _ = reference(network, events[sample])
        within = sum(
            fired @ (conn.transform.init != 0).sum(axis=0)
            for conn in network.connections
            for pre, fired in ((network.layers[0], a), (network.layers[1], b))
            if conn.pre_obj == pre.neurons and conn.post_obj != network.last.neurons
        )
        by_hand = (
            5 + 3.5 * into.any(axis=0).sum() * (events[sample] > 0).sum(axis=1) + 22 * 20
            + 7 * within + 3 * (a.sum(axis=1) + b.sum(axis=1)) + (1 + 8 * 3) * b.sum(axis=1)
            + 12 * 3
        )  # fmt: skip
        np.testing.assert_allclose(found.steps[sample], by_hand)


def test_values_are_taken_for_active_at_every_step_and_said_so(network):
    values = np.random.RandomState(5).rand(2, 5) * 50
    found = chips.run_time("xylo_audio3", network, values, N_STEPS)
    assert found.assumed == ("input",)
    assert np.all(found.counts["input_events_times_targets"] == 5 * 12)
    assert "* At most: input gives values" in str(found)


def test_values_that_are_no_events_are_refused_as_events(network):
    with pytest.raises(errors.DataError, match="whole numbers"):
        chips.run_time("xylo_imu", network, np.full((1, 5), 0.5), 4, spike_input=True)


def test_the_clock_is_that_of_the_longest_step(network, events):
    found = chips.run_time("xylo_imu", network, events, spike_input=True)
    assert found.clock_Hz() == found.steps.max() / 0.001
    assert found.clock_Hz(0.2) == pytest.approx(1.2 * found.clock_Hz())
    assert found.worst_step >= found.steps.max()
    low, high = found.energy_range_J
    assert (low, high) == (pytest.approx(188.17e-6 * 0.03), pytest.approx(216.28e-6 * 0.03))
    content = json.loads(found.to_json())
    assert content["step"]["means"] == pytest.approx(found.steps.mean(axis=0).tolist())
    assert max(map(len, str(found).splitlines())) <= 80


def test_no_power_is_told_of_a_clock_at_which_none_was_measured(network, events):
    # steps of 10 us need about 100 MHz, and powers were measured at 6.25
    found = chips.run_time("xylo_imu", network, events, dt=1e-5, spike_input=True)
    assert found.clock_Hz() > 6.25e6 and found.energy_range_J is None
    assert "No energy of an operation is published" in str(found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dt": -1.0}, "dt must be a positive time"),
        ({"dt": float("nan")}, "dt must be a positive time"),
        ({"seed": -1}, "seed must be"),
        ({"spike_input": "yes"}, "spike_input must be True or False"),
        ({"n_steps": 10**9}, "give fewer samples or steps"),
        ({"n_steps": 0}, "n_steps must be"),
    ],
)
def test_wrong_arguments_are_said(network, options, words):
    options = {"n_steps": 3, **options}
    with pytest.raises(errors.SpikeCostError, match=words):
        chips.run_time("xylo_imu", network, np.ones((1, 5)), **options)


@pytest.mark.parametrize("neuron_type", [nengo.RectifiedLinear(), nengo.Sigmoid()])
def test_neurons_that_send_values_have_no_steps_of_spikes(neuron_type):
    weights = {"input": np.ones((2, 3)), "hidden": np.zeros((3, 3)), "readout": np.ones((3, 2))}
    graded = chain(weights, (3,), neuron_type=neuron_type)
    with pytest.raises(
        errors.ChipError, match=f"{type(neuron_type).__name__} neurons, which send values"
    ):
        chips.run_time("xylo_imu", graded, np.ones((1, 4, 2)))
    # what SpiNNaker 2's layers take does not hang on what neurons send
    assert chips.run_time("spinnaker2", graded, np.ones((1, 4, 2))).steps.min() > 0


def test_host_populations_are_inputs_with_events_of_their_own():
    from nengo_spikecost.loihi import mark_off_chip

    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = nengo.SpikingRectifiedLinear()
        values = {"gain": np.full(6, 100.0), "bias": np.full(6, 300.0)}
        source = nengo.Ensemble(6, 1, label="source", **values)
        inner = nengo.Ensemble(4, 1, label="inner", gain=np.ones(4), bias=np.zeros(4))
        last = nengo.Ensemble(2, 1, label="last", gain=np.ones(2), bias=np.zeros(2))
        nengo.Connection(source.neurons, inner.neurons, transform=np.ones((4, 6)))
        nengo.Connection(inner.neurons, last.neurons, transform=np.ones((2, 4)))
        nengo.Probe(last.neurons)
    mark_off_chip(net, [source])
    found = chips.run_time("xylo_imu", net, None, 20)
    with net:
        probe = nengo.Probe(source.neurons)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(20, progress_bar=False)
        fired = (sim.data[probe] > 0).sum(axis=1)
    assert found.assumed == () and fired.any()
    np.testing.assert_array_equal(found.counts["input_events_times_targets"][0], 4 * fired)
