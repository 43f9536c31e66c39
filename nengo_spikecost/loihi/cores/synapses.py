"""The input axons and the memory of a population's synapses, for any tiling of it.

Discrete synapses are here: rows of weights that need not be shared, as dense, sparse and
decoded Connections have them. Those of convolutions are in `population_synapses`.

NengoLoihi keeps every row of a block that is whole. When it splits one, rows that do not
reach a tile are left out of it, and rows that are equal within a tile are stored once. So
the values of weights matter, not only their number; they are read as late as possible.

Reference: nengo-loihi 1.1.0, builder/split_blocks.py (``split_synapse``,
``set_new_synapse_weights``), block.py (``Synapse``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from ...chip.limits import AXON_SLOTS, axon_bits
from .tiling import Tiling


@dataclass(frozen=True)
class TileInputs:
    """Resources that one group of synapses takes of each tile of its target.

    Attributes
    ----------
    axons, bits : ndarray of int64, shape (n_tiles,)
        Input axons, and synapse memory in bits.
    """

    axons: np.ndarray
    bits: np.ndarray


@dataclass(frozen=True)
class Reach:
    """How many tiles a spike is sent to.

    Attributes
    ----------
    tiles : ndarray of int64, shape (n_axons,)
        Tiles that need each input axon of the whole population.
    times : int
        How often this pattern of tiles comes, e.g. once a tile of channels.
    atoms : ndarray of bool, shape (n_atoms,), or None
        Atoms (channels) whose spikes are let through; None: all.
    """

    tiles: np.ndarray
    times: int = 1
    atoms: np.ndarray | None = None


class Synapses(ABC):
    """One group of synapses onto a population.

    Attributes
    ----------
    n_axons : int
        Input axons while the population is whole.
    pop_type : int
        0 for discrete axons, or 16 or 32.
    n_atoms : int
        Channels that share an axon; 1 for discrete ones.
    learning : bool
        Whether their weights learn on the chip.
    """

    n_axons: int
    pop_type: int = 0
    n_atoms: int = 1
    learning: bool = False

    @property
    def slots(self) -> int:
        """Slots that each output axon to these synapses takes."""
        return AXON_SLOTS[self.pop_type]

    @abstractmethod
    def use(self, tiling: Tiling) -> TileInputs:
        """Input axons and bits of each tile."""

    @abstractmethod
    def reach(self, tiling: Tiling) -> tuple[Reach, ...]:
        """Where the spikes of each input axon go."""

    def axons_from(self, source: Tiling, target: Tiling) -> np.ndarray | None:
        """Output axons of each tile of a source of which all neurons send, int64, (n_tiles,).

        None where there is no short form: then they are counted axon by axon, by `reach`.
        """
        return None

    @abstractmethod
    def axons_of_neurons(self) -> np.ndarray:
        """Input axons that lead to each neuron of the target, shape (n_targets,).

        No block that holds the neuron has fewer.
        """

    @abstractmethod
    def permuted(self, targets: np.ndarray) -> Synapses:
        """The same with the neurons of the target in another order."""

    def bases_allowed(self, tiling: Tiling) -> bool:
        """Whether the axons' compartment offsets are those that the axon type can have."""
        return True

    def _everywhere(self) -> tuple[Reach, ...]:
        return (Reach(np.ones(self.n_axons, dtype=np.int64)),)


class DenseSynapses(Synapses):
    """Rows with a weight for every neuron of the target.

    Parameters
    ----------
    n_axons, n_targets : int
    weights : callable
        Gives the weights of some targets as they are in the chip's memory before they are
        rounded: of an array of target numbers, float32 of shape (n_axons, targets).
    """

    def __init__(self, n_axons: int, n_targets: int, weights: Callable[[Any], np.ndarray]):
        self.n_axons, self.n_targets, self._read = n_axons, n_targets, weights
        self._differ: dict[tuple[int, int], bool] = {}

    def _weights(self, columns: np.ndarray) -> np.ndarray:
        """Weights of some targets as the integers of their bits, uint64."""
        weights = np.ascontiguousarray(self._read(columns), dtype=np.float32)
        return weights.view(np.uint32).reshape(self.n_axons, -1).astype(np.uint64)

    def use(self, tiling: Tiling) -> TileInputs:
        axons = np.full(tiling.n_tiles, self.n_axons, dtype=np.int64)
        per_row = np.array([axon_bits(int(n), 0) for n in tiling.sizes], dtype=np.int64)
        if tiling.n_tiles == 1:
            return TileInputs(axons, axons * per_row)
        rows = [self._rows(np.flatnonzero(tiling.tile_of == k)) for k in range(tiling.n_tiles)]
        return TileInputs(axons, np.array(rows, dtype=np.int64) * per_row)

    def axons_of_neurons(self) -> np.ndarray:
        return np.full(self.n_targets, self.n_axons, dtype=np.int64)

    def permuted(self, targets: np.ndarray) -> DenseSynapses:
        return DenseSynapses(self.n_axons, self.n_targets, lambda own: self._read(targets[own]))

    def bits_at_most(self, n_targets: int) -> int:
        """Bits of a tile of ``n_targets`` neurons if no two of its rows are equal."""
        return self.n_axons * axon_bits(n_targets, 0)

    def rows_differ_in(self, first: int, second: int) -> bool:
        """Whether no two rows are equal in these two columns.

        That tells rows of trained weights apart, and is quick to compare.
        """
        if (first, second) not in self._differ:
            two = self._weights(np.array([first, second]))
            different = _n_unique(two[:, 0] << np.uint64(32) | two[:, 1])
            self._differ[first, second] = different == self.n_axons
        return self._differ[first, second]

    def rows_differ(self, tiling: Tiling) -> bool:
        """Whether no two rows are equal in the first and largest tile."""
        return self._rows(np.flatnonzero(tiling.tile_of == 0)) == self.n_axons

    def reach(self, tiling: Tiling) -> tuple[Reach, ...]:
        return (Reach(np.full(self.n_axons, tiling.n_tiles, dtype=np.int64)),)

    def _rows(self, columns: np.ndarray) -> int:
        """Different rows among these columns."""
        if len(columns) > 1 and self.rows_differ_in(int(columns[0]), int(columns[1])):
            return self.n_axons
        weights = self._weights(columns)
        return _n_unique(mixed(weights, np.arange(len(columns))).sum(axis=1, dtype=np.uint64))


class SparseSynapses(Synapses):
    """Rows with weights for some neurons of the target.

    Parameters
    ----------
    weights : scipy.sparse matrix, shape (n_axons, n_targets)
        As in the chip's memory before they are rounded; explicit zeros are synapses.
    """

    def __init__(self, weights: Any):
        csr = self._matrix = scipy.sparse.csr_matrix(weights)
        self.n_axons, self.n_targets = csr.shape
        self._rows = np.repeat(np.arange(csr.shape[0]), np.diff(csr.indptr))
        self._columns = csr.indices.astype(np.int64)
        data = np.ascontiguousarray(csr.data, dtype=np.float32)
        self._data = data.view(np.uint32).astype(np.uint64)

    def use(self, tiling: Tiling) -> TileInputs:
        if tiling.n_tiles == 1:
            lengths = np.bincount(self._rows, minlength=self.n_axons)
            return TileInputs(np.array([self.n_axons]), np.array([bits_of_sets(lengths)]))
        pairs, starts, order = self._by_tile(tiling)
        hashes = mixed(self._data[order], tiling.place_in_tile[self._columns[order]])
        hashes = np.add.reduceat(hashes, starts) if len(starts) else hashes
        lengths = np.diff(np.append(starts, len(order)))
        tiles = pairs // self.n_axons
        axons = np.bincount(tiles, minlength=tiling.n_tiles)
        different = np.unique(np.stack([tiles, lengths, hashes.view(np.int64)]), axis=1)
        bits = np.zeros(tiling.n_tiles, dtype=np.int64)
        kinds, counts = np.unique(different[:2], axis=1, return_counts=True)
        for tile, length, count in zip(*kinds, counts):
            bits[tile] += axon_bits(int(length), 0) * count
        return TileInputs(axons.astype(np.int64), bits)

    def reach(self, tiling: Tiling) -> tuple[Reach, ...]:
        if tiling.n_tiles == 1:
            return self._everywhere()
        pairs, _, _ = self._by_tile(tiling)
        return (Reach(np.bincount(pairs % self.n_axons, minlength=self.n_axons)),)

    def axons_of_neurons(self) -> np.ndarray:
        return np.bincount(self._columns, minlength=self.n_targets)

    def permuted(self, targets: np.ndarray) -> SparseSynapses:
        return SparseSynapses(self._matrix[:, targets])

    def _by_tile(self, tiling: Tiling) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs of tile and row, where each starts, and the order of the weights by them."""
        keys = tiling.tile_of[self._columns] * self.n_axons + self._rows
        order = np.argsort(keys, kind="stable")
        pairs, starts = np.unique(keys[order], return_index=True)
        return pairs, starts, order


def bits_of_sets(lengths: np.ndarray, bits_of_index: int = 0) -> int:
    """Synapse memory in bits of sets of weights of these lengths, each stored once."""
    kinds, counts = np.unique(lengths, return_counts=True)
    return sum(axon_bits(int(n), bits_of_index) * int(count) for n, count in zip(kinds, counts))


def _n_unique(values: np.ndarray) -> int:
    values = np.sort(values)
    return int((values[1:] != values[:-1]).sum()) + 1 if len(values) else 0


def mixed(values: np.ndarray, places: Any) -> np.ndarray:
    """Hash of each value at its place, uint64; sums of them tell sequences apart.

    The finalizer of SplitMix64 (Steele et al., OOPSLA 2014).
    """
    with np.errstate(over="ignore"):
        golden = np.uint64(0x9E3779B97F4A7C15)
        x = (np.asarray(places, dtype=np.uint64) + np.uint64(1)) * golden
        x = np.asarray(values, dtype=np.uint64) + x
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
