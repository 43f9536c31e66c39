"""Results of a long run, kept batch by batch in a folder, so that it can go on later.

The folder has ``arguments.json``, one file a batch, and in a continuous presentation the
state after the last of them. Every file is written whole or not at all, and the state of a
batch before its results: whenever the process ends, what is there fits together. Each file holds a
digest of its arrays, so that one that was damaged or edited is refused, not believed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Callable

import numpy as np

from .digests import array_digest
from .errors import DataError
from .files import remove_left_behind, write_text, written_whole

FORMAT = "nengo-spikecost/checkpoint/2"
ARGUMENTS = "arguments.json"

DIGEST = "digest"
"""Name of the digest among the arrays that it is of."""


class Checkpoint:
    """A folder with the results of one run.

    Parameters
    ----------
    path : str or path
        It is made if it does not exist.
    arguments : mapping from str to number, str or None
        All that the results depend on; of values that are large, a digest of 64 digits.

    Raises
    ------
    DataError
        If the folder holds a run with other arguments, or something else, or can't be
        written to.
    """

    def __init__(self, path: str | os.PathLike[str], arguments: Mapping[str, Any]):
        self.path = Path(path)
        own = {"format": FORMAT, **arguments}
        if self.path.exists() and not self.path.is_dir():
            raise DataError(f"checkpoint {self.path} is no folder: give the name of one.")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            known = [name for name in os.listdir(self.path) if not name.endswith(".tmp")]
        except OSError as error:
            raise DataError(f"checkpoint {self.path}: {error.strerror or error}.") from error
        if ARGUMENTS in known:
            self._compare(own)
            remove_left_behind(self.path)
        elif known:
            raise DataError(
                f"checkpoint {self.path} is a folder with other files ({min(known)}, ...): "
                "give a folder of its own."
            )
        else:
            write_text(self.path / ARGUMENTS, json.dumps(own, indent=1) + "\n")

    def n_done(self) -> int:
        """How many batches have their results in the folder."""
        n = 0
        while self._results(n).exists():
            n += 1
        return n

    def batch(self, number: int) -> dict[str, np.ndarray]:
        """The results of a batch that is done."""
        arrays = read_arrays(self._results(number))
        return {name: array for name, array in arrays.items() if name != DIGEST}

    def state(self, n_done: int) -> dict[str, np.ndarray]:
        """The state after ``n_done`` batches, with its digest."""
        return read_arrays(self._state(n_done))

    def add(
        self, number: int, results: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray] | None
    ) -> None:
        """Write the results of a batch, and the state that the next one starts from."""
        if state is not None:
            write_arrays(self._state(number + 1), state)
        write_arrays(self._results(number), results)
        if state is not None and number:
            self._state(number).unlink(missing_ok=True)

    def _results(self, number: int) -> Path:
        return self.path / f"batch-{number:06d}.npz"

    def _state(self, n_done: int) -> Path:
        return self.path / f"state-{n_done:06d}.npz"

    def _compare(self, own: Mapping[str, Any]) -> None:
        try:
            known = json.loads((self.path / ARGUMENTS).read_text(encoding="utf-8"))
            if not isinstance(known, dict):
                raise ValueError("it holds no arguments of a run")
            if known.get("format") == 2:  # as it was written before it had a name
                known["format"] = FORMAT
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(
                f"checkpoint {self.path / ARGUMENTS} can't be read ({error}): remove its folder."
            ) from error
        other = differences(known, own)
        if other:
            raise DataError(
                f"checkpoint {self.path} holds a run with {', '.join(other)}: give the same "
                "arguments again, or another folder."
            )


def differences(
    then: Mapping[str, Any], now: Mapping[str, Any], digests: Collection[str] = (),
    absent: Any = None, written: Callable[[Any], str] = repr,
) -> list[str]:  # fmt: skip
    """Which arguments differ between an earlier run and this one, each in words.

    Parameters
    ----------
    then, now : mapping from str to object
        Arguments by name.
    digests : collection of str
        Names of arguments that are given as digests, whose digits would tell nobody anything:
        ``"another model"``. Digests of 64 digits need no mention.
    absent : object
        Stands for arguments that only one of the two has.
    written : callable
        How a value is written: ``"dt=0.001, not 0.002"``.
    """
    words = []
    for name in dict.fromkeys([*then, *now]):
        before, after = then.get(name, absent), now.get(name, absent)
        if before == after:
            continue
        if name in digests or (isinstance(before, str) and len(before) == 64):
            words.append(f"another {name}")
        else:
            words.append(f"{name}={written(before)}, not {written(after)}")
    return words


def digest_of(arrays: Mapping[str, np.ndarray]) -> str:
    """A digest of arrays by name, in any order."""
    names = sorted(name for name in arrays if name != DIGEST)
    return array_digest(part for name in names for part in (name, np.asarray(arrays[name])))


def with_digest(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays by name, and a digest of them among them."""
    return {**arrays, DIGEST: np.array(digest_of(arrays))}


def is_unchanged(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether arrays are those that their digest is of."""
    return DIGEST in arrays and str(arrays[DIGEST]) == digest_of(arrays)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a ``.npz`` file, whole or not at all, with a digest of what is in it.

    Raises
    ------
    DataError
        If it can't be written. Nothing is left behind, unless the process is killed: then a
        file whose name ends in ``.tmp``, which nothing reads and the next run takes away.
    """
    with written_whole(path) as file:
        np.savez_compressed(file, **with_digest(arrays))  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a file that `write_arrays` wrote.

    Raises
    ------
    DataError
        If it can't be read, or is not what was written.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    # a damaged file makes zipfile, zlib and NumPy raise errors of many kinds
    except Exception as error:
        raise DataError(f"checkpoint {path} can't be read ({error}): remove its folder.") from error
    if not is_unchanged(arrays):
        raise DataError(
            f"checkpoint {path} was damaged or edited after it was written: remove its folder."
        )
    return arrays
