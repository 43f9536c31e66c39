"""The table of devices: those of ``devices.toml`` and those a user adds.

Examples
--------
>>> from nengo_spikecost.energy import devices
>>> devices.get("Loihi").energy_per_synop_J
2.36e-11
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Callable

from .. import check
from ..errors import EnergyError, OverwriteWarning, UnknownDeviceError
from .cost_models import cost_model_names
from .device import CONSTANTS, Constant, Device, device_key
from .device_files import DEVICE_FILE, read_file

IN_FILES = ("arm", "spinnaker", "spinnaker2")
"""Usual devices that are in data frames and files, and in a printed table if they are asked for."""


class DeviceTable:
    """Devices by name, with presets that replace them under one cost model."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self._presets: dict[tuple[str, str], Device] = {}

    def add(self, device: Device) -> None:
        """Add a device; replaces one of the same name, and its presets, with a warning.

        Parameters
        ----------
        device : Device

        Warns
        -----
        OverwriteWarning
            If there is one of that name.
        """
        key = device_key(device.name)
        if key in self._devices:
            words = f"Device {device.name!r} is already registered. Overwriting."
            warnings.warn(words, OverwriteWarning, stacklevel=3)
            # The user's device is meant, whatever cost model prices it.
            self._presets = {k: d for k, d in self._presets.items() if k[1] != key}
        self._devices[key] = device

    def add_preset(self, cost_model: str, device: Device) -> None:
        """Use ``device`` in place of the device of that name under one cost model.

        Parameters
        ----------
        cost_model : str
            Name of the cost model.
        device : Device

        Warns
        -----
        OverwriteWarning
            If that cost model has one of that name.
        """
        key = cost_model, device_key(device.name)
        if key in self._presets:
            words = f"Device {device.name!r} has a preset for {cost_model!r} already. Overwriting."
            warnings.warn(words, OverwriteWarning, stacklevel=3)
        self._presets[key] = device

    def get(self, name: Any, cost_model: str | None = None) -> Device:
        """The device of that name, case ignored.

        Parameters
        ----------
        name : str or Device
            A Device is given back as it is.
        cost_model : str, optional
            Name of the cost model whose preset is taken, if it has one of that device.

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

    def presets(self) -> list[tuple[str, Device]]:
        """Cost models, and the devices that they price in place of those of the same name."""
        return [(cost_model, device) for (cost_model, _), device in self._presets.items()]


def read_devices(path: str | os.PathLike[str]) -> DeviceTable:
    """The devices of a TOML file, in the form of ``devices.toml``.

    Raises
    ------
    EnergyError
        If the file cannot be read, is no TOML, or a device is incomplete; the message names
        the file, the device and the field.
    """
    file, table = read_file(path), DeviceTable()
    for device in file.devices:
        table.add(device)
    for cost_model, device in file.presets:
        table.add_preset(cost_model, device)
    return table


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


def select(
    wanted: Any, *, spikes: bool, can_price: Callable[[Device], bool], cost_model: str
) -> list[Device]:
    """The devices that a network is priced on.

    Parameters
    ----------
    wanted : iterable of (str or Device), str, Device or None
        Those asked for. ``"all"``: all that have a price; None: those of them that are priced
        by default, or all if there is none.
    spikes : bool
        Whether spikes are known, without which spiking devices have no price.
    can_price : callable
        Whether the cost model can price a device.
    cost_model : str
        Its name; presets may replace devices.

    Raises
    ------
    UnknownDeviceError
        If there is no device of a name.
    """
    if isinstance(wanted, Device) or (isinstance(wanted, str) and device_key(wanted) != "all"):
        wanted = [wanted]
    if wanted is not None and not isinstance(wanted, str):
        return [get(name, cost_model) for name in listed_devices(wanted)]
    known = (get(name, cost_model) for name in names())
    priced = [d for d in known if (spikes or not d.spiking) and can_price(d)]
    usual = [d for d in priced if d.by_default or wanted is not None]
    return usual or priced


def printed(devices: Iterable[str]) -> tuple[str, ...]:
    """Those of the usual devices that a printed table shows, whose lines are short.

    All but `IN_FILES`; all if no other is left.
    """
    names = tuple(devices)
    return tuple(name for name in names if device_key(name) not in IN_FILES) or names


def listed_devices(devices: Any) -> list[Any]:
    """Names of devices, or devices, as a list of several or of one.

    Raises
    ------
    EnergyError
        If they are neither.
    """
    if isinstance(devices, (str, Device)):
        return [devices]
    return check.several("devices", devices, EnergyError, "names of devices, or one name")


def register_device(
    name: str, energy_per_synop: float | Constant, energy_per_neuron: float | Constant,
    spiking: bool, *, source: str = "", static_power: float | Constant | None = None,
    **details: Any,
) -> Device:  # fmt: skip
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
        Further arguments of `Device`. Its constants, and those of its ``operations``, may be
        plain numbers too.

    Returns
    -------
    Device

    Raises
    ------
    EnergyError
        If a value is not what it should be; the message names the device and the argument.

    Warns
    -----
    OverwriteWarning
        If a device of that name exists.
    """

    def constant(key: str, value: Any, unit: str) -> Constant:
        if isinstance(value, Constant):
            return value
        try:
            return Constant(value, source=source, unit=unit)
        except EnergyError as error:
            raise EnergyError(f"Device {name!r}: {key}: {error}") from error

    given: dict[str, Any] = {
        "energy_per_synop": energy_per_synop, "energy_per_neuron": energy_per_neuron,
        "static_power": static_power, **details,
    }  # fmt: skip
    for key, unit in CONSTANTS.items():
        # of the two that every device has, None is no value
        if given.get(key) is not None or key in ("energy_per_synop", "energy_per_neuron"):
            given[key] = constant(key, given[key], unit)
    if isinstance(given.get("operations"), Mapping):
        operations = given["operations"].items()
        given["operations"] = {k: constant(f"operations.{k}", v, "J") for k, v in operations}
    strange = [key for key in details if key not in {part.name for part in fields(Device)}]
    if strange:
        raise TypeError(f"register_device() got an unexpected keyword argument {strange[0]!r}")
    device = Device(name=name, spiking=spiking, **given)
    _devices().add(device)
    return device


def presets() -> list[tuple[str, Device]]:
    """All presets; see `DeviceTable.presets`."""
    return _devices().presets()


def load_devices(path: str | os.PathLike[str]) -> list[str]:
    """Add all devices of a TOML file to the table; returns their names.

    The file has the form of ``devices.toml`` in this folder; an energy may be a plain number
    in place of a table. Its presets are added too. Nothing is added if anything in the file
    is faulty.

    Raises
    ------
    EnergyError
        As `read_devices`, and if a preset is for a device or a cost model that does not exist.

    Warns
    -----
    OverwriteWarning
        If a device or a preset of that name exists.
    """
    loaded, table = read_devices(path), _devices()
    for cost_model, device in loaded.presets():
        _check_preset(cost_model, device, [*table.names(), *loaded.names()], path)
    for name in loaded.names():
        table.add(loaded.get(name))
    for cost_model, device in loaded.presets():
        table.add_preset(cost_model, device)
    return loaded.names()


def _check_preset(
    cost_model: str, device: Device, known: Iterable[str], path: str | os.PathLike[str]
) -> None:
    """A preset that nothing would ever use is a mistake."""
    where = f"presets.{cost_model}.{device.name} in {os.fspath(path)!r}"
    if cost_model not in cost_model_names():
        raise EnergyError(
            f"{where}: there is no cost model {cost_model!r}; there are "
            f"{', '.join(cost_model_names())}. Register a cost model before its presets are read."
        )
    if device_key(device.name) not in map(device_key, known):
        raise EnergyError(
            f"{where}: there is no device {device.name!r} that it could replace; there are "
            f"{', '.join(known)}."
        )
