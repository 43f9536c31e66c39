"""The chip's time step, compiled: spikes are delivered, then compartments updated.

All arithmetic is that of NengoLoihi's emulator, in 32-bit integers: what it computes in 64
bits, ``(abs(x) * keep) >> 12`` with ``abs(x) <= 2**23``, is computed in two halves that fit.
Every lane of the batch is simulated by itself, so that its state stays in the cache; lanes
are independent, and threads take some each (the code holds no lock).

Imported when an `Emulator` is built, because numba takes half a second to import.

Reference: nengo-loihi 1.1.0, emulator/interface.py (``CompartmentState.update``,
``SynapseState``), builder/discretize.py (``decay_int``, ``overflow_signed``).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .vectors import add_several, fetch_soon

_inline = numba.njit(inline="always")


#: Weights are fetched this many entries before they are added.
AHEAD = 4

ONE, FOUR, EIGHT, SIXTEEN = (np.uint64(n) for n in (1, 4, 8, 16))


@_inline
def add_run(q: Any, reached: Any, weights: Any, d: Any, w: Any, size: Any) -> None:
    """Add a run of weights to neighbouring inputs.

    Indices are unsigned, so that none is checked for being negative.
    """
    end = d + size
    while d + SIXTEEN <= end:
        add_several(q, reached, weights, d, w, 16)
        d += SIXTEEN
        w += SIXTEEN
    if d + EIGHT <= end:
        add_several(q, reached, weights, d, w, 8)
        d += EIGHT
        w += EIGHT
    if d + FOUR <= end:
        add_several(q, reached, weights, d, w, 4)
        d += FOUR
        w += FOUR
    while d < end:
        q[d] = np.int32(q[d] + np.int32(weights[w]))
        reached[d] = 1
        d += ONE
        w += ONE


@numba.njit(cache=True, nogil=True)
def deliver(chip: Any, events: Any, n_events: int, q: Any, reached: Any) -> None:
    """Add the weights that these sources' spikes meet to the compartments' inputs."""
    n_entries = len(chip.entries)
    for k in range(n_events):
        source = np.uint64(events[k])
        for entry in range(chip.entry_of[source], chip.entry_of[source + ONE]):
            e = np.uint64(entry)
            place, w = chip.entries[e, 0], np.uint64(chip.entries[e, 1])
            first, last = chip.entries[e, 2], chip.entries[e, 3]
            ahead = np.uint64(min(entry + AHEAD, n_entries - 1))
            fetch_soon(chip.weights, np.uint64(chip.entries[ahead, 1]))
            if last >= 0:
                for run in range(first, last):
                    r = np.uint64(run)
                    size = np.uint64(chip.runs[r, 1])
                    start = np.uint64(place + chip.runs[r, 0])
                    add_run(q, reached, chip.weights, start, w, size)
                    w += size
            else:
                for i in range(first, first - last):
                    target = np.uint64(place + chip.places[np.uint64(i)])
                    q[target] = np.int32(q[target] + np.int32(chip.weights[w]))
                    reached[target] = 1
                    w += ONE


@_inline
def decayed(x: Any, keep: Any) -> Any:
    """``sign(x) * ((abs(x) * keep) >> 12)`` for ``abs(x) <= 2**23``, ``keep <= 2**12``."""
    sign = np.int32(x >> 31)
    a = np.int32(np.int32(x ^ sign) - sign)
    high = np.int32(np.int32(a >> 12) * keep)
    low = np.int32(np.int32(np.int32(a & 4095) * keep) >> 12)
    a = np.int32(high + low)
    return np.int32(np.int32(a ^ sign) - sign)


@_inline
def wrapped(x: Any, unused_bits: Any) -> Any:
    """A number in the lowest ``32 - unused_bits`` bits, the highest of which is the sign."""
    return np.int32(np.int32(x << unused_bits) >> unused_bits)


@numba.njit(cache=True, nogil=True)
def integrate(q: Any, u: Any, v: Any, bias: Any, spiked: Any, p: Any, lost: Any) -> None:
    """One step of compartments that are alike and never refractory for a whole step.

    Bits that are lost are set in ``lost``: of inputs, currents, and currents with bias.
    """
    keep_u, keep_v, threshold, lowest, highest = p[0], p[1], p[2], p[3], p[4]
    lost_q, lost_u, lost_b = lost[0], lost[1], lost[2]
    for j in range(len(q)):
        given = wrapped(q[j], 10)
        lost_q |= given ^ q[j]
        whole = np.int32(decayed(u[j], keep_u) + given)
        c = wrapped(whole, 8)
        lost_u |= c ^ whole
        u[j] = c
        whole = np.int32(c + bias[j])
        driven = wrapped(whole, 8)
        lost_b |= driven ^ whole
        x = np.int32(decayed(v[j], keep_v) + driven)
        x = min(max(x, lowest), highest)
        fires = x > threshold
        spiked[j] = fires
        v[j] = np.int32(0) if fires else x
    lost[0], lost[1], lost[2] = lost_q, lost_u, lost_b


@numba.njit(cache=True, nogil=True)
def integrate_refractory(
    q: Any, u: Any, v: Any, waits: Any, bias: Any, spiked: Any, p: Any, lost: Any
) -> None:
    """The same of compartments that are at rest for a while after a spike."""
    keep_u, keep_v, threshold, lowest, highest, rest = p[0], p[1], p[2], p[3], p[4], p[5]
    lost_q, lost_u, lost_b = lost[0], lost[1], lost[2]
    for j in range(len(q)):
        given = wrapped(q[j], 10)
        lost_q |= given ^ q[j]
        whole = np.int32(decayed(u[j], keep_u) + given)
        c = wrapped(whole, 8)
        lost_u |= c ^ whole
        u[j] = c
        whole = np.int32(c + bias[j])
        driven = wrapped(whole, 8)
        lost_b |= driven ^ whole
        x = np.int32(decayed(v[j], keep_v) + driven)
        x = min(max(x, lowest), highest)
        x = np.int32(0) if waits[j] > 0 else x
        fires = x > threshold
        spiked[j] = fires
        v[j] = np.int32(0) if fires else x
        left = np.int32((rest if fires else waits[j]) - 1)
        waits[j] = max(left, np.int32(0))
    lost[0], lost[1], lost[2] = lost_q, lost_u, lost_b


@numba.njit(cache=True, nogil=True)
def busy(reached: Any, spiked: Any) -> Any:
    """How many compartments were reached, and how many were or fire."""
    n_reached, n_busy = np.int32(0), np.int32(0)
    for j in range(len(reached)):
        r = reached[j]
        n_reached += np.int32(r)
        n_busy += np.int32(r | spiked[j])
    return n_reached, n_busy


@numba.njit(cache=True, nogil=True)
def update(
    chip: Any, bias: Any, q: Any, reached: Any, u: Any, v: Any, waits: Any, spiked: Any,
    with_input: Any, idle: Any, overflows: Any,
) -> None:  # fmt: skip
    """One step of all compartments; counts those with input, and those without or spike."""
    p = np.empty(6, dtype=np.int32)
    lost = np.zeros(3, dtype=np.int32)
    for s in range(len(chip.segment_start)):
        lo, hi = chip.segment_start[s], chip.segment_stop[s]
        p[0], p[1], p[2] = chip.keep_current[s], chip.keep_voltage[s], chip.threshold[s]
        p[3], p[4], p[5] = chip.lowest[s], chip.highest[s], chip.refractory[s]
        if p[5] > 1:
            integrate_refractory(
                q[lo:hi], u[lo:hi], v[lo:hi], waits[lo:hi], bias[lo:hi], spiked[lo:hi], p,
                lost,
            )  # fmt: skip
        else:
            integrate(q[lo:hi], u[lo:hi], v[lo:hi], bias[lo:hi], spiked[lo:hi], p, lost)
        for k in range(3):
            if lost[k]:
                overflows[chip.segment_block[s], k] = 1
                lost[k] = 0
        n_input, n_busy = busy(reached[lo:hi], spiked[lo:hi])
        with_input[chip.segment_block[s]] += n_input
        idle[chip.segment_block[s]] += hi - lo - n_busy


@numba.njit(cache=True, nogil=True)
def collect(flags: Any, first: int, events: Any, n_events: int, counts: Any) -> int:
    """Append the numbers of all that fire to the events, and count them; the new number.

    Flags are bytes, how often each fires, a multiple of 8 of them: eight that are 0 are
    passed over at once.
    """
    eights = flags.view(np.uint64)
    for k in range(len(eights)):
        if eights[k]:
            for j in range(8 * k, 8 * k + 8):
                for _ in range(flags[j]):
                    events[n_events] = first + j
                    n_events += 1
                    counts[first + j] += 1
    return n_events


@numba.njit(cache=True, nogil=True)
def tally_delivered(chip: Any, events: Any, n_events: int, sent: Any, arrived: Any) -> None:
    """Count messages by sender, and messages and synops by set of synapses."""
    for k in range(n_events):
        source = events[k]
        first, last = chip.entry_of[source], chip.entry_of[source + 1]
        sent[chip.sender_of[source]] += last - first
        for entry in range(first, last):
            number = chip.synapses_of[chip.effects[entry, 0]]
            arrived[0, number] += 1
            arrived[1, number] += chip.effects[entry, 1]


@numba.njit(cache=True, nogil=True)
def tally_fired(chip: Any, events: Any, n_events: int, fired: Any) -> None:
    """Count spikes by sender."""
    for k in range(n_events):
        fired[chip.sender_of[events[k]]] += 1


@numba.njit(cache=True, nogil=True)
def advance(
    chip: Any, state: Any, host: Any, noise: Any, records: Any, counts: Any, steps: Any,
    start: int, lanes: Any,
) -> None:  # fmt: skip
    """Simulate some steps of some lanes.

    Parameters
    ----------
    chip : Tables
    state : tuple of ndarray, each (lanes, ...)
        Current, voltage and steps of rest left of each compartment (int32), whether it has
        fired, and whether neurons of the host have (uint8, filled up to a multiple of 8).
    host : ndarray of uint8, shape (lanes, steps, neurons of the host)
        How often each of them fires; filled up likewise.
    noise : tuple of ndarray of int32, each (0 or steps, compartments)
        Is added to inputs, and to biases, in all lanes; without steps if there is none.
    records : tuple of ndarray, each (lanes, steps, recorded)
        Is set: spikes (uint8), current and voltage (int32).
    counts : tuple of ndarray
        Is added to: spikes of each source (lanes, sources) int32; compartments with
        input, and idle ones, (lanes, 1 or steps of the sample, blocks) int64. Whether
        numbers were too large, (lanes, blocks, 3) uint8, is set.
    steps : tuple of ndarray of int64, each (lanes, 0 or steps of the sample, ...)
        Is added to, unless it has no steps: spikes and messages by sender, and messages and
        synops that arrive (2, sets of synapses).
    start : int
        Steps of the sample that are over.
    lanes : (int, int)
        First lane, and the one after the last.
    """
    current, voltage, waits, spiked, fired_by_host = state
    spikes, with_input, idle, overflows = counts
    fired, sent, arrived = steps
    by_step = fired.shape[1] > 0
    n = current.shape[1]
    n_steps = host.shape[1]
    q = np.zeros(n, dtype=np.int32)
    reached = np.zeros(n, dtype=np.uint8)
    drive = chip.bias.copy()
    noisy = noise[0].shape[0] > 0
    events = np.empty(chip.most_events, dtype=np.int32)
    ignored = np.zeros(spikes.shape[1], dtype=np.int32)
    for lane in range(lanes[0], lanes[1]):
        n_events = collect(spiked[lane], 0, events, 0, ignored)
        n_events = collect(fired_by_host[lane], n, events, n_events, ignored)
        for t in range(n_steps):
            row = start + t if by_step else 0
            q[:] = 0
            reached[:] = 0
            deliver(chip, events, n_events, q, reached)
            if by_step:
                tally_delivered(chip, events, n_events, sent[lane, row], arrived[lane, row])
            if noisy:
                for j in range(n):
                    q[j] = np.int32(q[j] + noise[0][t, j])
                    drive[j] = np.int32(chip.bias[j] + noise[1][t, j])
            update(
                chip, drive, q, reached, current[lane], voltage[lane], waits[lane], spiked[lane],
                with_input[lane, row], idle[lane, row], overflows[lane],
            )  # fmt: skip
            n_events = collect(spiked[lane], 0, events, 0, spikes[lane])
            n_events = collect(host[lane, t], n, events, n_events, spikes[lane])
            if by_step:
                tally_fired(chip, events, n_events, fired[lane, row])
            for k in range(len(chip.record_spiked)):
                records[0][lane, t, k] = spiked[lane, chip.record_spiked[k]]
            for k in range(len(chip.record_current)):
                records[1][lane, t, k] = current[lane, chip.record_current[k]]
            for k in range(len(chip.record_voltage)):
                records[2][lane, t, k] = voltage[lane, chip.record_voltage[k]]
        fired_by_host[lane] = host[lane, n_steps - 1]


@numba.njit(cache=True, nogil=True)
def add_spikes(values: Any, height: Any, counts: Any) -> None:
    """Add the spikes of one step; ``values`` times ``height`` are numbers of spikes."""
    for lane in range(values.shape[0]):
        for k in range(values.shape[1]):
            if values[lane, k] != 0:
                counts[lane, k] += np.int64(np.rint(abs(values[lane, k]) * height))


@numba.njit(cache=True, nogil=True)
def add_graded(values: Any, height: Any, counts: Any) -> None:
    """Add what one step of neurons that give rates is worth in spikes."""
    for lane in range(values.shape[0]):
        for k in range(values.shape[1]):
            counts[lane, k] += abs(values[lane, k]) * height


@numba.njit(cache=True, nogil=True)
def add_deliveries(chip: Any, spikes: Any, messages: Any, synops: Any) -> None:
    """Add the messages and synops of spikes of each source, (lanes, sources), by route."""
    for lane in range(spikes.shape[0]):
        for source in range(spikes.shape[1]):
            n = spikes[lane, source]
            if n:
                for entry in range(chip.entry_of[source], chip.entry_of[source + 1]):
                    route = chip.effects[entry, 0]
                    messages[lane, route] += n
                    synops[lane, route] += np.int64(n) * chip.effects[entry, 1]
