"""The device list: every constant, its range, how it is known, and where it is from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...layout import si
from ...layout.presenter import Details
from ...layout.result import json_text
from ...layout.table import Table
from ..constant_list import Block, amount, constants_details, constants_text
from ..device import CONSTANTS, Constant, Device

Presets = Sequence["tuple[str, Device]"]

JSON_FORMAT = "nengo-spikecost/devices/1"

_WORKS_ON = {True: "spikes", False: "dense passes"}
_WORDS = {"neuron": "neuron update", "synop": "synaptic operation"}


def constant_name(name: str) -> str:
    """The name of a constant in words: ``"neuron update"``; operations keep their own."""
    if name not in CONSTANTS:
        return name
    what = name.removeprefix("energy_per_").replace("_", " ")
    return _WORDS.get(what, what)


def device_table(devices: Iterable[Device]) -> Table:
    """The table of devices: a row each, with the constants that most of them have."""
    rows = (
        (
            device.name,
            "spikes" if device.spiking else "dense",
            amount(device.energy_per_synop),
            amount(device.energy_per_neuron),
            amount(device.static_power) if device.static_power else si.MISSING,
            device.energy_per_synop.evidence,
        )
        for device in devices
    )
    headers = (
        "Device", "Works\non", "Energy\nper synop", "Energy per\nneuron update", "Static\npower",
        "Evidence",
    )  # fmt: skip
    return Table.of(headers, rows, right=(False, False, True, True, True, False))


def blocks(devices: Iterable[Device], presets: Presets = ()) -> list[Block]:
    """The devices, the presets, and the operations, each table of these once.

    Parameters
    ----------
    devices : iterable of Device
    presets : sequence of (str, Device)
        Cost models, and the devices they price in place of those of the same name.
    """
    titles = [(device.name, device) for device in devices]
    titles += [(f"{device.name} with cost_model={model!r}", device) for model, device in presets]
    listed = [_block(device, title) for title, device in titles]
    done: list[Mapping[str, Constant]] = []
    for _, device in titles:
        table = device.operations
        if table and table not in done:
            names = ", ".join(title for title, other in titles if other.operations == table)
            listed.append(Block(f"Operations of {names}", "", table))
            done.append(table)
    return listed


def _block(device: Device, title: str) -> Block:
    node = device.process or "process node not known"
    about = (device.description, node, f"works on {_WORKS_ON[device.spiking]}")
    constants = device.constants().items()
    own = {constant_name(k): c for k, c in constants if k not in device.operations}
    return Block(title, ", ".join(filter(None, about)), own, device.note)


def device_list(devices: Iterable[Device], presets: Presets = (), line_length: int = 80) -> str:
    """The table of devices as text, then every constant, and the sources by number.

    Parameters
    ----------
    devices : iterable of Device
    presets : sequence of (str, Device)
        Cost models, and the devices they price in place of those of the same name.
    line_length : int
        Notes are wrapped to it, and the table to fit; constants take 75.
    """
    from ...layout.text import to_text

    devices = list(devices)
    constants = constants_text(blocks(devices, presets), line_length)
    return f"{to_text(device_table(devices), line_length)}\n\n{constants}"


def device_details(devices: Iterable[Device]) -> Details:
    """The constants of devices and their sources, for HTML."""
    return constants_details(blocks(devices))


def to_dict(devices: Iterable[Device], presets: Presets = ()) -> dict[str, Any]:
    """All constants as plain dicts, lists, strings and numbers."""
    replaced = [{"cost_model": model, **dataclasses.asdict(device)} for model, device in presets]
    listed = [dataclasses.asdict(device) for device in devices]
    return {"format": JSON_FORMAT, "devices": listed, "presets": replaced}


def to_json(devices: Iterable[Device], presets: Presets = ()) -> str:
    """`to_dict` as JSON text."""
    return json_text(to_dict(devices, presets))
