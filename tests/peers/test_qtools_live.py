"""``compat="qkeras"`` against QKeras itself, on networks that the stored output does not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable

import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.energy.peers.qtools import energy_profile, extract_energy_sum, qtools
from nengo_spikecost.layers.keras_shapes import keras_shapes
from nengo_spikecost.questions.network_energy import NetworkEnergy

qkeras = pytest.importorskip(
    "qkeras", reason="QKeras is not installed (the extra qkeras of this package)"
)
run_qtools = pytest.importorskip("qkeras.qtools.run_qtools", reason="QKeras lacks its own needs")
config = pytest.importorskip("qkeras.qtools.config_public")

L = tf.keras.layers


def merges(x: Any) -> Any:
    a = qkeras.QConv2D(4, 3, kernel_quantizer="quantized_bits(4,1,1)", padding="same")(x)
    a = qkeras.QActivation("quantized_relu(5,1)")(a)
    b = qkeras.QConv2D(4, 3, kernel_quantizer="quantized_po2(3)", padding="same")(x)
    b = qkeras.QActivation("quantized_relu(3,2)")(b)
    c = L.Multiply()([L.Add()([a, b]), a])
    d = L.Concatenate()([L.Maximum()([c, b]), L.Average()([a, b])])
    return L.Dense(3)(L.Flatten()(d))


def poolings(x: Any) -> Any:
    x = qkeras.QDepthwiseConv2D(3, depthwise_quantizer="quantized_bits(3,0,1)")(x)
    x = L.AveragePooling2D(2)(x)
    x = qkeras.QActivation("quantized_bits(4,0,1)")(x)
    x = L.Dropout(0.5)(L.MaxPooling2D(2)(x))
    x = qkeras.QConv2D(6, 1, kernel_quantizer="binary", bias_quantizer="quantized_po2(4)")(x)
    x = L.GlobalAveragePooling2D()(x)
    return qkeras.QDense(3, kernel_quantizer="ternary", activation="quantized_relu(4,2)")(x)


def normalizations(x: Any) -> Any:
    x = qkeras.QConv2D(4, 3, kernel_quantizer="quantized_po2(4)", use_bias=False)(x)
    x = qkeras.QBatchNormalization()(x)
    x = qkeras.QActivation("quantized_relu_po2(4,4)")(x)
    x = qkeras.QConv2D(4, 3, kernel_quantizer="quantized_po2(4,2)", use_bias=False)(x)
    x = qkeras.QBatchNormalization(
        gamma_quantizer=None, beta_quantizer=None, mean_quantizer=None,
        variance_quantizer="quantized_relu_po2(5)",
    )(x)  # fmt: skip
    x = qkeras.QActivation("quantized_tanh(6)")(x)
    x = L.BatchNormalization()(x)
    return qkeras.QDense(3, kernel_quantizer="stochastic_ternary()")(L.Flatten()(x))


def lines(x: Any) -> Any:
    x = L.Reshape((-1, 3))(x)
    x = L.Conv1D(4, 3, activation="relu")(x)
    x = L.ReLU()(x)
    x = L.AveragePooling1D(2)(x)
    x = L.Conv1D(4, 3, use_bias=False)(x)
    return L.Dense(2, activation="softmax")(L.Flatten()(x))


def unknown(x: Any) -> Any:
    x = L.Conv2DTranspose(3, 3)(L.ZeroPadding2D()(L.UpSampling2D()(x)))
    x = L.LayerNormalization()(x)
    x = qkeras.QDense(3, kernel_quantizer="quantized_bits(4,0,1)")(L.Flatten()(x))
    return L.Softmax()(L.LeakyReLU()(x))


def gates(x: Any) -> Any:
    x = L.Flatten()(x)
    for activation, weights in (
        ("quantized_relu(1,1)", "quantized_po2(4)"),
        ("bernoulli", "ternary"),
        ("binary(use_01=True)", "binary"),
        ("quantized_relu(1,1)", "binary(use_01=True)"),
        ("quantized_ulaw(6,1)", "binary"),
        ("ternary", "quantized_po2(5,8)"),
        ("binary", "ternary"),
        ("quantized_relu(3,1,negative_slope=0.25)", "quantized_bits(5,1,keep_negative=False)"),
        ("quantized_relu_po2(3)", "quantized_relu_po2(4,2)"),
        ("quantized_po2(4,0.5)", "ternary"),
        ("quantized_relu_po2(3)", "binary"),
    ):
        x = qkeras.QActivation(activation)(x)
        x = qkeras.QDense(8, kernel_quantizer=weights, bias_quantizer="quantized_bits(8,2,1)")(x)
    return x


def test_quantizers_are_read_from_models() -> None:
    """By default too, and through a conversion."""
    x = L.Input((6, 6, 1))
    y = qkeras.QConv2D(2, 3, kernel_quantizer="quantized_po2(3)", name="c")(x)
    y = qkeras.QActivation("quantized_relu(4,1)", name="a")(y)
    y = qkeras.QDense(3, kernel_quantizer="ternary", name="d")(L.Flatten()(y))
    model = tf.keras.Model(x, y)
    by_hand = qtools(
        {
            "c": {"weights": "quantized_po2(3)", "bias": None},
            "a": {"output": "quantized_relu(4,1)"},
            "d": {"weights": "ternary", "bias": None},
        }
    )
    shapes = tuple(replace(s, quantizers={}) for s in keras_shapes(model))
    expected = energy_profile(shapes, by_hand)
    assert energy_profile(keras_shapes(model), qtools()) == expected
    totals = {
        NetworkEnergy(network, cost_model=qtools()).total_energy("digital")
        for network in (model, nsc.convert(model))
    }
    assert len(totals) == 1
    # the table's device and QKeras' polynomials agree to their nine digits
    assert totals.pop() == pytest.approx(expected["total_cost"] * 1e-12, abs=2e-12)


REFERENCES = [
    {},
    {"keras_quantizer": "fp16", "keras_accumulator": "fp32"},
    {"keras_quantizer": "int8", "keras_accumulator": "fp16"},
    {"keras_quantizer": "int16", "for_reference": True},
    {"keras_quantizer": "fp32", "keras_accumulator": "int32", "for_reference": True},
    {"inference": True},
]

MEMORIES = [
    {"weights_on_memory": "dram", "activations_on_memory": "sram", "rd_wr_on_io": True},
    {"weights_on_memory": "sram", "activations_on_memory": "dram", "rd_wr_on_io": False},
]


@pytest.mark.parametrize("build", [merges, poolings, normalizations, lines, unknown, gates])
def test_energies_are_those_of_qkeras(build: Callable[[Any], Any]) -> None:
    x = L.Input((8, 8, 3))
    model = tf.keras.Model(x, build(x))
    rng = np.random.RandomState(0)
    for weight in model.weights:
        weight.assign(rng.uniform(0.1, 1, weight.shape))
    shapes = keras_shapes(model)
    for reference in REFERENCES:
        options = dict(reference)
        theirs = run_qtools.QTools(
            model,
            process="horowitz",
            source_quantizers=[qkeras.quantized_bits(8, 0, 1)],
            is_inference=options.pop("inference", False),
            **{"keras_quantizer": None, "keras_accumulator": None, **options},
        )
        for memory in MEMORIES:
            expected = theirs.pe(min_sram_size=2**20, **memory)
            found = energy_profile(
                shapes,
                qtools(
                    compat="qkeras", include="qkeras", min_sram_size=2**20, **reference, **memory
                ),
            )
            assert found.keys() == expected.keys()
            for name, layer in expected.items():
                if name != "total_cost":
                    # to the last digit that QKeras rounds to
                    assert found[name]["energy"] == pytest.approx(layer["energy"], abs=0.011), (
                        name,
                        reference,
                        memory,
                    )
            total = theirs.extract_energy_sum(config.config_settings["include_energy"], expected)
            assert extract_energy_sum(found) == pytest.approx(total, abs=1)
