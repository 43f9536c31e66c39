"""Data from files, and one sentence for each thing that can be wrong."""

from __future__ import annotations

import pickle
from typing import ClassVar

import numpy as np
import pytest

from nengo_spikecost.errors import DataError
from nengo_spikecost.loading import load_data
from tests.models import images


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


class Told:
    """Says so if it is unpickled; that is all."""

    seen: ClassVar[list[str]] = []

    def __setstate__(self, state):
        self.seen.append(state)

    def __getstate__(self):
        return "unpickled"


def test_arrays_of_python_objects_are_not_unpickled(tmp_path):
    objects = np.array([Told()], dtype=object)
    np.savez(tmp_path / "objects.npz", x=objects)
    np.save(tmp_path / "objects.npy", objects)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(objects))
    with pytest.raises(DataError, match=r"Array 'x' of .* holds Python objects, which .* numbers"):
        load_data(tmp_path / "objects.npz")
    for name in ("objects.npy", "pickle.npy"):
        with pytest.raises(DataError, match=rf"{name} holds Python objects, which .* numbers"):
            load_data(tmp_path / name)
    assert not Told.seen


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


def test_training_and_test_samples_in_one_file(tmp_path):
    """As in Keras's own mnist.npz. Samples never get the labels of the others."""
    train = {"x_train": images(2), "y_train": np.zeros(2)}
    np.savez(tmp_path / "both.npz", **train, x_test=images(3), y_test=np.ones(3))
    for split, n in (("test", 3), ("train", 2)):
        for x, y in (
            load_data(tmp_path / "both.npz", split=split),
            load_data(tmp_path / "both.npz", x_key=f"x_{split}"),
        ):
            assert len(x) == len(y) == n
    np.savez(tmp_path / "train.npz", **train, y_test=np.ones(2))
    for split in ("test", "train"):
        x, y = load_data(tmp_path / "train.npz", split=split)
        assert len(x) == 2 and not y.any()
    np.savez(tmp_path / "plain.npz", x=images(2), x_train=images(4), y=np.ones(2))
    assert len(load_data(tmp_path / "plain.npz")[0]) == 2
    assert len(load_data(tmp_path / "plain.npz", split="train")[0]) == 4
    np.savez(tmp_path / "none.npz", mine=images(2))
    with pytest.raises(DataError, match=r"it has mine: say which one .*x_key \(--x-key\)"):
        load_data(tmp_path / "none.npz")
    with pytest.raises(DataError, match=r"split must be .*'dev'"):
        load_data(tmp_path / "both.npz", split="dev")
