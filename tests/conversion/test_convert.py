"""Conversion, held against ``model.predict`` and against the model it must not touch."""

from __future__ import annotations

import json
import warnings

import nengo
import nengo_dl
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion import NEURON_TYPES
from nengo_spikecost.errors import ConversionError, ConversionWarning
from tests.models import conv_net, images, randomise

keras = tf.keras
layers = tf.keras.layers


def nengo_output(conversion, x, n_steps=1):
    with nengo_dl.Simulator(
        conversion.net, minibatch_size=len(x), progress_bar=False, seed=0
    ) as sim:
        steps = np.tile(x.reshape(len(x), 1, -1), (1, n_steps, 1))
        return sim.predict(steps, verbose=0)[next(iter(conversion.outputs.values()))]


@pytest.mark.parametrize("scale", [1, 250.0, {"conv1": 40, "dense0": 7}])
def test_rate_network_equals_keras(scale):
    model, x = conv_net(keras), images()
    conversion = nsc.convert(model, neuron_type=nengo.RectifiedLinear(), scale_firing_rates=scale)
    # float32 sums of up to 36 terms in another order, times a scale that is divided out
    np.testing.assert_allclose(
        nengo_output(conversion, x)[:, 0], model.predict_on_batch(x), rtol=2e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", sorted(NEURON_TYPES))
def test_every_neuron_type_converts(name):
    conversion = nsc.convert(conv_net(keras), neuron_type=name, scale_firing_rates=100)
    neurons = conversion.layers["conv0"].ensemble.neuron_type
    assert type(neurons) is type(NEURON_TYPES[name]())
    # the scale is divided out of the output again
    assert neurons.amplitude == pytest.approx(NEURON_TYPES[name]().amplitude / 100)
    assert conversion.layers["conv0"].ensemble.gain.options == [100]


def test_neuron_type_may_be_class_instance_or_name():
    model = conv_net(keras)
    for neuron_type in (nengo.LIF, nengo.LIF(), "LIF", "lif"):
        conversion = nsc.convert(model, neuron_type=neuron_type)
        assert isinstance(conversion.layers["conv1"].ensemble.neuron_type, nengo.LIF)
    for wrong in ("LIFF", 3, nengo.PoissonSpiking):
        with pytest.raises(ConversionError, match="neuron_type"):
            nsc.convert(model, neuron_type=wrong)


def test_the_users_model_is_untouched():
    inner = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, activation="relu", name="a")], name="inner"
    )
    inp = keras.Input((6,))
    model = randomise(keras.Model(inp, layers.Dense(2, name="out")(inner(inp))))
    before = [w.copy() for w in model.get_weights()], json.dumps(model.get_config(), default=str)
    nodes = [len(layer.inbound_nodes) for layer in (*model.layers, *inner.layers)]
    nsc.convert(model, scale_firing_rates={"inner/a": 20})
    for old, new in zip(before[0], model.get_weights()):
        np.testing.assert_array_equal(old, new)
    assert json.dumps(model.get_config(), default=str) == before[1]
    assert [len(layer.inbound_nodes) for layer in (*model.layers, *inner.layers)] == nodes


def test_lookup_by_name_layer_and_tensor():
    model = conv_net(keras)
    conversion = nsc.convert(model)
    by_name = conversion.layers["conv1"]
    assert by_name is conversion.layers[model.get_layer("conv1")]
    assert by_name is conversion.layers[model.get_layer("conv1").output]
    assert conversion.layers["flatten"] is by_name  # no neurons of its own
    assert conversion.inputs["image"] is conversion.inputs[model.input]
    assert conversion.outputs["dense1"] is conversion.outputs[model.output]
    assert list(conversion.layers) == [layer.name for layer in model.layers]
    assert "conv1" in conversion.layers and "conv7" not in conversion.layers
    with pytest.raises(KeyError, match=r"conv7.*conv0, conv1"):
        conversion.layers["conv7"]
    assert conversion.layer_names[by_name.ensemble] == "conv1"


def test_nested_models_sequential_and_shared_layers():
    inner = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(6, activation="relu", name="a"),
            layers.Dense(5, activation="relu", name="b"),
        ],
        name="inner",
    )
    shared = layers.Dense(8, activation="relu", name="shared")
    inp = keras.Input((8,), name="x")
    model = randomise(keras.Model(inp, layers.Dense(3, name="out")(inner(shared(shared(inp))))))
    with pytest.raises(ConversionError, match=r"'shared'.*split_shared_weights") as error:
        nsc.convert(model, inference_only=False)
    assert error.value.layer == "shared"
    nsc.convert(model, inference_only=False, split_shared_weights=True)
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    x = np.random.RandomState(0).uniform(0, 1, (4, 8)).astype("f4")
    # float32 sums in another order
    np.testing.assert_allclose(
        nengo_output(conversion, x)[:, 0], model.predict_on_batch(x), rtol=2e-5, atol=1e-6
    )
    assert conversion.layers["inner"] is conversion.layers["inner/b"]
    assert conversion.layers[inner.get_layer("a")] is conversion.layers["inner/a"]
    assert conversion.layer_names[conversion.layers["inner/b"].ensemble] == "inner/b"
    with pytest.raises(KeyError, match=r"'shared\.0', 'shared\.1'"):
        conversion.layers["shared"]
    assert conversion.layers["shared.1"].size_out == 8


def test_scale_of_unknown_layer_or_bad_value():
    model = conv_net(keras)
    with pytest.raises(ConversionError, match="'conv9'"):
        nsc.convert(model, scale_firing_rates={"conv9": 2})
    for wrong in (0, -1, float("nan"), "fast", None):
        with pytest.raises(ConversionError, match="positive number"):
            nsc.convert(model, scale_firing_rates=wrong)
    with pytest.raises(ConversionError, match="of layer 'conv0'"):
        nsc.convert(model, scale_firing_rates={model.get_layer("conv0"): -2})
    with pytest.raises(ConversionError, match=r"no effect.*dense1"):
        nsc.convert(model, scale_firing_rates={"dense1": 2})


@pytest.mark.parametrize(
    "layer, reason",
    [
        (layers.Conv2D(2, 3, activation="gelu", name="bad"), "no neuron type has the curve .*gelu"),
        (layers.ELU(name="bad"), "no spiking neuron has its curve"),
        (layers.LayerNormalization(name="bad"), "divides by statistics"),
        (layers.LSTM(4, name="bad"), "its state is computed"),
        (layers.Lambda(lambda x: x, name="bad"), "what it computes is unknown"),
        (layers.ReLU(threshold=0.5, name="bad"), r"jumps at threshold=0\.5"),
        (layers.ThresholdedReLU(name="bad"), "jumps at the threshold"),
        (layers.Embedding(4, 3, name="bad"), "no Nengo form"),
        (layers.Dropout(0.5, name="bad"), None),
    ],
)
def test_what_cannot_be_converted_is_named(layer, reason):
    shape = (5, 3) if isinstance(layer, layers.LSTM) else (8, 8, 2)
    inp = keras.Input(shape)
    model = keras.Model(inp, layers.Flatten()(layer(inp)))
    options = {}
    if reason is None:
        options, reason = {"inference_only": False}, "use inference_only=True"
    with pytest.raises(ConversionError, match=f"Layer 'bad' .*{reason}") as error:
        nsc.convert(model, **options)
    assert error.value.layer == "bad"


@pytest.mark.parametrize("name", ["Multiply", "Dot"])
def test_products_of_layers_are_refused(name):
    a, b = keras.Input((4,)), keras.Input((4,))
    layer = layers.Dot(1, name="bad") if name == "Dot" else getattr(layers, name)(name="bad")
    with pytest.raises(ConversionError, match=r"Layer 'bad' .*only add"):
        nsc.convert(keras.Model([a, b], layer([a, b])))


def test_bare_operations_and_wrong_models():
    inp = keras.Input((4,))
    with pytest.raises(ConversionError, match=r"tf\.math\.exp has a curve that no neurons have"):
        nsc.convert(keras.Model(inp, tf.exp(inp)))
    with pytest.raises(ConversionError, match=r"not tf\.math\.lgamma; use a Keras layer"):
        nsc.convert(keras.Model(inp, tf.math.lgamma(inp)))
    with pytest.raises(ConversionError, match="product of two layers"):
        nsc.convert(keras.Model(inp, inp * inp))
    with pytest.raises(ConversionError, match="no known input shape"):
        nsc.convert(keras.Sequential([layers.Dense(3)]))
    with pytest.raises(ConversionError, match=r"must be a tf\.keras\.Model"):
        nsc.convert("model.h5")
    with pytest.raises(ConversionError, match="already a Nengo network"):
        nsc.convert(nengo.Network())

    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ConversionError, match="subclassed"):
        nsc.convert(Own())


def test_fallback_is_allowed_on_request():
    inp = keras.Input((8, 8, 2))
    model = keras.Model(inp, layers.LayerNormalization(name="norm")(inp))
    with pytest.warns(ConversionWarning, match="TensorNode"):
        conversion = nsc.convert(model, allow_fallback=True)
    assert isinstance(conversion.layers["norm"], nengo_dl.TensorNode)
    model = keras.Model(inp, layers.Dense(3, activation="gelu", name="dense")(inp))
    with pytest.warns(ConversionWarning, match="'dense': its activation gelu falls back"):
        conversion = nsc.convert(model, allow_fallback=True)
    x = np.random.RandomState(0).normal(size=(3, 8, 8, 2)).astype("f4")
    # float32 sums in another order
    np.testing.assert_allclose(
        nengo_output(conversion, x)[:, 0],
        model.predict_on_batch(x).reshape(3, -1),
        rtol=2e-5,
        atol=1e-6,
    )


def test_temporal_models():
    inp = keras.Input((None, 7), name="signal")
    x = layers.TimeDistributed(layers.Dense(5, activation="relu", name="d"), name="td")(inp)
    model = randomise(keras.Model(inp, x))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", scale_firing_rates={"td": 3})
    assert conversion.temporal
    assert conversion.layers["td"].ensemble.gain.options == [3]
    x = np.random.RandomState(0).uniform(0, 1, (4, 6, 7)).astype("f4")
    with nengo_dl.Simulator(conversion.net, minibatch_size=4, progress_bar=False) as sim:
        found = sim.predict(x, verbose=0)[conversion.outputs["td"]]
    # float32 sums in another order
    np.testing.assert_allclose(found, model.predict_on_batch(x), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Flatten(), layers.Reshape((15,)), layers.GlobalAveragePooling1D(),
        layers.GlobalMaxPooling1D(), layers.MaxPooling1D(1), layers.Conv1D(2, 3, padding="same"),
        layers.Cropping1D(1), layers.UpSampling1D(2), layers.ZeroPadding1D(1),
    ],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_layers_that_join_steps_are_refused(layer):
    inp = keras.Input((5, 4))
    x = layers.TimeDistributed(layers.Dense(3, activation="relu"))(inp)
    message = f"'{layer.name}' .* it works along axis 1, which is time in this model"
    with pytest.raises(ConversionError, match=message):
        nsc.convert(keras.Model(inp, layer(x)))


def test_models_within_a_step_are_refused():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu")])
    inp = keras.Input((5, 4))
    model = keras.Model(inp, layers.TimeDistributed(inner, name="each")(inp))
    with pytest.raises(ConversionError, match=r"'each' .* it is wrapped around a model"):
        nsc.convert(model)


def test_layers_within_a_step_of_a_temporal_model():
    inp = x = keras.Input((3, 6, 6, 2))
    x = layers.Conv2D(3, 3, activation="relu")(x)  # its first axis is one more of the batch
    x = layers.TimeDistributed(layers.AveragePooling2D(2))(x)
    x = layers.TimeDistributed(layers.Flatten())(x)
    x = layers.Dropout(0.1)(layers.Dense(4, activation="relu")(x))
    model = randomise(keras.Model(inp, x))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", lower=True)
    x = np.random.RandomState(0).uniform(0, 1, (2, 3, 6, 6, 2)).astype("f4")
    with nengo_dl.Simulator(conversion.net, minibatch_size=2, progress_bar=False) as sim:
        (found,) = sim.predict(x.reshape(2, 3, -1), verbose=0).values()
    # float32 sums in another order
    np.testing.assert_allclose(found, model.predict_on_batch(x), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("filter_type", ["Lowpass", "Alpha"])
def test_keras_spiking_layers(filter_type):
    import keras_spiking

    inp = keras.Input((None, 6))
    x = layers.TimeDistributed(layers.Dense(5), name="td")(inp)
    x = keras_spiking.SpikingActivation("relu", seed=0, name="spikes")(x)
    x = getattr(keras_spiking, filter_type)(0.01, dt=0.001, name="filter")(x)
    model = keras.Model(inp, x)
    kernel = np.random.RandomState(1).uniform(0, 0.3, (6, 5))
    model.get_layer("td").set_weights([kernel, np.zeros(5)])
    conversion = nsc.convert(model)
    neurons = conversion.layers["spikes"].ensemble.neuron_type
    assert isinstance(neurons, nengo.RegularSpiking)
    # one sample: keras_spiking draws other initial voltages for every batch size
    x = np.random.RandomState(0).uniform(20, 90, (1, 30, 6)).astype("f4")
    with nengo_dl.Simulator(conversion.net, minibatch_size=1, progress_bar=False) as sim:
        found = sim.predict(x, verbose=0)[conversion.outputs["filter"]]
    # Filters run in float32 with coefficients computed by different means; values up to ~100
    expected = model.predict_on_batch(x)
    assert expected.max() > 20
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)


def test_no_stray_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConversionWarning)
        nsc.convert(keras.Sequential([keras.Input((3,)), layers.Dense(2, activation="relu")]))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"off_chip": "conv0"}, r"off_chip must be a list .* not 'conv0'; .* write \['conv0'\]"),
        ({"off_chip": 3}, "off_chip must be a list of layers or layer names, not 3"),
        ({"off_chip": ["flatten"]}, "off_chip names 'flatten', which is no layer with neurons"),
        ({"lower": "yes"}, "lower must be True, False or None, not 'yes'"),
        ({"seed": "a"}, "seed must be a whole number from 0 .*, not 'a'"),
        ({"swap_activations": [1]}, "swap_activations must be a dict .* not list"),
    ],
)
def test_options_of_the_wrong_type(options, message):
    with pytest.raises(ConversionError, match=message):
        nsc.convert(conv_net(keras), **options)


def test_inputs_of_unknown_size():
    model = keras.Sequential([keras.Input((None, 8, 2), name="x"), layers.Conv2D(2, 3)])
    message = r"'x' .* axes of its shape \(None, None, 8, 2\) have no size; build the model"
    with pytest.raises(ConversionError, match=message):
        nsc.convert(model, temporal=False)


def test_weights_and_synapses_that_are_no_numbers():
    model = conv_net(keras)
    for synapse in (float("nan"), float("inf"), -0.1, "0.1"):
        with pytest.raises(ConversionError, match="synapse must be a time constant"):
            nsc.convert(model, synapse=synapse)
    with pytest.raises(ConversionError, match="max_pooling must be one of 'exact', 'average'"):
        nsc.convert(model, max_pooling="max")
    weights = model.get_layer("conv1").get_weights()
    model.get_layer("conv1").set_weights([np.full_like(w, np.nan) for w in weights])
    with pytest.raises(ConversionError, match="Layer 'conv1' has weights that are NaN"):
        nsc.convert(model)
