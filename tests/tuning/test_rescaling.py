"""A network with scales changed in place, held against one converted and built for them."""

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError, ConversionWarning, DataError, MeasurementError
from nengo_spikecost.tuning import RescalableNetwork
from nengo_spikecost.tuning.rescaling import network as rescaling
from nengo_spikecost.tuning.rescaling import rescaled_biases as biases
from tests.conversion.agreement import random_inputs, random_weights
from tests.lowering import architectures
from tests.models import conv_net, images, randomise
from tests.properties.keras_models import random_model

layers = tf.keras.layers

N_STEPS = (4, 11)
X = images(5)

NEURON_TYPES = {
    "SpikingRectifiedLinear": nengo.SpikingRectifiedLinear(),
    "SpikingRectifiedLinear, amplitude 0.3": nengo.SpikingRectifiedLinear(amplitude=0.3),
    "LoihiSpikingRectifiedLinear": "LoihiSpikingRectifiedLinear",
    "LIF": "LIF",
    "LoihiLIF": "LoihiLIF",
    "RegularSpiking": nengo.RegularSpiking(nengo.RectifiedLinear()),
    "RectifiedLinear": "RectifiedLinear",
    "LIFRate": "LIFRate",
    "AdaptiveLIF": "AdaptiveLIF",
    "SpikingLeakyReLU": "SpikingLeakyReLU",
}

quiet = pytest.mark.filterwarnings(
    "ignore:These layers are computed exactly",
    "ignore:.*no effect on",
    "ignore:.*does not have a native TensorFlow",
)


def random_scales(network, rng, low=0.5, high=2000.0):
    """Scales of most layers; the others have scale 1."""
    return {
        name: float(np.exp(rng.uniform(np.log(low), np.log(high))))
        for name in network.layers
        if rng.uniform() < 0.8
    }


def assert_same(found, expected):
    """Two Activities that are equal bit for bit."""
    assert found.protocol == expected.protocol
    assert list(found.populations) == list(expected.populations)
    for name, record in expected.populations.items():
        np.testing.assert_array_equal(found.populations[name].counts, record.counts)
        assert found.populations[name].counts.dtype == record.counts.dtype
    assert list(found.outputs) == list(expected.outputs)
    for name, record in expected.outputs.items():
        np.testing.assert_array_equal(found.outputs[name].last, record.last)
        np.testing.assert_array_equal(found.outputs[name].mean, record.mean)


def check(network, x, scales, n_steps=N_STEPS, only=None):
    """One simulation in place against one fresh conversion and measurement a length."""
    found = network.run(x, n_steps, scales=scales)
    assert network.in_place, network.rebuilt_because
    assert list(found) == sorted(n_steps)
    options = {k: v for k, v in network.conversion.options.items() if k != "model"}
    fresh = nsc.convert(network.conversion.model, scale_firing_rates=scales, **options)
    for n in only or n_steps:
        expected = nsc.measure(
            fresh, x, n, batch_size=network.batch_size, dt=network.dt, seed=network.seed,
            presentation=network.presentation, progress=False,
        )  # fmt: skip
        assert_same(found[n], expected)


@quiet
@pytest.mark.parametrize("neuron_type", NEURON_TYPES)
def test_equals_a_new_build(neuron_type):
    rng = np.random.RandomState(len(neuron_type))
    network = RescalableNetwork(
        conv_net(tf.keras), neuron_type=NEURON_TYPES[neuron_type], synapse=0.005, batch_size=2
    )
    assert network.layers == ("conv0", "conv1", "dense0")
    check(network, X, random_scales(network, rng))


@pytest.mark.slow
def test_thirty_settings_of_one_build():
    """Layers of all scales, some 1, so that NengoDL leaves their gains out when built anew."""
    inp = x = tf.keras.Input((10,))
    for size in (9, 8, 7):
        x = layers.Dense(size, activation="relu")(x)
    model = randomise(tf.keras.Model(inp, layers.Dense(3)(x)))
    rng = np.random.RandomState(0)
    network = RescalableNetwork(
        model, neuron_type="LoihiSpikingRectifiedLinear", synapse=0.002, batch_size=5, seed=2
    )
    n_spikes = []
    for _ in range(30):
        check(network, X.reshape(-1, 10)[:5], random_scales(network, rng, low=5), n_steps=(12,))
        activity = network.run(X.reshape(-1, 10)[:5], 12)[12]
        n_spikes.append(sum(int(p.counts.sum()) for p in activity.populations.values()))
    assert np.median(n_spikes) > 20
    assert len(network._loop._traced) == 1  # no other build, and no other trace


@quiet
@pytest.mark.parametrize(
    "name, lower",
    [("residual", True), ("residual", False), ("batch_norm_after", True), ("concatenate", True)],
)
def test_architectures(name, lower):
    rng = np.random.RandomState(len(name))
    network = RescalableNetwork(
        architectures.model(name), neuron_type="LIF", lower=lower, batch_size=3
    )
    check(network, X, random_scales(network, rng, low=2))


@quiet
@pytest.mark.parametrize("seed", [2, 14, 16])
def test_random_models(seed):
    """Several inputs and outputs, shared layers, relu6 and other sums of populations."""
    model = random_model(seed)
    x = dict(zip(model.input_names, random_inputs(model)))
    network = RescalableNetwork(model, synapse=0.003, batch_size=2, seed=seed)
    check(network, x, random_scales(network, np.random.RandomState(seed)))


def test_a_constant_beside_a_bias():
    """A batch normalization before relu6, whose second population has a bias of its own."""
    inp = tf.keras.Input((6,))
    x = layers.Dense(8, activation="relu")(inp)
    x = layers.BatchNormalization()(layers.Dense(7)(x))
    out = layers.Dense(3)(layers.ReLU(max_value=0.5, negative_slope=0.1, name="kinked")(x))
    model = random_weights(tf.keras.Model(inp, out))
    network = RescalableNetwork(model, batch_size=4)
    (constants,) = [
        np.abs(bias.constant).min()
        for e, bias in biases.scaled_biases(network.conversion).items()
        if e.label.endswith("excess")
    ]
    assert constants > 0
    rng = np.random.RandomState(3)
    for _ in range(3):
        check(network, rng.uniform(0, 1, (4, 6)), random_scales(network, rng, low=20))


@pytest.mark.parametrize("kind", [nengo.PoissonSpiking, nengo.StochasticSpiking])
def test_neurons_that_draw_random_numbers(kind):
    """The noise begins as in a new build; the batches after the first go on from the longest."""
    network = RescalableNetwork(
        conv_net(tf.keras), neuron_type=kind(nengo.RectifiedLinear()), batch_size=3
    )
    for scales in ({"conv0": 30, "conv1": 50.5}, {"conv0": 70, "dense0": 3}):
        check(network, X[:3], scales, only=N_STEPS[:1])
        check(network, X, scales, only=N_STEPS[1:])


def test_continuous_presentation():
    network = RescalableNetwork(
        conv_net(tf.keras), presentation="continuous", batch_size=2, synapse=0.01
    )
    for scales in ({"conv0": 90, "conv1": 70, "dense0": 50}, {"conv0": 10}):
        check(network, X, scales, n_steps=(7,))
    with pytest.raises(MeasurementError, match="continuous presentation has one length"):
        network.run(X, [5, 7])


def test_samples_with_steps_of_their_own():
    rng = np.random.RandomState(0)
    x = rng.uniform(0, 1, (4, 8, 8, 8, 1)).astype("f4")
    network = RescalableNetwork(conv_net(tf.keras), batch_size=2)
    scales = {"conv0": 300, "conv1": 200, "dense0": 100}
    found = network.run(x, [3, 8], scales=scales)
    fresh = network.rescaled()
    assert fresh.scale_firing_rates == scales
    assert_same(found[8], nsc.measure(fresh, x, 8, batch_size=2))
    assert_same(found[3], nsc.measure(fresh, x[:, :3], 3, batch_size=2))
    check(network, X, scales)  # another shape of data is traced, not built


def test_a_conversion_and_its_scales():
    model = conv_net(tf.keras)
    conversion = nsc.convert(
        model, neuron_type="LIF", scale_firing_rates={"conv1": 40}, synapse=0.02, seed=5
    )
    with RescalableNetwork(conversion, batch_size=5) as network:
        assert network.scales == {"conv0": 1, "conv1": 40, "dense0": 1}
        assert network.conversion.scale_firing_rates == {}
        assert_same(network.run(X, 8)[8], nsc.measure(conversion, X, 8, batch_size=5))
        assert network.n_simulations == 1
    assert "3 layers, in place" in repr(network)


def test_labels_come_along():
    network = RescalableNetwork(conv_net(tf.keras), batch_size=2)
    found = network.run((X, np.arange(5) % 3), 5, scales=100)[5]
    np.testing.assert_array_equal(found.targets, np.arange(5) % 3)
    assert network.scales == {"conv0": 100, "conv1": 100, "dense0": 100}


@pytest.mark.parametrize("api", ["TFNeuronBuilder", "default_simplifications"])
def test_without_what_it_needs_of_nengo_dl(monkeypatch, api):
    """The same numbers, from a new build each time, and it is said why."""
    scales = {"conv0": 60, "dense0": 30}
    expected = RescalableNetwork(conv_net(tf.keras), batch_size=5).run(X, N_STEPS, scales=scales)
    monkeypatch.setattr(rescaling, "missing_api", lambda: f"this nengo-dl has no {api}")
    network = RescalableNetwork(conv_net(tf.keras), batch_size=5)
    assert not network.in_place
    assert api in network.rebuilt_because
    for n, activity in network.run(X, N_STEPS, scales=scales).items():
        assert_same(activity, expected[n])


def test_a_graph_that_is_not_as_expected(monkeypatch):
    """Biases that can't be traced back: the network is rebuilt from then on."""

    def refuse(conversion):
        raise biases.CannotRescale("its biases are odd")

    monkeypatch.setattr(rescaling, "scaled_biases", refuse)
    network = RescalableNetwork(conv_net(tf.keras), batch_size=5)
    scales = {"conv0": 60}
    expected = nsc.measure(
        nsc.convert(conv_net(tf.keras), scale_firing_rates=scales), X, 6, batch_size=5
    )
    assert_same(network.run(X, 6, scales=scales)[6], expected)
    assert network.rebuilt_because == "its biases are odd"


def test_mistakes_are_named():
    model = conv_net(tf.keras)
    network = RescalableNetwork(model)
    with pytest.raises(ConversionError, match="layer 'conv7', which the model does not have"):
        network.run(X, 5, scales={"conv7": 3})
    with pytest.raises(ConversionError, match="must be a positive number"):
        network.run(X, 5, scales={"conv0": 0})
    with pytest.warns(ConversionWarning, match="flatten"):
        network.run(X, 5, scales={"flatten": 3})
    for n_steps in (0, [], [3, 0.5], "many"):
        with pytest.raises(MeasurementError, match="n_steps must be"):
            network.run(X, n_steps)
    with pytest.raises(DataError, match="shape"):
        network.run(X[:, :5], 5)
    with pytest.raises(MeasurementError, match="presentation must be"):
        RescalableNetwork(model, presentation="slow")
    with pytest.raises(MeasurementError, match="a Conversion has its own options"):
        RescalableNetwork(nsc.convert(model), neuron_type="LIF")
    inp = tf.keras.Input((3,))
    with pytest.raises(MeasurementError, match="no neurons whose firing rates can be scaled"):
        RescalableNetwork(tf.keras.Model(inp, layers.Dense(2)(inp)))


def test_a_failure_keeps_what_was_measured():
    network = RescalableNetwork(conv_net(tf.keras), batch_size=2)
    bad = X.copy()
    bad[3] = 1e38

    def batches():
        yield bad[:2]
        yield bad[2:4] * 1e3  # overflows float32

    with np.errstate(over="ignore"), pytest.raises(MeasurementError) as caught:
        network.run(batches(), [3, 6])
    assert caught.value.activity.n_samples == 2
    assert caught.value.activity.protocol.n_steps == 6
