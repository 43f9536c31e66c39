"""Output axons: the cost that two layers have together.

A block's output axons are those that its neurons need in each block of the next population, so
they depend on how both are cut. `Coupling.tables` gives them for all pairs of tilings at once.
Counting axon by axon for every pair would take minutes for one convolution, so each kind of
synapses has its short form:

1. Dense synapses: every neuron that sends needs an axon in every block. The table is the product
   of neurons in a block and blocks of the target.
2. Convolutions from image to image: an axon is a pixel, and the blocks that a pixel reaches are a
   rectangle. So the table is a product of three small ones: over rows, columns and filters.
   Each is made once for every pair of different sides, by a running sum along the axis.
3. Anything else, such as sparse synapses: for each tiling of the target, how many blocks each axon
   reaches; then for each tiling of the source a sum over the axons of each block.

Tilings of the source with equal rows get one row (`kind` says which), as most tables have few.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable

import numpy as np
import scipy.sparse

from ...deadlines import OutOfTime
from ..cores.core_layers import Axons, Layer
from ..cores.population_synapses import ConvolutionSynapses
from ..cores.synapses import DenseSynapses, Reach
from ..cores.tiling import Tiling
from .tile_choices import TileChoices

#: Entries of a table, at most: 400 MB. A search over more pairs would not end in time either.
MOST_PAIRS = 50_000_000

#: Entries of tables that are kept for the next round of a search: at least and at most.
KEPT, MOST_KEPT = 1000, 500_000


class Coupling:
    """The output axons from one layer to one group of synapses of another one.

    Parameters
    ----------
    axons : Axons
    source, target : Layer
    """

    def __init__(self, axons: Axons, source: Layer, target: Layer):
        self.axons, self.source, self.target = axons, source, target
        self.number = target.synapses.index(axons.synapses)
        self._kept: dict[tuple[int, int], tuple[Any, ...]] = {}
        self._exact = lru_cache(maxsize=None)(self._worst)
        self._reach = lru_cache(maxsize=None)(self._reach_of)

    def tables(self, sources: TileChoices, targets: TileChoices) -> tuple[np.ndarray, np.ndarray]:
        """Slots of the fullest source block for all pairs of tilings.

        Returns
        -------
        kind : ndarray of int64, shape (sources,)
            Row of the table for each tiling of the source.
        table : ndarray of int64, shape (kinds, targets)
        """
        key = id(sources.tiles), id(targets.tiles)
        if key in self._kept:
            kind, table = self._kept[key][2:]
        else:
            kind, table = self._unit_table(sources, targets)
            if KEPT < table.size <= MOST_KEPT:  # small ones are made as quickly as found
                self._kept[key] = sources.tiles, targets.tiles, kind, table
        return kind, table * targets.slots[:, self.number].astype(np.int32)

    def _unit_table(
        self, sources: TileChoices, targets: TileChoices
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same if every axon took one slot."""
        if isinstance(self.axons.synapses, DenseSynapses):
            kind, table = self._dense(sources, targets)
        elif self._is_image():
            kind, table = self._image(sources, targets)
        else:
            kind, table = self._any(sources, targets)
        return kind, np.minimum(table, np.iinfo(np.int32).max // 2).astype(np.int32)

    # ------------------------------------------------------------ dense

    def _dense(self, sources: TileChoices, targets: TileChoices) -> tuple[np.ndarray, np.ndarray]:
        sent = self.axons.axon_of >= 0
        if sent.all():
            most = sources.tiles.prod(axis=1)
        else:
            most = np.zeros(len(sources), dtype=np.int64)
            for k in range(len(sources)):
                targets.clock.check()
                most[k] = np.bincount(sources.tiling(k).tile_of, sent).max()
        kinds, kind = np.unique(most, return_inverse=True)
        return kind.ravel(), np.outer(kinds, targets.n_blocks)

    # ------------------------------------------------------------ images

    def _is_image(self) -> bool:
        synapses = self.axons.synapses
        return (
            isinstance(synapses, ConvolutionSynapses)
            and self.source.shape == synapses.input_shape
            and self.target.shape == synapses.output_shape
            and bool((self.axons.axon_of >= 0).all())
        )

    def _image(self, sources: TileChoices, targets: TileChoices) -> tuple[np.ndarray, np.ndarray]:
        synapses: Any = self.axons.synapses
        source_sides = list(synapses.along_axes(sources.tiles.T))
        target_sides = synapses.along_axes(targets.tiles.T)
        if synapses.groups == 1:
            # channels share their pixel's axon: one channel needs all that many do
            source_sides[2] = np.ones_like(source_sides[2])
        kinds, kind = np.unique(np.stack(source_sides), axis=1, return_inverse=True)
        _require_room(kinds.shape[1], len(targets))
        table = (
            _axis_table(synapses.rows, kinds[0], target_sides[0])
            * _axis_table(synapses.columns, kinds[1], target_sides[1])
            * _filter_table(synapses, kinds[2], target_sides[2])
        )
        whole = targets.n_blocks == 1
        if whole.any():  # a whole block keeps the axons that lead nowhere
            pixels = np.minimum(kinds[0], synapses.rows.n_in) * kinds[1]
            table[:, whole] = pixels[:, None]
        return kind.ravel(), table

    # ------------------------------------------------------------ anything

    def _any(self, sources: TileChoices, targets: TileChoices) -> tuple[np.ndarray, np.ndarray]:
        reaches = []
        for tile in targets.tiles.tolist():
            targets.clock.check()
            reaches.append(self._reach(tuple(tile)))
        _require_room(len(sources), len(targets))
        table = np.zeros((len(sources), len(targets)), dtype=np.int64)
        if any(part.atoms is not None for reach in reaches for part in reach):
            # the blocks that an axon needs depend on the channel: no short form
            for k, source in enumerate(sources.tiles.tolist()):
                for m, target in enumerate(targets.tiles.tolist()):
                    targets.clock.check()
                    table[k, m] = self._exact(tuple(source), tuple(target))
            return np.arange(len(sources)), table
        n_axons = self.axons.synapses.n_axons
        sent = np.flatnonzero(self.axons.axon_of >= 0)
        axon_of = self.axons.axon_of[sent]
        # blocks that each axon reaches, (n_axons, targets)
        reached = np.array([reach[0].tiles * reach[0].times for reach in reaches]).T
        for k in range(len(sources)):
            targets.clock.check()
            tiling = sources.tiling(k)
            # neurons of a block that share an axon need it once
            pairs = np.unique(tiling.tile_of[sent] * n_axons + axon_of)
            ones = np.ones(len(pairs), dtype=np.int64)
            shape = (tiling.n_tiles, n_axons)
            needs = scipy.sparse.csr_matrix((ones, np.divmod(pairs, n_axons)), shape=shape)
            table[k] = (needs @ reached).max(axis=0)
        return np.arange(len(sources)), table

    def _reach_of(self, target: tuple[int, ...]) -> tuple[Reach, ...]:
        return self.axons.synapses.reach(Tiling(self.target.shape, target))

    def _worst(self, source: tuple[int, ...], target: tuple[int, ...]) -> int:
        tilings = Tiling(self.source.shape, source), Tiling(self.target.shape, target)
        slots = self.axons.output_slots(*tilings)
        return int(slots.max()) // self.axons.synapses.slots


def _require_room(sources: int, targets: int) -> None:
    """Raise `OutOfTime` if a table of all pairs would be too large to be made and looked at."""
    if sources * targets > MOST_PAIRS:
        raise OutOfTime


def _axis_table(axis: Any, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Most rows of a source tile, each as often as tiles of the target need it."""
    return _small_table(axis.most_reached, sources, targets)


def _filter_table(synapses: Any, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Most tiles of filters that the channels of a source tile lead to."""
    if synapses.groups == 1:
        tiles = -(-synapses.n_filters // targets)
        return np.broadcast_to(tiles, (len(sources), len(targets)))

    def most(side: int, length: int) -> int:
        return int(synapses.filter_tiles_reached(length, side).max())

    return _small_table(most, sources, targets)


def _small_table(
    most: Callable[[int, int], int], sources: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """A table over sides of targets and sources, computed once for each pair of different ones."""
    source_sides, i = np.unique(sources, return_inverse=True)
    target_sides, j = np.unique(targets, return_inverse=True)
    pairs = [[most(t, s) for t in target_sides.tolist()] for s in source_sides.tolist()]
    return np.array(pairs, dtype=np.int64)[i.ravel()][:, j.ravel()]
