"""Weights as the chip shares them: rows of weights, and an entry for each source and axon.

Reference: nengo-loihi 1.1.0, block.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

#: Weights of a row that go to neighbouring compartments are added run by run if a run is at
#: least this long on average, and otherwise one by one.
MIN_RUN = 4


class Rows:
    """Rows of weights of all synapses, and where their weights go.

    Attributes
    ----------
    weights : list of ndarray
        Row by row.
    met : list of int
        How many weights a spike meets in each row.
    where : list of (int, int, int)
        First weight of each row, and its runs or places as `Tables` has them.
    """

    def __init__(self) -> None:
        self.weights: list[np.ndarray] = []
        self.met: list[int] = []  # with doubles
        self.where: list[tuple[int, int, int]] = []
        self._runs: list[np.ndarray] = []
        self._places: list[np.ndarray] = []
        self._n_weights = self._n_runs = self._n_places = 0
        self._known: dict[bytes, tuple[int, int]] = {}
        self._starts: dict[bytes, int] = {}

    def add(self, synapse: Any) -> np.ndarray:
        """Add the rows of a synapse; gives the number of the first row of each of its sets."""
        first = np.empty(len(synapse.weights), dtype=np.int64)
        for k, (weights, indices) in enumerate(zip(synapse.weights, synapse.indices)):
            first[k] = len(self.met)
            for w, places in zip(weights, indices):
                self.met.append(len(w))
                # of several weights to one place NengoLoihi's emulator adds only the last
                unique, from_end = np.unique(places[::-1], return_index=True)
                if len(unique) < len(places):
                    keep = np.sort(len(places) - 1 - from_end)
                    w, places = w[keep], places[keep]
                where = self._where(np.ascontiguousarray(places, dtype=np.int32))
                self.where.append((self._first(np.ascontiguousarray(w, dtype=np.int32)), *where))
        return first

    def _first(self, weights: np.ndarray) -> int:
        """Where a row of weights starts; equal rows are kept once, because caches are small."""
        key = weights.tobytes()
        if key not in self._starts:
            self._starts[key] = self._n_weights
            self.weights.append(weights)
            self._n_weights += len(weights)
        return self._starts[key]

    def _where(self, places: np.ndarray) -> tuple[int, int]:
        key = places.tobytes()
        if key not in self._known:
            starts = np.flatnonzero(np.diff(places, prepend=places[:1] - 2) != 1)
            if len(places) >= MIN_RUN * len(starts):
                sizes = np.diff(np.append(starts, len(places)))
                self._runs.append(np.stack([places[starts], sizes], axis=1))
                self._known[key] = (self._n_runs, self._n_runs + len(starts))
                self._n_runs += len(starts)
            else:
                self._places.append(places)
                self._known[key] = (self._n_places, -len(places))
                self._n_places += len(places)
        return self._known[key]

    def arrays(self) -> dict[str, np.ndarray]:
        """The rows as `Tables` has them."""
        weights = flat(self.weights, np.int32)
        small = np.iinfo(np.int16)
        if not weights.size or (small.min <= weights.min() and weights.max() <= small.max):
            weights = weights.astype(np.int16)
        return {
            "runs": flat(self._runs, np.int32).reshape(-1, 2),
            "places": flat(self._places, np.int32),
            "weights": weights,
        }


class Entries(NamedTuple):
    """The entries of a group of axons, and the messages and synops of one spike of each source."""

    source: np.ndarray
    place: np.ndarray
    row: np.ndarray
    messages: np.ndarray
    synops: np.ndarray


def entries_of(axon: Any, n_sources: int, first_rows: np.ndarray, rows: Rows) -> Entries:
    """The entries of the axons of a sender.

    Parameters
    ----------
    axon : nengo_loihi.block.Axon
    n_sources : int
        Neurons of the sender.
    first_rows : ndarray of int64
        Number of the first row of each set of weights, from `Rows.add`.
    rows : Rows
    """
    synapse = axon.target
    everyone = np.arange(n_sources)
    axons = np.asarray(axon.map_axon(everyone), dtype=np.int64)
    atoms = np.asarray(axon.map_atoms(everyone), dtype=np.int64)
    source = np.flatnonzero(axons >= 0)
    axons, atoms = axons[source], atoms[source]
    bases = synapse.axon_compartment_bases
    base = np.zeros_like(axons) if bases is None else np.asarray(bases, dtype=np.int64)[axons]
    sets = synapse.axon_to_weight_map
    weight_set = axons if sets is None else np.asarray(sets, dtype=np.int64)[axons]
    row = first_rows[weight_set] + atoms
    met = np.array(rows.met, dtype=np.int64)[row]
    # an axon without weights is not built on hardware, so it carries no message
    used = (base >= 0) & (met > 0)
    source, base, row, met = source[used], base[used], row[used], met[used]
    messages, synops = np.zeros((2, n_sources), dtype=np.int64)
    messages[source], synops[source] = 1, met
    return Entries(source, base, row, messages, synops)


def sorted_entries(entries: list[Any], n_sources: int, rows: Rows) -> dict[str, np.ndarray]:
    """All entries, sorted by source, as `Tables` has them."""
    source, place, row, number = (flat([e[k] for e in entries], np.int64) for k in range(4))
    order = np.argsort(source, kind="stable")
    met = np.array(rows.met, dtype=np.int64)
    where = np.array(rows.where, dtype=np.int64).reshape(-1, 3)
    table = np.concatenate([place[order, None], where[row[order]]], axis=1)
    small = table.size == 0 or table.max() <= np.iinfo(np.int32).max
    return {
        "entry_of": np.searchsorted(source[order], np.arange(n_sources + 1)).astype(np.int64),
        "entries": np.ascontiguousarray(table, dtype=np.int32 if small else np.int64),
        "effects": np.stack([number, met[row]], axis=1)[order].astype(np.int32),
    }


def flat(arrays: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    """The numbers of all arrays, one after another."""
    return np.concatenate([np.zeros(0, dtype), *(a.reshape(-1) for a in arrays)]).astype(dtype)
