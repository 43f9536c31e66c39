"""Models whose weights or computations have few bits: the weights that inference really uses.

The right weights are those that Keras 3 itself computes with, taken from it by asking each layer
for its outputs on unit vectors, with its inputs not quantized; for one block of int4 by hand too.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion.keras3 import rebuild
from nengo_spikecost.loading import load_model

keras = importlib.import_module("keras")
needs_keras_3 = pytest.mark.skipif(
    keras.__version__.startswith("2."), reason="this stack has no Keras 3"
)
L = keras.layers


def dense_model(units=7, n_in=300, dtype=None):
    """Two Dense layers; 300 inputs are three blocks of int4, and 7 outputs leave half a byte."""
    inp = keras.Input((n_in,), name="x")
    y = L.Dense(units, activation="relu", bias_initializer="uniform", dtype=dtype, name="hidden")(
        inp
    )
    return keras.Model(inp, L.Dense(3, use_bias=False, dtype=dtype, name="out")(y), name="few_bits")


def keras_weights(layer):
    """Rows of a Dense layer's weights: what it answers to unit vectors, less its bias."""
    n_in = layer.input_spec.axes[-1]
    quantizer, activation = getattr(layer, "inputs_quantizer", None), layer.activation
    layer.inputs_quantizer, layer.activation = None, None
    try:
        rows = np.asarray(layer(np.eye(n_in, dtype="f4"))).astype("f4")
        rows -= np.asarray(layer(np.zeros((1, n_in), "f4"))).astype("f4")
    finally:
        layer.inputs_quantizer, layer.activation = quantizer, activation
    return rows


def check(model, names=("hidden", "out"), conversion=None):
    copy = (conversion or nsc.convert(model, lower=False)).model
    for name in names:
        # float32, plus the bias that is taken off again
        np.testing.assert_allclose(
            copy.get_layer(name).get_weights()[0], keras_weights(model.get_layer(name)),
            rtol=1e-5, atol=1e-6,
        )  # fmt: skip


@needs_keras_3
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
@pytest.mark.parametrize("suffix", [None, "keras", "h5"])
def test_quantized_models(mode, suffix, tmp_path):
    model = dense_model()
    model.quantize(mode)
    before = [np.asarray(w) for w in model.get_weights()]
    conversion = nsc.convert(model)
    check(model, conversion=conversion)
    assert [(c.layer, c.exact) for c in conversion.choices][:2] == [
        ("hidden", False), ("out", False),
    ]  # fmt: skip
    # the user's model is as it was, its quantizers too
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, np.asarray(b))
    if mode == "int8":
        assert model.get_layer("hidden").inputs_quantizer is not None
    if suffix is not None and (mode, suffix) != ("float8", "h5"):  # Keras can't read its own
        path = tmp_path / f"model.{suffix}"
        model.save(path)
        loaded = load_model(path)
        for ours, expected in zip(loaded.get_weights(), conversion.model.get_weights()):
            np.testing.assert_array_equal(ours, expected)


@needs_keras_3
def test_a_block_of_int4_by_hand():
    model = dense_model(units=3, n_in=130)
    model.quantize("int4")
    layer = model.get_layer("hidden")
    packed, scale, zero, groups = (
        np.asarray(v) for v in (layer._kernel, layer.kernel_scale, layer.kernel_zero, layer.g_idx)
    )
    assert packed.shape == (130, 2) and scale.shape == (2, 3)  # blocks of 128 inputs
    for i, o in [(0, 0), (127, 1), (128, 2), (129, 0)]:
        byte = int(packed[i, o // 2]) & 0xFF
        q = byte & 0xF if o % 2 == 0 else byte >> 4  # the low nibble is the first output
        q -= 16 * (q > 7)
        g = int(groups[i])
        assert g == i // 128
        ours = rebuild(model).get_layer("hidden").get_weights()[0][i, o]
        assert ours == pytest.approx((q - int(zero[g, o])) * scale[g, o], rel=1e-6)


@needs_keras_3
@pytest.mark.parametrize("block_size", [None, 64])
def test_int4_with_other_blocks_and_without(block_size):
    model = dense_model()
    model.quantize(config=keras.quantizers.Int4QuantizationConfig(block_size=block_size or -1))
    check(model)


@needs_keras_3
def test_calibrated_by_gptq():
    """The weights of a Dense layer as GPTQ leaves them; no text is needed to set them."""
    for bits in (4, 8):
        model = dense_model(dtype=f"gptq/{bits}/128_from_float32")
        rng = np.random.RandomState(0)
        for layer in model.layers[1:]:
            for variable in layer.weights:
                low, high = (0, 255) if "int" in str(variable.dtype) else (0.1, 0.3)
                if variable.name == "g_idx":
                    variable.assign(np.arange(variable.shape[0]) // 128)
                else:
                    variable.assign(rng.uniform(low, high, variable.shape))
            layer.is_gptq_calibrated = True
        check(model)


@needs_keras_3
@pytest.mark.parametrize("mode", [None, "int8", "int4"])
@pytest.mark.parametrize("suffix", [None, "keras", "h5"])
def test_lora(mode, suffix, tmp_path):
    model = dense_model()
    if mode is not None:
        model.quantize(mode)
    hidden = model.get_layer("hidden")
    hidden.enable_lora(2, lora_alpha=6)
    hidden.lora_kernel_b.assign(np.random.RandomState(0).uniform(-1, 1, (2, 7)))
    assert np.abs(np.asarray(hidden.lora_kernel_a @ hidden.lora_kernel_b)).max() > 0.01
    if suffix is None:
        return check(model)
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    # Keras' own reading of its file: a .keras file has the sum in its kernel, of int8 rounded
    expected = keras.models.load_model(path)
    for name in ("hidden", "out"):
        np.testing.assert_allclose(
            load_model(path).get_layer(name).get_weights()[0],
            keras_weights(expected.get_layer(name)), rtol=1e-5, atol=1e-6,
        )  # fmt: skip


def nested_model(dense):
    inner = keras.Sequential([keras.Input((9, 8)), L.Conv1D(4, 3, name="conv")], name="inner")
    inp = keras.Input((9, 8))
    return keras.Model(inp, L.Dense(2, name="out")(L.Flatten()(inner(dense(inp)))))


@needs_keras_3
def test_lora_of_convolutions_beside_quantized_layers():
    model = nested_model(L.Dense(8, activation="relu", name="dense"))
    conv = model.get_layer("inner").get_layer("conv")
    conv.enable_lora(2)
    conv.lora_kernel_b.assign(np.random.RandomState(0).uniform(-1, 1, (2, 4)))
    model.quantize("int8")
    copy = rebuild(model)
    kernel, a, b = (np.asarray(v) for v in (conv._kernel, conv.lora_kernel_a, conv.lora_kernel_b))
    np.testing.assert_allclose(
        copy.get_layer("inner").get_layer("conv").get_weights()[0], kernel + a @ b, rtol=1e-6
    )
    check(model, ["dense", "out"])


@needs_keras_3
def test_what_keras_itself_computes_wrongly_is_refused():
    """Keras 3.15.1: TimeDistributed calls its layer with the integers, 200 times too large."""
    model = nested_model(L.TimeDistributed(L.Dense(8, activation="relu"), name="td"))
    x = np.random.RandomState(0).uniform(0, 1, (4, 9, 8)).astype("f4")
    before = model.predict_on_batch(x)
    model.quantize("int8")
    assert np.abs(model.predict_on_batch(x)).max() > 20 * np.abs(before).max()
    with pytest.raises(nsc.errors.ConversionError, match=r"'td' .* computes without its scales"):
        nsc.convert(model)


@needs_keras_3
@pytest.mark.parametrize("mode", [None, "int8", "int4"])
def test_embedding_and_einsum(mode):
    """They have no Nengo form, but are read, for layers that run as they are."""
    inp = keras.Input((5,), dtype="int32")
    y = L.Embedding(20, 6, name="words")(inp)
    y = L.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d", name="einsum")(y)
    model = keras.Model(inp, y)
    if mode is not None:
        model.quantize(mode)
    for name, variable, shape in (("words", "embeddings", (2, 6)), ("einsum", "kernel", (2, 4))):
        layer = model.get_layer(name)
        layer.enable_lora(2)
        getattr(layer, f"lora_{variable}_b").assign(np.random.RandomState(0).rand(*shape))
    words = np.random.RandomState(1).randint(0, 20, (4, 5))
    layer = model.get_layer("einsum")
    if getattr(layer, "inputs_quantizer", None) is not None:
        layer.inputs_quantizer = None
    np.testing.assert_allclose(
        rebuild(model).predict_on_batch(words), np.asarray(model(words)), rtol=1e-4, atol=1e-5
    )  # float32


@needs_keras_3
@pytest.mark.parametrize(
    "policy", ["bfloat16", "float16", "mixed_bfloat16", "mixed_float16", "float64"]
)
def test_types_of_few_bits_of_keras_3(policy, tmp_path):
    model = dense_model(dtype=policy)
    model.save(tmp_path / "model.keras")
    x = np.random.RandomState(0).uniform(0, 1, (3, 300)).astype("f4")
    for given in (model, load_model(tmp_path / "model.keras")):
        conversion = nsc.convert(given, neuron_type="RectifiedLinear")
        for ours, theirs in zip(conversion.model.get_weights(), model.get_weights()):
            np.testing.assert_array_equal(ours, np.asarray(theirs).astype(ours.dtype))
        # by hand, in float64 with the weights as they are stored
        w0, b0, w1 = (np.asarray(w).astype("f8") for w in model.get_weights())
        np.testing.assert_allclose(
            nsc.measure(conversion, x, 2).outputs["out"].last, np.maximum(x @ w0 + b0, 0) @ w1,
            rtol=1e-4, atol=1e-5,
        )  # fmt: skip


@pytest.mark.parametrize(
    "policy", ["bfloat16", "float16", "mixed_bfloat16", "mixed_float16", "float64"]
)
def test_types_of_few_bits_of_keras_2(policy, tmp_path):
    """Nested models and files too; weights by hand as above."""
    layers = tf.keras.layers
    inner = tf.keras.Sequential(
        [layers.Dense(4, activation="relu", dtype=policy, input_shape=(6,))], name="inner"
    )
    inp = tf.keras.Input((3, 5))
    y = layers.Dense(2, dtype=policy, name="first")(inp)
    y = inner(layers.Flatten(dtype=policy)(y))
    model = tf.keras.Model(inp, layers.Dense(2, dtype=policy, name="out")(y))
    x = np.random.RandomState(0).uniform(0, 1, (3, 3, 5)).astype("f4")
    w0, b0, w1, b1, w2, b2 = (np.asarray(w).astype("f8") for w in model.get_weights())
    expected = np.maximum((x @ w0 + b0).reshape(3, 6) @ w1 + b1, 0) @ w2 + b2
    given = [model]
    if policy != "bfloat16":  # which h5py has not, nor can Keras 2 read its own files
        for suffix in ("h5", "keras"):
            model.save(tmp_path / f"model.{suffix}")
            given.append(load_model(tmp_path / f"model.{suffix}"))
    for each in given:
        conversion = nsc.convert(each, neuron_type="RectifiedLinear")
        np.testing.assert_allclose(
            nsc.measure(conversion, x, 2).outputs["out"].last, expected, rtol=1e-4, atol=1e-5
        )


def test_a_layer_of_few_bits_in_a_wrapper():
    layers = tf.keras.layers
    inp = tf.keras.Input((4, 5))
    dense = layers.Dense(2, activation="relu", dtype="bfloat16")
    model = tf.keras.Model(inp, layers.TimeDistributed(dense, dtype="bfloat16", name="td")(inp))
    x = np.random.RandomState(0).uniform(0, 1, (3, 4, 5)).astype("f4")
    w, b = (np.asarray(w).astype("f8") for w in model.get_weights())
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    np.testing.assert_allclose(
        nsc.measure(conversion, x).outputs["td"].last, np.maximum(x[:, -1] @ w + b, 0),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip
