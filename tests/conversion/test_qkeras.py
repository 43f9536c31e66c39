"""Layers of QKeras, converted to rate neurons with their quantized weights."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError

from .agreement import TOLERANCE, predictions, random_inputs, random_weights, with_nengo_dl

qkeras = pytest.importorskip(
    "qkeras", reason="QKeras is not installed (the extra qkeras of this package)"
)

layers = tf.keras.layers
if not issubclass(qkeras.QDense, layers.Dense):
    pytest.skip("this qkeras is qkeras-v3, of Keras 3", allow_module_level=True)


def converted(model: Any, **options: Any) -> Any:
    return nsc.convert(model, neuron_type=nengo.RectifiedLinear(), **options)


def assert_agrees(model: Any, **options: Any) -> Any:
    """To 1e-5 of the largest output."""
    inputs = random_inputs(model)
    before = [w.copy() for w in model.get_weights()]
    conversion = converted(model, **options)
    for wanted, found in zip(predictions(model, inputs), with_nengo_dl(conversion, inputs)):
        largest = np.abs(wanted).max()
        assert largest > 1e-3
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * largest)
    for was, now in zip(before, model.get_weights()):
        np.testing.assert_array_equal(was, now)  # the user's model is left alone
    return conversion


QUANTIZERS = [
    "quantized_bits(4,0,1)",
    "quantized_bits(4,0,1,alpha='auto')",
    "quantized_po2(4)",
    "ternary()",
    "binary(alpha=1)",
    None,
]


@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_dense(quantizer: str | None) -> None:
    x = layers.Input((7,))
    y = qkeras.QDense(5, kernel_quantizer=quantizer, bias_quantizer="quantized_bits(4,0,1)")(x)
    conversion = assert_agrees(random_weights(tf.keras.Model(x, y)))
    assert conversion.choices == ()


@pytest.mark.parametrize("quantizer", QUANTIZERS[:4])
def test_convolutions(quantizer: str) -> None:
    x = layers.Input((8, 8, 2))
    y = qkeras.QConv2D(
        4, 3, strides=2, padding="same", activation="relu",
        kernel_quantizer=quantizer, bias_quantizer=quantizer,
    )(x)  # fmt: skip
    y = qkeras.QDepthwiseConv2D(3, depthwise_quantizer=quantizer, bias_quantizer=quantizer)(y)
    assert_agrees(random_weights(tf.keras.Model(x, y)))


def test_one_dimensional_convolution() -> None:
    x = layers.Input((9, 2))
    y = qkeras.QConv1D(4, 3, kernel_quantizer="quantized_bits(3,0,1)", use_bias=False)(x)
    assert_agrees(random_weights(tf.keras.Model(x, y)))


@pytest.mark.parametrize("scale, center", [(True, True), (False, True), (True, False)])
def test_batch_normalization(scale: bool, center: bool) -> None:
    x = layers.Input((4, 4, 3))
    y = qkeras.QBatchNormalization(scale=scale, center=center)(x)
    assert_agrees(random_weights(tf.keras.Model(x, y)))


def test_a_layer_that_is_applied_twice_is_quantized_once() -> None:
    """This quantizer of quantized weights would give others."""
    x = layers.Input((6,))
    dense = qkeras.QDense(6, kernel_quantizer="quantized_bits(3,0,1,alpha='auto')")
    assert_agrees(random_weights(tf.keras.Model(x, dense(dense(x)))))


def network(activation: str) -> tf.keras.Model:
    x = x_in = layers.Input((8, 8, 1))
    x = qkeras.QConv2D(
        3, 3, kernel_quantizer="quantized_bits(4,0,1)", bias_quantizer="quantized_bits(4,0,1)"
    )(x)
    x = qkeras.QBatchNormalization(name="bn")(x)
    x = qkeras.QActivation(activation, name="act")(x)
    x = layers.Flatten()(x)
    x = qkeras.QDense(
        6, kernel_quantizer="ternary()", bias_quantizer="ternary()", activation=activation,
        name="dense",
    )(x)  # fmt: skip
    x = qkeras.QDense(3, kernel_quantizer="quantized_po2(4)")(x)
    return random_weights(tf.keras.Model(x_in, x))


@pytest.mark.parametrize("activation", ["quantized_relu(16,6)", "quantized_relu(4,1)"])
def test_a_whole_network(activation: str) -> None:
    conversion = assert_agrees(network(activation))
    assert [(c.layer, c.exact, c.on_host) for c in conversion.choices] == [
        ("act", True, False),
        ("dense", True, False),
    ]
    if activation.startswith("quantized_relu(4"):
        assert conversion.choices[0].choice == "ReLU up to 1.875, rounded to 0.125"


ACTIVATIONS = [
    "quantized_relu(4,1)", "quantized_relu(3,0)", "quantized_relu(5,2,0,0.25)",
    "quantized_bits(4,1,1)", "quantized_bits(4,1,0)", "quantized_bits(5,0,1,alpha=0.5)",
    "quantized_bits(3,1,0,keep_negative=False)", "quantized_tanh(4)",
]  # fmt: skip


@pytest.mark.parametrize("quantizer", ACTIVATIONS)
def test_activations_are_rounded_as_qkeras_rounds_them(quantizer: str) -> None:
    """Saturation included, and values half way between two; a leaky one saturates below, too."""
    x = layers.Input((50,))
    model = tf.keras.Model(x, qkeras.QActivation(quantizer)(x))
    inputs = [np.linspace(-9, 9, 150, dtype="f4").reshape(3, 50)]
    inputs.append(np.arange(-75, 75, dtype="f4").reshape(3, 50) / 16)  # the grid, and half way
    conversion = converted(model)
    for values in inputs:
        wanted, found = predictions(model, [values])[0], with_nengo_dl(conversion, [values])[0]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)  # float32
        assert len(np.unique(wanted)) > 4


@pytest.mark.parametrize(
    "quantizer, step", [("quantized_relu(4,1)", 0.125), ("quantized_bits(4,1,0)", 0.25)]
)
def test_spikes_round_in_their_own_way(quantizer: str, step: float) -> None:
    """And come within half a step of the values, and of one spike in 1000 steps."""
    x = layers.Input((50,))
    model = tf.keras.Model(x, qkeras.QActivation(quantizer)(x))
    conversion = nsc.convert(model, scale_firing_rates=100)
    (choice,) = conversion.choices
    assert not choice.exact and "not rounded" in choice.choice
    values = np.linspace(-3, 3, 50, dtype="f4").reshape(1, 50)
    (output,) = nsc.measure(conversion, values, 1000, progress=False).outputs.values()
    assert np.abs(output.mean - predictions(model, [values])[0]).max() < step / 2 + 0.02


def test_an_upper_bound_is_refused() -> None:
    """The configuration of the quantizer, by which models are copied, does not say if it holds."""
    quantizer = qkeras.quantized_relu(8, 3, relu_upper_bound=6, is_quantized_clip=False)
    assert "is_quantized_clip" not in quantizer.get_config()
    x = layers.Input((4,))
    with pytest.raises(ConversionError, match="relu_upper_bound=6"):
        converted(tf.keras.Model(x, qkeras.QDense(4, activation=quantizer)(x)))


@pytest.mark.parametrize(
    "activation, reason",
    [
        ("quantized_bits(8,0,1,alpha='auto')", "follows from its inputs"),
        ("quantized_bits(1,0,1)", "one bit"),
        ("binary", "binary is not a ReLU"),
        ("quantized_relu_po2(4)", "quantized_relu_po2 is not a ReLU"),
        ("quantized_relu(4,0,0,0.0,True)", "at random"),
        ("quantized_relu(4,0,1)", "use_sigmoid"),
    ],
)
def test_other_activations_are_refused(activation: str, reason: str) -> None:
    for make in (
        lambda x: qkeras.QActivation(activation, name="q")(x),
        lambda x: qkeras.QDense(3, activation=activation, name="q")(x),
    ):
        x = layers.Input((4,))
        with pytest.raises(ConversionError, match=reason) as error:
            converted(tf.keras.Model(x, make(x)))
        assert error.value.layer == "q"


def test_training_is_refused() -> None:
    x = layers.Input((4,))
    with pytest.raises(ConversionError, match="inference_only=True"):
        converted(tf.keras.Model(x, qkeras.QDense(3)(x)), inference_only=False)


def test_spiking_networks_are_lowered_and_counted() -> None:
    model = network("quantized_relu(4,1)")
    conversion = nsc.convert(model, neuron_type=nengo.SpikingRectifiedLinear())
    images = np.random.RandomState(2).uniform(0, 1, (4, 8, 8, 1)).astype("f4")
    activity = nsc.measure(conversion, images, n_steps=5)
    assert nsc.NetworkEnergy(conversion, activity).total_energy("loihi") > 0
