"""Models and data from files."""

from __future__ import annotations

import inspect
import os
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import stack
from .errors import ConversionError, DataError, StackError

_IMAGE_KEYS = ("x_test", "x", "images", "data", "inputs")
_LABEL_KEYS = ("y_test", "y", "labels", "targets")

#: Errors that NumPy raises for damaged files; a damaged size asks for more memory than there is.
_UNREADABLE = (OSError, ValueError, MemoryError, zipfile.BadZipFile, zlib.error)


def load_model(path: str | os.PathLike[str]) -> Any:
    """A Keras model from an ``.h5`` or ``.keras`` file or a SavedModel folder.

    Files written by Keras 2 and by Keras 3 can be read.

    Raises
    ------
    ConversionError
        If there is no such file or no model in it.
    """
    check_model_file(path)
    import tensorflow as tf

    from .conversion.keras3 import load_keras_3

    try:
        return tf.keras.models.load_model(
            path, custom_objects=_keras_spiking_layers(), compile=False
        )
    except Exception as error:
        if Path(path).is_dir():
            reason = str(error).strip().split("\n")[0]
            raise ConversionError(f"{os.fspath(path)} can't be read: {reason}") from error
        try:
            return load_keras_3(path)
        except ConversionError as later:
            unknown = _UNKNOWN_LAYER.search(f"{error} {later}")
            if unknown is None:
                raise
            name = next(filter(None, unknown.groups()))
            raise ConversionError(
                f"{os.fspath(path)} has a layer of type {name}, which is not known here: decorate "
                "its class with @tf.keras.utils.register_keras_serializable(), save the model "
                "again, and import the class first (on the command line: --plugin FILE)."
            ) from error


#: What the readers of Keras say of a layer that is not theirs; "Functional" is the model itself.
_UNKNOWN_LAYER = re.compile(
    r"Unknown layer: '(?!Functional)([\w>]+)'|object of type `(?!Functional)(\w+)`"
    r"|locate class '(?!Functional)(\w+)'"
)


def _keras_spiking_layers() -> dict[str, type]:
    """The layers of keras_spiking by name: it does not make them known to Keras itself."""
    try:
        layers = stack.keras_spiking().layers
    except StackError:
        return {}
    return {name: cls for name, cls in vars(layers).items() if inspect.isclass(cls)}


def check_model_file(path: str | os.PathLike[str]) -> None:
    """Raise `ConversionError` if ``path`` plainly holds no model; imports nothing heavy."""
    if not Path(path).exists():
        raise ConversionError(f"There is no model {os.fspath(path)}.")
    if Path(path).is_dir() and not (Path(path) / "keras_metadata.pb").exists():
        raise ConversionError(
            f"Folder {os.fspath(path)} holds no Keras SavedModel: keras_metadata.pb is missing "
            "(model.export() leaves the layers out; use model.save())."
        )


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
    name = os.fspath(path)
    try:
        loaded = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"There is no data file {name}.") from None
    except (*_UNREADABLE, EOFError):
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
        As for `load_data`.

    Raises
    ------
    DataError
        If an input has no array.
    """
    name = os.fspath(path)
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
        raise DataError(f"Array {keys[0]!r} of {name} can't be read ({error}).") from None
