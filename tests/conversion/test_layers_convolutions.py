"""Convolutions of all kinds against Keras."""

from __future__ import annotations

import itertools

import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from tests.conversion.agreement import (
    check_layers,
    predictions,
    random_inputs,
    random_weights,
    with_nengo_dl,
)

keras = tf.keras
layers = tf.keras.layers
PADDINGS = ("valid", "same")


@pytest.mark.parametrize("scale", [1, 50])
def test_conv2d(scale):
    variants = [
        {"kernel_size": 3},
        {"kernel_size": (2, 3), "strides": 2, "padding": "same", "activation": "relu"},
        {"kernel_size": (4, 2), "strides": (1, 3), "padding": "same"},
        {"kernel_size": 3, "dilation_rate": 2, "activation": "relu"},
        {"kernel_size": (2, 3), "dilation_rate": (3, 1), "padding": "same", "use_bias": False},
        {"kernel_size": 3, "groups": 2, "activation": "relu"},
        {"kernel_size": 2, "groups": 4, "strides": 2, "padding": "same"},
        {"kernel_size": 1, "activation": "relu6"},
    ]
    made = [layers.Conv2D(8, **variant) for variant in variants]
    check_layers(made, (7, 6, 4), scale_firing_rates=scale)


@pytest.mark.parametrize("padding", [*PADDINGS, "causal"])
def test_conv1d(padding):
    check_layers(
        [
            layers.Conv1D(
                4, 3, strides=stride, padding=padding, dilation_rate=dilation, groups=groups,
                activation="relu",
            )
            for stride, dilation, groups in [(1, 1, 1), (2, 1, 2), (1, 2, 1), (3, 1, 1)]
        ],
        (11, 2),
    )  # fmt: skip


def test_conv3d():
    """Nengo's own simulator has no convolution of three axes."""
    made = [
        layers.Conv3D(3, 2, strides=s, padding=p, dilation_rate=d, activation="relu")
        for p, (s, d) in itertools.product(PADDINGS, [(1, 1), (2, 1), (1, 2)])
    ]
    made += [layers.Conv3DTranspose(2, 2, strides=2, padding=p) for p in PADDINGS]
    check_layers(made, (4, 5, 3, 2), "nengo_dl")


@pytest.mark.parametrize("activation", [None, "relu"])
def test_depthwise(activation):
    variants = [
        (3, 1, 1, "valid", 1),
        (2, 2, 1, "same", 3),
        ((3, 2), 1, (2, 1), "same", 2),
        (4, 3, 1, "same", 1),
    ]
    made = [
        layers.DepthwiseConv2D(
            kernel, strides=stride, dilation_rate=dilation, padding=padding,
            depth_multiplier=multiplier, activation=activation,
        )
        for kernel, stride, dilation, padding, multiplier in variants
    ]  # fmt: skip
    check_layers(made, (7, 6, 3))


def test_depthwise_and_separable_of_one_axis():
    made = [layers.DepthwiseConv1D(3, padding=p, depth_multiplier=2) for p in PADDINGS]
    made += [layers.SeparableConv1D(5, 3, strides=2, padding=p) for p in PADDINGS]
    made.append(layers.SeparableConv1D(5, 3, padding="causal", dilation_rate=2, activation="relu"))
    check_layers(made, (9, 3))


def test_separable():
    variants = [
        {"kernel_size": 3, "activation": "relu"},
        {"kernel_size": (3, 2), "strides": 2, "padding": "same", "depth_multiplier": 2},
        {"kernel_size": 2, "dilation_rate": 2, "padding": "same", "use_bias": False},
    ]
    made = [layers.SeparableConv2D(5, **variant) for variant in variants]
    check_layers(made, (7, 6, 3), scale_firing_rates=20)


@pytest.mark.parametrize("padding", PADDINGS)
def test_transposed_convolutions(padding):
    made = [
        layers.Conv2DTranspose(3, kernel, strides=stride, padding=padding, activation="relu")
        for kernel, stride in itertools.product([1, 2, 3, (4, 3)], [1, 2, 3])
    ]
    made += [
        layers.Conv2DTranspose(2, k, strides=s, padding=padding, output_padding=extra)
        for k, s, extra in [(3, 2, 1), (3, 2, 0), (5, 3, 2)]
    ]
    check_layers(made, (4, 5, 2))
    check_layers(
        [layers.Conv1DTranspose(3, k, strides=2, padding=padding) for k in (1, 2, 3)], (5, 2)
    )


def test_grouped_convolutions_of_three_axes():
    """TensorFlow has none on CPUs: Keras is asked for the two halves."""
    inp = keras.Input((3, 4, 3, 4))
    grouped = random_weights(keras.Model(inp, layers.Conv3D(6, 2, groups=2, name="c")(inp)))
    kernel, bias = grouped.get_layer("c").get_weights()
    halves = [layers.Conv3D(3, 2) for _ in range(2)]
    parts = [half(inp[..., 2 * i : 2 * i + 2]) for i, half in enumerate(halves)]
    model = keras.Model(inp, layers.Concatenate()(parts))
    for i, half in enumerate(halves):
        filters = slice(3 * i, 3 * i + 3)
        half.set_weights([kernel[..., filters], bias[filters]])
    inputs = random_inputs(model)
    found = with_nengo_dl(nsc.convert(grouped), inputs)[0]
    # float32 sums of 16 products in another order
    assert abs(found - predictions(model, inputs)[0]).max() < 1e-5


@pytest.mark.parametrize("make", [layers.Conv2D, layers.SeparableConv2D, layers.Conv2DTranspose])
def test_channels_first(make):
    """Keras does not convolve channels first on CPUs: the same weights, channels last."""
    model = random_weights(keras.Sequential([keras.Input((5, 6, 3)), make(4, 3, strides=2)]))
    inp = keras.Input((3, 5, 6))
    first = keras.Model(inp, make(4, 3, strides=2, data_format="channels_first")(inp))
    first.set_weights(model.get_weights())
    inputs = random_inputs(model)
    expected = model.predict_on_batch(inputs).transpose(0, 3, 1, 2).reshape(3, -1)
    conversion = nsc.convert(first, neuron_type="RectifiedLinear")
    found = with_nengo_dl(conversion, [inputs[0].transpose(0, 3, 1, 2)])[0]
    assert abs(found - expected).max() < 1e-5  # as above
