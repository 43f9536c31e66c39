"""A convolution's two images and its kernel, whichever way its target is cut into tiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from .image_axis import ImageAxis
from .synapses import Synapses, mixed
from .tiling import Tiling


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
        self,
        transform: Any,
        pop_type: int,
        kernel: Callable[[], np.ndarray],
        channels_last: bool | None = None,
    ):
        self.transform = transform
        self.channels_last = transform.channels_last if channels_last is None else channels_last
        self.rows, self.columns = ImageAxis(transform, 0), ImageAxis(transform, 1)
        self.n_channels = self.n_atoms = int(transform.input_shape.n_channels)
        self.n_filters = int(transform.n_filters)
        self.groups = int(getattr(transform, "groups", 1))
        self.n_axons = self.rows.n_in * self.columns.n_in
        self.pop_type = pop_type
        self._read = kernel

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
        bits = kernel.view(np.uint32).reshape(kernel.shape)
        hashes = np.zeros((*kernel.shape[:2], kernel.shape[3]), dtype=np.uint64)
        for channel in range(kernel.shape[2]):
            hashes += mixed(bits[:, :, channel].astype(np.uint64), channel)
        return hashes

    @cached_property
    def values_may_be_equal(self) -> bool:
        """Whether a filter has the same weights at two different kernel positions.

        Only then can two sets of weights be equal that come from different positions.
        """
        flat = np.sort(self.tap_hashes.reshape(-1, self.tap_hashes.shape[2]), axis=0)
        return bool((flat[1:] == flat[:-1]).any())
