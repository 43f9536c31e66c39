"""The table of devices: those of ``devices.toml`` and those a user adds.

Examples
--------
>>> from nengo_spikecost.energy import devices
>>> devices.get("Loihi").energy_per_synop_J
2.36e-11
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import EnergyError, OverwriteWarning, UnknownDeviceError
from .device import CONSTANTS, Constant, Device, device_key

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEVICE_FILE = Path(__file__).with_name("devices.toml")
_NEEDED = ("spiking", "energy_per_synop", "energy_per_neuron")
_WORDS = ("spiking", "description", "process", "note", "weights")
_FIELDS = (*_WORDS, *CONSTANTS, "operations")


class DeviceTable:
    """Devices by name, with presets that replace them under one cost model."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self._presets: dict[tuple[str, str], Device] = {}

    def add(self, device: Device) -> None:
        """Add a device; replaces one of the same name, and its presets, with a warning."""
        key = device_key(device.name)
        if key in self._devices:
            warnings.warn(
                f"Device {device.name!r} is already registered. Overwriting.",
                OverwriteWarning,
                stacklevel=3,
            )
            # The user's device is meant, whatever cost model prices it.
            self._presets = {k: d for k, d in self._presets.items() if k[1] != key}
        self._devices[key] = device

    def add_preset(self, cost_model: str, device: Device) -> None:
        """Use ``device`` in place of the device of that name under one cost model."""
        self._presets[cost_model, device_key(device.name)] = device

    def get(self, name: Any, cost_model: str | None = None) -> Device:
        """The device of that name, case ignored.

        Raises
        ------
        UnknownDeviceError
            If there is none.
        """
        if isinstance(name, Device):
            return name
        key = device_key(name)
        preset = self._presets.get((cost_model or "", key))
        if preset is not None:
            return preset
        if key not in self._devices:
            raise UnknownDeviceError(
                f"There is no device {str(name)!r}; there are {', '.join(self.names())}. "
                "Add one with register_device."
            )
        return self._devices[key]

    def names(self) -> list[str]:
        """Names of all devices, in the order they were added."""
        return [device.name for device in self._devices.values()]


def read_devices(path: str | os.PathLike[str]) -> DeviceTable:
    """The devices of a TOML file, in the form of ``devices.toml``.

    Raises
    ------
    EnergyError
        If the file cannot be read, is no TOML, or a device is incomplete; the message names
        the file, the device and the field.
    """
    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except (OSError, ValueError) as error:  # no TOML, or no UTF-8
        raise EnergyError(f"Cannot read devices from {os.fspath(path)!r}: {error}") from error
    table = DeviceTable()
    presets = _tables(content.pop("presets", {}), "presets", path)
    for name, entry in content.items():
        table.add(_device(name, entry, path))
    for cost_model, entries in presets.items():
        for name, entry in _tables(entries, f"presets.{cost_model}", path).items():
            table.add_preset(cost_model, _device(name, entry, path))
    return table


def _tables(value: Any, key: str, path: str | os.PathLike[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise EnergyError(f"{key} in {os.fspath(path)!r} must be a table, not {value!r}.")
    return value


def _device(name: str, entry: Any, path: str | os.PathLike[str]) -> Device:
    where = f"Device {name!r} in {os.fspath(path)!r}"
    if not isinstance(entry, Mapping):
        raise EnergyError(f"{where} must be a table, not {entry!r}.")
    missing = [key for key in _NEEDED if key not in entry]
    unknown = [key for key in entry if key not in _FIELDS]
    if missing or unknown:
        fault = f"lacks {', '.join(missing)}" if missing else f"has unknown {', '.join(unknown)}"
        raise EnergyError(f"{where} {fault}; it takes {', '.join(_FIELDS)}.")
    try:
        words: dict[str, Any] = {key: entry[key] for key in _WORDS if key in entry}
        constants = {k: _constant(k, entry[k], unit) for k, unit in CONSTANTS.items() if k in entry}
        operations = _tables(entry.get("operations", {}), "operations", path)
        return Device(
            name=name,
            operations={key: _constant(key, value, "J") for key, value in operations.items()},
            **constants,
            **words,
        )
    except EnergyError as error:
        raise EnergyError(f"{where}: {error}") from error


def _constant(key: str, entry: Any, unit: str) -> Constant:
    """A constant as a file has it: a number, or a table whose keys say the unit."""
    if not isinstance(entry, Mapping):
        return Constant(entry, unit=unit)
    names = {unit: "value", f"low_{unit}": "low", f"high_{unit}": "high"}
    names.update({word: word for word in ("source", "year", "evidence")})
    unknown = [word for word in entry if word not in names]
    if unknown or unit not in entry:
        fault = f"has unknown {', '.join(unknown)}" if unknown else f"lacks {unit}"
        raise EnergyError(f"{key} {fault}; it takes {', '.join(names)}.")
    return Constant(**{names[word]: value for word, value in entry.items()}, unit=unit)


_table: DeviceTable | None = None


def _devices() -> DeviceTable:
    """The table in use, read when it is first asked for."""
    global _table
    if _table is None:
        _table = read_devices(DEVICE_FILE)
    return _table


def get(name: Any, cost_model: str | None = None) -> Device:
    """The device of that name; see `DeviceTable.get`."""
    return _devices().get(name, cost_model)


def names() -> list[str]:
    """Names of all devices."""
    return _devices().names()


def register_device(
    name: str,
    energy_per_synop: float | Constant,
    energy_per_neuron: float | Constant,
    spiking: bool,
    *,
    source: str = "",
    static_power: float | Constant | None = None,
    **details: Any,
) -> Device:
    """Add a device to the table.

    Parameters
    ----------
    name : str
        Name of the device; case does not matter.
    energy_per_synop, energy_per_neuron : float or Constant
        Energy of a synaptic operation and of a neuron update, in Joules.
    spiking : bool
        Whether the device works on spikes.
    source : str
        Where the numbers come from.
    static_power : float or Constant, optional
        Power in W that is drawn without any spike.
    **details
        Further arguments of `Device`.

    Returns
    -------
    Device

    Warns
    -----
    OverwriteWarning
        If a device of that name exists.
    """

    def constant(value: float | Constant, unit: str = "J") -> Constant:
        return value if isinstance(value, Constant) else Constant(value, source=source, unit=unit)

    try:
        energies = constant(energy_per_synop), constant(energy_per_neuron)
        if static_power is not None:
            details["static_power"] = constant(static_power, "W")
    except EnergyError as error:
        raise EnergyError(f"Device {name!r}: {error}") from error
    device = Device(name, spiking, *energies, **details)
    _devices().add(device)
    return device


def load_devices(path: str | os.PathLike[str]) -> list[str]:
    """Add all devices of a TOML file to the table; returns their names.

    The file has the form of ``devices.toml`` in this folder; an energy may be a plain number
    in place of a table. Nothing is added if any device in the file is faulty.
    """
    loaded = read_devices(path)
    for name in loaded.names():
        _devices().add(loaded.get(name))
    return loaded.names()
