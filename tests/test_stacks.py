"""tools/stacks.py: which Pythons it finds, what it runs on each, and the table that it writes."""

from __future__ import annotations

import dataclasses
import os
import re
import stat
import subprocess
import sys

import pytest

from nengo_spikecost.stack import versions

from .tools import tool

MAKEFILE = """\
venv:
\tmkdir -p .venv/bin
\tprintf '#!/bin/sh\\nexec {python} "$$@"\\n' > .venv/bin/python && chmod +x .venv/bin/python
\ttest -z "$(PYTEST_ADDOPTS)" && test "$$PIP_NO_CACHE_DIR" = 1 {more}

test:
\techo with $(STACK) in $(WORKERS)
\t{python} -m pytest -q -p no:cacheprovider $(ARGS)
"""

TESTS = """\
import time, pytest
def test_good(): pass
def test_bad(): assert 0
@pytest.mark.skip(reason="no | card\\nhere")
def test_skipped(): pass
@pytest.fixture
def broken(): raise OSError
def test_error(broken): pass
"""


@pytest.fixture(scope="module")
def stacks():
    return tool("stacks")


@pytest.fixture(scope="module")
def pythons():
    return tool("stack_pythons")


def interpreter(folder, name, version, modules=True, code=0):
    """A command that answers as a Python of some version does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {version} {modules}\nexit {code}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with a Makefile of the same targets and three tests; what makes it."""

    def made(more="", tests=TESTS):
        root = tmp_path / "project"
        root.mkdir()
        makefile = MAKEFILE.format(python=sys.executable, more=more)
        (root / "Makefile").write_text(makefile, encoding="utf-8")
        (root / "test_it.py").write_text(tests, encoding="utf-8")
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "all"]):
            subprocess.run(["git", *command], cwd=root, check=True)
        (root / "test_unknown_to_git.py").write_text("def test(): assert 0", encoding="utf-8")
        return root

    return made


def test_the_table_is_what_was_seen(stacks):
    assert stacks.is_written()


def test_every_row_is_of_a_stack_that_is_pinned(stacks):
    for key, seen in stacks.known().items():
        minor = tuple(int(number) for number in seen.python.split(".")[:2])
        assert minor in tool("setup_venv").STACKS[seen.stack], key
        tensorflow, numpy = (
            tuple(int(n) for n in seen.versions[name].split(".")[:2])
            for name in ("tensorflow", "numpy")
        )
        assert versions._matrix_problem(minor, tensorflow, numpy) is None, key
        assert seen.skipped == sum(seen.skipped_because.values()), key
        assert seen.failed == len(seen.names_of_failed), key


def test_pythons_are_found_on_the_path_and_in_pyenv(pythons, tmp_path):
    pyenv = tmp_path / "pyenv" / "versions"
    interpreter(tmp_path / "bin", "python3.9", "3.9.2")
    interpreter(tmp_path / "bin", "python3.10", "", code=127)  # a shim of a version not chosen
    interpreter(tmp_path / "bin", "python3.11", "3.11.2", modules=False)  # no python3-venv
    interpreter(tmp_path / "bin", "python3.12", "3.12.10")
    interpreter(pyenv / "3.9.18" / "bin", "python", "3.9.18")
    interpreter(pyenv / "3.12.9" / "bin", "python", "3.12.9")
    interpreter(pyenv / "3.8.1" / "bin", "python", "3.8.1")
    environment = {"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path / "pyenv")}
    found = pythons.installed(environment)
    assert [python.version for python in found] == [(3, 9, 18), (3, 12, 10)]
    assert [python.stacks for python in found] == [("tf2.12",), ("tf2.21",)]
    assert found[1].command == str(tmp_path / "bin" / "python3.12")
    home = {"PATH": "", "HOME": str(tmp_path / "home")}
    interpreter(tmp_path / "home/.pyenv/versions/3.13.0/bin", "python", "3.13.0")
    assert [python.minor for python in pythons.installed(home)] == ["3.13"]


def test_pythons_are_chosen_by_version_path_or_name(pythons, tmp_path, monkeypatch):
    interpreter(tmp_path / "bin", "python3.9", "3.9.2")
    elsewhere = interpreter(tmp_path / "other", "mine", "3.13.1")
    old = interpreter(tmp_path / "other", "old", "3.8.1")
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    monkeypatch.chdir(tmp_path)
    wanted = ["other/mine", "python3.9", "3.9"]
    found = pythons.chosen(wanted, environment)
    assert [python.minor for python in found] == ["3.13", "3.9", "3.9"]
    assert found[0].command == str(elsewhere)
    with pytest.raises(ValueError, match=r"3\.10: no such Python .* found were 3\.9, so give"):
        pythons.chosen(["3.10"], environment)
    with pytest.raises(ValueError, match=r"no stack is pinned for Python 3\.8"):
        pythons.chosen([str(old)], environment)


def test_every_supported_python_has_its_stacks(stacks, pythons):
    def stacks_of(minor):
        return pythons.Python("", (3, minor, 0)).stacks

    assert [len(stacks_of(minor)) for minor in range(8, 15)] == [0, 1, 1, 2, 1, 1, 0]
    of_311 = pythons.Python("", (3, 11, 7))
    assert stacks.planned([of_311], None) == [(of_311, "tf2.21"), (of_311, "tf2.12")]
    assert stacks.planned([of_311], "tf2.12") == [(of_311, "tf2.12")]


def run(root, tmp_path, **more):
    stack_run, pythons = tool("stack_run"), tool("stack_pythons")
    python = pythons.Python(sys.executable, sys.version_info[:3])
    folder = tmp_path / "folder"
    folder.mkdir()
    commit = stack_run.commit_of(root, "HEAD")
    return stack_run.run(root, python, "tf2.21", commit, folder, **more), folder


def test_a_run_tells_what_passed_failed_and_was_skipped(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    seen, folder = run(project(), tmp_path)
    assert (seen.passed, seen.skipped, seen.failed, seen.ended) == (1, 1, 2, "")
    assert seen.names_of_failed == ["test_it::test_bad", "test_it::test_error"]
    assert seen.skipped_because == {"no | card\nhere": 1}
    assert seen.versions["pytest"] == pytest.__version__
    assert "tensorflow" in seen.versions
    assert seen.tests == "all but the slow ones"
    assert seen.tests_s > 0
    assert "with tf2.21 in 0" in (folder / "log.txt").read_text(encoding="utf-8")
    assert not seen.is_well


def test_a_part_of_the_tests(project, tmp_path):
    seen, _ = run(project(), tmp_path, tests=["test_it.py::test_good"])
    assert (seen.passed, seen.skipped, seen.failed) == (1, 0, 0)
    assert seen.tests == "test_it.py::test_good"
    assert seen.is_well


def test_a_set_up_that_fails_is_told(project, tmp_path):
    seen, _ = run(project(more="&& false"), tmp_path)
    assert seen.ended == "the set-up failed (exit code 2)"
    assert not seen.is_well


@pytest.mark.parametrize(
    "code, limit, words",
    [
        ("import os; os._exit(3)", None, r"the tests did not end \(exit code 2\)"),
        ("import time; time.sleep(60)", 3, r"the tests did not end \(time limit\)"),
    ],
)
def test_tests_that_do_not_end_are_told(project, tmp_path, code, limit, words):
    root = project(tests=f"def test(): {code}\n")
    seen, _ = run(root, tmp_path, time_limit=limit)
    assert seen.passed == 0
    assert re.fullmatch(words, seen.ended)
    assert seen.tests_s < 30


def test_runs_are_kept_one_by_one(stacks, tmp_path):
    stack_run = tool("stack_run")
    path = tmp_path / "seen.json"
    assert stacks.known(path) == {}
    new = stack_run.Seen("3.13.0", "tf2.21", "abc", "all", passed=1200, setup_s=61, tests_s=90)
    old = stack_run.Seen("3.9.18", "tf2.12", "abc", "some", skipped_because={"a | b\nc": 3})
    for seen in (new, old, dataclasses.replace(new, passed=2000, failed=1, names_of_failed=["f"])):
        stacks.keep(seen, path)
    known = stacks.known(path)
    assert list(known) == ["3.9 tf2.12", "3.13 tf2.21"]
    assert known["3.13 tf2.21"].passed == 2000
    lines = stacks.table(known).splitlines()
    assert "| 3.13.0 | TensorFlow 2.21 |  | `abc` | all | 2,000 | 0 | 1 | 61 s | 2 min |" in lines
    assert "| a \\| b c | 3 |  |" in lines
    assert "Failed with 3.13 tf2.21: `f`." in lines


def test_the_environment_of_a_run_is_its_own():
    environment_of = tool("stack_run").environment_of
    given = {"PATH": "p", "PYTHONPATH": "x", "TF_USE_LEGACY_KERAS": "1", "PIP_INDEX_URL": "mirror"}
    kept = environment_of({**given, "PYTEST_ADDOPTS": "-x", "NUMBA_CACHE_DIR": "y"})
    assert kept == {
        "PATH": "p",
        "PIP_INDEX_URL": "mirror",
        "PIP_NO_CACHE_DIR": "1",
        "PYTHONUNBUFFERED": "1",
    }
    assert "PIP_NO_CACHE_DIR" in environment_of(os.environ)
