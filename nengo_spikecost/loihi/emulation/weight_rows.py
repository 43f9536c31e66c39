"""Weights as NengoLoihi has them: rows of weights, and an entry for each source and axon.

Reference: nengo-loihi 1.1.0, block.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Rows:
    """Rows of weights of all synapses, and where their weights go.

    Attributes
    ----------
    weights : list of ndarray of int32
        Rows that differ, one after another.
    places : list of ndarray of int32
        Where weights go, of each kind of row: compartments, relative to a start.
    met : list of int
        How many weights a spike meets in each row.
    where : list of (int, int)
        First weight of each row among all, and which ``places`` it has.
    """

    def __init__(self) -> None:
        self.weights: list[np.ndarray] = []
        self.places: list[np.ndarray] = []
        self.met: list[int] = []  # with doubles
        self.where: list[tuple[int, int]] = []
        self._n_weights = 0
        self._known: dict[bytes, int] = {}
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
                self.where.append((self._first(np.ascontiguousarray(w, dtype=np.int32)), where))
        return first

    def _first(self, weights: np.ndarray) -> int:
        """Where a row of weights starts; equal rows are kept once, because caches are small."""
        key = weights.tobytes()
        if key not in self._starts:
            self._starts[key] = self._n_weights
            self.weights.append(weights)
            self._n_weights += len(weights)
        return self._starts[key]

    def _where(self, places: np.ndarray) -> int:
        key = places.tobytes()
        if key not in self._known:
            self._known[key] = len(self.places)
            self.places.append(places)
        return self._known[key]


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


class SortedEntries(NamedTuple):
    """All entries, sorted by source: those of source ``s`` are ``first[s]:first[s + 1]``.

    ``place`` and ``row`` int64 are the compartment that an entry starts from, and its row;
    ``effects`` int32 (entries, 2) the number of its route and how many weights a spike meets.
    """

    first: np.ndarray
    place: np.ndarray
    row: np.ndarray
    effects: np.ndarray


def sorted_entries(entries: list[Any], n_sources: int, rows: Rows) -> SortedEntries:
    """Sort entries: of (source, place, row, number of the route), each an array."""
    source, place, row, number = (flat([e[k] for e in entries], np.int64) for k in range(4))
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], np.arange(n_sources + 1)).astype(np.int64)
    effects = np.stack([number, np.array(rows.met, dtype=np.int64)[row]], axis=1)[order]
    return SortedEntries(first, place[order], row[order], effects.astype(np.int32))


def flat(arrays: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    """The numbers of all arrays, one after another."""
    return np.concatenate([np.zeros(0, dtype), *(a.reshape(-1) for a in arrays)]).astype(dtype)
