"""Compiled code that Numba keeps on disk, forgotten when any of its sources is another.

Numba compiles a function anew if the file that it is in has changed, but not if one that it calls
in another file has, since that is compiled into it. So after an update that changes some files only
(``git pull`` in a clone that is installed with ``-e``) old and new code would be mixed, and counts
would be wrong without a word.

Reference: numba 0.61, core/caching.py (where code is kept).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

#: Folders of the package with functions that Numba compiles and keeps.
FOLDERS = ("activity/compiled", "loihi/emulation")

_PACKAGE = Path(__file__).resolve().parents[1]
_done: set[Path] = set()


def forget_stale(package: Path = _PACKAGE) -> None:
    """Remove what Numba keeps of the folders of a package unless it is of these very sources.

    It has to be called before a kernel is; once in a process is enough. Where nothing can be
    written, Numba keeps its code elsewhere, and sources do not change one by one either.

    Parameters
    ----------
    package : Path
        Folder with `FOLDERS` in it. Default: this package.
    """
    if package in _done:
        return
    _done.add(package)
    folders = [package / name for name in FOLDERS]
    digest = digest_of(folders)
    for folder in filter(Path.is_dir, folders):
        with contextlib.suppress(OSError):
            _forget(kept_of(folder), digest)


def digest_of(folders: Iterable[Path]) -> str:
    """What tells the sources of some folders from all others."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def kept_of(folder: Path) -> Path:
    """Where Numba keeps the code of a folder."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        name = f"{folder.name}_{hashlib.sha1(str(folder).encode()).hexdigest()}"
        return Path(os.environ["NUMBA_CACHE_DIR"], name)
    return folder / "__pycache__"


def _forget(kept: Path, digest: str) -> None:
    stamp = kept / "kernels.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return
    for file in kept.glob("*.nb[ci]"):
        file.unlink(missing_ok=True)  # another process may do the same
    kept.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest)
