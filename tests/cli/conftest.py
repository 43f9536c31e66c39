"""A folder with a small model and data, and the command line run in it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.commands import runner_in
from tests.models import write_model_and_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    _, x, _ = write_model_and_data(tf.keras, folder)
    np.save(folder / "x.npy", x)
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    return runner_in(folder, monkeypatch)
