"""Models of quantizeml: the same numbers as the package's own ``predict``, not one step beside."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from typing import Any

import nengo
import nengo_dl
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion.host_node import HostNode
from nengo_spikecost.conversion.quantized_values import (
    Grid,
    Quantizing,
    after,
    numbers_of,
    shifted,
    times,
    within,
)
from nengo_spikecost.errors import ConversionError

if importlib.util.find_spec("quantizeml") is None:
    pytest.skip("quantizeml is not installed (docs/files.md says how)", allow_module_level=True)

from quantizeml.layers import Activation as TheirActivation
from quantizeml.layers import (
    DepthwiseConv2DTranspose,
    Dequantizer,
    InputQuantizer,
    OutputQuantizer,
    QuantizationParams,
    QuantizedDense,
)
from quantizeml.models import quantize
from quantizeml.tensors import FixedPoint, QFloat

layers = tf.keras.layers


def filled(model: Any, rng: np.random.RandomState, deviation: float = 0.4) -> Any:
    """The model with random weights."""
    for weight in model.weights:
        if "variance" in weight.name:
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        else:
            weight.assign(rng.normal(0, deviation, weight.shape))
    return model


def quantized(model: Any, x: np.ndarray, epochs: int = 1, **params: Any) -> Any:
    """What the package makes of a model, calibrated with these samples."""
    until = params.pop("until", None)
    with contextlib.redirect_stdout(io.StringIO()):
        return quantize(
            model, qparams=QuantizationParams(**params), samples=x, num_samples=len(x),
            epochs=epochs, quantize_until=until,
        )  # fmt: skip


def images(rng: np.random.RandomState, *shape: int, low: float = -1, high: float = 2) -> np.ndarray:
    return rng.uniform(low, high, (12, *shape)).astype("f4")


def outputs(conversion: Any, x: np.ndarray, simulator: str = "nengo", steps: int = 1) -> np.ndarray:
    activity = nsc.measure(conversion, x, steps, simulator=simulator, progress=False)
    (output,) = activity.outputs.values()
    return output.last


def assert_equal(model: Any, x: np.ndarray, *simulators: str, **options: Any) -> Any:
    """The network of rates has the outputs of ``model.predict``, every bit of them."""
    before = [weight.copy() for weight in model.get_weights()]
    expected = model.predict(x, verbose=0).reshape(len(x), -1)
    assert np.ptp(expected) > 0
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", **options)
    for simulator in simulators or ("nengo",):
        np.testing.assert_array_equal(outputs(conversion, x, simulator), expected)
    for was, now in zip(before, model.get_weights()):
        np.testing.assert_array_equal(was, now)  # the user's model is left alone
    return conversion


def conv_net(rng: np.random.RandomState, max_value: float | None = 6) -> Any:
    """Convolutions of all kinds, a residual, pooling, and a Dense layer."""
    x = inp = layers.Input((9, 9, 3))
    x = layers.Conv2D(6, 3, padding="same", strides=2, name="first")(x)
    x = layers.ReLU(max_value, name="relu")(layers.BatchNormalization()(x))
    x = layers.ReLU(name="of_depthwise")(layers.DepthwiseConv2D(3, padding="same")(x))
    y = layers.ReLU(name="of_pointwise")(layers.Conv2D(6, 1, name="pointwise")(x))
    x = layers.Add()([x, y])
    x = layers.Conv2D(5, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU(name="last")(layers.MaxPooling2D(2, padding="same")(x))
    x = layers.Dense(4, name="dense")(layers.GlobalAveragePooling2D()(x))
    return filled(tf.keras.Model(inp, x), rng)


@pytest.mark.parametrize("weight_bits, activation_bits", [(8, 8), (4, 4)])
@pytest.mark.parametrize("per_tensor", [False, True])
def test_a_network_in_all_simulators(weight_bits, activation_bits, per_tensor) -> None:
    rng = np.random.RandomState(weight_bits + per_tensor)
    x = images(rng, 9, 9, 3)
    model = quantized(
        conv_net(rng), x, weight_bits=weight_bits, activation_bits=activation_bits,
        per_tensor_activations=per_tensor, input_dtype="int8" if per_tensor else "uint8",
    )  # fmt: skip
    conversion = assert_equal(model, x, "nengo", "nengo_dl", "compiled")
    assert nengo_dl.config.get_setting(conversion.net, "dtype") == "float64"
    assert all(choice.exact for choice in conversion.choices)
    assert ("relu", f"values of {activation_bits} bits, rounded") in [
        (choice.layer, choice.choice) for choice in conversion.choices
    ]


@pytest.mark.parametrize("options", [{"scale_firing_rates": 200}, {"lower": True}])
def test_rates_may_be_scaled_and_paths_composed(options) -> None:
    """A factor that is no power of two is rounded, and the quantizer's Node rounds it away."""
    rng = np.random.RandomState(3)
    x = images(rng, 9, 9, 3)
    assert_equal(quantized(conv_net(rng), x), x, "nengo", "nengo_dl", **options)


def block(x: Any, rng: np.random.RandomState) -> Any:
    """A random layer, or a few, with a ReLU."""
    filters, bias = int(rng.randint(2, 6)), bool(rng.randint(2))
    padding = "valid" if x.shape[1] >= 4 and rng.randint(2) else "same"
    kind = rng.choice(["conv", "stride", "dilated", "depthwise", "transposed", "pool", "residual",
                       "concatenate"])  # fmt: skip
    options: dict[str, Any] = {"use_bias": bias, "padding": padding}
    if kind == "residual":
        y = layers.Conv2D(x.shape[-1], 3, padding="same")(x)
        return layers.Add()([x, layers.ReLU(6)(y)])
    if kind == "concatenate":
        return layers.Concatenate()([x, layers.ReLU()(layers.Conv2D(3, 1)(x))])
    if kind == "conv":
        x = layers.Conv2D(filters, int(rng.choice([1, 3])), **options)(x)
    elif kind == "stride":
        x = layers.Conv2D(filters, 3, 2, padding="same", use_bias=bias)(x)
    elif kind == "dilated":
        x = layers.Conv2D(filters, 3, dilation_rate=2, padding="same", use_bias=bias)(x)
    elif kind == "depthwise":
        x = layers.DepthwiseConv2D(3, **options)(x)
    elif kind == "transposed":
        x = layers.Conv2DTranspose(filters, 3, int(rng.choice([1, 2])), **options)(x)
    else:
        x = layers.MaxPooling2D(2, padding="same")(layers.Conv2D(filters, 3, padding="same")(x))
    return layers.ReLU([None, 6, 1.5][rng.randint(3)])(x)


def random_model(rng: np.random.RandomState, dtype: str) -> Any:
    size, channels = int(rng.randint(5, 8)), int(rng.randint(1, 4))
    x = inp = layers.Input((size, size, channels), dtype=dtype)
    if dtype == "uint8" or rng.rand() < 0.3:
        x = layers.Rescaling(1 / float(rng.choice([1, 3, 255])))(x)
    first = {"padding": str(rng.choice(["same", "valid"])), "strides": int(rng.choice([1, 2]))}
    x = layers.ReLU([None, 6][rng.randint(2)])(layers.Conv2D(int(rng.randint(2, 6)), 3, **first)(x))
    for _ in range(rng.randint(1, 3)):
        x = block(x, rng)
    head = rng.choice(["flatten", "average", "convolution"])
    if head == "convolution":
        return tf.keras.Model(inp, layers.Conv2D(3, 1)(x))
    x = layers.Flatten()(x) if head == "flatten" else layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(inp, layers.Dense(5)(x))


@pytest.mark.parametrize("seed", range(12))
def test_random_models(seed) -> None:
    """Of random layers, weights, bits and ranges of inputs, integers among these."""
    rng = np.random.RandomState(seed)
    dtype = "uint8" if seed % 4 == 3 else "float32"
    model = filled(random_model(rng, dtype), rng, float(rng.choice([0.1, 0.4, 1.0])))
    shape = (12, *model.input_shape[1:])
    low, high = [(0, 1), (-1, 2), (-30, 30)][rng.randint(3)]
    x = rng.uniform(low, high, shape).astype("f4")
    if dtype == "uint8":
        x = rng.randint(0, 256, shape).astype("uint8")
    params: dict[str, Any] = {
        name: int(rng.choice([4, 8]))
        for name in ("weight_bits", "activation_bits", "input_weight_bits")
    }
    params["per_tensor_activations"] = bool(rng.randint(2))
    if dtype == "float32":
        params["input_dtype"] = str(rng.choice(["uint8", "int8"]))
    model = quantized(model, x, **params)
    expected = model.predict(x, verbose=0).reshape(len(x), -1)
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    np.testing.assert_array_equal(outputs(conversion, x), expected)


@pytest.mark.parametrize("seed", range(6))
def test_dense_layers_of_random_weights(seed) -> None:
    rng = np.random.RandomState(seed)
    x = inp = layers.Input((20,))
    x = layers.ReLU([None, 6][seed % 2])(layers.Dense(15, use_bias=seed % 3 > 0)(x))
    model = filled(tf.keras.Model(inp, layers.Dense(4)(x)), rng, 0.1 * 4 ** (seed % 3))
    x = images(rng, 20)
    assert_equal(quantized(model, x, weight_bits=[4, 8][seed // 3]), x)


def test_separable_and_transposed_convolutions() -> None:
    rng = np.random.RandomState(0)
    x = inp = layers.Input((6, 6, 2))
    x = layers.ReLU()(layers.Conv2D(3, 3, padding="same")(x))
    x = layers.ReLU()(layers.SeparableConv2D(4, 3, padding="same")(x))
    x = layers.ReLU()(DepthwiseConv2DTranspose(3, strides=2, padding="same")(x))
    x = layers.Reshape((12 * 12, 4))(layers.Conv2D(4, 1)(x))
    model = filled(tf.keras.Model(inp, x), rng)
    x = images(rng, 6, 6, 2)
    assert_equal(quantized(model, x), x)


@pytest.mark.parametrize("until", ["relu", "pointwise"])
def test_a_part_may_stay_float(until) -> None:
    rng = np.random.RandomState(5)
    x = images(rng, 9, 9, 3)
    model = quantized(conv_net(rng), x, until=until)
    assert any(type(layer) is layers.Dense for layer in model.layers)
    expected = model.predict(x, verbose=0)
    found = outputs(nsc.convert(model, neuron_type="RectifiedLinear"), x)
    # the float part in float32 there, in float64 here
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("bits, scale_bits", [(8, 8), (4, 8), (16, 16)])
def test_steps_of_the_output_quantizer(bits, scale_bits) -> None:
    """Of any numbers, those among them that float32 rounds when they are scaled."""
    rng = np.random.RandomState(bits)
    n = np.rint(rng.normal(size=(400, 5, 3)) * 2.0 ** rng.uniform(1, 26, (400, 1, 1))).astype("f4")
    scales = 2.0 ** rng.uniform(-20, -3, 3).astype("f4")
    quantizer = OutputQuantizer(bits, axis="per-axis", scale_bits=scale_bits)
    quantizer.build((None, 5, 3))
    quantizer.range_max.assign(np.abs(n).max(axis=(0, 1)) * scales / [1, 3, 10])
    quantizer.rescaling_rate.assign([1.0, 0.7, 0.51])
    given = QFloat(FixedPoint(n, 27, 0), scales)
    expected = quantizer(given)
    fixed, their_scales = QFloat(given.fp.promote(32), scales * quantizer.rescaling_rate
                                 ).to_fixed_point(scale_bits)  # fmt: skip
    shift = Grid.of(expected).frac_bits - Grid.of(fixed).frac_bits
    steps = times(numbers_of(their_scales)), within(32), *shifted(shift, quantizer.value_bits)
    np.testing.assert_array_equal(after(steps, n), expected.values)
    # and from values that are as far off their number as sums in float64 never are
    function = Quantizing((5, 3), scales.astype(float), steps, Grid.of(expected).unit)
    values = (n.astype(float) + rng.uniform(-0.4, 0.4, n.shape)) * scales.astype(float)
    np.testing.assert_array_equal(
        function.of_batch(tf.constant(values)), np.stack([function.of_sample(x) for x in values])
    )
    np.testing.assert_array_equal(function.of_batch(tf.constant(values)), expected.to_float())


def test_sums_that_float32_rounds_are_said() -> None:
    """The package adds in float32, which has no whole numbers above 2**24 but even ones."""
    rng = np.random.RandomState(0)
    inp = layers.Input((3000,))
    model = filled(tf.keras.Model(inp, layers.Dense(3, name="wide")(inp)), rng)
    x = images(rng, 3000)
    conversion = nsc.convert(quantized(model, x), neuron_type="RectifiedLinear")
    (choice,) = [c for c in conversion.choices if c.layer == "wide"]
    assert not choice.exact and "float32" in choice.choice


def test_flatten_cuts_off_what_the_package_cuts_off() -> None:
    """Channels of different sizes get the binary point of the smallest, and stay of 8 bits."""
    rng = np.random.RandomState(0)
    x = inp = layers.Input((4, 4, 2))
    x = layers.ReLU(None, name="relu")(layers.Conv2D(2, 1, use_bias=False, name="conv")(x))
    model = tf.keras.Model(inp, layers.Dense(3, use_bias=False)(layers.Flatten(name="flat")(x)))
    filled(model, rng)
    model.get_layer("conv").set_weights([np.array([[[[4.0, 0.1], [2.0, 0.1]]]])])
    x = images(rng, 4, 4, 2, low=0)
    model = quantized(model, x, input_dtype="int8")
    # without equalization, which makes ranges alike
    quantizer = model.get_layer("relu").out_quantizer
    quantizer.rescaling_rate.assign([1.0, 1.0])
    quantizer.range_max.assign([12.0, 0.4])
    conversion = assert_equal(model, x, "nengo", "nengo_dl")
    (choice,) = [c for c in conversion.choices if c.layer == "flat"]
    assert choice.exact and choice.choice == "values above 0.992188 cut off"
    (choice,) = [c for c in nsc.convert(model).choices if c.layer == "flat"]
    assert not choice.exact and choice.choice == "values above 0.992188 not cut off"


def test_spikes_come_near() -> None:
    """Quantizers are left out, so values are as near as the steps that the package rounds to."""
    rng = np.random.RandomState(1)
    inp = layers.Input((6, 6, 2))
    x = layers.ReLU(name="relu")(layers.Conv2D(4, 3, name="conv")(inp))
    x = layers.ReLU(1, name="limited")(layers.Conv2D(5, 3, name="second")(x))
    model = filled(tf.keras.Model(inp, layers.Dense(3)(layers.Flatten()(x))), rng, 0.3)
    x = images(rng, 6, 6, 2)
    model = quantized(model, x, epochs=20, per_tensor_activations=True)
    conversion = nsc.convert(model, scale_firing_rates=20_000, synapse=None)
    assert not any(isinstance(node, HostNode) for node in conversion.net.all_nodes)
    assert nengo_dl.config.get_setting(conversion.net, "dtype") is None
    neurons = {conversion.layer_names[e] for e in conversion.net.all_ensembles}
    assert neurons == {"relu", "limited"}
    expected = model.predict(x, verbose=0)
    found = nsc.measure(conversion, x, 100, progress=False)
    (output,) = found.outputs.values()
    # each of 20 and more values is off by half a step of 8 bits at most; spikes by 1 / 2000
    assert np.abs(output.mean - expected).max() < 0.04 * np.abs(expected).max()
    choices = {choice.layer: choice for choice in conversion.choices}
    assert choices["relu"].choice == "values of 8 bits, not rounded" and not choices["relu"].exact


def test_relus_are_swapped_and_scaled_as_any_other() -> None:
    rng = np.random.RandomState(1)
    x = images(rng, 9, 9, 3)
    model = quantized(conv_net(rng), x)
    conversion = nsc.convert(
        model, swap_activations={"of_pointwise": nengo.LIF()},
        scale_firing_rates={"of_depthwise": 300},
    )  # fmt: skip
    types = {conversion.layer_names[e]: type(e.neuron_type) for e in conversion.net.all_ensembles}
    assert types["of_pointwise"] is nengo.LIF and types["last"] is nengo.SpikingRectifiedLinear
    gains = {conversion.layer_names[e]: e.gain.sample(1)[0] for e in conversion.net.all_ensembles}
    assert gains["of_depthwise"] == 300 and gains["last"] == 1


def test_what_is_not_converted_is_said_at_once() -> None:
    x = inp = layers.Input((5, 5, 2))
    x = TheirActivation("gelu", name="first")(layers.Conv2D(3, 3)(x))
    x = TheirActivation("swish", name="second")(layers.Conv2D(3, 1)(x))
    rng = np.random.RandomState(0)
    model = filled(tf.keras.Model(inp, layers.Conv2D(2, 1)(x)), rng)
    x = images(rng, 5, 5, 2)
    model = quantized(model, x)
    with pytest.raises(ConversionError, match=r"2 layers .*\s'first', 'second'") as caught:
        nsc.convert(model, allow_fallback=True)
    assert "train the model with ReLU, and quantize that" in str(caught.value)
    assert "allow_fallback" not in str(caught.value)


def test_training_and_floats_are_refused() -> None:
    inp = layers.Input((4,))
    x = QuantizedDense(3, name="dense", quant_config={"weight_quantizer": {"bitwidth": 8}})(inp)
    model = tf.keras.Model(inp, Dequantizer()(x))
    with pytest.raises(ConversionError, match=r"'dense'.* put an InputQuantizer before it"):
        nsc.convert(model)
    x = InputQuantizer(name="pixels")(inp)
    with pytest.raises(ConversionError, match=r"'pixels'.*inference_only=True"):
        nsc.convert(tf.keras.Model(inp, Dequantizer()(x)), inference_only=False)


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_files(name, tmp_path) -> None:
    rng = np.random.RandomState(2)
    x = images(rng, 9, 9, 3)
    model = quantized(conv_net(rng), x)
    model.save(tmp_path / name)
    expected = model.predict(x, verbose=0)
    conversion = nsc.convert(nsc.load_model(tmp_path / name), neuron_type="RectifiedLinear")
    np.testing.assert_array_equal(outputs(conversion, x), expected)
