"""Frames: what an input costs that stays, changes, or is tiled over time.

Right values are by hand: weights x passes x Joules a multiply-accumulate.
"""

from __future__ import annotations

from contextlib import nullcontext

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.activity.samples import Batch, Frames

STEPS = 10


def two_layers(temporal=False):
    shape = (None, 6) if temporal else (6,)
    inp = tf.keras.Input(shape, name="inp")
    x = tf.keras.layers.Dense(5, activation="relu", name="first")(inp)
    x = tf.keras.layers.Dense(4, activation="relu", name="second")(x)
    out = tf.keras.layers.Dense(3, name="out")(x)
    return nsc.convert(tf.keras.Model(inp, out), scale_firing_rates=100)


def energies(conversion, data, n_steps=None):
    activity = nsc.measure(conversion, data, n_steps, progress=False)
    energy = nsc.NetworkEnergy(conversion, activity)
    loihi = energy.estimate("loihi")
    by_role = {role: sum(w.macs for w in loihi.host if w.role == role) for role in ("input",)}
    return activity, energy, by_role["input"]


IMAGES = np.random.RandomState(0).uniform(0, 1, (3, 6)).astype("f4")
TILED = np.tile(IMAGES[:, None], (1, STEPS, 1))
FILM = np.random.RandomState(1).uniform(0, 1, (3, STEPS, 6)).astype("f4")
HELD = np.repeat(FILM[:, :2], STEPS // 2, axis=1)


@pytest.mark.parametrize(
    "data, frames", [(IMAGES, 1), (TILED, 1), (FILM, STEPS), (HELD, 2)],
    ids=["image", "tiled", "film", "two frames"],
)  # fmt: skip
def test_dense_devices_and_the_host_work_once_a_frame(data, frames):
    conversion = two_layers()
    activity, energy, host_macs = energies(conversion, data, STEPS)
    assert activity.protocol.frames == frames
    assert activity.protocol.constant_inputs == (frames == 1)
    # 6 x 5 weights of the input; biases are part of the neurons' updates
    assert host_macs == 30 * frames
    macs, neurons = 6 * 5 + 5 * 4 + 4 * 3, 9
    assert energy.workload().dense_passes == frames
    cpu = energy.estimate("cpu")
    synop_J = sum(layer.mean_J("synop") for layer in cpu.layers)
    neuron_J = sum(layer.mean_J("neuron") for layer in cpu.layers)
    assert synop_J == pytest.approx(frames * macs * cpu.device.energy_per_synop_J)
    assert neuron_J == pytest.approx(frames * neurons * cpu.device.energy_per_neuron_J)
    if frames > 1:
        assert f"{frames} times" in energy.summary_string()
        assert f"{frames} different frames" in activity.summary_string()


def test_break_even_against_as_many_passes():
    conversion = two_layers()
    once, often = (
        nsc.break_even(conversion, nsc.measure(conversion, x, STEPS, progress=False))
        for x in (TILED, FILM)
    )
    one, other = (r.sides.network.total.ann_J for r in (once, often))
    assert other == pytest.approx(STEPS * one)


def test_samples_of_both_kinds():
    """Two tiled images and a film: (1 + 1 + 10) / 3 = 4 frames."""
    activity, energy, host_macs = energies(two_layers(), np.concatenate([TILED[:2], FILM[:1]]))
    assert activity.protocol.frames == 4
    assert host_macs == 30 * 4
    assert energy.workload().dense_passes == 4


def test_one_input_of_two_is_tiled():
    """6 x 5 weights once, 2 x 4 at every step."""
    image, film = tf.keras.Input((6,), name="image"), tf.keras.Input((2,), name="film")
    a = tf.keras.layers.Dense(5, activation="relu", name="a")(image)
    b = tf.keras.layers.Dense(4, activation="relu", name="b")(film)
    out = tf.keras.layers.Dense(3, name="out")(tf.keras.layers.Concatenate()([a, b]))
    conversion = nsc.convert(tf.keras.Model([image, film], out), scale_firing_rates=100)
    for given in (IMAGES, TILED):
        activity, energy, host_macs = energies(
            conversion, {"image": given, "film": FILM[..., :2]}, STEPS
        )
        assert activity.protocol.input_frames == {"image": 1, "film": STEPS}
        assert not activity.protocol.constant_inputs
        assert host_macs == 30 + 8 * STEPS
        assert energy.workload().dense_passes == STEPS


def test_frames_by_brute_force():
    rng = np.random.RandomState(3)
    x, y = rng.randint(0, 2, (5, 8, 2)), rng.randint(0, 2, (5, 8, 1))
    for n_steps in (1, 5, 8):
        frames = Frames.of(Batch({"x": x, "y": y, "still": x[:, :1]}, None), n_steps)
        for i in range(5):
            joined = [(*x[i, k], *y[i, k]) for k in range(n_steps)]
            expected = 1 + sum(a != b for a, b in zip(joined, joined[1:]))
            assert frames.together[i] == expected
            own = [tuple(x[i, k]) for k in range(n_steps)]
            assert frames.of_inputs["x"][i] == 1 + sum(a != b for a, b in zip(own, own[1:]))
            assert frames.of_inputs["still"][i] == 1


@pytest.mark.parametrize("circle", ["neurons", "node"])
def test_a_recurrent_network_runs_at_every_step(circle):
    """Also with an input that stays: 4 weights in, 16 back (or 4 + 4), at each of 10 steps."""
    with nengo.Network(seed=0) as net:
        given = nengo.Node([1.0], label="given")
        a = nengo.Ensemble(4, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="a")
        nengo.Connection(given, a.neurons, transform=np.ones((4, 1)), synapse=None)
        if circle == "neurons":
            nengo.Connection(a.neurons, a.neurons, transform=np.full((4, 4), 0.001))
        else:
            node = nengo.Node(lambda t, x: x, size_in=1)
            nengo.Connection(a.neurons, node, transform=np.full((1, 4), 0.001))
            nengo.Connection(node, a.neurons, transform=np.ones((4, 1)))
    activity = nsc.measure(net, {given: np.ones((2, 1))}, STEPS, progress=False)
    with pytest.warns(nsc.errors.UncountedWarning) if circle == "node" else nullcontext():
        energy = nsc.NetworkEnergy(net, activity)
    assert activity.protocol.frames == 1
    assert energy.workload().dense_passes == STEPS
    cpu = energy.estimate("cpu")
    macs = 4 + 16 if circle == "neurons" else 4 + 4 + 4
    assert cpu.mean_J == pytest.approx(
        STEPS * (macs * cpu.device.energy_per_synop_J + 4 * cpu.device.energy_per_neuron_J)
    )


def test_sources_that_change_by_themselves():
    with nengo.Network(seed=0) as net:
        given, moving = nengo.Node([1.0], label="given"), nengo.Node(np.sin, label="moving")
        a = nengo.Ensemble(4, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="a")
        for node in (given, moving):
            nengo.Connection(node, a.neurons, transform=np.ones((4, 1)), synapse=None)
    activity = nsc.measure(net, {given: np.ones((2, 1))}, STEPS, progress=False)
    assert activity.protocol.frames == STEPS
    energy = nsc.NetworkEnergy(net, activity)
    assert energy.workload().dense_passes == STEPS
    assert sum(w.macs for w in energy.estimate("loihi").host) == 4 + 4 * STEPS


def test_frames_of_a_checkpoint(tmp_path):
    conversion = two_layers()
    for _ in range(2):
        activity = nsc.measure(conversion, HELD, progress=False, checkpoint=tmp_path, batch_size=2)
        assert activity.protocol.frames == 2
        assert activity.protocol.input_frames == {"inp": 2}
