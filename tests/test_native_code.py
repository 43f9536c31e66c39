"""Compiled code that is kept as the processor runs it: only where it is right, and whole."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numba
import numpy as np
import pytest
from numba import carray, types

from nengo_spikecost.stack import native_code

ADDRESS = types.void(types.CPointer(types.int64))
SOURCE = "# sources that {}\n"

LOADS = """
import sys
from pathlib import Path
import numpy as np
from nengo_spikecost.stack import native_code
table = np.array([0, 0, 6])
native_code.kept("own", Path(sys.argv[1]), lambda: 1 / 0)(table)
print(table[2], "numba" in sys.modules)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Sources of a function, and nothing kept of it."""
    monkeypatch.setattr(native_code, "_known", {})
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "code.py").write_text(SOURCE.format("multiply"))
    return tmp_path / "sources"


def multiplying(by):
    @numba.cfunc(ADDRESS)
    def function(address):
        table = carray(address, (3,))
        table[2] *= by

    return function


def result(folder, compiled, given=6):
    """What the function makes of a number, as in a new process."""
    native_code._known.clear()
    table = np.array([0, 0, given])
    native_code.kept("own", folder, compiled)(table)
    return int(table[2])


def never():
    raise AssertionError("compiled anew")


def files(folder):
    return sorted(folder.rglob("*.code"))


def test_another_process_runs_it_without_numba(folder):
    assert result(folder, lambda: multiplying(7)) == 42
    done = subprocess.run(
        [sys.executable, "-c", LOADS, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["42", "False"]


def test_it_is_compiled_anew_with_other_sources(folder):
    assert result(folder, lambda: multiplying(7)) == 42
    (before,) = files(folder)
    assert result(folder, never) == 42
    (folder / "code.py").write_text(SOURCE.format("multiply otherwise"))
    assert result(folder, lambda: multiplying(8)) == 48
    (after,) = files(folder)  # what was kept of the old sources is gone
    assert after != before


@pytest.mark.parametrize("setting", ["NUMBA_OPT", "NUMBA_CPU_NAME"])
def test_it_is_compiled_anew_with_other_settings(setting, folder, monkeypatch):
    assert result(folder, lambda: multiplying(7)) == 42
    monkeypatch.setenv(setting, "1")
    assert result(folder, lambda: multiplying(8)) == 48
    monkeypatch.delenv(setting)
    assert result(folder, never) == 42
    assert len(files(folder)) == 2


def test_it_is_compiled_anew_with_another_version(folder, monkeypatch):
    assert result(folder, lambda: multiplying(7)) == 42
    monkeypatch.setattr(native_code.versions, "installed", lambda name: "0.1")
    assert result(folder, lambda: multiplying(8)) == 48


@pytest.mark.parametrize("left", [0, 20, 0.5, 0.99])
def test_what_is_not_whole_is_not_run(left, folder):
    assert result(folder, lambda: multiplying(7)) == 42
    (file,) = files(folder)
    content = file.read_bytes()
    file.write_bytes(content[: int(left if left > 1 else left * len(content))])
    assert result(folder, lambda: multiplying(8)) == 48
    assert result(folder, never) == 48


def test_a_changed_byte_is_seen(folder):
    assert result(folder, lambda: multiplying(7)) == 42
    (file,) = files(folder)
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    assert result(folder, lambda: multiplying(8)) == 48


def test_a_function_that_this_machine_lacks_is_not_called(folder):
    assert result(folder, lambda: multiplying(7)) == 42
    (file,) = files(folder)
    line, _, code = file.read_bytes().partition(b"\n")
    head = {**json.loads(line), "needs": ["no_function_of_this_name"]}
    file.write_bytes(json.dumps(head).encode() + b"\n" + code)
    assert result(folder, lambda: multiplying(8)) == 48


def test_what_needs_memory_of_numba_is_run_and_not_kept(folder):
    def compiled():
        @numba.cfunc(ADDRESS)
        def function(address):
            table = carray(address, (3,))
            several = np.arange(table[2])
            table[2] = np.sort(several)[::-1].sum()

        return function

    assert result(folder, compiled) == 0 + 1 + 2 + 3 + 4 + 5
    assert not files(folder)


def test_functions_of_the_c_library(folder):
    """Against Python's own ``math``; numba's exponential is that of the C library too."""

    def compiled():
        @numba.cfunc(ADDRESS)
        def function(address):
            table = carray(address, (3,))
            table[2] = np.int64(1e12 * np.expm1(-table[2] / 7) * np.log1p(table[2]))

        return function

    expected = int(1e12 * math.expm1(-6 / 7) * math.log1p(6))
    assert result(folder, compiled) == result(folder, never) == expected
    assert json.loads(files(folder)[0].read_bytes().partition(b"\n")[0])["needs"]


def test_where_nothing_can_be_written_beside_the_sources(folder, tmp_path):
    (folder / "__pycache__").write_text("no folder")
    assert result(folder, lambda: multiplying(7)) == 42
    assert [tmp_path / "home" in file.parents for file in files(tmp_path)] == [True]
    assert result(folder, never) == 42


def test_where_nothing_can_be_written_at_all(folder, tmp_path):
    (folder / "__pycache__").write_text("no folder")
    (tmp_path / "home").write_text("no folder")
    assert result(folder, lambda: multiplying(7)) == 42
    assert result(folder, lambda: multiplying(8)) == 48


def test_an_exception_is_no_silence(folder):
    def compiled():
        @numba.cfunc(ADDRESS)
        def function(address):
            if carray(address, (3,))[2] > 0:
                raise ValueError

        return function

    with pytest.raises(RuntimeError, match="status"):
        result(folder, compiled)
