"""Directive ``device-table``: the devices of devices.toml, with every source, at build time."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.report import si

HEADER = ("Device", "Runs on", "Synaptic operation", "Evidence", "Neuron update", "Evidence")


class DeviceTable(SphinxDirective):
    """One row a device; below, where each constant comes from and what to know of it."""

    def run(self) -> list[nodes.Node]:
        table = devices.read_devices(devices.DEVICE_FILE)
        found = [table.get(name) for name in table.names()]
        return [_table(HEADER, [_row(device) for device in found]), _sources(found)]


def _row(device: Device) -> tuple[str, ...]:
    cells = []
    for constant in (device.energy_per_synop, device.energy_per_neuron):
        cells += [_energy(constant), constant.evidence]
    return device.name, "spikes" if device.spiking else "dense passes", *cells


def _energy(constant: Constant) -> str:
    text = si.si(constant.value, constant.unit)
    if constant.lowest == constant.highest:
        return text
    low, high = (si.si(end, constant.unit) for end in (constant.lowest, constant.highest))
    return f"{text} ({low} to {high})"


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> nodes.Node:
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


def _sources(found: list[Device]) -> nodes.Node:
    terms = nodes.definition_list()
    for device in found:
        about = ", ".join(filter(None, (device.description, device.process)))
        definition = nodes.definition()
        definition += [nodes.paragraph(text=line) for line in _lines(device)]
        term = nodes.term("", "", nodes.strong(text=device.name), nodes.Text(f": {about}"))
        terms += nodes.definition_list_item("", term, definition)
    return terms


def _lines(device: Device) -> Iterator[str]:
    if device.note:
        yield device.note
    for what, constant in (
        ("Synaptic operation", device.energy_per_synop),
        ("Neuron update", device.energy_per_neuron),
    ):
        year = f" ({constant.year})" if constant.year else ""
        yield f"{what}: {constant.source}{year}."


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("device-table", DeviceTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
