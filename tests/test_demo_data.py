"""What is shipped: digits, weights, their licence; all without any file outside the package."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest

from nengo_spikecost import demo
from nengo_spikecost.errors import DataError

FOLDER = files("nengo_spikecost") / "data"

# Counts of the digits 0 to 9, and the first labels, as MNIST publishes its order
FIRST_TRAIN = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
FIRST_TEST = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
TRAIN_HISTOGRAM = [191, 220, 198, 191, 214, 180, 200, 224, 172, 210]
TEST_HISTOGRAM = [42, 67, 55, 45, 55, 50, 43, 49, 40, 54]


@pytest.fixture(scope="module")
def data():
    return demo.demo_data()


@pytest.fixture(scope="module")
def model():
    return demo.demo_model()


def test_shapes_and_types(data):
    assert data.x_train.shape == (2000, 28, 28, 1)
    assert data.x_test.shape == (500, 28, 28, 1)
    for images in (data.x_train, data.x_test):
        assert images.dtype == np.float32
        assert images.min() == 0 and images.max() == 1
        assert (images.max(axis=(1, 2, 3)) > 0.5).all(), "no digit is blank"
    for labels, n in ((data.y_train, 2000), (data.y_test, 500)):
        assert labels.shape == (n,) and labels.dtype == np.int64


def test_labels(data):
    assert data.y_train[:10].tolist() == FIRST_TRAIN
    assert data.y_test[:10].tolist() == FIRST_TEST
    assert np.bincount(data.y_train).tolist() == TRAIN_HISTOGRAM
    assert np.bincount(data.y_test).tolist() == TEST_HISTOGRAM


def test_no_test_digit_among_the_training_digits(data):
    train = {image.tobytes() for image in data.x_train}
    assert not any(image.tobytes() in train for image in data.x_test)


@pytest.mark.parametrize("name, limit", [(demo.DATA_FILE, 500_000), (demo.WEIGHTS_FILE, 1_200_000)])
def test_files_stay_small(name, limit):
    assert len((FOLDER / name).read_bytes()) < limit


def test_attribution():
    text = (FOLDER / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for needed in ("Yann LeCun", "Corinna Cortes", "CC BY-SA 3.0", demo.DATA_FILE):
        assert needed in text


def test_weights_are_finite_and_every_first_filter_passes_pixels(model):
    for weight in model.get_weights():
        assert weight.dtype == np.float32 and np.isfinite(weight).all()
    assert (model.get_layer("to-spikes").get_weights()[0] > 0).all()


def test_architecture(model):
    assert [layer.name for layer in model.layers[1:]] == [
        "to-spikes", "conv0", "conv1", "flatten", "dense0", "dense1"
    ]  # fmt: skip
    shapes = [tuple(model.get_layer(name).output.shape[1:]) for name in demo.SPIKING_LAYERS]
    assert shapes == [(28, 28, 3), (13, 13, 32), (6, 6, 64), (100,)]
    assert list(demo.named_weights(model)) == [
        "to-spikes/kernel", "conv0/kernel", "conv1/kernel",
        "dense0/kernel", "dense0/bias", "dense1/kernel", "dense1/bias",
    ]  # fmt: skip


def numpy_logits(weights, x):
    """The network in plain NumPy, from the stored arrays: no Keras in between."""

    def conv(x, kernel, stride):
        size = kernel.shape[0]
        patches = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
        patches = patches[:, ::stride, ::stride]
        return np.maximum(np.einsum("nyxcij,ijco->nyxo", patches, kernel, optimize=True), 0)

    w = {name: value.astype(np.float64) for name, value in weights.items()}
    x = conv(x.astype(np.float64), w["to-spikes/kernel"], 1)
    x = conv(conv(x, w["conv0/kernel"], 2), w["conv1/kernel"], 2)
    x = np.maximum(x.reshape(len(x), -1) @ w["dense0/kernel"] + w["dense0/bias"], 0)
    return x @ w["dense1/kernel"] + w["dense1/bias"]


def test_accuracy_and_logits(model, data):
    logits = model.predict(data.x_test, verbose=0)
    assert np.mean(logits.argmax(axis=1) == data.y_test) >= 0.98

    with np.load(io.BytesIO((FOLDER / demo.WEIGHTS_FILE).read_bytes())) as stored:
        expected = numpy_logits(dict(stored), data.x_test[:50])
    # float32 sums of up to 2304 terms against float64: relative to the largest logit
    np.testing.assert_allclose(logits[:50], expected, atol=1e-5 * np.abs(expected).max())


def test_layers_are_balanced(model, data):
    keras = sys.modules["tensorflow"].keras
    outputs = [model.get_layer(name).output for name in demo.SPIKING_LAYERS]
    activity = keras.Model(model.input, outputs).predict(data.x_train, verbose=0)
    for name, values in zip(demo.SPIKING_LAYERS, activity):
        # balanced on 10,000 digits, looked at on 2,000 of them: a few per cent apart
        assert values[values > 0].mean() == pytest.approx(1, abs=0.05), name


def test_each_call_gives_a_model_of_its_own(model):
    other = demo.demo_model()
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])
    assert all(np.any(w) for w in model.get_weights())


def test_damaged_installation_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(demo, "DATA_FILE", "absent.npz")
    with pytest.raises(DataError, match=r"absent\.npz.*reinstall"):
        demo.demo_data()
    monkeypatch.setattr(demo, "WEIGHTS_FILE", "mnist_subset.npz")
    with pytest.raises(DataError, match="does not fit"):
        demo.demo_model()


def test_truncated_file_is_a_clear_error(monkeypatch, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / demo.DATA_FILE).write_bytes((FOLDER / demo.DATA_FILE).read_bytes()[:1000])
    monkeypatch.setattr(demo, "files", lambda package: tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        demo.demo_data()


def test_digits_need_no_tensorflow(tmp_path):
    code = (
        "import sys; from nengo_spikecost.demo import demo_data; demo_data(); "
        "assert 'tensorflow' not in sys.modules and 'nengo' not in sys.modules"
    )
    root = str(FOLDER).rsplit("nengo_spikecost", 1)[0]
    env = {**os.environ, "PYTHONPATH": root}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=env)
