"""The device list: every constant, its range, how it is known, and where it is from."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...layout import si
from ...layout.presenter import Details
from ...layout.result import json_text
from ...layout.table import Table
from ...layout.text import to_text
from ..device import CONSTANTS, Constant, Device

Presets = Sequence["tuple[str, Device]"]

JSON_FORMAT = "nengo-spikecost/devices/1"

_WORKS_ON = {True: "spikes", False: "dense passes"}
_WORDS = {"neuron": "neuron update", "synop": "synaptic operation"}


def constant_name(name: str) -> str:
    """What a constant is of, in words: ``"neuron update"``; operations have their own names."""
    if name not in CONSTANTS:
        return name
    what = name.removeprefix("energy_per_").replace("_", " ")
    return _WORDS.get(what, what)


def amount(constant: Constant) -> str:
    """The value: ``"23.6 pJ"``."""
    return si.si(constant.value, constant.unit)


def range_words(constant: Constant) -> str:
    """The range: ``"23.6 to 35.5 pJ"``; nothing where there is none."""
    if constant.lowest == constant.highest:
        return ""
    low, high = (si.si(end, constant.unit) for end in (constant.lowest, constant.highest))
    number, unit = low.split(" ")
    return f"{number if unit == high.split(' ')[1] else low} to {high}"


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


@dataclass(frozen=True)
class Block:
    """What is to be said of a device, or of operations that several have.

    Attributes
    ----------
    title : str
        Names.
    about : str
        What it is: product, process, what it works on.
    constants : mapping from str to Constant
    note : str
        What to know before trusting the numbers.
    """

    title: str
    about: str
    constants: Mapping[str, Constant]
    note: str = ""


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
    found = [_block(device, title) for title, device in titles]
    done: list[Mapping[str, Constant]] = []
    for _, device in titles:
        table = device.operations
        if table and table not in done:
            names = ", ".join(title for title, other in titles if other.operations == table)
            found.append(Block(f"Operations of {names}", "", table))
            done.append(table)
    return found


def _block(device: Device, title: str) -> Block:
    node = device.process or "process node not known"
    about = (device.description, node, f"works on {_WORKS_ON[device.spiking]}")
    own = {k: c for k, c in device.constants().items() if k not in device.operations}
    return Block(title, ", ".join(filter(None, about)), own, device.note)


def numbered_sources(found: Iterable[Block]) -> dict[str, str]:
    """The sources of all constants, each once, and the number it goes by: ``"[1]"``."""
    texts = (c.source for block in found for c in block.constants.values())
    known = dict.fromkeys(text for text in texts if text)
    return {text: f"[{i}]" for i, text in enumerate(known, start=1)}


def device_list(devices: Iterable[Device], presets: Presets = (), line_length: int = 98) -> str:
    """The table of devices as text, then every constant, and the sources by number.

    Parameters
    ----------
    devices, presets
        See `blocks`.
    line_length : int
        Notes are wrapped to it, and the table to fit; constants take 75.
    """
    devices = list(devices)
    found = blocks(devices, presets)
    numbers = numbered_sources(found)
    parts = [to_text(device_table(devices), line_length)]
    for block in found:
        lines = _wrapped(f"{block.title}: {block.about}".rstrip(": "), line_length)
        for name, constant in block.constants.items():
            lines += _constant_lines(name, constant, numbers, line_length)
        lines += _wrapped(block.note, line_length, " " * 2, " " * 2)
        parts.append("\n".join(lines))
    last = ["Sources"]
    for text, number in numbers.items():
        last += _wrapped(f"{number} {text}", line_length)
    return "\n\n".join((*parts, "\n".join(last)))


def constant_details(devices: Iterable[Device]) -> Details:
    """The constants of devices and their sources, for HTML."""
    listed = blocks(devices)
    numbers = numbered_sources(listed)
    items = []
    for block in listed:
        about = f" ({block.about})" if block.about else ""
        words = "; ".join(_constant_words(k, c, numbers) for k, c in block.constants.items())
        items.append(f"{block.title}{about}: {words}. {block.note}".rstrip())
    items += [f"{number} {source}" for source, number in numbers.items()]
    return Details("Energy per operation and where it comes from", tuple(items))


def _constant_words(name: str, constant: Constant, numbers: Mapping[str, str]) -> str:
    ends = range_words(constant)
    words = f"{constant_name(name)} {amount(constant)}{f' ({ends})' if ends else ''}"
    words += f", {constant.evidence} {numbers.get(constant.source, '')}".rstrip()
    return f"{words}: {constant.note}" if constant.note else words


def _constant_lines(
    name: str, constant: Constant, numbers: Mapping[str, str], line_length: int
) -> list[str]:
    year = "" if constant.year is None else str(constant.year)
    cells = (
        f"  {constant_name(name):<18}",
        f"{amount(constant):>7}",
        f"{range_words(constant):>17}",
        f"{constant.evidence:<15}",
        f"{year:<4}",
        numbers.get(constant.source, ""),
    )
    return ["  ".join(cells).rstrip(), *_wrapped(constant.note, line_length, " " * 22, " " * 22)]


def _wrapped(text: str, line_length: int, first: str = "", other: str = " " * 4) -> list[str]:
    return textwrap.wrap(
        text,
        line_length,
        initial_indent=first,
        subsequent_indent=other,
        break_on_hyphens=False,
    )


def to_dict(devices: Iterable[Device], presets: Presets = ()) -> dict[str, Any]:
    """All constants as plain dicts, lists, strings and numbers."""
    return {
        "format": JSON_FORMAT,
        "devices": [dataclasses.asdict(device) for device in devices],
        "presets": [
            {"cost_model": cost_model, **dataclasses.asdict(device)}
            for cost_model, device in presets
        ],
    }


def to_json(devices: Iterable[Device], presets: Presets = ()) -> str:
    """`to_dict` as JSON text."""
    return json_text(to_dict(devices, presets))
