"""Output axons: what the tilings of two populations cost together.

A block's output axons are those that its neurons need in each block of the next population,
so they depend on how both are cut. For images this is separable over rows, columns and
channels; a table over all tilings of both is then a product of small ones.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse

from ..cores.core_layers import Axons, Layer
from ..cores.population_synapses import ConvolutionSynapses
from ..cores.synapses import DenseSynapses, Reach
from ..cores.tiling import Tiling
from .tile_choices import TileChoices


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
        synapses = self.axons.synapses
        if isinstance(synapses, DenseSynapses):
            kind, table = self._dense(sources, targets)
        elif self._is_image():
            kind, table = self._image(sources, targets)
        else:
            kind, table = self._any(sources, targets)
        return kind, table * targets.slots[:, self.number]

    # ------------------------------------------------------------ dense

    def _dense(self, sources: TileChoices, targets: TileChoices) -> tuple[np.ndarray, np.ndarray]:
        sent = self.axons.axon_of >= 0
        if sent.all():
            most = sources.tiles.prod(axis=1)
        else:
            most = np.array(
                [np.bincount(sources.tiling(k).tile_of, sent).max() for k in range(len(sources))],
                dtype=np.int64,
            )
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
            source_sides[2] = np.ones_like(source_sides[2])  # one channel needs all that many do
        kinds, kind = np.unique(np.stack(source_sides), axis=1, return_inverse=True)
        parts = []
        for axis, name in ((0, "rows"), (1, "columns")):
            along = getattr(synapses, name)
            parts.append(_axis_table(along, kinds[axis], target_sides[axis]))
        filters = _filter_table(synapses, kinds[2], target_sides[2])
        table = parts[0] * parts[1] * filters
        whole = targets.n_blocks == 1
        if whole.any():  # a whole block keeps the axons that lead nowhere
            pixels = np.minimum(kinds[0], synapses.rows.n_in) * kinds[1]
            table[:, whole] = pixels[:, None]
        return kind.ravel(), table

    # ------------------------------------------------------------ anything

    def _any(self, sources: TileChoices, targets: TileChoices) -> tuple[np.ndarray, np.ndarray]:
        reaches = [self._reach(tuple(tile)) for tile in targets.tiles.tolist()]
        table = np.zeros((len(sources), len(targets)), dtype=np.int64)
        if any(reach.atoms is not None for found in reaches for reach in found):
            for k, source in enumerate(sources.tiles.tolist()):
                for m, target in enumerate(targets.tiles.tolist()):
                    table[k, m] = self._exact(tuple(source), tuple(target))
            return np.arange(len(sources)), table
        sent = np.flatnonzero(self.axons.axon_of >= 0)
        axon_of = self.axons.axon_of[sent]
        tiles = np.array([found[0].tiles * found[0].times for found in reaches]).T
        for k in range(len(sources)):
            tiling = sources.tiling(k)
            pairs = np.unique(tiling.tile_of[sent] * self.axons.synapses.n_axons + axon_of)
            tile, axon = np.divmod(pairs, self.axons.synapses.n_axons)
            one_hot = scipy.sparse.csr_matrix(
                (np.ones(len(pairs), dtype=np.int64), (tile, axon)),
                shape=(tiling.n_tiles, self.axons.synapses.n_axons),
            )
            table[k] = (one_hot @ tiles).max(axis=0)
        return np.arange(len(sources)), table

    def _reach_of(self, target: tuple[int, ...]) -> tuple[Reach, ...]:
        return self.axons.synapses.reach(Tiling(self.target.shape, target))

    def _worst(self, source: tuple[int, ...], target: tuple[int, ...]) -> int:
        tilings = Tiling(self.source.shape, source), Tiling(self.target.shape, target)
        slots = self.axons.output_slots(*tilings)
        return int(slots.max()) // self.axons.synapses.slots


def _axis_table(axis: Any, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Most rows of a source tile, each as often as tiles of the target need it."""
    source_sides, i = np.unique(sources, return_inverse=True)
    target_sides, j = np.unique(targets, return_inverse=True)
    small = np.zeros((len(source_sides), len(target_sides)), dtype=np.int64)
    for column, side in enumerate(target_sides):
        reached = np.append(0, np.cumsum(axis.tiles_reached(int(side))))
        for row, length in enumerate(source_sides):
            starts = np.arange(0, axis.n_in, int(length))
            stops = np.minimum(starts + int(length), axis.n_in)
            small[row, column] = (reached[stops] - reached[starts]).max()
    return small[i.ravel()][:, j.ravel()]


def _filter_table(synapses: Any, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Most tiles of filters that the channels of a source tile lead to."""
    if synapses.groups == 1:
        return np.broadcast_to(
            -(-synapses.n_filters // targets)[None], (len(sources), len(targets))
        )
    source_sides, i = np.unique(sources, return_inverse=True)
    target_sides, j = np.unique(targets, return_inverse=True)
    per_group = synapses.n_channels // synapses.groups
    small = np.zeros((len(source_sides), len(target_sides)), dtype=np.int64)
    for column, side in enumerate(target_sides):
        tiles = [filters.groups for filters in synapses.filter_tiles(int(side))]
        if int(side) >= synapses.n_filters:
            tiles = [(0, synapses.groups)]
        for row, length in enumerate(source_sides):
            small[row, column] = max(
                sum(low < stop and high > start for low, high in tiles)
                for start, stop in _groups_of_tiles(synapses.n_channels, int(length), per_group)
            )
    return small[i.ravel()][:, j.ravel()]


def _groups_of_tiles(n_channels: int, length: int, per_group: int) -> list[tuple[int, int]]:
    """First and last-plus-one group of each tile of so many channels."""
    starts = range(0, n_channels, length)
    return [(c // per_group, (min(c + length, n_channels) - 1) // per_group + 1) for c in starts]
