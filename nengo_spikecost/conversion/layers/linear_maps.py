"""A function that is linear, or a straight line, read as weights by trying it out.

Reshapes, slices, sums, means and products with constants are many functions with many arguments,
and one kind of thing: each output is a sum of weighted inputs, and a constant. So the function is
called with inputs that tell which:

1. Zeros give the constants, ones the sum of the weights of each output.
2. The numbers of the inputs, as two digits, give for each output which input it is, if it is one.
3. If that is wrong, the same is asked of the transposed map (its gradient): does each input go to
   one output, as in sums and means?
4. If that is wrong too, every input is tried by itself.

Each answer is held against the function of two random inputs: a function that is not linear, or
that mixes samples of a batch, has no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np
import scipy.sparse
import tensorflow as tf

#: From inputs of shapes (batch_size, ...) to one output of shape (batch_size, ...).
Function = Callable[[Sequence[Any]], Any]

_DIGIT = 4096  # below float32's 2**24, times a weight
_CHUNK = 64
_LARGEST = 400_000_000  # elements of a dense matrix that are looked at


@dataclass(frozen=True)
class LinearMap:
    """``weights @ x + constants``, where ``x`` are all inputs one after the other.

    Attributes
    ----------
    weights : scipy.sparse.csr_matrix of shape (size_out, size_in)
    constants : ndarray of shape (size_out,)
    """

    weights: scipy.sparse.csr_matrix
    constants: np.ndarray


class InfiniteOutput(Exception):
    """Some outputs of a function are infinite, whatever its inputs are."""


def read_linear(function: Function, shapes: Sequence[tuple[int, ...]]) -> LinearMap | None:
    """A function as weights and constants, or None if it is not of that kind.

    Parameters
    ----------
    function : callable
        Takes and returns TensorFlow tensors.
    shapes : sequence of tuple of int
        Shape of one sample of each input.

    Raises
    ------
    InfiniteOutput
        If some outputs are always infinite, as those of padding with them.
    """
    for dtype in (np.float64, np.float32):
        try:
            return _Reader(function, shapes, dtype).read()
        except (TypeError, ValueError, tf.errors.InvalidArgumentError):
            if dtype is np.float32:
                raise
    return None


class _Reader:
    def __init__(self, function: Function, shapes: Sequence[tuple[int, ...]], dtype: Any):
        self.function, self.shapes, self.dtype = function, shapes, dtype
        self.sizes = [int(np.prod(shape)) for shape in shapes]
        self.n = sum(self.sizes)

    def read(self) -> LinearMap | None:
        number = np.arange(self.n)
        rng = np.random.RandomState(0)
        tries = np.stack([
            np.zeros(self.n), np.ones(self.n), number // _DIGIT, number % _DIGIT,
            rng.normal(size=self.n), 100 * rng.normal(size=self.n),
        ])  # fmt: skip
        found = self.of_batch(tries)
        if found.shape[0] != len(tries):
            return None
        if np.isinf(found).all(axis=0).any():
            raise InfiniteOutput
        if not np.isfinite(found).all():
            return None
        constants = found[0]
        linear, x = found[1:] - constants, tries[1:]
        for weights in (self._choices(linear), self._sums(linear.shape[1]), None):
            if weights is None:
                continue
            if _same(weights @ x[3:].T, linear[3:].T):
                return LinearMap(weights, constants)
        if not self._may_be_linear(found[4:], constants, tries[4:]):
            return None
        weights = self._one_by_one(constants)
        return LinearMap(weights, constants) if _same(weights @ x[3:].T, linear[3:].T) else None

    def of_batch(self, x: np.ndarray) -> np.ndarray:
        """The function of rows of inputs, shape (n, size_out)."""
        outputs = np.asarray(self.function(self._split(tf.constant(x.astype(self.dtype)))))
        return outputs.reshape(len(outputs), -1).astype(np.float64)

    def _split(self, x: tf.Tensor) -> list[tf.Tensor]:
        parts = tf.split(x, self.sizes, axis=1)
        return [tf.reshape(p, (x.shape[0], *shape)) for p, shape in zip(parts, self.shapes)]

    def _choices(self, linear: np.ndarray) -> Any:
        """Weights if each output is one input, times something."""
        scale, high, low = linear[:3]
        used = scale != 0
        index = np.zeros(len(scale))
        index[used] = np.rint(high[used] / scale[used]) * _DIGIT + np.rint(low[used] / scale[used])
        used &= (index >= 0) & (index < self.n)
        rows = np.flatnonzero(used)
        entries = (scale[rows], (rows, index[rows].astype(int)))
        return scipy.sparse.csr_matrix(entries, shape=(len(scale), self.n))

    def _sums(self, n_out: int) -> Any:
        """Weights if each input goes to one output, by the gradient."""
        number = np.arange(n_out)
        rows = np.stack([np.ones(n_out), number // _DIGIT, number % _DIGIT])
        with tf.GradientTape() as tape:
            x = tf.zeros((3, self.n), self.dtype)
            tape.watch(x)
            y = tf.reshape(self.function(self._split(x)), (3, -1))
            weighted = tf.reduce_sum(y * tf.constant(rows.astype(self.dtype)))
        gradient = tape.gradient(weighted, x)
        if gradient is None:
            return None
        reader = _Reader(self.function, self.shapes, self.dtype)
        reader.n = n_out
        return reader._choices(np.asarray(gradient, np.float64)).T.tocsr()

    def _may_be_linear(self, found: np.ndarray, constants: np.ndarray, x: np.ndarray) -> bool:
        """Whether the function of a sum is the sum of the functions, before all is tried."""
        total = self.of_batch((x[0] + x[1])[None])[0]
        return _same(total - constants, (found - constants).sum(axis=0))

    def _one_by_one(self, constants: np.ndarray) -> scipy.sparse.csr_matrix:
        """Weights by the response to each input."""
        if self.n * len(constants) > _LARGEST:
            raise MemoryError
        columns = []
        for start in range(0, self.n, _CHUNK):
            units = np.eye(min(_CHUNK, self.n - start), self.n, start)
            columns.append(scipy.sparse.csr_matrix(self.of_batch(units) - constants))
        return scipy.sparse.vstack(columns).T.tocsr()


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal up to float32's rounding of sums."""
    return bool(np.allclose(a, b, rtol=1e-4, atol=1e-5 * (np.abs(b).max(initial=0) + 1e-30)))
