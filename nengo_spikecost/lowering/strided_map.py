"""Maps that treat every position of an image alike.

Along each spatial axis, with stride ``s``, upsampling ``u`` and offset ``p``,

    y[o] = sum over i of  kernel[i * u - o * s + p] * x[i],

with x zero outside its image and the kernel zero outside its length. Convolution is
``u = 1``, transposed convolution ``s = 1``; pooling, zero padding, cropping, nearest
upsampling, scaling of channels and selection of channels are special cases. What makes the
class useful is that it is nearly closed: the composition of two such maps is one, if only
no image border comes in between, and so is their sum.

Composition, ``second.after(first)``, step by step. Let ``first`` have ``s1, u1, p1`` and kernel
``a``, ``second`` ``s2, u2, p2`` and kernel ``b``, with positions ``i -> m -> o``:

1. ``first`` uses place ``t1 = i*u1 - m*s1 + p1`` of ``a``, ``second`` ``t2 = m*u2 - o*s2 + p2`` of
   ``b``. Multiply the first by ``u2``, the second by ``s1``, and add: ``m`` drops out,
   ``t1*u2 + t2*s1 = i*(u1*u2) - o*(s1*s2) + (p1*u2 + p2*s1)``.
   So the composition has stride ``s1*s2``, upsampling ``u1*u2``, offset ``p1*u2 + p2*s1``, and the
   kernel ``c[t1*u2 + t2*s1] += a[t1] @ b[t2]``, a matrix of channels at each place (`_product`).
2. This is right if each such pair of places has its position ``m``. Where ``first`` is strided and
   ``second`` upsamples, the ``m`` of a pair need not be whole. And where ``m`` lies outside of the
   image between the two, the border takes away what ``c`` would count. Both are ruled out by
   looking (`_no_border`), only at places where the kernels are not zero: "same" padding, for
   instance, is no border before a 1x1 kernel, which never reads beyond it.
3. The kernel is made as small as it can be (`_normalised`). Equal maps then look equal, and the
   next composition is no larger than it must be.

The other way, to multiply sparse matrices and look for a convolution in the product, needs the
matrices: for a layer of 64 channels on a 32x32 image that is 37 million weights in place of 37
thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from math import gcd

import numpy as np
from scipy import sparse

from .geometry import Axis, Image, axis_after
from .linear_map import LinearMap


class StridedMap(LinearMap):
    """A map that treats every position of an image alike.

    Parameters
    ----------
    kernel : ndarray of shape (*lengths, groups, channels_in, channels_out)
        Weights; channels counted within their group. Group ``g`` of the outputs depends on
        group ``g`` of the inputs alone.
    axes : sequence of Axis
        One per spatial axis.
    channels_last : bool
        Whether the channels vary fastest, or slowest, on both sides.
    """

    def __init__(self, kernel: np.ndarray, axes: Sequence[Axis], channels_last: bool = True):
        self.kernel, self.axes = _normalised(np.asarray(kernel, dtype=np.float64), axes)
        self.groups, self.channels_in, self.channels_out = self.kernel.shape[-3:]
        space_in, space_out = zip(*((a.size_in, a.size_out) for a in self.axes))
        self.image_in = Image(space_in, self.groups * self.channels_in, channels_last)
        self.image_out = Image(space_out, self.groups * self.channels_out, channels_last)
        self.channels_last = channels_last
        super().__init__(self.image_in.size, self.image_out.size)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Length of the kernel along each spatial axis."""
        return self.kernel.shape[:-3]

    def _places(self) -> Iterator[tuple[np.ndarray, tuple[slice, ...], tuple[slice, ...]]]:
        """For each place in the kernel: its weights, and which inputs meet which outputs."""
        for place in np.ndindex(*self.lengths):
            pairs = [axis.pairs(t) for axis, t in zip(self.axes, place)]
            yield self.kernel[place], tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)

    def apply(self, x: np.ndarray) -> np.ndarray:
        return self._run(x, self.image_in, self.image_out, transposed=False)

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        return self._run(y, self.image_out, self.image_in, transposed=True)

    def _run(self, x: np.ndarray, start: Image, end: Image, transposed: bool) -> np.ndarray:
        images = start.from_flat(x)
        images = images.reshape(*images.shape[:-1], self.groups, -1)
        per_group = end.channels // self.groups
        result = np.zeros((len(images), *end.space, self.groups, per_group))
        for weights, inputs, outputs in self._places():
            seen, by = (outputs, inputs) if transposed else (inputs, outputs)
            mix = weights.swapaxes(-1, -2) if transposed else weights
            result[(slice(None), *by)] += _mix(images[(slice(None), *seen)], mix)
        return end.to_flat(result.reshape(len(images), *end.space, end.channels))

    def to_sparse(self) -> sparse.csr_matrix:
        numbers_in = np.arange(self.size_in).reshape(self.image_in.shape)
        numbers_out = np.arange(self.size_out).reshape(self.image_out.shape)
        if not self.channels_last:
            numbers_in = np.moveaxis(numbers_in, 0, -1)
            numbers_out = np.moveaxis(numbers_out, 0, -1)
        rows, columns, data = [], [], []
        for weights, inputs, outputs in self._places():
            group, c_in, c_out = np.nonzero(weights)
            seen = numbers_in[inputs].reshape(-1, self.image_in.channels)
            by = numbers_out[outputs].reshape(-1, self.image_out.channels)
            columns.append(seen[:, group * self.channels_in + c_in].ravel())
            rows.append(by[:, group * self.channels_out + c_out].ravel())
            data.append(np.tile(weights[group, c_in, c_out], len(seen)))
        entries = (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns)))
        return sparse.csr_matrix(entries, shape=(self.size_out, self.size_in))

    @cached_property
    def n_weights(self) -> int:  # type: ignore[override]
        nonzero = np.count_nonzero(self.kernel, axis=(-3, -2, -1)).astype(np.int64)
        for number, axis in enumerate(self.axes):
            shape = [-1 if k == number else 1 for k in range(len(self.axes))]
            nonzero = nonzero * axis.counts.reshape(shape)
        return int(nonzero.sum())

    @property
    def is_depthwise(self) -> bool:
        """Whether every output channel depends on the one input channel of its number."""
        return self.channels_in == self.channels_out == 1

    def with_groups(self, groups: int) -> StridedMap:
        """The same map with fewer groups; ``groups`` divides the present number."""
        if groups == self.groups:
            return self
        many = self.groups // groups
        parts = self.kernel.reshape(
            *self.lengths, groups, many, self.channels_in, self.channels_out
        )
        kernel = np.zeros((*self.lengths, groups, many, self.channels_in, many, self.channels_out))
        for k in range(many):
            kernel[..., k, :, k, :] = parts[..., k, :, :]
        shape = (*self.lengths, groups, many * self.channels_in, many * self.channels_out)
        return StridedMap(kernel.reshape(shape), self.axes, self.channels_last)

    def after(self, first: StridedMap) -> StridedMap | None:
        """This map after another one, as one map; None if that map is not of this class.

        It is one if the images fit, if no axis is first strided and then upsampled, and if
        nothing depends on the border between them: at no position outside the image
        between the two may the first map's formula give anything that this map reads.
        """
        if first.image_out != self.image_in:
            return None
        pairs = zip(self._tight_axes(), first._tight_axes())
        return _product(self, first) if all(_no_border(b, a) for b, a in pairs) else None

    def _tight_axes(self) -> list[tuple[Axis, np.ndarray]]:
        """Each axis, and the places along it at which the kernel is not all zero."""
        used = (self.kernel != 0).any(axis=(-3, -2, -1))
        others = range(len(self.axes))
        return [
            (axis, np.flatnonzero(used.any(axis=tuple(k for k in others if k != number))))
            for number, axis in enumerate(self.axes)
        ]

    def plus(self, other: StridedMap) -> StridedMap | None:
        """The sum of two maps, as one map; None if their strides or images differ."""
        if (self.image_in, self.image_out) != (other.image_in, other.image_out):
            return None
        steps = [[(a.stride, a.upsampling) for a in given.axes] for given in (self, other)]
        if steps[0] != steps[1]:
            return None
        groups = gcd(self.groups, other.groups)
        one, two = self.with_groups(groups), other.with_groups(groups)
        axes = [_union(a, b) for a, b in zip(one.axes, two.axes)]
        kernel = np.zeros((*(a.length for a in axes), *one.kernel.shape[-3:]))
        for part in (one, two):
            starts = [c.offset - a.offset for a, c in zip(part.axes, axes)]
            kernel[tuple(slice(k, k + n) for k, n in zip(starts, part.lengths))] += part.kernel
        return StridedMap(kernel, axes, self.channels_last)

    def __repr__(self) -> str:
        s = "x".join(str(a.stride) for a in self.axes)
        u = "x".join(str(a.upsampling) for a in self.axes)
        return (
            f"StridedMap({self.image_in.shape} -> {self.image_out.shape}, kernel "
            f"{'x'.join(map(str, self.lengths))}, stride {s}, upsampling {u}, "
            f"{self.groups} groups)"
        )


def _mix(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Multiply (n, *space, groups, a) by weights (groups, a, b), group by group."""
    if weights.shape[-2:] == (1, 1):
        return images * weights[:, :, 0]
    if len(weights) == 1:
        return (images[..., 0, :] @ weights[0])[..., None, :]
    return np.einsum("...ga,gab->...gb", images, weights)


def _product(second: StridedMap, first: StridedMap) -> StridedMap:
    """The composition of two maps between which no border matters."""
    axes = [axis_after(y, x) for x, y in zip(first.axes, second.axes)]
    # Step 1 of the module's docstring: c[t1*u2 + t2*s1] += a[t1] @ b[t2], all t1 of a t2 at once.
    a, b, joined = _channels(second, first)
    groups = a.shape[-3]
    shape = first.image_in.channels // groups, second.image_out.channels // groups
    kernel = np.zeros((*(axis.length for axis in axes), groups, *shape))
    for place in np.ndindex(*second.lengths):
        if not b[place].any():
            continue
        where = tuple(
            slice(t * x.stride, t * x.stride + (x.length - 1) * y.upsampling + 1, y.upsampling)
            for t, x, y in zip(place, first.axes, second.axes)
        )
        kernel[where] += joined(a, b[place])
    return StridedMap(kernel, axes, first.channels_last)


def _channels(
    second: StridedMap, first: StridedMap
) -> tuple[np.ndarray, np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]:
    """The kernels of two maps with as many groups, and how they are multiplied."""
    groups = gcd(first.groups, second.groups)
    # Of channels that are only scaled, most of a matrix would be zeros: with hundreds of
    # channels, multiplying these out takes most of the time of lowering.
    if first.is_depthwise:
        scales = first.kernel.reshape(*first.lengths, groups, -1, 1)
        return scales, second.with_groups(groups).kernel, np.multiply
    if second.is_depthwise:
        scales = second.kernel.reshape(*second.lengths, groups, 1, -1)
        return first.with_groups(groups).kernel, scales, np.multiply
    return first.with_groups(groups).kernel, second.with_groups(groups).kernel, np.matmul


def _no_border(second: tuple[Axis, np.ndarray], first: tuple[Axis, np.ndarray]) -> bool:
    """Whether two axes, one after the other, are one: see `StridedMap.after`.

    Each comes with the places in its kernel that are not all zero.
    """
    (b, read_at), (a, written_at) = second, first
    if a.stride > 1 and b.upsampling > 1:
        return False
    # Positions o between the two that outputs q read: o * u = t + q * s - p.
    wanted = (read_at[:, None] + np.arange(b.size_out) * b.stride - b.offset).ravel()
    read = wanted[wanted % b.upsampling == 0] // b.upsampling
    # ... and that inputs i write by the formula: o * s = i * u + p - t.
    given = (np.arange(a.size_in) * a.upsampling + a.offset - written_at[:, None]).ravel()
    written = given[given % a.stride == 0] // a.stride
    both = np.intersect1d(read, written)
    return bool(((both >= 0) & (both < b.size_in)).all())


def _union(a: Axis, b: Axis) -> Axis:
    """The axis of a kernel in which those of both axes have room."""
    offset = max(a.offset, b.offset)
    length = max(offset - a.offset + a.length, offset - b.offset + b.length)
    return replace(a, offset=offset, length=length)


def _normalised(kernel: np.ndarray, axes: Sequence[Axis]) -> tuple[np.ndarray, tuple[Axis, ...]]:
    """The same map with every stride, upsampling and kernel as small as it can be.

    Axis by axis: steps between one output, or one input, are set to 1; common divisors of stride
    and upsampling are taken out; zeros are trimmed off both ends of the kernel.
    """
    result = []
    for number, axis in enumerate(axes):
        # With one output, or input, the step between them means nothing.
        stride = 1 if axis.size_out == 1 else axis.stride
        upsampling = 1 if axis.size_in == 1 else axis.upsampling
        axis = replace(axis, stride=stride, upsampling=upsampling)
        keep: slice | np.ndarray = slice(None)
        common = gcd(stride, upsampling)
        if common > 1:
            # Only every common-th place of the kernel is ever met.
            keep = slice(axis.offset % common, None, common)
            length = len(range(axis.length)[keep])
            axis = replace(
                axis, stride=stride // common, upsampling=upsampling // common,
                offset=axis.offset // common, length=length,
            )  # fmt: skip
            kernel = kernel[(slice(None),) * number + (keep,)]
        kernel, axis = _trimmed(kernel, axis, number)
        result.append(axis)
    return kernel, tuple(result)


def _trimmed(kernel: np.ndarray, axis: Axis, number: int) -> tuple[np.ndarray, Axis]:
    """Drop zeros, and places that no input meets, from both ends of a kernel's axis."""
    others = tuple(k for k in range(kernel.ndim) if k != number)
    used = np.flatnonzero((kernel != 0).any(axis=others) & (axis.counts > 0))
    first, stop = (used[0], used[-1] + 1) if len(used) else (0, 1)
    if axis.length == 0:
        shape = list(kernel.shape)
        shape[number] = 1
        return np.zeros(shape), replace(axis, length=1)
    part = kernel[(slice(None),) * number + (slice(first, stop),)]
    return part, replace(axis, length=int(stop - first), offset=int(axis.offset - first))
