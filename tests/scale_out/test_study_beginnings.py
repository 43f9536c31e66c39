"""Studies that several begin or read at the same moment."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest

from nengo_spikecost.errors import TuningError
from nengo_spikecost.tuning.sweeps import study as study_module
from nengo_spikecost.tuning.sweeps.study import FORMAT, Study
from nengo_spikecost.tuning.sweeps.trials import Proposal, Setting, Trial
from tests.tuning.sweep_fakes import RULE, FormulaEngine

AT_ONCE = 6


def together(function, n=AT_ONCE):
    """What a function gives in each of several threads, which begin together."""
    gate = threading.Barrier(n)

    def after_the_gate(number):
        gate.wait(30)
        return function(number)

    with ThreadPoolExecutor(n) as threads:
        return list(threads.map(after_the_gate, range(n)))


def emptied(address):
    import psycopg

    name, folder = address.partition("@/")[2].split("?host=")
    with psycopg.connect(f"host={folder} user=study dbname={name}", autocommit=True) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")


@pytest.mark.parametrize("alone", [True, False])
def test_any_number_of_processes_begin_at_once(address, alone):
    """As `sweep` does, and as whoever looks what is there without a lock."""

    def begin(number):
        with Study(address) as file:
            if alone:
                with file.alone():
                    return remember(file, number)
            return remember(file, number)

    def remember(file, number):
        if "about" not in file.facts():
            file.remember({"about": number, "of": number}, {"x": np.full(3, number)})
        facts, arrays = file.facts(), file.arrays()
        return facts, arrays["x"].tolist()

    for _ in range(15):
        told = together(begin)
        assert all(facts["format"] == FORMAT for facts, _ in told)
        if alone:
            assert all(each == told[0] for each in told)
        with Study(address, readonly=True) as file:
            facts = file.facts()
            assert file.arrays()["x"].tolist() == [facts["about"]] * 3 == [facts["of"]] * 3
        emptied(address)


def test_of_a_file_one_process_begins(tmp_path):
    for number in range(15):
        path, done = str(tmp_path / f"{number}.db"), threading.Barrier(AT_ONCE)

        def begin(_, path=path, done=done):
            try:
                with Study(path) as file:
                    done.wait(30)
                    return file.facts()
            except TuningError as error:
                done.wait(30)
                return str(error)

        told = together(begin)
        assert told.count({"format": FORMAT}) == 1
        told.remove({"format": FORMAT})
        assert all(each.startswith("Another process works on the study") for each in told)


@pytest.fixture(params=["file", "server"])
def place(request, tmp_path):
    if request.param == "file":
        return str(tmp_path / "study.db")
    return request.getfixturevalue("address")


def after_every_statement(monkeypatch, file, writer, function):
    """Have another thread run a function after each statement of a study; gives its futures."""
    execute, futures = file.database.execute, []

    def and_then(*arguments):
        rows = execute(*arguments)
        futures.append(writer.submit(function))
        wait(futures, 0.1)  # no longer: who writes to a file waits until it was read
        return rows

    monkeypatch.setattr(file.database, "execute", and_then)
    return futures


def write_more(place):
    """Add a trial, and replace and add facts and arrays that belong together."""
    with Study(place) as file:
        n, setting = file.n_trials(), Setting(RULE, 0.005)
        readings = tuple(FormulaEngine(40).read(setting, 0, 40))
        file.add(Trial(n, Proposal(setting, "start"), "complete", readings, "", 0.1))
        file.remember({"n": n, f"fact {n}": n}, {"n": np.full(2, n), f"array {n}": np.ones(n + 1)})


@pytest.mark.parametrize("read", [Study.facts, Study.arrays, Study.trials, Study.judged])
def test_what_is_written_while_others_read(place, monkeypatch, read):
    """Each statement of a reader is followed by all that a process may write."""
    write_more(place)
    with ThreadPoolExecutor(1) as writer:
        with Study(place, readonly=True) as file:
            more = functools.partial(write_more, place)
            written = after_every_statement(monkeypatch, file, writer, more)
            read(file)
            monkeypatch.undo()
        for future in written:
            future.result(30)
    with Study(place, readonly=True) as file:
        assert len(file.trials()) == 1 + len(written) > 3


def test_a_study_is_seen_whole_or_not_at_all(place, monkeypatch):
    """One that looks in while another begins finds no study, or one with its facts."""
    seen = []

    def look():
        try:
            with Study(place, readonly=True) as file:
                seen.append(file.facts())
        except TuningError as error:
            seen.append(str(error))

    opened = study_module.opened

    def opened_and_watched(path, readonly=False):
        database = opened(path, readonly)
        if not readonly:
            made = database.make_tables

            def make_tables():
                made()
                thread = threading.Thread(target=look)
                thread.start()
                thread.join(30)
                assert not thread.is_alive()

            database.make_tables = make_tables
        return database

    monkeypatch.setattr(study_module, "opened", opened_and_watched)
    Study(place).close()
    look()
    assert "is no study of a sweep: it is empty" in seen[0] and seen[1] == {"format": FORMAT}
