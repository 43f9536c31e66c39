"""Files run no code before they are refused. Their code is harmless: it writes a file to tell."""

from __future__ import annotations

import importlib
import json
import sys
import zipfile

import h5py
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import cli
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.loading import load_model
from nengo_spikecost.loading.file_contents import strangers

KERAS_3 = importlib.import_module("keras")
BOTH = [tf.keras] if KERAS_3.__version__.startswith("2.") else [tf.keras, KERAS_3]


def telling(place):
    """A function that writes a file whenever it is called, and changes nothing."""
    return lambda x, place=place: (open(place, "w").close(), x)[1]


def lambda_model(keras, place):
    inp = keras.Input((4,))
    cut = keras.layers.Lambda(telling(place), output_shape=(4,), name="cut")
    return keras.Model(inp, keras.layers.Dense(2, name="out")(cut(inp)))


def nested_lambda(keras, place):
    return keras.Sequential([keras.Input((4,)), lambda_model(keras, place)])


def wrapped_lambda(keras, place):
    inp = keras.Input((3, 4))
    cut = keras.layers.Lambda(telling(place), output_shape=(4,), name="cut")
    return keras.Model(inp, keras.layers.TimeDistributed(cut, name="td")(inp))


@pytest.mark.parametrize("name", ["net.h5", "net.keras", "folder"])
@pytest.mark.parametrize("make", [lambda_model, nested_lambda, wrapped_lambda])
@pytest.mark.parametrize("keras", BOTH, ids=lambda keras: keras.layers.Layer.__module__[:5])
def test_lambda_layers(keras, make, name, tmp_path):
    if name == "folder" and keras is not tf.keras:
        pytest.skip("Keras 3 saves no folders that it reads")
    told, path = tmp_path / "told", tmp_path / name
    make(keras, str(told)).save(path)
    told.unlink(missing_ok=True)  # it ran when the model was made
    with pytest.raises(ConversionError, match="code of its own, which was not run: layer 'cut'"):
        load_model(path)
    assert not told.exists()
    if keras is tf.keras:
        load_model(path, trust=True)
        assert told.exists()


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_functions_as_activations(name, tmp_path):
    """A lambda is written as code; by TensorFlow 2.12 as its name alone."""
    told, path = tmp_path / "told", tmp_path / name
    function = telling(str(told))
    inp = tf.keras.Input((4,))
    dense = tf.keras.layers.Dense(2, activation=function, name="out")
    tf.keras.Model(inp, dense(inp)).save(path)
    told.unlink()
    by_name = len(BOTH) == 1
    words = (
        "has <lambda> in layer 'out', which Keras" if by_name else "layer 'out' holds a Python fun"
    )
    with pytest.raises(ConversionError, match=words):
        load_model(path)
    assert not told.exists()
    if by_name:
        loaded = load_model(path, custom_objects={"<lambda>": function})
        assert loaded.layers[-1].activation is function


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that tells that it was imported; a file may name it."""
    (tmp_path / "telling_module.py").write_text(
        "import pathlib\n"
        "pathlib.Path(__file__).with_name('told').touch()\n"
        "import tensorflow as tf\n\n\n"
        "class Own(tf.keras.layers.Dense):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "telling_module"
    sys.modules.pop("telling_module", None)


def rewritten(path, change):
    """The same file with another configuration of its model."""
    if h5py.is_hdf5(path):  # as TensorFlow 2.12 writes ".keras", too
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            change(config)
            file.attrs["model_config"] = json.dumps(config)
        return
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("keras", BOTH, ids=lambda keras: keras.layers.Layer.__module__[:5])
def test_modules_that_a_file_names_are_not_imported(keras, suffix, module, tmp_path):
    path = tmp_path / f"net.{suffix}"
    inp = keras.Input((4,))
    keras.Model(inp, keras.layers.Dense(2, name="mine")(inp)).save(path)

    def change(config):
        config["config"]["layers"][1].update(module=module, class_name="Own", registered_name="Own")

    rewritten(path, change)
    with pytest.raises(
        ConversionError, match=r"layer 'mine' of type Own of telling_module, which Keras itself"
    ):
        load_model(path)
    assert not (tmp_path / "told").exists() and module not in sys.modules
    # given by the user, it is his; .keras files keep weights by the name of the class, h5 by layer
    if keras is tf.keras and suffix == "h5":
        own = importlib.import_module(module).Own
        loaded = load_model(path, custom_objects={"Own": own})
        assert type(loaded.layers[-1]) is own


def test_a_lambda_on_the_command_line(tmp_path):
    told = tmp_path / "told"
    lambda_model(tf.keras, str(told)).save(tmp_path / "net.h5")
    told.unlink()
    np.save(tmp_path / "x.npy", np.ones((2, 4)))
    args = [str(tmp_path / "net.h5"), "--data", str(tmp_path / "x.npy")]
    done = CliRunner().invoke(cli.main, ["report", *args])
    assert done.exit_code == 2 and "allow it with trust=True (--trust)" in done.output
    assert not told.exists()
    # trusted, it is run, and converting it fails for another reason
    done = CliRunner().invoke(cli.main, ["report", *args, "--trust"])
    assert done.exit_code == 2 and "Layer 'cut' (Lambda) can't be converted" in done.output
    assert told.exists()


class Names:
    """As `load_model` knows them: nothing given, and a few of Keras' own."""

    def given(self, name):
        return False

    def own(self, name):
        return name in {"Dense", "relu", "GlorotUniform", "Functional"}


def layer(**entry):
    config = {"name": "a", **entry.pop("config", {})}
    return {"class_name": "Dense", "config": config, **entry}


@pytest.mark.parametrize(
    "entry, told",
    [
        (layer(), []),
        (layer(module="keras.layers"), []),
        (layer(config={"activation": "relu"}), []),
        (layer(config={"activation": "mine"}), ["mine"]),
        (layer(module="keras.utils"), ["Dense"]),
        (layer(module="keras.saving"), ["Dense"]),
        (layer(module="my.layers", registered_name="My>Dense"), ["Dense"]),
        (layer(class_name="TFSMLayer", module="keras.layers"), ["TFSMLayer"]),
        (layer(class_name="TorchModuleWrapper", module="keras.layers"), ["TorchModuleWrapper"]),
        (layer(class_name="TFOpLambda", config={"function": "math.add"}), []),
        (layer(class_name="TFOpLambda", config={"function": "reshape"}), []),
        (layer(class_name="TFOpLambda", config={"function": "io.read_file"}), ["TFOpLambda"]),
        (layer(class_name="TFOpLambda", config={"function": "py_function"}), ["TFOpLambda"]),
        (layer(class_name="TensorFlowOpLayer"), ["TensorFlowOpLayer"]),
        (layer(class_name="Add", module="keras.src.ops.numpy"), []),
        (layer(config={"dtype": {"module": "keras", "class_name": "DTypePolicy"}}), []),
        (layer(config={"units": {"class_name": "__lambda__"}}), ["__lambda__"]),
        (layer(config={"units": [{"class_name": "Own", "module": None}]}), ["Own"]),
        (layer(config={"f": {"class_name": "function", "config": "relu"}}), []),
        (layer(config={"f": {"class_name": "function", "config": "mine"}}), ["mine"]),
        (
            layer(config={"s": {"class_name": "__typespec__", "spec_name": "S", "module": "m"}}),
            ["S"],
        ),
        (layer(compile_config={"loss": {"class_name": "Own"}}), ["Own"]),
    ],
)
def test_what_is_a_stranger(entry, told):
    """By hand, from how Keras 3.15.1 and tf_keras 2.21 make objects of such entries."""
    for config in (
        {"class_name": "Functional", "config": {"layers": [entry]}},
        {"class_name": "Functional", "config": {"layers": [layer(config={"layer": entry})]}},
        {"class_name": "Functional", "config": [entry]},
    ):
        found = strangers(config, Names())
        assert [s.name for s in found] == told
        assert all(s.layer == "a" for s in found)
    # what the model was trained with is not made, so it may be anything
    config = {"class_name": "Functional", "config": {}, "compile_config": entry}
    assert strangers(config, Names()) == []


def test_what_was_registered_or_trained_with_is_no_stranger(tmp_path):
    @tf.keras.utils.register_keras_serializable("tests")
    class Registered(tf.keras.layers.Dense):
        pass

    def own_loss(y, p):
        return tf.reduce_mean(y - p)

    for name in ("net.h5", "net.keras", "folder"):
        model = tf.keras.Sequential([Registered(2, input_shape=(3,), name="mine")])
        model.compile("sgd", own_loss)
        model.save(tmp_path / name)
        np.testing.assert_array_equal(
            nsc.load_model(tmp_path / name).get_weights()[0], model.get_weights()[0]
        )
