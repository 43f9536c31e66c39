"""Compiled code on disk is used only with the sources that it was made of."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nengo_spikecost.stack import kernel_cache

CALLED = "import numba\n@numba.njit(cache=True)\ndef step(x):\n    return x + {}\n"
CALLING = (
    "import numba\nfrom called import step\n@numba.njit(cache=True)\ndef run(x):\n"
    "    return step(x)\n"
)


def run(folder, cache):
    code = "from calling import run; print(run(1))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": cache},
    )  # fmt: skip
    return int(done.stdout)


def forget(package):
    kernel_cache._done.discard(package)
    kernel_cache.forget_stale(package)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_change_in_another_file_is_seen(elsewhere, tmp_path, monkeypatch):
    cache = str(tmp_path / "cache") if elsewhere else ""
    monkeypatch.setenv("NUMBA_CACHE_DIR", cache)

    def kept():
        return {path.name for path in tmp_path.rglob("calling*.nb[ci]")}

    compiled, emulation = (tmp_path / name for name in kernel_cache.FOLDERS)
    compiled.mkdir(parents=True)
    emulation.mkdir(parents=True)
    (compiled / "called.py").write_text(CALLED.format(1))
    (compiled / "calling.py").write_text(CALLING)
    forget(tmp_path)
    assert run(compiled, cache) == 2
    before = kept()
    assert before
    forget(tmp_path)  # of these very sources, so it stays
    assert kept() == before
    # longer than before, so that Python itself does not take it for the old file
    (compiled / "called.py").write_text(CALLED.format("10  # ten"))
    # without it Numba runs what it has kept of the caller, with the old step in it: 2
    assert run(compiled, cache) == 2
    forget(tmp_path)
    assert not kept()
    assert run(compiled, cache) == 11


def test_a_folder_that_cannot_be_written_is_left_alone(tmp_path):
    forget(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
