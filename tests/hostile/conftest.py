"""Whole files of each kind, made once by the commands that write them."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import tensorflow as tf

from nengo_spikecost.chips import chip_table
from tests.commands import runner_in
from tests.models import save_archive, write_model_and_data


@pytest.fixture(autouse=True)
def _own_chips(monkeypatch):
    """Chips that a case adds are gone after it."""
    monkeypatch.setattr(chip_table, "_ADDED", {})


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A folder with the files that `cases` names."""
    folder = tmp_path_factory.mktemp("whole")
    model, x, y = write_model_and_data(tf.keras, folder)
    save_archive(model, folder / "net.keras")
    np.savez(folder / "other.npz", x=x[::-1], y=y[::-1])
    np.save(folder / "x.npy", x)
    with pytest.MonkeyPatch.context() as monkeypatch:
        run = runner_in(folder, monkeypatch)
        for line in (
            "tune net.h5 --data data.npz --steps 4 --json scales.json",
            "fit net.h5 --json fit.json",
            *(["nir net.h5 --out graph.nir"] if find_spec("nir") else []),
            "sweep net.h5 --data data.npz --trials 2 --steps 4 --study study.db",
            "report net.h5 --data data.npz --steps 4 --checkpoint kept --no-try",
        ):
            done = run(*line.split())
            assert done.exit_code == 0, (line, done.stderr, done.exception)
    return folder
