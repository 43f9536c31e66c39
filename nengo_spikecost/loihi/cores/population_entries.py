"""Synapses of a convolution cut into tiles that are no rectangles of its image.

NengoLoihi cuts a population for which no BlockShape is given into runs of neurons, in the
order they have. There is no short form for the targets of a pixel in such a tile, so every
pair of pixel and target is looked at.
"""

from __future__ import annotations

import numpy as np

from ...chip.limits import AXON_BASES, POP16_BASE_STEP, axon_bits, index_bits
from .image_synapses import ImageSynapses
from .synapses import Reach, TileInputs, mixed
from .tiling import Tiling


class Entries:
    """Every target of every pixel, by tile.

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
