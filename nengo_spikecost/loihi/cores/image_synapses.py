"""A convolution's two images and its kernel, whichever way its target is cut into tiles.

Everything about a convolution on the chip is separable over rows and columns: an input
pixel reaches a rectangle of output pixels, and a tile is a rectangle too. An `ImageAxis` says which
outputs each input row (or column) leads to, tile by tile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ...stack.convolution_synapses import is_transposed
from .synapses import Synapses, mixed
from .tiling import Tiling


@dataclass(frozen=True, eq=False)
class AxisTile:
    """The part of an axis that is in one tile, for the input rows that lead to it.

    Attributes
    ----------
    extent : int
        Output rows of the tile.
    inputs : ndarray of int64, shape (n,)
        Input rows that reach it.
    first : ndarray of int64, shape (n,)
        First output row that each reaches, counted from the tile's own first.
    lengths : ndarray of int64, shape (n,)
        How many it reaches, one after the other.
    taps : ndarray of int64, shape (n,)
        Which kernel rows lead there: the number of the first, times `tap_base`, and the
        length. Equal numbers are equal kernel rows.
    """

    extent: int
    inputs: np.ndarray
    first: np.ndarray
    lengths: np.ndarray
    taps: np.ndarray

    @cached_property
    def pattern(self) -> tuple[Any, ...]:
        """Equal for tiles that need the same memory."""
        return self.extent, self.first.tobytes(), self.taps.tobytes()


def image_axis(transform: Any, axis: int) -> ImageAxis:
    """The rows (0) or columns (1) of a convolution, the same object for all that are alike.

    Networks have hundreds of convolutions and few geometries, and what is found out of one is kept.
    """
    shapes = transform.input_shape, transform.output_shape
    n_in, n_out = (int(shape.spatial_shape[axis]) for shape in shapes)
    kernel, stride = int(transform.kernel_size[axis]), int(transform.strides[axis])
    same = transform.padding == "same"
    return _axis_of(n_in, n_out, kernel, stride, same, is_transposed(transform))


class ImageAxis:
    """Rows or columns of a convolution, as `AxisTile` for any size of tile.

    Parameters
    ----------
    n_in, n_out, kernel, stride : int
        Along this axis.
    same : bool
        Padded so that strides alone make the output smaller.
    transposed : bool
    """

    def __init__(
        self, n_in: int, n_out: int, kernel: int, stride: int, same: bool, transposed: bool
    ):
        self.n_in, self.n_out, self.kernel = n_in, n_out, kernel
        #: Step from the kernel row of one output to that of the next one.
        self.tap_step = 1 if transposed else -stride
        #: Factor of the first kernel row in `AxisTile.taps`.
        self.tap_base = self.kernel + 1
        wide, narrow = (self.n_out, self.n_in) if transposed else (self.n_in, self.n_out)
        pad = max((narrow - 1) * stride + self.kernel - wide, 0) // 2 if same else 0
        i = np.arange(self.n_in)
        if transposed:  # output i * stride + tap - pad sees input i
            start = i * stride - pad
            self._first = np.maximum(start, 0)
            self._last = np.minimum(start + self.kernel - 1, self.n_out - 1)
            self._first_tap = self._first - start
        else:  # output y sees input y * stride + tap - pad
            self._first = np.maximum(-((self.kernel - 1 - i - pad) // stride), 0)
            self._last = np.minimum((i + pad) // stride, self.n_out - 1)
            self._first_tap = i + pad - self._first * stride
        self._tiles: dict[int, tuple[AxisTile, ...]] = {}
        self._counts: dict[int, np.ndarray] = {}
        self._most: dict[tuple[str, int, int], int] = {}

    def tiles(self, side: int) -> tuple[AxisTile, ...]:
        """The tiles of `side` output rows each."""
        if side not in self._tiles:
            self._tiles[side] = tuple(
                self._tile(start, min(start + side, self.n_out))
                for start in range(0, self.n_out, side)
            )
        return self._tiles[side]

    def _tile(self, start: int, stop: int) -> AxisTile:
        low, high = np.maximum(self._first, start), np.minimum(self._last, stop - 1)
        inputs = np.flatnonzero(high >= low)
        low, high = low[inputs], high[inputs]
        lengths = high - low + 1
        first_taps = self._first_tap[inputs] + (low - self._first[inputs]) * self.tap_step
        return AxisTile(
            stop - start, inputs, low - start, lengths, first_taps * self.tap_base + lengths
        )

    def tiles_reached(self, side: int) -> np.ndarray:
        """How many tiles each input row reaches, shape (n_in,)."""
        if side not in self._counts:
            reached = np.maximum(self._last // side - self._first // side + 1, 0)
            self._counts[side] = np.where(self._last >= self._first, reached, 0)
        return self._counts[side]

    def most_inputs(self, side: int) -> int:
        """Input rows of the tile that has most."""
        return self._known("inputs", side, 0, self._most_inputs)

    def most_taps(self, side: int) -> int:
        """Of the different sets of kernel rows in a tile, the sum of their lengths, at most."""
        return self._known("taps", side, 0, self._most_taps)

    def most_reached(self, side: int, length: int) -> int:
        """Of runs of ``length`` input rows, the most tiles of ``side`` that their rows need."""
        return self._known("reached", side, length, self._most_reached)

    def _known(self, kind: str, side: int, length: int, function: Callable[[int, int], int]) -> int:
        key = (kind, side, length)
        if key not in self._most:
            self._most[key] = function(side, length)
        return self._most[key]

    def _most_inputs(self, side: int, _: int) -> int:
        return max(len(tile.inputs) for tile in self.tiles(side))

    def _most_taps(self, side: int, _: int) -> int:
        sums = ((np.unique(tile.taps) % self.tap_base).sum() for tile in self.tiles(side))
        return int(max(sums, default=0))

    def _most_reached(self, side: int, length: int) -> int:
        return int(np.add.reduceat(self.tiles_reached(side), np.arange(0, self.n_in, length)).max())

    def lengths(self, side: int) -> np.ndarray:
        """Output rows of each tile that each input row reaches, shape (n_tiles, n_in)."""
        lengths = np.zeros((len(self.tiles(side)), self.n_in), dtype=np.int64)
        for number, tile in enumerate(self.tiles(side)):
            lengths[number, tile.inputs] = tile.lengths
        return lengths

    def patterns(self, side: int) -> list[AxisTile]:
        """One tile of each kind, as far as memory is concerned."""
        return list({tile.pattern: tile for tile in self.tiles(side)}.values())

    def kernel_rows(self, taps: int) -> np.ndarray:
        """The kernel rows that a number in `AxisTile.taps` stands for."""
        first, length = divmod(int(taps), self.tap_base)
        return first + self.tap_step * np.arange(length)

    def connected(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Input row, output row and kernel row of every pair that is connected."""
        (tile,) = self.tiles(self.n_out)
        inputs = np.repeat(tile.inputs, tile.lengths)
        starts = np.cumsum(tile.lengths) - tile.lengths
        number = np.arange(len(inputs)) - np.repeat(starts, tile.lengths)
        taps = np.repeat(tile.taps // self.tap_base, tile.lengths) + number * self.tap_step
        return inputs, np.repeat(tile.first, tile.lengths) + number, taps


#: Alike axes share what is found out of them. Few are alive: large images have large tables.
_axis_of = lru_cache(maxsize=64)(ImageAxis)


class ImageSynapses(Synapses):
    """Synapses from image to image; `ConvolutionSynapses` adds what depends on tiles.

    Parameters
    ----------
    transform : nengo.Convolution or nengo.ConvolutionTranspose
        Over two axes.
    pop_type : int
        16 or 32.
    kernel : callable
        Gives the kernel as it is in the chip's memory before it is rounded, float32.
    channels_last : bool, optional
        Default: the transform's.
    """

    def __init__(
        self, transform: Any, pop_type: int, kernel: Callable[[], np.ndarray],
        channels_last: bool | None = None,
    ):  # fmt: skip
        self.transform = transform
        self.channels_last = transform.channels_last if channels_last is None else channels_last
        self.rows, self.columns = image_axis(transform, 0), image_axis(transform, 1)
        self.n_channels = self.n_atoms = int(transform.input_shape.n_channels)
        self.n_filters = int(transform.n_filters)
        self.groups = int(getattr(transform, "groups", 1))
        self.n_axons = self.rows.n_in * self.columns.n_in
        self.pop_type = pop_type
        self._read = kernel

    @property
    def geometry(self) -> tuple[Any, ...]:
        """Equal for convolutions of which every tile sees the same rows and columns."""
        return self.rows, self.columns, self.channels_last

    def in_order(self, channels_last: bool) -> Any:
        """The same with the channels of both images first, or last."""
        if channels_last == self.channels_last:
            return self
        return type(self)(self.transform, self.pop_type, self._read, channels_last)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the target in the order of its neurons."""
        return self._in_neuron_order(self.rows.n_out, self.columns.n_out, self.n_filters)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the source in the order of its neurons."""
        return self._in_neuron_order(self.rows.n_in, self.columns.n_in, self.n_channels)

    def _in_neuron_order(self, rows: int, columns: int, channels: int) -> tuple[int, ...]:
        return (rows, columns, channels) if self.channels_last else (channels, rows, columns)

    def along_axes(self, sides: Any) -> tuple[Any, Any, Any]:
        """Three sides in the order of the neurons, as those along rows, columns and channels."""
        a, b, c = sides
        return (a, b, c) if self.channels_last else (b, c, a)

    def image_tile(self, tiling: Tiling) -> tuple[int, int, int] | None:
        """Rows, columns and filters of a tile; None if tiles are no rectangles of the image."""
        return self.along_axes(tiling.tile) if tiling.full == self.output_shape else None

    def permuted(self, targets: np.ndarray) -> Synapses:
        raise NotImplementedError("an image's neurons are ordered by `in_order`")

    def axons_of_neurons(self) -> np.ndarray:
        rows, columns = (
            np.bincount(axis.connected()[1], minlength=axis.n_out)
            for axis in (self.rows, self.columns)
        )
        pixels = np.outer(rows, columns)
        along = pixels[:, :, None] if self.channels_last else pixels[None]
        return np.broadcast_to(along, self.output_shape).ravel()

    @cached_property
    def tap_hashes(self) -> np.ndarray:
        """Hash of each filter's weights at a kernel position, uint64 (rows, columns, filters)."""
        kernel = np.ascontiguousarray(self._read(), dtype=np.float32)
        bits = kernel.view(np.uint32).reshape(kernel.shape).astype(np.uint64)
        # a few channels at a time: a hash of every weight is eight times the kernel
        parts = np.array_split(np.arange(kernel.shape[2]), kernel.size // 1_000_000 + 1)
        return sum(
            mixed(bits[:, :, part], part[:, None]).sum(axis=2, dtype=np.uint64) for part in parts
        )

    @cached_property
    def values_may_be_equal(self) -> bool:
        """Whether a filter has the same weights at two different kernel positions.

        Only then can two sets of weights be equal that come from different positions.
        """
        flat = np.sort(self.tap_hashes.reshape(-1, self.tap_hashes.shape[2]), axis=0)
        return bool((flat[1:] == flat[:-1]).any())
