"""Broken, wrong and deceiving input: each a sentence, exit code 2, before anything slow."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from nengo_spikecost.activity.recorder import Recorder
from nengo_spikecost.loihi.emulation.presenting import Presenter
from tests.commands import runner_in

from .cases import CASES

#: Seconds that a refusal may take, on a busy machine: TensorFlow looks for memory for 10 s.
SOON_S = 20


def forbid_simulations(monkeypatch, simulate):
    """Call ``simulate`` after the first batch, before any training and before a chip's steps."""
    monkeypatch.setattr(Recorder, "add", simulate)
    monkeypatch.setattr(Presenter, "present", simulate)
    monkeypatch.setattr("nengo_spikecost.tuning.training.training_run.Run.train", simulate)


def contents(folder):
    """All files of a folder and what is in them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="session")
def copies(whole, tmp_path_factory):
    """A folder with all whole files, in which a case makes its own."""
    folder = tmp_path_factory.mktemp("hostile") / "files"
    shutil.copytree(whole, folder)
    return folder


@pytest.fixture
def folder(copies):
    """That folder, as it was before again afterwards."""
    before = set(os.listdir(copies))
    yield copies
    for name in set(os.listdir(copies)) - before:
        path = copies / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def test_there_are_enough():
    assert len({str(case) for case in CASES}) == len(CASES) >= 150


def marked(case):
    """TensorFlow looks for more memory than there is for ten seconds."""
    return pytest.param(case, marks=[pytest.mark.slow] * (case.file == "huge.h5"))


@pytest.mark.parametrize("case", map(marked, CASES), ids=str)
def test_refused_in_a_sentence(folder, monkeypatch, case):
    if ".nir" in str(case):
        pytest.importorskip("nir")

    def simulate(*_, **__):
        raise AssertionError("something slow has begun")

    if case.make is not None:
        case.make(folder, case.file)
    forbid_simulations(monkeypatch, simulate)
    before = contents(folder)
    began = time.monotonic()
    done = runner_in(folder, monkeypatch)(*case.arguments)
    assert time.monotonic() - began < SOON_S
    said = done.stderr
    assert done.exit_code == 2, (done.exit_code, said, done.exception)
    assert "Traceback" not in said and "Error: " in said
    assert case.expected in " ".join(said.split()), said
    assert done.stdout == ""
    assert contents(folder) == before
