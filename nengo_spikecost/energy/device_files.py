"""Devices in TOML files; the head of ``devices.toml`` says how they are written."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import check
from ..errors import DataError, EnergyError
from ..files import check_is_file
from .device import CONSTANTS, Constant, Device

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEVICE_FILE = Path(__file__).with_name("devices.toml")
"""The devices that come with the package."""

_NEEDED = ("spiking", "energy_per_synop", "energy_per_neuron")
_WORDS = (
    "spiking", "description", "process", "note", "weights", "neurons_per_chip", "by_default",
    "one_sample",
)  # fmt: skip
_FIELDS = (*_WORDS, *CONSTANTS, "operations")
ORIGIN = ("source", "year", "evidence", "note")
"""Keys that say where a constant comes from."""
_KEPT = ("sources", "operations", "presets")


@dataclass(frozen=True)
class DeviceFile:
    """The content of a file of devices.

    Attributes
    ----------
    path : str
        The file.
    devices : tuple of Device
    presets : tuple of (str, Device)
        Cost models, and the devices that they price in place of those of the same name.
    sources : mapping from str to mapping
        ``text`` and ``year`` of publications, by the names that constants of the file use.
    operations : mapping from str to mapping
        Tables of operations, by the names that devices of the file use, as they are written.
    """

    path: str
    devices: tuple[Device, ...] = ()
    presets: tuple[tuple[str, Device], ...] = ()
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    operations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@functools.cache
def shipped() -> DeviceFile:
    """The package's own file; other files may use the names of its sources and operations."""
    return _read(DEVICE_FILE, DeviceFile(str(DEVICE_FILE)))


def read_file(path: str | os.PathLike[str]) -> DeviceFile:
    """Read a file of devices.

    Raises
    ------
    EnergyError
        If the file cannot be read, is no TOML, or a device is incomplete; the message names
        the file, the device and the field.
    """
    name = check.path("path", path, EnergyError)
    return shipped() if name == str(DEVICE_FILE) else _read(name, shipped())


def _read(path: str | os.PathLike[str], base: DeviceFile) -> DeviceFile:
    name, content = check.path("path", path, EnergyError), read_toml(path)
    kept = {key: checked_table(content.pop(key, {}), key, name) for key in _KEPT}
    operations = {
        key: checked_table(value, f"operations.{key}", name)
        for key, value in kept["operations"].items()
    }
    names = with_sources(base, kept["sources"], name)
    names = replace(names, operations={**base.operations, **operations})
    devices = tuple(_device(key, value, key, names) for key, value in content.items())
    presets = tuple(_presets(kept["presets"], names))
    if not devices and not presets:
        raise EnergyError(f"There is no device in {name!r}: each is a table, as [my_chip].")
    return DeviceFile(name, devices, presets, names.sources, names.operations)


def read_toml(path: str | os.PathLike[str], of: str = "devices") -> dict[str, Any]:
    """The content of a TOML file as a dict; ``of`` says what it should have.

    Raises
    ------
    EnergyError
        If it can't be read, or is no TOML.
    """
    try:
        check_is_file(path, f"file of {of}")
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError, RecursionError, DataError) as error:  # no TOML, or no UTF-8
        raise EnergyError(f"Cannot read {of} from {os.fspath(path)!r}: {error}") from error


def with_sources(base: DeviceFile, entry: Any, path: str) -> DeviceFile:
    """The names that constants of a file may use: those of ``base``, and its own sources."""
    own = checked_table(entry, "sources", path)
    sources = {key: read_source(key, value, path) for key, value in own.items()}
    return DeviceFile(path, sources={**base.sources, **sources}, operations=base.operations)


def _presets(tables: Mapping[str, Any], names: DeviceFile) -> Iterator[tuple[str, Device]]:
    for cost_model, entries in tables.items():
        where = f"presets.{cost_model}"
        for key, entry in checked_table(entries, where, names.path).items():
            yield cost_model, _device(key, entry, f"{where}.{key}", names)


def checked_table(value: Any, key: str, path: str) -> Mapping[str, Any]:
    """A value that has to be a table."""
    if not isinstance(value, Mapping):
        raise EnergyError(f"{key} in {path!r} must be a table, not {value!r}.")
    return value


def read_source(key: str, entry: Any, path: str) -> Mapping[str, Any]:
    """A publication: a text, or a table of its text and year."""
    source: Mapping[str, Any] = {"text": entry}
    if not isinstance(entry, str):
        source = checked_table(entry, f"sources.{key}", path)
    if "text" not in source or set(source) - {"text", "year"}:
        raise EnergyError(f"sources.{key} in {path!r} takes text and year, not {dict(source)!r}.")
    return source


def _device(name: str, entry: Any, key: str, names: DeviceFile) -> Device:
    where = f"Device {key!r} in {names.path!r}"
    check_words(where, entry, _FIELDS, _NEEDED)
    try:
        constants = {
            word: read_constant(word, value, CONSTANTS[word], names)
            for word, value in given(entry, CONSTANTS).items()
        }
        operations = _operations(entry.get("operations", {}), names)
        words: dict[str, Any] = {**given(entry, _WORDS), **constants}
        return Device(name=name, operations=operations, **words)
    except EnergyError as error:
        raise EnergyError(f"{where}: {error}") from error


def check_words(where: str, entry: Any, known: Collection[str], needed: Iterable[str]) -> None:
    """Raise `EnergyError` unless a table has the words that it needs, and no unknown ones."""
    if not isinstance(entry, Mapping):
        raise EnergyError(f"{where} must be a table, not {entry!r}.")
    missing = [word for word in needed if word not in entry]
    unknown = [word for word in entry if word not in known]
    if missing or unknown:
        fault = f"lacks {', '.join(missing)}" if missing else f"has unknown {', '.join(unknown)}"
        raise EnergyError(f"{where} {fault}; it takes {', '.join(known)}.")


def given(entry: Mapping[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """The values of those words that a table has."""
    return {word: entry[word] for word in words if word in entry}


def _operations(entry: Any, names: DeviceFile) -> dict[str, Constant]:
    """Energies by name; what the table says of their origin holds for plain numbers."""
    if isinstance(entry, str):
        if entry not in names.operations:
            known = ", ".join(names.operations) or "none"
            raise EnergyError(f"operations: there is no table {entry!r}; there are {known}.")
        entry = names.operations[entry]
    if not isinstance(entry, Mapping):
        raise EnergyError(f"operations must be a table or the name of one, not {entry!r}.")
    origin = given(entry, ORIGIN)
    operations = {}
    for key in (key for key in entry if key not in ORIGIN):
        value = entry[key] if isinstance(entry[key], Mapping) else {**origin, "J": entry[key]}
        operations[key] = read_constant(f"operations.{key}", value, "J", names)
    return operations


def read_constant(key: str, entry: Any, unit: str, names: DeviceFile) -> Constant:
    """A constant as a file has it: a number, or a table whose keys say the unit."""
    if not isinstance(entry, Mapping):
        entry = {unit: entry}
    words = {unit: "value", f"low_{unit}": "low", f"high_{unit}": "high"}
    words.update(zip(ORIGIN, ORIGIN))
    unknown = [word for word in entry if word not in words]
    if unknown or unit not in entry:
        fault = f"has unknown {', '.join(unknown)}" if unknown else f"lacks {unit}"
        raise EnergyError(f"{key} {fault}; it takes {', '.join(words)}.")
    arguments = {words[word]: value for word, value in entry.items()}
    source = arguments.get("source")
    if isinstance(source, str) and source in names.sources:
        publication = names.sources[source]
        arguments["source"] = publication["text"]
        arguments.setdefault("year", publication.get("year"))
    try:
        return Constant(**arguments, unit=unit)
    except EnergyError as error:
        raise EnergyError(f"{key}: {error}") from error
