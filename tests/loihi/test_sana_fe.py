"""Networks handed to SANA-FE: the same spikes, counts and, by its constants, energies."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from nengo_spikecost.errors import DataError, LoihiError
from nengo_spikecost.loihi import Emulator, Mesh, place
from nengo_spikecost.loihi.sana_fe import (
    read_constants,
    record_spikes,
    replay,
    sana_fe_check,
    to_sana_fe,
)

from .emulated import Reference
from .networks import Layers, recurrent

STEPS = 25

needs_sana_fe = pytest.mark.skipif(
    importlib.util.find_spec("sanafe") is None,
    reason="SANA-FE is not installed: pip install 'nengo-spikecost[sanafe]'",
)


def dense():
    """Two layers with weights from all to all."""
    layers = Layers(20)
    hidden, out = layers.population(40, "hidden"), layers.population(30, "out")
    layers.connect(layers.encoder, hidden, layers.weights(20, 40).T)
    layers.connect(hidden, out, layers.weights(40, 30).T)
    return layers.net


def convolutional():
    """A convolution from the host, one on the chip, and weights to some of the neurons."""
    layers = Layers(7 * 7 * 2)
    first = layers.convolution(4, (7, 7, 2), kernel_size=(3, 3), strides=(2, 2))
    second = layers.convolution(6, first.output_shape, kernel_size=(2, 2))
    one = layers.population(first.output_shape.size, "one")
    two = layers.population(second.output_shape.size, "two")
    three = layers.population(20, "three")
    layers.connect(layers.encoder, one, first)
    layers.connect(one, two, second)
    layers.connect(two, three, layers.weights(second.output_shape.size, 20).T)
    return layers.net


NETWORKS = {f.__name__: f for f in (dense, convolutional, recurrent)}


@pytest.fixture(scope="module", params=NETWORKS)
def recorded(request):
    net = NETWORKS[request.param]()
    recording = record_spikes(net, n_steps=STEPS)
    return recording, place(net, model=recording.built.model)


def test_a_recording_is_the_run_step_by_step(recorded):
    """Its counts add up to those of the whole sample, which tests hold against NengoLoihi."""
    recording, _ = recorded
    with Emulator(recording.built.network, batch_size=1, model=recording.built.model) as emulator:
        run = emulator.run(n_steps=STEPS)
    chip = recording.chip
    assert recording.spikes.shape == (STEPS, run.spikes.shape[1])
    assert recording.n_steps == STEPS
    np.testing.assert_array_equal(recording.spikes.sum(axis=0), run.spikes[0])
    np.testing.assert_array_equal(chip.spikes, run.block_spikes())
    np.testing.assert_array_equal(chip.with_input, run.with_input)
    np.testing.assert_array_equal(chip.active, run.active)
    np.testing.assert_array_equal(chip.total_synops().sum(axis=1), run.synops.sum(axis=1))
    np.testing.assert_array_equal(chip.axon_events, run.messages_to())
    np.testing.assert_array_equal(chip.messages_between, run.messages_between())
    np.testing.assert_array_equal(chip.chip_to_host, run.chip_to_host)
    for name, counts in chip.synops.items():
        np.testing.assert_array_equal(counts, chip.by_step.synops[name].sum(axis=1))
    np.testing.assert_array_equal(chip.spikes, chip.by_step.spikes.sum(axis=1))


def test_inputs_of_each_step():
    net = dense()
    node = net.all_nodes[0]
    values = np.random.RandomState(1).uniform(100, 300, (1, 6, 20))
    recording = record_spikes(net, {node: values}, n_steps=6)
    with Emulator(net, batch_size=1) as emulator:
        run = emulator.run({node: values}, 6)
    np.testing.assert_array_equal(recording.spikes.sum(axis=0), run.spikes[0])
    with pytest.raises(DataError, match=r"hold 3 samples .* expected one"):
        record_spikes(net, np.zeros((3, 20)), n_steps=6)


@pytest.fixture(scope="module")
def replayed(recorded):
    exported = to_sana_fe(recorded[1], recorded[0])
    return exported, {timing: replay(exported, timing) for timing in ("simple", "detailed")}


@pytest.fixture(scope="module")
def reference(recorded):
    """NengoLoihi's own emulator, counted by brute force."""
    built = recorded[0].built
    return Reference(built.network, STEPS, model=built.model)


@needs_sana_fe
@pytest.mark.parametrize("timing", ["simple", "detailed"])
def test_sana_fe_counts_what_the_emulator_counts(recorded, replayed, reference, timing):
    """Spikes, updates, synops and messages of every step, and their energies.

    SANA-FE delivers a spike in the step in which it was fired, NengoLoihi in the next: what
    it says of step t is compared with t + 1.
    """
    recording, _ = recorded
    exported, run = replayed[0], replayed[1][timing]
    chip, steps = recording.chip, recording.chip.by_step
    np.testing.assert_array_equal(run.fired, steps.spikes[0].sum(axis=1))
    # SANA-FE updates what has input, fires, has a bias, or has a potential that is not 0
    updates = run.updated.sum()
    assert updates == reference.charged.sum()
    charged_only = reference.charged.sum() - chip.with_input.sum()
    assert charged_only > 0  # so voltages that leak are in it
    synops = sum(counts[0].sum(axis=1) for counts in steps.synops.values())
    np.testing.assert_array_equal(run.synops[:-1], synops[1:])
    np.testing.assert_array_equal(run.messages[:-1], steps.axon_events[0, 1:].sum(axis=1))

    energy = exported.constants.energy
    soma = (
        energy["neuron_access"] * chip.updates(STEPS).sum()
        + energy["neuron_update"] * updates
        + energy["spike_out"] * chip.spikes.sum()
    )
    # float32 is what SANA-FE's traces are printed in
    np.testing.assert_allclose(run.soma_J.sum(), soma, rtol=1e-6)
    synapses = sum(
        energy[name] * counts[0, 1:].sum(axis=1) for name, counts in steps.synops.items()
    )
    np.testing.assert_allclose(run.synapse_J[:-1], synapses, rtol=1e-6, atol=1e-18)


@needs_sana_fe
def test_messages_and_hops_of_the_chip(recorded, replayed):
    """Without the host's messages, network energy is that of messages and the mapping's hops."""
    recording, mapping = recorded
    exported, run = replayed[0], replayed[1]["simple"]
    n_cores = recording.chip.n_cores
    between = recording.chip.messages_between[:n_cores]
    east_west, north_south, _ = mapping.mesh.hops(
        mapping.positions[:, None], mapping.positions[None, :]
    )
    energy = exported.constants.energy
    expected = (
        between
        * (
            energy["message_out"]
            + energy["east_west"] * east_west
            + energy["north_south"] * north_south
        )
    ).sum()
    # all but the last step: its spikes are not delivered any more on the emulated chip
    found = (run.network_J - run.host_network_J)[:-1].sum()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (run.messages - run.host_messages)[:-1].sum() == between.sum()


@needs_sana_fe
def test_times_are_no_less_than_what_a_core_receives_takes(recorded, replayed):
    """A step is no shorter than the messages and synops of any core, from our counts."""
    recording, _ = recorded
    exported, run = replayed[0], replayed[1]["simple"]
    constants, steps = exported.constants, recording.chip.by_step
    latency = constants.latency
    received = latency["message_in"] * steps.axon_events[0, 1:] + sum(
        latency[name] * counts[0, 1:] for name, counts in steps.synops.items()
    )
    compute = run.step_s - run.sync_s
    assert (compute[:-1] >= received.max(axis=1) - 1e-12).all()
    detailed = replayed[1]["detailed"]
    assert (detailed.step_s >= run.step_s - 1e-12).all()  # the same work, and waiting


@needs_sana_fe
def test_the_constants_that_are_read():
    constants = read_constants()
    assert (constants.width, constants.height, constants.cores_per_tile) == (8, 4, 4)
    assert constants.n_cores == 128
    assert constants.sync_s(1) < constants.sync_s(3) == constants.sync_s(2) < constants.sync_s(32)
    assert set(constants.energy) == set(constants.latency)


@needs_sana_fe
def test_what_cannot_be_handed_over(recorded, tmp_path):
    recording, mapping = recorded
    with pytest.raises(LoihiError, match="two models"):
        to_sana_fe(place(recording.built.network), recording)
    other = place(recording.built.network, model=recording.built.model, mesh=Mesh(4, 4, 8))
    with pytest.raises(LoihiError, match=r"on a mesh of \(4, 4, 8\)"):
        to_sana_fe(other, recording)
    with pytest.raises(LoihiError, match="timing must be one of"):
        replay(to_sana_fe(mapping, recording), "fast")
    with pytest.raises(LoihiError, match="Cannot read"):
        read_constants(tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").write_text("architecture:\n")
    with pytest.raises(LoihiError, match="no unit 'loihi_lif'"):
        read_constants(tmp_path / "empty.yaml")


@needs_sana_fe
def test_more_than_one_chip_is_refused(recorded):
    recording, _ = recorded
    if recording.chip.n_cores < 2:
        pytest.skip("one core is always on one chip")
    mapping = place(recording.built.network, model=recording.built.model, cores_per_chip=1)
    with pytest.raises(LoihiError, match=r"on \d chips, and SANA-FE's Loihi is one chip"):
        to_sana_fe(mapping, recording)


@needs_sana_fe
@pytest.mark.parametrize("profile", ["silicon", "davies2018"])
def test_our_price_and_theirs_differ_by_known_causes_only(recorded, profile):
    """With its own constants and with others, to what float64 sums and their traces round."""
    recording, _ = recorded
    check = sana_fe_check(recording, profile=profile, timing="simple")
    for part in check.ours_J:
        assert abs(check.unexplained_J(part)) < 1e-6 * check.total_theirs_J, part
    text = str(check)
    assert "not explained" not in text
    assert "messages of the host" in text
    assert ("other constants" in text) == (profile != "silicon")
    if profile == "silicon":
        # the slowest core and the barrier, of spikes delivered a step apart; tiles of the host
        assert check.step_theirs_s == pytest.approx(check.step_ours_s, rel=0.25)


@needs_sana_fe
def test_one_message_a_core_where_loihi_sends_two():
    """Two Connections to one core: NengoLoihi sends a message for each."""
    layers = Layers(10)
    a, b = layers.population(20, "a"), layers.population(15, "b")
    layers.connect(layers.encoder, a, layers.weights(10, 20).T)
    layers.connect(a, b, layers.weights(20, 15).T)
    layers.connect(a, b, layers.weights(20, 15).T, synapse=None)
    check = sana_fe_check(record_spikes(layers.net, n_steps=STEPS))
    reasons = {cause.reason: cause.energy_J for cause in check.causes}
    assert reasons["one message a core, where Loihi sends one a set of synapses"] < 0
    assert abs(check.unexplained_J("messages")) < 1e-6 * check.total_theirs_J


def test_without_sana_fe(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LoihiError, match=r"pip install 'nengo-spikecost\[sanafe\]'"):
        read_constants()
