"""Linear maps as NIR nodes: convolutions, pooling, matrices.

A value in NIR is an image (channels, *space) or flat. `Layout` says which, and where each of
Nengo's values is in it. One function a kind of map says whether it is a node between images
(`image_node`); whatever is none is a matrix between flat values.

A convolution is written as every reader takes it: with as many zeros before as behind, without
groups, and with a square kernel, for which zeros are put around it. nir 1.0.8 infers a wrong shape
for kernels that are not square, and refuses groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConversionError
from ..lowering.geometry import Axis, Image
from ..lowering.linear_map import Gather, LinearMap, Matrix
from ..lowering.strided_map import StridedMap
from .tool_readers import Reader

#: Numbers of a matrix that are written for a map that is none: 400 MB in float64.
MAX_ENTRIES = 50_000_000


@dataclass(frozen=True)
class Layout:
    """How the values of an object are laid out in NIR.

    Attributes
    ----------
    sizes : tuple of int
        (channels, *space) of an image, or (n,).
    order : ndarray of shape (n,)
        For each of NIR's values, flat, its number in Nengo.
    """

    sizes: tuple[int, ...]
    order: np.ndarray

    @property
    def is_image(self) -> bool:
        """Whether it has channels and space."""
        return len(self.sizes) > 1

    @property
    def flat(self) -> Layout:
        """The same order without axes."""
        return Layout((math.prod(self.sizes),), self.order)

    def arranged(self, values: np.ndarray) -> np.ndarray:
        """Values of all of Nengo's elements, at their places."""
        return np.asarray(values, dtype=float)[self.order].reshape(self.sizes)

    def by_channel(self, values: np.ndarray) -> np.ndarray | None:
        """One value a channel, or None if a channel has several."""
        rows = self.arranged(values).reshape(self.sizes[0], -1)
        return rows[:, 0].copy() if (rows == rows[:, :1]).all() else None

    def same_as(self, other: Layout) -> bool:
        """Whether both have their values at the same places."""
        return self.sizes == other.sizes and np.array_equal(self.order, other.order)


def flat_layout(size: int) -> Layout:
    """In Nengo's order."""
    return Layout((size,), np.arange(size))


def image_layout(image: Image) -> Layout:
    """Of an image, channels first."""
    numbers = np.arange(image.size).reshape(image.shape)
    if image.channels_last:
        numbers = np.moveaxis(numbers, -1, 0)
    return Layout((image.channels, *image.space), numbers.ravel())


@dataclass(frozen=True)
class Written:
    """A node that is written.

    Attributes
    ----------
    kind : str
    fields : dict from str to object
        As the class of that kind in ``nir`` takes them.
    """

    kind: str
    fields: Mapping[str, Any]


ImageNode = Callable[[Any, Layout, Layout, "np.ndarray | None", Reader], "list[Written] | None"]

#: From a type of map to the function that writes it between two images, if it can be.
_IMAGE_NODES: dict[type, ImageNode] = {}


def _writes(kind: type) -> Callable[[ImageNode], ImageNode]:
    def decorator(function: ImageNode) -> ImageNode:
        _IMAGE_NODES[kind] = function
        return function

    return decorator


def image_node(
    obj: LinearMap, source: Layout, target: Layout, bias: np.ndarray | None, reader: Reader
) -> list[Written] | None:
    """Nodes that are a map between images; None if it is none of them.

    Parameters
    ----------
    obj : LinearMap
    source, target : Layout
        Images.
    bias : ndarray of shape (size_out,), optional
        To be added, in Nengo's order.
    reader : Reader
    """
    write = _IMAGE_NODES.get(type(obj))
    return None if write is None else write(obj, source, target, bias, reader)


def matrix_nodes(
    obj: LinearMap, source: Layout, target: Layout, bias: np.ndarray | None, name: str
) -> list[Written]:
    """Nodes that are a map as a matrix to flat values.

    Raises
    ------
    ConversionError
        If the matrix would be too large.
    """
    if obj.size_in * obj.size_out > MAX_ENTRIES:
        raise ConversionError(
            f"{name} has no form in NIR but a matrix of {obj.size_out:,} x {obj.size_in:,} weights."
        )
    nodes = [flatten(source)] if source.is_image else []
    weight = obj.to_sparse()[target.order][:, source.order].toarray()
    if bias is None:
        return [*nodes, Written("Linear", {"weight": weight})]
    return [*nodes, Written("Affine", {"weight": weight, "bias": np.asarray(bias)[target.order]})]


def flatten(source: Layout) -> Written:
    """All axes of a sample as one."""
    fields = {"input_type": {"input": np.array(source.sizes)}, "start_dim": 0, "end_dim": -1}
    return Written("Flatten", fields)


def scaled(obj: LinearMap, factors: np.ndarray) -> LinearMap:
    """A map with each of its outputs times a factor."""
    if (factors == 1).all():
        return obj
    if isinstance(obj, Gather):
        return Gather(obj.source, obj.weights * factors, obj.size_in)
    if isinstance(obj, StridedMap):
        channels = image_layout(obj.image_out).by_channel(factors)
        if channels is not None:
            kernel = obj.kernel * channels.reshape(obj.groups, 1, -1)
            return StridedMap(kernel, obj.axes, obj.channels_last)
    if isinstance(obj, Matrix) and obj.is_dense:
        return Matrix(factors[:, None] * obj.matrix)
    return Matrix(obj.to_sparse().multiply(factors[:, None]).tocsr())


def over_two_axes(obj: LinearMap) -> LinearMap:
    """A map over images of one axis as one over images of height 1; other maps as they are."""
    if not isinstance(obj, StridedMap) or len(obj.axes) != 1:
        return obj
    return StridedMap(obj.kernel[None], [Axis(1, 1), *obj.axes], obj.channels_last)


@_writes(Gather)
def _diagonal(
    obj: Gather, source: Layout, target: Layout, bias: np.ndarray | None, reader: Reader
) -> list[Written] | None:
    """Every value times a number: nothing, a Scale, or a convolution of length 1."""
    if not obj.is_diagonal or not source.same_as(target):
        return None
    if bias is None and (obj.weights == 1).all():
        return []
    if bias is None and reader.reads("Scale"):
        return [Written("Scale", {"scale": target.arranged(obj.weights)})]
    if not target.is_image:
        return None
    factors = target.by_channel(obj.weights)
    offsets = None if bias is None else target.by_channel(bias)
    if factors is None or (bias is not None and offsets is None) or len(target.sizes) > 3:
        return None
    n_axes = len(target.sizes) - 1
    weight = np.diag(factors).reshape(len(factors), len(factors), *[1] * n_axes)
    return [_convolution(weight, source.sizes[1:], [1] * n_axes, [0] * n_axes, 1, offsets)]


@_writes(StridedMap)
def _strided(
    obj: StridedMap, source: Layout, target: Layout, bias: np.ndarray | None, reader: Reader
) -> list[Written] | None:
    """Pooling or a convolution."""
    if not source.same_as(image_layout(obj.image_in)) or len(obj.axes) > 2:
        return None
    if not target.same_as(image_layout(obj.image_out)):
        return None
    offsets = None if bias is None else target.by_channel(bias)
    if bias is not None and offsets is None:
        return None
    if bias is None:
        pooling = _pooling(obj, reader)
        if pooling is not None:
            return [pooling]
    form = _form(obj)
    if form is None:
        return None
    whole = obj.with_groups(1)
    taps = whole.kernel[tuple(slice(None, None, form.dilation) for _ in obj.axes)][..., 0, :, :]
    around = [(before, form.length - n - before) for before, n in zip(form.before, taps.shape[:-2])]
    kernel = np.moveaxis(np.pad(taps, [*around, (0, 0), (0, 0)]), (-1, -2), (0, 1))
    strides = [axis.stride for axis in obj.axes]
    sizes = source.sizes[1:]
    return [_convolution(kernel, sizes, strides, form.padding, form.dilation, offsets)]


def _convolution(
    weight: np.ndarray, sizes: Sequence[int], strides: Sequence[int], padding: Sequence[int],
    dilation: int, bias: np.ndarray | None,
) -> Written:  # fmt: skip
    given = np.zeros(len(weight)) if bias is None else bias
    one = len(sizes) == 1

    def per_axis(values: Sequence[int]) -> Any:
        return int(values[0]) if one else tuple(int(v) for v in values)

    return Written(f"Conv{len(sizes)}d", {
        "input_shape": per_axis(sizes), "weight": np.ascontiguousarray(weight),
        "stride": per_axis(strides), "padding": per_axis(padding),
        "dilation": per_axis([dilation] * len(sizes)), "groups": 1, "bias": given,
    })  # fmt: skip


@dataclass(frozen=True)
class _Form:
    """A convolution of PyTorch's: as many zeros before each axis as behind it."""

    length: int
    dilation: int
    before: tuple[int, ...]
    padding: tuple[int, ...]


def _form(obj: StridedMap) -> _Form | None:
    """The shortest square kernel that is a map, or None."""
    if any(axis.upsampling != 1 for axis in obj.axes):
        return None
    dilation = _dilation(obj)
    taps = [(axis.length - 1) // dilation + 1 for axis in obj.axes]
    longest = max(taps) + max(axis.size_in + abs(axis.offset) for axis in obj.axes)
    for length in range(max(taps), longest + 1):
        fits = [_fit(axis, n, length, dilation) for axis, n in zip(obj.axes, taps)]
        known = [fit for fit in fits if fit is not None]
        if len(known) == len(fits):
            before, padding = zip(*known)
            return _Form(length, dilation, before, padding)
    return None


def _fit(axis: Axis, taps: int, length: int, dilation: int) -> tuple[int, int] | None:
    """Zeros put before the kernel, and around the values, so that an axis comes out as it is."""
    span = dilation * (length - 1) + 1
    for before in range(length - taps + 1):
        padding = axis.offset + dilation * before
        room = axis.size_in + 2 * padding - span
        if padding >= 0 and room >= 0 and room // axis.stride + 1 == axis.size_out:
            return before, padding
    return None


def _dilation(obj: StridedMap) -> int:
    """The largest step between the places of the kernel that are not all zeros."""
    used = (obj.kernel != 0).any(axis=(-3, -2, -1))
    steps = [int(np.gcd.reduce(places)) for places in np.nonzero(used)]
    lengths = [axis.length - 1 for axis in obj.axes]
    common = math.gcd(*steps) if len(steps) > 1 else steps[0]
    return common if common > 1 and all(n % common == 0 for n in lengths) else 1


def _pooling(obj: StridedMap, reader: Reader) -> Written | None:
    """An average over rectangles, if a map is one; zeros around the image count."""
    if not obj.is_depthwise or len(obj.axes) != 2:
        return None
    weights = np.unique(obj.kernel)
    if len(weights) != 1 or any(axis.upsampling != 1 for axis in obj.axes):
        return None
    lengths, pads = [a.length for a in obj.axes], [a.offset for a in obj.axes]
    if lengths == [1, 1] or any(_outputs(axis) != axis.size_out for axis in obj.axes):
        return None
    if any(2 * pad > length for pad, length in zip(pads, lengths)) or min(pads) < 0:
        return None
    mean = 1 / math.prod(lengths)
    if abs(weights[0] - mean) <= 1e-12 * mean:
        kind = "AvgPool2d"
    elif weights[0] == 1:
        kind = "SumPool2d"
    else:
        return None
    if not reader.reads(kind):
        return None
    given = {"kernel_size": lengths, "stride": [a.stride for a in obj.axes], "padding": pads}
    return Written(kind, {key: np.array(value) for key, value in given.items()})


def _outputs(axis: Axis) -> int:
    return (axis.size_in + 2 * axis.offset - axis.length) // axis.stride + 1
