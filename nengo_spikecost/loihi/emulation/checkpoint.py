"""Results of a long run, kept batch by batch in a folder, so that it can go on later.

The folder has ``arguments.json``, one file a batch, and in a continuous presentation the
state after the last of them. Every file is written whole or not at all, and the state of a
batch before its results: whenever the process ends, what is there fits together.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...report.files import write_text
from .chip import Chip

FORMAT = 1
ARGUMENTS = "arguments.json"


class Checkpoint:
    """A folder with the results of one run.

    Parameters
    ----------
    path : str or path
        Is made if there is none.
    arguments : mapping from str to number or str
        What the results depend on. Of what is too large, a `digest`.

    Raises
    ------
    DataError
        If the folder holds a run with other arguments, or something else, or can't be
        written to.
    """

    def __init__(self, path: str | os.PathLike[str], arguments: Mapping[str, Any]):
        self.path = Path(path)
        own = {"format": FORMAT, **arguments}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            known = [name for name in os.listdir(self.path) if not name.endswith(".tmp")]
        except OSError as error:
            raise DataError(f"checkpoint {self.path}: {error.strerror or error}.") from error
        if ARGUMENTS in known:
            self._compare(own)
        elif known:
            raise DataError(
                f"checkpoint {self.path} has files that are not of a run ({known[0]}, ...): "
                "give a folder of its own."
            )
        else:
            write_text(self.path / ARGUMENTS, json.dumps(own, indent=1))

    def batches(self) -> list[dict[str, np.ndarray]]:
        """Results of the batches that are done, in order."""
        found: list[dict[str, np.ndarray]] = []
        while self._results(len(found)).exists():
            found.append(read_arrays(self._results(len(found))))
        return found

    def state(self, n_done: int) -> dict[str, np.ndarray]:
        """The state after so many batches."""
        return read_arrays(self._state(n_done))

    def add(
        self, number: int, results: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray] | None
    ) -> None:
        """Keep the results of a batch, and the state that the next one starts from."""
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
        except (OSError, ValueError) as error:
            raise DataError(f"checkpoint {self.path / ARGUMENTS}: {error}.") from error
        other = [name for name in {**known, **own} if known.get(name) != own.get(name)]
        if other:
            raise DataError(
                f"checkpoint {self.path} holds a run with "
                + ", ".join(_difference(name, known.get(name), own.get(name)) for name in other)
                + ": give the same arguments again, or another folder."
            )


def _difference(name: str, known: Any, own: Any) -> str:
    if isinstance(known, str) and len(known) == 64:  # a digest says nothing
        return f"another {name}"
    return f"{name}={known!r}, not {own!r}"


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a ``.npz`` file, whole or not at all.

    Raises
    ------
    DataError
        If it can't be written. Nothing is left behind, unless the process is killed: then a
        file whose name ends in ``.tmp``, which nothing reads.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read what `write_arrays` wrote.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"Cannot read {str(path)!r}: {error}.") from error


def digest(arrays: Iterable[np.ndarray | str]) -> str:
    """A number that tells arrays and texts apart."""
    found = hashlib.sha256()
    for array in arrays:
        if isinstance(array, str):
            found.update(array.encode() + b"\0")
        else:
            found.update(f"{array.dtype.str}{array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def network_digest(model: Any, chip: Chip) -> str:
    """Tells networks apart: what the chip holds, and the operators and signals of the host."""

    def parts() -> Iterable[np.ndarray | str]:
        yield from map(np.asarray, chip.tables)
        for block in chip.blocks:
            c = block.compartment
            noise = (c.enable_noise, c.noise_exp, c.noise_offset, c.noise_at_membrane)
            yield from map(np.asarray, noise)
        for spikes in chip.inputs:
            for step in sorted(spikes.permanent):
                yield from (np.asarray(step), np.asarray(spikes.spikes[step]))
        for part in (model.host_pre, model.host):
            for op in part.operators:
                yield type(op).__name__
                for signal in op.all_signals:
                    value = signal.base.initial_value
                    # sparse ones are not arrays
                    yield np.asarray(value.toarray() if hasattr(value, "toarray") else value)

    return digest(parts())
