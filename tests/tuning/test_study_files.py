"""Study files that are damaged, edited, or can't be written: one sentence, and nothing silent."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from nengo_spikecost.errors import StudyError, TuningError
from nengo_spikecost.tuning.sweeps import Sweep
from nengo_spikecost.tuning.sweeps.study import Study
from nengo_spikecost.tuning.sweeps.study_database import SqliteDatabase
from tests.tuning.sweep_fakes import FormulaEngine, formula_sweep

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "sweep.db"
    return path, formula_sweep(12, path=path)


@pytest.fixture
def study(whole, tmp_path):
    copy = tmp_path / "sweep.db"
    copy.write_bytes(whole[0].read_bytes())
    return copy


@pytest.fixture
def impatient(monkeypatch):
    """SQLite, which waits 5 s for a lock otherwise."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, timeout=0.1, **k))


def change(path, sql, *values):
    with sqlite3.connect(path) as database:
        database.execute(sql, values)
    database.close()


ZEROS = b"<f8\n" + zlib.compress(np.zeros(400).tobytes())


@pytest.mark.parametrize(
    "sql, values, words",
    [
        # scales that the readings are not of: before, they were shown as if they were
        (
            "UPDATE trials SET scales = ? WHERE number = 3",
            ['{"first": 1.0, "middle": 1.0, "last": 1.0}'],
            r"\(trial 3\)",
        ),
        ("UPDATE trials SET scales = 'not JSON' WHERE number = 4", [], r"\(trial 4\)"),
        ("UPDATE trials SET state = 'complete', reason = ''  WHERE number = 1", [], None),
        ("UPDATE trials SET synapse = 0.5 WHERE number = 0", [], r"\(trial 0\)"),
        ("UPDATE readings SET energy_J = ? WHERE trial = 2", [ZEROS], r"\(trial 2\)"),
        ("UPDATE readings SET energy_J = x'00ff' WHERE trial = 2", [], r"\(trial 2\)"),
        ("UPDATE readings SET layer_synops = '[' WHERE trial = 2", [], r"\(trial 2\)"),
        ("DELETE FROM readings WHERE trial = 5 AND n_steps = 10", [], r"\(trial 5\)"),
        ("DELETE FROM trials WHERE number = 5", [], "a trial is missing"),
        ("DELETE FROM trials WHERE number = 11", [], "trial 11 is missing"),
        ("UPDATE facts SET value = '{' WHERE name = 'about'", [], r"\(fact about\)"),
        ("UPDATE facts SET value = '{}' WHERE name = 'space'", [], r"\(fact space\)"),
        ("DELETE FROM facts WHERE name = 'about'", [], r"fact about is missing"),
        ("DELETE FROM arrays", [], "array reference is missing"),
        ("UPDATE arrays SET value = x'41'", [], r"\(array reference\)"),
    ],
)
def test_what_was_changed_is_told(study, sql, values, words):
    change(study, sql, *values)
    if words is None:  # it says what it said before
        assert len(Sweep.load(study).trials) == 12
        return
    told = rf"sweep\.db was damaged or edited after it was written \(?.*{words}.*another name"
    with pytest.raises(TuningError, match=told):
        Sweep.load(study)
    with pytest.raises(TuningError, match=told):
        formula_sweep(14, path=study)


def test_pages_that_were_overwritten(study):
    """Bytes of a broken disk, anywhere behind the first page: told, or where nothing is read."""
    content = study.read_bytes()
    expected = [t.proposal for t in Sweep.load(study).trials]
    n_told = 0
    for start in range(4096, len(content), 4096):
        study.write_bytes(content[:start] + b"\x55" * 512 + content[start + 512 :])
        try:
            assert [t.proposal for t in Sweep.load(study).trials] == expected
        except TuningError as error:
            n_told += 1
            assert "sweep.db" in str(error)
    assert n_told > 3
    study.write_bytes(content[: len(content) // 2])
    with pytest.raises(TuningError, match=r"sweep\.db"):
        Sweep.load(study)


def test_a_study_without_digests_is_taken_up(study, whole):
    """As versions before this one wrote it."""
    change(study, "DROP TABLE digests")
    assert len(Sweep.load(study).trials) == 12
    assert len(formula_sweep(14, path=study).trials) == 14
    change(study, "UPDATE trials SET synapse = 0.5 WHERE number = 0")
    with pytest.raises(TuningError, match="trial 0"):
        Sweep.load(study)


def test_old_studies_that_are_damaged(study):
    change(study, "DROP TABLE digests")
    change(study, "UPDATE trials SET scales = 'not JSON' WHERE number = 4")
    with pytest.raises(TuningError, match="damaged or edited"):
        Sweep.load(study)


@pytest.mark.parametrize("reads", [Sweep.load, lambda path: formula_sweep(14, path=path)])
def test_a_study_that_another_program_holds_is_not_called_damaged(study, impatient, reads):
    before = study.read_bytes()
    other = sqlite3.connect(study, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")  # as a program that looks at databases leaves it
    told = (
        r"sweep\.db is held by another program \(database is locked\): end .* goes on from there\.$"
    )
    with pytest.raises(StudyError, match=told):
        reads(study)
    other.rollback()
    other.close()
    assert study.read_bytes() == before
    assert len(reads(study).trials) in (12, 14)


def test_a_program_that_takes_the_study_under_way(study, impatient, monkeypatch):
    read, others = FormulaEngine.read, []

    def late(self, setting, start, stop):
        if not others:
            others.append(sqlite3.connect(study, isolation_level=None))
            others[0].execute("BEGIN EXCLUSIVE")
        return read(self, setting, start, stop)

    monkeypatch.setattr(FormulaEngine, "read", late)
    with pytest.raises(StudyError, match="is held by another program"):
        formula_sweep(14, path=study)
    others[0].close()
    after = formula_sweep(14, path=study).trials
    alone = formula_sweep(14).trials
    assert [t.proposal for t in after] == [t.proposal for t in alone]


@pytest.mark.parametrize("said", ["disk I/O error", "unable to open database file"])
def test_a_disk_that_can_not_be_read_is_not_called_damaged(study, monkeypatch, said):
    def broken(self, sql, values=()):
        raise sqlite3.OperationalError(said)

    with Study(study) as file:
        monkeypatch.setattr(SqliteDatabase, "execute", broken)
        with pytest.raises(StudyError, match=rf"can't be read \({said}\): see to the disk"):
            file.trials()
        with pytest.raises(StudyError, match=rf"can't be written \({said}\): see to the disk"):
            file.remember({"a": 1}, {})


def test_a_table_that_was_taken_away_is_damage(study):
    change(study, "DROP TABLE readings")
    with pytest.raises(TuningError, match="damaged or edited") as error:
        Sweep.load(study)
    assert not isinstance(error.value, StudyError)


def test_an_empty_file_is_not_made_a_study_by_looking(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    with pytest.raises(TuningError, match=r"empty\.db is no study of a sweep: it is empty"):
        Sweep.load(path)
    assert path.stat().st_size == 0


LIMITED = """
import resource, sys
from nengo_spikecost.errors import StudyError, TuningError
from tests.tuning.sweep_fakes import formula_sweep
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for path, limit in zip(sys.argv[1::2], sys.argv[2::2]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), most))
    try:
        formula_sweep(60, path=path)
    except TuningError as error:
        print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_full_disk(tmp_path):
    """The system refuses to let files grow, as a full disk or a quota does: at once, or later."""
    later, at_once = tmp_path / "later.db", tmp_path / "at_once.db"
    command = [sys.executable, "-c", LIMITED, str(later), "120000", str(at_once), "2000"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    found = said.stdout.splitlines()
    assert len(found) == 2
    for path, line in zip((later, at_once), found):
        assert f"The study {path} can't be written" in line
        assert "the same call goes on from there" in line
    assert 1 <= len(Sweep.load(later).trials) < 60  # what was tried before is whole
    # with room again they end as a sweep that was never stopped
    expected = [t.proposal for t in formula_sweep(30).trials]
    for path in (later, at_once):
        assert [t.proposal for t in formula_sweep(30, path=path).trials] == expected


def test_a_study_that_another_program_holds(study, impatient):
    other = sqlite3.connect(study, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TuningError, match=r"is held by another program \(database is locked\)"):
        formula_sweep(14, path=study)
    other.close()
    assert len(formula_sweep(14, path=study).trials) == 14
