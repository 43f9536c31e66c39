"""The linear map of a Connection: from all of its source to all of its target.

Transforms are read by type, through a registry. Those that cannot be read (weights still to be
drawn, transforms of unknown types) are left as they are in the network.
"""

from __future__ import annotations

from typing import Any, Callable

import nengo
import numpy as np
from nengo import Convolution, ConvolutionTranspose, Dense, Sparse
from nengo.dists import Distribution
from nengo.transforms import NoTransform, SparseMatrix
from scipy import sparse

from ..graph.nengo_types import replaced
from ..registry import TypeRegistry
from .composition import compose
from .geometry import Axis
from .linear_map import Gather, LinearMap, Matrix, gather_of
from .strided_map import StridedMap

Reader = Callable[[Any], LinearMap]

#: From transform type to the function that reads it as a `LinearMap`.
transform_readers: TypeRegistry[Reader] = TypeRegistry("reader of transforms", replaced)


def unreadable(transform: Any) -> str | None:
    """Why a transform can't be read, as a clause; None if it can."""
    if transform_readers.find(transform) is None:
        return f"its transform is of type {type(transform).__name__}, which is not known"
    init = getattr(transform, "init", None)
    if isinstance(init, SparseMatrix):
        init = init.data
    if isinstance(init, Distribution):
        return "its weights are drawn at random when it is built"
    return None


def transform_map(transform: Any) -> LinearMap:
    """A transform, for which `unreadable` gives None, as a `LinearMap`."""
    reader = transform_readers.find(transform)
    assert reader is not None
    return reader(transform)


def connection_map(conn: nengo.Connection) -> LinearMap:
    """From the elements of ``conn.pre_obj`` to those of ``conn.post_obj``, with slices."""
    result = transform_map(conn.transform)
    before = _indices(conn.pre_slice, conn.pre_obj.size_out)
    if before is not None:
        result = compose(result, Gather(before, 1.0, conn.pre_obj.size_out))
    after = _indices(conn.post_slice, conn.post_obj.size_in)
    if after is not None:
        result = compose(_placement(after, conn.post_obj.size_in), result)
    return result


def _indices(key: Any, size: int) -> np.ndarray | None:
    """The elements a slice takes; None for all of them in order."""
    indices = np.arange(size)[key]
    return None if np.array_equal(indices, np.arange(size)) else indices


def _placement(indices: np.ndarray, size_out: int) -> LinearMap:
    if len(np.unique(indices)) < len(indices):
        # As in Nengo, of values written to one place the last one counts.
        columns = {int(place): number for number, place in enumerate(indices)}
    else:
        columns = dict(zip(indices.tolist(), range(len(indices))))
    source = np.full(size_out, -1)
    source[list(columns)] = list(columns.values())
    return Gather(source, 1.0, len(indices))


@transform_readers.register(NoTransform)
def read_no_transform(transform: NoTransform) -> LinearMap:
    """Element by element."""
    return Gather.identity(transform.size_in)


@transform_readers.register(Dense)
def read_dense(transform: Dense) -> LinearMap:
    """A matrix; or a vector or scalar that stands for a diagonal matrix."""
    weights = np.asarray(transform.init, dtype=np.float64)
    if weights.ndim < 2:
        return Gather.identity(transform.size_in, weights)
    if np.count_nonzero(weights) <= len(weights):
        gather = gather_of(Matrix(sparse.csr_matrix(weights)).matrix)
        if gather is not None:
            return gather
    return Matrix(weights)


@transform_readers.register(Sparse)
def read_sparse(transform: Sparse) -> LinearMap:
    """The stored entries; entries at the same place add up."""
    init = transform.init
    if isinstance(init, SparseMatrix):
        entries = (np.broadcast_to(init.data, len(init.indices)), tuple(init.indices.T))
        matrix = sparse.csr_matrix(entries, transform.shape, dtype=np.float64)
    else:
        matrix = sparse.csr_matrix(init, dtype=np.float64, copy=True)
    result = Matrix(matrix)
    return gather_of(result.matrix) or result


@transform_readers.register(Convolution)
def read_convolution(transform: Convolution) -> LinearMap:
    """Strided, padded and grouped convolution in any number of dimensions."""
    axes = _axes(transform, transform.input_shape, transform.output_shape)
    # Of another Nengo than 4, convolutions may have no groups.
    kernel = _grouped(_kernel(transform), getattr(transform, "groups", 1))
    return StridedMap(kernel, axes, transform.channels_last)


@transform_readers.register(ConvolutionTranspose)
def read_convolution_transpose(transform: ConvolutionTranspose) -> LinearMap:
    """The transpose of the convolution that leads from its output to its input."""
    forward = _axes(transform, transform.output_shape, transform.input_shape)
    kernel = np.flip(_kernel(transform), axis=tuple(range(transform.dimensions)))
    axes = [axis.transposed for axis in forward]
    return StridedMap(_grouped(kernel, 1), axes, transform.channels_last)


def _kernel(transform: Any) -> np.ndarray:
    return np.asarray(transform.init, dtype=np.float64)


def _axes(transform: Any, shape_in: Any, shape_out: Any) -> list[Axis]:
    """The geometry of a convolution; Nengo pads the smaller half before the first element."""
    axes = []
    for size_in, size_out, length, stride in zip(
        shape_in.spatial_shape, shape_out.spatial_shape, transform.kernel_size, transform.strides
    ):
        missing = max((size_out - 1) * stride + length - size_in, 0)
        pad = missing // 2 if transform.padding == "same" else 0
        axes.append(Axis(int(size_in), int(size_out), int(length), int(stride), 1, int(pad)))
    return axes


def _grouped(kernel: np.ndarray, groups: int) -> np.ndarray:
    """From Nengo's (*lengths, in, out) to (*lengths, groups, in, out), as many as there are.

    NengoDL writes pooling as a kernel that is diagonal between channels: read as groups.
    """
    *lengths, c_in, c_out = kernel.shape
    kernel = np.moveaxis(kernel.reshape(*lengths, c_in, groups, c_out // groups), -2, -3)
    if groups > 1 or c_in != c_out or c_in == 1:
        return kernel
    diagonal = np.einsum("...cc->...c", kernel[..., 0, :, :])
    if np.count_nonzero(diagonal) < np.count_nonzero(kernel):
        return kernel
    return np.ascontiguousarray(diagonal)[..., None, None]
