"""Labels are read in one place, and scores are those of Keras' own metrics and NumPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from nengo_spikecost import stack
from nengo_spikecost.activity.labels import LINEAR, SIGMOID, SOFTMAX, read_labels
from nengo_spikecost.activity.scores import correlation, rmse, score
from nengo_spikecost.conversion.output_heads import head_of
from nengo_spikecost.errors import DataError

keras = stack.keras()
L = keras.layers
RNG = np.random.default_rng(0)
OUTPUTS = RNG.random((50, 3)).astype("f4")
CLASSES = RNG.integers(0, 3, 50)


def metric(kind, y, outputs):
    one = getattr(keras.metrics, kind)()
    one.update_state(y, outputs)
    return float(one.result())


@pytest.mark.parametrize(
    "y",
    [
        CLASSES,
        CLASSES.astype("f8"),
        CLASSES.astype("u1"),
        CLASSES[:, None],
        CLASSES[:, None, None],
        CLASSES.tolist(),
        pd.Series(CLASSES),
        tf.constant(CLASSES),
        np.eye(3)[CLASSES],
        np.eye(3, dtype=bool)[CLASSES],
        np.eye(3, dtype=int)[CLASSES].tolist(),
        pd.DataFrame(np.eye(3)[CLASSES]),
    ],
    ids=lambda y: f"{type(y).__name__} {np.shape(y)}",
)
@pytest.mark.parametrize("head", [None, SOFTMAX, LINEAR, SIGMOID])
def test_classes_in_every_form(y, head):
    labels = read_labels(y, 3, head)
    assert labels.kind == "classes" and labels.values.tolist() == CLASSES.tolist()
    own = score("", labels, OUTPUTS)
    # float32 shares of Keras
    assert own.accuracy == pytest.approx(
        metric("SparseCategoricalAccuracy", CLASSES, OUTPUTS), abs=1e-7
    )
    assert own.accuracy == np.mean(OUTPUTS.argmax(axis=1) == CLASSES)
    assert (own.n_right, own.n) == (int(np.sum(OUTPUTS.argmax(axis=1) == CLASSES)), 50)


def test_bool_classes_of_two():
    labels = read_labels(np.array([True, False, True]), 2, SOFTMAX)
    assert labels.kind == "classes" and labels.values.tolist() == [1, 0, 1]


@pytest.mark.parametrize("form", [lambda y: y, lambda y: y[:, None], lambda y: y.astype(bool)])
def test_binary_labels_behind_a_sigmoid(form):
    y, outputs = RNG.integers(0, 2, 50), RNG.random((50, 1)).astype("f4")
    labels = read_labels(form(y), 1, SIGMOID)
    assert labels.kind == "binary" and labels.threshold == 0.5
    own = score("", labels, outputs)
    assert own.accuracy == pytest.approx(metric("BinaryAccuracy", y[:, None], outputs), abs=1e-7)
    assert labels.predictions(outputs).tolist() == (outputs[:, 0] > 0.5).astype(int).tolist()
    # without a sigmoid, the user has to say it; then 0 is the logit of one half
    with pytest.raises(DataError, match=r"task='classification' if class 1 is a value above 0\.0"):
        read_labels(form(y), 1, LINEAR)
    logits = np.log(outputs / (1 - outputs))
    stated = score("", read_labels(form(y), 1, LINEAR, "classification"), logits)
    assert stated.accuracy == own.accuracy
    assert read_labels(form(y), 1, None, "classification").threshold == 0.5
    assert read_labels(form(y), 1, LINEAR, "regression").kind == "regression"


def test_several_ones_behind_a_sigmoid():
    y = RNG.integers(0, 2, (50, 3))
    y[0], y[1] = 0, 1  # rows of zeros and of ones are labels here
    labels = read_labels(y, 3, SIGMOID)
    assert labels.kind == "multi-label"
    own = score("", labels, OUTPUTS)
    assert own.accuracy == pytest.approx(metric("BinaryAccuracy", y, OUTPUTS), abs=1e-7)
    assert own.n == 150 and own.n_right == np.sum((OUTPUTS > 0.5) == y)
    for head in (SOFTMAX, LINEAR, None):
        with pytest.raises(DataError, match="row of sample 0 has 0 ones, not one"):
            read_labels(y, 3, head)
        with pytest.raises(DataError, match="row of sample 0 has 0 ones, not one"):
            read_labels(y, 3, head, "classification")


@pytest.mark.parametrize("size, head", [(3, LINEAR), (3, SIGMOID), (3, None), (1, LINEAR)])
def test_targets_of_a_regression(size, head):
    y = RNG.normal(size=(50, size))
    outputs = (0.8 * y + 0.3 * RNG.normal(size=y.shape)).astype("f4")
    keras_outputs = y + 0.1
    labels = read_labels(y, size, head)
    assert labels.kind == "regression"
    own = score("", labels, outputs, keras_outputs)
    # Keras sums in float32
    assert own.rmse == pytest.approx(metric("RootMeanSquaredError", y, outputs), rel=1e-5)
    assert own.rmse == pytest.approx(np.sqrt(np.mean((outputs - y) ** 2)))
    assert own.correlation == pytest.approx(np.corrcoef(outputs.ravel(), y.ravel())[0, 1])
    assert own.rmse_to_keras == pytest.approx(np.sqrt(np.mean((outputs - keras_outputs) ** 2)))
    assert own.correlation_to_keras == pytest.approx(
        np.corrcoef(outputs.ravel(), keras_outputs.ravel())[0, 1]
    )
    if size > 1:
        columns = [np.corrcoef(outputs[:, i], y[:, i])[0, 1] for i in range(size)]
        assert own.lowest_correlation == pytest.approx(min(columns))
    assert own.accuracy is None
    # R² by its definition, 1 minus residual over total sum of squares
    r2 = 1 - np.sum((outputs - y) ** 2) / np.sum((y - y.mean(axis=0)) ** 2)
    assert labels.outcomes(outputs).mean() == pytest.approx(r2)


def test_targets_with_axes_of_the_output():
    y = RNG.random((5, 4, 4, 2))
    labels = read_labels(y, 32, LINEAR, shape=(4, 4, 2))
    np.testing.assert_array_equal(labels.values, y.reshape(5, 32))
    with pytest.raises(DataError, match=r"shape \(5, 2, 4, 4\)"):
        read_labels(y.transpose(0, 3, 1, 2), 32, LINEAR, shape=(4, 4, 2))


@pytest.mark.parametrize(
    "y, size, head, task, message",
    [
        (np.array([0, 1, 3]), 3, None, None, "sample 2 has 3"),
        (np.array([0, -1, 1]), 3, SOFTMAX, None, "sample 1 has -1"),
        (np.array([0, 1.5, 1]), 3, SOFTMAX, None, "sample 1 has 1.5"),
        (np.array([0, np.nan, 1]), 3, SOFTMAX, None, "NaN or infinite values, first for sample 1"),
        (np.array([[1, 0], [np.inf, 0]]), 2, LINEAR, None, "NaN or infinite.*sample 1"),
        (np.array([[1.0], [np.nan]]), 1, LINEAR, "regression", "NaN"),
        (np.array(["cat", "dog"]), 2, None, None, "numbers of classes, from 0, .*np.unique"),
        (np.array([1j, 0]), 2, None, None, "not complex128"),
        ([[0], [1, 2]], 3, None, None, "Labels can't be made one array"),
        (np.array(3), 3, None, None, r"shape \(\)"),
        (np.zeros((4, 3)), 3, SOFTMAX, None, "sample 0 has 0 ones"),
        (np.ones((4, 3)), 3, LINEAR, None, "sample 0 has 3 ones"),
        (np.eye(4), 3, None, None, r"expected \(n,\) or one-hot, \(n, 3\)"),
        (np.arange(4), 3, None, "regression", r"expected \(n, 3\), a target for each value"),
        (np.array([[0.3, 0.7], [1.0, 0.0]]), 2, SOFTMAX, None, r"soft: sample 0 has \[0.3, 0.7\]"),
        (np.array([[0.3, 0.7], [1.0, 0.0]]), 2, LINEAR, None, "soft"),
        (np.array([[3.0, -0.7], [1.0, 0.0]]), 2, SOFTMAX, None, "soft"),
        (np.array([[3.0, -0.7], [1.0, 0.0]]), 2, LINEAR, "classification", "with one 1; sample 0"),
        (np.array([0, 1, 2]), 1, SIGMOID, None, "must be 0 or 1; sample 2 has 2"),
        (np.array([-1, 1]), 1, SIGMOID, None, "must be 0 or 1; sample 0 has -1"),
        (np.array([0.5, 2]), 1, LINEAR, "classification", "must be 0 or 1; sample 0 has 0.5"),
        (np.array([0, 1]), 2, None, "guess", "task must be one of classification, regression"),
    ],
)
def test_what_is_no_label_is_refused(y, size, head, task, message):
    with pytest.raises(DataError, match=message):
        read_labels(y, size, head, task)


def test_correlation_of_what_is_constant_is_not_known():
    assert np.isnan(correlation(np.full(3, 0.1), np.arange(3)))
    assert rmse(np.full(3, 0.1), np.full(3, 0.1)) == 0


HEADS = {
    "softmax of a Dense": (SOFTMAX, lambda x: L.Dense(3, activation="softmax")(x)),
    "Softmax": (SOFTMAX, lambda x: L.Softmax()(L.Dense(3)(x))),
    "Activation": (SIGMOID, lambda x: L.Activation("sigmoid")(L.Dense(3)(x))),
    "sigmoid before Flatten": (
        SIGMOID,
        lambda x: L.Flatten()(L.Reshape((3, 1))(L.Dense(3, activation="sigmoid")(x))),
    ),
    "nested": (
        SIGMOID,
        lambda x: keras.Sequential([L.Input((4,)), L.Dense(1, activation="sigmoid")])(x),
    ),
    "linear": (LINEAR, lambda x: L.Dense(3)(x)),
    "linear Activation": (SOFTMAX, lambda x: L.Activation("linear")(L.Softmax()(L.Dense(3)(x)))),
    "sigmoid, then a Dense": (LINEAR, lambda x: L.Dense(3)(L.Dense(3, activation="sigmoid")(x))),
    "tanh": (LINEAR, lambda x: L.Dense(1, activation="tanh")(x)),
    "input": (LINEAR, lambda x: x),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads(name):
    expected, layers = HEADS[name]
    inp = L.Input((4,))
    assert head_of(keras.Model(inp, layers(inp)).outputs[0]) == expected
