"""Scales changed in place in compiled code, held against a new conversion and build of it.

Every expected number is from ``measure(convert(model, scale_firing_rates=scales), ...,
simulator="compiled")``, which tests/activity/test_compiled.py holds against Nengo itself.
"""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import MeasurementError, TuningError
from nengo_spikecost.tuning import RescalableNetwork
from nengo_spikecost.tuning.rescaling import network as rescaling
from nengo_spikecost.tuning.rescaling import rescaled_biases as biases
from tests.conversion.agreement import random_inputs, random_weights
from tests.lowering import architectures
from tests.models import conv_net, images, randomise
from tests.properties.keras_models import random_model
from tests.tuning.test_rescaling import N_STEPS, NEURON_TYPES, X, assert_same, quiet, random_scales

layers = tf.keras.layers


def check(network, x, scales, n_steps=N_STEPS, in_place=True):
    """One simulation in place against one fresh conversion and measurement a length."""
    found = network.run(x, n_steps, scales=scales)
    assert network.in_place == in_place, network.rebuilt_because
    options = {k: v for k, v in network.conversion.options.items() if k != "model"}
    fresh = nsc.convert(network.conversion.model, scale_firing_rates=scales, **options)
    for n in n_steps:
        expected = nsc.measure(
            fresh, x, n, batch_size=network.batch_size, dt=network.dt, seed=network.seed,
            presentation=network.presentation, progress=False, simulator="compiled",
        )  # fmt: skip
        assert expected.protocol.simulator == "compiled"
        assert_same(found[n], expected)
    return found


def n_spikes(activity):
    return sum(int(record.counts.sum()) for record in activity.populations.values())


def pooled_network(neuron_type, n_channels):
    """Two convolutions with max pooling between them, and a Dense layer; ``a``, ``b``, ``c``."""
    inp = x = tf.keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, activation="relu", name="a")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(n_channels, 2, strides=2, activation="relu", name="b")(x)
    x = layers.Dense(6, activation="relu", name="c")(layers.Flatten()(x))
    model = randomise(tf.keras.Model(inp, layers.Dense(3)(x)))
    return RescalableNetwork(
        model, neuron_type=NEURON_TYPES[neuron_type], synapse=0.005, max_pooling="average",
        simulator="compiled",
    )  # fmt: skip


@quiet
@pytest.mark.parametrize("neuron_type", NEURON_TYPES)
def test_equals_a_new_build(neuron_type):
    """Max pooling and biases among the layers; three settings of one build."""
    rng = np.random.RandomState(len(neuron_type))
    network = pooled_network(neuron_type, 5)
    assert network.layers == ("a", "b", "c")
    for _ in range(3):
        check(network, X, random_scales(network, rng))
    assert n_spikes(network.run(X, 11, scales=300)[11]) > 100


def test_thirty_settings_of_one_build():
    """Layers of few neurons, whose constants are equal at the scale of 1 and differ at others."""
    inp = x = tf.keras.Input((10,))
    for size in (9, 9, 9):
        x = layers.Dense(size, activation="relu", use_bias=size != 9)(x)
    model = randomise(tf.keras.Model(inp, layers.Dense(3)(x)))
    rng = np.random.RandomState(0)
    network = RescalableNetwork(
        model, neuron_type="LoihiSpikingRectifiedLinear", synapse=0.002, seed=2,
        simulator="compiled",
    )  # fmt: skip
    counts, built = [], set()
    for _ in range(30):
        found = check(network, X.reshape(-1, 10)[:5], random_scales(network, rng, low=5), (7, 12))
        counts.append(n_spikes(found[12]))
        built.add(network._loop._network)
    assert np.median(counts) > 20
    assert len(built) == 1


@quiet
@pytest.mark.parametrize(
    "name, lower",
    [("residual", True), ("residual", False), ("batch_norm_after", True), ("concatenate", True)],
)
def test_architectures(name, lower):
    rng = np.random.RandomState(len(name))
    network = RescalableNetwork(
        architectures.model(name), neuron_type="LIF", lower=lower, simulator="compiled"
    )
    for _ in range(2):
        check(network, X, random_scales(network, rng, low=2))


@quiet
@pytest.mark.parametrize("seed", [2, 14, 16])
def test_random_models(seed):
    """Several inputs and outputs, shared layers, relu6 and other sums of populations."""
    model = random_model(seed)
    x = dict(zip(model.input_names, random_inputs(model)))
    network = RescalableNetwork(model, synapse=0.003, seed=seed, simulator="compiled")
    rng = np.random.RandomState(seed)
    for _ in range(2):
        check(network, x, random_scales(network, rng))


def test_a_constant_beside_a_bias():
    """A batch normalization before relu6, whose second population has a bias of its own."""
    inp = tf.keras.Input((6,))
    x = layers.Dense(8, activation="relu")(inp)
    x = layers.BatchNormalization()(layers.Dense(7)(x))
    out = layers.Dense(3)(layers.ReLU(max_value=0.5, negative_slope=0.1, name="kinked")(x))
    model = random_weights(tf.keras.Model(inp, out))
    network = RescalableNetwork(model, simulator="compiled")
    rng = np.random.RandomState(3)
    for _ in range(3):
        check(network, rng.uniform(0, 1, (4, 6)), random_scales(network, rng, low=20))


@quiet
@pytest.mark.parametrize("way", ["average", "exact"])
def test_max_pooling(way):
    model = architectures.model("max_pooling")
    network = RescalableNetwork(model, max_pooling=way, simulator="compiled")
    rng = np.random.RandomState(0)
    for _ in range(2):
        check(network, X, random_scales(network, rng, low=20))


@pytest.mark.parametrize("kind", [nengo.PoissonSpiking, nengo.StochasticSpiking])
def test_neurons_that_python_runs(kind):
    """They draw random numbers; the height of their spikes is changed in Nengo's own neurons."""
    network = RescalableNetwork(
        conv_net(tf.keras), neuron_type=kind(nengo.RectifiedLinear()), simulator="compiled",
        batch_size=3,
    )  # fmt: skip
    for scales in ({"conv0": 30, "conv1": 50.5}, {"conv0": 70, "dense0": 3}):
        check(network, X, scales)


def test_continuous_presentation():
    network = RescalableNetwork(
        conv_net(tf.keras), presentation="continuous", batch_size=2, synapse=0.01,
        simulator="compiled",
    )  # fmt: skip
    for scales in ({"conv0": 90, "conv1": 70, "dense0": 50}, {"conv0": 10}):
        check(network, X, scales, n_steps=(7,))


def test_samples_with_steps_of_their_own():
    """Both kinds of data in turn: the second kind is compiled at scales that are not 1."""
    rng = np.random.RandomState(0)
    x = rng.uniform(0, 1, (4, 8, 8, 8, 1)).astype("f4")
    network = RescalableNetwork(conv_net(tf.keras), simulator="compiled")
    check(network, X, {"conv0": 200})
    check(network, x, {"conv0": 300, "conv1": 200, "dense0": 100}, n_steps=(8,))
    check(network, X, {"conv0": 250, "dense0": 10})
    check(network, x, {"conv1": 20}, n_steps=(8,))


def test_the_networks_neuron_types_stay_as_they_are():
    with RescalableNetwork(conv_net(tf.keras), simulator="compiled") as network:
        before = [float(e.neuron_type.amplitude) for e in network.conversion.net.all_ensembles]
        network.run(X, 5, scales=300)
        after = [float(e.neuron_type.amplitude) for e in network.conversion.net.all_ensembles]
        assert before == after == [1.0] * len(before)
        assert "3 layers, in place" in repr(network)


def test_what_cannot_be_rescaled_is_built_anew(monkeypatch):
    def refuse(conversion):
        raise biases.CannotRescale("its biases are odd")

    monkeypatch.setattr(rescaling, "scaled_biases", refuse)
    network = RescalableNetwork(conv_net(tf.keras), simulator="compiled", batch_size=5)
    check(network, X, {"conv0": 60}, in_place=False)
    assert network.rebuilt_because == "its biases are odd"


def test_nengo_dl_is_not_asked_for_what_it_lacks(monkeypatch):
    monkeypatch.setattr(rescaling, "missing_api", lambda: "this nengo-dl has no such thing")
    assert RescalableNetwork(conv_net(tf.keras), simulator="compiled").in_place


@pytest.mark.filterwarnings("ignore:.*TensorNode")
def test_a_layer_that_only_nengo_dl_runs():
    """Built anew, in NengoDL, and the protocol says so."""
    inp = tf.keras.Input((8,))
    x = layers.Dense(6, activation="relu", name="first")(inp)
    x = layers.LayerNormalization(name="norm")(x)
    model = randomise(tf.keras.Model(inp, layers.Dense(3, activation="relu", name="last")(x)))
    network = RescalableNetwork(model, simulator="compiled", allow_fallback=True, batch_size=3)
    given = images(1).reshape(-1, 8)[:3]
    found = check(network, given, {"first": 100, "last": 50}, in_place=False)
    assert "only NengoDL can run a" in network.rebuilt_because
    assert "run by NengoDL" in found[11].protocol.notes[0]


def test_rates_are_tuned_on_compiled_code():
    """The scales that come of it, measured in NengoDL, give the rates that were asked for."""
    rng = np.random.RandomState(0)
    model, x = conv_net(tf.keras), rng.uniform(0, 1, (40, 8, 8, 1)).astype("f4")
    tuning = nsc.tune_firing_rates(
        model, x, target=100, n_steps=50, simulator="compiled", progress=False
    )
    assert tuning.in_place and tuning.searched_in == "compiled"
    assert tuning.judged_in == tuning.activity.protocol.simulator == "nengo_dl"
    assert "Searched in compiled code" in tuning.summary_string()
    assert all(layer.reached for layer in tuning.layers)
    fresh = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", synapse=0.005,
        scale_firing_rates=tuning.scale_firing_rates,
    )  # fmt: skip
    activity = nsc.measure(fresh, x, 50, progress=False)
    for layer in tuning.layers:
        counts = activity.populations[layer.layer].counts
        # the very figures of the result: those of NengoDL
        assert counts[counts > 0].mean() / 0.050 == pytest.approx(layer.rate_hz, rel=1e-9)
        assert layer.searched_hz == pytest.approx(layer.rate_hz, rel=1e-3)


def test_a_target_that_nengo_dl_misses_is_said(monkeypatch):
    """What compiled code saw is stood in for by half of it: NengoDL has twice the rates."""
    model, x = conv_net(tf.keras), np.random.RandomState(0).uniform(0, 1, (10, 8, 8, 1))
    run = RescalableNetwork.run

    def halved(network, *args, **options):
        found = run(network, *args, **options)
        if network.simulator == "compiled":
            for activity in found.values():
                for record in activity.populations.values():
                    record.counts[...] //= 2
        return found

    monkeypatch.setattr(RescalableNetwork, "run", halved)
    tuning = nsc.tune_firing_rates(
        model, x, target=100, statistic="mean", n_steps=50, max_simulations=4, progress=False
    )
    off = [layer for layer in tuning.layers if not layer.reached]
    assert off and not tuning.reached
    for layer in off:
        assert layer.rate_hz > 1.5 * layer.searched_hz
    assert any("search with simulator='nengo_dl'" in layer.reason for layer in off)
    assert "The search had" in " ".join(tuning.summary_string().split())


@quiet
def test_only_nengo_dl_searches_what_only_it_can_run():
    inp = tf.keras.Input((8,))
    x = tf.keras.layers.Dense(6, activation="relu", name="first")(inp)
    x = tf.keras.layers.LayerNormalization(name="norm")(x)
    out = tf.keras.layers.Dense(3, activation="relu", name="last")(x)
    model, given = randomise(tf.keras.Model(inp, out)), images(1).reshape(-1, 8)[:3]
    tuning = nsc.tune_firing_rates(
        model, given, n_steps=5, max_simulations=1, allow_fallback=True, progress=False
    )
    assert tuning.searched_in == "nengo_dl" and tuning.judged_in is None
    assert "Searched in NengoDL, not in compiled code: only NengoDL can" in tuning.summary_string()


def test_mistakes_are_named():
    model = conv_net(tf.keras)
    with pytest.raises(MeasurementError, match="simulator must be one of nengo_dl, compiled"):
        RescalableNetwork(model, simulator="loihi")
    with pytest.raises(TuningError, match="simulator must be one of compiled, nengo_dl"):
        nsc.tune_firing_rates(model, X, simulator="loihi")
    with pytest.raises(TuningError, match="simulator: a RescalableNetwork has its own"):
        nsc.tune_firing_rates(RescalableNetwork(model), X, simulator="compiled")
