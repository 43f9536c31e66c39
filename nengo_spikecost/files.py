"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO

from . import check
from .errors import DataError


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise `DataError` if a file could not be written there; leaves nothing behind."""
    target = os.path.realpath(check.path("path", path, DataError))
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
    if _is_special(os.path.realpath(check.path("path", path, DataError))):
        with _writing(path), open(path, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        return
    with written_whole(path) as file:
        file.write(text.encode("utf-8"))


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of ``path`` when all is written.

    A reader sees the old content or all of the new, whenever the process ends. If it is killed,
    a file whose name ends in ``.tmp`` is left behind, and nothing else ever is.

    Raises
    ------
    DataError
        If the file can't be written.
    """
    # A link is followed, not replaced.
    target = os.path.realpath(os.fspath(path))
    temporary = f"{target}.{os.urandom(4).hex()}.tmp"
    with _writing(path):
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)


@contextlib.contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"Cannot write {os.fspath(path)!r}: {error.strerror or error}.") from error


def _is_special(path: str) -> bool:
    """Whether the path is a device or a pipe: there, and neither a file nor a folder."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)
