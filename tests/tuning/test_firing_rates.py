"""Tuned rates, held against a fresh conversion and measurement with the scales found."""

import json

import nengo
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost.cli import main
from nengo_spikecost.demo import demo_data, demo_model
from nengo_spikecost.errors import MeasurementError, TuningError
from nengo_spikecost.tuning import (
    RescalableNetwork,
    activation_rule,
    global_scale,
    tune_firing_rates,
)
from nengo_spikecost.tuning.rate_options import RateStatistic
from nengo_spikecost.tuning.rates.curve import collected, rate_curve, relu_activations, response
from nengo_spikecost.tuning.rates.layer_search import LayerSearch
from tests.conversion.agreement import random_weights
from tests.models import conv_net, images

layers = tf.keras.layers

X = images(8)


def brute_force_rate(counts, seconds, statistic):
    """The statistic, neuron by neuron."""
    if statistic == "mean_active":
        return np.mean([c for row in counts for c in row if c]) / seconds
    if statistic == "max":
        return max(max(row) for row in counts) / seconds
    if statistic == "mean":
        return np.mean(counts) / seconds
    return np.percentile([np.mean(column) for column in counts.T], 99) / seconds


def positive_net(seed=0):
    """A small network in which every layer is active."""
    rng = np.random.RandomState(seed)
    inp = x = tf.keras.Input((12,))
    for size in rng.randint(8, 15, 3):
        x = layers.Dense(size, activation="relu")(x)
    model = tf.keras.Model(inp, layers.Dense(3)(x))
    model.set_weights([rng.uniform(-0.3, 0.5, w.shape).astype("f4") for w in model.get_weights()])
    return model


def vectors(seed, n=10):
    return np.random.RandomState(seed).uniform(0, 1, (n, 12)).astype("f4")


# -- the shipped network ------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo():
    return demo_model(), demo_data().x_train[:60]


@pytest.mark.parametrize("target", [100.0, 200.0])
def test_demo_network(demo, target):
    model, x = demo
    tuning = tune_firing_rates(model, x, target=target, n_steps=30, batch_size=60)
    assert tuning.reached
    assert tuning.in_place
    assert tuning.n_simulations <= 6
    fresh = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", synapse=0.005,
        scale_firing_rates=tuning.scale_firing_rates,
    )  # fmt: skip
    activity = nsc.measure(fresh, x, 30, batch_size=60, progress=False)
    for layer in tuning.layers:
        counts = activity.populations[layer.layer].counts
        rate = brute_force_rate(counts, 0.03, "mean_active")
        assert layer.rate_hz == pytest.approx(rate, rel=1e-12)
        assert abs(rate / target - 1) <= 0.05
        assert layer.mean_hz == pytest.approx(activity.mean_rate_hz(layer.layer))
        assert layer.max_hz == pytest.approx(counts.max() / 0.03)
        assert layer.active == pytest.approx((counts > 0).mean())
    np.testing.assert_array_equal(tuning.activity.predictions(), activity.predictions())


def test_the_tutorial_rules_miss_their_target(demo):
    """What the tuner is for: ReLU activations say 200 Hz, and Loihi's neurons fire less."""
    model, x = demo
    with RescalableNetwork(
        model, neuron_type="LoihiSpikingRectifiedLinear", synapse=0.005, batch_size=60
    ) as network:
        rule = activation_rule(network, x[:2], 200)
        keras = tf.keras.Model(model.inputs, [model.get_layer(n).output for n in network.layers])
        for outputs, scale in zip(keras.predict_on_batch(x[:2]), rule.values()):
            means = [row[row > 0].mean() for row in outputs.reshape(2, -1)]
            assert scale == pytest.approx(200 / np.mean(means), rel=1e-4)  # float32 sums
        assert global_scale(network, 100) == dict.fromkeys(network.layers, 100.0)
        counts = network.run(x, 30, scales=rule)[30].populations["dense0"].counts
    assert brute_force_rate(counts, 0.03, "mean_active") < 0.7 * 200


# -- random networks ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_random_networks(seed):
    rng = np.random.RandomState(seed)
    kind = ["SpikingRectifiedLinear", "LoihiSpikingRectifiedLinear"][seed % 2]
    statistic = ["mean_active", "mean", "percentile", "mean_active"][seed]
    model, x = positive_net(seed), vectors(seed)
    with RescalableNetwork(model, neuron_type=kind, synapse=0.003, batch_size=10) as network:
        target = {name: float(rng.uniform(60, 250)) for name in network.layers}
        tuning = tune_firing_rates(
            network, x, target=target, statistic=statistic, n_steps=100, skip_steps=20
        )
    assert tuning.reached
    assert tuning.n_simulations <= 8
    assert tuning.n_simulations == network.n_simulations
    activity = {
        n: nsc.measure(tuning.conversion(), x, n, batch_size=10, progress=False) for n in (20, 100)
    }
    for layer in tuning.layers:
        begin, end = (activity[n].populations[layer.layer].counts.astype(int) for n in (20, 100))
        rate = brute_force_rate(end - begin, 0.08, statistic)
        assert layer.rate_hz == pytest.approx(rate, rel=1e-12)
        assert abs(rate / target[layer.layer] - 1) <= 0.05


def test_layers_of_several_populations_and_branches():
    inp = tf.keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, activation="relu", padding="same", name="first")(inp)
    side = layers.ReLU(max_value=0.4, name="kinked")(layers.Conv2D(3, 3, padding="same")(x))
    x = layers.ReLU(name="joined")(layers.BatchNormalization()(layers.Add()([x, side])))
    model = random_weights(tf.keras.Model(inp, layers.Dense(2)(layers.Flatten()(x))))
    tuning = tune_firing_rates(
        model, X, target={"kinked": 90, model.get_layer("joined"): 120},
        neuron_type="SpikingRectifiedLinear", n_steps=60,
    )  # fmt: skip
    first, kinked, joined = tuning.layers
    assert (first.scale, first.target_hz, first.error) == (1, None, None)
    assert (kinked.reached, joined.reached) == (True, True)
    record = tuning.activity.populations
    of_kinked = [p.counts for name, p in record.items() if name.startswith("kinked")]
    assert len(of_kinked) == 2
    rate = brute_force_rate(np.concatenate(of_kinked, axis=1), 0.06, "mean_active")
    assert kinked.rate_hz == pytest.approx(rate)


def test_maximum_within_half_a_spike():
    tuning = tune_firing_rates(
        positive_net(), vectors(0), target=150, statistic="max", n_steps=50, max_simulations=15
    )
    for layer in tuning.layers:
        # at 50 steps a rate is a multiple of 20 Hz: 150 Hz lies between two of them
        assert abs(layer.rate_hz - 150) <= 10 + 1e-9 or "jumps" in layer.reason


def test_continuous_presentation():
    tuning = tune_firing_rates(
        positive_net(), vectors(1, n=20), target=80, n_steps=40, presentation="continuous",
        batch_size=2,
    )  # fmt: skip
    assert tuning.reached
    assert tuning.activity.protocol.presentation == "continuous"
    assert not any("rising" in flag for layer in tuning.layers for flag in layer.flags)


# -- what can't be reached ----------------------------------------------------------------


def test_above_what_the_neurons_can_do():
    tuning = tune_firing_rates(positive_net(), vectors(0), target=3000, n_steps=40)
    assert not tuning.reached
    assert tuning.n_simulations == 1  # no other would be better
    for layer in tuning.layers:
        assert "at 1000 Hz at most" in layer.reason
    top = tuning.layers[0]
    assert top.rate_hz > 500  # most of what there is
    assert top.saturated > 0.3
    assert any(flag.startswith("saturated") for flag in top.flags)
    assert "target not reached" in tuning.summary_string()


def test_below_one_spike_a_presentation():
    tuning = tune_firing_rates(positive_net(), vectors(0), target=5, n_steps=40, max_simulations=3)
    assert not tuning.reached
    for layer in tuning.layers:
        assert "a neuron that fires once in 0.04 s fires at 25 Hz" in layer.reason


def test_a_layer_that_is_silent():
    inp = tf.keras.Input((12,))
    x = layers.Dense(6, activation="relu", name="loud")(inp)
    dead = layers.Dense(5, activation="relu", name="dead", bias_initializer="zeros")
    model = tf.keras.Model(inp, layers.Dense(2)(dead(x)))
    model.set_weights([np.abs(w) for w in random_weights(model).get_weights()])
    dead.set_weights([-np.ones((6, 5)), np.zeros(5)])
    tuning = tune_firing_rates(model, vectors(0), target=100, n_steps=40)
    assert tuning.layers[0].reached
    assert tuning.layers[1].rate_hz == 0
    assert "its ReLUs are zero for all of these samples" in tuning.layers[1].reason
    with pytest.raises(TuningError, match="No neuron of layer 'dead' is active"):
        activation_rule(model, vectors(0))


def test_a_failure_keeps_what_was_found(monkeypatch):
    network = RescalableNetwork(positive_net(), batch_size=10)
    run = network.run

    def failing(*args, **kwargs):
        if network.n_simulations == 2:
            raise MeasurementError("the machine is on fire")
        return run(*args, **kwargs)

    monkeypatch.setattr(network, "run", failing)
    with pytest.raises(TuningError, match="after 2 simulations: the machine is on fire") as caught:
        tune_firing_rates(network, vectors(0), target=77, tolerance=1e-6, n_steps=30)
    assert caught.value.result.n_simulations == 2
    assert len(caught.value.result.scales) == 3


# -- parts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["SpikingRectifiedLinear", "LoihiSpikingRectifiedLinear", "LoihiLIF", "LIF"]
)
def test_curves_are_those_of_simulated_neurons(kind):
    drive = np.array([0.0, 3.0, 40.0, 150.0, 333.0, 900.0])
    neuron_type = nsc.conversion.resolve_neuron_type(kind)
    with nengo.Network(seed=0) as net:
        values = nengo.Node(drive)
        ens = nengo.Ensemble(6, 1, neuron_type=neuron_type, gain=np.ones(6), bias=np.zeros(6))
        nengo.Connection(values, ens.neurons, synapse=None)
        probe = nengo.Probe(ens.neurons)
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run(2.0)
    # one spike more or less in two seconds
    np.testing.assert_allclose(
        response(neuron_type, drive, 0.001), sim.data[probe].mean(axis=0), atol=0.6, rtol=0.01
    )


def test_curves_are_inverted():
    activations = {"a": np.random.RandomState(0).exponential(1, (20, 30))}
    for name in ("mean_active", "mean", "percentile", "max"):
        curve = rate_curve(
            activations, {"a": nengo.SpikingRectifiedLinear()}, RateStatistic(name), 0.1, 0.001
        )
        assert curve.rate(curve.scale(130)) == pytest.approx(130)
        expected = brute_force_rate(activations["a"] * 50, 1, name)
        if name != "mean_active":  # that one counts how many fire within the time
            # 2,000 points stand for all
            assert curve.rate(50) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("simulator", ["nengo_dl", "compiled"])
def test_relu_activations_are_those_of_keras(simulator):
    model = conv_net(tf.keras)
    options = {"neuron_type": "LIF", "synapse": 0.1, "simulator": simulator}
    network = RescalableNetwork(model, **options)
    found = relu_activations(network, collected(network, X, 1), 1)
    assert relu_activations(network, collected(network, X, 1), 1) is found
    assert relu_activations(network, collected(network, X[:4], 1), 1) is not found
    for name in ("conv0", "conv1", "dense0"):
        keras = tf.keras.Model(model.input, model.get_layer(name).output).predict_on_batch(X)
        np.testing.assert_allclose(found[name], keras.reshape(8, -1), rtol=1e-4, atol=1e-5)


def test_search_of_one_layer_on_curves_of_all_kinds():
    for f in (lambda s: s, np.sqrt, lambda s: 1000 / np.ceil(1000 / s), lambda s: 40 + s):
        search, scale = LayerSearch(100.0, None), 3.0
        for _ in range(25):
            rate = float(f(scale))
            if abs(rate - 100) < 5 or search.stuck:
                break
            scale = search.next_scale(scale, rate)
        assert abs(f(scale) - 100) < 5


def test_search_gives_up():
    search = LayerSearch(100.0, None)
    scale = 1.0
    for _ in range(12):
        scale = search.next_scale(scale, 40.0)
    assert "hardly rises above 40 Hz" in search.stuck
    search = LayerSearch(100.0, None)
    for _ in range(20):
        scale = search.next_scale(scale, 50.0 if scale < 7 else 200.0)
    assert search.stuck == "its rate jumps from 50 to 200 Hz"
    search.forget()
    assert not search.stuck


def test_results_as_text_frames_and_plain_values():
    tuning = tune_firing_rates(positive_net(), vectors(0), target=100, n_steps=40)
    text = str(tuning)
    assert "3 of 3 layers within 5%" in text
    frame = tuning.to_frame()
    assert list(frame["layer"]) == list(tuning.scales)
    plain = json.loads(tuning.to_json())
    assert plain["scale_firing_rates"] == tuning.scales
    assert plain["protocol"]["n_steps"] == 40
    assert len(plain["history"]) == tuning.n_simulations
    model = tuning.base.model
    scope = {"model": model}
    exec(tuning.code(), scope)
    assert scope["scale_firing_rates"] == tuning.scale_firing_rates


def test_neurons_in_front_of_the_model():
    """It becomes a part of another model, whose layers `convert` knows by their names."""
    model, x = positive_net(), vectors(0)
    tuning = tune_firing_rates(model, x, target=100, n_steps=40, spike_input=True, progress=False)
    assert tuning.reached and "to-spikes" in tuning.scales
    scope = {"model": model}
    exec(tuning.code(), scope)
    assert scope["scale_firing_rates"] == tuning.scale_firing_rates == tuning.scales
    conversion = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", spike_input=True, synapse=0.005,
        scale_firing_rates=tuning.scale_firing_rates,
    )  # fmt: skip
    again = nsc.measure(conversion, x, 40, progress=False)
    for name, record in tuning.activity.populations.items():
        np.testing.assert_array_equal(again.populations[name].counts, record.counts)


def test_mistakes_are_named():
    model, x = positive_net(), vectors(0)
    for wrong, match in (
        ({"target": -3}, "must be a rate in Hz"),
        ({"target": {"nowhere": 3}}, "target names layer 'nowhere'"),
        ({"statistic": "median"}, "statistic must be one of"),
        ({"percentile": 0}, "percentile must be"),
        ({"tolerance": 5}, "tolerance must be a share"),
        ({"n_steps": 0}, "n_steps must be"),
        ({"n_steps": 10, "skip_steps": 10}, "skip_steps must be less"),
        ({"skip_steps": 3, "presentation": "continuous"}, "a continuous one has no start"),
        ({"max_simulations": 0}, "max_simulations must be"),
    ):
        with pytest.raises(TuningError, match=match):
            tune_firing_rates(model, x, **wrong)


def test_command_line(tmp_path):
    model = positive_net()
    model.save(tmp_path / "net.h5")
    np.save(tmp_path / "x.npy", vectors(0))
    found = CliRunner().invoke(
        main,
        ["tune", str(tmp_path / "net.h5"), "--data", str(tmp_path / "x.npy"), "--target", "120",
         "--steps", "40", "--json", str(tmp_path / "found.json")],
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "3 of 3 layers within 5% of their targets" in found.output
    plain = json.loads((tmp_path / "found.json").read_text())
    for name, scale in plain["scale_firing_rates"].items():
        assert f"model.get_layer({name!r}): {scale!r}," in found.output
    name = next(iter(plain["scale_firing_rates"]))
    found = CliRunner().invoke(
        main,
        ["tune", str(tmp_path / "net.h5"), "--data", str(tmp_path / "x.npy"), "--target",
         f"{name}=90", "--statistic", "mean", "--steps", "40"],
    )  # fmt: skip
    assert "1 of 1 layers within 5%" in found.output
    for wrong in ("fast", "dense=", "50 --target dense=60"):
        found = CliRunner().invoke(
            main,
            ["tune", str(tmp_path / "net.h5"), "--data", str(tmp_path / "x.npy"), "--target",
             *wrong.split()],
        )  # fmt: skip
        assert found.exit_code == 2
