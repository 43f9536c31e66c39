"""Connectivity of convolutions, from the geometry of their windows alone.

Padding follows Nengo (and TensorFlow): ``"same"`` adds as many zeros as the outputs need,
the smaller half of them before the first element. A transposed convolution is, by
definition, the transpose of the convolution that its output would go through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .connectivity import Connectivity, Identity, SparsePattern, pattern_of
from .image import Image
from .kronecker import Kronecker


@dataclass(frozen=True)
class Window:
    """A sliding window along one axis.

    Output ``o`` sees, at kernel offset ``k``, input ``o * stride - pad + k``.

    Attributes
    ----------
    size_in, size_out : int
        Number of elements before and after.
    kernel, stride, pad : int
        Length of the kernel, step between windows, zeros before the first element.
    """

    size_in: int
    size_out: int
    kernel: int
    stride: int
    pad: int

    @classmethod
    def of(cls, size_in: int, size_out: int, kernel: int, stride: int, padding: str) -> Window:
        """The window of a convolution with ``"same"`` or ``"valid"`` padding."""
        missing = (size_out - 1) * stride + kernel - size_in
        pad = max(missing, 0) // 2 if padding == "same" else 0
        return cls(int(size_in), int(size_out), int(kernel), int(stride), pad)

    def slices(self, offset: int) -> tuple[slice, slice]:
        """The inputs that are seen at a kernel offset, and the outputs that see them."""
        shift = offset - self.pad
        first = max(0, -(shift // self.stride))
        last = min(self.size_out - 1, (self.size_in - 1 - shift) // self.stride)
        if last < first:
            return slice(0, 0), slice(0, 0)
        start = first * self.stride + shift
        stop = last * self.stride + shift + 1
        return slice(start, stop, self.stride), slice(first, last + 1)

    def pattern(self) -> Connectivity:
        """The pattern of an all-nonzero kernel along this axis."""
        if self.size_in == self.size_out and (self.kernel, self.stride, self.pad) == (1, 1, 0):
            return Identity(self.size_in)
        mask = np.zeros((self.size_out, self.size_in), dtype=bool)
        for offset in range(self.kernel):
            seen, by = self.slices(offset)
            mask[np.arange(self.size_out)[by], np.arange(self.size_in)[seen]] = True
        return pattern_of(mask)


class KernelPattern(Connectivity):
    """A convolution whose kernel has zeros that differ from offset to offset.

    Computed as one small product of channels per kernel offset.

    Parameters
    ----------
    mask : ndarray of bool, shape (*kernel_size, groups, channels_in, channels_out)
        Nonzero weights; channels counted within a group.
    windows : sequence of Window
        One per spatial axis.
    channels_last : bool
        Whether the channels vary fastest, or slowest.
    """

    def __init__(self, mask: np.ndarray, windows: Sequence[Window], channels_last: bool):
        self.mask = mask
        self.windows = tuple(windows)
        self.groups, self.channels_in, self.channels_out = mask.shape[-3:]
        space_in, space_out = zip(*((w.size_in, w.size_out) for w in self.windows))
        self.image_in = Image(space_in, self.groups * self.channels_in, channels_last)
        self.image_out = Image(space_out, self.groups * self.channels_out, channels_last)
        super().__init__(self.image_in.size, self.image_out.size)

    def _offsets(self) -> Iterator[tuple[np.ndarray, tuple[slice, ...], tuple[slice, ...]]]:
        """For each kernel offset: its channel mask, inputs seen, and outputs seeing them.

        Inputs and outputs are indices into arrays of shape (n, *space, groups, channels).
        """
        for offset in np.ndindex(*(w.kernel for w in self.windows)):
            pairs = [w.slices(k) for w, k in zip(self.windows, offset)]
            seen = (slice(None), *(p[0] for p in pairs))
            by = (slice(None), *(p[1] for p in pairs))
            yield self.mask[offset], seen, by

    def _run(self, values: np.ndarray, backwards: bool) -> np.ndarray:
        start, end = (self.image_in, self.image_out)[:: -1 if backwards else 1]
        images = start.from_flat(np.asarray(values))
        images = images.reshape(*images.shape[:-1], self.groups, -1)
        result = np.zeros((len(images), *end.space, self.groups, end.channels // self.groups))
        for mask, seen, by in self._offsets():
            if backwards:
                result[seen] += _mix_channels(images[by], mask.transpose(0, 2, 1))
            else:
                result[by] += _mix_channels(images[seen], mask)
        return end.to_flat(result.reshape(len(images), *end.space, -1))

    def _forward(self, u: np.ndarray) -> np.ndarray:
        return self._run(u, backwards=False)

    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        return self._run(v, backwards=True)

    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._walk(np.asarray(inputs), backwards=False)

    def sources(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`synapses` read from the other end: the inputs that reach the given outputs."""
        return self._walk(np.asarray(outputs), backwards=True)

    @property
    def T(self) -> Connectivity:
        return TransposedKernelPattern(self)

    def _walk(self, elements: np.ndarray, backwards: bool) -> tuple[np.ndarray, np.ndarray]:
        near, far = (self.image_in, self.image_out)[:: -1 if backwards else 1]
        per_group, other = near.channels // self.groups, far.channels // self.groups
        *space, channel = near.coordinates(elements)
        pairs: list[tuple[np.ndarray, np.ndarray]] = []
        for offset in np.ndindex(*(w.kernel for w in self.windows)):
            mask = self.mask[offset].transpose(0, 2, 1) if backwards else self.mask[offset]
            channels = SparsePattern(mask.reshape(-1, other).T)
            ok = np.ones(len(elements), dtype=bool)
            there = []
            for window, k, x in zip(self.windows, offset, space):
                target, inside = _step(window, x, k, backwards)
                ok &= inside
                there.append(target)
            start = np.flatnonzero(ok)
            where, along = channels.synapses(channel[start])
            position = start[where]
            group_channel = channel[position] // per_group * other + along
            place = [t[position] for t in there]
            pairs.append((position, far.index(place, group_channel)))
        positions, targets = (np.concatenate(ends) for ends in zip(*pairs))
        return positions, targets.astype(np.int64)


class TransposedKernelPattern(Connectivity):
    """A `KernelPattern` with inputs and outputs exchanged."""

    def __init__(self, pattern: KernelPattern):
        self.pattern = pattern
        super().__init__(pattern.size_out, pattern.size_in)

    def _forward(self, u: np.ndarray) -> np.ndarray:
        return self.pattern.adjoint(u)

    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        return self.pattern.forward(v)

    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.pattern.sources(inputs)

    @property
    def T(self) -> Connectivity:
        return self.pattern


def convolution_pattern(
    mask: np.ndarray, space_in: Sequence[int], space_out: Sequence[int], strides: Sequence[int],
    padding: str, channels_last: bool = True, groups: int = 1,
) -> Connectivity:  # fmt: skip
    """Connectivity of a convolution in any number of dimensions.

    Parameters
    ----------
    mask : ndarray of bool, shape (*kernel_size, n_channels // groups, n_filters)
        Which weights of the kernel are synapses.
    space_in, space_out : sequence of int
        Spatial shape before and after.
    strides : sequence of int
    padding : {"same", "valid"}
    channels_last : bool
        Whether the channels vary fastest, or slowest.
    groups : int
        Number of groups of channels that do not mix.
    """
    *kernel, channels_in, n_filters = mask.shape
    windows = [Window.of(*sizes, padding) for sizes in zip(space_in, space_out, kernel, strides)]
    by_offset = mask.reshape(-1, channels_in, n_filters)
    grouped = mask.reshape(*kernel, channels_in, groups, n_filters // groups)
    grouped = np.moveaxis(grouped, -2, -3)
    if not (by_offset == by_offset[0]).all():
        return KernelPattern(grouped, windows, channels_last)
    channels = _channel_pattern(grouped.reshape(-1, *grouped.shape[-3:])[0])
    space = [window.pattern() for window in windows]
    return Kronecker([*space, channels] if channels_last else [channels, *space])


def _channel_pattern(mask: np.ndarray) -> Connectivity:
    """Pattern over all channels of a mask of shape (groups, channels_in, channels_out)."""
    groups, channels_in, channels_out = mask.shape
    if groups == 1:
        return pattern_of(mask[0].T)
    blocks = np.zeros((groups, channels_out, groups, channels_in), dtype=bool)
    for group in range(groups):
        blocks[group, :, group, :] = mask[group].T
    return pattern_of(blocks.reshape(groups * channels_out, groups * channels_in))


def _mix_channels(images: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Multiply (n, *space, groups, a) by a mask (groups, a, b), group by group."""
    grouped = np.moveaxis(images, -2, 0)
    flat = grouped.reshape(len(grouped), -1, images.shape[-1])
    mixed = flat @ mask.astype(np.float64)
    return np.moveaxis(mixed.reshape(*grouped.shape[:-1], mask.shape[-1]), 0, -2)


def _step(
    window: Window, x: np.ndarray, offset: int, backwards: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Where elements go along one axis at a kernel offset, and whether they go anywhere."""
    shift = offset - window.pad
    if backwards:
        there = x * window.stride + shift
        return there, (there >= 0) & (there < window.size_in)
    there, rest = np.divmod(x - shift, window.stride)
    return there, (rest == 0) & (there >= 0) & (there < window.size_out)
