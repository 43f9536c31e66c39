"""Models from files: those of each Keras, and one sentence for each thing that can be wrong."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.loading import check_model_file, load_model
from tests.models import conv_net, images, save_archive


@pytest.mark.parametrize("name", ["net.h5", "net.keras", "folder"])
def test_models_of_this_keras(name, tmp_path):
    model = conv_net(tf.keras)
    model.compile("adam", "mse")
    model.save(tmp_path / name)
    np.testing.assert_array_equal(
        load_model(tmp_path / name).predict_on_batch(images()), model.predict_on_batch(images())
    )


@pytest.mark.parametrize("saved, named", [("a.h5", "b.keras"), ("a.h5", "b"), ("a.keras", "b.zip")])
def test_the_contents_tell_what_a_file_is(saved, named, tmp_path):
    """TensorFlow before 2.12 wrote HDF5 into files called .keras."""
    model = conv_net(tf.keras)
    model.save(tmp_path / saved)
    shutil.copy(tmp_path / saved, tmp_path / named)
    np.testing.assert_array_equal(
        nsc.load_model(tmp_path / named).predict_on_batch(images()),
        model.predict_on_batch(images()),
    )


def test_statistics_are_read_from_folders(tmp_path):
    """Not only what is trained: a SavedModel is read without its graph."""
    layers = tf.keras.layers
    inner = tf.keras.Sequential([layers.Conv2D(2, 3, input_shape=(8, 8, 1))], name="inner")
    inp = tf.keras.Input((8, 8, 1))
    y = layers.BatchNormalization()(inner(inp))
    model = tf.keras.Model(inp, tf.nn.relu(2 * y) + layers.TimeDistributed(layers.Dense(2))(y))
    rng = np.random.RandomState(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    model.save(tmp_path / "folder")
    np.testing.assert_array_equal(
        load_model(tmp_path / "folder").predict_on_batch(images()),
        model.predict_on_batch(images()),
    )
    weights = tmp_path / "folder" / "variables" / "variables.data-00000-of-00001"
    weights.unlink()
    with pytest.raises(ConversionError, match=r"folder can't be read by Keras 2, which wrote it"):
        load_model(tmp_path / "folder")


# folders are read in one way, whatever is in them: test_models_of_this_keras
@pytest.mark.parametrize(
    "name", ["net.h5", "net.keras", pytest.param("folder", marks=pytest.mark.slow)]
)
def test_what_models_are_made_of_every_day_is_known(name, tmp_path):
    layers, keras = tf.keras.layers, tf.keras
    convolution = layers.SeparableConv2D(
        2, 3, kernel_constraint=keras.constraints.max_norm(2.0), activation=tf.nn.leaky_relu,
        depthwise_regularizer=keras.regularizers.L1L2(0.1, 0.1),
        depthwise_initializer=keras.initializers.VarianceScaling(), dtype="mixed_float16",
    )  # fmt: skip
    model = tf.keras.Sequential([
        layers.Rescaling(1 / 255.0, input_shape=(8, 8, 3)), layers.RandomFlip(),
        layers.Normalization(mean=0, variance=1), convolution, layers.PReLU(),
        layers.Activation(tf.nn.relu6), layers.Activation("swish"), layers.Reshape((6, 12)),
        layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
        layers.RNN(layers.GRUCell(2), return_sequences=True),
    ])  # fmt: skip
    inp = tf.keras.Input((8, 8, 3))
    y = model(inp)
    y = layers.MultiHeadAttention(2, 2)(y, y)
    model = tf.keras.Model(inp, tf.reduce_mean(tf.concat([y, 2 * y], 1), axis=1)[:, :1])
    model.save(tmp_path / name)
    x = np.random.RandomState(0).uniform(0, 255, (2, 8, 8, 3))
    np.testing.assert_array_equal(
        load_model(tmp_path / name).predict_on_batch(x), model.predict_on_batch(x)
    )


def test_layers_that_need_more_memory_than_there_is(tmp_path, monkeypatch):
    """TensorFlow looks for it for ten seconds: a slow one of tests/hostile has it look."""

    def allocated(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    conv_net(tf.keras).save(tmp_path / "net.h5")
    monkeypatch.setattr(tf.keras.models, "load_model", allocated)
    with pytest.raises(ConversionError, match=r"net\.h5 can't be read: its layers need more mem"):
        load_model(tmp_path / "net.h5")


def test_no_model_there(tmp_path):
    with pytest.raises(ConversionError, match=r"There is no model .*gone\.h5"):
        load_model(tmp_path / "gone.h5")
    (tmp_path / "broken.h5").write_bytes(b"not a model")
    with pytest.raises(ConversionError, match=r"broken\.h5 can't be read"):
        load_model(tmp_path / "broken.h5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConversionError, match="no Keras SavedModel"):
        load_model(tmp_path / "empty")
    with pytest.raises(ConversionError, match="trust must be True or False, not 1"):
        load_model(tmp_path / "broken.h5", trust=1)
    with pytest.raises(ConversionError, match="custom_objects must be a dict from name to class"):
        load_model(tmp_path / "broken.h5", custom_objects=["Own"])


def write_other_files(folder):
    model = conv_net(tf.keras)
    model.save(folder / "net.h5")
    save_archive(model, folder / "net.keras")
    for name in ("net.h5", "net.keras"):
        content = (folder / name).read_bytes()
        (folder / f"half_{name}").write_bytes(content[: len(content) // 2])
    (folder / "empty.h5").touch()
    model.save_weights(folder / "weights.h5")
    model.save_weights(folder / "three.weights.h5")
    (folder / "ckpt").mkdir()
    model.save_weights(folder / "ckpt" / "weights")
    tf.saved_model.save(tf.Module(), str(folder / "bare"))
    zipfile.ZipFile(folder / "net.keras").extractall(folder / "unpacked")
    (folder / "net.json").write_text(model.to_json())
    (folder / "net.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    (folder / "net.tflite").write_bytes(b"\x1c\0\0\0TFL3\0\0\0\0")
    with zipfile.ZipFile(folder / "net.pt", "w") as archive:
        archive.writestr("net/data.pkl", b"")
    (folder / "old.pt").write_bytes(b"\x80\x02\x8a")
    (folder / "net.pkl").write_bytes(b"\x80\x04\x95")
    np.save(folder / "x.npy", np.ones(3))
    np.savez(folder / "x.npz", x=np.ones(3))
    with h5py.File(folder / "nir.h5", "w") as file:  # as nir 1.0 writes a graph
        file.create_dataset("version", data="1.0")
        file.create_group("node").create_dataset("type", data="NIRGraph")
    with h5py.File(folder / "odd.h5", "w") as file:
        file["a"] = 1
    with h5py.File(folder / "text.h5", "w") as file:
        file.attrs["model_config"] = "{half"
    with h5py.File(folder / "number.h5", "w") as file:
        file.attrs["model_config"] = 3
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    folder = tmp_path_factory.mktemp("others")
    write_other_files(folder)
    return folder


@pytest.mark.parametrize(
    "name, words",
    [
        ("half_net.h5", "HDF5 file that is cut off or damaged"),
        ("half_net.keras", "zip archive that is cut off or damaged"),
        ("empty.h5", "is empty"),
        ("weights.h5", r"weights of a model without its layers: .*load_weights\('weights.h5'\)"),
        ("three.weights.h5", "weights of a model without its layers"),
        ("ckpt", "it has weights only"),
        ("ckpt/weights.index", "part of a checkpoint"),
        ("bare", r"keras_metadata\.pb is missing \(model\.export\(\) leaves the layers out"),
        ("unpacked", "it is a .keras file that was unpacked"),
        ("net.json", "the layers of a model without its weights"),
        ("net.onnx", "is an ONNX model"),
        ("net.tflite", "is a TensorFlow Lite model"),
        ("net.pt", "is a file of PyTorch"),
        ("old.pt", "is a file of PyTorch"),
        ("net.pkl", "is a Python pickle, which is not read here"),
        ("x.npy", "holds an array"),
        ("x.npz", "holds arrays"),
        ("nir.h5", "is a NIR graph without nodes"),
        ("odd.h5", "without a Keras model"),
        ("text.h5", "the configuration of its model is damaged"),
        ("number.h5", "the configuration of its model is damaged"),
        pytest.param(
            "pipe",
            "is a device or a pipe, not a file",
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here"),
        ),
    ],
)
def test_what_is_there_instead_of_a_model(others, name, words):
    for look in (check_model_file, load_model):  # the first without TensorFlow
        with pytest.raises(ConversionError, match=words) as error:
            look(others / name)
        assert "\n" not in str(error.value) and str(others / name) in str(error.value)


def test_a_file_of_nir_itself(tmp_path):
    nir = pytest.importorskip("nir", reason="NIR is not installed")
    graph = nir.NIRGraph.from_list(nir.Affine(np.ones((2, 3)), np.ones(2)))
    nir.write(tmp_path / "net.nir", graph)
    with pytest.raises(ConversionError, match="is a NIR graph"):
        load_model(tmp_path / "net.nir")


def test_the_keras_that_wrote_a_file_reads_it(tmp_path, monkeypatch):
    """Not the one that comes first: its reason would hide the other's."""
    keras = importlib.import_module("keras")
    if keras.__version__.startswith("2."):
        pytest.skip("this stack has no Keras 3")
    asked = []
    monkeypatch.setattr(tf.keras.models, "load_model", lambda *_, **__: asked.append(2))
    layers = keras.layers
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    for name in ("three.h5", "three.keras"):
        model.save(tmp_path / name)
        assert len(load_model(tmp_path / name).get_weights()) == 2
    assert not asked
    with h5py.File(tmp_path / "three.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["units"] = -1
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ConversionError, match=r"by Keras 3, which wrote it: .*units.*-1"):
        load_model(tmp_path / "three.h5")


def test_layers_of_keras_spiking_are_known(tmp_path):
    """In a process that has not imported keras_spiking, as the command line has not."""
    path = tmp_path / "spiking.h5"
    x = tf.keras.Input((6, 4))
    tf.keras.Model(x, stack.keras_spiking().SpikingActivation("relu")(x)).save(path)
    code = (
        "import sys\n"
        "from nengo_spikecost.loading import load_model\n"
        "assert 'keras_spiking' not in sys.modules\n"
        "print(type(load_model(sys.argv[1]).layers[-1]).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "SpikingActivation"
