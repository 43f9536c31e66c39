"""The Pythons of this machine that a stack is pinned for: on the PATH, and of pyenv."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from setup_venv import STACKS

#: what a Python is asked: its version, and whether it can make a virtual environment
QUESTION = (
    "import sys, importlib.util as u; "
    "print('.'.join(map(str, sys.version_info[:3])), all(map(u.find_spec, ('venv', 'ensurepip'))))"
)


@dataclasses.dataclass(frozen=True)
class Python:
    """One Python that is installed here.

    Parameters
    ----------
    command : str
        Path of the interpreter.
    version : tuple of int
        Three numbers: ``(3, 12, 1)``.
    """

    command: str
    version: tuple[int, ...]

    @property
    def minor(self) -> str:
        """Such as ``"3.12"``."""
        return "{}.{}".format(*self.version)

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks that are pinned for it; none for a Python that is not supported."""
        return tuple(name for name, pythons in STACKS.items() if self.version[:2] in pythons)


def asked(command: str) -> Python | None:
    """The Python that a command starts; None where it starts none that can make an environment.

    A shim of pyenv fails for versions that are not chosen where it is called, and Debian's
    Python lacks ``ensurepip`` as long as python3-venv is not installed.
    """
    try:
        done = subprocess.run(
            [command, "-c", QUESTION], text=True, capture_output=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split()
    if done.returncode or len(words) != 2 or words[1] != "True":
        return None
    return Python(command, tuple(int(number) for number in words[0].split(".")))


def commands(environment: Mapping[str, str]) -> list[str]:
    """Where Pythons may be: ``python3.9`` to ``python3.13`` on the PATH, and pyenv's folders."""
    minors = sorted({python for pythons in STACKS.values() for python in pythons})
    names = ["python3", *("python{}.{}".format(*minor) for minor in minors)]
    on_path = (shutil.which(name, path=environment.get("PATH", "")) for name in names)
    home = environment.get("PYENV_ROOT") or os.path.join(environment.get("HOME", ""), ".pyenv")
    pyenvs = sorted(Path(home).glob("versions/*/bin/python"))
    return [command for command in (*on_path, *map(str, pyenvs)) if command]


def newest(pythons: Iterable[Python]) -> list[Python]:
    """One Python of each minor version, the newest, in order; only those that have a stack."""
    by_minor: dict[str, Python] = {}
    for python in sorted(pythons, key=lambda python: python.version):
        if python.stacks:
            by_minor[python.minor] = python
    return list(by_minor.values())


def installed(environment: Mapping[str, str] = os.environ) -> list[Python]:
    """All Pythons that are found here, the newest of each minor version."""
    return newest(filter(None, map(asked, dict.fromkeys(commands(environment)))))


def chosen(wanted: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[Python]:
    """The Pythons that are asked for, by minor version or path, in that order; all if none is.

    Raises
    ------
    ValueError
        If one is not installed, or no stack is pinned for it.
    """
    wanted = list(wanted)
    found = installed(environment)
    if not wanted:
        return found
    by_minor = {python.minor: python for python in found}
    path = environment.get("PATH", "")
    paths = {
        name: shutil.which(os.path.abspath(name) if os.sep in name else name, path=path)
        for name in wanted
    }
    pythons = [by_minor.get(name) or asked(paths[name] or name) for name in wanted]
    for name, python in zip(wanted, pythons):
        if python is None:
            raise ValueError(
                f"--python {name}: no such Python that can make a virtual environment; found "
                f"were {', '.join(by_minor) or 'none'}, so give one of these or a path."
            )
        if not python.stacks:
            raise ValueError(f"--python {name}: no stack is pinned for Python {python.minor}.")
    return [python for python in pythons if python]
