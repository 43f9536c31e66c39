"""One pass without spikes: layers against Keras, and networks without layers."""

from __future__ import annotations

from dataclasses import replace

import nengo
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from nengo_spikecost import NetworkGraph, convert
from nengo_spikecost.energy.peers.lemaire import PARTS, Prices, Widths, WordRam, lemaire
from nengo_spikecost.energy.peers.lemaire.dense_pass import layer_accesses
from nengo_spikecost.energy.peers.lemaire.folding import folded
from nengo_spikecost.energy.peers.lemaire.operations import Arithmetic
from nengo_spikecost.energy.peers.lemaire.prices import priced
from nengo_spikecost.layers.keras_shapes import keras_shapes
from nengo_spikecost.layers.layer_info import LayerInfo
from nengo_spikecost.layers.layer_macs import layer_macs, taps_met
from nengo_spikecost.layers.layer_shape import LayerShape
from nengo_spikecost.workload.exact import count
from nengo_spikecost.workload.work_entries import LearningWork
from nengo_spikecost.workload.workload_record import Workload

from .workloads import convolution, dense, digital, plain, spiking_workloads

layers = tf.keras.layers
RTOL = 1e-12  # sums of float64 products in another order


def multiplications(layer, shape) -> int:
    """What a linear layer multiplies: its output for ones, if all weights are one."""
    inp = tf.keras.Input(shape)
    model = tf.keras.Model(inp, layer(inp))
    model.set_weights([np.ones(w.shape) for w in model.get_weights()])
    return round(float(model(np.ones((1, *shape), "f4")).numpy().sum()))


def shape_of(layer, shape) -> LayerShape:
    inp = tf.keras.Input(shape)
    return keras_shapes(tf.keras.Model(inp, layer(inp)))[-1]


@given(
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["same", "valid"]),
    kind=st.sampled_from(["conv", "grouped", "depthwise", "transposed", "dilated"]),
)
@settings(max_examples=40)
def test_multiplications_of_convolutions(size, kernel, stride, padding, kind):
    options = {"padding": padding, "use_bias": False, "strides": stride}
    made = {
        "conv": lambda: layers.Conv2D(3, kernel, **options),
        "grouped": lambda: layers.Conv2D(4, kernel, groups=2, **options),
        "depthwise": lambda: layers.DepthwiseConv2D(kernel, depth_multiplier=2, **options),
        "transposed": lambda: layers.Conv2DTranspose(3, kernel, **options),
        "dilated": lambda: layers.Conv2D(3, 2, dilation_rate=2, **{**options, "strides": 1}),
    }[kind]
    shape = shape_of(made(), (*size, 4))
    if kind == "grouped":
        # TensorFlow has no grouped convolution on every processor: half the channels each
        half = layers.Conv2D(2, kernel, **options)
        expected = 2 * multiplications(half, (*size, 2))
    else:
        expected = multiplications(made(), (*size, 4))
    assert layer_macs(shape) == expected


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2), (3, 3), (2, 1)])
def test_inputs_of_poolings(padding, size, stride):
    shape = shape_of(layers.MaxPooling2D(size, stride, padding=padding), (7, 8, 3))
    ones = layers.DepthwiseConv2D(size, stride, padding=padding, use_bias=False)
    assert 3 * taps_met(shape) == multiplications(ones, (7, 8, 3))


@pytest.mark.parametrize("keepdims", [False, True])
def test_a_global_pooling_reads_everything(keepdims):
    shape = shape_of(layers.GlobalAveragePooling2D(keepdims=keepdims), (7, 8, 3))
    done, memories = layer_accesses(shape)
    assert done.inputs == done.additions == 7 * 8 * 3
    assert done.outputs == done.multiplications == 3
    assert (memories.inputs, memories.outputs) == (168, 3)


def test_a_dense_layer_is_applied_at_every_position():
    shape = shape_of(layers.Dense(5), (4, 3))
    done, _ = layer_accesses(shape)
    assert done.macs == done.weights == 4 * 3 * 5
    assert done.outputs == done.biases == done.additions == 20


def test_a_convolution_by_hand():
    """3x3 valid, 8x8x2 to 6x6x4, at 1.25 pJ an access and 8-bit operations."""
    prices = Prices(Arithmetic(), WordRam(), Widths.of(8), 1)
    done = layer_accesses(convolution())
    assert done is not None
    found = {part: 1e12 * float(energy) for part, energy in priced(*done, prices).items()}
    macs = 6 * 6 * 4 * 9 * 2
    expected = {
        "potentials": 0,
        "weights": 1.25 * macs,
        "biases": 1.25 * 144,
        "io": 1.25 * (macs + 144),
        "operations": 0.23 * macs + 0.03 * 144,
        "addressing": 0.03 * (128 + 144 + 36),
    }
    for part in PARTS:
        np.testing.assert_allclose(found[part], expected[part], RTOL, err_msg=part)


@pytest.mark.parametrize(
    "kind, additions, multiplied",
    [
        ("add", 8, 0),
        ("subtract", 8, 0),
        ("maximum", 8, 0),
        ("minimum", 8, 0),
        ("average", 8, 4),
        ("multiply", 0, 8),
    ],
)
def test_merges(kind, additions, multiplied):
    shape = plain("merge", kind, (2, 2), "a", input_shapes=((2, 2),) * 3)
    done, _ = layer_accesses(shape)
    assert (done.inputs, done.outputs) == (12, 4)
    assert (done.additions, done.multiplications) == (additions, multiplied)


def test_an_addition_of_elements():
    """An Add of two 8x8x4 tensors: 588.7 pJ in Qualia, with sums of dimensions."""
    shape = plain("add", "add", (8, 8, 4), "a", input_shapes=((8, 8, 4),) * 2)
    price = lemaire(32, ram="old").price
    tool = lemaire(32, compat="qualia").price
    workload, device = workload_of(shape), digital(False)
    np.testing.assert_allclose(1e12 * tool(workload, device).total_J, 588.7, atol=0.05)
    # 3 * 256 accesses at 13.2893 pJ, 256 additions of elements and as many of addresses
    np.testing.assert_allclose(1e12 * price(workload, device).total_J, 10257, atol=0.5)


def test_what_is_free_and_what_is_not_known():
    for kind in ("shape", "input", "activation"):
        done, memories = layer_accesses(plain("x", kind, (4,), "y"))
        energies = priced(done, memories, Prices(Arithmetic(), WordRam(), Widths.of(8), 1))
        assert not any(energies.values())
    assert layer_accesses(plain("x", "unknown", (4,), "y")) is None


def workload_of(*shapes: LayerShape) -> Workload:
    names = dict.fromkeys(shape.layer for shape in shapes)
    infos = tuple(LayerInfo(name, "Layer", "-") for name in names)
    return Workload(infos, (), (), (), (), 1, 0.001, 0, shapes=shapes)


def test_unknown_layers_are_listed():
    odd = plain("odd", "unknown", (4,), "input", type="Lambda")
    rule = LearningWork("pes", "odd", 1, 1)
    workload = replace(workload_of(odd), learning=(rule,))
    estimate = lemaire().price(workload, digital(False))
    assert [u.name for u in estimate.uncounted] == ["odd", "pes"]
    assert "is a Lambda" in estimate.uncounted[0].reason
    assert estimate.total_J == [0]


def test_batch_normalization_is_folded():
    conv = convolution(n_biases=0)
    norm = plain("norm", "batch normalization", (6, 6, 4), "conv", n_weights=4, n_biases=4)
    flat = plain("flat", "shape", (144,), "norm")
    last = dense("last", 144, 3, inputs=("flat",))
    found = folded((conv, norm, flat, last))
    assert [shape.name for shape in found] == ["conv", "flat", "last"]
    assert found[0] == replace(conv, n_biases=4)
    assert found[1].inputs == ("conv",)
    # and one after another
    twice = plain("norm2", "batch normalization", (6, 6, 4), "norm")
    found = folded((conv, norm, twice, replace(flat, inputs=("norm2",))))
    assert [shape.name for shape in found] == ["conv", "flat"]
    assert found[1].inputs == ("conv",)


@pytest.mark.parametrize("why", ["activation", "two readers", "no weights before"])
def test_batch_normalization_that_is_not_folded(why):
    conv = convolution()
    norm = plain("norm", "batch normalization", (6, 6, 4), "conv", n_weights=4, n_biases=4)
    shapes = [conv, norm]
    if why == "activation":
        shapes[0] = replace(conv, activation="relu")
    elif why == "two readers":
        shapes.append(plain("other", "shape", (6, 6, 4), "conv"))
    else:
        shapes[1:1] = [plain("pool", "shape", (6, 6, 4), "conv")]
        shapes[-1] = replace(norm, inputs=("pool",))
    assert folded(shapes) == tuple(shapes)
    done, _ = layer_accesses(norm)
    assert done.macs == done.weights == done.biases == 144


def model():
    inp = x = tf.keras.Input((9, 9, 2))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.AveragePooling2D(3)(x)
    x = layers.Conv2D(5, 2, activation="relu")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(3)(x)
    return tf.keras.Model(inp, x)


def test_lowering_is_not_for_machines_without_spikes():
    """With the layers at hand, a lowered and an unlowered network cost the same."""
    keras_model = model()
    found = []
    for lower in (False, True):
        conversion = convert(keras_model, lower=lower)
        workload = count(NetworkGraph(conversion), None, conversion.layer_infos)
        workload = replace(workload, shapes=keras_shapes(keras_model))
        found.append(lemaire().price(workload, digital(False)))
    for before, after in zip(*(estimate.layers for estimate in found)):
        assert before.name == after.name
        np.testing.assert_array_equal(before.total_J, after.total_J)


def test_layers_and_connections_multiply_the_same():
    """Without biases, the network's Connections are its layers."""
    inp = x = tf.keras.Input((9, 9, 2))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(3)(x)
    keras_model = tf.keras.Model(inp, x)
    conversion = convert(keras_model)
    native = count(NetworkGraph(conversion), None, conversion.layer_infos)
    layered = replace(native, shapes=keras_shapes(keras_model))
    # biases of zero are none in the network
    layered = replace(layered, shapes=tuple(replace(s, n_biases=0) for s in layered.shapes))
    found = [lemaire().price(work, digital(False)) for work in (native, layered)]
    assert not any(estimate.uncounted for estimate in found)
    for connections, shapes in zip(*(estimate.layers for estimate in found)):
        for part in ("weights", "biases", "io", "operations"):
            expected = shapes.parts_J[part]
            np.testing.assert_allclose(connections.parts_J[part], expected, RTOL, err_msg=part)


def test_decoders_and_encoders_are_not_multiplied_out():
    """By hand: 30 neurons, 2 dimensions decoded, a 3x2 transform, encoders of 20 neurons."""
    with nengo.Network(seed=0) as network:
        a, b = nengo.Ensemble(30, 2, label="a"), nengo.Ensemble(20, 3, label="b")
        nengo.Connection(a, b, transform=np.ones((3, 2)))
    workload = count(NetworkGraph(network))
    (found,) = (x for x in lemaire(8).price(workload, digital(False)).layers if x.name == "b")

    def ram(n_words):  # 8 bits each, an eighth of a word of 64; all memories are below 8 KiB
        return 10e-12 * n_words / 2**13 / 8

    macs, encoded = 30 * 2 + 3 * 2, 20 * 3
    energies_J = {
        "weights": macs * ram(macs) + encoded * ram(encoded),
        "biases": 20 * ram(20),
        # outputs of a, the three values between, and the outputs of b
        "io": 30 * ram(30) + 2 * 3 * ram(3) + 20 * ram(20),
        "operations": (macs + encoded) * 0.23e-12 + 20 * 0.03e-12,
        "addressing": (30 + 3 + 3 + 20) * 0.03e-12,
    }
    for part, expected in energies_J.items():
        np.testing.assert_allclose(found.parts_J[part], expected, RTOL, err_msg=part)


@given(workload=spiking_workloads())
@settings(max_examples=30)
def test_native_networks_run_once(workload):
    """Spikes do not matter without spikes, nor does the number of steps."""
    device, price = digital(False), lemaire(8).price
    found = price(workload, device)
    assert found.total_J.shape == (1,)
    np.testing.assert_array_equal(found.total_J, price(workload.with_spikes(3), device).total_J)
    macs = sum(weights.macs for weights in workload.dense)
    biases = sum(p.n_neurons for p in workload.populations if p.has_bias)
    operations = sum(layer.parts_J["operations"] for layer in found.layers)
    np.testing.assert_allclose(operations, (macs * 0.23 + biases * 0.03) * 1e-12, RTOL)
    assert not any(layer.parts_J["potentials"].any() for layer in found.layers)
