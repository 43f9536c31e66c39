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
from ..files import LFS_POINTER, check_is_file, is_lfs_pointer
from ..options import named_arguments

_IMAGE_KEYS = ("x", "images", "data", "inputs")
_LABEL_KEYS = ("y", "labels", "targets")

#: Which samples a file may hold, in names such as ``x_train``.
SPLITS = ("test", "train")

#: Errors that NumPy raises for damaged files; a damaged size asks for more memory than there is.
_UNREADABLE = (OSError, ValueError, MemoryError, zipfile.BadZipFile, zlib.error)

#: The first bytes of an .npy file.
_NPY = b"\x93NUMPY"

_OBJECTS = (
    "holds Python objects, which are not read here, as they can run any code: save arrays of "
    "numbers, all samples of one shape."
)


@named_arguments
def load_data(
    path: str | os.PathLike[str], x_key: str | None = None, y_key: str | None = None,
    split: str = "test",
) -> tuple[np.ndarray, np.ndarray | None]:  # fmt: skip
    """Samples and, where there are any, labels from an ``.npz`` or ``.npy`` file.

    Parameters
    ----------
    path : path
        An ``.npy`` file holds samples only.
    x_key, y_key : str, optional
        Names of the arrays in an ``.npz`` file. Default: ``x_test``, ``x``, ``images``, ``data``,
        ``inputs`` or ``x_train``, whichever is there first, and ``y_test``, ``y``, ``labels`` or
        ``targets``; with ``x_train`` that is ``y_train`` first.
    split : {"test", "train"}
        Which samples to take by default of a file that holds both.

    Raises
    ------
    DataError
        If there is no such file or array.
    """
    check.choice("split", split, SPLITS, DataError)
    name, loaded = _opened(path)
    if isinstance(loaded, np.ndarray):
        if x_key is not None or y_key is not None:
            raise DataError(f"{name} holds one array without a name: x_key and y_key are of .npz.")
        return _checked_samples(loaded, name), None
    with loaded:
        usual = image_keys(split)
        x = _array(loaded, name, x_key, usual)
        taken = x_key or next((key for key in usual if key in loaded.files), "")
        y = _array(loaded, name, y_key, _label_keys(taken, split))
    if x is None:
        raise DataError(
            f"{name} has no array called {', '.join(usual)}; it has "
            f"{', '.join(loaded.files) or 'none'}: say which one holds the samples, by x_key "
            "(--x-key)."
        )
    if y is not None and y.ndim == 0:
        raise DataError(f"The labels in {name} are a single number, not one for each sample.")
    return _checked_samples(x, name), y


def image_keys(split: str) -> tuple[str, ...]:
    """What samples may be called: of this split, of none, of the other."""
    other = next(name for name in SPLITS if name != split)
    return (f"x_{split}", *_IMAGE_KEYS, f"x_{other}")


def _label_keys(samples: str, split: str) -> tuple[str, ...]:
    """What the labels of samples of this name may be called: never those of the other split."""
    own = next((name for name in SPLITS if samples == f"x_{name}"), split)
    return (f"y_{own}", *_LABEL_KEYS)


def load_by_input(
    path: str | os.PathLike[str], names: Sequence[Sequence[str]], y_key: str | None = None,
    split: str = "test",
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:  # fmt: skip
    """Samples of a model with several inputs and, where there are any, labels, from ``.npz``.

    Parameters
    ----------
    path : path
    names : sequence of sequence of str
        What the array of each input may be called, its own name first.
    y_key : str, optional
        The name of the array of labels. Default: the usual ones are tried.
    split : {"test", "train"}
        Whose labels these are.

    Raises
    ------
    DataError
        If an input has no array.
    """
    name, loaded = _opened(path)
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
        usual = _label_keys("", split)
        usual = tuple(key for key in usual if not any(key in known for known in names))
        return x, _array(loaded, name, y_key, usual)


def _checked_samples(x: Any, name: str) -> np.ndarray:
    if x.ndim == 0:
        raise DataError(f"The samples in {name} are a single number, not an array.")
    # NumPy 1 also makes an array of none of a header whose shape is negative
    if not len(x):
        raise DataError(f"{name}: data holds no samples.")
    return x


def _array(loaded: Any, name: str, key: str | None, usual: tuple[str, ...]) -> np.ndarray | None:
    if key is not None and key not in loaded.files:
        raise DataError(f"{name} has no array {key!r}; it has {', '.join(loaded.files)}.")
    keys = [key] if key is not None else [k for k in usual if k in loaded.files]
    try:
        array = loaded[keys[0]] if keys else None
        if array is not None and not isinstance(array, np.ndarray):  # bytes of a member of the zip
            raise ValueError("it is no .npy file")
        return array
    except _UNREADABLE as error:
        if _is_pickled(error):
            raise DataError(f"Array {keys[0]!r} of {name} {_OBJECTS}") from None
        raise DataError(f"Array {keys[0]!r} of {name} can't be read ({error}).") from None


def _is_pickled(error: Exception) -> bool:
    """Whether NumPy did not read an array because it would have to unpickle it."""
    return isinstance(error, ValueError) and "allow_pickle" in str(error)


def _opened(path: str | os.PathLike[str]) -> tuple[str, Any]:
    """The name of a file, and its array or archive of arrays."""
    name = check.path("path", path, DataError)
    check_is_file(name, "data file")
    try:
        return name, np.load(name, allow_pickle=False)
    except (*_UNREADABLE, EOFError) as error:
        raise DataError(f"{name} {_why_unreadable(name, error)}") from None


def _why_unreadable(name: str, error: Exception) -> str:
    """What is wrong with a file that NumPy does not read, as the rest of a sentence."""
    try:
        with open(name, "rb") as file:
            start = file.read(64)
    except OSError as problem:
        return f"can't be read: {problem.strerror or problem}."
    # NumPy takes whatever it does not know for a pickle
    if _is_pickled(error) and start.startswith((_NPY, b"\x80")):
        return _OBJECTS
    if not start:
        return "is empty: save the arrays again."
    if is_lfs_pointer(start):
        return f"{LFS_POINTER}."
    if start.startswith((_NPY, b"PK")):
        kind = ".npy" if start.startswith(_NPY) else ".npz"
        reason = str(error).split("\n")[0] or type(error).__name__
        return f"is an {kind} file that is cut off or damaged ({reason}): copy or save it again."
    return "is no .npy or .npz file of arrays."
