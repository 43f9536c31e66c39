"""A folder with a small model and data, and the command line run in it."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from nengo_spikecost import cli
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
    monkeypatch.chdir(folder)
    # click before 8.2 mixes the two streams unless told not to, and later has no such option
    separate = "mix_stderr" in inspect.signature(CliRunner).parameters
    runner = CliRunner(**({"mix_stderr": False} if separate else {}))
    return lambda *args: runner.invoke(cli.main, [str(a) for a in args])
