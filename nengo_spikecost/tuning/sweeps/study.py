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
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import TuningError
from ...layout.si import known
from .joint_sums import Agreement
from .study_database import StudyDatabase, opened, raise_if_hindered
from .trials import Proposal, Reading, Setting, Trial

FORMAT = "nengo-spikecost/sweep/1"

#: Name of the array with the `Agreement` of each reading of a trial of a regression.
_AGREEMENTS = "agreement of trial {}"


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
        self._db = opened(path, readonly)
        self.path = self._db.name
        own = (zlib.error, ValueError, TypeError, KeyError)
        self._unreadable: tuple[type[Exception], ...] = (*self._db.errors, *own)
        try:
            self._open(readonly)
        except self._db.errors as error:
            self.close()
            raise_if_hindered(self._db, error)
            raise TuningError(
                f"{self.path} is no study of a sweep: {error}; give another name."
            ) from None
        except BaseException:
            self.close()
            raise

    def _open(self, readonly: bool) -> None:
        # whoever only looks waits for nobody: others see a study as a whole, or none
        with contextlib.nullcontext() if readonly else self.alone():
            tables = self._db.tables()
            if tables and "trials" not in tables:
                raise TuningError(
                    f"{self.path} is a database of something else (tables {', '.join(tables)}), "
                    "not a study of a sweep: give another name."
                )
            if not tables and readonly:
                raise TuningError(f"{self.path} is no study of a sweep: it is empty.")
            if not tables:
                with self._writing(), self._db.transaction():
                    self._db.make_tables()
                    self.remember({"format": FORMAT})
            if "digests" not in tables and tables and not readonly:
                self._digest_all()
        if self.facts().get("format", FORMAT) != FORMAT:
            raise TuningError(
                f"{self.path} is a study of format {self.facts()['format']}, and this version "
                f"reads {FORMAT}: give another name, or use the version that made it."
            )

    @property
    def database(self) -> StudyDatabase:
        """Where it is kept."""
        return self._db

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Context in which no other process that shares the study is."""
        with self.answered():
            self._db.lock("study")
        try:
            yield
        finally:
            # a server that can't be reached has let go of it
            with contextlib.suppress(*self._db.errors):
                self._db.unlock("study")

    @contextlib.contextmanager
    def answered(self, doing: str = "read") -> Iterator[None]:
        """Context in which the database is asked.

        Raises
        ------
        StudyError
            If it does not answer.
        """
        try:
            yield
        except self._db.errors as error:
            raise_if_hindered(self._db, error, doing)
            raise

    def n_trials(self) -> int:
        """How many trials there are."""
        with self.reading():
            return int(self._db.execute("SELECT count(*) FROM trials")[0][0])

    def close(self) -> None:
        """Close it, and let other processes have it."""
        self._db.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def facts(self) -> dict[str, Any]:
        """The facts that are kept, by name."""
        with self.reading():
            return {name: json.loads(value) for name, value in self._kept("facts").items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that are kept, by name."""
        with self.reading():
            return {name: unpacked(value) for name, value in self._kept("arrays").items()}

    def judged(self) -> dict[tuple[int, int], Reading]:
        """What NengoDL said of settings that another simulator found, by trial and steps."""
        with self.reading():
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
        with self._writing(), self._db.transaction():
            rows: list[tuple[str, Any]] = [(n, json.dumps(value)) for n, value in facts.items()]
            self._db.many(_put("facts"), rows)
            rows = [(n, packed(array)) for n, array in (arrays or {}).items()]
            self._db.many(_put("arrays"), rows)
            self._note("facts", facts)
            self._note("arrays", arrays or {})

    def add(self, trial: Trial) -> None:
        """Write a finished trial, all or nothing; of two processes that share a study, once."""
        proposal = trial.proposal
        with self.alone(), self._writing(), self._db.transaction():
            if self._db.is_shared and self.n_trials() > trial.number:
                return
            self._db.execute(
                "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    trial.number, trial.state, proposal.origin, int(proposal.baseline),
                    proposal.parent, json.dumps(dict(proposal.setting.scales)),
                    proposal.setting.synapse, trial.reason, trial.seconds,
                ),
            )  # fmt: skip
            self._db.many(
                "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(trial.number, reading) for reading in trial.readings],
            )
            self._note("trials", [trial.number])
            agreements = [reading.agreement for reading in trial.readings]
            # among the arrays, so that files keep the tables that they have
            if agreements and all(agreements):
                name = _AGREEMENTS.format(trial.number)
                values = np.concatenate([a.to_array() for a in agreements if a])
                self._db.execute("INSERT INTO arrays VALUES (?, ?)", (name, packed(values)))
                self._note("arrays", [name])

    def trials(self) -> list[Trial]:
        """All trials, in order."""
        with self.reading():
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
            return self._db.execute(sql.format(table, where), (only,) * bool(where))

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
        if "digests" not in self._db.tables():  # of an earlier version, and only looked into
            return stored
        known = dict(self._db.execute("SELECT name, value FROM digests"))
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
        self._db.many(_put("digests"), rows)

    def _digest_all(self) -> None:
        """Give a study of an earlier version digests of what is in it."""
        with self._writing(), self._db.transaction():
            self._db.make_tables()
            with self.reading():
                for table in ("facts", "arrays", "trials"):
                    self._note(table, self._stored(table))

    def _changed(self, part: str) -> TuningError:
        return TuningError(
            f"The study {self.path} was damaged or edited after it was written ({part}): take a "
            "copy from before, or give another name and start anew."
        )

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Context in which all that is read is of one moment, whatever others write meanwhile.

        Raises
        ------
        StudyError
            If it can't be read just now.
        TuningError
            If something in it can't be read.
        """
        try:
            with self.answered(), self._db.one_moment():
                yield
        except TuningError:
            raise
        except self._unreadable as error:
            raise self._changed(str(error) or type(error).__name__) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with self.answered("written"):
                yield
        except self._db.cannot_write as error:
            raise TuningError(
                f"The study {self.path} can't be written ({error}). What was tried before is in "
                "it: once it can be written again, the same call goes on from there."
            ) from error


def _put(table: str) -> str:
    """SQL that writes a value under a name."""
    return (
        f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )


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
        kept = [Agreement.of_array(v) for v in np.split(unpacked(agreements), len(readings))]
    own = tuple(_reading(*pair) for pair in zip(readings, kept))
    return Trial(number, proposal, state, own, reason, seconds)


def _reading(row: Sequence[Any], agreement: Agreement | None) -> Reading:
    _, n_steps, *_, synops, layers, correct, energy_J = row
    synops = float("nan") if synops is None else synops
    layer_synops = json.loads(layers)
    correct, energy_J = unpacked(correct), unpacked(energy_J)
    return Reading(n_steps, correct, energy_J, synops, layer_synops, agreement)


def _row(number: int, reading: Reading) -> tuple[Any, ...]:
    synops = known(reading.synops)
    return (
        number, reading.n_steps, reading.n_seen, reading.accuracy, reading.mean_J, synops,
        json.dumps(dict(reading.layer_synops)), packed(reading.correct), packed(reading.energy_J),
    )  # fmt: skip


def packed(array: np.ndarray) -> bytes:
    """A one-dimensional array as bytes: its type, a line end, and its values compressed."""
    array = np.ascontiguousarray(array)
    return array.dtype.str.encode() + b"\n" + zlib.compress(array.tobytes(), 1)


def unpacked(data: bytes) -> np.ndarray:
    kind, _, values = data.partition(b"\n")
    return np.frombuffer(zlib.decompress(values), dtype=np.dtype(kind.decode()))
