"""Files that are broken, wrong or made to deceive, from whole ones in the same folder.

Every maker gives a function of a folder and of the name of the file to write there.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Maker = Callable[[Path, str], None]


def content(data: bytes | str) -> Maker:
    """A file with this content."""
    data = data.encode() if isinstance(data, str) else data
    return lambda folder, name: (folder / name).write_bytes(data)  # type: ignore[return-value]


def folder_of(**files: str) -> Maker:
    """A folder with text files."""

    def make(folder: Path, name: str) -> None:
        (folder / name).mkdir()
        for file, text in files.items():
            (folder / name / file.replace("_dot_", ".")).write_text(text)

    return make


def link_to(target: str) -> Maker:
    """A symbolic link."""
    return lambda folder, name: os.symlink(target, folder / name)


def pipe(folder: Path, name: str) -> None:
    """A named pipe that nobody writes to: to open it would be to wait for ever."""
    os.mkfifo(folder / name)


def cut(source: str, share: float) -> Maker:
    """The first part of a whole file."""

    def make(folder: Path, name: str) -> None:
        whole = (folder / source).read_bytes()
        (folder / name).write_bytes(whole[: int(share * len(whole))])

    return make


def copy_of(source: str) -> Maker:
    """A whole file under another name."""
    return lambda folder, name: shutil.copy(folder / source, folder / name)  # type: ignore[return-value]


def array(values: Any) -> Maker:
    """A .npy file."""
    return lambda folder, name: np.save(folder / name, values)


def arrays(**values: Any) -> Maker:
    """An .npz file; of functions, what they make of the samples and labels that are right."""

    def make(folder: Path, name: str) -> None:
        with np.load(folder / "data.npz") as data:
            x, y = data["x"], data["y"]
        made = {k: v(x.copy(), y.copy()) if callable(v) else v for k, v in values.items()}
        np.savez(folder / name, **{"x": x, "y": y, **made})

    return make


def edited_json(source: str, change: Callable[[Any], Any]) -> Maker:
    """A JSON file with something changed."""

    def make(folder: Path, name: str) -> None:
        data = json.loads((folder / source).read_text())
        changed = change(data)
        (folder / name).write_text(json.dumps(data if changed is None else changed))

    return make


def edited_config(change: Callable[[Any], Any]) -> Maker:
    """The model in HDF5 with its configuration changed."""

    def make(folder: Path, name: str) -> None:
        shutil.copy(folder / "net.h5", folder / name)
        with h5py.File(folder / name, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            changed = change(config)
            file.attrs["model_config"] = changed if isinstance(changed, str) else json.dumps(config)

    return make


def edited_hdf5(source: str, change: Callable[[h5py.File], Any]) -> Maker:
    """An HDF5 file with something changed."""

    def make(folder: Path, name: str) -> None:
        shutil.copy(folder / source, folder / name)
        with h5py.File(folder / name, "r+") as file:
            change(file)

    return make


def archive(change: Callable[[dict[str, bytes]], Any], source: str = "net.keras") -> Maker:
    """A zip archive with members changed."""

    def make(folder: Path, name: str) -> None:
        with zipfile.ZipFile(folder / source) as file:
            members = {member: file.read(member) for member in file.namelist()}
        change(members)
        with zipfile.ZipFile(folder / name, "w") as file:
            for member, data in members.items():
                file.writestr(member, data)

    return make


def headed(header: str, data: bytes = b"") -> bytes:
    """A .npy file with a header of one's own."""
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def member(values: Any) -> bytes:
    """A .npy file as bytes."""
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def edited_study(*statements: str) -> Maker:
    """A study with statements of SQL run on it."""

    def make(folder: Path, name: str) -> None:
        shutil.copy(folder / "study.db", folder / name)
        connection = sqlite3.connect(folder / name)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return make


def raised(path: Path) -> None:
    """Add 1 to all numbers of an .npz file."""
    with np.load(path) as kept:
        arrays = {k: v + 1 if v.dtype.kind in "iuf" else v for k, v in kept.items()}
    np.savez(path, **arrays)


def edited_checkpoint(change: Callable[[Path], Any]) -> Maker:
    """A checkpoint with its files changed."""

    def make(folder: Path, name: str) -> None:
        shutil.copytree(folder / "kept", folder / name)
        change(folder / name)

    return make
