"""What the batched emulation counts beyond totals: step by step, on the host, overflows."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.errors import EmulationWarning
from nengo_spikecost.loihi.emulation import Emulator
from nengo_spikecost.loihi.emulation.emulation_records import OVERFLOWS

from .emulated import IMAGES, Reference, assert_same_counts, nef_network, spiking_network
from .networks import STEPS, Layers

loihi = stack.nengo_loihi()


def assert_steps_sum_up(run):
    """Steps add up to the totals, exactly."""
    steps, n = run.by_step, len(run.block_of)
    kinds = np.zeros((run.n_samples, n, len(steps.synops)), dtype=int)
    events = np.zeros((run.n_samples, n), dtype=int)
    for synapses, synops, arrived in zip(run.synapses, run.synops.T, run.axon_events.T):
        kinds[:, synapses.block, list(steps.synops).index(synapses.kind)] += synops
        events[:, synapses.block] += arrived
    for k, found in enumerate(steps.synops.values()):
        np.testing.assert_array_equal(found.sum(axis=1), kinds[..., k])
    np.testing.assert_array_equal(steps.axon_events.sum(axis=1), events)
    np.testing.assert_array_equal(steps.spikes.sum(axis=1), run.block_spikes())
    np.testing.assert_array_equal(steps.with_input.sum(axis=1), run.with_input)
    np.testing.assert_array_equal(steps.active.sum(axis=1), run.active)
    np.testing.assert_array_equal(steps.host_to_chip.sum(axis=1), run.host_to_chip().sum(axis=1))
    between = run.messages_between()
    np.testing.assert_array_equal(steps.messages_out.sum(axis=(0, 1)), between[:n].sum(axis=1))
    assert steps.host_to_chip.dtype == steps.spikes.dtype == np.int64


def assert_same_steps(run, expected, sample=0):
    """Each step is that of NengoLoihi's emulator."""
    steps = run.by_step
    for name in ("spikes", "with_input", "active"):
        np.testing.assert_array_equal(getattr(steps, name)[sample], expected.by_step[name])
    for name, found in (
        ("synops", sum(steps.synops.values())),
        ("axon_events", steps.axon_events),
    ):
        by_block = np.zeros_like(found[sample])
        for synapses, values in zip(run.synapses, np.transpose(expected.by_step[name])):
            by_block[:, synapses.block] += values
        np.testing.assert_array_equal(found[sample], by_block)


@pytest.mark.parametrize("feedback", [False, True])
def test_steps_of_decoded_values(feedback):
    net = nef_network(feedback)
    expected = Reference(net, 40)
    with Emulator(net, model=expected.model) as emulator:
        run = emulator.run(n_steps=40, by_step=True)
    assert_steps_sum_up(run)
    assert_same_steps(run, expected)
    assert_same_counts(run, expected)


def test_steps_of_every_sample():
    layers = spiking_network(IMAGES[0])
    with Emulator(layers.net, batch_size=3, n_threads=2) as emulator:
        run = emulator.run(IMAGES, STEPS, by_step=True)
        without = emulator.run(IMAGES, STEPS)
    assert without.by_step is None
    np.testing.assert_array_equal(without.with_input, run.with_input)
    np.testing.assert_array_equal(without.active, run.active)
    assert_steps_sum_up(run)
    assert set(run.by_step.synops) == {"conv", "dense"}
    for sample, image in enumerate(IMAGES):
        expected = Reference(spiking_network(image).net)
        assert_same_steps(run, expected, sample)
    # what the host fires in a step arrives in the next one
    arrived = run.by_step.axon_events[:, :, :-1].sum(axis=2)
    silent = run.by_step.host_to_chip == 0
    assert silent.any() and not silent.all() and (arrived[:, 0] == 0).all()
    assert (arrived[:, 1:][silent[:, :-1]] == 0).all()


def test_steps_of_a_continuous_presentation():
    layers = spiking_network(nengo.processes.PresentInput(IMAGES[:4], STEPS * 0.001))
    expected = Reference(layers.net, 4 * STEPS)
    with Emulator(layers.net, batch_size=1) as emulator:
        run = emulator.run(IMAGES[:4], STEPS, presentation="continuous", by_step=True)
    assert_steps_sum_up(run)
    for name in ("spikes", "with_input", "active"):
        found = np.concatenate(getattr(run.by_step, name))
        np.testing.assert_array_equal(found, expected.by_step[name])


@pytest.mark.parametrize(
    "neuron_type",
    [
        nengo.SpikingRectifiedLinear(amplitude=0.7),
        nengo.LIF(amplitude=0.2),
        nengo.PoissonSpiking(nengo.RectifiedLinear()),
        nengo.RectifiedLinear(amplitude=0.5),
        nengo.Tanh(),
    ],
    ids=str,
)
def test_neurons_of_the_host_are_counted(neuron_type):
    """Also several spikes in a step, and those of neurons that nothing on the chip reads."""
    layers = Layers(12, seed=3)
    a = layers.population(5, "a")
    layers.connect(layers.encoder, a, layers.weights(12, 5).T)
    with layers.net:
        beside = nengo.Ensemble(
            7, 1, neuron_type=neuron_type, gain=np.ones(7), bias=np.linspace(-300, 2500, 7)
        )
        layers.net.config[beside].on_chip = False
        after = nengo.Ensemble(5, 1, neuron_type=nengo.SpikingRectifiedLinear(), bias=np.zeros(5))
        after.gain = np.ones(5)
        layers.net.config[after].on_chip = False
        nengo.Connection(a.neurons, after.neurons, synapse=0.005)
        own = {e: nengo.Probe(e.neurons) for e in (layers.encoder, beside, after)}
    given = np.random.RandomState(0).uniform(0, 2000, (3, 12))
    with Emulator(layers.net, batch_size=2) as emulator:
        run = emulator.run({layers.input: given}, 25, readout="all")
    assert set(run.host_counts) == {layers.encoder, beside, after}
    for ensemble, probe in own.items():
        kind = ensemble.neuron_type
        values = np.abs(run.outputs[probe].steps) * 0.001 / getattr(kind, "amplitude", 1.0)
        found = run.host_counts[ensemble]
        if kind.spiking:
            assert found.dtype.kind == "u"
            np.testing.assert_array_equal(found, np.rint(values).sum(axis=1))
        else:
            np.testing.assert_allclose(found, values.sum(axis=1), rtol=1e-12)
        assert found.sum() > 0
    fired = run.spikes[:, run.input_of[0]]
    np.testing.assert_array_equal(run.host_counts[layers.encoder], fired)


def test_what_the_host_fires_and_does_not_send():
    """A stride passes over the last row and column: their pixels have no axons."""
    layers = Layers(16, seed=2)
    layers.input.output = np.linspace(100, 400, 16)
    pixels = layers.convolution(2, (4, 4, 1), kernel_size=(1, 1), strides=(3, 3))
    a = layers.population(pixels.size_out, "a")
    layers.net.config[layers.connect(layers.encoder, a, pixels)].pop_type = 32
    with Emulator(layers.net) as emulator:
        run = emulator.run(n_steps=40, by_step=True)
    corners = [0, 3, 12, 15]  # rows and columns 0 and 3
    fired = run.spikes[0, run.input_of[0]]
    assert fired.all() and run.host_to_chip().tolist() == [[fired[corners].sum()]]
    assert run.by_step.host_to_chip.sum() == fired[corners].sum()
    # NengoLoihi's own axons, one for each neuron that has any
    axons = run.routes[-1].messages
    assert np.flatnonzero(axons).tolist() == corners
    # each spike of them arrives, but for that of the last step
    late = run.by_step.host_to_chip[0, -1]
    assert run.messages_to().sum() == fired[corners].sum() - late


def strong_network(n_inputs):
    """All weights are the largest that there are: many at once do not fit."""
    layers = Layers(n_inputs, seed=0)
    layers.input.output = np.full(n_inputs, 2000.0)
    a, b = layers.population(5, "a"), layers.population(5, "b")
    layers.connect(layers.encoder, a, np.full((5, n_inputs), 0.2), synapse=0.05)
    layers.connect(layers.encoder, b, np.full((5, n_inputs), 0.001), synapse=0.05)
    return layers


@pytest.mark.parametrize("n_inputs", [20, 40, 200])
def test_overflows_are_those_of_nengo_loihi(n_inputs):
    layers = strong_network(n_inputs)
    expected = Reference(layers.net, 30)
    said = {str(w.message) for w in expected.warnings if "Overflow" in str(w.message)}
    emulator = Emulator(layers.net, model=expected.model)
    with emulator, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        run = emulator.run(n_steps=30)
    assert [w.category for w in warned] == [EmulationWarning] * bool(said)
    assert all("of a" in str(w.message) for w in warned)
    found = {f"Overflow in {OVERFLOWS[k]}" for k in np.flatnonzero(run.overflows.any(axis=(0, 1)))}
    assert found == said
    assert not run.overflows[:, 1].any() or n_inputs > 40
