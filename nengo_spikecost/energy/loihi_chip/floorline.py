"""What decides the time of a step, layer by layer, and what halving a core's load would give.

A step lasts as long as its slowest core (`step_time`), so sums over cores say nothing about it:
only the largest load of every step does. Yik et al. (2025) call such a model of a neuromorphic chip
a floorline, after the roofline of processors. Here nothing is modelled that was counted; at every
step

1. the time of each core is that of the longer of its halves, or of both, as in `step_time`;
2. the slowest core of a layer decides the layer's step: by synops, by updates (with the spikes they
   make) or by messages (sent, arrived, and the way of the last), whichever takes the core longest;
   or the barrier does, if it takes longer than that core; or the host, if what goes in and out
   takes longer than core and barrier together;
3. what is equally long shares the step, cores as well as parts.

Halving a core's load halves the core's time in every step. A step then lasts as long as the next
slowest core, if that is more than the half. A core that is as slow as another gives nothing alone,
so those that tie with it are halved together as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...chip.chip_work import ChipWork
from .events import RECEIVING, SENDING, Counts, step_events
from .floorline_record import DECIDERS, HOST, LOADS, Floorline, Limit, most
from .price import Setting
from .step_time import (
    SAME,
    half_times,
    host_times,
    longer_by,
    part_times,
    step_chunks,
    wait_times,
)

_PARTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    SENDING: {"updates": ("compartments", "spikes"), "messages": ("messages out",)},
    RECEIVING: {"messages": ("messages in",), "synops": ("synops",)},
}
"""Of each half of a core, which parts of its time belong to which of `DECIDERS`."""


def floorline(work: ChipWork, setting: Setting, level: str, host: bool) -> Floorline:
    """What decides the time of a step of this work.

    Parameters
    ----------
    work : ChipWork
    setting : Setting
        Whose times are used.
    level : {"low", "nominal", "high"}
    host : bool
        Whether steps wait for what goes in and out of the chip.
    """
    names = {"chip": np.arange(work.n_cores)}
    layers = np.array(work.layers)
    names.update({name: np.flatnonzero(layers == name) for name in work.layer_names})
    return _Floorline(work, setting, level, host, list(names), list(names.values())).found()


class _Steps(NamedTuple):
    """Times of some steps, in s.

    Attributes
    ----------
    core : ndarray of shape (n_steps, n_cores)
    shares : mapping from one of `DECIDERS` to ndarray of shape (n_steps, n_cores)
        How much of a core's time each decides: 1, or a part of it if several are equally long.
    barrier, way : float
        Of every step besides its cores, and so the way of the last message.
    sent : ndarray of shape (n_steps,)
        Of what goes in and out.
    least : ndarray of shape (n_steps,)
        Of the slowest core, whatever blocks the layers are cut into: see `_Floorline._least`.
    """

    core: np.ndarray
    shares: Mapping[str, np.ndarray]
    barrier: float
    way: float
    sent: np.ndarray
    least: np.ndarray


class _Floorline:
    """Passes over all steps, a chunk of samples at a time.

    1. How often is each core the slowest of its layer, and of the chip, and what decides?
    2. Which cores are as slow as the one that is so most often?
    3. What decides the time of these?
    4. What would halving give, and who limits then?
    """

    def __init__(
        self, work: ChipWork, setting: Setting, level: str, host: bool, names: Sequence[str],
        groups: Sequence[np.ndarray],
    ):  # fmt: skip
        self.work, self.setting, self.level, self.host = work, setting, level, host
        self.names, self.groups = names, groups
        n_groups, n_cores = len(groups), work.n_cores
        self.n_rows = 0
        self.least_s = 0.0
        self.step_s = np.zeros(n_groups)
        self.decided = {name: np.zeros(n_groups) for name in DECIDERS}
        #: steps in which each core is the slowest of the group, and those of the chip that it sets
        self.slowest = np.zeros((n_groups, n_cores))
        self.sets = np.zeros(n_cores)

    def found(self) -> Floorline:
        for steps in self._steps():
            self._first(steps)
        cores = [int(_first_largest(row)) for row in self.slowest]
        tied = self._tied(cores)
        loads = self._loads([[core, *others] for core, others in zip(cores, tied)])
        saved, after = self._halved(cores, tied)
        # counts without steps have one row for all steps of an inference
        n_steps = self.n_rows * (1 if self.work.by_step is not None else self.work.n_steps)
        limits = []
        for g, own in enumerate(self.groups):
            together = [cores[g], *tied[g]]
            limits.append(Limit(
                name=self.names[g], n_cores=len(own), step_s=float(self.step_s[g] / n_steps),
                decided_by={key: float(x[g] / self.n_rows) for key, x in self.decided.items()},
                core=self.work.cores[cores[g]], tied=tuple(self.work.cores[k] for k in tied[g]),
                core_decider=most(loads[g]),
                slowest=float(self.slowest[g, together].sum() / self.n_rows),
                core_sets=float(self.sets[together].sum() / self.n_rows),
                all_sets=float(self.sets[own].sum() / self.n_rows),
                core_saves_s=float(saved[g, 0] / n_steps),
                tied_saves_s=float(saved[g, 1] / n_steps),
                all_saves_s=float(saved[g, 2] / n_steps), then=self._then(after[g]),
            ))  # fmt: skip
        return Floorline(
            limits[0].step_s, limits[0], tuple(limits[1:]), self.host, self.level,
            self.work.by_step is not None, float(self.least_s / n_steps),
        )  # fmt: skip

    def _steps(self) -> Iterator[_Steps]:
        """Times of all steps of all samples, some samples at a time."""
        work, setting, level = self.work, self.setting, self.level
        waits = wait_times(work, setting.profile, setting.board, level)
        n_steps = 1 if work.by_step is None else work.n_steps
        times = work.n_steps / n_steps
        way = waits.pop("hops") * times
        barrier = sum(waits.values()) * times
        for chunk in step_chunks(work):
            events = step_events(work, chunk, level)
            parts = part_times(events, setting.profile, level)
            least = self._least(events, parts)
            parts = {name: part.reshape(-1, work.n_cores) for name, part in parts.items()}
            core, shares = _deciding(parts, together=level != "high")
            sent = np.zeros(len(core))
            if self.host:
                sent = host_times(work, setting.host_io, n_steps, level, chunk).reshape(-1)
            yield _Steps(core, shares, barrier, way, sent, least)

    def _least(self, events: Counts, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        """Time of the slowest core of each step, of any blocks on as many cores a layer.

        Other blocks deal a layer's updates, spikes and synops out anew, and make none less; so its
        slowest core takes at least as long as all its cores do on average. Messages may be fewer,
        and are left out. Weights to all of a block may be to some of another, so that dense and
        sparse synops take the shorter time of both.
        """
        profile, level = self.setting.profile, self.level
        discrete_s = min(profile.time_s(f"synop_{kind}", level) for kind in ("dense", "sparse"))
        times = {"dense": discrete_s, "sparse": discrete_s}
        times["conv"] = profile.time_s("synop_conv", level)
        sends = parts["compartments"] + parts["spikes"]
        synops = (events.get(f"synop_{kind}", 0) * time for kind, time in times.items())
        receives = sum(synops, np.zeros_like(sends))
        means = []
        for own in self.groups[1:]:
            halves = [half[..., own].mean(axis=-1).reshape(-1) for half in (sends, receives)]
            means.append(np.maximum(*halves) if level != "high" else halves[0] + halves[1])
        return np.asarray(np.max(means, axis=0))

    def _lasts(self, steps: _Steps, slowest: np.ndarray) -> np.ndarray:
        """Time of each step whose slowest core takes so long."""
        chip_s = slowest + steps.barrier + steps.way
        if not self.host:
            return chip_s
        return chip_s + longer_by(chip_s, steps.sent, self.setting.host_io)

    def _first(self, steps: _Steps) -> None:
        self.n_rows += len(steps.core)
        for g, own in enumerate(self.groups):
            core = steps.core[:, own]
            longest = core.max(axis=1)
            weight = _ties(core, longest)
            weight /= weight.sum(axis=1, keepdims=True)
            lasts = self._lasts(steps, longest)
            by_chip, by_host = _shared(longest + steps.barrier + steps.way, steps.sent)
            by_core, by_barrier, by_way = by_chip * _shared(longest, steps.barrier, steps.way)
            for name, share in steps.shares.items():
                self.decided[name][g] += by_core @ (weight * share[:, own]).sum(axis=1)
            self.decided["messages"][g] += by_way.sum()
            self.decided["barrier"][g] += by_barrier.sum()
            self.decided["host"][g] += by_host.sum()
            self.step_s[g] += lasts.sum()
            self.slowest[g, own] += weight.sum(axis=0)
            if g == 0:  # the chip
                self.least_s += float(self._lasts(steps._replace(way=0.0), steps.least).sum())
                self.sets += by_chip @ weight

    def _tied(self, cores: Sequence[int]) -> list[list[int]]:
        """Of each group, cores as slow as its own in most of the steps that this is slowest in."""
        as_slow = [np.zeros(len(own)) for own in self.groups]
        for steps in self._steps():
            for g, own in enumerate(self.groups):
                core = steps.core[:, own]
                ties = _ties(core, core.max(axis=1))
                as_slow[g] += ties[:, own == cores[g]][:, 0] @ ties
        most = [2 * counts > counts.max() for counts in as_slow]  # most of those of the core itself
        return [
            [int(k) for k in own[tied] if k != cores[g]]
            for g, (own, tied) in enumerate(zip(self.groups, most))
        ]

    def _loads(self, groups: Sequence[Sequence[int]]) -> list[dict[str, float]]:
        """Of each group, how many of the steps set by these cores each of `LOADS` decides."""
        found = [dict.fromkeys(LOADS, 0.0) for _ in self.groups]
        for steps in self._steps():
            for own, some, loads in zip(self.groups, groups, found):
                core = steps.core[:, own]
                weight = _ties(core, core.max(axis=1))
                weight *= np.isin(own, some) / weight.sum(axis=1, keepdims=True)
                for name in LOADS:
                    loads[name] += float((weight * steps.shares[name][:, own]).sum())
        return found

    def _halved(
        self, cores: Sequence[int], tied: Sequence[Sequence[int]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Time that halving saves, and who limits then.

        Returns
        -------
        saved : ndarray of shape (n_groups, 3)
            In s over all steps: of the core, of it and those tied with it, of all of the group.
        after : ndarray of shape (n_groups, n_cores + 1)
            Of the steps that the core and those tied with it set: those that each core sets, and
            last the host, once they are halved.
        """
        saved = np.zeros((len(self.groups), 3))
        after = np.zeros((len(self.groups), self.work.n_cores + 1))
        for steps in self._steps():
            lasts = self._lasts(steps, steps.core.max(axis=1))
            sets = _sets(steps)
            for g, (own, elsewhere) in enumerate(zip(self.groups, self._elsewhere(steps))):
                together = [cores[g], *tied[g]]
                for n, halved in enumerate(([cores[g]], together, own.tolist())):
                    fewer = np.where(np.isin(own, halved), 0.5, 1.0) * steps.core[:, own]
                    longest = np.maximum(fewer.max(axis=1), elsewhere)
                    saved[g, n] += _less(lasts, self._lasts(steps, longest))
                mine = sets[:, together].sum(axis=1)
                some = np.flatnonzero(mine)
                core = steps.core[some]
                core[:, together] /= 2
                after[g] += mine[some] @ _sets(steps._replace(core=core, sent=steps.sent[some]))
        return saved, after

    def _elsewhere(self, steps: _Steps) -> Iterator[np.ndarray]:
        """Of each group, the time of the slowest core that is not in it."""
        yield np.zeros(len(steps.core))  # all are of the chip
        longest = np.stack([steps.core[:, own].max(axis=1) for own in self.groups[1:]])
        first = longest.argmax(axis=0)
        two = -np.sort(-longest, axis=0)[:2]
        for g in range(len(longest)):
            beside = two[1] if len(longest) > 1 else np.zeros(longest.shape[1])
            yield np.where(first == g, beside, two[0])

    def _then(self, after: np.ndarray) -> str | None:
        if not after.any():
            return None
        return (*self.work.cores, HOST)[_first_largest(after)]


def _less(before: np.ndarray, after: np.ndarray) -> float:
    """By how much less time steps take; what only rounding makes less is none."""
    return float((before - after)[after < before * SAME].sum())


def _sets(steps: _Steps) -> np.ndarray:
    """Share of each step that each core sets the time of, and last the host."""
    longest = steps.core.max(axis=1)
    weight = _ties(steps.core, longest)
    by_chip, by_host = _shared(longest + steps.barrier + steps.way, steps.sent)
    return np.column_stack([weight * (by_chip / weight.sum(axis=1))[:, None], by_host])


def _deciding(
    parts: Mapping[str, np.ndarray], together: bool
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Time of each core, and how much of it each of `DECIDERS` decides."""
    half = half_times(parts)
    loads = [
        {name: np.asarray(sum(parts[key] for key in keys)) for name, keys in _PARTS[h].items()}
        for h in half
    ]
    if together:  # the longer half decides, and in it the longest load
        core, halves = np.maximum(*half.values()), _shared(*half.values())
    else:
        core, halves = np.asarray(sum(half.values())), np.ones(1)
        loads = [{name: _sum(loads, name) for name in ("synops", "updates", "messages")}]
    shares = [
        dict(zip(own, of_half * _shared(*own.values()))) for own, of_half in zip(loads, halves)
    ]
    return core, {name: _sum(shares, name) for name in ("synops", "updates", "messages")}


def _sum(loads: Sequence[Mapping[str, np.ndarray]], name: str) -> np.ndarray:
    return np.asarray(sum(own[name] for own in loads if name in own))


def _shared(*values: np.ndarray | float) -> np.ndarray:
    """Of each value 1 where it is the largest, or its part if several are; one row a value."""
    stacked = np.stack(np.broadcast_arrays(*values))
    largest = _ties(stacked.T, stacked.max(axis=0).T).T
    return np.asarray(largest / largest.sum(axis=0))


def _ties(values: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """1 where a value is as large as the largest of its row, else 0."""
    return (values >= largest[..., None] * SAME).astype(np.float64)


def _first_largest(values: np.ndarray) -> int:
    """The first of those that are largest, but for how shares of steps are rounded."""
    return int(np.flatnonzero(values >= values.max() * (1 - 1e-9))[0])
