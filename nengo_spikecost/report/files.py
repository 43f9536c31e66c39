"""Files written whole or not at all."""

from __future__ import annotations

import os
import secrets

from ..errors import DataError


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise `DataError` if a file could not be written there; leaves nothing behind."""
    target = os.path.realpath(os.fspath(path))
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise DataError(f"Cannot write {os.fspath(path)!r}: there is no folder {folder}.")
    if os.path.isdir(target) or not os.access(folder, os.W_OK):
        raise DataError(
            f"Cannot write {os.fspath(path)!r}: it is a folder, or in one that is "
            "not yours to write to."
        )


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, so that a reader sees the old content or all of the new.

    Parameters
    ----------
    path : str or path
        Where to; a file of that name is replaced.
    text : str
        The content, written as UTF-8.

    Raises
    ------
    DataError
        If the folder does not exist or the file cannot be written. Nothing is left behind.
    """
    # A link is followed, not replaced.
    target = os.path.realpath(os.fspath(path))
    temporary = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        try:
            with open(temporary, "x", encoding="utf-8", newline="") as file:
                file.write(text)
            os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)
    except OSError as error:
        raise DataError(f"Cannot write {os.fspath(path)!r}: {error.strerror or error}.") from error
