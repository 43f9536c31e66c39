"""`Tables`: the instructions of a network, run by code that is kept on disk.

`run_kernels.run` is reached through one function that takes the address of a table of whole
numbers: where its arrays are, and their lengths. Such a function can be kept as the processor runs
it, and be called without numba (stack/native_code.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...stack import native_code
from .call_table import PLACES, SHARED, TABLE_SIZE
from .instructions import SIZE
from .products import Products

#: Where the arrays of a call begin.
_OWN = PLACES["code"]


class Tables:
    """What all lanes of a network share, and the code that runs on it.

    Parameters
    ----------
    indices : ndarray of int64
        Places that GATHER instructions copy from and to.
    products : Products
    constants : ndarray of float32 or float64
        Their values may change later.

    Attributes
    ----------
    constants : ndarray
    """

    def __init__(self, indices: np.ndarray, products: Products, constants: np.ndarray):
        self.constants = constants
        shared = {**products._asdict(), "indices": indices, "constants": constants}
        # held, because the table has only their addresses
        self._shared = [_checked(shared[name], None) for name in SHARED]
        _checked(products.values, constants.dtype)
        self._table = np.zeros(TABLE_SIZE, dtype=np.int64)
        self._table[2:_OWN] = [n for array in self._shared for n in _place(array)]
        self._run = kept_run(constants.dtype)

    def run(
        self, code: np.ndarray, groups: np.ndarray, memory: np.ndarray, sums: np.ndarray,
        frames: np.ndarray, start: int, n_steps: int, done: int, events: np.ndarray,
        padded: np.ndarray, ended: np.ndarray,
    ) -> None:  # fmt: skip
        """Run instructions for some steps of one lane, as `run_kernels.run` does.

        Other threads of Python go on meanwhile. One that sets ``ended``, int64 (1,), to 1 ends it
        soon, wherever it is: its memory is then that of no step.
        """
        dtype = self.constants.dtype
        assert code.shape[1] == SIZE
        own = (
            _checked(code, np.int64), _checked(groups, np.int64), _checked(memory, dtype),
            _checked(sums, np.float64), _checked(frames, dtype), _checked(events, np.int32),
            _checked(padded, dtype), _checked(ended, np.int64),
        )  # fmt: skip
        table = self._table.copy()
        table[_OWN:] = [
            *(n for array in own for n in _place(array)), start, n_steps, done, frames.shape[1],
        ]  # fmt: skip
        self._run(table)


def _checked(array: np.ndarray, dtype: Any) -> np.ndarray:
    """An array as compiled code takes it: it is given nothing but its place."""
    if not array.flags.c_contiguous or (dtype is not None and array.dtype != dtype):
        raise TypeError(f"an array of {array.dtype} where one of {dtype} was to be, or strided")
    return array


def _place(array: np.ndarray) -> tuple[int, int]:
    return array.__array_interface__["data"][0], len(array)


def kept_run(dtype: Any) -> native_code.Function:
    """The function that runs instructions on numbers of a type: loaded, or compiled and kept."""
    name = np.dtype(dtype).name

    def compiled() -> Any:
        from .run_kernels import entry

        return entry(name)

    return native_code.kept(f"run-{name}", Path(__file__).parent, compiled)
