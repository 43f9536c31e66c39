"""The settings of a sweep, simulated by the workers of a cluster.

A search is one thing after another: each proposal follows from the trials before it. What can be
done at the same time are readings, which follow from a setting and images alone:

1. All stages of the trial that is under way, in parts of `IMAGES_AT_ONCE` images. If it is given up
   after the first stage, the others are cancelled.
2. The first stage of the trials that are likely to come next: of the starts, which are known, and
   of the moves that the search would make if those before them led nowhere, as most do.

The search itself goes on as in one process, and asks for one reading after the other; a guess that
was wrong has cost time on a worker, and nothing else. So the trials are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ...activity.processors import at_most
from ...scale_out import Built, Shard, Shards, Work
from .sweep_engine import IMAGES_AT_ONCE, NetworkEngine, SweepEngine
from .sweep_plan import Plan
from .trials import Proposal, Reading, Setting, with_more

MakeEngine = Callable[[Plan], SweepEngine]
"""From the plan of a sweep to the engine that simulates its settings."""


class FailedThere(Exception):
    """A setting could not be simulated on a worker.

    Parameters
    ----------
    reason : str
        As one process says it.
    """


class _Part(NamedTuple):
    """Some images with a setting, which is what workers read."""

    setting: tuple[Any, ...]  # to the last digit: rounded ones would be other readings
    n_steps: tuple[int, ...] | None
    start: int
    stop: int


class SweepWork(Work):
    """An engine that every worker builds.

    Parameters
    ----------
    make : callable
        Makes the engine.
    plan : Plan
    facts : mapping
        What the study keeps of the engine.
    """

    def __init__(self, make: MakeEngine, plan: Plan, facts: Mapping[str, Any]):
        # neither is needed there, nor can be sent
        options = replace(plan.options, client=None, study=None, reference=None, progress=False)
        self.make, self.plan, self.facts = make, replace(plan, options=options), dict(facts)

    def build(self, n_threads: int) -> Built:
        with at_most(n_threads):
            engine = self.make(self.plan)
            engine.recall(self.facts)
        return _BuiltEngine(engine, n_threads)


class _BuiltEngine(Built):
    def __init__(self, engine: SweepEngine, n_threads: int):
        self._engine, self._n_threads = engine, n_threads

    def run(self, what: Any, data: Any, go_on: Callable[[], None]) -> Sequence[Reading] | str:
        """The readings of some images, or why there are none."""
        setting, part, n_first = what
        try:
            with at_most(self._n_threads):
                if part.n_steps is not None:
                    assert isinstance(self._engine, NetworkEngine)
                    return self._engine.read_at(setting, part.n_steps, part.start, part.stop)
                return self._engine.read_part(setting, part.start, part.stop, n_first)
        except Exception as error:  # kept with the trial, as in one process
            return failure(error)

    def close(self) -> None:
        self._engine.close()


def failure(error: Exception) -> str:
    """Why a setting could not be simulated, in a line."""
    if isinstance(error, FailedThere):
        return str(error)
    lines = str(error).split("\n")
    return f"{type(error).__name__}: {lines[0]}"


class SharedReadings:
    """Readings that workers make.

    Parameters
    ----------
    client : distributed.Client
    work : SweepWork
    n_first : int
        Images of the first stage.
    """

    def __init__(self, client: Any, work: SweepWork, n_first: int):
        self._shards, self._n_first = Shards(client, work), n_first
        self._read: dict[_Part, Any] = {}

    def close(self) -> None:
        """Cancel what workers still do."""
        self._shards.close()

    def want(
        self, surely: Sequence[tuple[Setting, _Part]], likely: Iterable[tuple[Setting, _Part]]
    ) -> None:
        """Have readings made that are needed, and as many that may be as there is room for."""
        wanted = [*surely]
        for setting, part in surely:
            self._send(setting, part)
        self._shards.finished(wait=False)
        for setting, part in likely:
            if not self._is_known(part):
                if not self._shards.has_room():
                    break
                self._send(setting, part)
            wanted.append((setting, part))
        self._drop_but({part for _, part in wanted})

    def readings(self, setting: Setting, parts: Sequence[_Part]) -> list[Reading]:
        """The readings of these images, put together.

        Raises
        ------
        FailedThere
            If they could not be simulated.
        """
        for part in parts:
            self._send(setting, part)
        readings: list[Reading] = []
        for part in parts:
            if part not in self._read:
                self._read[part] = self._shards.result(part)
            if isinstance(self._read[part], str):
                raise FailedThere(self._read[part])
            readings = with_more(readings, self._read[part])
        return readings

    def _is_known(self, part: _Part) -> bool:
        """Whether the readings of a part are there, or on their way."""
        return part in self._read or part in self._shards.under_way

    def _send(self, setting: Setting, part: _Part) -> None:
        if not self._is_known(part):
            words = f"images {part.start} to {part.stop - 1} with scales {dict(setting.scales)}"
            self._shards.send(part, Shard((setting, part, self._n_first), words))

    def _drop_but(self, wanted: set[_Part]) -> None:
        self._shards.drop(self._shards.under_way - wanted)
        self._read = {part: read for part, read in self._read.items() if part in wanted}


def parts_of(
    setting: Setting, start: int, stop: int, n_steps: Sequence[int] | None = None
) -> list[_Part]:
    """Images in parts as one process holds them."""
    steps = None if n_steps is None else tuple(n_steps)
    exactly = (*setting.scales.items(), setting.synapse)
    return [
        _Part(exactly, steps, first, min(first + IMAGES_AT_ONCE, stop))
        for first in range(start, stop, IMAGES_AT_ONCE)
    ]


class SharedEngine:
    """Reads as a `SweepEngine` does, on workers.

    Parameters
    ----------
    client : distributed.Client
    work : SweepWork
    stages : sequence of int
        Images after which a setting may be given up; the last is all of them.
    """

    def __init__(self, client: Any, work: SweepWork, stages: Sequence[int]):
        self._stages = (0, *stages)
        self._readings = SharedReadings(client, work, stages[0])
        self._under_way: Setting | None = None

    def expect(self, likely: Iterable[Proposal]) -> None:
        """Begin with the proposal that comes next, and with others that may follow it."""
        proposals = iter(likely)
        setting = next(proposals).setting
        stages = list(zip(self._stages, self._stages[1:]))
        surely = [(setting, part) for stage in stages for part in parts_of(setting, *stage)]
        after = (
            (proposal.setting, part)
            for proposal in proposals
            # the baseline is never given up
            for stage in (stages if proposal.baseline else stages[:1])
            for part in parts_of(proposal.setting, *stage)
        )
        self._readings.want(surely, after)

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Simulate images ``start`` to ``stop``; a reading for each presentation time."""
        return self._readings.readings(setting, parts_of(setting, start, stop))

    def close(self) -> None:
        """Cancel what workers still do."""
        self._readings.close()


class SharedJudge:
    """Settings simulated once more by NengoDL, on workers.

    Parameters
    ----------
    client : distributed.Client
    plan : Plan
        Of a sweep in NengoDL.
    """

    def __init__(self, client: Any, plan: Plan):
        self._n_images = len(plan.x)
        work = SweepWork(NetworkEngine, plan, {})
        self._readings = SharedReadings(client, work, self._n_images)

    def expect(self, chosen: Iterable[tuple[Setting, Sequence[int]]]) -> None:
        """Begin with these settings, each to be read at some presentation times."""
        surely = [
            (setting, part)
            for setting, n_steps in chosen
            for part in parts_of(setting, 0, self._n_images, n_steps)
        ]
        self._readings.want(surely, ())

    def read_at(self, setting: Setting, n_steps: Sequence[int]) -> Sequence[Reading]:
        """Simulate all images; a reading for each of these presentation times."""
        parts = parts_of(setting, 0, self._n_images, n_steps)
        return self._readings.readings(setting, parts)

    def close(self) -> None:
        """Cancel what workers still do."""
        self._readings.close()
