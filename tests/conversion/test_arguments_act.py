"""Arguments of `convert` and its like act, or are refused by name."""

from __future__ import annotations

import importlib
import re

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import ArgumentError, ConversionError, SpikeCostError, TuningError
from tests.conversion.agreement import predictions, random_inputs, random_weights, with_nengo_dl

keras = tf.keras
layers = tf.keras.layers
new_keras = importlib.import_module("keras")


def relu_net():
    inp = keras.Input((4,))
    x = layers.Dense(5, activation="relu", name="Hidden")(inp)
    x = layers.ReLU(name="second")(layers.Dense(6, name="line")(x))
    return random_weights(keras.Model(inp, layers.Dense(3, name="out")(x)))


def types_of(conversion):
    """The type of neurons of each layer."""
    owners = conversion.layer_names.items()
    return {n: type(o.neuron_type).__name__ for o, n in owners if isinstance(o, nengo.Ensemble)}


class relu:
    """Stands for a function of JAX, which is an object with a name."""

    __module__, __name__ = "jax.nn", "relu"

    def __call__(self, x):
        return x


@pytest.mark.parametrize(
    "key",
    [
        tf.nn.relu, tf.keras.activations.relu, new_keras.activations.relu, "relu", "ReLU", relu(),
        tf.keras.layers.ReLU, tf.keras.layers.ReLU(), new_keras.layers.ReLU,
        nengo.RectifiedLinear(),
    ],
    # none with the address of an object, which is another in every process
    ids=[
        "tf.nn", "keras 2 function", "keras 3 function", "name", "name of the layer", "jax",
        "keras 2 class", "keras 2 layer", "keras 3 class", "neuron type",
    ],
)  # fmt: skip
def test_a_relu_by_any_name_is_swapped(key):
    conversion = nsc.convert(relu_net(), swap_activations={key: nengo.LIF()})
    assert types_of(conversion) == {"Hidden": "LIF", "second": "LIF"}
    assert conversion.neuron_type == nengo.LIF()


@pytest.mark.parametrize("by_object", [False, True])
def test_one_layer_is_swapped(by_object):
    model = relu_net()
    key = model.get_layer("Hidden") if by_object else "Hidden"
    conversion = nsc.convert(model, swap_activations={key: "LIF"})
    assert types_of(conversion) == {"Hidden": "LIF", "second": "SpikingRectifiedLinear"}
    # its neurons are the ReLUs' own where the user has not said otherwise
    assert conversion.neuron_type == nengo.SpikingRectifiedLinear()


def test_layers_within_others_are_swapped():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, "relu", name="a")], name="inner")
    inp = keras.Input((4,))
    model = keras.Model(inp, layers.Dense(2, activation="relu", name="a")(inner(inp)))
    conversion = nsc.convert(model, swap_activations={"inner/a": nengo.LIF()})
    assert types_of(conversion) == {"inner/a": "LIF", "a": "SpikingRectifiedLinear"}
    inp = keras.Input((5, 4))
    wrapped = layers.TimeDistributed(layers.Dense(3, "relu", name="inside"), name="around")
    model = keras.Model(inp, wrapped(inp))
    for key in ("around", wrapped, wrapped.layer):
        assert types_of(nsc.convert(model, swap_activations={key: nengo.LIF()})) == {
            "around": "LIF"
        }


def other_model(activation):
    inp = keras.Input((4,))
    dense = layers.Dense(5, activation=None if isinstance(activation, layers.Layer) else activation)
    x = dense(inp)
    if isinstance(activation, layers.Layer):
        x = activation(x)
    return keras.Model(inp, layers.Dense(3)(x))


@pytest.mark.parametrize(
    "activation, keys",
    [
        ("gelu", ["gelu", tf.nn.gelu, tf.keras.activations.gelu, new_keras.activations.gelu]),
        ("swish", ["swish", "silu", tf.nn.silu, new_keras.activations.silu]),
        (layers.ELU, ["elu", tf.nn.elu, layers.ELU, layers.ELU()]),
        (layers.LeakyReLU, ["leaky_relu", tf.nn.leaky_relu, layers.LeakyReLU]),
        ("relu6", ["relu6", tf.nn.relu6]),
        ("hard_sigmoid", ["hard_sigmoid", new_keras.activations.hard_sigmoid]),
        ("sigmoid", [tf.nn.sigmoid, tf.sigmoid, "sigmoid"]),
        ("tanh", [np.tanh, tf.tanh, "tanh"]),
        ("softmax", [tf.nn.softmax, "softmax", layers.Softmax]),
    ],
)
def test_other_activations_become_relus(activation, keys):
    made = activation() if isinstance(activation, type) else activation
    model, wanted = other_model(made), other_model("relu")
    random_weights(model), random_weights(wanted)
    inputs = random_inputs(model)
    for key in keys:
        conversion = nsc.convert(
            model, neuron_type="RectifiedLinear", swap_activations={key: tf.nn.relu}
        )
        found = with_nengo_dl(conversion, inputs)[0]
        # what Keras computes with relu in its place; float32 sums in another order
        np.testing.assert_allclose(found, predictions(wanted, inputs)[0], rtol=1e-5, atol=1e-6)


def test_what_is_swapped_in_is_the_users_own_word():
    """Rates by name stay rates; a neuron type that is a key itself is followed, as in NengoDL."""
    model = relu_net()
    conversion = nsc.convert(model, swap_activations={"Hidden": nengo.RectifiedLinear()})
    assert types_of(conversion)["Hidden"] == "RectifiedLinear"
    swaps = {tf.nn.relu: nengo.LIFRate(), nengo.LIFRate(): nengo.LIF()}
    assert set(types_of(nsc.convert(model, swap_activations=swaps)).values()) == {"LIF"}
    # spikes that come by a swap are lowered as others are, and made of pixels beside the chip
    conversion = nsc.convert(
        model, neuron_type="RectifiedLinear", swap_activations={tf.nn.relu: nengo.LIF()}
    )
    assert conversion.lowering is not None


@pytest.mark.parametrize(
    "swaps, message",
    [
        ({"gelu": nengo.LIF()}, r"has 'gelu', and no layer has .* the model's are linear, relu"),
        ({tf.nn.relu: "LIF", "gleu": "LIF"}, "has 'gleu', and no layer has that activation"),
        ({nengo.Tanh(): nengo.LIF()}, r"has Tanh\(\)"),
        ({"relu": nengo.LIF(), tf.nn.relu: nengo.LIF()}, "two keys for the same, 'relu' and relu"),
        ({"relu": 5}, r"swap_activations\['relu'\] must be a Nengo neuron type"),
        ({"relu": "spiky"}, "'spiky', which is neither an activation of Keras nor one of Adaptive"),
    ],
)
def test_swaps_without_effect_are_refused(swaps, message):
    with pytest.raises(ConversionError, match=message):
        nsc.convert(relu_net(), swap_activations=swaps)


def test_a_name_of_both_is_refused():
    inp = keras.Input((4,))
    x = layers.Dense(5, activation="relu", name="tanh")(inp)
    model = keras.Model(inp, layers.Dense(3, activation="tanh", name="b")(x))
    with pytest.raises(ConversionError, match="'tanh', which is an activation and the name of a l"):
        nsc.convert(model, swap_activations={"tanh": nengo.LIF()})
    conversion = nsc.convert(model, swap_activations={model.get_layer("tanh"): nengo.LIF()})
    assert types_of(conversion)["tanh"] == "LIF"


def test_an_own_function_is_known_by_itself():
    def own(x):
        return x

    model = other_model(own)
    conversion = nsc.convert(model, swap_activations={own: nengo.LIF()})
    assert set(types_of(conversion).values()) == {"LIF"}


def test_scales_without_effect_are_refused():
    model = other_model("tanh")
    name = model.layers[1].name
    with pytest.raises(ConversionError, match=f"no effect on the Tanh neurons of layer '{name}'"):
        nsc.convert(model, scale_firing_rates={name: 5})
    with pytest.raises(ConversionError, match=r"without neurons: line; .* are Hidden, second"):
        nsc.convert(relu_net(), scale_firing_rates={"Hidden": 3, "line": 5})


def test_a_conversion_names_the_neurons_that_it_has():
    conversion = nsc.convert(relu_net(), swap_activations={"Hidden": nengo.LIF()})
    assert conversion.neuron_counts == {"LIF": 5, "SpikingRectifiedLinear": 6}
    assert "5 LIF, 6 SpikingRectifiedLinear neurons" in repr(conversion)
    assert "11 neurons (5 LIF, 6 SpikingRectifiedLinear)" in conversion.summary_string()
    linear = nsc.convert(other_model(None))
    assert "no neurons" in repr(linear) and "Spiking" not in linear.summary_string()


def test_arguments_that_there_are_not():
    model = relu_net()
    with pytest.raises(ArgumentError, match="convert has no argument 'foo'; it has model, neuron"):
        nsc.convert(model, foo=1)
    with pytest.raises(ArgumentError, match="'neurontype'; did you mean neuron_type"):
        nsc.convert(model, neurontype=1)
    with pytest.raises(ArgumentError, match="convert takes model without a name, and was given 2"):
        nsc.convert(model, "LIF")
    with pytest.raises(ArgumentError, match="convert: missing a required argument: 'model'"):
        nsc.convert()
    x = np.zeros((1, 4))
    with pytest.raises(ArgumentError, match="profile has no argument 'n_step'; did you mean n_ste"):
        nsc.profile(model, x, n_step=3)
    with pytest.raises(
        ArgumentError, match="profile has no argument 'swap_activation'; did you mean swap_a"
    ):
        nsc.profile(model, x, swap_activation=3)
    with pytest.raises(ArgumentError, match="measure has no argument 'simulato'; did you mean sim"):
        nsc.measure(nsc.convert(model), x, 3, simulato="nengo")
    assert issubclass(ArgumentError, SpikeCostError) and issubclass(ArgumentError, TypeError)


@pytest.mark.parametrize("options", [{"neuron_type": "LIF"}, {"synapse": None}, {"lower": True}])
def test_a_network_is_not_converted_again(options):
    conversion, x = nsc.convert(relu_net()), np.ones((2, 4))
    (name,) = options
    with pytest.raises(ArgumentError, match=f"{name}: for Keras models only; Conversion is a netw"):
        nsc.profile(conversion, x, n_steps=3, **options)
    with pytest.raises(TuningError, match=f"{name}: a Conversion has its own"):
        nsc.tune_firing_rates(conversion, x, n_steps=3, **options)


@pytest.mark.parametrize(
    "kind, options, called, key",
    [
        ("ELU", {}, None, "elu"),
        ("ELU", {}, "act", "act"),
        ("ELU", {}, "act", "layer"),
        ("ThresholdedReLU", {}, "act", "act"),
        ("ThresholdedReLU", {}, "act", "layer"),
        ("ThresholdedReLU", {}, None, "thresholded_re_lu"),
        ("LeakyReLU", {}, None, "leaky_re_lu"),
        ("LeakyReLU", {}, "act", "layer"),
        ("PReLU", {"alpha_initializer": "ones"}, None, "p_re_lu"),
        ("PReLU", {"alpha_initializer": "ones"}, "act", "act"),
        ("Activation", {"activation": "softplus"}, "act", "layer"),
        ("Activation", {"activation": "softplus"}, "act", "softplus"),
    ],
)
def test_layers_that_are_activations_are_swapped(kind, options, called, key):
    """Right is what Keras gives with a ReLU in the place of the layer."""
    keras.backend.clear_session()  # names of layers are counted
    act = getattr(layers, kind)(name=called, **options)
    inp = keras.Input((4,))
    x = layers.Dense(5, bias_initializer="ones")(inp)
    out = layers.Dense(3)
    model = keras.Model(inp, out(act(x)))
    expected = keras.Model(inp, out(layers.ReLU()(x)))
    conversion = nsc.convert(
        model, neuron_type="RectifiedLinear", synapse=None,
        swap_activations={act if key == "layer" else key: "relu"},
    )  # fmt: skip
    images = np.random.RandomState(0).uniform(-1, 1, (3, 4)).astype("f4")
    activity = nsc.measure(conversion, images, 5, simulator="compiled", progress=False)
    (record,) = activity.outputs.values()
    np.testing.assert_allclose(record.last, expected.predict_on_batch(images), atol=1e-5)


@pytest.mark.parametrize("kind", ["ELU", "ThresholdedReLU"])
def test_the_advice_on_a_layer_without_neurons_works(kind):
    inp = keras.Input((4,))
    model = keras.Model(inp, layers.Dense(3)(getattr(layers, kind)()(layers.Dense(5)(inp))))
    with pytest.raises(ConversionError) as said:
        nsc.convert(model)
    (old,) = set(re.findall(r"swap_activations=\{'(\w+)': 'relu'\}", str(said.value)))
    assert f"--swap {old}=relu" in str(said.value)
    assert nsc.convert(model, swap_activations={old: "relu"}).choices
