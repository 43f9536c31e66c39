"""Layers of qkeras-v3, QKeras for Keras 3: the outputs of the package itself, with rate neurons."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.loading import load_model

try:  # both packages are called qkeras
    importlib.metadata.version("qkeras-v3")
    qkeras = importlib.import_module("qkeras")
except ImportError:
    pytest.skip("qkeras-v3 is not installed (the extra qkeras-v3)", allow_module_level=True)
keras = importlib.import_module("keras")
if not issubclass(qkeras.QDense, keras.layers.Dense):
    pytest.skip("the qkeras that was installed last is of Keras 2", allow_module_level=True)
layers = keras.layers

BITS = "quantized_bits(4,0,1)"


def with_weights(inputs: Any, outputs: Any) -> Any:
    """A model whose weights are random; those that scale are positive."""
    model = keras.Model(inputs, outputs)
    rng = np.random.RandomState(3)
    values = []
    for variable, value in zip(model.weights, model.get_weights()):
        low = 0.2 if "variance" in variable.path or "gamma" in variable.path else -0.5
        number = value.dtype.kind == "f"
        values.append(rng.uniform(low, 0.9, value.shape) if number else value)
    model.set_weights(values)
    return model


def assert_agrees(model: Any, **options: Any) -> Any:
    """To 1e-5 of the largest output: sums of float32 in another order."""
    x = np.random.RandomState(1).uniform(0, 1, (4, *model.inputs[0].shape[1:])).astype("f4")
    before = model.get_weights()
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", **options)
    (output,) = nsc.measure(conversion, x, 1, progress=False).outputs.values()
    wanted = np.asarray(model(x)).reshape(4, -1)
    assert np.abs(wanted).max() > 1e-2
    np.testing.assert_allclose(output.last, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    for was, now in zip(before, model.get_weights()):
        np.testing.assert_array_equal(was, now)  # the user's model is left alone
    return conversion


QUANTIZERS = [
    BITS, "quantized_bits(4,0,1,alpha='auto')", "quantized_po2(4)", "ternary()", "binary(alpha=1)",
    "quantized_linear(4)", None,
]  # fmt: skip


@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_dense(quantizer: str | None) -> None:
    x = keras.Input((7,))
    y = qkeras.QDense(5, kernel_quantizer=quantizer, bias_quantizer=BITS)(x)
    assert assert_agrees(with_weights(x, y)).choices == ()


KERNEL: Any = {"kernel_quantizer": BITS, "bias_quantizer": BITS}
DEPTHWISE: Any = {"depthwise_quantizer": BITS, "bias_quantizer": BITS}
IMAGE_LAYERS = {
    "conv": lambda: qkeras.QConv2D(4, 3, strides=2, padding="same", activation="relu", **KERNEL),
    "transposed": lambda: qkeras.QConv2DTranspose(4, 3, **KERNEL),
    "depthwise": lambda: qkeras.QDepthwiseConv2D(3, **DEPTHWISE),
    "separable": lambda: qkeras.QSeparableConv2D(4, 3, pointwise_quantizer=BITS, **DEPTHWISE),
    "normalization": lambda: qkeras.QBatchNormalization(),
    "no scale": lambda: qkeras.QBatchNormalization(scale=False),
    "folded": lambda: qkeras.QConv2DBatchnorm(4, 3, **KERNEL),
    "folded later": lambda: qkeras.QConv2DBatchnorm(4, 3, use_bias=False,
                                                    folding_mode="batch_stats_folding", **KERNEL),
    "folded depthwise": lambda: qkeras.QDepthwiseConv2DBatchnorm(3, **DEPTHWISE),
    "pooling": lambda: qkeras.QAveragePooling2D(3, strides=2, average_quantizer=BITS,
                                                activation="quantized_relu(6,0)"),
    "padded pooling": lambda: qkeras.QAveragePooling2D(3, padding="same", average_quantizer=BITS),
    "global pooling": lambda: qkeras.QGlobalAveragePooling2D(average_quantizer="quantized_bits(8)"),
}  # fmt: skip


@pytest.mark.parametrize("kind", IMAGE_LAYERS)
def test_layers_of_images(kind: str) -> None:
    x = keras.Input((8, 8, 2))
    assert_agrees(with_weights(x, IMAGE_LAYERS[kind]()(x)))


def test_layers_of_lines_and_vectors() -> None:
    x = keras.Input((9, 2))
    y = qkeras.QConv1D(4, 3, kernel_quantizer=BITS, use_bias=False)(x)
    y = qkeras.QSeparableConv1D(4, 3, depthwise_quantizer=BITS, pointwise_quantizer=BITS)(y)
    assert_agrees(with_weights(x, qkeras.QDenseBatchnorm(3, **KERNEL)(layers.Flatten()(y))))


@pytest.mark.parametrize(
    "quantizer",
    [
        "quantized_relu(4,1)",
        "quantized_relu(5,2,negative_slope=0.25)",
        "quantized_bits(4,1,0)",
        "quantized_bits(5,0,1,alpha=0.5)",
        "quantized_tanh(4)",
    ],
)
def test_activations_are_rounded_as_the_package_rounds_them(quantizer: str) -> None:
    """Values half way between two, too, and beyond the largest."""
    x = keras.Input((150,))
    model = keras.Model(x, qkeras.QActivation(quantizer, name="act")(x))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    values = np.stack([np.arange(-75, 75) / 16, np.linspace(-9, 9, 150)]).astype("f4")
    (output,) = nsc.measure(conversion, values, 1, progress=False).outputs.values()
    np.testing.assert_allclose(output.last, np.asarray(model(values)), rtol=0, atol=1e-6)
    assert [(c.layer, c.exact) for c in conversion.choices] == [("act", True)]


def test_two_quantizers_of_one_name_stay_two() -> None:
    """Their text does not say where a ReLU is cut off."""
    x = keras.Input((50,))
    cut = qkeras.quantized_relu(8, 3, relu_upper_bound=2, is_quantized_clip=False)
    y = qkeras.QActivation(qkeras.quantized_relu(8, 3))(x)
    model = keras.Model(x, layers.Concatenate()([y, qkeras.QActivation(cut)(x)]))
    assert str(cut) == "quantized_relu(8,3)"
    values = np.linspace(-1, 9, 50, dtype="f4")[None]
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    (output,) = nsc.measure(conversion, values, 1, progress=False).outputs.values()
    np.testing.assert_allclose(output.last, np.asarray(model(values)), rtol=0, atol=1e-6)
    assert output.last[0, :50].max() > 7 and output.last[0, 50:].max() == 2


@pytest.mark.parametrize(
    "name", ["binary", "ternary", "quantized_hswish(4)", "quantized_sigmoid(4)"]
)
def test_what_jumps_is_refused_by_layer(name: str) -> None:
    """And what the reason says works: another activation, or the fallback."""
    x = keras.Input((7,))
    y = layers.Dense(3, name="out")(qkeras.QActivation(name, name="act")(layers.Dense(6)(x)))
    model = with_weights(x, y)
    plain = name.partition("(")[0]
    with pytest.raises(
        ConversionError, match=f"'act'.*'{plain}': 'relu'.*allow_fallback"
    ) as caught:
        nsc.convert(model)
    assert caught.value.layer == "act"
    assert "act" in nsc.convert(model, swap_activations={plain: "relu"}).layers
    assert_agrees(model, allow_fallback=True)


def test_layers_that_are_not_converted_are_named_with_those_that_are() -> None:
    x = keras.Input((7,))
    y = qkeras.QScaleShift(weight_quantizer=BITS, bias_quantizer=BITS, name="shift")(x)
    with pytest.raises(ConversionError, match=r"'shift' \(QScaleShift\).*QConv2DBatchnorm"):
        nsc.convert(keras.Model(x, y))


def network() -> Any:
    x = inp = keras.Input((8, 8, 1))
    x = qkeras.QActivation("quantized_bits(4,0,0)", name="pixels")(x)
    x = qkeras.QConv2D(4, 3, name="conv", **KERNEL)(x)
    x = qkeras.QBatchNormalization(name="bn")(x)
    x = qkeras.QActivation("quantized_relu(4,1)", name="act")(x)
    x = qkeras.QConv2DBatchnorm(4, 3, activation="quantized_relu(4,1)", name="folded", **KERNEL)(x)
    x = qkeras.QAveragePooling2D(2, activation="quantized_relu(4,0)", name="pool")(x)
    y = qkeras.QDense(3, kernel_quantizer="ternary()", bias_quantizer=BITS, name="out")(
        layers.Flatten(name="flat")(x)
    )
    return with_weights(inp, y)


def test_a_file_is_read_and_counted(tmp_path: Any) -> None:
    """By `load_model`, which finds the package itself. Right: what the package predicts."""
    model = network()
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    x = np.random.RandomState(0).uniform(0, 1, (4, 8, 8, 1)).astype("f4")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), np.asarray(model(x)), atol=1e-6)
    assert_agrees(model)
    conversion = nsc.convert(loaded, scale_firing_rates=100)
    assert not any(choice.exact for choice in conversion.choices)  # spikes round on their own
    activity = nsc.measure(conversion, x, n_steps=20, progress=False)
    assert nsc.NetworkEnergy(conversion, activity).total_energy("loihi") > 0
