"""Regressions and binary labels from entry to print: right values are NumPy's and Keras' own."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import numpy as np
import pytest
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.cli import main
from nengo_spikecost.errors import DataError, EstimateWarning
from nengo_spikecost.loihi import deploy
from nengo_spikecost.tuning import fine_tune
from nengo_spikecost.tuning.sweeps import Sweep

keras = stack.keras()
L = keras.layers
RNG = np.random.default_rng(3)
X = RNG.random((60, 6), dtype="f4")
Y = np.stack([X.sum(axis=1), X[:, 0] - X[:, 1]], axis=1)


def model(size=2, activation=None, seed=0):
    keras.utils.set_random_seed(seed)
    inp = L.Input((6,))
    hidden = L.Dense(12, activation="relu", name="second")(
        L.Dense(16, activation="relu", name="first")(inp)
    )
    return keras.Model(inp, L.Dense(size, activation=activation, name="out")(hidden))


@pytest.fixture(scope="module")
def regression():
    trained = model()
    trained.compile(keras.optimizers.Adam(0.01), "mse")
    trained.fit(X, Y, epochs=30, verbose=0)
    return trained


def numpy_scores(outputs, y):
    return np.sqrt(np.mean((outputs - y) ** 2)), np.corrcoef(outputs.ravel(), y.ravel())[0, 1]


def test_profile_of_a_regression(regression):
    found = nsc.profile(regression, X, Y, n_steps=40, devices=["loihi"], progress=False)
    of_keras = regression.predict_on_batch(X)
    record = found.activity.outputs["out"]
    assert found.accuracy == {}
    for own, outputs in zip(found.scores, (of_keras, record.last, record.mean)):
        assert (own.rmse, own.correlation) == pytest.approx(numpy_scores(outputs, Y))
    metric = keras.metrics.RootMeanSquaredError()
    metric.update_state(Y, of_keras)
    assert found.scores[0].rmse == pytest.approx(float(metric.result()), rel=1e-5)  # float32
    assert (found.scores[1].rmse_to_keras, found.scores[1].correlation_to_keras) == pytest.approx(
        numpy_scores(record.last, of_keras)
    )
    text = found.summary_string()
    assert "labels of out are targets of a regression" in text
    assert "RMSE keras:" in text and "accuracy" not in text and "%" not in repr(found)
    content = json.loads(found.to_json())
    assert content["accuracy"] == {} and content["scores"][0]["rmse"] == found.scores[0].rmse
    # a stream's targets are seen at the end, and read the same
    stream = nsc.profile(regression, iter([(X, Y)]), n_steps=40, devices=["loihi"])
    assert stream.scores == tuple(
        nsc.profile(
            found.network, (X, Y), n_steps=40, devices=["loihi"], task="regression"
        ).scores[1:][i].__class__(**{**vars(own), "rmse_to_keras": None,
                                     "correlation_to_keras": None})
        for i, own in enumerate(found.scores[1:])
    )  # fmt: skip


def test_autoencoders_have_targets_with_axes():
    inp = L.Input((4, 4, 1))
    out = L.Reshape((4, 4, 1), name="out")(L.Dense(16)(L.Dense(8, "relu")(L.Flatten()(inp))))
    images = RNG.random((9, 4, 4, 1), dtype="f4")
    auto = keras.Model(inp, out)
    found = nsc.profile(auto, images, images, n_steps=10, progress=False)
    expected = numpy_scores(auto.predict_on_batch(images), images)
    assert (found.scores[0].rmse, found.scores[0].correlation) == pytest.approx(expected)
    with pytest.raises(DataError, match=r"Labels have shape \(9, 1, 4, 4, 1\)|expected"):
        nsc.profile(auto, images, images.reshape(9, 2, 8, 1), n_steps=10)


def test_deployment_of_a_regression(regression):
    done = deploy(regression, X, Y, n_steps=40, progress=False)
    record = done.activity.outputs["out"]
    assert done.accuracy is None
    assert (done.score.rmse, done.score.correlation) == pytest.approx(numpy_scores(record.last, Y))
    assert done.score.rmse_to_keras == pytest.approx(
        numpy_scores(record.last, regression.predict_on_batch(X))[0]
    )
    text = str(done)
    assert "RMSE keras" in text and "RMSE spiking, last step" in text and "accuracy" not in text
    content = done.to_dict()
    assert content["accuracy"] is None and content["predictions"] is None
    assert [own["name"] for own in content["scores"]] == ["keras", "spiking, last step"]
    with pytest.raises(DataError, match="gives values, not classes"):
        _ = done.predictions


def test_binary_labels_of_a_sigmoid():
    single, y = model(1, "sigmoid"), np.arange(60) % 2
    metric = keras.metrics.BinaryAccuracy()
    metric.update_state(y[:, None], single.predict_on_batch(X))
    for labels in (y, y[:, None], y.astype(bool)):
        found = nsc.profile(single, X, labels, n_steps=30, progress=False)
        assert found.accuracy["keras"] == pytest.approx(float(metric.result()))
        spiking = found.activity.outputs["out"].last[:, 0] > 0.5
        assert found.accuracy["spiking, last step"] == np.mean(spiking == y)
        assert found.activity.accuracy(y) == np.mean(spiking == y)
        np.testing.assert_array_equal(found.activity.predictions(), spiking)
    assert "binary labels: a value above 0.5" in found.summary_string()


def test_outputs_by_name():
    inp = L.Input((6,))
    hidden = L.Dense(12, "relu")(L.Dense(12, "relu")(inp))
    two = keras.Model(inp, [L.Dense(3, name="kind")(hidden), L.Dense(2, name="place")(hidden)])
    classes = np.arange(60) % 3
    found = nsc.profile(two, X, {"kind": classes, "place": Y}, n_steps=10, progress=False)
    by_name = {own.name: own for own in found.scores}
    kind, place = two.predict_on_batch(X)
    assert by_name["kind, keras"].accuracy == np.mean(kind.argmax(axis=1) == classes)
    assert by_name["place, keras"].rmse == pytest.approx(numpy_scores(place, Y)[0])
    with pytest.raises(DataError, match="'kinds', which is no output; there are kind, place"):
        nsc.profile(two, X, {"kinds": classes}, n_steps=10)
    with pytest.raises(DataError, match="Labels are empty"):
        nsc.profile(two, X, {"kind": []}, n_steps=10)
    with pytest.raises(DataError, match=r"Labels are of 2 outputs \(kind, place\)"):
        nsc.profile(two, iter([(X, {"kind": classes, "place": Y})]), n_steps=10)
    done = deploy(two, X, {"place": Y, "kind": classes}, n_steps=5, output="kind", progress=False)
    assert done.accuracy is not None
    with pytest.raises(DataError, match="no labels for output 'place'"):
        deploy(two, X, {"kind": classes}, n_steps=5, output="place")


@pytest.mark.parametrize(
    "y, message",
    [
        (np.zeros((60, 2)), "not one-hot: the row of sample 0 has 0 ones"),
        (np.ones((60, 2)), "not one-hot: the row of sample 0 has 2 ones"),
        (np.full((60, 2), np.nan), "NaN"),
        (np.full((60, 2), 0.5), "soft"),
    ],
    ids=["zeros", "ones", "NaN", "soft"],
)
def test_rows_that_are_no_labels_are_refused_before_anything_runs(regression, y, message):
    for entry in (nsc.profile, deploy, nsc.sweep):
        with pytest.raises(DataError, match=message):
            entry(regression, X, y, n_steps=5)
    with pytest.warns(EstimateWarning, match=message):
        nsc.profile(regression, iter([(X, y)]), n_steps=5)


def test_sweep_of_a_regression(regression, tmp_path):
    study = tmp_path / "study.sqlite"
    options = {"n_steps": (60, 150), "n_trials": 8, "progress": False, "study": study,
               "accuracy_losses": (0.05, 0.9), "synapses": (0.02,)}  # fmt: skip
    swept = nsc.sweep(regression, X, Y, **options)
    of_keras = regression.predict_on_batch(X)
    assert swept.keras_rmse == pytest.approx(numpy_scores(of_keras, Y)[0])
    total = np.sum((Y - Y.mean(axis=0)) ** 2)  # R² by its definition
    assert swept.keras_accuracy == pytest.approx(1 - np.sum((of_keras - Y) ** 2) / total)
    confirmed = swept.confirm(X, Y, list(swept.points[:2]), progress=False)
    for row, point in zip(confirmed.rows, swept.points):
        values = row.activity.outputs["out"].last
        expected, r = numpy_scores(values, Y)
        # the same simulation, read on its way to the longest time
        assert point.rmse == pytest.approx(expected, rel=1e-4)
        assert (row.rmse, row.correlation) == pytest.approx((expected, r))
        assert point.correlation == pytest.approx(r, rel=1e-4)
        assert point.accuracy == pytest.approx(1 - np.sum((values - Y) ** 2) / total, rel=1e-4)
    assert swept.front()
    # the front: no point has both less energy and less error at no longer time
    for a in swept.front():
        for b in swept.front():
            assert not (a.energy_J < b.energy_J and a.rmse < b.rmse and a.n_steps <= b.n_steps)
    assert "RMSE" in str(swept) and "R²" in str(swept) and "Accuracy" not in str(swept)
    assert "RMSE" in str(confirmed) and "Accuracy" not in str(confirmed)
    content = json.loads(swept.to_json())
    assert content["keras_rmse"] == swept.keras_rmse and "keras_accuracy" not in content
    assert "accuracy" not in content["trials"][0]["readings"][0]
    assert "rmse" in json.loads(confirmed.to_json())["rows"][0]
    loaded = Sweep.load(study)
    assert loaded.regression and loaded.points[0].rmse == swept.points[0].rmse
    assert [p.correlation for p in loaded.points] == [p.correlation for p in swept.points]
    # every trial has it: in the table of the front, in JSON, and in the data frame and so in CSV
    assert f"{swept.front()[0].correlation:.4f}" in str(swept) and "Correlation" in str(swept)
    read = [r for trial in content["trials"] for r in trial["readings"]]
    seen = [r.correlation for trial in swept.trials for r in trial.readings]
    assert [r["correlation"] for r in read] == seen and None not in seen
    judged = [  # what NengoDL said of the settings that compiled code found takes its place
        swept.judged.get((trial.number, r.n_steps), r).correlation
        for trial in swept.trials for r in trial.readings
    ]  # fmt: skip
    assert swept.judged and swept.to_frame()["correlation"].tolist() == judged
    assert content["front"][0]["correlation"] == swept.front()[0].correlation
    # a study of before it was kept
    with contextlib.closing(sqlite3.connect(study)) as file, file:
        file.execute("DELETE FROM arrays WHERE name LIKE '%agreement%'")
        file.execute("DELETE FROM digests WHERE name LIKE '%agreement%'")
    old = Sweep.load(study)
    assert {p.correlation for p in old.points} == {None}
    assert [p.rmse for p in old.points] == [p.rmse for p in swept.points]
    assert "Correlation" not in str(old)  # a column that says nothing is left out
    assert json.loads(old.to_json())["front"][0]["correlation"] is None
    again = nsc.sweep(regression, X, Y, **options)
    assert [t.number for t in again.trials] == list(range(8))
    with pytest.raises(DataError, match="targets in y are the same for all samples"):
        nsc.sweep(regression, X, np.full((60, 2), 7.0), n_steps=5)


def test_sweep_of_binary_labels():
    single, y = model(1, "sigmoid"), np.arange(60) % 2
    swept = nsc.sweep(single, X, y, n_steps=20, n_trials=4, progress=False)
    right = (single.predict_on_batch(X)[:, 0] > 0.5) == y
    assert swept.keras_accuracy == right.mean() and swept.reference.dtype == bool
    assert "The labels are binary" in str(swept)


def test_sweep_of_a_keras_3_model():
    import keras as keras_3

    layers = keras_3.layers
    keras_3.utils.set_random_seed(0)
    single = keras_3.Sequential([
        layers.Input((6,)), layers.Dense(8, "relu"), layers.Dense(8, "relu"),
        layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    y = np.arange(60) % 2
    swept = nsc.sweep(single, X, {"any name": y}, n_steps=20, n_trials=2, progress=False)
    right = (single.predict_on_batch(X)[:, 0] > 0.5) == y
    assert swept.keras_accuracy == right.mean()


def test_fine_tuning_of_a_regression_and_a_sigmoid(regression):
    options = {"n_steps": 5, "forward": "rates", "batch_size": 20, "progress": False, "epochs": 1}
    tuned = fine_tune(regression, X, Y, loss="mse", validation=(X, Y), **options)
    mse = np.mean((regression.predict_on_batch(X) - Y) ** 2)
    assert tuned.history[0].loss == pytest.approx(mse, rel=1e-4)  # float32
    assert np.isnan(tuned.history[0].accuracy)
    # whole numbers as targets of a single value are no classes
    single = model(1)
    counts = np.arange(60) % 9
    fine_tune(single, X, counts, loss="mse", validation=(X, counts), **options)
    yes, y = model(1, "sigmoid"), np.arange(60) % 2
    record = fine_tune(yes, X, y, validation=(X, y), **options).history[0]
    outputs = yes.predict_on_batch(X)
    assert record.loss == pytest.approx(
        float(keras.losses.BinaryCrossentropy()(y[:, None].astype("f4"), outputs)), rel=1e-3
    )
    assert record.accuracy == pytest.approx(np.mean((outputs[:, 0] > 0.5) == y), abs=1e-6)
    with pytest.raises(DataError, match="NaN"):
        fine_tune(regression, X, np.full((60, 2), np.nan), loss="mse", **options)


def test_command_line(regression, tmp_path):
    path, data = str(tmp_path / "model.h5"), str(tmp_path / "data.npz")
    regression.save(path)
    np.savez(data, x=X, y=Y)
    run = CliRunner().invoke
    for command in (["report"], ["deploy"], ["deploy", "--task", "regression"]):
        result = run(main, [command[0], path, "--data", data, "--steps", "10", *command[1:]])
        assert result.exit_code == 0, result.output
        assert "RMSE keras" in result.output and "accuracy" not in result.output
    bits = str(tmp_path / "bits.npz")
    np.savez(bits, x=X, y=np.zeros((60, 2)))
    result = run(main, ["report", path, "--data", bits, "--steps", "5"])
    assert result.exit_code == 2 and "not one-hot" in result.output
    result = run(main, ["report", path, "--data", bits, "--steps", "5", "--task", "regression"])
    assert result.exit_code == 0 and "RMSE" in result.output
    np.savez(bits, x=np.zeros((4, 3, 2)), y=Y[:4])
    result = run(main, ["report", path, "--data", bits, "--steps", "5"])
    assert result.exit_code == 2 and "expected (n, 6)" in result.output
