"""What the spikes of every source add, laid out so that delivering them costs little.

On the chip a spike goes to several blocks, and meets a short row of weights in each: of a
convolution, a few pixels times the 8 to 24 channels that a block holds. Looking each of them up
costs more than adding its weights. What a spike adds in all does not depend on how its targets
were split, because sums of whole numbers that wrap at 32 bits depend on no order. So:

1. Inputs are summed in the order that neurons had before they were split into blocks (`wiring`),
   in which the targets of a spike are few long runs: of a convolution, one for each row of its
   kernel. They are taken from there block by block, once a step.
2. The rows of all entries of a source become one. Sources that reach the same compartments, as the
   channels of a pixel do, are laid out together, and what is equal is kept once: pixels of a
   convolution have the same weights, shifted.

Where this would take much more memory than the rows themselves (`MOST_TIMES`), entries are
delivered one by one, as on the chip.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .weight_rows import Rows, SortedEntries, flat

#: Weights that go to neighbouring compartments are added run by run if a run is at least this
#: long on average, and otherwise one by one.
MIN_RUN = 4

#: Joined rows may have that many times as many weights as the rows have, or `ALWAYS` if it is more.
MOST_TIMES, ALWAYS = 4, 2**22

#: Weights that are gathered at a time.
AT_ONCE = 2**21


def wiring(parts: Sequence[Any], slices: Sequence[slice]) -> np.ndarray:
    """Where the input of every compartment is summed; int32.

    Parameters
    ----------
    parts : sequence of Part
        Blocks; those of one source are put together, in the order of its neurons.
    slices : sequence of slice
        Compartments of each.
    """
    of_source: dict[int, list[int]] = {}
    for number, part in enumerate(parts):
        of_source.setdefault(id(part.source), []).append(number)
    order = []
    for numbers in of_source.values():
        neurons = np.concatenate([parts[k].neurons for k in numbers])
        own = np.concatenate([np.arange(slices[k].start, slices[k].stop) for k in numbers])
        order.append(own[np.argsort(neurons, kind="stable")])
    position = np.empty(slices[-1].stop, dtype=np.int32)
    position[np.concatenate(order)] = np.arange(len(position))
    return position


def pieces_of(position: np.ndarray, stops: np.ndarray) -> dict[str, Any]:
    """Runs of compartments of a segment whose inputs are neighbours, as `Tables` has them.

    ``stops`` are those of the segments.
    """
    breaks = np.diff(position, prepend=position[:1] - 2) != 1
    breaks[stops[:-1]] = True
    starts = np.flatnonzero(breaks)
    sizes = np.diff(np.append(starts, len(position)))
    first = np.searchsorted(starts, np.append(0, stops))
    own = [sizes[a:b] for a, b in zip(first, first[1:])]
    alike = [s[0] if (s == s[0]).all() else 0 for s in own]
    return {
        "pieces": np.stack([position[starts], starts, sizes], axis=1).astype(np.int32),
        "piece_of": first.astype(np.int32),
        "piece_size": np.array(alike, dtype=np.int32),
    }


def _runs(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where runs of numbers that ascend one by one start, and how long they are."""
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 2) != 1)
    return starts, np.diff(np.append(starts, len(numbers)))


class Deliveries:
    """Joins the entries of every source.

    Parameters
    ----------
    entries : SortedEntries
    rows : Rows
    position : ndarray of int32
        From `wiring`.
    """

    def __init__(self, entries: SortedEntries, rows: Rows, position: np.ndarray):
        self._entries, self._position, self._places = entries, position, rows.places
        self._all = flat(rows.weights, np.int32)
        where = np.array(rows.where, dtype=np.int64).reshape(-1, 2)[entries.row]
        self._start, self._kind = where[:, 0], where[:, 1]
        self._most = max(MOST_TIMES * len(self._all), ALWAYS)
        self._weights: list[np.ndarray] = []
        self._n_weights = 0
        self._known: dict[bytes, int] = {}
        self._runs: list[np.ndarray] = []
        self._single: list[np.ndarray] = []
        self._n_runs = self._n_single = 0
        self._footprints: dict[bytes, tuple[int, int]] = {}
        self._marks: dict[tuple[int, int, int], int] = {}
        self._rows_at = -1

    def arrays(self) -> dict[str, Any]:
        """The deliveries as `Tables` has them."""
        first = self._entries.first
        own: list[list[tuple[int, ...]]] = [[] for _ in range(len(first) - 1)]
        for sources in self._groups():
            for source, deliveries in zip(sources, self._of_group(sources)):
                own[source] = deliveries
        counts = [0, *(len(deliveries) for deliveries in own)]
        table = np.array([x for deliveries in own for x in deliveries], dtype=np.int64)
        table = table.reshape(-1, 5)
        weights, small = flat(self._weights, np.int32), np.iinfo(np.int16)
        if not weights.size or (small.min <= weights.min() and weights.max() <= small.max):
            weights = weights.astype(np.int16)
        fits = table.size == 0 or table.max() <= np.iinfo(np.int32).max
        return {
            "delivery_of": np.cumsum(counts, dtype=np.int64),
            "deliveries": np.ascontiguousarray(table, dtype=np.int32 if fits else np.int64),
            "runs": flat(self._runs, np.int32).reshape(-1, 2),
            "places": flat(self._single, np.int32),
            "weights": weights,
            "n_marks": len(self._marks),
        }

    def _groups(self) -> list[list[int]]:
        """Sources that reach the same compartments."""
        first = self._entries.first
        targets = np.stack([self._entries.place, self._kind], axis=1)
        groups: dict[bytes, list[int]] = {}
        for source, (a, b) in enumerate(zip(first[:-1].tolist(), first[1:].tolist())):
            if b > a:
                groups.setdefault(targets[a:b].tobytes(), []).append(source)
        return list(groups.values())

    def _of_group(self, sources: list[int]) -> list[list[tuple[int, ...]]]:
        """The deliveries of each of such sources."""
        a, b = self._entries.first[sources[0]], self._entries.first[sources[0] + 1]
        starts = self._start[self._entries.first[sources][:, None] + np.arange(b - a)]
        targets = [
            self._position[place + self._places[kind]]
            for place, kind in zip(self._entries.place[a:b].tolist(), self._kind[a:b].tolist())
        ]
        sizes = np.array([len(t) for t in targets])
        joined = np.concatenate(targets)
        order = np.argsort(joined, kind="stable")
        weights = self._joined(starts, sizes, order, np.diff(joined[order], prepend=-1) != 0)
        if weights is None:
            each = [self._footprint(t) for t in targets]
            own = starts + self._unjoined()
            return [
                [(place, w, *rest) for w, (place, *rest) in zip(row, each)] for row in own.tolist()
            ]
        place, *rest = self._footprint(np.unique(joined))
        first, size = weights
        return [[(place, first + k * size, *rest)] for k in range(len(sources))]

    def _footprint(self, targets: np.ndarray) -> tuple[int, int, int, int]:
        """Where weights go: the first target; runs or places; the number of these targets."""
        place = int(targets[0])
        relative = targets - targets[0]
        key = relative.tobytes()
        if key not in self._footprints:
            starts, sizes = _runs(relative)
            if len(relative) >= MIN_RUN * len(starts):
                self._runs.append(np.stack([relative[starts], sizes], axis=1))
                self._footprints[key] = (self._n_runs, self._n_runs + len(starts))
                self._n_runs += len(starts)
            else:
                self._single.append(relative)
                self._footprints[key] = (self._n_single, -len(relative))
                self._n_single += len(relative)
        where = self._footprints[key]
        return (place, *where, self._marks.setdefault((place, *where), len(self._marks)))

    def _joined(
        self, starts: np.ndarray, sizes: np.ndarray, order: np.ndarray, new: np.ndarray
    ) -> tuple[int, int] | None:
        """Where the joined rows of a group begin, and how long they are; None if too many.

        ``starts`` int64 (sources, entries) says where rows begin, ``sizes`` how long they are,
        ``order`` sorts their weights by target, and ``new`` (in this order) is whether one has
        another target than the one before.
        """
        size = int(new.sum())
        parts = (starts, sizes, order)
        key = _digest(b"rows", *parts)
        if key in self._known:
            return self._known[key], size
        if self._n_weights + len(starts) * size > self._most:
            return None
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        entry = np.repeat(np.arange(len(sizes)), sizes)[order]
        within, firsts = within[order], np.flatnonzero(new)
        weights = np.empty((len(starts), size), dtype=np.int32)
        some = max(1, AT_ONCE // len(order))
        for k in range(0, len(starts), some):
            own = self._all[starts[k : k + some, entry] + within]
            # several weights to one compartment arrive as their sum
            weights[k : k + some] = own if new.all() else np.add.reduceat(own, firsts, axis=1)
        content = _digest(b"weights", weights)
        if content not in self._known:
            self._known[content] = self._add(weights)
        self._known[key] = self._known[content]
        return self._known[key], size

    def _unjoined(self) -> int:
        """Where the rows themselves begin among the weights."""
        if self._rows_at < 0:
            self._rows_at = self._add(self._all)
        return self._rows_at

    def _add(self, weights: np.ndarray) -> int:
        first = self._n_weights
        self._weights.append(weights.reshape(-1))
        self._n_weights += weights.size
        return first


def _digest(kind: bytes, *arrays: np.ndarray) -> bytes:
    digest = hashlib.blake2b(kind, digest_size=20)
    for array in arrays:
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
