"""Convolutions as population synapses: axons of pixels, atoms of channels, shared weights.

Pixels share a set of weights if the same kernel rows and columns lead from them into a
tile, and if their first target has the same multiple of 256 in its index: an axon's own
offset is below that, and the rest is in the indices.

Reference: nengo-loihi 1.1.0, conv.py (``conv2d_loihi_weights``), builder/split_blocks.py;
for groups and transposed convolutions, `nengo_spikecost.stack.convolution_synapses`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ...chip.limits import AXON_BASES, POP16_BASE_STEP, axon_bits, index_bits
from .image_synapses import AxisTile, ImageSynapses
from .synapses import Reach, TileInputs, bits_of_sets, mixed
from .tiling import Tiling


@dataclass(frozen=True)
class Filters:
    """The filters of a tile, and the channels that lead to them.

    Attributes
    ----------
    start, stop : int
        Filters of the tile.
    n_atoms : int
        Channels that reach it.
    n_reached : int
        Filters of the tile that one channel reaches, at most.
    groups : tuple of int
        First and last-plus-one group of the tile.
    """

    start: int
    stop: int
    n_atoms: int
    n_reached: int
    groups: tuple[int, int]


class ConvolutionSynapses(ImageSynapses):
    """The synapses of a convolution, transposed or not, with groups or without."""

    def filter_tiles(self, side: int) -> Iterator[Filters]:
        """Tiles that cover all filters, ``side`` filters each."""
        per_group = self.n_filters // self.groups
        channels = self.n_channels // self.groups
        for start in range(0, self.n_filters, side):
            stop = min(start + side, self.n_filters)
            groups = start // per_group, (stop - 1) // per_group + 1
            if side >= self.n_filters or self.groups == 1:
                # whole blocks keep all channels
                yield Filters(start, stop, self.n_channels, min(per_group, stop - start), groups)
                continue
            reached = max(
                min(stop, (g + 1) * per_group) - max(start, g * per_group)
                for g in range(groups[0], min(groups[1], groups[0] + 2))
            )
            if groups[1] - groups[0] > 2:
                reached = per_group
            yield Filters(start, stop, channels * (groups[1] - groups[0]), reached, groups)

    # ------------------------------------------------------------ use

    def use(self, tiling: Tiling) -> TileInputs:
        if tiling.n_tiles == 1:
            return TileInputs(np.array([self.n_axons]), np.array([self._whole_memory[0]]))
        tile = self.image_tile(tiling)
        if tile is None:
            return Entries(self, tiling).use()[0]
        rows, columns = self.rows.tiles(tile[0]), self.columns.tiles(tile[1])
        filters = list(self.filter_tiles(tile[2]))
        tiles = [(r, c, f) for r in rows for c in columns for f in filters]
        if not self.channels_last:
            tiles = [(r, c, f) for f in filters for r in rows for c in columns]
        axons = np.array([len(r.inputs) * len(c.inputs) for r, c, _ in tiles])
        by_value = self.values_may_be_equal
        return TileInputs(axons, np.array([self.memory(*tile, by_value)[0] for tile in tiles]))

    def largest(self, tiling: Tiling, by_value: bool) -> tuple[int, int, bool]:
        """Most input axons and bits of a tile, and whether pop16 axons could lead there.

        For tiles that are rectangles of the image, more than one. Without ``by_value`` no weight
        is read, and sets of equal weights count as often as they come: then bits are at most so
        many.
        """
        tile = self.image_tile(tiling)
        assert tile is not None and tiling.n_tiles > 1
        rows, columns = self.rows.patterns(tile[0]), self.columns.patterns(tile[1])
        filters = list(self.filter_tiles(tile[2]))
        by_value = by_value and self.values_may_be_equal
        if not by_value:
            kinds = {(f.stop - f.start, f.n_atoms, f.n_reached): f for f in filters}
            filters = list(kinds.values())
        tiles = [self.memory(r, c, f, by_value) for f in filters for r in rows for c in columns]
        axons = self.rows.most_inputs(tile[0]) * self.columns.most_inputs(tile[1])
        return axons, max(bits for bits, _ in tiles), all(allowed for _, allowed in tiles)

    def bases_allowed(self, tiling: Tiling) -> bool:
        """Whether all compartment offsets are allowed; those of pop32 axons always are."""
        return self.pop_type != 16 or self.offsets_allowed(tiling)

    def offsets_allowed(self, tiling: Tiling) -> bool:
        """Whether all compartment offsets are multiples of 4, as those of pop16 axons are."""
        if tiling.n_tiles == 1:
            return self._whole_memory[1]
        tile = self.image_tile(tiling)
        if tile is None:
            return Entries(self, tiling).use()[1]
        return all(
            self.memory(r, c, f, False)[1]
            for f in self.filter_tiles(tile[2])
            for r in self.rows.tiles(tile[0])
            for c in self.columns.tiles(tile[1])
        )

    def memory(
        self, rows: AxisTile, columns: AxisTile, filters: Filters, by_value: bool
    ) -> tuple[int, bool]:
        """Bits of one tile, and whether its pop16 offsets are allowed; see `largest`."""
        values = (filters.start, filters.stop) if by_value else ()
        n_filters = filters.stop - filters.start
        key = (rows.pattern, columns.pattern, n_filters, filters.n_atoms, filters.n_reached, values)
        if key not in self._memory:
            self._memory[key] = self._compute_memory(rows, columns, filters, bool(values))
        return self._memory[key]

    @cached_property
    def _memory(self) -> dict[tuple[Any, ...], tuple[int, bool]]:
        """Known answers of `memory`: many tiles are alike."""
        return {}

    @cached_property
    def _whole_memory(self) -> tuple[int, bool]:
        """The same of a whole block, where equal values are not looked for."""
        rows, columns = self.rows.tiles(self.rows.n_out), self.columns.tiles(self.columns.n_out)
        filters = next(self.filter_tiles(self.n_filters))
        return self._compute_memory(rows[0], columns[0], filters, False)

    def _compute_memory(
        self, rows: AxisTile, columns: AxisTile, filters: Filters, by_value: bool
    ) -> tuple[int, bool]:
        if not len(rows.inputs) or not len(columns.inputs):
            return 0, True
        # 1. of each pixel, its first target in the tile, and how far on its last one is
        n_filters = filters.stop - filters.start
        step = n_filters if self.channels_last else 1
        first = (rows.first[:, None] * columns.extent + columns.first) * step
        row_span, column_span = (rows.lengths - 1) * columns.extent, columns.lengths - 1
        span = (row_span[:, None] + column_span) * step
        span = span + (n_filters - 1) * (1 if self.channels_last else rows.extent * columns.extent)
        # 2. the axon's own offset takes what it can hold of the first target; the indices hold the
        #    rest, and the largest of them says how many bits all have
        bases = first % AXON_BASES
        bits_of_index = index_bits(int((first - bases + span).max()))

        # 3. pixels share a set of weights if their kernel rows and columns are the same (or of
        #    equal values) and if their indices are: those with the same multiple of 256
        row_kinds, row_of = np.unique(rows.taps, return_inverse=True)
        column_kinds, column_of = np.unique(columns.taps, return_inverse=True)
        n_blocks = int(first.max()) // AXON_BASES + 1
        kinds = row_of.ravel()[:, None] * len(column_kinds) + column_of.ravel()
        if by_value:
            kinds = self._equal_kinds(row_kinds, column_kinds, filters)[kinds]
        _, where = np.unique(kinds * n_blocks + first // AXON_BASES, return_index=True)
        # 4. the memory of the sets that are left, by their number of weights
        sizes = (rows.lengths[:, None] * columns.lengths).ravel()[where]
        bits = bits_of_sets(sizes * filters.n_reached * filters.n_atoms, bits_of_index)
        return bits, not (bases % POP16_BASE_STEP).any()

    def _equal_kinds(
        self, row_kinds: np.ndarray, column_kinds: np.ndarray, filters: Filters
    ) -> np.ndarray:
        """For each pair of row taps and column taps, the number of the first equal pair."""
        hashes = self.tap_hashes[:, :, filters.start : filters.stop]
        first: dict[tuple[int, ...], int] = {}
        numbers: list[int] = []
        for r in row_kinds:
            for c in column_kinds:
                taps = np.ix_(self.rows.kernel_rows(r), self.columns.kernel_rows(c))
                part = hashes[taps]
                whole = int(mixed(part.ravel(), np.arange(part.size)).sum(dtype=np.uint64))
                key = (part.shape[0], part.shape[1], whole)
                numbers.append(first.setdefault(key, len(numbers)))
        return np.array(numbers)

    # ------------------------------------------------------------ reach

    def reach(self, tiling: Tiling) -> tuple[Reach, ...]:
        if tiling.n_tiles == 1:
            return self._everywhere()
        tile = self.image_tile(tiling)
        if tile is None:
            return Entries(self, tiling).reach()
        along = self.rows.tiles_reached(tile[0]), self.columns.tiles_reached(tile[1])
        pixels = np.outer(*along).ravel()
        all_filters = list(self.filter_tiles(tile[2]))
        if self.groups == 1:
            return (Reach(pixels, len(all_filters)),)
        times = Counter(filters.groups for filters in all_filters)
        group_of_atom = np.arange(self.n_channels) // (self.n_channels // self.groups)
        return tuple(
            Reach(pixels, count, (group_of_atom >= groups[0]) & (group_of_atom < groups[1]))
            for groups, count in times.items()
        )

    def axons_from(self, source: Tiling, target: Tiling) -> np.ndarray | None:
        # a tile of the source is a rectangle of pixels, and so are the tiles that each reaches:
        # a sum over its rows, times one over its columns, times the tiles of filters that its
        # channels lead to
        tile = self.image_tile(target)
        if source.full != self.input_shape or (tile is None and target.n_tiles > 1):
            return None
        sides = self.along_axes(source.tile)
        along = [np.ones(axis.n_in, dtype=np.int64) for axis in (self.rows, self.columns)]
        channels = np.ones(-(-self.n_channels // sides[2]), dtype=np.int64)
        # a whole block keeps the axons that lead nowhere
        if tile is not None and target.n_tiles > 1:
            along = [self.rows.tiles_reached(tile[0]), self.columns.tiles_reached(tile[1])]
            channels = self.filter_tiles_reached(sides[2], tile[2])
        rows, columns = (
            np.add.reduceat(reached, np.arange(0, len(reached), side))
            for reached, side in zip(along, sides)
        )
        pixels = np.outer(rows, columns).ravel()
        pair = (pixels, channels) if self.channels_last else (channels, pixels)
        return np.outer(*pair).ravel()

    def filter_tiles_reached(self, n_channels: int, n_filters: int) -> np.ndarray:
        """Tiles of filters that each tile of channels leads to, int64, (tiles of channels,)."""
        sizes = self.n_channels, self.n_filters, self.groups
        return _filter_tiles_reached(*sizes, n_channels, n_filters)

    def tiles_of_groups(self, n_filters: int) -> np.ndarray:
        """Tiles of filters that each group of channels leads to, int64, (groups,)."""
        return self.filter_tiles_reached(self.n_channels // self.groups, n_filters)


@lru_cache(maxsize=100_000)
def _filter_tiles_reached(
    all_channels: int, all_filters: int, groups: int, n_channels: int, n_filters: int
) -> np.ndarray:
    """See `ConvolutionSynapses.filter_tiles_reached`; kept, as many convolutions are alike."""
    if groups == 1:
        tiles = -(-all_filters // n_filters)
        return np.full(-(-all_channels // n_channels), tiles, dtype=np.int64)
    # of tiles of channels and of filters, the first group, and the one after the last
    starts, stops = _groups_of(all_channels, groups, n_channels)
    first, last = _groups_of(all_filters, groups, n_filters)
    # both grow from tile to tile: those that start in time, without those that end too early
    return np.searchsorted(first, stops) - np.searchsorted(last, starts, side="right")


def _groups_of(n: int, groups: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """First group, and the one after the last, of each tile of channels or filters."""
    starts = np.arange(0, n, side)
    per_group = n // groups
    return starts // per_group, (np.minimum(starts + side, n) - 1) // per_group + 1


class Entries:
    """Every target of every pixel, for tiles that are no rectangles of the image.

    NengoLoihi cuts a population for which no BlockShape is given into runs of neurons, in the
    order they have. There is no short form for the targets of a pixel in such a tile, so every
    pair of pixel and target is looked at.

    Parameters
    ----------
    synapses : ImageSynapses
    tiling : Tiling
        Of the same number of neurons, of any shape, into more than one tile.
    """

    def __init__(self, synapses: ImageSynapses, tiling: Tiling):
        self.synapses, self.tiling = synapses, tiling
        pixel, place, filters, positions = _entries(synapses)
        # pairs sorted by tile, pixel and target; those of one tile and pixel are a set of weights,
        # which starts at each of `starts`
        tile = tiling.tile_of[place]
        order = np.lexsort((place, pixel, tile))
        self.pixel, self.tile = pixel[order], tile[order]
        self.filters, self.positions = filters[order], positions[order]
        self.place = tiling.place_in_tile[place[order]]
        self.group = self.filters // (synapses.n_filters // synapses.groups)
        new = (np.diff(self.tile) != 0) | (np.diff(self.pixel) != 0)
        self.starts = np.concatenate([[0], np.flatnonzero(new) + 1])
        self.lengths = np.diff(np.append(self.starts, len(self.tile)))

    def use(self) -> tuple[TileInputs, bool]:
        """Input axons and bits of each tile, and whether pop16 offsets are allowed."""
        # as in `ConvolutionSynapses`: an offset below 256 in the axon, the rest in the indices
        bases = self.place[self.starts] % AXON_BASES
        indices = self.place - np.repeat(bases, self.lengths)
        hashes = self.synapses.tap_hashes.reshape(-1, self.synapses.n_filters)
        weights = hashes[self.positions, self.filters]
        sets = np.add.reduceat(mixed(weights, indices), self.starts)
        # sets with equal weights at equal indices are stored once in a tile
        tiles = self.tile[self.starts]
        widths = self._widths()
        kinds = np.unique(np.stack([tiles, widths, sets.view(np.int64)]), axis=1)
        largest = np.zeros(self.tiling.n_tiles, dtype=np.int64)
        np.maximum.at(largest, self.tile, indices)
        per_group = self.synapses.n_channels // self.synapses.groups
        atoms = self._groups_of_tiles().sum(axis=1) * per_group
        bits = np.zeros(self.tiling.n_tiles, dtype=np.int64)
        pairs, counts = np.unique(kinds[:2], axis=1, return_counts=True)
        for tile, width, count in zip(*pairs, counts):
            n_weights = int(width) * int(atoms[tile])
            bits[tile] += axon_bits(n_weights, index_bits(int(largest[tile]))) * count
        axons = np.bincount(tiles, minlength=self.tiling.n_tiles)
        return TileInputs(axons.astype(np.int64), bits), not (bases % POP16_BASE_STEP).any()

    def _widths(self) -> np.ndarray:
        """Weights of one channel in each pair of tile and pixel: those of the longest row."""
        if self.synapses.groups == 1:
            return self.lengths
        pair = np.repeat(np.arange(len(self.starts)), self.lengths)
        counts = np.zeros((len(self.starts), self.synapses.groups), dtype=np.int64)
        np.add.at(counts, (pair, self.group), 1)
        return counts.max(axis=1)

    def _groups_of_tiles(self) -> np.ndarray:
        """Groups of channels that lead to each tile, bool of shape (n_tiles, groups)."""
        groups = np.zeros((self.tiling.n_tiles, self.synapses.groups), dtype=bool)
        groups[self.tile, self.group] = True
        return groups

    def reach(self) -> tuple[Reach, ...]:
        """Where the spikes of each pixel go."""
        n_axons, channels = self.synapses.n_axons, self.synapses.n_channels
        tiles, pixels = self.tile[self.starts], self.pixel[self.starts]
        if self.synapses.groups == 1:
            return (Reach(np.bincount(pixels, minlength=n_axons)),)
        group_of_atom = np.arange(channels) // (channels // self.synapses.groups)
        sets, which = np.unique(self._groups_of_tiles(), axis=0, return_inverse=True)
        own = [pixels[which.ravel()[tiles] == k] for k in range(len(sets))]
        return tuple(
            Reach(np.bincount(reached, minlength=n_axons), atoms=groups[group_of_atom])
            for reached, groups in zip(own, sets)
        )


def _entries(synapses: ImageSynapses) -> tuple[np.ndarray, ...]:
    """Pixel, target neuron, filter and kernel position of every pair that is connected."""
    rows, columns = synapses.rows.connected(), synapses.columns.connected()
    i, y, u = (along[:, None, None] for along in rows)
    j, x, v = (along[None, :, None] for along in columns)
    filters = np.arange(synapses.n_filters)[None, None, :]
    shape = (len(rows[0]), len(columns[0]), synapses.n_filters)
    image = y * synapses.columns.n_out + x
    if synapses.channels_last:
        targets = image * synapses.n_filters + filters
    else:
        targets = filters * (synapses.rows.n_out * synapses.columns.n_out) + image
    pixels, taps = i * synapses.columns.n_in + j, u * synapses.columns.kernel + v
    parts = (pixels, targets, filters, taps)
    return tuple(np.broadcast_to(part, shape).ravel() for part in parts)
