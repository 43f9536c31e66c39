"""Directives ``device-table`` and ``chip-table``: devices and chips with every source, as data.

They are read from ``devices.toml`` and ``chips.toml`` when the pages are built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nengo_spikecost import chips
from nengo_spikecost.chips.quantities import QUANTITIES
from nengo_spikecost.energy import devices
from nengo_spikecost.energy.constant_list import Block, amount, numbered_sources, range_words
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.shown.device_list import blocks, constant_name
from nengo_spikecost.layout import si

HEADER = ("Device", "Runs on", "Synaptic operation", "Neuron update", "Static power", "Evidence")


class DeviceTable(SphinxDirective):
    """One row a device; below, all its constants, what they are, and where they come from."""

    def run(self) -> list[nodes.Node]:
        table = devices.read_devices(devices.DEVICE_FILE)
        found = [table.get(name) for name in table.names()]
        listed = blocks(found, table.presets())
        numbers = numbered_sources(listed)
        return [
            _table(HEADER, (_row(device) for device in found)),
            _definitions(listed, numbers),
            _sources(numbers),
        ]


class ChipTable(SphinxDirective):
    """Of each chip its limits, what a step takes, and powers, each with its source."""

    def run(self) -> list[nodes.Node]:
        terms = nodes.definition_list()
        for chip in map(chips.get, chips.names()):
            term = nodes.term("", "", nodes.strong(text=chip.name), nodes.Text(f": {chip.title}"))
            definition = nodes.definition()
            for text in (chip.note, *chip.refused.values()):
                definition += [nodes.paragraph(text=text)] if text else []
            definition += _bullets(_chip_lines(chip))
            terms += nodes.definition_list_item("", term, definition)
        return [terms]


def _chip_lines(chip: chips.Chip) -> Iterable[str]:
    for limit in chip.limits:
        takes = "only" if limit.at_most is None else "at most"
        yield f"{QUANTITIES[limit.quantity].words}: {takes} {limit}, {_known(limit.origin)}"
    if chip.step is not None:
        taken = ", ".join(
            f"{name.replace('_', ' ')} {'not published' if value is None else f'{value:g}'}"
            for name, value in chip.step.terms.items()
        )
        yield f"a step, {chip.step.join} in {chip.step.unit}: {taken}, {_known(chip.step.origin)}"
    for power in chip.powers:
        clock = f" at {si.si(power.clock_Hz, 'Hz')}" if power.clock_Hz else ""
        yield f"power, {power.name}: {si.si(power.W, 'W')}{clock}, {_known(power.origin)}"


def _known(origin: chips.Origin) -> str:
    note = f": {origin.note}" if origin.note else ""
    return f"{origin.evidence} in {origin}{note}"


def _row(device: Device) -> tuple[str, ...]:
    return (
        device.name,
        "spikes" if device.spiking else "dense passes",
        _with_range(device.energy_per_synop),
        _with_range(device.energy_per_neuron),
        _with_range(device.static_power) if device.static_power else si.MISSING,
        device.energy_per_synop.evidence,
    )


def _with_range(constant: Constant) -> str:
    words = range_words(constant)
    return f"{amount(constant)} ({words})" if words else amount(constant)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> nodes.Node:
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    head, body = nodes.thead(), nodes.tbody()
    head += _table_row(header)
    body += [_table_row(row) for row in rows]
    group += [head, body]
    table = nodes.table(classes=["devices"])
    table += group
    return table


def _table_row(cells: tuple[str, ...]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph(text=cell))
    return row


def _definitions(listed: Iterable[Block], numbers: Mapping[str, str]) -> nodes.Node:
    terms = nodes.definition_list()
    for block in listed:
        about = nodes.Text(f": {block.about}" if block.about else "")
        term = nodes.term("", "", nodes.strong(text=block.title), about)
        definition = nodes.definition()
        if block.note:
            definition += nodes.paragraph(text=block.note)
        definition += _bullets(
            _constant(name, constant, numbers) for name, constant in block.constants.items()
        )
        terms += nodes.definition_list_item("", term, definition)
    return terms


def _constant(name: str, constant: Constant, numbers: Mapping[str, str]) -> str:
    origin = (constant.evidence, constant.year, numbers.get(constant.source))
    known = " ".join(str(word) for word in origin if word)
    text = f"{constant_name(name)} {_with_range(constant)}, {known}"
    return f"{text}: {constant.note}" if constant.note else text


def _bullets(texts: Iterable[str]) -> nodes.Node:
    return nodes.bullet_list("", *(nodes.list_item("", nodes.paragraph(text=t)) for t in texts))


def _sources(numbers: Mapping[str, str]) -> nodes.Node:
    return _bullets(f"{number} {text}" for text, number in numbers.items())


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("device-table", DeviceTable)
    app.add_directive("chip-table", ChipTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
