"""Who reaches whom: the binary pattern of a linear map, without its weights.

A `Connectivity` is a matrix of zeros and ones, shape (size_out, size_in), that is not stored. It
answers three questions:

1. How much arrives at each output: ``forward(u)`` is the matrix times ``u``. With ones it is the
   number of inputs that reach each output, ``in_degree``.
2. How much each input reaches: ``adjoint(v)`` is the transposed matrix times ``v``. With ones it is
   the fan-out, ``out_degree``: the synaptic operations of one spike.
3. Which ones: ``synapses(inputs)`` lists the pairs of some inputs, ``to_sparse`` all.

Why not a sparse matrix for all of them? A convolution of 64 to 64 channels on a 32x32 image joins
38 million pairs, and a chain of them must be multiplied out. The classes keep structure instead,
each as much as its kind of map has: `Identity`, `AllToAll`, `Selection` and `Placement` here,
`Kronecker` and `KernelPattern` beside this file. Questions 1 and 2 then cost about as much as the
map itself; only `SparsePattern`, the last resort, stores its synapses.

`_forward` and `_adjoint` take several columns at once, because an image of n columns is what a
`Kronecker` product hands to the pattern of each of its axes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from ..errors import NetworkGraphError


class Connectivity(ABC):
    """Binary connectivity pattern of a linear map.

    Subclasses implement `_forward` and `_adjoint` on two-dimensional arrays and
    `synapses`; everything else follows from these.

    Parameters
    ----------
    size_in, size_out : int
        Number of inputs and of outputs.
    """

    def __init__(self, size_in: int, size_out: int):
        self.size_in = int(size_in)
        self.size_out = int(size_out)

    @abstractmethod
    def _forward(self, u: np.ndarray) -> np.ndarray:
        """`forward` of an array of shape (size_in, n)."""

    @abstractmethod
    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        """`adjoint` of an array of shape (size_out, n)."""

    @abstractmethod
    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every synapse that leaves the given inputs, each once, in no certain order.

        Parameters
        ----------
        inputs : ndarray of int, shape (n,)
            Input elements.

        Returns
        -------
        position, output : ndarray of int64, shape (n_synapses,)
            ``inputs[position[k]]`` reaches ``output[k]``.
        """

    def forward(self, u: Any) -> np.ndarray:
        """For each output, the sum of ``u`` over the inputs that reach it.

        Parameters
        ----------
        u : array_like of shape (size_in,) or (size_in, n)

        Returns
        -------
        ndarray of shape (size_out,) or (size_out, n), float64
            Exact for counts below 2**53.
        """
        return self._applied(self._forward, u, self.size_in)

    def adjoint(self, v: Any) -> np.ndarray:
        """For each input, the sum of ``v`` over the outputs that it reaches.

        Parameters
        ----------
        v : array_like of shape (size_out,) or (size_out, n)

        Returns
        -------
        ndarray of shape (size_in,) or (size_in, n), float64
            Exact for counts below 2**53.
        """
        return self._applied(self._adjoint, v, self.size_out)

    @cached_property
    def out_degree(self) -> np.ndarray:
        """Number of outputs each input reaches, shape (size_in,), int64."""
        return self.adjoint(np.ones(self.size_out)).astype(np.int64)

    @cached_property
    def in_degree(self) -> np.ndarray:
        """Number of inputs that reach each output, shape (size_out,), int64."""
        return self.forward(np.ones(self.size_in)).astype(np.int64)

    @property
    def n_synapses(self) -> int:
        """Number of (input, output) pairs joined."""
        return int(self.out_degree.sum())

    @property
    def T(self) -> Connectivity:
        """The same pattern with inputs and outputs exchanged."""
        return SparsePattern(self.to_sparse().T)

    def to_sparse(self, inputs: np.ndarray | None = None) -> sparse.csr_matrix:
        """The pattern as a sparse boolean matrix.

        Parameters
        ----------
        inputs : ndarray of int, shape (n,), optional
            Columns wanted; default: all.

        Returns
        -------
        scipy.sparse.csr_matrix of bool, shape (size_out, n)
        """
        columns = np.arange(self.size_in) if inputs is None else inputs
        position, output = self.synapses(columns)
        entries = np.ones(len(output), dtype=bool)
        return sparse.csr_matrix((entries, (output, position)), shape=(self.size_out, len(columns)))

    def _applied(self, function: Any, values: Any, size: int) -> np.ndarray:
        array = np.asarray(values, dtype=np.float64)
        if array.ndim not in (1, 2) or array.shape[0] != size:
            raise NetworkGraphError(
                f"{self!r} expects an array of shape ({size},) or ({size}, n), not {array.shape}."
            )
        return function(array) if array.ndim == 2 else function(array[:, None])[:, 0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size_in} -> {self.size_out})"


# Patterns without geometry, from the most to the least structure: a few numbers, a list of
# indices, all synapses.


class Identity(Connectivity):
    """Every input reaches the output of the same number, and no other."""

    def __init__(self, size: int):
        super().__init__(size, size)

    def _forward(self, u: np.ndarray) -> np.ndarray:
        return u

    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        return v

    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(len(inputs)), np.asarray(inputs)

    @property
    def T(self) -> Connectivity:
        return self


class AllToAll(Connectivity):
    """Every input reaches every output."""

    def _forward(self, u: np.ndarray) -> np.ndarray:
        return np.broadcast_to(u.sum(axis=0), (self.size_out, u.shape[1]))

    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        return np.broadcast_to(v.sum(axis=0), (self.size_in, v.shape[1]))

    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        position = np.repeat(np.arange(len(inputs)), self.size_out)
        return position, np.tile(np.arange(self.size_out), len(inputs))

    @property
    def T(self) -> Connectivity:
        return AllToAll(self.size_out, self.size_in)


class Selection(Connectivity):
    """Output ``k`` is input ``indices[k]``, as in ``x[indices]``; indices may repeat.

    Parameters
    ----------
    indices : array_like of int, shape (size_out,)
        Nonnegative indices of inputs.
    size_in : int
        Number of inputs.
    """

    def __init__(self, indices: Any, size_in: int):
        self.indices = np.asarray(indices, dtype=np.int64)
        super().__init__(size_in, len(self.indices))

    def _forward(self, u: np.ndarray) -> np.ndarray:
        return u[self.indices]

    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        result = np.zeros((self.size_in, v.shape[1]))
        np.add.at(result, self.indices, v)  # result[indices] += v would add repeated ones once
        return result

    @cached_property
    def out_degree(self) -> np.ndarray:
        return np.bincount(self.indices, minlength=self.size_in).astype(np.int64)

    @cached_property
    def _by_input(self) -> np.ndarray:
        """Outputs sorted by their input: those of an input stand together."""
        return np.argsort(self.indices, kind="stable")

    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Those of input i are the out_degree[i] entries before the i-th end.
        ends = np.cumsum(self.out_degree)
        position, where = ragged_ranges((ends - self.out_degree)[inputs], self.out_degree[inputs])
        return position, self._by_input[where]

    @property
    def T(self) -> Connectivity:
        return Placement(self.indices, self.size_in)


class Placement(Connectivity):
    """Input ``k`` is added to output ``indices[k]``, as in ``y[indices] += x``.

    Parameters
    ----------
    indices : array_like of int, shape (size_in,)
        Nonnegative indices of outputs; where they repeat, the inputs add up.
    size_out : int
        Number of outputs.
    """

    def __init__(self, indices: Any, size_out: int):
        self.indices = np.asarray(indices, dtype=np.int64)
        super().__init__(len(self.indices), size_out)

    def _forward(self, u: np.ndarray) -> np.ndarray:
        result = np.zeros((self.size_out, u.shape[1]))
        np.add.at(result, self.indices, u)
        return result

    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        return v[self.indices]

    @cached_property
    def in_degree(self) -> np.ndarray:
        return np.bincount(self.indices, minlength=self.size_out).astype(np.int64)

    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(len(inputs)), self.indices[inputs]

    @property
    def T(self) -> Connectivity:
        return Selection(self.indices, self.size_out)


class SparsePattern(Connectivity):
    """A pattern given synapse by synapse.

    Parameters
    ----------
    matrix : array or scipy sparse matrix of shape (size_out, size_in)
        Everything stored counts as a synapse, whatever its value, except zeros in a
        NumPy array.
    """

    def __init__(self, matrix: Any):
        # By columns, because fan-outs are asked for far more often than fan-ins. The pattern is
        # made anew with ones: a stored weight of zero is a synapse as well.
        csc = sparse.csc_matrix(matrix)
        csc = sparse.csc_matrix(
            (np.ones(len(csc.data), dtype=bool), csc.indices, csc.indptr), shape=csc.shape
        )
        csc.sum_duplicates()
        self._csc = csc
        super().__init__(csc.shape[1], csc.shape[0])

    def _forward(self, u: np.ndarray) -> np.ndarray:
        return self._csc @ u

    def _adjoint(self, v: np.ndarray) -> np.ndarray:
        return self._csc.T @ v

    @cached_property
    def out_degree(self) -> np.ndarray:
        return np.diff(self._csc.indptr).astype(np.int64)

    @cached_property
    def in_degree(self) -> np.ndarray:
        return np.bincount(self._csc.indices, minlength=self.size_out).astype(np.int64)

    def synapses(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts = self._csc.indptr[:-1].astype(np.int64)
        position, where = ragged_ranges(starts[inputs], self.out_degree[inputs])
        return position, self._csc.indices[where].astype(np.int64)

    @property
    def T(self) -> Connectivity:
        return SparsePattern(self._csc.T)


def ragged_ranges(starts: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ranges ``starts[i] : starts[i] + counts[i]``, laid end to end.

    Parameters
    ----------
    starts, counts : ndarray of int, shape (n,)

    Returns
    -------
    which, value : ndarray of int64, shape (counts.sum(),)
        ``value[k]`` lies in range number ``which[k]``.
    """
    # Counting through all ranges, less where each range begins in that count, plus its start.
    counts = np.asarray(counts, dtype=np.int64)
    which = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return which, np.arange(len(which)) + (np.asarray(starts) - before)[which]


def pattern_of(mask: np.ndarray) -> Connectivity:
    """The `Connectivity` of a boolean matrix, as compact as it can be kept.

    Parameters
    ----------
    mask : ndarray of bool, shape (size_out, size_in)
    """
    if mask.all():
        return AllToAll(mask.shape[1], mask.shape[0])
    if mask.shape[0] == mask.shape[1] and np.array_equal(mask, np.eye(len(mask), dtype=bool)):
        return Identity(len(mask))
    return SparsePattern(mask)
