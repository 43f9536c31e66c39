"""Slices and index lists read as crops, padding, upsampling and choice of channels.

NengoDL writes ZeroPadding, UpSampling and Concatenate as lists of indices, and
BatchNormalization as one number per element. Knowing how one side of such a map is read as
an image, the other side is found from the steps between indices; then every axis is tried
against the few forms it can have, and the result is compared with the indices themselves:
what is recognised is exact.
"""

from __future__ import annotations

import numpy as np

from .geometry import Axis, Image
from .linear_map import Gather
from .strided_map import StridedMap


def as_strided(
    gather: Gather, image_in: Image | None, image_out: Image | None
) -> StridedMap | None:
    """A `Gather` as a `StridedMap`, or None if it is none.

    Parameters
    ----------
    gather : Gather
    image_in, image_out : Image, optional
        How its inputs and outputs are read; at least one is needed.
    """
    for known, size in ((image_in, gather.size_in), (image_out, gather.size_out)):
        if known is not None and known.size != size:
            return None
    if image_out is None:
        pairs = [(image_in, image) for image in _others(_inverse(gather), image_in)]
    elif image_in is None:
        pairs = [(image, image_out) for image in _others(gather, image_out)]
    else:
        pairs = [(image_in, image_out)]
    fits = (_fit(gather, a, b) for a, b in pairs if a is not None and _alike(a, b))
    return next((strided for strided in fits if strided is not None), None)


def _alike(one: Image, two: Image) -> bool:
    return len(one.space) == len(two.space) and one.channels_last == two.channels_last


def _inverse(gather: Gather) -> Gather:
    """From each input to the first output that takes it."""
    where = np.flatnonzero(gather.source >= 0)[::-1]
    target = np.full(gather.size_in, -1)
    target[gather.source[where]] = where
    return Gather(target, 1.0, gather.size_out)


def _others(gather: Gather, known: Image | None) -> list[Image]:
    """How the inputs of a map may be read, from how its outputs are."""
    if known is None:
        return []
    found = []
    positions = int(np.prod(known.space))
    if gather.size_in % positions == 0:
        found.append(Image(known.space, gather.size_in // positions, known.channels_last))
    source = _channels_back(gather.source, known)
    steps = [_step(source, axis) for axis in range(source.ndim)]
    sizes = _sizes(steps[:-1], steps[-1], gather.size_in, known)
    if sizes is not None:
        *space, channels = sizes
        found.append(Image(tuple(space), channels, known.channels_last))
    return found


def _sizes(steps: list[int], channel_step: int, size: int, known: Image) -> list[int] | None:
    """Sizes of the spatial axes and number of channels, from the steps along each."""
    # Steps of a contiguous array: each is the product of the sizes that vary faster. A step
    # of 0 stands for an axis along which nothing changes: of size 1, as far as one can see.
    whole = size
    result: list[int] = []
    if known.channels_last:
        for step in steps:
            if step == 0:
                result.append(1)
            elif whole % step:
                return None
            else:
                result.append(whole // step)
                whole = step
        return [*result, whole]
    if channel_step == 0:
        channels = 1
    elif whole % channel_step:
        return None
    else:
        channels, whole = whole // channel_step, channel_step
    for step in steps[:-1]:
        if step == 0:
            result.append(1)
        elif whole % step:
            return None
        else:
            result.append(whole // step)
            whole = step
    return [*result, whole, channels]


def _step(source: np.ndarray, axis: int) -> int:
    """The smallest step between different indices along an axis, 0 if there is none."""
    a, b = (np.take(source, range(*r), axis) for r in _neighbours(source.shape[axis]))
    steps = (b - a)[(a >= 0) & (b >= 0) & (a != b)]
    return int(np.abs(steps).min()) if steps.size else 0


def _neighbours(size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (0, size - 1), (1, size)


def _channels_back(values: np.ndarray, image: Image) -> np.ndarray:
    """Flat values as an array of shape (*space, channels)."""
    array = values.reshape(image.shape)
    return array if image.channels_last else np.moveaxis(array, 0, -1)


def _fit(gather: Gather, image_in: Image, image_out: Image) -> StridedMap | None:
    source = _channels_back(gather.source, image_out)
    weights = _channels_back(gather.weights, image_out)
    valid = source >= 0
    if not valid.any():
        return None
    ndim = len(image_out.space)
    coordinates = _coordinates(np.maximum(source, 0), image_in)
    lines = []
    for axis in range(ndim + 1):
        others = tuple(k for k in range(ndim + 1) if k != axis)
        line = np.where(valid, coordinates[axis], -1).max(axis=others)
        lines.append(line)
    axes = []
    kernel_lengths = []
    for axis in range(ndim):
        fitted = _fit_axis(lines[axis], image_in.space[axis])
        if fitted is None:
            return None
        axes.append(fitted)
        kernel_lengths.append(fitted.length)
    scale = _channel_weights(weights, valid, ndim)
    if scale is None:
        return None
    strided = _with_channels(axes, kernel_lengths, lines[-1], scale, image_in)
    return strided if _agrees(gather, lines, scale, image_in, image_out) else None


def _coordinates(source: np.ndarray, image: Image) -> list[np.ndarray]:
    """Coordinates of flat indices: one array a spatial axis, then the channel."""
    found = list(np.unravel_index(source, image.shape))
    return found if image.channels_last else [*found[1:], found[0]]


def _channel_weights(weights: np.ndarray, valid: np.ndarray, ndim: int) -> np.ndarray | None:
    """The weight of each output channel, if it is the same everywhere."""
    space = tuple(range(ndim))
    highest = np.where(valid, weights, -np.inf).max(axis=space)
    lowest = np.where(valid, weights, np.inf).min(axis=space)
    if not np.array_equal(highest[np.isfinite(highest)], lowest[np.isfinite(lowest)]):
        return None
    return np.where(np.isfinite(highest), highest, 0.0)


def _fit_axis(line: np.ndarray, size_in: int) -> Axis | None:
    """The axis in which output ``o`` takes input ``line[o]`` (-1: none), with weight 1."""
    used = np.flatnonzero(line >= 0)
    first, start = int(used[0]), int(line[used[0]])
    candidates = []
    changes = np.flatnonzero(np.diff(line[used])) + 1
    if len(changes) == 0:
        # One input only: repeated, or taken once.
        repeats = len(used)
        candidates.append(Axis(size_in, len(line), repeats, 1, _apart(repeats, size_in), 0))
        candidates[0] = _placed(candidates[0], first + repeats - 1, start)
    else:
        run = int(used[changes[0]] - used[0])
        jump = int(line[used[changes[0]]] - start)
        if jump > 0:
            candidates.append(_placed(Axis(size_in, len(line), 1, jump, 1), first, start))
            candidates.append(_placed(Axis(size_in, len(line), 1, 1, run), first, start))
        # A run may be cut off at the border: take the longest as the factor.
        factor = int(np.bincount(line[used]).max())
        last = int(used[changes[0]]) - 1
        candidates.append(_placed(Axis(size_in, len(line), factor, 1, factor), last, start))
    return next((axis for axis in candidates if np.array_equal(_line_of(axis), line)), None)


def _apart(repeats: int, size_in: int) -> int:
    """Upsampling at which repetitions of neighbouring inputs do not overlap."""
    return 1 if size_in == 1 else repeats


def _placed(axis: Axis, output: int, into: int) -> Axis:
    """The axis moved so that an output is the last one to take an input (place 0)."""
    offset = output * axis.stride - into * axis.upsampling
    return Axis(axis.size_in, axis.size_out, axis.length, axis.stride, axis.upsampling, offset)


def _line_of(axis: Axis) -> np.ndarray:
    """For each output the input it takes; -1 if none, -2 if several."""
    line = np.full(axis.size_out, -1)
    for place in range(axis.length):
        seen, by = axis.pairs(place)
        inputs = np.arange(axis.size_in)[seen]
        line[by] = np.where(line[by] == -1, inputs, -2)
    return line


def _with_channels(
    axes: list[Axis], lengths: list[int], channel: np.ndarray, scale: np.ndarray, image_in: Image
) -> StridedMap:
    if np.array_equal(channel, np.arange(image_in.channels)):
        mix = scale[:, None, None]
    else:
        used = np.flatnonzero(channel >= 0)
        mix = np.zeros((1, image_in.channels, len(channel)))
        mix[0, channel[used], used] = scale[used]
    kernel = np.broadcast_to(mix, (*lengths, *mix.shape))
    return StridedMap(kernel, axes, image_in.channels_last)


def _agrees(
    gather: Gather, lines: list[np.ndarray], scale: np.ndarray, image_in: Image, image_out: Image
) -> bool:
    """Whether axis by axis the indices give back the whole list."""
    shape = image_in.shape if image_in.channels_last else (*image_in.space, image_in.channels)
    strides = list(np.cumprod((1, *shape[:0:-1]))[::-1])
    if not image_in.channels_last:
        plane = int(np.prod(image_in.space))
        strides = [*np.cumprod((1, *image_in.space[:0:-1]))[::-1], plane]
    index = np.zeros((), dtype=np.int64)
    ok = np.ones((), dtype=bool)
    for line, stride in zip(lines, strides):
        index = np.add.outer(index, line * stride)
        ok = np.logical_and.outer(ok, line >= 0)
    expected = np.where(ok, index, -1)
    return np.array_equal(expected, _channels_back(gather.source, image_out))
