"""Profiles, boards and ways in and out, from TOML; the head of ``loihi.toml`` says how."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import EnergyError
from ..device import Constant
from ..device_files import (
    DeviceFile,
    checked_table,
    read_constant,
    read_toml,
    shipped,
    with_sources,
)
from .chip_profile import Board, HostIO, Profile
from .ranges import Table, widened

LOIHI_FILE = Path(__file__).with_name("loihi.toml")
"""The file that comes with the package."""

_ORIGIN = ("source", "year", "evidence", "note")


@dataclass(frozen=True)
class ChipFile:
    """The profiles, boards and ways in and out of a file, each by name.

    Attributes
    ----------
    profiles : mapping from str to Profile
    boards : mapping from str to Board
    host_io : mapping from str to HostIO
    """

    profiles: Mapping[str, Profile]
    boards: Mapping[str, Board]
    host_io: Mapping[str, HostIO]


@functools.cache
def shipped_chip() -> ChipFile:
    """The package's own profiles, boards and ways in and out."""
    return read_chip_file(LOIHI_FILE)


def read_chip_file(path: str | os.PathLike[str]) -> ChipFile:
    """Read a file with profiles, boards and ways in and out, in the form of ``loihi.toml``.

    Raises
    ------
    EnergyError
        If the file can't be read, or something in it is not what it should be; the message
        names it.
    """
    name, content = os.fspath(path), read_toml(path)
    names = with_sources(shipped(), content.pop("sources", {}), name)
    known = ("profiles", "boards", "host_io", "barrier")
    tables = {key: checked_table(content.pop(key, {}), key, name) for key in known}
    if content:
        raise EnergyError(
            f"{name!r} has unknown {', '.join(content)}; it takes {', '.join(known)}."
        )
    no_barrier = {"points": [[1, 0.0]]}
    barrier = _read_table(f"barrier in {name!r}", tables["barrier"] or no_barrier, names)
    return ChipFile(
        {key: _profile(key, entry, names) for key, entry in tables["profiles"].items()},
        {key: _board(key, entry, names, barrier) for key, entry in tables["boards"].items()},
        {key: _host_io(key, entry, names) for key, entry in tables["host_io"].items()},
    )


def _profile(key: str, entry: Any, names: DeviceFile) -> Profile:
    where = f"profiles.{key} in {names.path!r}"
    words = ("description", "note", "energy_error", "time_error", "energy", "time", "sync")
    _check_words(where, entry, words, ("energy", "time", "sync"))
    errors = {
        unit: entry.get(word, 0.0) for unit, word in (("J", "energy_error"), ("s", "time_error"))
    }
    tables = {
        unit: {
            event: widened(read_constant(f"{where}: {event}", value, unit, names), errors[unit])
            for event, value in checked_table(entry[word], f"{where}: {word}", names.path).items()
        }
        for unit, word in (("J", "energy"), ("s", "time"))
    }
    sync = _read_table(f"{where}: sync", entry["sync"], names).widened(errors["s"])
    return Profile(
        key, tables["J"], tables["s"], sync, entry.get("description", ""), entry.get("note", "")
    )


def _board(key: str, entry: Any, names: DeviceFile, barrier: Table) -> Board:
    where = f"boards.{key} in {names.path!r}"
    _check_words(where, entry, ("description", "note", "n_chips", "powers"), ("n_chips", "powers"))
    powers = checked_table(entry["powers"], f"{where}: powers", names.path)
    return Board(
        name=key,
        powers={k: read_constant(f"{where}: {k}", v, "W", names) for k, v in powers.items()},
        n_chips=entry["n_chips"],
        barrier=barrier,
        description=entry.get("description", ""),
        note=entry.get("note", ""),
    )


def _host_io(key: str, entry: Any, names: DeviceFile) -> HostIO:
    where = f"host_io.{key} in {names.path!r}"
    times = ("step", "several_chips", "spike")
    _check_words(where, entry, ("description", "whole", "x86", *times), ())
    constants: dict[str, Any] = {
        word: read_constant(f"{where}: {word}", entry[word], "s", names)
        for word in times
        if word in entry
    }
    words = {word: entry[word] for word in ("description", "whole", "x86") if word in entry}
    return HostIO(name=key, **constants, **words)


def _read_table(where: str, entry: Any, names: DeviceFile) -> Table:
    """Points that share one origin."""
    _check_words(where, entry, ("reading", "points", *_ORIGIN), ("points",))
    origin = {word: entry[word] for word in _ORIGIN if word in entry}
    try:
        points: list[tuple[int, Constant]] = [
            (int(place), read_constant(where, {**origin, "s": value}, "s", names))
            for place, value in entry["points"]
        ]
        return Table(tuple(points), entry.get("reading", "steps"))
    except (TypeError, ValueError) as error:
        raise EnergyError(f"{where}: {error}") from error


def _check_words(where: str, entry: Any, known: tuple[str, ...], needed: tuple[str, ...]) -> None:
    if not isinstance(entry, Mapping):
        raise EnergyError(f"{where} must be a table, not {entry!r}.")
    missing = [word for word in needed if word not in entry]
    unknown = [word for word in entry if word not in known]
    if missing or unknown:
        fault = f"lacks {', '.join(missing)}" if missing else f"has unknown {', '.join(unknown)}"
        raise EnergyError(f"{where} {fault}; it takes {', '.join(known)}.")
