"""What a pause without an image leaves of the one before: spikes die out, voltages do not."""

from __future__ import annotations

import sys
from pathlib import Path

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import loihi, stack
from tests.loihi.test_first_steps import keras_model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def few_steps():
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        import few_steps

        return few_steps
    finally:
        sys.path.remove(str(ROOT / "examples"))


def driven(neuron_type):
    """Neurons on the chip that a few spikes of the host leave below their threshold."""
    with nengo.Network(seed=0) as network:
        stack.nengo_loihi().add_params(network)
        given = nengo.Node([0.0], label="given")
        spiking = stack.nengo_loihi().neurons.LoihiSpikingRectifiedLinear()
        always = {"gain": nengo.dists.Choice([1]), "bias": nengo.dists.Choice([0])}
        host = nengo.Ensemble(1, 1, neuron_type=spiking, **always)
        network.config[host].on_chip = False
        nengo.Connection(given, host.neurons, transform=[[1500.0]], synapse=None)
        chip = nengo.Ensemble(4, 1, neuron_type=neuron_type, **always)
        weights = np.array([[0.05], [0.1], [0.15], [0.2]])
        nengo.Connection(host.neurons, chip.neurons, transform=weights, synapse=None)
        nengo.Probe(chip.neurons)
    return network, given


def voltages(neuron_type, n_silent):
    network, given = driven(neuron_type)
    with loihi.Emulator(network, batch_size=1) as emulator:
        shown = np.zeros((1, 3 + n_silent, 1))
        shown[:, :3] = 1
        emulator.run({given: shown}, 3 + n_silent, presentation="continuous")
        return emulator.voltages()[0]


def test_neurons_without_leak_keep_their_voltage_and_others_forget_it():
    kinds = stack.nengo_loihi().neurons
    # with time for the last spike to arrive, and for what a synapse keeps of it
    kept = voltages(kinds.LoihiSpikingRectifiedLinear(), 20)
    assert (kept > 0).all() and (np.diff(kept) > 0).all()
    np.testing.assert_array_equal(voltages(kinds.LoihiSpikingRectifiedLinear(), 500), kept)
    leaking = voltages(kinds.LoihiLIF(tau_rc=0.005), 20)
    assert (voltages(kinds.LoihiLIF(tau_rc=0.005), 500) < np.maximum(leaking, 1)).all()


def test_images_one_after_another_are_read_where_their_own_spikes_are(few_steps):
    classes = np.random.RandomState(0).randint(0, 3, 24)
    x = np.eye(4)[classes]
    chip = few_steps.Chip(keras_model(), 1500, None, "mean")
    assert chip.first == 3
    for pause in (0, 1, 4):
        way = few_steps.without_reset(chip, x, classes, 6, pause)
        # every step of an image but its own delay, and the last of each lane left out
        assert way.accuracy == 1 and way.n_images == 24 - 12
    late = few_steps.Chip(keras_model(), 1500, None, "mean")
    late.first += 6
    assert few_steps.without_reset(late, x, classes, 6, 0).accuracy < 0.8


def test_a_host_that_is_silent_in_the_last_steps_changes_no_output(few_steps):
    from nengo_spikecost.demo import demo_data, demo_model

    x = demo_data().x_test[:10]
    scales = {"to-spikes": 700, "conv0": 700, "conv1": 1000, "dense0": 2000}
    chip = few_steps.Chip(demo_model(), scales, None, "mean")
    whole, part = chip.run(x, 9), chip.run(x, 9, 9 - chip.first + 1)
    (all_along,), (at_first,) = (done.activity.outputs.values() for done in (whole, part))
    np.testing.assert_array_equal(at_first.mean, all_along.mean)
    synops = [done.activity.chip.total_synops().sum() for done in (whole, part)]
    assert synops[1] < 0.9 * synops[0]
    shorter = chip.run(x, 9, 9 - chip.first)
    (too_short,) = shorter.activity.outputs.values()
    assert (too_short.mean != all_along.mean).any()
    assert isinstance(whole, nsc.loihi.Deployment)
