"""The study file: every trial of a sweep, in SQLite, as it comes.

A trial is written in one transaction when it is finished, so that a process may be killed at any
time: every trial in the file is whole. The file holds the trials and the arguments of the sweep; it
does not hold the state of the search, because the search has none (see `search`). Beside each fact,
array and trial is a digest of what was written, so that a file that was damaged or edited is told
when it is read: a trial whose scales were changed has readings of other scales.

Optuna's own storage is not used for this: it writes a trial piece by piece, keeps a running trial
that nobody finishes when a process is killed, has one presentation time to a trial, and its
tables change with its version. `Sweep.to_optuna` gives an Optuna study for its dashboard.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import TuningError
from ...files import check_is_file, check_writable
from .joint_sums import Agreement
from .trials import Proposal, Reading, Setting, Trial

FORMAT = "nengo-spikecost/sweep/1"

#: Name of the array with the `Agreement` of each reading of a trial of a regression.
_AGREEMENTS = "agreement of trial {}"

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS arrays (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS digests (name TEXT PRIMARY KEY, value TEXT NOT NULL);
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
                if os.path.exists(self.path):
                    check_is_file(self.path, "study", TuningError)
                self._lock.enter_context(_only_one(self.path))
            elif not os.path.isfile(self.path):
                raise TuningError(f"There is no study {self.path}.")
        try:
            self._db = sqlite3.connect(self.path or ":memory:", isolation_level=None)
            self._open(readonly)
        except sqlite3.DatabaseError as error:
            self.close()
            raise TuningError(
                f"{self.path} is no study of a sweep: {error}; give another name."
            ) from None
        except BaseException:
            self.close()
            raise

    def _open(self, readonly: bool) -> None:
        rows = self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = [name for (name,) in rows]
        if tables and "trials" not in tables:
            raise TuningError(
                f"{self.path} is a database of something else (tables {', '.join(tables)}), not a "
                "study of a sweep: give another name."
            )
        if not tables and readonly:
            raise TuningError(f"{self.path} is no study of a sweep: it is empty.")
        if not tables:
            with self._writing():
                self._db.executescript(_TABLES)
            self.remember({"format": FORMAT})
        if "digests" not in tables and tables and not readonly:
            self._digest_all()
        if self.facts().get("format", FORMAT) != FORMAT:
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
        with self._reading():
            return {name: json.loads(value) for name, value in self._kept("facts").items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that are kept, by name."""
        with self._reading():
            return {name: _unpacked(value) for name, value in self._kept("arrays").items()}

    def judged(self) -> dict[tuple[int, int], Reading]:
        """What NengoDL said of settings that another simulator found, by trial and steps."""
        facts, arrays, readings = self.facts(), self.arrays(), {}
        for name, fact in facts.items():
            if name.startswith("judged "):
                synops = float("nan") if fact["synops"] is None else fact["synops"]
                agreement = arrays.get(f"{name} agreement")
                readings[fact["trial"], fact["n_steps"]] = Reading(
                    fact["n_steps"], arrays[f"{name} correct"], arrays[f"{name} energy_J"],
                    synops, fact["layer_synops"],
                    None if agreement is None else Agreement.of_array(agreement),
                )  # fmt: skip
        return readings

    def remember(
        self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None
    ) -> None:
        """Keep facts (as JSON) and arrays, all or none of them."""
        with self._writing(), self._db:  # commits, or rolls back after an error
            self._db.execute("BEGIN IMMEDIATE")
            rows: list[tuple[str, Any]] = [(n, json.dumps(value)) for n, value in facts.items()]
            self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)
            rows = [(n, _packed(array)) for n, array in (arrays or {}).items()]
            self._db.executemany("INSERT OR REPLACE INTO arrays VALUES (?, ?)", rows)
            self._note("facts", facts)
            self._note("arrays", arrays or {})

    def add(self, trial: Trial) -> None:
        """Write a finished trial, all or nothing."""
        proposal = trial.proposal
        with self._writing(), self._db:  # commits, or rolls back after an error
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
            self._note("trials", [trial.number])
            agreements = [reading.agreement for reading in trial.readings]
            # among the arrays, so that files keep the tables that they have
            if agreements and all(agreements):
                name = _AGREEMENTS.format(trial.number)
                values = np.concatenate([a.to_array() for a in agreements if a])
                self._db.execute("INSERT INTO arrays VALUES (?, ?)", (name, _packed(values)))
                self._note("arrays", [name])

    def trials(self) -> list[Trial]:
        """All trials, in order."""
        with self._reading():
            arrays = self._kept("arrays")
            return [
                _trial(row, readings, arrays.get(_AGREEMENTS.format(number)))
                for number, (row, readings) in self._kept("trials").items()
            ]

    def _stored(self, table: str, only: Any = None) -> dict[Any, Any]:
        """What is in a table by name, as it is stored; of a trial its row and its readings'."""
        key = {"trials": "number", "readings": "trial"}
        sql = "SELECT * FROM {} {} ORDER BY 1, 2"

        def rows(table: str) -> list[Any]:
            where = "" if only is None else f"WHERE {key.get(table, 'name')} = ?"
            return self._db.execute(sql.format(table, where), (only,) * bool(where)).fetchall()

        if table != "trials":
            return dict(rows(table))
        readings: dict[int, list[Any]] = {}
        for row in rows("readings"):
            readings.setdefault(row[0], []).append(row)
        return {row[0]: (row, readings.pop(row[0], [])) for row in rows(table)}

    def _kept(self, table: str) -> dict[Any, Any]:
        """The same, if it is what was written."""
        stored = self._stored(table)
        if table == "trials" and list(stored) != list(range(len(stored))):
            raise self._changed("a trial is missing")
        tables = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'digests'")
        if tables.fetchone() is None:  # of an earlier version, and only looked into
            return stored
        known = dict(self._db.execute("SELECT name, value FROM digests").fetchall())
        own = {_called(table, name): _digest(value) for name, value in stored.items()}
        start = _called(table, "")
        noted = {name: value for name, value in known.items() if name.startswith(start)}
        for name in dict.fromkeys([*own, *noted]):
            if own.get(name) != noted.get(name):
                raise self._changed(name if name in own else f"{name} is missing")
        return stored

    def _note(self, table: str, names: Iterable[Any]) -> None:
        """Keep digests of what was just written."""
        rows = [(_called(table, n), _digest(self._stored(table, n)[n])) for n in names]
        self._db.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?)", rows)

    def _digest_all(self) -> None:
        """Give a study of an earlier version digests of what is in it."""
        with self._writing():
            self._db.executescript(_TABLES)
        with self._reading(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for table in ("facts", "arrays", "trials"):
                self._note(table, self._stored(table))

    def _changed(self, part: str) -> TuningError:
        return TuningError(
            f"The study {self.path} was damaged or edited after it was written ({part}): take a "
            "copy from before, or give another name and start anew."
        )

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except TuningError:
            raise
        except (sqlite3.Error, zlib.error, ValueError, TypeError, KeyError) as error:
            raise self._changed(str(error) or type(error).__name__) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise TuningError(
                f"The study {self.path} can't be written ({error}). What was tried before is in "
                "it: once it can be written again, the same call goes on from there."
            ) from error


def _called(table: str, name: Any) -> str:
    """What a row of a table is called in messages: ``"trial 3"``."""
    return f"{table[:-1]} {name}"


def _digest(stored: Any) -> str:
    return hashlib.sha256(repr(stored).encode()).hexdigest()


def _trial(
    row: Sequence[Any], readings: Sequence[Sequence[Any]], agreements: bytes | None
) -> Trial:
    """A trial of its row, those of its readings, and how these agree with targets."""
    number, state, origin, baseline, parent, scales, synapse, reason, seconds = row
    proposal = Proposal(Setting(json.loads(scales), synapse), origin, bool(baseline), parent)
    kept: list[Any] = [None] * len(readings)
    if agreements is not None:
        kept = [Agreement.of_array(v) for v in np.split(_unpacked(agreements), len(readings))]
    own = tuple(_reading(*pair) for pair in zip(readings, kept))
    return Trial(number, proposal, state, own, reason, seconds)


def _reading(row: Sequence[Any], agreement: Agreement | None) -> Reading:
    _, n_steps, *_, synops, layers, correct, energy_J = row
    synops = float("nan") if synops is None else synops
    layer_synops = json.loads(layers)
    correct, energy_J = _unpacked(correct), _unpacked(energy_J)
    return Reading(n_steps, correct, energy_J, synops, layer_synops, agreement)


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
    try:
        file = open(lock, "w", encoding="utf-8")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise TuningError(f"The study {path} can't be locked: {error.strerror}.") from None
    with file:
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
