"""Compiled code that Numba keeps on disk, forgotten when any of its sources is another.

Numba compiles a function anew if the file that it is in has changed, but not if one that it calls
in another file has, since that is compiled into it. So after an update that changes some files only
(``git pull`` in a clone that is installed with ``-e``) old and new code would be mixed, and counts
would be wrong without a word.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

#: Folders of the package with functions that Numba compiles and keeps.
FOLDERS = ("activity/compiled", "loihi/emulation")

_PACKAGE = Path(__file__).resolve().parents[1]
_done: set[Path] = set()


def forget_stale(package: Path = _PACKAGE) -> None:
    """Remove what Numba keeps in the folders of a package unless it is of these very sources.

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
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    stamp = folders[0] / "__pycache__" / "kernels.sha256"
    with contextlib.suppress(OSError):
        if stamp.exists() and stamp.read_text() == digest.hexdigest():
            return
        for folder in folders:
            for kept in (folder / "__pycache__").glob("*.nb[ci]"):
                kept.unlink(missing_ok=True)  # another process may do the same
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest.hexdigest())
