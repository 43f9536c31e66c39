"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from types import ModuleType
from typing import BinaryIO

from . import check
from .errors import DataError, SpikeCostError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


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


def check_is_file(
    path: str | os.PathLike[str], what: str, error: type[SpikeCostError] = DataError
) -> None:
    """Raise unless the path is a file to read from: waiting for a pipe has no end.

    What a shell puts there for the output of a command (``<(...)``, ``/dev/stdin``) passes.

    Parameters
    ----------
    path : str or path
    what : str
        What it should be: ``"data file"``.
    error : type of SpikeCostError
        What is raised.
    """
    name = os.fspath(path)
    if not os.path.exists(name):
        raise error(f"There is no {what} {name}.")
    if os.path.isdir(name):
        raise error(f"{name} is a folder, not a {what}.")
    if _is_special(name) and not name.startswith(("/dev/fd/", "/dev/stdin")):
        raise error(f"{name} is a device or a pipe, not a {what}.")


def is_lfs_pointer(start: bytes) -> bool:
    """Whether a file that begins like this stands for another one, which Git has not fetched."""
    return start.startswith(b"version https://git-lfs.github.com/spec")


LFS_POINTER = "is a pointer of Git LFS to the file itself: fetch that with `git lfs pull`"


def is_address(path: object) -> bool:
    """Whether it is the address of a database, not a file."""
    return isinstance(path, str) and "://" in path


def is_same_file(path: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether writing one would change the other: the same file, under whatever name.

    A file in a folder is a part of the folder, as a SavedModel is one; a device or pipe, such as
    ``/dev/null``, is nobody's.
    """
    a, b = (os.path.realpath(os.fspath(p)) for p in (path, other))
    if _is_special(a):
        return False
    if os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b):
        return True
    # systems that don't tell case from case are rare, and the check is for mistakes
    return os.path.normcase(a) == os.path.normcase(b) or (
        os.path.isdir(b) and os.path.commonpath([a, b]) == b and _is_model_folder(b)
    )


def _is_model_folder(path: str) -> bool:
    return os.path.exists(os.path.join(path, "saved_model.pb"))


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
    a file whose name ends in ``.tmp`` is left behind, which the next to write here takes away.

    Raises
    ------
    DataError
        If the file can't be written.
    """
    # A link is followed, not replaced.
    target = os.path.realpath(os.fspath(path))
    remove_left_behind(os.path.dirname(target), os.path.basename(target))
    with _writing(path):
        temporary, file = _new_temporary(target)
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)


def remove_left_behind(folder: str | os.PathLike[str], name: str | None = None) -> None:
    """Take away what killed runs have left of `written_whole`.

    A temporary file is locked for as long as its process lives, whichever process that is; one
    that is not locked has nobody who will finish it.

    Parameters
    ----------
    folder : path
    name : str, optional
        Of the file that was to be written. Default: any in the folder, which must be one of ours.
    """
    pattern = re.compile(rf"{'.*' if name is None else re.escape(name)}\.[0-9a-f]{{8}}\.tmp")
    with contextlib.suppress(OSError):  # what can't be listed or removed is in nobody's way
        for entry in os.listdir(folder):
            if pattern.fullmatch(entry):
                _remove_unless_locked(os.path.join(folder, entry))


def _new_temporary(target: str) -> tuple[str, BinaryIO]:
    """A new file beside the target, and locked; made again if another process cleaned it up."""
    while True:
        temporary = f"{target}.{os.urandom(4).hex()}.tmp"
        file = open(temporary, "xb")  # noqa: SIM115 the caller closes it
        _lock(file, wait=True)
        if os.path.exists(temporary):
            return temporary, file
        file.close()


def _remove_unless_locked(path: str) -> None:
    with contextlib.suppress(OSError):  # locked, or gone already
        with open(path, "r+b") as file:
            if _lock(file, wait=False):
                os.remove(path)
                return
        if fcntl is None:
            os.remove(path)  # Windows refuses if a process has it open


def _lock(file: BinaryIO, wait: bool) -> bool:
    """Lock a file until it is closed; whether it could be."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # another has it, or this file system has no locks
        return False
    return True


@contextlib.contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"Cannot write {os.fspath(path)!r}: {error.strerror or error}.") from error


def _is_special(path: str) -> bool:
    """Whether the path is a device or a pipe: there, and neither a file nor a folder."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)
