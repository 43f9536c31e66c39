"""Pruned models against the same models with the outputs of the pruned units set to zero."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.trying.pruning import narrowed, pruned, weights_layer


def model_of(kind: str):
    keras = stack.keras()
    layers = keras.layers
    image = keras.Input((8, 8, 2), name="image")
    first = layers.Conv2D(6, 3, name="first")(image)
    if kind == "normalized":
        first = layers.BatchNormalization(name="norm")(first)
    x = layers.Activation("relu", name="fires")(first)
    if kind == "depthwise":
        x = layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu", name="deep")(x)
    if kind == "pooled":
        x = layers.AveragePooling2D(2)(layers.ZeroPadding2D(1)(x))
    if kind == "global":
        x = layers.GlobalAveragePooling2D()(x)
    elif kind == "two convolutions":
        x = layers.Conv2D(3, 3, strides=2, activation="relu", name="second")(x)
    if kind == "sum":
        x = layers.Add(name="sum")([x, first])
    if kind == "reshaped":
        x = layers.Reshape((-1,), name="reshaped")(x)
    elif kind != "global":
        x = layers.Flatten()(x)
    x = layers.Dense(7, activation="relu", name="hidden")(x)
    return keras.Model(image, layers.Dense(3, name="out")(x), name=kind.replace(" ", "_"))


def randomized(model, seed: int = 0):
    rng = np.random.RandomState(seed)
    model.set_weights([np.abs(rng.normal(0.1, 0.4, w.shape)) for w in model.get_weights()])
    return model


@pytest.mark.parametrize(
    "kind", ["plain", "normalized", "depthwise", "pooled", "global", "two convolutions"]
)
@pytest.mark.parametrize("name", ["first", "hidden"])
def test_a_pruned_model_computes_what_one_with_zeros_does(kind, name):
    model = randomized(model_of(kind))
    size = model.get_layer(name).output.shape[-1]
    keep = np.arange(size) % 3 != 0
    smaller = pruned(model, name, keep)
    zeros = stack.keras().models.clone_model(model)
    zeros.set_weights(model.get_weights())
    # what comes after a channel of zeros must be zero, too: a normalization adds something
    for layer in ("norm", "deep") if name == "first" else ():
        if layer in {found.name for found in zeros.layers}:
            weights = zeros.get_layer(layer).get_weights()
            gone = np.repeat(~keep, len(weights[-1]) // size)
            position = 1  # of beta, and of a bias
            weights[position][gone] = 0
            if layer == "norm":
                weights[2][gone] = 0
            zeros.get_layer(layer).set_weights(weights)
    weights = zeros.get_layer(name).get_weights()
    for values in weights:
        values[..., ~keep] = 0
    zeros.get_layer(name).set_weights(weights)
    x = np.random.RandomState(1).normal(0, 1, (5, 8, 8, 2)).astype(np.float32)
    # sums of another order in float32
    np.testing.assert_allclose(smaller(x), zeros(x), rtol=1e-4, atol=1e-4)
    assert smaller.get_layer(name).output.shape[-1] == keep.sum()
    assert smaller.count_params() < model.count_params()
    assert [layer.name for layer in smaller.layers] == [layer.name for layer in model.layers]


def test_the_given_model_stays_as_it_is():
    model = randomized(model_of("plain"))
    before = [w.copy() for w in model.get_weights()]
    pruned(model, "first", np.arange(6) < 2)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


@pytest.mark.parametrize(
    "kind, name, words",
    [
        ("sum", "first", "sum, which reads it, is of type Add"),
        ("reshaped", "first", "reshaped, which reads it, is of type Reshape"),
        ("plain", "out", "output of the model"),
        ("plain", "image", "no units"),
        ("plain", "nothing", "no units"),
    ],
)
def test_what_can_not_be_pruned_is_refused_by_name(kind, name, words):
    model = model_of(kind)
    size = model.get_layer(name).output.shape[-1] if name in ("first", "out") else 1
    with pytest.raises(ConversionError, match=words):
        pruned(model, name, np.arange(size) > 0)
    with pytest.raises(ConversionError, match=words):
        narrowed(model, name)


@pytest.mark.parametrize("keep", [np.zeros(6, bool), np.ones(5, bool)])
def test_a_wrong_mask_is_refused(keep):
    with pytest.raises(ConversionError, match="one entry for each of the 6 units of first"):
        pruned(model_of("plain"), "first", keep)


def test_the_layer_with_the_units_is_the_one_before_the_activations():
    model = model_of("plain")
    assert weights_layer(model, "fires").name == "first"
    assert weights_layer(model, "hidden").name == "hidden"
    assert weights_layer(model, "image") is None
    assert weights_layer(model_of("normalized"), "fires").name == "first"
    assert weights_layer(model_of("pooled"), "fires").name == "first"
    # two layers read the convolution of this one
    assert weights_layer(model_of("sum"), "fires") is None


def test_layers_that_lose_channels_with_others_are_those_that_get_smaller():
    for kind in ("plain", "normalized", "depthwise", "pooled", "global", "two convolutions"):
        model = randomized(model_of(kind))
        smaller = pruned(model, "first", np.arange(6) > 2)
        halved = {
            old.name
            for old, new in zip(model.layers, smaller.layers)
            if np.prod(new.output.shape[1:]) * 2 == np.prod(old.output.shape[1:])
        }
        assert set(narrowed(model, "first")) == halved - {"first"}, kind
