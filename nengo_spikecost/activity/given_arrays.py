"""Data of other packages as NumPy arrays, and the axes of samples held against the network's.

Frames, tensors and lists become arrays with one row a sample. What is no array of real numbers is
refused by name: ragged lists, sparse matrices, texts, complex and masked values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import AxesError, DataError
from ..words import counted


def is_array(data: Any) -> bool:
    """Whether data are one array, of whatever package, and no stream of batches."""
    # a ragged tensor has no array, but is one tensor all the same
    is_tensor = hasattr(data, "numpy") and hasattr(data, "shape")
    return isinstance(data, list) or hasattr(data, "__array__") or is_tensor or is_sparse(data)


def is_sparse(data: Any) -> bool:
    """Whether data are a sparse matrix or tensor: of SciPy, TensorFlow or pandas."""
    return hasattr(data, "toarray") or type(data).__name__ in ("SparseTensor", "SparseTensorValue")


def is_frame(data: Any) -> bool:
    """Whether data are a table with named columns, as of pandas or polars."""
    return hasattr(data, "columns") and hasattr(data, "to_numpy")


def real_array(values: Any, name: str) -> np.ndarray:
    """Values of any package as an array of real numbers; not copied where they are one already.

    Parameters
    ----------
    values : array, frame, tensor or list
    name : str
        In errors, of the argument.

    Raises
    ------
    DataError
        If they are ragged, sparse, masked, or no real numbers.
    """
    array = one_array(values, name)
    if array.dtype.kind == "V" and array.dtype.names is None:  # bfloat16 and float8 of ml_dtypes
        try:
            return array.astype(np.float32)
        except (TypeError, ValueError):
            pass
    if array.dtype.kind not in "buif":
        raise DataError(f"{name} are not real numbers but {array.dtype}{_which(values, array)}.")
    return array


def one_array(values: Any, name: str) -> np.ndarray:
    """Values of any package as one array, of whatever type.

    Raises
    ------
    DataError
        If they are ragged, sparse or masked.
    """
    if is_sparse(values):
        raise DataError(
            f"{name} are sparse ({type(values).__name__}): give a dense array, such as "
            ".toarray() makes (tf.sparse.to_dense of a tensor)."
        )
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise DataError(f"{name} are a masked array: fill what is masked, such as by .filled(0).")
    try:
        array = _as_array(values)
    except Exception as error:  # whatever another package makes of itself
        reason = str(error).strip().split("\n")[0]
        ragged = "inhomogeneous" in reason or "setting an array element" in reason
        words = "rows of different lengths or shapes" if ragged else reason
        raise DataError(
            f"{name} can't be made one array ({words}): give an array with one row a sample."
        ) from None
    return array


def _as_array(values: Any) -> np.ndarray:
    if hasattr(values, "to_list") and hasattr(values, "row_splits"):
        values = values.to_list()  # a ragged tensor, which may have equal rows after all
    if hasattr(values, "detach"):  # a PyTorch tensor, which may have gradients or be on a GPU
        values = values.detach().cpu()
    if is_frame(values) and all(_kind(dtype) in "biuf" for dtype in _dtypes(values)):
        # columns of several types, such as bool and float, would make an array of objects
        return np.asarray(values.to_numpy(), dtype=np.result_type(*map(_numpy, _dtypes(values))))
    return np.asarray(values)


def _dtypes(frame: Any) -> list[Any]:
    return list(getattr(frame, "dtypes", ()))


def _kind(dtype: Any) -> str:
    return getattr(dtype, "kind", "?")


def _numpy(dtype: Any) -> Any:
    """The NumPy type of a column; one of a type that knows missing values holds them as NaN."""
    return dtype if isinstance(dtype, np.dtype) else np.float64


def _which(values: Any, array: np.ndarray) -> str:
    """What is wrong with an array of objects, where that can be said."""
    if is_frame(values):
        wrong = [str(c) for c, d in zip(values.columns, _dtypes(values)) if _kind(d) not in "biuf"]
        return f" (columns {', '.join(wrong[:5])})" if wrong else ""
    if array.dtype.kind != "O" or not array.size:
        return ""
    first = array.flat[0]
    if all(isinstance(value, int) for value in array.flat):
        return " (whole numbers beyond 64 bits)"
    return f", such as {type(first).__name__}"


def in_steps(
    x: np.ndarray, name: str, size: int, shape: Sequence[int] | None, n_steps: int | None,
    may_be_one: bool = False,
) -> np.ndarray:  # fmt: skip
    """Samples as values of shape ``(n, 1 or n_steps, size)``, if their axes are the network's.

    A product of axes that fits proves nothing: (3, 8, 8) has as many values as (8, 8, 3). What
    counts is each axis, in order. Axes of length 1 do not matter, for the values lie in the same
    order with and without them; and a sample may be flat.

    Parameters
    ----------
    x : ndarray of real numbers
    name : str
        Of the input, in errors.
    size : int
        Values that the network takes at every step.
    shape : sequence of int, optional
        Axes of these. None: not known, so that any that have as many values are taken.
    n_steps : int, optional
        Steps of a sample, if they are known.
    may_be_one : bool
        Whether values without an axis of samples are one sample.

    Raises
    ------
    DataError
        If they are not the axes of the network.
    """

    def fits(axes: tuple[int, ...]) -> bool:
        if math.prod(axes) != size:
            return False
        return shape is None or _longer(axes) in (_longer(shape), _longer((size,)))

    if x.ndim and fits(x.shape[1:]):
        return x.reshape(len(x), 1, size)
    if x.ndim > 2 and fits(x.shape[2:]) and n_steps in (None, x.shape[1]):
        return x.reshape(len(x), x.shape[1], size)
    if fits(x.shape) and may_be_one:
        return x.reshape(1, 1, size)
    raise AxesError(_misfit(x, name, size, shape, n_steps, fits))


def _misfit(
    x: np.ndarray, name: str, size: int, shape: Sequence[int] | None, n_steps: int | None, fits: Any
) -> str:
    """Why the axes do not fit, and what to do."""
    axes = "..." if shape is None else ", ".join(map(str, shape))
    steps = "n_steps" if n_steps is None else n_steps
    values = counted(size, "value")
    words = (
        f"{name} have shape {x.shape}; expected (n, {axes}) with {values} per sample, or "
        f"(n, {steps}, {axes}) with {values} per step."
    )
    if fits(x.shape):
        return f"{words} This is one sample without an axis of samples: give x[None]."
    if x.ndim > 2 and fits(x.shape[2:]):
        n = x.shape[1]
        had = counted(n, "step")
        return f"{words} The data have {had}: give n_steps={n} (--steps {n}), or others."
    for first in (1, 2):
        given = x.shape[first:]
        if shape is not None and x.ndim > first and math.prod(given) == size:
            order = _order(given, tuple(shape))
            if order is None:
                return f"{words} As many values in other axes could be in any order: reshape them."
            moved = (*range(first), *(first + axis for axis in order))
            return f"{words} These axes are in another order: give x.transpose{moved}."
    return words


def _order(given: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...] | None:
    """The order that makes given axes the wanted ones; None if there is none, or several.

    Of several the one that moves the channels, from the front to the end or back, is meant: a
    picture is not transposed without need.
    """
    if sorted(given) != sorted(wanted):
        return None
    n = len(given)
    for order in ((*range(1, n), 0), (n - 1, *range(n - 1))):
        if tuple(given[axis] for axis in order) == wanted:
            return order
    left = list(range(n))
    for length in wanted:
        # those taken go to the end of the list, in order
        left.append(left.pop(next(i for i, axis in enumerate(left) if given[axis] == length)))
    return tuple(left)


def _longer(axes: Sequence[int]) -> tuple[int, ...]:
    """The axes that are longer than 1."""
    return tuple(axis for axis in axes if axis != 1)
