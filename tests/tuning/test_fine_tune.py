"""Fine-tuning: what is trained, what comes back, what is kept."""

from __future__ import annotations

import math
import os

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import ConversionError, DataError, TuningError
from nengo_spikecost.tuning import L1, L2, Percentile, fine_tune
from nengo_spikecost.tuning.training import training_run as run_module
from nengo_spikecost.tuning.training.trainee import Trainee
from nengo_spikecost.tuning.training.weights import WeightMap, trainable_parameters, training_copy
from nengo_spikecost.workload.exact import count

from ..models import conv_net, positive_variances, randomise

tf = stack.tensorflow()
keras = stack.keras()
nengo_dl = stack.nengo_dl()
layers = keras.layers

OPTIONS = {"neuron_type": "LoihiSpikingRectifiedLinear", "n_steps": 15, "batch_size": 20}


def spots(n=120, seed=0):
    """8x8 images with a bright square in one of three corners, and which."""
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 3, n)
    x = rng.uniform(0, 0.3, (n, 8, 8, 1)).astype("f4")
    for i, label in enumerate(y):
        top, left = [(0, 0), (0, 4), (4, 2)][label]
        x[i, top : top + 4, left : left + 4] += 0.7
    return x, y


@pytest.fixture(scope="module")
def trained():
    """A network that tells the corners, and what it was trained with."""
    x, y = spots(300, seed=5)
    tf.keras.utils.set_random_seed(0)
    model = conv_net(keras)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    assert model.fit(x, y, epochs=8, verbose=0).history["accuracy"][-1] > 0.95
    return model


def synops_and_accuracy(model, scales, x, y, **options):
    conversion = nsc.convert(
        model, neuron_type=OPTIONS["neuron_type"], scale_firing_rates=scales, **options
    )
    activity = nsc.measure(conversion, x, OPTIONS["n_steps"])
    workload = count(nsc.NetworkGraph(conversion), activity)
    synops = sum(p.synops for p in workload.pathways if p.synops is not None)
    return float(np.mean(synops)), activity.accuracy(y)


# -- where weights are ----------------------------------------------------------------------


def normalized(keras):
    """Layers with weights in many forms, nested, and some that are only for training."""
    inner_in = keras.Input((6, 6, 4))
    inner = layers.DepthwiseConv2D(3, use_bias=False, name="depthwise")(inner_in)
    inner = keras.Model(inner_in, layers.ReLU(name="relu")(inner), name="inner")
    inp = x = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Dropout(0.5, name="drop")(inner(x))
    x = layers.Conv2D(2, 3, activation="relu", data_format="channels_last", name="conv2")(x)
    x = layers.GaussianNoise(1.0, name="noise")(layers.Flatten()(x))
    x = layers.Dense(5, activation="relu", name="dense0")(x)
    return positive_variances(randomise(keras.Model(inp, layers.Dense(3, name="dense1")(x))))


@pytest.mark.parametrize("scale", [1, 50])
@pytest.mark.parametrize("make", [conv_net, normalized])
def test_weights_are_found_and_given_back(make, scale):
    model = make(keras)
    copy = training_copy(model)

    def convert(a_model, scale=1):
        return nsc.convert(
            a_model, inference_only=False, neuron_type="RectifiedLinear", scale_firing_rates=scale
        )

    weights = WeightMap(copy, convert)
    for found, expected in zip(copy.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(found, expected)  # put back
    net = convert(copy, scale).net
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        values = [p.trained(sim) for p in trainable_parameters(net)]
    # float32, and biases are divided by the scale that they were multiplied with
    for found, expected in zip(weights.collect(values), copy.get_weights()):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    # and changed ones, each to something else, end up where Keras has them
    rng = np.random.RandomState(3)
    changed = [rng.normal(size=w.shape).astype("f4") for w in copy.get_weights()]
    kept = [w.name in weights.frozen for w in copy.weights]
    assert any(kept) == (make is normalized)
    copy.set_weights(changed)
    values = [p.initial() for p in trainable_parameters(convert(copy, 1).net)]
    copy.set_weights(model.get_weights())
    for found, new, old, frozen in zip(weights.collect(values), changed, model.get_weights(), kept):
        np.testing.assert_allclose(found, old if frozen else new, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [10, 3])
@pytest.mark.parametrize(
    "loss, shape, words",
    [
        (
            "mse",
            (),
            r"'dense1', which has 3 values, and labels of shape .\d+,.: leave loss out, or",
        ),
        (
            "categorical_crossentropy",
            (),
            r"labels of shape .\d+,.: leave loss out, or give them one",
        ),
        ("mse", (2,), r"labels of shape .\d+, 2.: give others"),
    ],
)
def test_a_loss_that_is_for_other_labels_is_refused(trained, loss, shape, words, batch_size):
    """Also where a batch has as many samples as the output has values."""
    x, _ = spots(40)
    y = np.random.RandomState(0).randint(0, 3, (40, *shape))
    with pytest.raises(TuningError, match=words):
        fine_tune(
            trained, x, y, loss=loss, n_steps=2, batch_size=batch_size, progress=False
        )  # fmt: skip


def test_weights_that_are_computed_are_refused():
    class Doubled(layers.Dense):
        pass

    from nengo_spikecost.conversion import register_layer_converter
    from nengo_spikecost.conversion.layers import converter_registry as registry
    from nengo_spikecost.conversion.layers.dense import ConvertDense

    @register_layer_converter(Doubled)
    class ConvertDoubled(ConvertDense):
        def convert(self, node_id):
            output = self.add_relay(node_id)
            weights = 2 * self.layer.kernel.numpy()
            self.connect(self.get_input_obj(node_id), output, weights.T, trainable=True)
            return output

    try:
        inp = keras.Input((4,))
        model = keras.Model(inp, Doubled(2)(inp))
        with pytest.raises(TuningError, match="computes the weights of its connections"):
            fine_tune(model, np.ones((200, 4)), np.zeros(200, int), n_steps=2)
    finally:
        registry._registered.pop(Doubled)


# -- training -------------------------------------------------------------------------------


@pytest.mark.parametrize("forward", ["spikes", "rates"])
def test_synops_fall_and_accuracy_stays(trained, forward):
    x, y = spots()
    before = [w.copy() for w in trained.get_weights()]
    scales = {"conv0": 100.0, "conv1": 150.0, "dense0": 300.0}
    result = fine_tune(
        trained, x, y, forward=forward, scale_firing_rates=scales, synapse=0.002, epochs=12,
        synop_weight=1.0, learning_rate=0.01, progress=False, **OPTIONS,
    )  # fmt: skip
    for old, now in zip(before, trained.get_weights()):
        np.testing.assert_array_equal(old, now)
    assert result.model is not trained and result.scale_firing_rates == scales
    assert [r.epoch for r in result.history] == list(range(13))
    assert result.best.objective == min(r.objective for r in result.history)
    assert result.best.synops < 0.6 * result.history[0].synops
    assert result.best_epoch > 0 and result.stopped is None and result.frozen == ()
    assert len(result.to_frame()) == 13 and "synops" in str(result)

    # counted on the network that comes of it, on other images
    x_test, y_test = spots(100, seed=1)
    old_synops, old_accuracy = synops_and_accuracy(trained, scales, x_test, y_test, synapse=0.002)
    synops, accuracy = synops_and_accuracy(result.model, scales, x_test, y_test, synapse=0.002)
    assert synops < 0.7 * old_synops
    if forward == "spikes":
        assert accuracy >= min(old_accuracy, 0.95)


def test_what_is_simulated_is_the_network_that_comes_of_it(trained):
    """Synops and accuracy of the history are those of the converted model."""
    x, y = spots(100)
    scales = {"conv0": 120, "conv1": 150, "dense0": 200}
    result = fine_tune(
        trained, x, y, scale_firing_rates=scales, synapse=0.002, epochs=2, synop_weight=0.5,
        learning_rate=0.01, validation=(x, y), progress=False, **OPTIONS,
    )  # fmt: skip
    synops, accuracy = synops_and_accuracy(result.model, scales, x, y, synapse=0.002)
    # NengoDL trains the unlowered network: float32 sums in another order can move a spike
    np.testing.assert_allclose(result.best.synops, synops, rtol=2e-3)
    assert abs(result.best.accuracy - accuracy) <= 0.011
    before, accuracy = synops_and_accuracy(trained, scales, x, y, synapse=0.002)
    np.testing.assert_allclose(result.history[0].synops, before, rtol=2e-3)
    assert abs(result.history[0].accuracy - accuracy) <= 0.011


def test_rates_hz_gives_the_scales_that_give_these_rates(trained):
    x, y = spots(100)
    wanted = {"conv0": 200, "conv1": 250, "dense0": 300}
    result = fine_tune(
        trained, x, y, forward="rates", rates_hz=wanted, epochs=2, synop_weight=0.3,
        validation=(x, y), progress=False, n_steps=400, batch_size=50,
        neuron_type="SpikingRectifiedLinear",
    )  # fmt: skip
    conversion = nsc.convert(
        result.model,
        neuron_type="SpikingRectifiedLinear",
        scale_firing_rates=result.scale_firing_rates,
    )
    activity = nsc.measure(conversion, x, 400)
    for layer, hz in wanted.items():
        rates = activity.populations[layer].counts.astype(float) / 0.4
        # 400 steps tell 2.5 Hz apart, and what comes in late is missing
        assert (rates**2).sum() / rates.sum() == pytest.approx(hz, rel=0.08), layer
    workload = count(nsc.NetworkGraph(conversion), activity)
    synops = sum(p.synops for p in workload.pathways if p.synops is not None).mean()
    assert result.best.synops == pytest.approx(synops, rel=0.05)


def test_regularizers_move_the_rates_of_their_layer(trained):
    x, y = spots(100)
    scales = {"conv0": 100, "conv1": 100, "dense0": 100}

    def high_rates_hz(model):
        outputs = keras.Model(model.input, model.get_layer("dense0").output)
        return np.percentile(100 * outputs.predict_on_batch(x), 90, axis=0)

    assert high_rates_hz(trained).min() > 500
    result = fine_tune(
        trained, x, y, forward="rates", scale_firing_rates=scales, n_steps=40, epochs=40,
        regularizers={"dense0": [Percentile(90, target=(90, 110), l1=0.5), L2(1e-9)]},
        learning_rate=0.01, progress=False, batch_size=50, validation=(x, y),
    )  # fmt: skip
    # of 6 neurons, one may be silenced for good on the way down from 1,500 Hz
    assert np.sum(np.abs(high_rates_hz(result.model) - 100) < 15) >= 5
    assert result.best.accuracy > 0.9


def test_a_target_of_synops_is_reached_and_kept(trained):
    x, y = spots()
    scales = {"conv0": 100, "conv1": 150, "dense0": 300}
    at_start = fine_tune(
        trained, x, y, forward="rates", scale_firing_rates=scales, learning_rate=1e-9, epochs=1,
        progress=False, **OPTIONS,
    ).history[0].synops  # fmt: skip
    result = fine_tune(
        trained, x, y, forward="rates", scale_firing_rates=scales,
        synop_target=(0.5 * at_start, 0.6 * at_start),
        synop_weight=20, learning_rate=0.01, epochs=15, progress=False, **OPTIONS,
    )  # fmt: skip
    assert 0.45 * at_start < result.best.synops < 0.65 * at_start


def test_layers_that_are_not_trainable_stay(trained):
    model = keras.models.clone_model(trained)
    model.set_weights(trained.get_weights())
    model.get_layer("conv1").trainable = False
    x, y = spots(60)
    result = fine_tune(model, x, y, forward="rates", synop_weight=1, progress=False, **OPTIONS)
    for layer in model.layers:
        for old, new in zip(layer.get_weights(), result.model.get_layer(layer.name).get_weights()):
            assert np.array_equal(old, new) == (layer.name == "conv1"), layer.name
    assert len(result.frozen) == 2 and "conv1" in result.frozen[0]


def test_models_with_normalization_pooling_dropout_and_two_outputs():
    inp = x = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.Dropout(0.5)(layers.BatchNormalization(name="norm")(x))
    x = layers.Conv2D(4, 3, activation="relu", name="conv2")(x)
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    corner = layers.Dense(3, activation="softmax", name="corner")(x)
    bright = layers.Dense(1, name="bright")(layers.Dense(4, activation="relu", name="d")(x))
    model = positive_variances(randomise(keras.Model(inp, [corner, bright])))
    x, y = spots(60)
    labels = {"corner": y, "bright": x.mean(axis=(1, 2, 3))[:, None]}
    result = fine_tune(
        model, x, labels, loss={"bright": "mse"}, scale_firing_rates=100, epochs=6,
        learning_rate=0.02, readout="mean", synop_weight=0.1, progress=False, **OPTIONS,
    )  # fmt: skip
    assert result.best.loss < result.history[0].loss
    assert [layer.name for layer in result.model.layers] == [layer.name for layer in model.layers]
    frozen = {name.split(":")[0] for name in result.frozen}
    assert {"norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance"} <= frozen
    expected = model.get_layer("norm").get_weights()
    for found, wanted in zip(result.model.get_layer("norm").get_weights(), expected):
        np.testing.assert_array_equal(found, wanted)


def test_sequential_and_temporal_models():
    model = keras.Sequential(
        [
            keras.Input((5, 4)),
            layers.TimeDistributed(layers.Dense(6, activation="relu", name="hidden")),
            layers.TimeDistributed(layers.Dense(2), name="out"),
        ]
    )
    x = np.random.RandomState(0).uniform(0, 1, (40, 5, 4)).astype("f4")
    y = (x[:, -1, 0] > x[:, -1, 1]).astype(int)
    result = fine_tune(
        randomise(model), x, y, n_steps=5, forward="rates", batch_size=20,
        neuron_type="SpikingRectifiedLinear",
        scale_firing_rates=500, epochs=30, learning_rate=0.03, progress=False, validation=(x, y),
    )  # fmt: skip
    assert isinstance(result.model, keras.Sequential)
    assert result.best.accuracy > max(0.8, result.history[0].accuracy)


# -- what is kept ---------------------------------------------------------------------------


def test_interrupted_training_gives_the_best_so_far(trained, monkeypatch):
    x, y = spots(100)
    original, calls = Trainee.train, []

    def interrupted(self, inputs, targets):
        calls.append(1)
        if len(calls) == 12:  # 4 batches an epoch
            raise KeyboardInterrupt
        return original(self, inputs, targets)

    monkeypatch.setattr(Trainee, "train", interrupted)
    result = fine_tune(
        trained, x, y, forward="rates", epochs=9, synop_weight=1, progress=False, **OPTIONS
    )
    assert result.stopped == "interrupted in epoch 3 of 9"
    assert [r.epoch for r in result.history] == [0, 1, 2] and result.best_epoch == 2
    assert "Stopped: interrupted" in str(result)


def test_a_loss_that_is_no_number_gives_the_best_so_far(trained, monkeypatch):
    x, y = spots(100)
    original, calls = Trainee.train, []

    def failing(self, inputs, targets):
        calls.append(1)
        scores = original(self, inputs, targets)
        return scores._replace(loss=math.nan) if len(calls) == 6 else scores

    monkeypatch.setattr(Trainee, "train", failing)
    with pytest.raises(TuningError, match=r"loss was nan in epoch 2\. Use a smaller") as caught:
        fine_tune(trained, x, y, forward="rates", epochs=3, progress=False, **OPTIONS)
    assert [r.epoch for r in caught.value.result.history] == [0, 1]
    assert caught.value.result.model.predict_on_batch(x[:2]).shape == (2, 3)


@pytest.mark.parametrize("forward", [pytest.param("rates", marks=pytest.mark.slow), "spikes"])
def test_training_goes_on_from_a_checkpoint(trained, monkeypatch, tmp_path, forward):
    x, y = spots(100)
    arguments = dict(
        forward=forward, epochs=3, synop_weight=1, progress=False, synapse=0.002,
        learning_rate=0.01, **OPTIONS,
        scale_firing_rates={"conv0": 100, "conv1": 100, "dense0": 100},
    )  # fmt: skip
    whole = fine_tune(trained, x, y, **arguments)
    path = tmp_path / "training.npz"
    original = run_module.Run._write

    def killed(self):
        original(self)
        if self.history[-1].epoch == 2:
            raise SystemExit  # not caught, as a kill is not

    monkeypatch.setattr(run_module.Run, "_write", killed)
    with pytest.raises(SystemExit):
        fine_tune(trained, x, y, checkpoint=path, **arguments)
    assert os.listdir(tmp_path) == ["training.npz"]
    monkeypatch.setattr(run_module.Run, "_write", original)
    resumed = fine_tune(trained, x, y, checkpoint=path, **arguments)
    for one, other in zip(whole.history, resumed.history):
        # the same operations on the same numbers; threads may sum in another order
        assert one.loss == pytest.approx(other.loss, rel=1e-3)
        assert one.synops == pytest.approx(other.synops, rel=1e-3)
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)

    # done: nothing is trained again
    monkeypatch.setattr(Trainee, "train", lambda *_: pytest.fail("trained again"))
    again = fine_tune(trained, x, y, checkpoint=path, **arguments)
    # as text: NaN, of the epoch before all training, is equal to none, from Python 3.13 on
    assert list(map(repr, again.history)) == list(map(repr, resumed.history))
    with pytest.raises(TuningError, match=r"checkpoint .* is of another training"):
        fine_tune(trained, x, y, checkpoint=path, **{**arguments, "synop_weight": 2})
    path.write_bytes(b"no archive")
    with pytest.raises(TuningError, match=r"can't be read .* remove it, or name another"):
        fine_tune(trained, x, y, checkpoint=path, **arguments)


# -- arguments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed, error, message",
    [
        ({"forward": "both"}, TuningError, "forward must be one of spikes, rates"),
        ({"n_steps": 0}, TuningError, "n_steps must be a whole number of at least 1"),
        ({"epochs": 1.5}, TuningError, "epochs must be a whole number"),
        ({"dt": -1}, TuningError, "dt must be a positive number"),
        ({"synop_weight": -1}, TuningError, "synop_weight must be a number of at least 0"),
        ({"synop_weight": math.nan}, TuningError, "synop_weight must be a number"),
        ({"synop_target": -3, "synop_weight": 1}, TuningError, "target of synops can't be neg"),
        ({"rates_hz": 100}, TuningError, "rates_hz needs forward='rates'"),
        ({"rates_hz": {"conv0": 1}, "forward": "rates"}, TuningError, "no rate for layer 'conv1'"),
        ({"rates_hz": 0, "forward": "rates"}, TuningError, "rates_hz must be positive numbers"),
        ({"regularizers": {"flatten": L1()}}, TuningError, "'flatten', which is no layer with"),
        ({"inference_only": True}, TuningError, "fine_tune decides inference_only itself"),
        ({"loss": "nothing"}, TuningError, "loss must be a Keras loss"),
        ({"readout": "first"}, TuningError, "readout must be one of last, mean"),
        ({"learning_rate": 0}, TuningError, "learning_rate must be a positive number"),
        ({"learning_rate": "fast"}, TuningError, "learning_rate must be a number or a Keras"),
        ({"validation": 2}, TuningError, "validation must be .* a share from 0 to 1"),
        ({"validation": (1,)}, TuningError, r"validation must be \(x, y\) or a share"),
        ({"batch_size": 500}, TuningError, "too few for batch_size=500"),
        ({"neuron_type": "AdaptiveLIF"}, TuningError, "AdaptiveLIF neurons can't be trained"),
        ({"neuron_type": "none"}, ConversionError, "neuron_type 'none' is unknown"),
        ({"y": np.zeros(3)}, DataError, "have 60 samples and 3 labels"),
        ({"y": np.full(60, 3)}, DataError, "Label 3 is no class of output 'dense1'"),
        ({"y": np.zeros((60, 3))}, TuningError, "No loss is given for output 'dense1'"),
        ({"x": np.ones((60, 5))}, DataError, "expected"),
        ({"checkpoint": "/no/such/folder/file.npz"}, DataError, "there is no folder"),
    ],
)
def test_arguments_are_checked(trained, changed, error, message):
    x, y = spots(60)
    arguments = {"x": x, "y": y, "progress": False, **OPTIONS, **changed}
    with pytest.raises(error, match=message):
        fine_tune(trained, **arguments)


def test_synops_need_neurons_that_spike(trained):
    x, y = spots(60)
    with pytest.raises(TuningError, match="No pathway makes synops"):
        fine_tune(
            trained, x, y, n_steps=2, neuron_type=nengo.RectifiedLinear(), forward="rates",
            synop_weight=1, batch_size=20,
        )  # fmt: skip
