"""Axes of samples are compared with the network's, and other packages' arrays are read as rows.

What is right comes from the NumPy array that the same values make, and for axes that are moved
from Keras, which refuses them.
"""

from __future__ import annotations

import decimal

import nengo
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import DataError
from nengo_spikecost.loihi import Emulator, deploy
from nengo_spikecost.tuning import fine_tune, tune_firing_rates

keras = stack.keras()
L = keras.layers
OPTIONS = {"scale_firing_rates": 100, "synapse": None}


def images(n=4, shape=(8, 8, 3), seed=0):
    return np.random.default_rng(seed).random((n, *shape), dtype="f4")


def image_model(shape=(8, 8, 3), **conv):
    keras.utils.set_random_seed(1)
    inp = L.Input(shape, name="image")
    x = L.ReLU(name="first")(inp)  # fires at the pixels' rates: its counts show each pixel
    out = L.Dense(3, name="out")(L.Flatten()(L.Conv2D(4, 3, activation="relu", **conv)(x)))
    return keras.Model(inp, out)


@pytest.fixture(scope="module")
def model():
    return image_model()


@pytest.fixture(scope="module")
def conversion(model):
    return nsc.convert(model, **OPTIONS)


def dense_model(shape, name="x"):
    inp = L.Input(shape, name=name)
    return keras.Model(inp, L.Dense(2, name="out")(L.Flatten()(L.ReLU(name="first")(inp))))


def counts(network, x, n_steps=10):
    return nsc.measure(network, x, n_steps, progress=False).populations["first"].counts


def test_channels_in_front_are_refused_by_every_entry(model, conversion):
    front = np.moveaxis(images(), -1, 1)
    assert front.shape == (4, 3, 8, 8)
    with pytest.raises(ValueError):  # what Keras says of them
        model(front)
    y, message = np.arange(4) % 3, r"another order: give x.transpose\(0, 2, 3, 1\)"
    entries = (
        lambda: nsc.measure(conversion, front, 5),
        lambda: nsc.measure(conversion, iter([front]), 5),
        lambda: nsc.measure(conversion, {"image": front}, 5),
        lambda: nsc.measure(nsc.convert(model, lower=False), front, 5, simulator="nengo"),
        lambda: nsc.profile(model, front, y, n_steps=5),
        lambda: deploy(model, front, y, n_steps=5),
        lambda: nsc.sweep(model, front, y, n_steps=5, n_trials=1),
        lambda: tune_firing_rates(model, front, n_steps=5),
        lambda: fine_tune(model, front, y, n_steps=2, batch_size=2),
    )
    for entry in entries:
        with pytest.raises(DataError, match=message):
            entry()
    moved = front.transpose(0, 2, 3, 1)  # what the message says to do
    np.testing.assert_array_equal(counts(conversion, moved), counts(conversion, images()))
    steps = np.repeat(front[:, None], 5, axis=1)
    with pytest.raises(DataError, match=r"x.transpose\(0, 1, 3, 4, 2\)"):
        nsc.measure(conversion, steps, 5)


def test_the_emulator_compares_axes_too(model):
    with_chip = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", max_pooling="average", **OPTIONS
    )
    with Emulator(with_chip) as emulator:
        flat = emulator.run(images().reshape(4, -1), 30)
        np.testing.assert_array_equal(emulator.run(images(), 30).spikes, flat.spikes)
        assert flat.spikes.sum() > 0
        with pytest.raises(DataError, match="another order"):
            emulator.run(np.moveaxis(images(), -1, 1), 30)
        with pytest.raises(DataError, match="sparse"):
            emulator.run(scipy.sparse.csr_matrix(images().reshape(4, -1)), 30)
        with pytest.raises(DataError, match="one sample without an axis of samples"):
            emulator.run(images(1)[0], 30)


def test_models_with_channels_first():
    conversion = nsc.convert(image_model((3, 8, 8), data_format="channels_first"), **OPTIONS)
    x = images(3, (3, 8, 8))
    # a ReLU layer at the front fires at its pixels' rates, in the model's own order
    expected = np.floor(100 * 0.001 * 40 * x.reshape(3, -1) + 1e-6)
    assert np.abs(counts(conversion, x, 40) - expected).max() <= 1
    with pytest.raises(DataError, match=r"x.transpose\(0, 3, 1, 2\)"):
        counts(conversion, images())


def test_axes_of_length_one_do_not_matter():
    conversion = nsc.convert(dense_model((8, 8, 1)), **OPTIONS)
    x = images(3, (8, 8, 1))
    expected = counts(conversion, x)
    for same in (x[..., 0], x[:, None, ..., 0], x.reshape(3, 64), x.reshape(3, 1, 64)):
        np.testing.assert_array_equal(counts(conversion, same), expected)
    for other in (x.reshape(3, 4, 16), x.reshape(3, 2, 32), x.reshape(3, 16, 4, 1)):
        with pytest.raises(DataError, match=r"expected .n, 8, 8, 1."):
            counts(conversion, other)
    with pytest.raises(DataError, match=r"one sample without an axis of samples: give x\[None\]"):
        counts(conversion, x[0])
    with pytest.raises(DataError, match=r"x\[None\]"):
        counts(conversion, x[0, ..., 0])


def test_time_is_told_from_other_axes():
    rows = nsc.convert(dense_model((20, 8)), **OPTIONS)
    x = images(3, (20, 8))
    # n_steps is also the length of the first axis: it is a sample still
    record = nsc.measure(rows, x, 20, progress=False)
    assert record.protocol.constant_inputs and record.populations["first"].n_neurons == 160
    over_time = np.repeat(x[:, None], 20, axis=1)
    found = nsc.measure(rows, over_time, 20, progress=False)
    assert found.protocol.constant_inputs  # an image that is the same at every step
    np.testing.assert_array_equal(
        found.populations["first"].counts, record.populations["first"].counts
    )
    narrow = nsc.convert(dense_model((8,)), **OPTIONS)
    steps = nsc.measure(narrow, x, progress=False)
    assert steps.protocol.n_steps == 20 and not steps.protocol.constant_inputs
    with pytest.raises(DataError, match="have 20 steps: give n_steps=20"):
        nsc.measure(narrow, x, 10)
    with pytest.raises(DataError, match="another order"):
        nsc.measure(rows, x.transpose(0, 2, 1), 20)


def test_networks_that_declare_axes_and_those_that_do_not():
    x = images(2)
    nets = []
    for convolve in (True, False):
        with nengo.Network(seed=0) as net:
            node = nengo.Node(np.zeros(192), label="pixels")
            if convolve:
                transform = nengo.Convolution(2, (8, 8, 3))
                size = transform.output_shape.size
            else:
                transform, size = 1, 192
            neurons = nengo.Ensemble(
                size, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="first",
                gain=np.ones(size), bias=np.zeros(size),
            )  # fmt: skip
            nengo.Connection(node, neurons.neurons, transform=transform, synapse=None)
        nets.append(net)
    image, plain = nets
    with pytest.raises(DataError, match=r"x.transpose\(0, 2, 3, 1\)"):
        counts(image, np.moveaxis(x, -1, 1))
    np.testing.assert_array_equal(counts(image, x), counts(image, x.reshape(2, -1)))
    # neurons one by one have no axes: any shape is their order
    front = np.moveaxis(x, -1, 1)
    np.testing.assert_array_equal(counts(plain, front), counts(plain, front.reshape(2, -1)))


def test_layers_of_nengo_dl_declare_axes():
    nengo_dl = stack.nengo_dl()
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.zeros(192), label="pixels")
        nengo_dl.Layer(L.Conv2D(2, 3))(node, shape_in=(8, 8, 3))
    with pytest.raises(DataError, match=r"x.transpose\(0, 2, 3, 1\)"):
        nsc.measure(net, np.moveaxis(images(2), -1, 1), 3)


class Tensor:
    """A PyTorch tensor as far as it is read here: with gradients it has no NumPy array."""

    def __init__(self, values, attached=True):
        self.values, self.attached, self.shape = values, attached, values.shape

    def __array__(self, dtype=None, copy=None):
        if self.attached:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.values

    def detach(self):
        return Tensor(self.values, attached=False)

    def cpu(self):
        return self


@pytest.mark.parametrize("n", [3, 8])  # as many rows as columns: no shape can tell
def test_rows_of_other_packages_are_samples(n):
    conversion = nsc.convert(dense_model((8,)), **OPTIONS)
    x, y = images(n, (8,)), np.arange(n) % 2
    expected = counts(conversion, x)
    frame = pd.DataFrame(x, columns=list("abcdefgh"))
    kinds = {
        "frame": frame,
        "frame with labels": (frame, pd.Series(y)),
        "numbered columns": pd.DataFrame(x),
        "types of pandas": frame.astype("Float32"),
        "by input": {"x": frame},
        "stream of frames": iter([frame.iloc[:2], frame.iloc[2:]]),
        "torch": Tensor(x),
        "batches of torch": iter([[Tensor(x), Tensor(y)]]),
        "tensor": tf.constant(x),
        "bfloat16": tf.cast(x, tf.bfloat16),
        "lists": x.tolist(),
        "list of arrays": list(x),
        "weights apart": (x,),
        "matrix": np.matrix(x),
    }
    for kind, data in kinds.items():
        found = nsc.measure(conversion, data, 10, progress=False)
        if kind == "bfloat16":  # 8 bits of mantissa: the rates of NumPy's own rounding
            rounded = np.asarray(data).astype("f4")
            want = counts(conversion, rounded)
        else:
            want = expected
        np.testing.assert_array_equal(found.populations["first"].counts, want, err_msg=kind)
        if kind in ("frame with labels", "batches of torch"):
            np.testing.assert_array_equal(found.targets, y)


def test_columns_that_are_inputs():
    ends = [L.Input((1,), name=name) for name in "ab"]
    model = keras.Model(ends, L.Dense(2)(L.ReLU(name="first")(L.Concatenate()(ends))))
    conversion = nsc.convert(model, **OPTIONS)
    x = images(5, (2,))
    expected = counts(conversion, {"a": x[:, :1], "b": x[:, 1:]})
    # by name, whatever their order
    frame = pd.DataFrame({"b": x[:, 1], "a": x[:, 0]})
    np.testing.assert_array_equal(counts(conversion, frame), expected)
    with pytest.raises(DataError, match="no input 'c'"):
        counts(conversion, pd.DataFrame({"a": x[:, 0], "c": x[:, 1]}))
    mixed = pd.DataFrame({"a": x[:, 0] > 0.5, "b": x[:, 1]})  # bool and float
    whole = counts(conversion, {"a": (x[:, :1] > 0.5) * 1.0, "b": x[:, 1:]})
    np.testing.assert_array_equal(counts(conversion, mixed), whole)


@pytest.mark.parametrize(
    "data, message",
    [
        ([[1.0, 2.0], [3.0]], "'x' can't be made one array .rows of different lengths"),
        ([np.ones(8), np.ones(7)], "rows of different lengths"),
        (tf.ragged.constant([[1.0], [2.0, 3.0]]), "rows of different lengths"),
        (np.float32(3), r"have shape \(\)"),
        (np.array(3), r"have shape \(\)"),
        (scipy.sparse.csr_matrix(np.eye(8)), r"sparse \(csr_matrix\).*toarray"),
        (scipy.sparse.coo_array(np.eye(8)), "sparse"),
        (tf.sparse.from_dense(np.eye(8)), "sparse"),
        ([[2**70] * 8], "whole numbers beyond 64 bits"),
        (np.full((2, 8), "a"), "not real numbers but <U1"),
        (np.full((2, 8), b"a"), "not real numbers"),
        (np.full((2, 8), 1j), "not real numbers but complex128"),
        (np.full((2, 8), None), "not real numbers but object, such as NoneType"),
        (np.full((2, 8), decimal.Decimal(1)), "such as Decimal"),
        (np.full((2, 8), np.datetime64("2020")), "not real numbers"),
        (np.full((2, 8), np.nan), "NaN or infinite values, first in sample 0"),
        (np.full((2, 8), -np.inf), "NaN or infinite"),
        (np.ma.masked_less(np.eye(8), 0.5), "masked array"),
        (np.zeros(2, dtype=[("a", "f4"), ("b", "f4")]), "not real numbers"),
        (pd.DataFrame({"a": ["x"], "b": [1.0]}), r"columns a"),
        (pd.DataFrame(np.full((2, 8), np.nan)), "NaN"),
        ("file.npy", "not str"),
        ((np.eye(8), np.arange(8), np.ones(8)), "tuple of 3.*weights of samples"),
        ((iter([np.eye(8)]), np.arange(8)), "tuple of .*iterator and labels"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_array_of_real_numbers_is_refused_by_name(data, message):
    conversion = nsc.convert(dense_model((8,)), **OPTIONS)
    with pytest.raises(DataError, match=message):
        nsc.measure(conversion, data, 5)
