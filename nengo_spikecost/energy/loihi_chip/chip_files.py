"""Profiles, boards and ways in and out, from TOML; the head of ``loihi.toml`` says how."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import check
from ...errors import EnergyError
from .. import device_files as files
from ..device import Constant
from ..device_files import ORIGIN, DeviceFile, check_words, checked_table, given, read_constant
from .chip_profile import Board, HostIO, Profile
from .measurability import BoardNoise
from .ranges import Table, widened

HOST_WORDS = ("description", "whole", "x86", "known", "at_least")
"""What ``[host_io.NAME]`` may say besides its times."""

LOIHI_FILE = Path(__file__).with_name("loihi.toml")
"""The file that comes with the package."""


@dataclass(frozen=True)
class ChipFile:
    """The profiles, boards and ways in and out of a file, each by name.

    Attributes
    ----------
    profiles : mapping from str to Profile
    boards : mapping from str to Board
    host_io : mapping from str to HostIO
    x86_active : Constant
        Share of the time of input and output through the x86 that it runs code; 1 in a file that
        does not say.
    """

    profiles: Mapping[str, Profile]
    boards: Mapping[str, Board]
    host_io: Mapping[str, HostIO]
    x86_active: Constant


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
    name, content = os.fspath(path), files.read_toml(path)
    names = files.with_sources(files.shipped(), content.pop("sources", {}), name)
    known = ("profiles", "boards", "host_io", "barrier", "x86_active")
    tables = {key: checked_table(content.pop(key, {}), key, name) for key in known}
    if content:
        raise EnergyError(
            f"{name!r} has unknown {', '.join(content)}; it takes {', '.join(known)}."
        )
    active = tables["x86_active"] or {"share": 1.0}
    no_barrier = {"points": [[1, 0.0]]}
    barrier = _read_table(f"barrier in {name!r}", tables["barrier"] or no_barrier, names)
    return ChipFile(
        {key: _profile(key, entry, names) for key, entry in tables["profiles"].items()},
        {key: _board(key, entry, names, barrier) for key, entry in tables["boards"].items()},
        {key: _host_io(key, entry, names) for key, entry in tables["host_io"].items()},
        read_constant(f"x86_active in {name!r}", active, "share", names),
    )


def _profile(key: str, entry: Any, names: DeviceFile) -> Profile:
    where = f"profiles.{key} in {names.path!r}"
    words = ("description", "note", "energy_error", "time_error", "energy", "time", "sync")
    check_words(where, entry, words, ("energy", "time", "sync"))

    def constants(word: str, unit: str) -> dict[str, Constant]:
        table = checked_table(entry[word], f"{where}: {word}", names.path)
        errors = _errors(f"{where}: {word}_error", entry.get(f"{word}_error", 0.0))
        return {
            event: widened(read_constant(f"{where}: {event}", value, unit, names), *errors)
            for event, value in table.items()
        }

    energies, times = constants("energy", "J"), constants("time", "s")
    errors = _errors(f"{where}: time_error", entry.get("time_error", 0.0))
    sync = _read_table(f"{where}: sync", entry["sync"], names).widened(*errors)
    return Profile(key, energies, times, sync, **given(entry, ("description", "note")))


def _errors(where: str, value: Any) -> tuple[float, float]:
    """By what shares constants may be less, and more; one number is both."""
    below, above = value if isinstance(value, list) and len(value) == 2 else (value, value)
    if not (check.is_number(below) and check.is_number(above) and 0 <= below <= 1 and above >= 0):
        raise EnergyError(
            f"{where} must be a share, or [below, above], of which the first is at most 1, not "
            f"{value!r}."
        )
    return float(below), float(above)


def _board(key: str, entry: Any, names: DeviceFile, barrier: Table) -> Board:
    where = f"boards.{key} in {names.path!r}"
    words = ("description", "note", "n_chips", "powers", "noise")
    check_words(where, entry, words, ("n_chips", "powers"))
    table = checked_table(entry["powers"], f"{where}: powers", names.path)
    powers = {k: read_constant(f"{where}: {k}", v, "W", names) for k, v in table.items()}
    noise = _noise(f"{where}: noise", entry["noise"], names) if "noise" in entry else None
    texts = given(entry, ("description", "note"))
    return Board(key, powers, entry["n_chips"], barrier, noise=noise, **texts)


def _noise(where: str, entry: Any, names: DeviceFile) -> BoardNoise:
    units = {"between_runs": "W", "within_run": "W", "interval": "s", "run": "s"}
    words = ("boundaries", "degrees", "run_steps", "offsets", *units)
    check_words(where, entry, words, ("boundaries", "degrees", "between_runs"))
    constants = {
        key: read_constant(f"{where}: {key}", entry[key], unit, names)
        for key, unit in units.items()
        if key in entry
    }
    table = checked_table(entry.get("offsets", {}), f"{where}: offsets", names.path)
    offsets = {
        key.replace("_", " "): read_constant(f"{where}: {key}", value, "W", names)
        for key, value in table.items()
    }
    try:
        return BoardNoise(
            boundaries=tuple(entry["boundaries"]), degrees=entry["degrees"], offsets=offsets,
            run_steps=entry.get("run_steps"), **constants,
        )  # fmt: skip
    except EnergyError as error:
        raise EnergyError(f"{where}: {error}") from error


def _host_io(key: str, entry: Any, names: DeviceFile) -> HostIO:
    where = f"host_io.{key} in {names.path!r}"
    own, times = HOST_WORDS, ("step", "several_chips", "spike")
    check_words(where, entry, (*own, *times), ())
    words = given(entry, own)
    for word, value in given(entry, times).items():
        words[word] = read_constant(f"{where}: {word}", value, "s", names)
    return HostIO(name=key, **words)


def _read_table(where: str, entry: Any, names: DeviceFile) -> Table:
    """Points that share one origin."""
    check_words(where, entry, ("reading", "points", *ORIGIN), ("points",))
    origin = given(entry, ORIGIN)
    try:
        points: list[tuple[int, Constant]] = [
            (int(place), read_constant(where, {**origin, "s": value}, "s", names))
            for place, value in entry["points"]
        ]
        return Table(tuple(points), entry.get("reading", "steps"))
    except (TypeError, ValueError) as error:
        raise EnergyError(f"{where}: {error}") from error
