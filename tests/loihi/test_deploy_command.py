"""``nengo-spikecost deploy``, as a user meets it."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest
from click.testing import CliRunner

from nengo_spikecost import cli

from .test_architectures import ARCHITECTURES, make_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deploy")
    make_model(ARCHITECTURES["conv_with_bias"]).save(folder / "net.h5")
    x = np.random.RandomState(0).uniform(0.2, 1, (5, 6, 6, 1))
    np.savez(folder / "data.npz", x=x, y=np.array([0, 1, 2, 1, 0]))
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    separate = "mix_stderr" in inspect.signature(CliRunner).parameters
    runner = CliRunner(**({"mix_stderr": False} if separate else {}))
    options = ("deploy", "net.h5", "--data", "data.npz", "--steps", "12", "--scale", "200")
    return lambda *args: runner.invoke(cli.main, [*options, *args])


def test_from_a_file_to_what_the_chip_said(run, folder):
    done = run("--cost", "--by-step", "--json", "out.json", "--samples", "4")
    assert done.exit_code == 0, done.output
    assert "4 samples of 12 steps of 1 ms, without a pause, on the emulated chip" in done.output
    assert "core dynamic" in done.output
    content = json.loads((folder / "out.json").read_text())
    assert content["cores"] == 3 and len(content["predictions"]) == 4
    assert f"accuracy {content['accuracy']:.2%}" in done.output
    assert content["cost"] and "is not known" not in done.output


def test_other_simulators_and_mistakes(run):
    done = run("--target", "nengo_loihi", "--samples", "1", "--presentation", "fresh")
    assert done.exit_code == 0 and "on NengoLoihi's emulator" in done.output
    done = run("--target", "nengo_loihi", "--cost")
    assert done.exit_code == 2 and "--cost needs --target emulator" in done.stderr
    done = run("--target", "board", "--samples", "1")
    assert done.exit_code == 2 and "NxSDK" in done.stderr


def test_mistakes_are_found_before_it_runs(run):
    """A wrong profile should not cost a run; which output to read can be said."""
    done = run("--cost", "--profile", "silicone")
    assert done.exit_code == 2 and "silicon" in done.stderr
    done = run("--output", "nothing", "--samples", "1")
    assert done.exit_code == 2 and "nothing" in done.stderr
