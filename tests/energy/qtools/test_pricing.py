"""What the default prices, held against sums by hand and against its differences from QKeras."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.energy import devices
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.peers.qtools import (
    PROCESSES,
    LayerTerms,
    energy_profile,
    fixed,
    floating,
    layer_terms,
    qtools,
    relu,
)
from nengo_spikecost.errors import EnergyError
from nengo_spikecost.layers.keras_shapes import keras_shapes
from nengo_spikecost.questions.network_energy import NetworkEnergy

from ...models import conv_net

L = tf.keras.layers
DIGITAL = devices.get("digital")

#: Sums of float64 in another order.
RTOL = 1e-12


def model_of(*layers: Any, size: tuple[int, ...] = (8, 8, 2)) -> tf.keras.Model:
    x = x_in = L.Input(size, name="in")
    for layer in layers:
        x = layer(x)
    return tf.keras.Model(x_in, x)


def terms_of(model: tf.keras.Model, **options: Any) -> dict[str, LayerTerms]:
    price = qtools(**options).price
    found = layer_terms(keras_shapes(model), price.options_for(DIGITAL))
    return {terms.name: terms for terms in found}


def total_pJ(model: tf.keras.Model, **options: Any) -> float:
    return sum(sum(t.terms_pJ.values()) for t in terms_of(model, **options).values())


def estimate(network: Any, device: Any = "digital", **options: Any) -> Any:
    return NetworkEnergy(network, cost_model=qtools(**options)).estimate(device)


def test_one_dense_layer_by_hand() -> None:
    """16 inputs of 8 bits, weights of 4, sums of 8 + 4 + 5 bits; memories of 8 KiB."""
    model = model_of(L.Dense(4, name="d"), size=(16,))
    given = {"d": {"weights": fixed(4), "bias": fixed(4), "output": relu(6)}}
    (found,) = terms_of(model, quantizers=given).values()
    product = 0.002994791667 * 32 + 0.001041666667 * math.sqrt(32)
    assert found.formats.accumulator == fixed(17, 5)
    expected = {
        "inputs": 2 * 10,  # 128 bits
        "outputs": 1 * 10,  # 24 bits
        "parameters": 4 * 10 + 1 * 10,  # 256 and 16 bits
        "op": 64 * (product + 0.003125 * 17),
    }
    # the coefficients of QKeras have ten digits
    assert dict(found.terms_pJ) == pytest.approx(expected, rel=1e-9)
    energy = estimate(model, quantizers=given).layer("d")
    assert {k: v.shape for k, v in energy.parts_J.items()} == dict.fromkeys(expected, (1,))
    for part, energy_pJ in expected.items():
        assert energy.parts_J[part][0] == pytest.approx(energy_pJ * 1e-12, rel=1e-9)


def test_the_devices_constants_make_the_polynomials_of_qkeras() -> None:
    model = conv_net(tf.keras)
    own, theirs = total_pJ(model), total_pJ(model, process="horowitz")
    # theirs have nine digits
    assert own == pytest.approx(theirs, rel=1e-7)
    twice = replace(
        DIGITAL,
        name="twice",
        operations={k: replace(c, value=2 * c.value) for k, c in DIGITAL.operations.items()},
    )
    # everything is twice as much, as nothing is in DRAM
    assert estimate(model, twice).mean_J == pytest.approx(2 * own * 1e-12, rel=RTOL)
    assert estimate(model, twice, process="horowitz").mean_J == pytest.approx(
        theirs * 1e-12, rel=RTOL
    )


def test_ranges_of_constants_go_through() -> None:
    operations = dict(DIGITAL.operations)
    operations["sram_8KiB"] = Constant(10e-12, 10e-12, 20e-12)
    found = estimate(conv_net(tf.keras), replace(DIGITAL, name="wide", operations=operations))
    low, high = found.range_J
    assert low == pytest.approx(found.mean_J, rel=RTOL)
    assert high > 1.2 * low


def test_memories() -> None:
    model = conv_net(tf.keras)
    parts = {
        memory: terms_of(model, weights_on_memory=memory, activations_on_memory=memory)
        for memory in ("sram", "dram", "fixed")
    }
    for name, terms in parts["fixed"].items():
        assert terms.terms_pJ["parameters"] == 0
        for memory in ("sram", "dram"):
            assert parts[memory][name].terms_pJ["op"] == terms.terms_pJ["op"]
    # what is fed and what is given are never wired
    assert parts["fixed"]["conv0"].terms_pJ["inputs"] == pytest.approx(10 * 8)
    assert parts["fixed"]["conv1"].terms_pJ["inputs"] == 0
    assert parts["fixed"]["dense1"].terms_pJ["outputs"] > 0
    dram = parts["dram"]["conv1"].terms_pJ["inputs"]
    assert dram == pytest.approx(20.3125 * 6 * 6 * 3 * 8)
    through = terms_of(model, activations_on_memory="dram", rd_wr_on_io=True)
    sram = parts["sram"]["conv1"].terms_pJ["inputs"]
    assert through["conv1"].terms_pJ["inputs"] == pytest.approx(dram + sram)
    outside = terms_of(model, rd_wr_on_io=True)["conv0"].terms_pJ["inputs"]
    assert outside == pytest.approx(20.3125 * 512 + 10 * 8)


def test_larger_memories_cost_more() -> None:
    model = conv_net(tf.keras)
    sizes = [0, 2**16, 2**18, 2**23, 2**27]
    totals = [total_pJ(model, min_sram_size=size) for size in sizes]
    assert totals[0] == totals[1]
    assert totals[1:] == sorted(set(totals[1:]))


def test_sram_is_by_the_word() -> None:
    """64 times what QKeras charges for memories as large."""
    ours, theirs = (
        terms_of(model_of(L.Dense(4, name="d"), size=(16,)), min_sram_size=2**18, compat=compat)
        for compat in (None, "qkeras")
    )
    for term in ("inputs", "parameters"):
        ratio = ours["d"].terms_pJ[term] / theirs["d"].terms_pJ[term]
        assert ratio == pytest.approx(64, rel=1e-6)


@pytest.mark.parametrize(
    "separate",
    [
        (L.Conv2D(3, 3), L.Activation("relu")),
        (L.Conv2D(3, 3), L.ReLU()),
        (L.Conv2D(3, 3), L.Dropout(0.1), L.Activation("relu"), L.Dropout(0.1)),
    ],
)
def test_a_network_costs_the_same_however_it_is_written(separate: Any) -> None:
    end = L.Flatten(), L.Dense(3)
    whole = total_pJ(model_of(L.Conv2D(3, 3, activation="relu"), *end))
    apart = model_of(*separate, *end)
    assert total_pJ(apart) == pytest.approx(whole, rel=RTOL)
    assert total_pJ(apart, compat="qkeras") > 0


def test_what_is_moved() -> None:
    """A residual block: the first convolution's output is read twice, the second's once."""
    x = x_in = L.Input((4, 4, 2))
    a = L.Conv2D(2, 1, activation="relu", name="a")(x)
    b = L.Conv2D(2, 1, name="b")(a)
    b = L.BatchNormalization(name="bn")(b)
    x = L.Activation("relu", name="end")(L.Add(name="sum")([a, b]))
    found = terms_of(tf.keras.Model(x_in, x))
    one = 10 * 4 * 4 * 2 * 8 / 64  # 8 bits each
    assert found["a"].terms_pJ["outputs"] == pytest.approx(one)
    assert found["b"].terms_pJ["inputs"] == pytest.approx(one)
    for name in ("bn", "end"):
        assert found[name].terms_pJ["inputs"] == found[name].terms_pJ["outputs"] == 0
    assert found["bn"].terms_pJ["parameters"] == pytest.approx(2 * 10)
    width = found["bn"].formats.output.bits
    assert found["b"].terms_pJ["outputs"] == pytest.approx(10 * math.ceil(32 * width / 64))
    assert found["sum"].terms_pJ["inputs"] == pytest.approx(one + found["b"].terms_pJ["outputs"])
    assert found["sum"].terms_pJ["outputs"] == pytest.approx(one)


def test_counts_that_qkeras_gets_wrong() -> None:
    """Those of QKeras are as it was seen to count them."""
    for layer, size, ours, theirs in (
        (L.AveragePooling2D(2), (24, 24, 1), 576, 4),
        (L.Conv2D(6, 3, groups=3), (6, 6, 3), 16 * 6 * 9, 16 * 6 * 9 * 3),
        (L.DepthwiseConv2D(3, depth_multiplier=2), (6, 6, 3), 16 * 6 * 9, 16 * 3 * 9),
        (L.Conv2DTranspose(2, 3), (4, 4, 3), 4 * 4 * 9 * 3 * 2, 0),
        (L.Dense(5), (7, 3), 7 * 15, 15),
        (L.MaxPooling2D(2), (4, 4, 1), 12, 0),
    ):
        for expected, compat in ((ours, None), (theirs, "qkeras")):
            (found,) = terms_of(model_of(layer, size=size), compat=compat).values()
            assert found.n_operations == expected, (layer, compat)


def test_each_application_counts() -> None:
    shared = L.Dense(8, name="shared")
    model = model_of(shared, shared, size=(8,))
    assert len(terms_of(model)) == 2
    assert len(terms_of(model, compat="qkeras")) == 1
    once = estimate(model_of(L.Dense(8, name="shared"), size=(8,)), source=fixed(21, 4))
    twice = estimate(model, source=fixed(21, 4))
    assert twice.layer("shared").parts_J["parameters"] == pytest.approx(
        2 * once.layer("shared").parts_J["parameters"]
    )


def test_batch_normalization_is_a_product_and_a_sum() -> None:
    ours, theirs = (
        terms_of(model_of(L.BatchNormalization(name="bn"), size=(4, 4, 2)), compat=compat)["bn"]
        for compat in (None, "qkeras")
    )
    product, total = (o.circuit for o in ours.formats.operators)
    assert (product, total) == ("mul", "add")
    assert ours.n_operations == theirs.n_operations == 32
    # QKeras: two products of 32 bits
    assert theirs.terms_pJ["op"] == pytest.approx(32 * 2 * 3.1, rel=1e-6)
    assert ours.terms_pJ["op"] < theirs.terms_pJ["op"] / 10
    assert (len(ours.formats.parameters), len(theirs.formats.parameters)) == (2, 4)


def test_parts_of_a_separable_convolution() -> None:
    model = model_of(L.SeparableConv2D(4, 3, name="s"), L.Dense(2))
    given = {"s": {"weights": fixed(3), "pointwise": fixed(5), "bias": fixed(6), "output": relu(4)}}
    found = terms_of(model, quantizers=given)
    depthwise, pointwise = found["s.depthwise"].formats, found["s"].formats
    assert (depthwise.weights, depthwise.bias) == (fixed(3), None)
    assert depthwise.output == pointwise.inputs[0] == fixed(8 + 3 + 4, 4)  # sums of nine
    assert (pointwise.weights, pointwise.bias, pointwise.output) == (fixed(5), fixed(6), relu(4))


def test_formats_of_layers_without_quantizers() -> None:
    model = model_of(L.Conv2D(3, 3, name="c", activation="relu"), L.Flatten(), L.Dense(2, name="d"))
    for options, weights, sums, between in (
        ({}, fixed(8), fixed(8 + 8 + 5, 5), fixed(8)),
        ({"keras_quantizer": "int16"}, fixed(16, 7), fixed(16 + 8 + 5, 7 + 5), fixed(16, 7)),
        ({"keras_quantizer": "fp16"}, floating(16), floating(16), floating(16)),
        ({"keras_accumulator": "int32"}, fixed(8), fixed(32, 10), fixed(8)),
        ({"process": "initial"}, floating(32), floating(32), floating(32)),
    ):
        found = terms_of(model, **options)
        assert found["c"].formats.weights == weights
        assert found["c"].formats.accumulator == sums
        assert found["d"].formats.inputs == (between,)


def test_conversions_are_priced_as_their_model() -> None:
    model = conv_net(tf.keras)
    conversion = nsc.convert(model, neuron_type=nengo.SpikingRectifiedLinear())
    found, expected = estimate(conversion), estimate(model)
    assert found.mean_J == expected.mean_J
    assert [layer.name for layer in found.layers] == [layer.name for layer in expected.layers]
    table = NetworkEnergy(conversion, cost_model=qtools()).summary_string()
    assert "conv1" in table
    assert "digital" in table


def test_parts_of_an_estimate() -> None:
    model = qtools()
    found = estimate(conv_net(tf.keras))
    memory = found.only(model.memory_parts).mean_J
    assert memory + found.only(["op"]).mean_J == pytest.approx(found.mean_J, rel=RTOL)
    assert found.total_J.shape == (1,)
    assert found.uncounted == ()


def test_include() -> None:
    model = model_of(L.Conv2D(3, 3, name="c"), L.Activation("relu", name="a"))
    chosen = estimate(model, include={"default": ("op",), "Activation": ()})
    assert chosen.mean_J == estimate(model).layer("c").parts_J["op"][0]
    with_qkeras = energy_profile(keras_shapes(model), qtools(include="qkeras", compat="qkeras"))
    energies = with_qkeras["c"]["energy"]
    assert with_qkeras["c"]["total"] == pytest.approx(sum(energies.values()) - energies["outputs"])
    assert with_qkeras["a"]["total"] == with_qkeras["a"]["energy"]["outputs"]


def test_what_is_not_known_is_uncounted() -> None:
    model = model_of(L.LayerNormalization(name="ln"), L.Flatten(), L.Dense(2, "tanh", name="d"))
    found = {u.name: u.reason for u in estimate(model).uncounted}
    assert "LayerNormalization" in found["ln"]
    assert "tanh" in found["d"]
    assert estimate(model).lower_bound


@pytest.mark.parametrize(
    "options, message",
    [
        ({"quantizers": {"c": {"weights": 4}}}, r"quantizers\['c'\]\['weights'\] must be"),
        ({"quantizers": {"c": {"kernel": "int8"}}}, "has no tensor 'kernel'"),
        ({"quantizers": {"c": "int8"}}, r"quantizers\['c'\] must be a dict"),
        ({"quantizers": "int8"}, "quantizers must be a dict"),
        ({"source": "int9"}, "source is 'int9'"),
        ({"keras_quantizer": 8}, "keras_quantizer must be"),
        ({"keras_accumulator": "x y"}, "keras_accumulator is 'x y'"),
        ({"weights_on_memory": "flash"}, "weights_on_memory must be one of"),
        ({"activations_on_memory": None}, "activations_on_memory must be one of"),
        ({"min_sram_size": -1}, "min_sram_size"),
        ({"min_sram_size": 0.5}, "min_sram_size"),
        ({"rd_wr_on_io": 1}, "rd_wr_on_io must be True or False"),
        ({"for_reference": "no"}, "for_reference must be True or False"),
        ({"inference": None}, "inference must be True or False"),
        ({"process": "5nm"}, "process must be one of horowitz, initial"),
        ({"include": ("op",)}, "include must be None"),
        ({"include": {"Dense": ("ops",)}}, r"include\['Dense'\] must be a tuple of"),
        ({"compat": "keras"}, "compat must be 'qkeras'"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(EnergyError, match=message):
        qtools(**options)


def test_what_can_not_be_priced() -> None:
    model = conv_net(tf.keras)
    with pytest.raises(EnergyError, match="name a layer 'conv9'"):
        estimate(model, quantizers={"conv9": {"weights": "int8"}})
    with pytest.raises(EnergyError, match="loihi is a spiking device"):
        estimate(model, "loihi")
    with pytest.raises(EnergyError, match="'cpu' has no int32_add, int8_mul, int32_mul"):
        estimate(model, "cpu")
    with pytest.raises(EnergyError, match="takes a Keras model"):
        NetworkEnergy(nengo.Network(), cost_model=qtools())
    with pytest.raises(EnergyError, match="example_data belongs to"):
        NetworkEnergy(model, cost_model=qtools(), example_data=np.zeros((1, 8, 8, 1)))
    priced = [name for name in devices.names() if qtools().can_price(devices.get(name))]
    assert "digital" in priced
    assert not {"loihi", "cpu", "digital_snn"} & set(priced)


def test_a_device_of_ones_own() -> None:
    """Three energies are enough; the rest is Horowitz's."""
    small = {k: DIGITAL.operations[k] for k in ("int32_add", "int8_mul", "int32_mul")}
    one = DIGITAL.energy_per_synop
    device = Device("mine", False, one, one, operations=small)
    model = conv_net(tf.keras)
    assert estimate(model, device).mean_J == pytest.approx(estimate(model).mean_J, rel=1e-7)


def test_names() -> None:
    assert qtools().name == "qtools"
    assert qtools(name="mine").name == "mine"
    named = qtools({"d": {"weights": "int8"}}, process="initial", min_sram_size=64)
    assert named.name == "qtools(quantizers of 1 layer, min_sram_size=64, process='initial')"
    assert estimate(conv_net(tf.keras), compat="qkeras").cost_model == "qtools(compat='qkeras')"
    assert PROCESSES.keys() == {"horowitz", "initial"}
