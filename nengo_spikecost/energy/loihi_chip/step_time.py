"""How long an inference takes on the chip: the slowest core of every step, and the waits.

A step lasts as long as its slowest core, the way of the last message, the barrier of the tiles
and that of the chips; and at least as long as what goes in and out of the chip
(`nengo_spikecost.energy.loihi_chip.HostIO`). Spikes that go in one by one come before the cores'
work, so that the time of both counts.

A core has two halves. One updates all compartments, one after the other, and sends the spikes;
the other takes messages in and makes their synops. Side by side a core needs the time of the
longer (SANA-FE's simple timing model), one after the other the time of both: that is the high
end. Waits for a crowded mesh are not modelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ...chip.chip_work import ChipWork
from .chip_profile import Board, HostIO, Profile
from .events import RECEIVING, SENDING, Counts, step_events

CORE_TIMES = {
    "compartments": ("idle_update", "active_update"),
    "spikes": ("spike",),
    "messages out": ("message",),
    "messages in": ("axon_event",),
    "synops": ("synop_dense", "synop_sparse", "synop_conv"),
}
"""Parts that the time of a core is shown in, and the events of each."""

HALVES = {
    SENDING: ("compartments", "spikes", "messages out"),
    RECEIVING: ("messages in", "synops"),
}
"""Parts that each half of a core works on."""

SAME = 1 - 1e-12
"""Times are equal if one is at least this much of the other: their sums are rounded."""

IN_AND_OUT = "in and out"
"""The name of the time by which input and output make steps longer."""

TIME_PARTS = (*CORE_TIMES, "hops", "tile barrier", "chip barrier", IN_AND_OUT)
"""Where the time of an inference goes; the first ones are those of the slowest core."""

_CHUNK_ELEMENTS = 1 << 20


@dataclass(frozen=True)
class ChipTime:
    """Where the time of an inference goes, in s.

    Attributes
    ----------
    parts_s : mapping from one of `TIME_PARTS` to ndarray of shape (n_samples,)
        Of the slowest core of each step, and of the waits.
    cores_s : ndarray of shape (n_samples, n_cores)
        Each core's own time.
    host_s : ndarray of shape (n_samples,)
        Time that input and output take, whether the cores wait for it or not.
    slowest : ndarray of shape (n_cores,)
        Share of all steps in which each core is the slowest; without counts by step, of all
        inferences. Cores that are equally slow share a step.
    by_step : bool
        Whether the slowest core of each step is known. Else the time of the cores is that of
        the slowest over the whole inference, and a lower bound.
    """

    parts_s: Mapping[str, np.ndarray] = field(repr=False)
    cores_s: np.ndarray = field(repr=False)
    host_s: np.ndarray = field(repr=False)
    slowest: np.ndarray = field(repr=False)
    by_step: bool

    @property
    def latency_s(self) -> np.ndarray:
        """Time of an inference, shape (n_samples,)."""
        return np.asarray(np.sum([*self.parts_s.values()], axis=0))


def chip_time(
    work: ChipWork, profile: Profile, board: Board, host_io: HostIO, level: str
) -> ChipTime:
    """Time of each inference with all constants at one level.

    Parameters
    ----------
    work : ChipWork
    profile, board, host_io
        Whose times are used.
    level : {"low", "nominal", "high"}
        ``"high"``: the halves of a core work one after the other.
    """
    n_samples, n_cores = work.n_samples, work.n_cores
    waits = wait_times(work, profile, board, level)
    parts = {key: np.zeros(n_samples) for key in TIME_PARTS}
    cores_s, slowest = np.zeros((n_samples, n_cores)), np.zeros(n_cores)
    host_s = np.zeros(n_samples)
    n_steps = 1 if work.by_step is None else work.n_steps
    for chunk in step_chunks(work):
        events = step_events(work, chunk, level)
        times = part_times(events, profile, level)
        core, counted = _core_times(times, together=level != "high")
        first = core.argmax(axis=-1)[..., None]
        for key in CORE_TIMES:
            of_slowest = np.take_along_axis(counted[key], first, axis=-1)
            parts[key][chunk] = of_slowest.sum(axis=(1, 2))
        cores_s[chunk] = core.sum(axis=1)
        busy = np.take_along_axis(core, first, axis=-1)[..., 0]
        # cores that are equally slow, as those of a layer often are, share the step
        ties = core >= busy[..., None] * SAME
        slowest += (ties / ties.sum(axis=-1, keepdims=True)).sum(axis=(0, 1))
        sent_s = host_times(work, host_io, n_steps, level, chunk)
        chip_s = busy + sum(waits.values()) * (work.n_steps / n_steps)
        parts[IN_AND_OUT][chunk] = longer_by(chip_s, sent_s, host_io).sum(axis=1)
        host_s[chunk] = sent_s.sum(axis=1)
    for key, seconds in waits.items():
        parts[key] += seconds * work.n_steps
    slowest /= max(slowest.sum(), 1)
    return ChipTime(parts, cores_s, host_s, slowest, work.by_step is not None)


def step_chunks(work: ChipWork) -> Iterator[slice]:
    """Samples a few at a time, so that the times of all their steps fit the memory."""
    n_steps = 1 if work.by_step is None else work.n_steps
    rows = max(1, _CHUNK_ELEMENTS // (n_steps * work.n_cores))
    for start in range(0, work.n_samples, rows):
        yield slice(start, min(start + rows, work.n_samples))


def part_times(events: Counts, profile: Profile, level: str) -> dict[str, np.ndarray]:
    """Time that each core takes for each of `CORE_TIMES`, of the shape of the events."""
    nothing = np.zeros(np.shape(events["spike"]))
    return {
        name: sum((events[key] * profile.time_s(key, level) for key in keys if key in events),
                  nothing)
        for name, keys in CORE_TIMES.items()
    }  # fmt: skip


def half_times(times: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Time of each half of a core, of the times of its parts."""
    return {half: np.asarray(sum(times[name] for name in names)) for half, names in HALVES.items()}


def longer_by(chip_s: np.ndarray, sent_s: np.ndarray, host_io: HostIO) -> np.ndarray:
    """Time by which input and output make a step longer than the chip alone."""
    return np.maximum(sent_s - chip_s, 0.0) if host_io.whole else sent_s


def _core_times(
    times: Mapping[str, np.ndarray], together: bool
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Time of each core at each step, and the parts that make it up."""
    half = half_times(times)
    if together:
        sends = half[SENDING] >= half[RECEIVING]
        core = np.where(sends, half[SENDING], half[RECEIVING])
        weight = {SENDING: sends, RECEIVING: ~sends}
    else:
        core = half[SENDING] + half[RECEIVING]
        weight = dict.fromkeys(HALVES, np.ones((), dtype=bool))
    counted = {name: weight[half] * times[name] for half, names in HALVES.items() for name in names}
    return core, counted


def wait_times(work: ChipWork, profile: Profile, board: Board, level: str) -> dict[str, float]:
    """Seconds that every step takes besides its cores."""
    way = 0.0
    if level != "low" and np.any(work.messages_out):
        # the last message of a step may be any: at worst the one with the longest way
        east_west, north_south = work.hops.longest
        way = profile.time_s("within_tile", level)
        way += east_west * profile.time_s("hop_east_west", level)
        way += north_south * profile.time_s("hop_north_south", level)
    return {
        "hops": way,
        "tile barrier": profile.sync.at(work.hops.n_tiles, level),
        "chip barrier": board.barrier.at(work.n_chips, level),
    }


def host_times(
    work: ChipWork, host_io: HostIO, n_steps: int, level: str, chunk: slice
) -> np.ndarray:
    """Time of input and output at each step, (n_samples, n_steps), or of all steps in one."""
    spikes = np.asarray(work.host_to_chip)[chunk, None]
    if work.by_step is not None:
        spikes = work.by_step.host_to_chip[chunk]
    step_s = host_io.step_s(work.n_chips, level) * (work.n_steps / n_steps)
    return np.asarray(step_s + spikes * host_io.spike_s(level))
