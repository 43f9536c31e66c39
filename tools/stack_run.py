"""One stack on one Python: a fresh clone, its environment from an empty cache, and its tests."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stack_pythons import Python

ALL_TESTS = "all but the slow ones"
#: packages whose versions are told
PACKAGES = (
    "tensorflow", "tf_keras", "keras", "numpy", "scipy", "numba", "nengo", "nengo-dl",
    "nengo-loihi", "nengo-extras", "keras-spiking", "pytest",
)  # fmt: skip
#: the beginnings of variables that would bring something of this process into the new environment
OWN_VARIABLES = ("PYTHON", "PYTEST", "VIRTUAL_ENV", "TF_", "KERAS", "NENGO", "NUMBA", "COVERAGE")
VERSIONS = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions()}))"
)


@dataclasses.dataclass
class Seen:
    """What was seen of one stack on one Python.

    Parameters
    ----------
    python : str
        Such as ``"3.12.1"``.
    stack : str
        Such as ``"tf2.21"``.
    commit : str
        Of the clone that was tested.
    tests : str
        Which ran: `ALL_TESTS`, or the files and folders.
    passed, skipped, failed : int
        Numbers of tests; errors of fixtures are failures.
    setup_s, tests_s : float
        Seconds that the installation and the tests took.
    versions : dict of str
        Of `PACKAGES`, as they were installed.
    skipped_because : dict of int
        Number of tests by the reason that they gave.
    names_of_failed : list of str
        The tests that failed.
    ended : str
        Why it ended before all tests had run; empty if it did not.
    """

    python: str
    stack: str
    commit: str
    tests: str
    passed: int = 0
    skipped: int = 0
    failed: int = 0
    setup_s: float = 0.0
    tests_s: float = 0.0
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    skipped_because: dict[str, int] = dataclasses.field(default_factory=dict)
    names_of_failed: list[str] = dataclasses.field(default_factory=list)
    ended: str = ""

    @property
    def key(self) -> str:
        """What tells it from others: ``"3.12 tf2.21"``."""
        return f"{self.python.rpartition('.')[0]} {self.stack}"

    @property
    def is_well(self) -> bool:
        """Whether tests ran to the end, and none failed."""
        return bool(self.passed) and not (self.failed or self.ended)


def environment_of(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a run: of this one, without what belongs to it; no cache of pip."""
    kept = {key: value for key, value in given.items() if not key.startswith(OWN_VARIABLES)}
    return {**kept, "PIP_NO_CACHE_DIR": "1", "PYTHONUNBUFFERED": "1"}


def counts_of(junit: Path) -> dict[str, Any]:
    """Numbers, reasons and names from the file that ``pytest --junitxml`` writes."""
    because: collections.Counter[str] = collections.Counter()
    failed, passed = [], 0
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
        elif skipped is not None:
            because[skipped.get("message") or "no reason"] += 1
        else:
            passed += 1
    return {
        "passed": passed,
        "skipped": sum(because.values()),
        "failed": len(failed),
        "skipped_because": dict(sorted(because.items())),
        "names_of_failed": failed,
    }


def versions_of(python: Path, environment: dict[str, str]) -> dict[str, str]:
    """Versions of those of `PACKAGES` that an environment has."""
    found = json.loads(_output([str(python), "-c", VERSIONS], python.parent, environment))
    have = {name.lower().replace("-", "_"): version for name, version in found.items()}
    plain = {name: name.replace("-", "_") for name in PACKAGES}
    return {name: have[key] for name, key in plain.items() if key in have}


def commit_of(root: Path, name: str) -> str:
    """The first twelve digits of a commit of the repository in a folder."""
    return _output(["git", "rev-parse", "--short=12", f"{name}^{{commit}}"], root).strip()


def clone(root: Path, commit: str, folder: Path) -> Path:
    """A fresh clone of one commit, without any file that git does not know."""
    _output(["git", "clone", "--quiet", "--no-checkout", str(root), str(folder)], root)
    _output(["git", "checkout", "--quiet", "--detach", commit], folder)
    return folder


def run(
    root: Path,
    python: Python,
    stack: str,
    commit: str,
    folder: Path,
    tests: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 0,
) -> Seen:
    """Install and test one stack on one Python, in an empty folder.

    Parameters
    ----------
    root : Path
        The repository that is cloned.
    python : Python
        The Python that makes the environment.
    stack : str
        One of its stacks.
    commit : str
        What to check out.
    folder : Path
        An empty folder. What is printed stays there, in ``log.txt``.
    tests : sequence of str
        Files and folders of tests. Default: all.
    time_limit : float, optional
        Seconds for the tests; they are ended then, and what they say is lost.
    workers : int
        Processes that share the tests; 0: this one alone.
    """
    seen = Seen(".".join(map(str, python.version)), stack, commit, " ".join(tests) or ALL_TESTS)
    here = clone(root, commit, folder / "clone")
    environment = environment_of(os.environ)
    make = ["make", f"PYTHON={python.command}", f"STACK={stack}"]
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        code, seen.setup_s = _timed([*make, "venv"], here, environment, log, None)
        if code:
            seen.ended = f"the set-up failed ({_words(code)})"
            return seen
        seen.versions = versions_of(here / ".venv/bin/python", environment)
        junit = folder / "tests.xml"
        arguments = f"ARGS=--junitxml={junit} {' '.join(tests)}".strip()
        command = [*make, f"WORKERS={workers}", arguments, "test"]
        code, seen.tests_s = _timed(command, here, environment, log, time_limit)
    if junit.exists():
        vars(seen).update(counts_of(junit))
    else:
        seen.ended = f"the tests did not end ({_words(code)})"
    return seen


def _timed(
    command: list[str], folder: Path, environment: dict[str, str], log: Any, limit: float | None
) -> tuple[int | None, float]:
    """Run a command; its exit code, None if it was ended at the limit, and its seconds."""
    start = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
    ) as process:
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:  # with all that it has started
                os.killpg(process.pid, signal.SIGKILL)
    return code, round(time.monotonic() - start, 1)


def _words(code: int | None) -> str:
    return "time limit" if code is None else f"exit code {code}"


def _output(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])}: {done.stderr.strip()}")
    return done.stdout
