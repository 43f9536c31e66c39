"""Files with layers of other packages: one sentence that names class, layer and remedy."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost.errors import ConversionError
from nengo_spikecost.loading import load_model
from nengo_spikecost.loading.custom_objects import objects_of, remedy
from nengo_spikecost.loading.file_contents import Stranger

MODULE = """
import tensorflow as tf
from tensorflow.keras.layers import Dense


class Own(Dense):
    pass


def twice(x):
    return 2 * x
"""


@pytest.fixture
def own_file(tmp_path):
    file = tmp_path / "own_layers.py"
    file.write_text(MODULE)
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "import nengo_spikecost, tensorflow as tf, own_layers\n"
        "x = tf.keras.Input((4,))\n"
        "y = own_layers.Own(3, name='mine', activation='relu')(x)\n"
        "y = tf.keras.layers.Dense(2, activation=own_layers.twice, name='out')(y)\n"
        "tf.keras.Model(x, y).save('net.keras')\n"
        "tf.keras.Model(x, own_layers.Own(3, name='mine')(x)).save('net.h5')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    np.save(tmp_path / "x.npy", np.ones((2, 4)))
    return file


def command(folder, *args):
    run = [sys.executable, "-m", "nengo_spikecost.cli", *args]
    return subprocess.run(run, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
def test_custom_objects_on_the_command_line(own_file):
    folder = own_file.parent
    args = ("report", "net.keras", "--data", "x.npy", "--steps", "3")
    done = command(folder, *args)
    assert done.returncode == 2 and done.stderr.startswith("Error: net.keras has parts that Keras")
    assert "layer 'mine' of type Own of own_layers: give the module" in done.stderr
    assert "twice" in done.stderr and "in layer 'out'" in done.stderr
    assert "--custom-objects own_layers" in done.stderr
    # converted, but for the activation, which has no Nengo form
    done = command(folder, *args, "--custom-objects", "own_layers.py")
    assert done.returncode == 2 and "Layer 'out' (Dense) can't be converted" in done.stderr
    # a class that replaces nothing is converted as its base
    done = command(
        folder, "report", "net.h5", "--data", "x.npy", "--steps", "3",
        "--custom-objects", "own_layers.py",
    )  # fmt: skip
    assert done.returncode == 0 and "mine (Own)" in done.stdout, done.stderr
    done = command(folder, *args, "--custom-objects", "nowhere.py")
    assert done.returncode == 2 and "there is no file nowhere.py" in done.stderr
    done = command(folder, *args, "--custom-objects", "own_layers.py", "--json", "own_layers.py")
    assert done.returncode == 2 and "would be written over own_layers.py" in done.stderr
    assert own_file.read_text() == MODULE


class Mine(tf.keras.layers.Dense):
    pass


class Other(tf.keras.layers.Layer):
    pass


def test_all_that_is_not_known_is_named_at_once(tmp_path):
    """Two classes share a remedy, and code has one of its own."""
    inp = tf.keras.Input((4,))
    x = Other(name="other")(Mine(3, name="mine")(inp))
    x = tf.keras.layers.Lambda(lambda v: 2 * v, name="twice")(x)
    tf.keras.Model(inp, x).save(tmp_path / "net.h5")
    with pytest.raises(ConversionError) as caught:
        load_model(tmp_path / "net.h5")
    first, *lines = str(caught.value).split("\n")
    assert first.endswith("net.h5 has parts that Keras itself does not have:")
    assert lines[0].startswith("  layer 'mine' of type Mine, layer 'other' of type Other: give the")
    assert lines[1].startswith(
        "  a Python function that is stored in the file in layer 'twice': it"
    )
    assert "--trust" in lines[1] and len(lines) == 2
    assert [problem.layer for problem in caught.value.problems] == ["mine", "other", "twice"]
    one = tf.keras.Model(inp, Mine(3, name="mine")(inp))
    one.save(tmp_path / "one.h5")
    with pytest.raises(ConversionError, match="has layer 'mine' of type Mine, which Keras itself"):
        load_model(tmp_path / "one.h5")


def test_the_objects_of_a_module():
    """Its classes and functions, and not those of Keras that it uses."""
    module = type(sys)("mine")
    exec(compile(MODULE, "mine.py", "exec"), module.__dict__)
    assert sorted(objects_of(module)) == ["Own", "twice"]


@pytest.mark.parametrize(
    "name, module, keras, words",
    [
        ("QDense", "", 2, "pip install 'nengo-spikecost[qkeras]'"),
        ("QDense", "qkeras.qlayers", 3, "install qkeras-v3 1.2.1"),
        ("qkeras>QDense", "", 3, "install qkeras-v3 1.2.1"),
        ("keras-lmu>LMU", "", 3, "pip install keras-lmu"),
        ("LMU", "keras_lmu.layers", 3, "pip install keras-lmu"),
        ("keras-lmu>LMU", "", 2, "build the network in Nengo"),
        ("QuantizedConv2D", "", 2, "before quantizeml.models.quantize"),
        ("PruneLowMagnitude", "", 2, "strip_pruning"),
        ("Own", "my.layers", 2, "--custom-objects my.layers"),
        ("Own", "", 2, "--custom-objects MODULE"),
        ("Own", "my.layers", 3, "replace it by layers and functions of Keras"),
    ],
)
def test_remedies(name, module, keras, words):
    assert words in remedy(Stranger(name, "a", module, True), keras)


@pytest.mark.parametrize("name", ["q.h5", "q.keras", "folder"])
def test_qkeras_is_found_by_itself(name, tmp_path):
    try:
        importlib.metadata.version("QKeras")  # which is not qkeras-v3, of the same import name
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("QKeras is not installed (the extra qkeras)")
    code = (
        "import nengo_spikecost, tensorflow as tf, qkeras\n"
        "x = tf.keras.Input((8, 8, 1))\n"
        "y = qkeras.QConv2D(2, 3, kernel_quantizer='quantized_bits(4,0,1)')(x)\n"
        "y = tf.keras.layers.Flatten()(qkeras.QActivation('quantized_relu(4)')(y))\n"
        "y = qkeras.QDense(3, kernel_quantizer=qkeras.quantized_po2(4))(y)\n"
        f"tf.keras.Model(x, y).save({name!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    np.save(tmp_path / "x.npy", np.ones((2, 8, 8, 1)))
    done = command(tmp_path, "report", name, "--data", "x.npy", "--steps", "3")
    assert done.returncode == 0 and "(QConv2D)" in done.stdout, done.stderr


@pytest.mark.parametrize("package", ["keras_lmu", "tensorflow_model_optimization"])
def test_files_of_other_packages(package, tmp_path):
    other = pytest.importorskip(package, reason=f"{package} is not installed")
    if package == "keras_lmu":
        keras = pytest.importorskip("keras", minversion="3", reason="this stack has no Keras 3")
        inp = keras.Input((8, 4))
        lmu = other.LMU(2, 4, 8, keras.layers.SimpleRNNCell(3), name="mine")
        keras.Model(inp, lmu(inp)).save(tmp_path / "net.keras")
        words = "Layer 'mine' .LMU. .*SimpleRNNCell, has a state.* build the network in Nengo"
    else:
        model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,), name="mine")])
        other.sparsity.keras.prune_low_magnitude(model).save(tmp_path / "net.keras")
        words = "layer 'prune_low_magnitude_mine' of type PruneLowMagnitude .*strip_pruning"
    with pytest.raises(ConversionError, match=words):
        load_model(tmp_path / "net.keras")
