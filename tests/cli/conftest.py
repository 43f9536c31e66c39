"""A folder with a small model and data, and the command line run in it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.commands import runner_in
from tests.models import conv_net, images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    model = conv_net(tf.keras)
    model.save(folder / "net.h5")
    x = images(12)
    np.savez(folder / "data.npz", x=x, y=model.predict(x, verbose=0).argmax(axis=1))
    np.save(folder / "x.npy", x)
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    return runner_in(folder, monkeypatch)
