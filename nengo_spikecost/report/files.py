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
    if os.path.isdir(target):
        raise DataError(f"Cannot write {os.fspath(path)!r}: it is a folder.")
    needed = (target,) if _is_special(target) else (folder, target)
    if not all(os.access(p, os.W_OK) for p in needed if os.path.exists(p)):
        raise DataError(f"Cannot write {os.fspath(path)!r}: it is not yours to write to.")


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, so that a reader sees the old content or all of the new.

    Parameters
    ----------
    path : str or path
        Where to; a file of that name is replaced. A device or a pipe is
        written to instead: ``/dev/null`` must stay what it is.
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
        if _is_special(target):
            with open(target, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            return
        try:
            with open(temporary, "x", encoding="utf-8", newline="") as file:
                file.write(text)
            os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)
    except OSError as error:
        raise DataError(f"Cannot write {os.fspath(path)!r}: {error.strerror or error}.") from error


def _is_special(path: str) -> bool:
    """Whether something is there that is neither a file nor a folder."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)
