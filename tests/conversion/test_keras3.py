"""Keras 3 models: the same predictions after they are made anew in Keras 2."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion import keras3
from nengo_spikecost.conversion.keras3 import is_keras_3, rebuild
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.loading import load_model
from tests.models import conv_net

keras = importlib.import_module("keras")
if keras.__version__.startswith("2."):
    pytest.skip("this stack has no Keras 3", allow_module_level=True)
layers = keras.layers


def branching_model():
    """Branches, a nested model, BatchNorm and LeakyReLU, whose argument changed its name."""
    inner = keras.Sequential(
        [keras.Input((6, 6, 4)), layers.Conv2D(4, 1, activation="relu", name="a")], name="inner"
    )
    inp = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2", name="conv")(inp)
    x = layers.BatchNormalization(name="bn")(x)
    y = inner(x)
    x = layers.Add(name="add")([layers.LeakyReLU(negative_slope=0.3, name="leaky")(x), y])
    x = layers.Concatenate(name="concat")([x, y])
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Dense(3, name="out")(layers.Flatten(name="flatten")(x))
    model = keras.Model(inp, x, name="branching")
    rng = np.random.RandomState(0)
    model.set_weights([rng.uniform(0.1, 0.4, w.shape) for w in model.get_weights()])
    return model


def sequential_model():
    return keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.ReLU(), layers.Flatten()]
    )


@pytest.mark.parametrize("make", [branching_model, sequential_model])
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_files_are_read(make, suffix, tmp_path):
    model, x = make(), np.random.RandomState(1).uniform(0, 1, (5, 8, 8, 1)).astype("f4")
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    copy = load_model(path)
    assert isinstance(copy, tf.keras.Model)
    # the same float32 operations in another order
    np.testing.assert_allclose(
        copy.predict_on_batch(x), model.predict_on_batch(x), rtol=1e-4, atol=1e-5
    )


def test_models_are_converted_as_they_are():
    model = branching_model()
    assert is_keras_3(model) and not is_keras_3(conv_net(tf.keras))
    conversion = nsc.convert(model, scale_firing_rates={model.get_layer("conv"): 30})
    assert conversion.layers[model.get_layer("conv")].ensemble.gain.options == [30]
    assert "inner/a" in conversion.layers
    assert isinstance(conversion.model, tf.keras.Model)


def test_several_inputs_and_time_distributed():
    a, b = keras.Input((5, 4), name="a"), keras.Input((5, 4), name="b")
    x = layers.TimeDistributed(layers.Dense(3, activation="relu"), name="td")(
        layers.Average(name="mean")([a, b])
    )
    model = keras.Model([a, b], x)
    rng = np.random.RandomState(0)
    data = [rng.uniform(0, 1, (2, 5, 4)).astype("f4") for _ in range(2)]
    np.testing.assert_allclose(
        rebuild(model).predict_on_batch(data), model.predict_on_batch(data), rtol=1e-5
    )  # float32


def test_the_users_model_predicts_as_before():
    """Keras 3.15.1 predicts (2, 2, 3) here for a second length, after one of another length."""
    inp = keras.Input((None, 4))
    model = keras.Model(inp, layers.TimeDistributed(layers.Dense(3, activation="relu"))(2 * inp))
    x = np.random.RandomState(0).normal(size=(2, 5, 4)).astype("f4")
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    predicted = model.predict_on_batch(x)
    assert predicted.shape == (2, 5, 3)
    (output,) = nsc.measure(conversion, x, progress=False).outputs.values()
    # one float32 sum in another order
    np.testing.assert_allclose(output.last, predicted[:, -1], rtol=1e-5, atol=1e-6)


def test_what_cannot_be_rebuilt_is_named():
    class Own(layers.Layer):
        def call(self, x):
            return x

    inp = keras.Input((4,))
    with pytest.raises(ConversionError, match=r"Layer 'mine' \(Own\)") as error:
        nsc.convert(keras.Model(inp, Own(name="mine")(inp)))
    assert error.value.layer == "mine"
    with pytest.raises(ConversionError, match="no known input shape"):
        nsc.convert(keras.Sequential([layers.Dense(3)]))

    class OwnModel(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ConversionError, match="subclassed"):
        nsc.convert(OwnModel())


def test_models_of_a_class_of_their_own_show_their_layers():
    """As the backbones of keras-hub: Functional, and configured by settings of their own."""

    class Backbone(keras.Model):
        def __init__(self, filters, **options):
            inp = keras.Input((6, 6, 2))
            x = layers.Conv2D(filters, 3, activation="relu", name="conv")(inp)
            super().__init__(inputs=inp, outputs={"features": x}, **options)
            self.filters = filters

        def get_config(self):
            return {"filters": self.filters}

    class Changed(Backbone):
        def call(self, inputs):
            return inputs

    inp = keras.Input((6, 6, 2))
    backbone = Backbone(3, name="backbone")
    x = layers.GlobalAveragePooling2D(name="pool")(backbone(inp)["features"])
    model = keras.Model(inp, layers.Dense(2, name="out")(x))
    values = np.random.RandomState(0).uniform(0, 1, (3, 6, 6, 2)).astype("f4")
    for network, name in ((model, "backbone/conv"), (backbone, "conv")):
        conversion = nsc.convert(network, neuron_type="RectifiedLinear")
        assert name in conversion.layers
        (output,) = nsc.measure(conversion, values, 1, progress=False).outputs.values()
        outputs = network(values)
        expected = np.asarray(outputs["features"] if isinstance(outputs, dict) else outputs)
        # one float32 sum in another order
        np.testing.assert_allclose(output.last, expected.reshape(3, -1), rtol=1e-4, atol=1e-6)
    with pytest.raises(ConversionError, match="subclassed"):
        nsc.convert(Changed(3))


@pytest.mark.parametrize("last", ["first call", "second call", "both", "within a model"])
def test_a_model_within_gives_the_outputs(last):
    """Keras counts its calls from 1 where it names ends; found by the soak, seed 300113."""
    inner_input = keras.Input((5,))
    inner = keras.Model(inner_input, layers.Dense(5, activation="relu")(inner_input), name="inner")
    inp = keras.Input((5,))
    one = inner(layers.Dense(5)(inp))
    two = inner(one)
    outputs = {"first call": one, "second call": two, "both": [two, one], "within a model": two}
    model = keras.Model(inp, outputs[last])
    if last == "within a model":
        outer = keras.Input((5,))
        model = keras.Model(outer, model(outer))
    rng = np.random.RandomState(0)
    model.set_weights([rng.uniform(-0.3, 0.5, w.shape) for w in model.get_weights()])
    x = rng.uniform(0, 1, (4, 5)).astype("f4")
    copy = rebuild(model)
    found, expected = copy.predict_on_batch(x), model.predict_on_batch(x)
    for own, theirs in zip(*(v if isinstance(v, list) else [v] for v in (found, expected))):
        # the same float32 operations in another order
        np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shared", ["a layer", "a model"])
@pytest.mark.parametrize("first", ["on the input", "on what it gave"])
def test_a_layer_is_called_again_on_what_a_later_one_made_of_it(shared, first):
    """Keras lists each layer once; found by the soak."""
    inner = layers.Dense(5, activation="relu", name="inner")
    if shared == "a model":
        inner_input = keras.Input((5,))
        inner = keras.Model(inner_input, inner(inner_input), name="inner_model")
    inp, between = keras.Input((5,)), layers.Dense(5, activation="relu", name="between")
    if first == "on the input":
        outputs = inner(between(inner(inp)))
    else:  # the deeper call is the first
        deep = inner(between(inp))
        outputs = layers.Add()([deep, inner(inp), inner(deep - 0.1)])
    model = keras.Model(inp, outputs)
    rng = np.random.RandomState(0)
    model.set_weights([rng.uniform(-0.3, 0.5, w.shape) for w in model.get_weights()])
    x = rng.uniform(0, 1, (4, 5)).astype("f4")
    expected = model.predict_on_batch(x)
    # the same float32 operations in another order
    np.testing.assert_allclose(rebuild(model).predict_on_batch(x), expected, 1e-4, 1e-6)
    network = nsc.convert(model, neuron_type="RectifiedLinear", scale_firing_rates=1)
    (output,) = nsc.measure(network, x, n_steps=3, progress=False).outputs.values()
    np.testing.assert_allclose(output.last, expected, rtol=1e-4, atol=1e-6)


def test_a_call_on_a_tensor_that_no_layer_gives():
    inp = keras.Input((5,), name="inp")
    model = keras.Model(inp, layers.Dense(2, name="out")(inp), name="net")
    config = model.get_config()
    config["layers"][1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "gone"
    with pytest.raises(ConversionError, match="Layer 'out' of model 'net' is called on what"):
        keras3._model(model, config)
