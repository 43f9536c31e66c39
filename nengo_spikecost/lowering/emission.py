"""From a linear map to the Nengo transform that needs the fewest weights for it.

Maps that treat all positions alike become convolutions: Nengo knows the paddings "valid"
and "same" only, so the kernel is embedded in a larger one, with zeros, until its offset is
that of one of the two. Along one axis alone, a second axis of length one is added:
NengoLoihi knows two-dimensional convolutions only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from nengo import Convolution, ConvolutionTranspose, Dense, Sparse
from nengo.transforms import ChannelShape, NoTransform
from scipy import sparse

from .composition import MAX_WEIGHTS, TooManyWeights
from .geometry import Axis, Image
from .linear_map import Gather, LinearMap, Matrix, gather_of
from .strided_map import StridedMap

#: Above this share of nonzero weights a matrix is written densely: a sparse entry takes
#: three numbers, and is not multiplied as fast.
DENSE_FROM = 0.25


def to_transform(obj: LinearMap) -> Any:
    """The Nengo transform of a map.

    Parameters
    ----------
    obj : LinearMap

    Returns
    -------
    NoTransform, Dense, Sparse, Convolution or ConvolutionTranspose

    Raises
    ------
    TooManyWeights
        If the map is no convolution of Nengo's and has too many weights for a matrix.
    """
    if isinstance(obj, StridedMap):
        if _is_gather(obj):
            gather = gather_of(Matrix(obj.to_sparse()).matrix)
            assert gather is not None
            return _gather_transform(gather)
        return _convolution(obj) or _matrix_transform(obj)
    if isinstance(obj, Gather):
        return _gather_transform(obj)
    return _matrix_transform(obj)


def is_matrix(obj: LinearMap) -> bool:
    """Whether `to_transform` makes no convolution of a map, and can write it."""
    if obj.n_weights > MAX_WEIGHTS:
        return False
    try:
        return not isinstance(obj, StridedMap) or _is_gather(obj) or _convolution(obj) is None
    except TooManyWeights:
        return False


def _is_gather(obj: StridedMap) -> bool:
    """Whether each output is one input times a number.

    As a convolution this would need a kernel full of zeros between channels.
    """
    return obj.is_depthwise and all(a.length <= a.upsampling for a in obj.axes)


def _gather_transform(gather: Gather) -> Any:
    if gather.is_diagonal:
        weights = gather.weights
        if (weights == 1).all():
            return NoTransform(gather.size_in)
        same = (weights == weights[0]).all()
        return Dense((gather.size_out, gather.size_in), init=weights[0] if same else weights)
    return _matrix_transform(gather)


def _matrix_transform(obj: LinearMap) -> Any:
    shape = (obj.size_out, obj.size_in)
    n_weights, size = obj.n_weights, obj.size_in * obj.size_out
    if n_weights > DENSE_FROM * size:
        if size > MAX_WEIGHTS:
            raise TooManyWeights(f"{size:,} weights")
        dense = isinstance(obj, Matrix) and obj.is_dense
        return Dense(shape, init=obj.matrix if dense else obj.to_sparse().toarray())  # type: ignore[attr-defined]
    if n_weights > MAX_WEIGHTS:
        raise TooManyWeights(f"{n_weights:,} weights")
    entries = sparse.coo_matrix(obj.to_sparse())
    return Sparse(shape, indices=np.stack([entries.row, entries.col], axis=1), init=entries.data)


@dataclass(frozen=True)
class _Form:
    """A way in which Nengo writes a map as a convolution, or as the transpose of one."""

    backward: bool
    padding: str
    strides: tuple[int, ...]
    zeros: list[tuple[int, int]]


def _convolution(obj: StridedMap) -> Any | None:
    """A convolution that is this map, or None."""
    if len(obj.axes) == 1:
        obj = StridedMap(obj.kernel[None], [Axis(1, 1), *obj.axes], obj.channels_last)
    forms = []
    if all(axis.upsampling == 1 for axis in obj.axes):
        forms += [_Form(False, *form) for form in _forms(obj.axes)]
    if all(axis.stride == 1 for axis in obj.axes):
        forms += [_Form(True, *form) for form in _forms([a.transposed for a in obj.axes])]
    if not forms:
        return None
    # The smallest kernel, and of equal ones the plain convolution: min takes the first.
    form = min(forms, key=lambda form: _area(obj, form))
    n_weights = _area(obj, form) * obj.kernel.size // int(np.prod(obj.lengths))
    if n_weights > MAX_WEIGHTS:
        raise TooManyWeights(f"{n_weights:,} weights, most of them zeros around the kernel")
    return (_backward if form.backward else _forward)(obj, form)


def _forms(axes: Sequence[Axis]) -> Iterator[tuple[str, tuple[int, ...], list[tuple[int, int]]]]:
    """Padding, strides and zeros around the kernel with which Nengo has these axes."""
    # With a single output the stride means nothing to the map, but decides in Nengo on
    # which sizes of the input give a single output.
    long = [replace(a, stride=a.size_in) if a.size_out == 1 else a for a in axes]
    for choice in (axes, long):
        for padding in ("valid", "same"):
            zeros = [_zeros_around(axis, padding) for axis in choice]
            known = [z for z in zeros if z is not None]
            if len(known) == len(zeros):
                yield padding, tuple(int(axis.stride) for axis in choice), known


def _area(obj: StridedMap, form: _Form) -> int:
    """Places in the kernel of a form, for each pair of channels in a group of the map."""
    area = int(np.prod([n + sum(zeros) for n, zeros in zip(obj.lengths, form.zeros)]))
    # Nengo's transposed convolutions have no groups: weights between groups are written as zeros.
    return area * (obj.groups if form.backward else 1)


def _zeros_around(axis: Axis, padding: str) -> tuple[int, int] | None:
    """Zeros before and after the kernel so that its offset is that of a padding; or None."""
    if padding == "valid":
        # Output o starts at input o * stride: no offset left, and as many outputs as fit.
        before = -axis.offset
        least = max(axis.length + before, axis.size_in - axis.size_out * axis.stride + 1)
        most = axis.size_in - (axis.size_out - 1) * axis.stride
        if before < 0 or least > most:
            return None
        return before, least - before - axis.length
    if axis.size_out != -(-axis.size_in // axis.stride):
        return None
    # Zeros are added on one side only: on both they would not change the offset.
    missing = (axis.size_out - 1) * axis.stride + axis.length - axis.size_in
    for extra in range(2 * (axis.size_in + axis.length) + axis.stride + 1):
        pad = max(missing + extra, 0) // 2
        if axis.offset + extra == pad:
            return extra, 0
        if axis.offset == pad:
            return 0, extra
    return None


def _forward(obj: StridedMap, form: _Form) -> Convolution:
    kernel = np.moveaxis(obj.kernel, -3, -2).reshape(*obj.lengths, obj.channels_in, -1)
    kernel = np.pad(kernel, [*form.zeros, (0, 0), (0, 0)])
    return Convolution(
        obj.image_out.channels, _channel_shape(obj.image_in),
        kernel_size=tuple(int(n) for n in kernel.shape[:-2]), strides=form.strides,
        padding=form.padding, channels_last=obj.channels_last, init=kernel, groups=obj.groups,
    )  # fmt: skip


def _backward(obj: StridedMap, form: _Form) -> ConvolutionTranspose:
    obj = obj.with_groups(1)
    kernel = np.flip(obj.kernel[..., 0, :, :], axis=tuple(range(len(obj.axes))))
    kernel = np.pad(kernel, [*form.zeros, (0, 0), (0, 0)])
    return ConvolutionTranspose(
        obj.image_out.channels, _channel_shape(obj.image_in), _channel_shape(obj.image_out),
        kernel_size=tuple(int(n) for n in kernel.shape[:-2]), strides=form.strides,
        padding=form.padding, channels_last=obj.channels_last, init=np.ascontiguousarray(kernel),
    )  # fmt: skip


def _channel_shape(image: Image) -> ChannelShape:
    return ChannelShape(tuple(int(n) for n in image.shape), channels_last=image.channels_last)
