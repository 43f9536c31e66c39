"""A sweep of several processes, on as many machines, that share one study.

Each of them makes the same search, since it follows from the trials in the study; so they have to
share the readings that it asks for, not the search:

1. A reading of some images with a setting is made by one process, which holds its lock meanwhile,
   and put into the study as a draft, where the others find it.
2. A process whose next reading another makes goes ahead, with the first stage of settings that are
   likely to come next.
3. Whoever has a trial together first writes it; the others take it as it is, for theirs would be
   the same.

A process that ends, however, lets go of its locks, and another takes its reading over.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...deadlines import check_time
from ...digests import array_digest
from ...layout.si import known
from .joint_sums import Agreement
from .study import Study, packed, unpacked
from .trials import Proposal, Reading, Setting

#: Seconds between two looks at what the others did.
_LOOK_S = 0.1

#: How many settings a process looks ahead for something to do.
_AHEAD = 8


class TriedElsewhere(Exception):
    """Another process has written the trial that is under way."""


class DraftingEngine:
    """Reads as another engine, and shares what it reads with the processes of a study.

    Parameters
    ----------
    file : Study
    engine : SweepEngine or SharedEngine
        Makes the readings.
    stages : sequence of int
        Images after which a setting may be given up.
    """

    def __init__(self, file: Study, engine: Any, stages: Sequence[int]):
        self._file, self._db, self._engine = file, file.database, engine
        self._first = stages[0]
        self._likely: Iterator[Proposal] = iter(())
        self._number = 0

    def expect(self, likely: Iterable[Proposal]) -> None:
        """Take note of the proposal that comes next, and of those that may follow it."""
        own, ahead = itertools.tee(likely)
        self._number = self._file.n_trials()
        self._likely = itertools.islice(own, 1, 1 + _AHEAD)
        if hasattr(self._engine, "expect"):
            self._engine.expect(ahead)

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Simulate images ``start`` to ``stop``, or wait for another process that does.

        Raises
        ------
        TriedElsewhere
            If the trial was finished meanwhile.
        """
        while True:
            readings = self._made(setting, start, stop)
            if readings is not None:
                return readings
            if self._file.n_trials() > self._number:
                raise TriedElsewhere
            check_time()
            ahead = next(self._likely, None)
            if ahead is None:
                time.sleep(_LOOK_S)
            else:
                self._made(ahead.setting, 0, self._first)

    def _made(self, setting: Setting, start: int, stop: int) -> Sequence[Reading] | None:
        """Readings, by whoever made them; None if another process is at it."""
        exactly = [*setting.scales.items(), setting.synapse, start, stop]
        part = array_digest([json.dumps(exactly)])
        with self._file.answered():
            drafts = self._drafts(part)
            if drafts or not self._db.lock(part, wait=False):
                return drafts
            drafts = self._drafts(part)  # of one that has just let go of it
        try:
            if drafts is None:
                drafts = list(self._engine.read(setting, start, stop))
                with self._file.answered():
                    self._keep(part, drafts)
        finally:
            with contextlib.suppress(*self._db.errors):
                self._db.unlock(part)
        return drafts

    def _drafts(self, part: str) -> list[Reading] | None:
        sql = "SELECT * FROM drafts WHERE part = ? ORDER BY n_steps"
        rows = self._db.execute(sql, (part,))
        return [
            Reading(
                n_steps, unpacked(correct), unpacked(energy_J),
                float("nan") if synops is None else synops, json.loads(layers),
                None if agreement is None else Agreement.of_array(unpacked(agreement)),
            )
            for _, n_steps, synops, layers, correct, energy_J, agreement in rows
        ] or None  # fmt: skip

    def _keep(self, part: str, readings: Sequence[Reading]) -> None:
        rows = [
            (
                part, r.n_steps, known(r.synops),
                json.dumps(dict(r.layer_synops)), packed(r.correct), packed(r.energy_J),
                None if r.agreement is None else packed(r.agreement.to_array()),
            )
            for r in readings
        ]  # fmt: skip
        with self._db.transaction():
            self._db.many("INSERT INTO drafts VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def remove_drafts(file: Study) -> None:
    """Take the drafts of a finished sweep away."""
    with file.answered():
        file.database.execute("DELETE FROM drafts")
