"""Linear maps that can be composed: the interface, and the two kinds without geometry.

A map takes ``size_in`` values to ``size_out`` values. There are three kinds:
`Gather`, in which each output is one input times a number (slices, padding, upsampling,
permutation, scaling); `~nengo_spikecost.lowering.strided_map.StridedMap`, in which weights
are shared between positions; and `Matrix`, in which they are not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse


class LinearMap(ABC):
    """A linear map from ``size_in`` to ``size_out`` values.

    Parameters
    ----------
    size_in, size_out : int
    """

    def __init__(self, size_in: int, size_out: int):
        self.size_in = int(size_in)
        self.size_out = int(size_out)

    @abstractmethod
    def apply(self, x: np.ndarray) -> np.ndarray:
        """Outputs, shape (size_out, n), of inputs of shape (size_in, n)."""

    @abstractmethod
    def adjoint(self, y: np.ndarray) -> np.ndarray:
        """The transposed map: from shape (size_out, n) to (size_in, n)."""

    @abstractmethod
    def to_sparse(self) -> sparse.csr_matrix:
        """The whole matrix, shape (size_out, size_in), without stored zeros."""

    @property
    @abstractmethod
    def n_weights(self) -> int:
        """Number of nonzero entries of the whole matrix: multiplications of one pass."""

    @property
    def is_zero(self) -> bool:
        """Whether the map takes everything to zero."""
        return self.n_weights == 0

    def __call__(self, x: Any) -> np.ndarray:
        """Output, shape (size_out,), of one input of shape (size_in,)."""
        return self.apply(np.asarray(x, dtype=np.float64)[:, None])[:, 0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size_in} -> {self.size_out})"


class Gather(LinearMap):
    """Output ``k`` is ``weights[k] * x[source[k]]``, or zero.

    Parameters
    ----------
    source : array_like of int, shape (size_out,)
        For each output the input it takes, or -1 for none.
    weights : array_like of float, shape (size_out,) or ()
        Not zero, except where there is no source.
    size_in : int
    """

    def __init__(self, source: Any, weights: Any, size_in: int):
        self.source = np.asarray(source, dtype=np.int64)
        super().__init__(size_in, len(self.source))
        weights = np.broadcast_to(np.asarray(weights, dtype=np.float64), self.source.shape)
        self.source = np.where(weights == 0, -1, self.source)
        self.weights = np.where(self.source < 0, 0.0, weights)

    @classmethod
    def identity(cls, size: int, weights: Any = 1.0) -> Gather:
        """Element by element, each times a weight."""
        return cls(np.arange(size), weights, size)

    @cached_property
    def is_diagonal(self) -> bool:
        """Whether output ``k`` comes from input ``k`` or from nothing."""
        if self.size_in != self.size_out:
            return False
        where = self.source >= 0
        return bool(np.array_equal(self.source[where], np.flatnonzero(where)))

    def apply(self, x: np.ndarray) -> np.ndarray:
        # Source -1 takes the last input, times a weight of zero.
        return self.weights[:, None] * x[self.source]

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        result = np.zeros((self.size_in, y.shape[1]))
        where = self.source >= 0
        np.add.at(result, self.source[where], self.weights[where, None] * y[where])
        return result

    def to_sparse(self) -> sparse.csr_matrix:
        rows = np.flatnonzero(self.source >= 0)
        entries = (self.weights[rows], (rows, self.source[rows]))
        return sparse.csr_matrix(entries, shape=(self.size_out, self.size_in))

    @property
    def n_weights(self) -> int:
        return int(np.count_nonzero(self.source >= 0))


class Matrix(LinearMap):
    """A matrix, dense or sparse.

    Parameters
    ----------
    matrix : ndarray or scipy sparse matrix, shape (size_out, size_in)
    """

    def __init__(self, matrix: Any):
        self.matrix = matrix
        if sparse.issparse(matrix):
            self.matrix = sparse.csr_matrix(matrix)
            self.matrix.sum_duplicates()
            self.matrix.eliminate_zeros()
        super().__init__(matrix.shape[1], matrix.shape[0])

    @property
    def is_dense(self) -> bool:
        """Whether the matrix is kept as a NumPy array."""
        return isinstance(self.matrix, np.ndarray)

    def apply(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.matrix @ x)

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(self.matrix.T @ y)

    def to_sparse(self) -> sparse.csr_matrix:
        return sparse.csr_matrix(self.matrix)

    @cached_property
    def n_weights(self) -> int:  # type: ignore[override]
        return int(np.count_nonzero(self.matrix)) if self.is_dense else int(self.matrix.nnz)


def as_matrix(obj: LinearMap) -> Matrix:
    """Any map multiplied out."""
    return obj if isinstance(obj, Matrix) else Matrix(obj.to_sparse())


def gather_of(matrix: sparse.csr_matrix) -> Gather | None:
    """A sparse matrix as a `Gather`, or None if an output has several inputs."""
    counts = np.diff(matrix.indptr)
    if counts.max(initial=0) > 1:
        return None
    source = np.full(matrix.shape[0], -1)
    weights = np.zeros(matrix.shape[0])
    source[counts == 1] = matrix.indices
    weights[counts == 1] = matrix.data
    return Gather(source, weights, matrix.shape[1])
