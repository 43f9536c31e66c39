"""Models and data from files, and one sentence for each thing that can be wrong."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost.errors import ConversionError, DataError
from nengo_spikecost.loading import load_data, load_model
from tests.models import conv_net, images


@pytest.mark.parametrize("name", ["net.h5", "net.keras", "folder"])
def test_models_of_this_keras(name, tmp_path):
    model = conv_net(tf.keras)
    model.save(tmp_path / name)
    np.testing.assert_array_equal(
        load_model(tmp_path / name).predict(images(), verbose=0), model.predict(images(), verbose=0)
    )


def test_no_model_there(tmp_path):
    with pytest.raises(ConversionError, match=r"There is no model .*gone\.h5"):
        load_model(tmp_path / "gone.h5")
    (tmp_path / "broken.h5").write_bytes(b"not a model")
    with pytest.raises(ConversionError, match=r"broken\.h5 can't be read"):
        load_model(tmp_path / "broken.h5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConversionError, match="no Keras SavedModel"):
        load_model(tmp_path / "empty")


def test_data(tmp_path):
    x, y = images(4), np.arange(4)
    np.save(tmp_path / "x.npy", x)
    found, labels = load_data(tmp_path / "x.npy")
    np.testing.assert_array_equal(found, x)
    assert labels is None
    np.savez(tmp_path / "both.npz", x_test=x, y_test=y, other=x + 1)
    found, labels = load_data(tmp_path / "both.npz")
    np.testing.assert_array_equal(found, x)
    np.testing.assert_array_equal(labels, y)
    np.testing.assert_array_equal(load_data(tmp_path / "both.npz", "other")[0], x + 1)


def test_no_data_there(tmp_path):
    with pytest.raises(DataError, match=r"There is no data file .*gone\.npz"):
        load_data(tmp_path / "gone.npz")
    (tmp_path / "broken.npz").write_bytes(b"not an archive")
    with pytest.raises(DataError, match=r"no \.npy or \.npz file of arrays"):
        load_data(tmp_path / "broken.npz")
    np.savez(tmp_path / "odd.npz", pictures=images(2))
    with pytest.raises(DataError, match="it has pictures: say which"):
        load_data(tmp_path / "odd.npz")
    with pytest.raises(DataError, match="no array 'x'; it has pictures"):
        load_data(tmp_path / "odd.npz", "x")
    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object))
    with pytest.raises(DataError, match=r"Array 'x' of .* can't be read"):
        load_data(tmp_path / "objects.npz")


def test_damaged_and_odd_data(tmp_path):
    np.savez_compressed(tmp_path / "damaged.npz", x=np.random.RandomState(0).rand(2000, 4))
    content = bytearray((tmp_path / "damaged.npz").read_bytes())
    content[2000:2200] = bytes(255 - byte for byte in content[2000:2200])
    (tmp_path / "damaged.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"Array 'x' of .* can't be read"):
        load_data(tmp_path / "damaged.npz")
    np.save(tmp_path / "one.npy", np.array(3.0))
    with pytest.raises(DataError, match=r"samples in .* are a single number"):
        load_data(tmp_path / "one.npy")
    np.savez(tmp_path / "label.npz", x=images(2), y=3)
    with pytest.raises(DataError, match=r"labels in .* are a single number"):
        load_data(tmp_path / "label.npz")
    np.save(tmp_path / "x.npy", images(2))
    with pytest.raises(DataError, match=r"x_key and y_key are of \.npz"):
        load_data(tmp_path / "x.npy", x_key="x")


def test_layers_of_keras_spiking_are_known(tmp_path):
    """In a process that has not imported keras_spiking, as the command line has not."""
    path = tmp_path / "spiking.h5"
    code = (
        "import sys, nengo_spikecost, tensorflow as tf\n"
        "from nengo_spikecost.loading import load_model\n"
        "if sys.argv[1] == 'save':\n"
        "    import keras_spiking\n"
        "    x = tf.keras.Input((6, 4))\n"
        "    tf.keras.Model(x, keras_spiking.SpikingActivation('relu')(x)).save(sys.argv[2])\n"
        "else:\n"
        "    print(type(load_model(sys.argv[2]).layers[-1]).__name__)\n"
    )
    for step in ("save", "load"):
        done = subprocess.run(
            [sys.executable, "-c", code, step, str(path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "SpikingActivation"
