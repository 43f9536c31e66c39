"""The study file: every trial of a sweep, in SQLite, as it comes.

A trial is written in one transaction when it is finished, so that a process may be killed at any
time: every trial in the file is whole. The file holds the trials and the arguments of the sweep; it
does not hold the state of the search, because the search has none (see `search`).

Optuna's own storage is not used for this: it writes a trial piece by piece, keeps a running trial
that nobody finishes when a process is killed, has one presentation time to a trial, and its
tables change with its version. `Sweep.to_optuna` gives an Optuna study for its dashboard.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...errors import TuningError
from ...files import check_writable
from .trials import Proposal, Reading, Setting, Trial

FORMAT = "nengo-spikecost/sweep/1"

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS arrays (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS trials (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, origin TEXT NOT NULL,
    baseline INTEGER NOT NULL, parent INTEGER, scales TEXT NOT NULL, synapse REAL,
    reason TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS readings (
    trial INTEGER NOT NULL REFERENCES trials (number), n_steps INTEGER NOT NULL,
    n_seen INTEGER NOT NULL, accuracy REAL NOT NULL, mean_J REAL NOT NULL, synops REAL,
    layer_synops TEXT NOT NULL, correct BLOB NOT NULL, energy_J BLOB NOT NULL,
    PRIMARY KEY (trial, n_steps)
);
"""


class Study:
    """A study file, opened for one process.

    Parameters
    ----------
    path : str or path, optional
        Made if it does not exist. None: in memory.
    readonly : bool
        Only look into it; it must exist.

    Raises
    ------
    TuningError
        If it is no study, or another process works on it.
    """

    def __init__(self, path: str | os.PathLike[str] | None, readonly: bool = False):
        self.path = None if path is None else os.fspath(path)
        self._lock = contextlib.ExitStack()
        if self.path is not None:
            if not readonly:
                check_writable(self.path)
                self._lock.enter_context(_only_one(self.path))
            elif not os.path.isfile(self.path):
                raise TuningError(f"There is no study {self.path}.")
        try:
            self._db = sqlite3.connect(self.path or ":memory:", isolation_level=None)
            self._open()
        except sqlite3.DatabaseError as error:
            self.close()
            raise TuningError(
                f"{self.path} is no study of a sweep: {error}; give another name."
            ) from None
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        tables = self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if tables and ("trials",) not in tables:
            names = ", ".join(name for (name,) in tables)
            raise TuningError(
                f"{self.path} is a database of something else (tables {names}), not a study of a "
                "sweep: give another name."
            )
        if not tables:
            self._db.executescript(_TABLES)
            self.remember({"format": FORMAT})
        elif self.facts().get("format", FORMAT) != FORMAT:
            raise TuningError(
                f"{self.path} is a study of format {self.facts()['format']}, and this version "
                f"reads {FORMAT}: give another name, or use the version that made it."
            )

    def close(self) -> None:
        """Close the file, and let other processes have it."""
        if hasattr(self, "_db"):
            self._db.close()
        self._lock.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def facts(self) -> dict[str, Any]:
        """The facts that are kept, by name."""
        rows = self._db.execute("SELECT name, value FROM facts").fetchall()
        return {name: json.loads(value) for name, value in rows}

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that are kept, by name."""
        rows = self._db.execute("SELECT name, value FROM arrays").fetchall()
        return {name: _unpacked(value) for name, value in rows}

    def remember(
        self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None
    ) -> None:
        """Keep facts (as JSON) and arrays, all or none of them."""
        with self._db:  # commits, or rolls back after an error
            self._db.execute("BEGIN IMMEDIATE")
            rows: list[tuple[str, Any]] = [(n, json.dumps(value)) for n, value in facts.items()]
            self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)
            rows = [(n, _packed(array)) for n, array in (arrays or {}).items()]
            self._db.executemany("INSERT OR REPLACE INTO arrays VALUES (?, ?)", rows)

    def add(self, trial: Trial) -> None:
        """Write a finished trial, all or nothing."""
        proposal = trial.proposal
        with self._db:  # commits, or rolls back after an error
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    trial.number, trial.state, proposal.origin, int(proposal.baseline),
                    proposal.parent, json.dumps(dict(proposal.setting.scales)),
                    proposal.setting.synapse, trial.reason, trial.seconds,
                ),
            )  # fmt: skip
            self._db.executemany(
                "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(trial.number, reading) for reading in trial.readings],
            )

    def trials(self) -> list[Trial]:
        """All trials, in order."""
        readings: dict[int, list[Reading]] = {}
        for row in self._db.execute(
            "SELECT trial, n_steps, synops, layer_synops, correct, energy_J FROM readings "
            "ORDER BY trial, n_steps"
        ):
            number, n_steps, synops, layers, correct, energy_J = row
            readings.setdefault(number, []).append(
                Reading(
                    n_steps, _unpacked(correct), _unpacked(energy_J),
                    float("nan") if synops is None else synops, json.loads(layers),
                )
            )  # fmt: skip
        return [
            Trial(
                number,
                Proposal(Setting(json.loads(scales), synapse), origin, bool(baseline), parent),
                state, tuple(readings.get(number, ())), reason, seconds,
            )
            for number, state, origin, baseline, parent, scales, synapse, reason, seconds
            in self._db.execute("SELECT * FROM trials ORDER BY number")
        ]  # fmt: skip


def _row(number: int, reading: Reading) -> tuple[Any, ...]:
    synops = None if np.isnan(reading.synops) else reading.synops
    return (
        number, reading.n_steps, reading.n_seen, reading.accuracy, reading.mean_J, synops,
        json.dumps(dict(reading.layer_synops)), _packed(reading.correct), _packed(reading.energy_J),
    )  # fmt: skip


def _packed(array: np.ndarray) -> bytes:
    """A one-dimensional array as bytes: its type, a line end, and its values compressed."""
    array = np.ascontiguousarray(array)
    return array.dtype.str.encode() + b"\n" + zlib.compress(array.tobytes(), 1)


def _unpacked(data: bytes) -> np.ndarray:
    kind, _, values = data.partition(b"\n")
    return np.frombuffer(zlib.decompress(values), dtype=np.dtype(kind.decode()))


@contextlib.contextmanager
def _only_one(path: str) -> Iterator[None]:
    """Hold a study for this process; the system lets go of it however the process ends."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: a second process is not noticed
        yield
        return
    lock = f"{os.path.realpath(path)}.lock"
    with open(lock, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # the one before may have removed it between the two lines above
            held = os.path.exists(lock) and os.path.samestat(os.fstat(file.fileno()), os.stat(lock))
        except OSError:
            held = False
        if not held:
            raise TuningError(
                f"Another process works on the study {path}: wait for it, or give another name."
            )
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.remove(lock)
