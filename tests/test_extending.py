"""What docs/extending.md promises of a file of one's own: it stands in the command line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from nengo_spikecost import cli
from nengo_spikecost.activity import simulators

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def shown_file(name: str) -> str:
    """A file that the page shows."""
    (text,) = re.findall(rf":caption: {re.escape(name)}\n\n(.*?)^```$", PAGE, re.S | re.M)
    return text


@pytest.fixture
def dense_model(tmp_path):
    """A model file and a data file of a dense network, in the current folder."""
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Dense(12, activation="relu", input_shape=(8,), name="hidden"),
            layers.Dense(3, name="out"),
        ]
    )
    x = np.random.RandomState(0).uniform(0, 1, (30, 8)).astype("f4")
    model.save(tmp_path / "model.h5")
    y = model.predict(x, verbose=0).argmax(axis=1)
    np.savez(tmp_path / "data.npz", x_test=x, y_test=y)
    return [str(tmp_path / "model.h5"), "--data", str(tmp_path / "data.npz")]


@pytest.fixture
def plugin(monkeypatch):
    """Forgets afterwards what a plug-in has registered."""
    monkeypatch.setattr(simulators, "_specs", dict(simulators._specs))
    monkeypatch.setattr(cli.main, "commands", dict(cli.main.commands))
    return CliRunner()


def test_a_sub_command_is_one_file(plugin, dense_model, tmp_path):
    file = tmp_path / "count_command.py"
    file.write_text(shown_file("count_command.py"))
    done = plugin.invoke(cli.main, ["--plugin", str(file), "count", *dense_model, "--steps", "10"])
    assert done.exit_code == 0, done.output
    assert "hidden" in done.output and "30 samples of 10 steps" in done.output
    again = plugin.invoke(cli.main, ["--plugin", str(file), "--help"])
    assert "Count the spikes of MODEL" in again.output


SIMULATOR = ["--plugin", str(ROOT / "examples" / "numpy_simulator.py")]


def test_a_simulator_stands_in_every_command(plugin, dense_model, tmp_path):
    words = [*SIMULATOR, "report", *dense_model, "--steps", "20", "--simulator"]
    done = plugin.invoke(cli.main, [*words, "numpy"])
    assert done.exit_code == 0, done.output
    assert "on numpy" in done.output
    theirs = plugin.invoke(cli.main, [*words, "nengo"])
    row = re.compile(r"^hidden.*$", re.M)
    assert row.findall(done.output) == row.findall(theirs.output)


def test_a_simulator_sweeps(plugin, dense_model, tmp_path):
    words = ["--study", str(tmp_path / "study.db"), "--trials", "4", "--steps", "10,20"]
    words += ["--losses", "0.9", "--neuron", "SpikingRectifiedLinear", "--synapses", "0"]
    done = plugin.invoke(
        cli.main, [*SIMULATOR, "sweep", *dense_model, *words, "--simulator", "numpy"]
    )
    assert done.exit_code == 0, done.output
    assert "settings of SpikingRectifiedLinear" in done.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--plugin", "nowhere.py", "devices"], "there is no file nowhere.py"),
        (["--plugin", "no.such.module", "devices"], "No module named"),
        (["report", "m.h5", "--data", "x.npy", "--simulator", "abacus"], "'abacus' is not one of"),
    ],
)
def test_mistakes_are_said_in_a_sentence(plugin, words, says):
    done = plugin.invoke(cli.main, words)
    assert done.exit_code == 2 and says in done.output and "Traceback" not in done.output
