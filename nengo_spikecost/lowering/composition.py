"""Composition and sum of linear maps, keeping as much structure as there is.

Two maps that treat all positions alike make one that does, where no border comes between
them; copies and permutations stay copies and permutations; everything else is multiplied out, as a
sparse matrix or, where one of the two is dense, as a dense one.
"""

from __future__ import annotations

from math import gcd

import numpy as np
from scipy import sparse

from .geometry import kernel_size
from .linear_map import Gather, LinearMap, Matrix, gather_of
from .recognition import as_strided
from .strided_map import StridedMap

#: Most weights that a composed map may have in memory: 2**26 numbers are 512 MB.
MAX_WEIGHTS = 2**26


class TooManyWeights(Exception):
    """A composition would need more memory than is sensible; the message says how much."""


def compose(second: LinearMap, first: LinearMap) -> LinearMap:
    """The map that applies ``first``, then ``second``.

    Raises
    ------
    TooManyWeights
        If the result has no structure that would keep it small.
    """
    if isinstance(first, Gather) and isinstance(second, Gather):
        return _gather_twice(second, first)
    strided = _strided_pair(second, first)
    if strided is not None:
        two, one = strided
        channels = one.image_in.channels, two.image_out.channels
        check_n_weights(kernel_size(two.axes, one.axes, *channels, gcd(two.groups, one.groups)))
        product = two.after(one)
        if product is not None:
            return product
    if isinstance(first, Gather) and _is_identity(first):
        return second
    if isinstance(second, Gather) and _is_identity(second):
        return first
    return _multiplied_out(second, first)


def add(one: LinearMap, two: LinearMap) -> LinearMap | None:
    """The sum of two maps, or None if as one map it would lose structure they have."""
    if isinstance(one, StridedMap) or isinstance(two, StridedMap):
        a, b = _strided_for(one, two), _strided_for(two, one)
        return None if a is None or b is None else a.plus(b)
    if _is_dense(one) or _is_dense(two):
        return Matrix(_to_array(one) + _to_array(two))
    if one.n_weights + two.n_weights > MAX_WEIGHTS:
        return None
    return _sparse(one.to_sparse() + two.to_sparse())


def _gather_twice(second: Gather, first: Gather) -> Gather:
    # Source -1 takes the last element, but with a weight of zero.
    weights = second.weights * first.weights[second.source]
    source = np.where(second.source < 0, -1, first.source[second.source])
    return Gather(source, weights, first.size_in)


def _strided_pair(second: LinearMap, first: LinearMap) -> tuple[StridedMap, StridedMap] | None:
    """Both maps as strided ones, one helping to read the other."""
    if isinstance(first, Gather) and isinstance(second, StridedMap):
        strided = as_strided(first, None, second.image_in)
        return None if strided is None else (second, strided)
    if isinstance(second, Gather) and isinstance(first, StridedMap):
        strided = as_strided(second, first.image_out, None)
        return None if strided is None else (strided, first)
    if isinstance(first, StridedMap) and isinstance(second, StridedMap):
        return second, first
    return None


def _strided_for(obj: LinearMap, other: LinearMap) -> StridedMap | None:
    """A map as a strided one with the images of another one."""
    if isinstance(obj, StridedMap):
        return obj
    if isinstance(obj, Gather) and isinstance(other, StridedMap):
        return as_strided(obj, other.image_in, other.image_out)
    return None


def _multiplied_out(second: LinearMap, first: LinearMap) -> LinearMap:
    if _is_dense(second) or _is_dense(first):
        check_n_weights(first.size_in * second.size_out)
        if isinstance(second, Matrix) and second.is_dense:
            return Matrix(first.adjoint(second.matrix.T).T)
        return Matrix(second.apply(_to_array(first)))
    check_n_weights(first.n_weights)
    check_n_weights(second.n_weights)
    check_n_weights(_n_paths(second, first))
    return _sparse(second.to_sparse() @ first.to_sparse())


def _n_paths(second: LinearMap, first: LinearMap) -> int:
    """Number of paths through both maps: no more weights than that can come of them."""
    if isinstance(first, Gather):
        return second.n_weights
    if isinstance(second, Gather):
        return first.n_weights * max(1, second.size_out // max(1, second.size_in))
    mean_in = first.n_weights / max(1, first.size_out)
    return min(int(second.n_weights * mean_in), first.size_in * second.size_out)


def _sparse(matrix: sparse.spmatrix) -> LinearMap:
    result = Matrix(matrix)
    return gather_of(result.matrix) or result


def _to_array(obj: LinearMap) -> np.ndarray:
    if isinstance(obj, Matrix) and obj.is_dense:
        return obj.matrix
    return obj.to_sparse().toarray()


def _is_dense(obj: LinearMap) -> bool:
    return isinstance(obj, Matrix) and obj.is_dense


def _is_identity(obj: Gather) -> bool:
    return obj.is_diagonal and bool((obj.weights == 1).all())


def check_n_weights(n_weights: int) -> None:
    """Refuse a map of too many weights.

    Raises
    ------
    TooManyWeights
        If there are more than `MAX_WEIGHTS`.
    """
    if n_weights > MAX_WEIGHTS:
        raise TooManyWeights(f"{n_weights:,} weights")
