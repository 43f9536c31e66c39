"""A Keras model written to a file, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from ..errors import DataError

#: Endings of the files that Keras writes a whole model to.
ENDINGS = (".keras", ".h5")


def check_model_ending(path: str | os.PathLike[str]) -> None:
    """Raise `DataError` unless the name says a format that Keras writes."""
    if os.path.splitext(os.fspath(path))[1] not in ENDINGS:
        raise DataError(f"{os.fspath(path)} must end in {' or '.join(ENDINGS)}.")


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Save a model, by way of a file beside it that takes its place when it is complete.

    Parameters
    ----------
    model : Keras model
    path : str or path
        Ends in ``.keras`` or ``.h5``.

    Raises
    ------
    DataError
        If it has another ending.
    """
    check_model_ending(path)
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as temporary:
        # Keras looks at the ending, so the name has to stay
        model.save(os.path.join(temporary, name))
        os.replace(os.path.join(temporary, name), target)
