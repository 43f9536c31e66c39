"""How NengoLoihi cuts a population into blocks: a grid of tiles, ragged at the far edges.

Reference: nengo-loihi 1.1.0, builder/split_blocks.py (``split_block``), config.py
(``BlockShape``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


def ceil_div(a: int, b: int) -> int:
    """``a / b``, rounded up."""
    return -(-a // b)


@dataclass(frozen=True)
class Tiling:
    """A population's shape, and the shape of the tiles that it is cut into.

    Attributes
    ----------
    full : tuple of int
        Shape of the population: rows, columns and channels in the order of its neurons, or
        the number of neurons alone.
    tile : tuple of int
        Shape of a block, as ``BlockShape.shape``; longer sides are cut to the population's.
    """

    full: tuple[int, ...]
    tile: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.full) != len(self.tile) or min((*self.full, *self.tile), default=0) < 1:
            raise ValueError(f"A block of shape {self.tile} does not tile {self.full}.")
        sides = tuple(int(min(t, n)) for t, n in zip(self.tile, self.full))
        object.__setattr__(self, "tile", sides)
        object.__setattr__(self, "full", tuple(int(n) for n in self.full))

    @property
    def n_neurons(self) -> int:
        """Neurons of the population."""
        return math.prod(self.full)

    @property
    def size(self) -> int:
        """Neurons of the largest tile."""
        return math.prod(self.tile)

    @property
    def counts(self) -> tuple[int, ...]:
        """Tiles along each axis."""
        return tuple(ceil_div(n, t) for n, t in zip(self.full, self.tile))

    @property
    def n_tiles(self) -> int:
        """Number of tiles."""
        return math.prod(self.counts)

    @cached_property
    def tile_of(self) -> np.ndarray:
        """Number of the tile that each neuron is in, shape (n_neurons,), in NengoLoihi's order."""
        number = np.zeros(self.full, dtype=np.int64)
        for axis, (n, t) in enumerate(zip(self.full, self.tile)):
            along = np.arange(n) // t
            number = number * self.counts[axis] + along.reshape(_column(axis, len(self.full)))
        return number.ravel()

    @cached_property
    def place_in_tile(self) -> np.ndarray:
        """Index of each neuron within its tile, shape (n_neurons,)."""
        place = np.zeros(self.full, dtype=np.int64)
        for axis, (n, t) in enumerate(zip(self.full, self.tile)):
            shape = _column(axis, len(self.full))
            start = np.arange(n) // t * t
            extent = np.minimum(start + t, n) - start
            place = place * extent.reshape(shape) + (np.arange(n) - start).reshape(shape)
        return place.ravel()

    @cached_property
    def sizes(self) -> np.ndarray:
        """Neurons of each tile, shape (n_tiles,)."""
        sizes = np.ones(1, dtype=np.int64)
        for n, t in zip(self.full, self.tile):
            sizes = np.outer(sizes, np.minimum(n - np.arange(0, n, t), t)).ravel()
        return sizes

    @classmethod
    def of(cls, shape: Any) -> Tiling:
        """The tiling of a nengo_loihi.BlockShape."""
        return cls(tuple(shape.ensemble_shape), tuple(shape.shape))

    def __str__(self) -> str:
        return f"{self.tile} of {self.full}"


def _column(axis: int, n_axes: int) -> Sequence[int]:
    return [-1 if k == axis else 1 for k in range(n_axes)]


def whole(n_neurons: int) -> Tiling:
    """A population that is one block."""
    return Tiling((n_neurons,), (n_neurons,))


def sides(n: int) -> Iterator[int]:
    """For each number of tiles that an axis of `n` can have, the smallest side that gives it."""
    last = None
    for parts in range(1, n + 1):
        side = ceil_div(n, parts)
        if side != last:
            yield side
        last = side
