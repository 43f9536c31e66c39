"""A study in PostgreSQL, which several processes share: the trials of one process."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from nengo_spikecost.errors import StudyError, TuningError
from nengo_spikecost.tuning.sweeps import Sweep
from nengo_spikecost.tuning.sweeps.shared_study import remove_drafts
from nengo_spikecost.tuning.sweeps.study import Study
from nengo_spikecost.tuning.sweeps.sweep_run import run_trials
from tests.scale_out.test_shared_sweep import facts
from tests.tuning.sweep_fakes import ABOUT, FormulaEngine, formula_search

N_TRIALS = 24


class SlowEngine(FormulaEngine):
    """Takes as long as a small network."""

    def read(self, setting, start, stop):
        time.sleep(0.05)
        return super().read(setting, start, stop)


def searched(study, n_trials=N_TRIALS, kind=FormulaEngine):
    engine = kind(400)
    search, rules = formula_search(engine, (0.005, 0.01), 80)
    with Study(study) as file:
        if "about" not in file.facts():
            facts = {"about": ABOUT, "space": search.space.to_dict()}
            file.remember(facts, {"reference": engine.reference})
        run_trials(file, search, rules, engine, n_trials, False)
        return file.trials(), len(engine.calls)


def test_a_study_is_kept_and_read_as_in_a_file(address, tmp_path):
    alone, _ = searched(None)
    for study in (address, str(tmp_path / "study.db")):
        searched(study, 9)
        trials, _ = searched(study)
        assert facts(trials) == facts(alone)
        swept = Sweep.load(study)
        assert facts(swept.trials) == facts(alone) and len(swept.front()) > 3


def start(study):
    code = (
        "from tests.scale_out.test_shared_study import N_TRIALS, SlowEngine, searched\n"
        "print('ready', flush=True), input()\n"
        f"print('calls', searched({study!r}, N_TRIALS, SlowEngine)[1], flush=True)"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code], text=True, **pipes)


def test_processes_share_the_work_and_one_is_killed(address):
    killed, *others = processes = [start(address) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:  # together, however long each took to import
        process.stdin.write("\n")
        process.stdin.flush()
    deadline = time.monotonic() + 120
    with Study(address) as file:
        while file.n_trials() < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
    killed.kill()
    calls = []
    for process in others:
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        calls.append(int(told.split()[-1]))
    alone, n_alone = searched(None)
    with Study(address) as file:
        assert facts(file.trials()) == facts(alone)
    assert max(calls) < n_alone and min(calls) > 0
    killed.communicate()


def test_what_was_edited_is_refused(address):
    import psycopg

    searched(address, 4)
    name, folder = address.partition("@/")[2].split("?host=")
    with psycopg.connect(f"host={folder} user=study dbname={name}", autocommit=True) as db:
        db.execute("UPDATE trials SET scales = '{}' WHERE number = 2")
    with pytest.raises(TuningError, match=r"was damaged or edited .*\(trial 2\)"):
        searched(address)


def end_connections(address):
    """As a server does that is stopped, or a network that is cut."""
    import psycopg

    name, folder = address.partition("@/")[2].split("?host=")
    with psycopg.connect(f"host={folder} user=study dbname=postgres", autocommit=True) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


@pytest.mark.parametrize("call", [1, 6])
def test_a_connection_that_is_lost_is_no_damage_and_no_failed_setting(address, monkeypatch, call):
    read = FormulaEngine.read

    def lost(self, setting, start, stop):
        if len(self.calls) == call:
            end_connections(address)
        return read(self, setting, start, stop)

    monkeypatch.setattr(FormulaEngine, "read", lost)
    told = r"can't be reached any more \(.+\): see to the server .* goes on from there\.$"
    with pytest.raises(StudyError, match=told):
        searched(address)
    monkeypatch.undo()
    trials, _ = searched(address)
    assert facts(trials) == facts(searched(None)[0])


@pytest.mark.parametrize(
    "ask",
    [
        lambda file: file.trials(), lambda file: file.n_trials(), lambda file: file.judged(),
        lambda file: file.remember({"a": 1}), lambda file: file.alone().__enter__(),
        lambda file: remove_drafts(file),
    ],
)  # fmt: skip
def test_whatever_is_asked_of_a_connection_that_is_lost(address, ask):
    searched(address, 3)
    with Study(address) as file:
        end_connections(address)
        with pytest.raises(StudyError, match="can't be reached any more"):
            ask(file)


@pytest.mark.parametrize(
    "study, words",
    [
        ("mysql://me@host/name", "no database of PostgreSQL"),
        ("postgresql://me:secret@nowhere.invalid/x", r"postgresql://me:\*\*\*@nowhere.* reached"),
        ("://", "no address of a database"),
    ],
)
def test_other_addresses_are_refused(study, words):
    pytest.importorskip("psycopg")
    with pytest.raises(TuningError, match=words) as error:
        Study(study)
    assert "secret" not in str(error.value)


def test_numbers_are_kept_to_the_last_digit(address):
    alone, _ = searched(None, 3)
    searched(address, 3)
    with Study(address) as file:
        for own, expected in zip(file.trials(), alone):
            for a, b in zip(own.readings, expected.readings):
                assert a.synops == b.synops and dict(a.layer_synops) == dict(b.layer_synops)
                np.testing.assert_array_equal(a.energy_J, b.energy_J)
