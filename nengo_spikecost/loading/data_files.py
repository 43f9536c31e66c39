"""Samples and labels from files."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import check
from ..errors import DataError
from ..options import named_arguments

_IMAGE_KEYS = ("x_test", "x", "images", "data", "inputs")
_LABEL_KEYS = ("y_test", "y", "labels", "targets")

#: Errors that NumPy raises for damaged files; a damaged size asks for more memory than there is.
_UNREADABLE = (OSError, ValueError, MemoryError, zipfile.BadZipFile, zlib.error)

_OBJECTS = (
    "holds Python objects, which are not read here, as they can run any code: save arrays of "
    "numbers, all samples of one shape."
)


@named_arguments
def load_data(
    path: str | os.PathLike[str], x_key: str | None = None, y_key: str | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples and, where there are any, labels from an ``.npz`` or ``.npy`` file.

    Parameters
    ----------
    path : path
        An ``.npy`` file holds samples only.
    x_key, y_key : str, optional
        Names of the arrays in an ``.npz`` file. Default: ``x_test``, ``x``, ``images``,
        ``data`` or ``inputs``, and ``y_test``, ``y``, ``labels`` or ``targets``.

    Raises
    ------
    DataError
        If there is no such file or array.
    """
    name = check.path("path", path, DataError)
    try:
        loaded = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"There is no data file {name}.") from None
    except (*_UNREADABLE, EOFError) as error:
        if _is_pickled(error) and _starts_as_pickle_or_array(path):
            raise DataError(f"{name} {_OBJECTS}") from None
        raise DataError(f"{name} is no .npy or .npz file of arrays.") from None
    if isinstance(loaded, np.ndarray):
        if x_key is not None or y_key is not None:
            raise DataError(f"{name} holds one array without a name: x_key and y_key are of .npz.")
        return _checked_samples(loaded, name), None
    with loaded:
        x = _array(loaded, name, x_key, _IMAGE_KEYS)
        y = _array(loaded, name, y_key, _LABEL_KEYS)
    if x is None:
        raise DataError(
            f"{name} has no array called {', '.join(_IMAGE_KEYS)}; it has "
            f"{', '.join(loaded.files) or 'none'}: say which one holds the samples."
        )
    if y is not None and y.ndim == 0:
        raise DataError(f"The labels in {name} are a single number, not one for each sample.")
    return _checked_samples(x, name), y


def load_by_input(
    path: str | os.PathLike[str], names: Sequence[Sequence[str]], y_key: str | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Samples of a model with several inputs and, where there are any, labels, from ``.npz``.

    Parameters
    ----------
    path : path
    names : sequence of sequence of str
        What the array of each input may be called, its own name first.
    y_key : str, optional
        The name of the array of labels. Default: the usual ones are tried.

    Raises
    ------
    DataError
        If an input has no array.
    """
    name = check.path("path", path, DataError)
    try:
        loaded = np.load(path, allow_pickle=False)
    except (*_UNREADABLE, EOFError):
        raise DataError(f"{name} is no .npy or .npz file of arrays.") from None
    listed = ", ".join(own for own, *_ in names)
    if isinstance(loaded, np.ndarray):
        raise DataError(
            f"{name} holds one array, and the model has {len(names)} inputs: save an .npz file "
            f"with arrays called {listed}."
        )
    with loaded:
        x = {}
        for own, *others in names:
            found = [key for key in (own, *others) if key in loaded.files]
            if not found:
                raise DataError(
                    f"{name} has no array for input {own!r}; it has {', '.join(loaded.files)}. "
                    f"The inputs are {listed}."
                )
            x[own] = _checked_samples(_array(loaded, name, found[0], ()), name)
        usual = tuple(key for key in _LABEL_KEYS if not any(key in known for known in names))
        return x, _array(loaded, name, y_key, usual)


def _checked_samples(x: Any, name: str) -> np.ndarray:
    if x.ndim == 0:
        raise DataError(f"The samples in {name} are a single number, not an array.")
    return x


def _array(loaded: Any, name: str, key: str | None, usual: tuple[str, ...]) -> np.ndarray | None:
    if key is not None and key not in loaded.files:
        raise DataError(f"{name} has no array {key!r}; it has {', '.join(loaded.files)}.")
    keys = [key] if key is not None else [k for k in usual if k in loaded.files]
    try:
        return loaded[keys[0]] if keys else None
    except _UNREADABLE as error:
        if _is_pickled(error):
            raise DataError(f"Array {keys[0]!r} of {name} {_OBJECTS}") from None
        raise DataError(f"Array {keys[0]!r} of {name} can't be read ({error}).") from None


def _is_pickled(error: Exception) -> bool:
    """Whether NumPy did not read an array because it would have to unpickle it."""
    return isinstance(error, ValueError) and "allow_pickle" in str(error)


def _starts_as_pickle_or_array(path: str | os.PathLike[str]) -> bool:
    """NumPy takes whatever it does not know for a pickle."""
    with open(path, "rb") as file:
        return file.read(6).startswith((b"\x93NUMPY", b"\x80"))
