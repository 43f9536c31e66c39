"""Delivery of spikes, compiled: the sum of equation (1) of the chip's step (kernels.py).

The layout is that of deliveries.py; the arrays of ``chip`` are described in
`nengo_spikecost.loihi.emulation.chip.Tables`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .vectors import (
    add_several,
    count_several,
    fetch_soon,
    flags_set,
    lowest_bit,
    mark_several,
    take_several,
)

_inline = numba.njit(inline="always")


#: Weights are fetched this many spikes before they are added.
AHEAD = 2

ONE, FOUR, EIGHT, SIXTEEN = (np.uint64(n) for n in (1, 4, 8, 16))
THIRTY_TWO, SIXTY_FOUR = np.uint64(32), np.uint64(64)


@_inline
def add_run(q: Any, weights: Any, d: Any, w: Any, size: Any) -> None:
    """The sum of (1) for a run of neighbours: ``q[d : d + size] += weights[w : w + size]``.

    ``q`` int32 (n,), ``weights`` int16 or int32. Indices are unsigned, so that none is checked
    for being negative.
    """
    end = d + size
    while d + SIXTY_FOUR <= end:
        add_several(q, d, weights, w, 64)
        d += SIXTY_FOUR
        w += SIXTY_FOUR
    while d + SIXTEEN <= end:
        add_several(q, d, weights, w, 16)
        d += SIXTEEN
        w += SIXTEEN
    if d + EIGHT <= end:
        add_several(q, d, weights, w, 8)
        d += EIGHT
        w += EIGHT
    if d + FOUR <= end:
        add_several(q, d, weights, w, 4)
        d += FOUR
        w += FOUR
    while d < end:
        q[d] = np.int32(q[d] + np.int32(weights[w]))
        d += ONE
        w += ONE


@_inline
def mark_run(flags: Any, d: Any, size: Any) -> None:
    """``flags[d : d + size] = 1``."""
    end = d + size
    while d + SIXTY_FOUR <= end:
        mark_several(flags, d, 64)
        d += SIXTY_FOUR
    while d + EIGHT <= end:
        mark_several(flags, d, 8)
        d += EIGHT
    while d < end:
        flags[d] = 1
        d += ONE


@numba.njit(cache=True, nogil=True)
def deliver(
    chip: Any, events: Any, n_events: int, q: Any, reached: Any, marked: Any, step: int
) -> None:
    """The sum of (1): add the weights that spikes meet to the inputs of compartments.

    ``events`` int32, the first ``n_events`` of which are sources that fire, one for each spike;
    ``q`` int32 (n,) is added to, ``reached`` uint8 (n,) set to 1 where a weight arrives; both are
    in the order of inputs. ``marked`` int64 (n_marks,) is set to ``step``, which is another at
    every step, where the targets of a delivery are marked already.

    A source has one delivery, or some: where its weights start, and where these go
    (deliveries.py). Of most, that is a few runs of neighbours, which are added many at a time;
    others are added one by one. Sources that reach the same targets mark them once a step.
    """
    last_event, last_delivery = max(n_events - 1, 0), len(chip.deliveries) - 1
    for k in range(n_events):
        source = np.uint64(events[k])
        soon = chip.delivery_of[np.uint64(events[min(k + AHEAD, last_event)])]
        for delivery in range(chip.delivery_of[source], chip.delivery_of[source + ONE]):
            e, ahead = np.uint64(delivery), np.uint64(min(soon, last_delivery))
            fetch_soon(chip.weights, np.uint64(chip.deliveries[ahead, 1]))
            place, w = chip.deliveries[e, 0], np.uint64(chip.deliveries[e, 1])
            first, last = chip.deliveries[e, 2], chip.deliveries[e, 3]
            mark = np.uint64(chip.deliveries[e, 4])
            fresh = marked[mark] != step
            marked[mark] = step
            if last >= 0:
                for run in range(first, last):
                    r = np.uint64(run)
                    size = np.uint64(chip.runs[r, 1])
                    start = np.uint64(place + chip.runs[r, 0])
                    add_run(q, chip.weights, start, w, size)
                    if fresh:
                        mark_run(reached, start, size)
                    w += size
            else:
                for i in range(first, first - last):
                    target = np.uint64(place + chip.places[np.uint64(i)])
                    q[target] = np.int32(q[target] + np.int32(chip.weights[w]))
                    reached[target] = 1
                    w += ONE


@_inline
def take_alike(q: Any, inputs: Any, pieces: Any, first: Any, last: Any, size: Any) -> None:
    """The same as `take` for pieces of one size, which is a literal."""
    d = np.uint64(0)
    for k in range(first, last):
        take_several(q, d, inputs, np.uint64(pieces[np.uint64(k), 0]), size)
        d += np.uint64(size)


@_inline
def count_alike(
    reached: Any, busy: Any, pieces: Any, first: Any, last: Any, size: Any, d: Any
) -> Any:
    """The same as `count` for pieces of one size, which is a literal, from compartment ``d`` on."""
    counts = np.uint64(0)
    for k in range(first, last):
        counts += count_several(reached, np.uint64(pieces[np.uint64(k), 0]), busy, d, size)
        d += np.uint64(size)
    return counts


@numba.njit(cache=True, nogil=True)
def take(chip: Any, segment: Any, q: Any, inputs: Any) -> None:
    """Take the inputs of a segment to ``q``, in the order of its compartments.

    They are 0 afterwards. Most segments have pieces of one size: the channels of a block.
    """
    first, last = chip.piece_of[segment], chip.piece_of[segment + 1]
    pieces, size = chip.pieces, chip.piece_size[segment]
    if size == 4:
        take_alike(q, inputs, pieces, first, last, 4)
    elif size == 8:
        take_alike(q, inputs, pieces, first, last, 8)
    elif size == 12:
        take_alike(q, inputs, pieces, first, last, 12)
    elif size == 16:
        take_alike(q, inputs, pieces, first, last, 16)
    elif size == 24:
        take_alike(q, inputs, pieces, first, last, 24)
    elif size == 32:
        take_alike(q, inputs, pieces, first, last, 32)
    else:
        d = np.uint64(0)
        for k in range(first, last):
            s = np.uint64(pieces[np.uint64(k), 0])
            end = d + np.uint64(pieces[np.uint64(k), 2])
            while d + SIXTEEN <= end:
                take_several(q, d, inputs, s, 16)
                d += SIXTEEN
                s += SIXTEEN
            while d + FOUR <= end:
                take_several(q, d, inputs, s, 4)
                d += FOUR
                s += FOUR
            while d < end:
                q[d] = inputs[s]
                inputs[s] = 0
                d += ONE
                s += ONE


@numba.njit(cache=True, nogil=True)
def count(chip: Any, segment: Any, reached: Any, busy: Any) -> Any:
    """How many compartments of a segment a weight reached, and how many it reached or are busy.

    As `count_several` gives it; ``reached``, which is in the order of inputs, is 0 afterwards.
    """
    first, last = chip.piece_of[segment], chip.piece_of[segment + 1]
    pieces, size = chip.pieces, chip.piece_size[segment]
    d, counts = np.uint64(chip.segment_start[segment]), np.uint64(0)
    if size == 4:
        return count_alike(reached, busy, pieces, first, last, 4, d)
    if size == 8:
        return count_alike(reached, busy, pieces, first, last, 8, d)
    if size == 12:
        return count_alike(reached, busy, pieces, first, last, 12, d)
    if size == 16:
        return count_alike(reached, busy, pieces, first, last, 16, d)
    if size == 24:
        return count_alike(reached, busy, pieces, first, last, 24, d)
    if size == 32:
        return count_alike(reached, busy, pieces, first, last, 32, d)
    for k in range(first, last):
        s = np.uint64(pieces[np.uint64(k), 0])
        end = d + np.uint64(pieces[np.uint64(k), 2])
        while d + SIXTY_FOUR <= end:
            counts += count_several(reached, s, busy, d, 64)
            d += SIXTY_FOUR
            s += SIXTY_FOUR
        while d + FOUR <= end:
            counts += count_several(reached, s, busy, d, 4)
            d += FOUR
            s += FOUR
        while d < end:
            counts += np.uint64(reached[s]) + (np.uint64(reached[s] | busy[d]) << THIRTY_TWO)
            reached[s] = 0
            d += ONE
            s += ONE
    return counts


@numba.njit(cache=True, nogil=True)
def collect(flags: Any, first: int, events: Any, n_events: int, counts: Any) -> int:
    """Append the sources that fire to the events, and count them; the new number of events.

    ``flags`` uint8 is how often each source from ``first`` on fires, filled up to a multiple of 8:
    few do, so many that are 0 are passed over at once. ``counts`` int32 (S,).
    """
    base, end = np.uint64(0), np.uint64(len(flags))
    while base < end:
        if base + SIXTY_FOUR <= end:
            bits, size = flags_set(flags, base, 64), SIXTY_FOUR
        else:
            bits, size = flags_set(flags, base, 8), EIGHT
        while bits:
            j = base + lowest_bit(bits)
            source = np.uint64(first) + j
            for _ in range(flags[j]):
                events[np.uint64(n_events)] = source
                n_events += 1
            counts[source] += np.int32(flags[j])
            bits &= bits - ONE
        base += size
    return n_events
