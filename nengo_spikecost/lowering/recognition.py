"""Slices and index lists read as crops, padding, upsampling and choice of channels.

NengoDL writes ZeroPadding, UpSampling and Concatenate as lists of indices, and BatchNormalization
as one number per element. Lowering needs them as maps of images, or convolutions on both sides of
them would have to be multiplied out as matrices.

1. Find both images (`as_strided`). If only one side is known as an image, the other is found from
   the steps between indices: in a contiguous array, the step along an axis is the product of the
   sizes of all axes that vary faster, so that sizes follow from steps (`_sizes`).
2. Take the list apart (`_fit`): for every axis, the coordinate of the input that each coordinate of
   the output takes, one *line* an axis.
3. Read each line as an `Axis`, by trying the few forms that a line can have: one input repeated,
   every jump-th input, every input with gaps, every input repeated (`_fit_axis`).
4. Hold what was made of the lines against the list itself (`_agrees`).

Step 4 is what allows steps 1 to 3 to guess: whatever is wrong, or no product of axes at all, is
noticed there, and the map stays a list. The other way, to have the converters of layers record
their intention, would serve converted networks only, and not those that users write.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .geometry import Axis, Image
from .linear_map import Gather
from .strided_map import StridedMap


def as_strided(
    gather: Gather, image_in: Image | None, image_out: Image | None
) -> StridedMap | None:
    """A `Gather` as a `StridedMap`, or None if it can't be one.

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
    """Images that the inputs of a map may be, if its outputs are a known one."""
    if known is None:
        return []
    images = []
    positions = int(np.prod(known.space))
    if gather.size_in % positions == 0:  # the same space: channels were chosen, or scaled
        images.append(Image(known.space, gather.size_in // positions, known.channels_last))
    source = gather.source.reshape(known.shape)
    sizes = _sizes([_step(source, axis) for axis in range(source.ndim)], gather.size_in)
    if sizes is not None:
        channels = sizes.pop(_channel_axis(known))
        images.append(Image(tuple(sizes), channels, known.channels_last))
    return images


def _channel_axis(image: Image) -> int:
    return -1 if image.channels_last else 0


def _sizes(steps: Sequence[int], whole: int) -> list[int] | None:
    """Sizes of all axes, the slowest first, from the steps between indices along each."""
    # A step of 0 stands for an axis along which nothing changes: of size 1, as far as one can
    # see. The fastest axis has whatever is left: its own step is 1, or that of a stride.
    sizes: list[int] = []
    for step in steps[:-1]:
        if step and whole % step:
            return None
        sizes.append(whole // step if step else 1)
        whole = step or whole
    return [*sizes, whole]


def _step(source: np.ndarray, axis: int) -> int:
    """The smallest step between different indices along an axis, 0 if there is none."""
    size = source.shape[axis]
    a, b = np.take(source, range(size - 1), axis), np.take(source, range(1, size), axis)
    steps = (b - a)[(a >= 0) & (b >= 0) & (a != b)]
    return int(np.abs(steps).min()) if steps.size else 0


def _fit(gather: Gather, image_in: Image, image_out: Image) -> StridedMap | None:
    """Steps 2 to 4: axes here are those of the arrays, in the order that they have in memory."""
    source = gather.source.reshape(image_out.shape)
    valid = source >= 0
    if not valid.any():
        return None
    coordinates = np.unravel_index(np.maximum(source, 0), image_in.shape)
    lines = [
        np.where(valid, coordinate, -1).max(axis=_all_but(axis, source.ndim))
        for axis, coordinate in enumerate(coordinates)
    ]
    channel = _channel_axis(image_out)
    space = [line for k, line in enumerate(lines) if k != channel % source.ndim]
    axes = [_fit_axis(line, size) for line, size in zip(space, image_in.space)]
    weights = gather.weights.reshape(image_out.shape)
    scale = _channel_weights(weights, valid, _all_but(channel % source.ndim, source.ndim))
    fitted = [axis for axis in axes if axis is not None]
    if scale is None or len(fitted) < len(axes) or not _agrees(source, lines, image_in):
        return None
    return _with_channels(fitted, lines[channel], scale, image_in)


def _all_but(axis: int, ndim: int) -> tuple[int, ...]:
    return tuple(k for k in range(ndim) if k != axis)


def _channel_weights(
    weights: np.ndarray, valid: np.ndarray, space: tuple[int, ...]
) -> np.ndarray | None:
    """The weight of each output channel, if it is the same everywhere."""
    highest = np.where(valid, weights, -np.inf).max(axis=space)
    lowest = np.where(valid, weights, np.inf).min(axis=space)
    if not np.array_equal(highest[np.isfinite(highest)], lowest[np.isfinite(lowest)]):
        return None
    return np.where(np.isfinite(highest), highest, 0.0)


def _fit_axis(line: np.ndarray, size_in: int) -> Axis | None:
    """The axis in which output ``o`` takes input ``line[o]`` (-1: none), with weight 1."""
    used = np.flatnonzero(line >= 0)
    first, start = int(used[0]), int(line[used[0]])
    changes = np.flatnonzero(np.diff(line[used])) + 1

    def axis(output: int, length: int = 1, stride: int = 1, upsampling: int = 1) -> Axis:
        # Place 0 of the kernel is the last output that takes an input: at `output`, `start`.
        offset = output * stride - start * upsampling
        return Axis(size_in, len(line), length, stride, upsampling, offset)

    if len(changes) == 0:
        # One input only: repeated, or taken once. Repetitions of neighbours shall not overlap.
        repeats = len(used)
        candidates = [axis(first + repeats - 1, repeats, 1, 1 if size_in == 1 else repeats)]
    else:
        run = int(used[changes[0]] - used[0])
        jump = int(line[used[changes[0]]] - start)
        candidates = [axis(first, stride=jump), axis(first, upsampling=run)] if jump > 0 else []
        # A run may be cut off at the border: take the longest as the factor.
        factor = int(np.bincount(line[used]).max())
        candidates.append(axis(int(used[changes[0]]) - 1, factor, 1, factor))
    return next((one for one in candidates if np.array_equal(_line_of(one), line)), None)


def _line_of(axis: Axis) -> np.ndarray:
    """For each output the input it takes; -1 if none, -2 if several."""
    line = np.full(axis.size_out, -1)
    for place in range(axis.length):
        seen, by = axis.pairs(place)
        inputs = np.arange(axis.size_in)[seen]
        line[by] = np.where(line[by] == -1, inputs, -2)
    return line


def _with_channels(
    axes: list[Axis], channel: np.ndarray, scale: np.ndarray, image_in: Image
) -> StridedMap:
    """The map of some axes that takes each output channel from an input channel, scaled."""
    if np.array_equal(channel, np.arange(image_in.channels)):
        mix = scale[:, None, None]  # a group for each channel
    else:
        used = np.flatnonzero(channel >= 0)
        mix = np.zeros((1, image_in.channels, len(channel)))
        mix[0, channel[used], used] = scale[used]
    kernel = np.broadcast_to(mix, (*(axis.length for axis in axes), *mix.shape))
    return StridedMap(kernel, axes, image_in.channels_last)


def _agrees(source: np.ndarray, lines: list[np.ndarray], image_in: Image) -> bool:
    """Whether axis by axis the indices give back the whole list."""
    grid = np.meshgrid(*lines, indexing="ij", sparse=True)
    index = np.ravel_multi_index([np.maximum(line, 0) for line in grid], image_in.shape)
    missing = sum(line < 0 for line in grid) > 0
    return np.array_equal(np.where(missing, -1, index), source)
