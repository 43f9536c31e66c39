"""Keras 3's operators and operations, dicts and names, held against Keras 3's own predictions."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.loading import load_model
from tests.conversion.agreement import TOLERANCE, with_nengo_dl

keras = importlib.import_module("keras")
if keras.__version__.startswith("2."):
    pytest.skip("this stack has no Keras 3", allow_module_level=True)
layers, ops = keras.layers, getattr(keras, "ops", None)

RNG = np.random.RandomState(0)
MATRIX = RNG.normal(size=(3, 4)).astype("f4")
IMAGE = RNG.normal(size=(5, 4, 3)).astype("f4")
X = RNG.normal(size=(3, 5, 4, 3)).astype("f4")


def check(model, data, lower=None, **options):
    """Outputs of rate neurons are those that Keras 3 predicts, up to float32's sums."""
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", lower=lower, **options)
    activity = nsc.measure(conversion, data, 1, progress=False)
    expected = keras.tree.flatten(model(data, training=False))
    for output, wanted in zip(activity.outputs.values(), expected):
        wanted = np.asarray(wanted).reshape(len(wanted), -1)
        assert np.abs(output.last - wanted).max() < TOLERANCE * max(1e-3, np.abs(wanted).max())
    return conversion


LINEAR = {
    "a / 255.": lambda a: a / 255.0,
    "0.5 * a + 1": lambda a: 0.5 * a + 1,
    "1 - a": lambda a: 1 - a,
    "-a + a * image": lambda a: -a + a * IMAGE,
    "a @ matrix": lambda a: a @ MATRIX,
    "a[:, 1:, ::2]": lambda a: a[:, 1:, ::2],
    "a[..., :2]": lambda a: a[..., :2],
    "concatenate": lambda a: ops.concatenate([a, 2 * a], axis=-1),
    "stack": lambda a: ops.stack([a, -a], axis=1),
    "reshape": lambda a: ops.reshape(a, (-1, 60)),
    "transpose": lambda a: ops.transpose(a, (0, 3, 1, 2)),
    "mean": lambda a: ops.mean(a, axis=(1, 2)),
    "sum": lambda a: ops.sum(a, axis=-1, keepdims=True),
    "a - mean(a)": lambda a: a - ops.mean(a, axis=(1, 2, 3), keepdims=True),
    "pad": lambda a: ops.pad(a, ((0, 0), (1, 2), (0, 1), (0, 0)), constant_values=2.0),
    "pad, reflected": lambda a: ops.pad(a, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect"),
    "where": lambda a: ops.where(IMAGE > 0, a, 0.5),
    "split": lambda a: ops.split(a, 3, axis=-1)[1] - ops.split(a, 3, axis=-1)[0],
    "unstack": lambda a: ops.unstack(a, axis=1)[2],
    "einsum": lambda a: ops.einsum("bijk,kl->bijl", a, MATRIX),
    "cumsum": lambda a: ops.cumsum(a, axis=1),
    "flip, roll, tile": lambda a: ops.tile(ops.roll(ops.flip(a, 1), 2, axis=2), (1, 2, 1, 1)),
    "conv": lambda a: ops.conv(a, np.full((2, 2, 3, 4), 0.1, "f4")),
    "resize": lambda a: ops.image.resize(a, (10, 8)),
}

KINKED = {
    "relu": lambda a: ops.relu(a),
    "activations.relu": lambda a: keras.activations.relu(a),
    "relu that leaks": lambda a: keras.activations.relu(a, max_value=1.0, negative_slope=0.1),
    "leaky_relu": lambda a: ops.leaky_relu(a, 0.1),
    "hard_sigmoid": lambda a: ops.hard_sigmoid(a * 3),
    "hard_tanh": lambda a: ops.hard_tanh(a),
    "soft_shrink": lambda a: ops.soft_shrink(a, 0.3),
    "abs": lambda a: ops.abs(a),
    "clip": lambda a: ops.clip(a, -0.5, 0.7),
    "maximum": lambda a: ops.maximum(a, -2 * a),
    "maximum, constant": lambda a: ops.maximum(a, IMAGE),
    "minimum, constant first": lambda a: ops.minimum(0.2, a),
}

HOST = {
    "max": lambda a: ops.max(a, axis=1),
    "min": lambda a: ops.min(a, axis=-1, keepdims=True),
    "softmax over an axis": lambda a: ops.softmax(a, axis=1),
    "sigmoid": lambda a: ops.sigmoid(a),
}


@pytest.mark.parametrize("name", [*LINEAR, *KINKED, *HOST])
def test_operations_are_exact(name):
    build = {**LINEAR, **KINKED, **HOST}[name]
    inp = keras.Input((5, 4, 3))
    model = keras.Model(inp, build(inp))
    conversion = check(model, X)
    assert (conversion.net.n_neurons > 0) == (name in KINKED)
    assert any(choice.on_host for choice in conversion.choices) == (name in HOST)
    assert not nsc.NetworkGraph(conversion).uncounted or name in HOST
    # composed with what is around it, as spiking hardware has it
    hidden = layers.Dense(3, activation="relu")(inp)
    check(keras.Model(inp, layers.Dense(2, activation="relu")(build(hidden))), X, lower=True)


@pytest.mark.parametrize(
    "build, reason",
    [
        (lambda a: a * a, "the product of two layers is not linear"),
        (lambda a: a / (a + 9), "it divides by the output of a layer"),
        (lambda a: a**2, r"'power.*keras\.ops\.power multiplies values with each other"),
        (lambda a: ops.exp(a), r"\(Exp\).*keras\.ops\.exp has a curve that no neurons have"),
        (lambda a: ops.floor(a), r"keras\.ops\.floor jumps"),
        (lambda a: ops.where(a > 0, a, 0.0), r"keras\.ops\.greater jumps"),
        (lambda a: a - ops.mean(a, axis=0, keepdims=True), "joins samples of the batch"),
        (lambda a: ops.max(a, axis=0, keepdims=True) + a, "axis 0 is the batch"),
        (lambda a: ops.gelu(a), "no neuron type has the curve of its activation 'gelu'"),
        (lambda a: ops.matmul(a, ops.transpose(a, (0, 1, 3, 2))), "not linear with these argum"),
    ],
)
def test_what_is_not_converted_says_why(build, reason):
    inp = keras.Input((5, 4, 3))
    with pytest.raises(ConversionError, match=reason) as error:
        nsc.convert(keras.Model(inp, build(inp)))
    assert error.value.layer


def test_shared_and_nested_operations_and_files(tmp_path):
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, ops.relu(inner_input * 2 - 1) + inner_input, name="inner")
    inp = keras.Input((4,), name="i")
    once = inner(inp / 255.0)
    model = keras.Model(inp, layers.Dense(3)(inner(once) + once))
    x = RNG.uniform(0, 255, (3, 4)).astype("f4")
    check(model, x)
    model.save(tmp_path / "model.keras")
    copy = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        copy.predict_on_batch(x), model.predict_on_batch(x), rtol=1e-5
    )  # float32
    assert check(model, x, swap_activations={"relu": "RectifiedLinear"})


def test_dicts_of_inputs_and_outputs():
    a, b = keras.Input((4,), name="ia"), keras.Input((4,), name="ib")
    y = layers.Dense(5, activation="relu", name="d")(a + 2 * b)
    outputs = {"o": layers.Dense(2, name="q")(y), "n": {"p": layers.Dense(3, name="r")(y)}}
    model = keras.Model({"z": a, "y": b}, outputs)
    x = {"z": X[:, 0, :, 0], "y": X[:, 1, :, 0]}
    conversion = check(model, x)
    assert conversion.inputs["z"] is conversion.inputs["ia"]
    assert conversion.outputs["o"] is conversion.outputs["q"]
    assert conversion.outputs["p"] is conversion.outputs["r"]
    found = with_nengo_dl(conversion, [x["y"], x["z"]])  # in the order of model.inputs
    np.testing.assert_allclose(found[1], model.predict_on_batch(x)["o"], rtol=1e-5, atol=1e-6)
    result = nsc.profile(model, x, n_steps=3, progress=False)
    assert result.activity.n_samples == 3


@pytest.mark.parametrize("name", ["a b", "första (1)", "_x: y.z", "a,b;c"])
def test_names_with_blanks(name):
    """Right are the outputs of the same model with plain names: Keras 3.15 itself can't run one
    with blanks on TensorFlow ("is not a valid root scope name")."""

    def made(name):
        inner = keras.Sequential(
            [keras.Input((4,)), layers.Dense(3, activation="relu", name=name)], name=f"{name} in"
        )
        inp = keras.Input((4,), name=f"{name} i")
        return keras.Model(inp, layers.Dense(2, name=f"{name} out")(inner(inp)), name=f"{name} m")

    model, plain = made(name), made_plain()
    plain.set_weights(model.get_weights())
    x = X[:, 0, :, 0]
    scales = {f"{name} in/{name}": 20}
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", scale_firing_rates=scales)
    assert model.name == f"{name} m" and f"{name} in/{name}" in conversion.layers
    found = with_nengo_dl(conversion, [x])[0]
    np.testing.assert_allclose(found, plain.predict_on_batch(x), rtol=1e-5, atol=1e-6)


def made_plain():
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)]
    )


def test_renormalized():
    """In inference it is as without renorm: Keras 3.15.1's call reads moving_mean and _variance."""
    inp = keras.Input((4,))
    for options in ({}, {"scale": False}, {"center": False}):
        model = keras.Model(inp, layers.BatchNormalization(renorm=True, **options)(inp))
        model.set_weights([RNG.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
        check(model, X[:, 0, :, 0])


@pytest.mark.parametrize("name", ["hard_sigmoid", "hard_tanh", "soft_shrink", "sparse_sigmoid",
                                  "leaky_relu", "relu6", "tanh", "sigmoid", "softmax"])  # fmt: skip
def test_activations_are_keras_3s(name):
    inp = keras.Input((4,))
    x = layers.Dense(5, activation=name)(inp)
    model = keras.Model(inp, [x, layers.Activation(name)(inp * 5)])
    check(model, X[:, 0, :, 0])


def test_layers_whose_defaults_differ():
    inp = keras.Input((4,))
    outputs = [
        layer(inp)
        for layer in (
            layers.LeakyReLU(), layers.ReLU(2.0, 0.1), layers.PReLU(),
            layers.Rescaling([1.0, 2.0, 3.0, 4.0], 0.5),
            layers.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 2, 1, 2], invert=True),
        )
    ]  # fmt: skip
    check(keras.Model(inp, outputs), X[:, 0, :, 0])


def test_unknown_activations_are_refused_and_can_be_swapped():
    inp = keras.Input((4,))
    model = keras.Model(inp, layers.Dense(2)(layers.Dense(3, activation="celu")(inp)))
    with pytest.raises(ConversionError, match="curve of its activation 'celu'"):
        nsc.convert(model)
    conversion = nsc.convert(model, swap_activations={keras.activations.celu: tf.nn.relu})
    assert conversion.neuron_counts == {"SpikingRectifiedLinear": 3}


def test_padding_with_infinity_is_said_with_what_to_do():
    """The pooling of keras-hub's ResNet v2."""
    inp = keras.Input((6, 6, 2))
    around = ((0, 0), (1, 1), (1, 1), (0, 0))
    x = ops.pad(layers.Conv2D(2, 3)(inp), around, constant_values=float("-inf"))
    x = layers.ReLU()(layers.MaxPooling2D(3, 2)(x))
    with pytest.raises(ConversionError, match=r"infinite whatever.*use MaxPooling\(padd"):
        nsc.convert(keras.Model(inp, layers.Flatten()(x)))
