"""The table of a network: one row a layer, with its counts and energies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ...layout import si
from ...layout.table import Table
from ...workload.row_counts import caption, has_groups
from ...workload.workload_record import Workload
from ..estimate import EnergyEstimate
from .layer_columns import Column, Form, parse_columns
from .layer_notes import table_notes
from .layer_rows import LayerRow, layer_rows, other_rows, total_row, total_with_host_row


def layer_table(
    workload: Workload,
    estimates: Mapping[str, EnergyEstimate],
    columns: Sequence[str],
    si_units: bool = True,
    print_warnings: bool = True,
    break_evens: Mapping[str, Mapping[str, float | str | None]] | None = None,
    grouped: bool = True,
    further: Sequence[LayerRow] = (),
) -> Table:
    """The table of a network: one row a layer, and the total.

    Parameters
    ----------
    workload : Workload
        What was counted.
    estimates : mapping from str to EnergyEstimate
        By device name, as the columns write it; one for every device that they mention.
    columns : sequence of str
        Names of columns, as `nengo_spikecost.energy.shown.layer_columns.column_names` lists them.
    si_units : bool
        SI prefixes and separators, or KerasSpiking's plain numbers and headers.
    print_warnings : bool
        Whether notes below the table say what is assumed and missing.
    break_evens : mapping, optional
        By device, as the columns write it, and layer: see `LayerRow.break_even`.
    grouped : bool
        One row for each subnetwork, such as an EnsembleArray; the rows of its layers are in
        `Table.folded`.
    further : sequence of LayerRow
        Totals below the others.
    """
    parsed = parse_columns(columns)
    grouped = grouped and has_groups(workload)
    blocks = _blocks(workload, estimates, grouped)
    rows = [row for _, block in blocks for row in block]
    with_host = total_with_host_row(workload, estimates)
    totals = [total_row(workload, estimates), *([with_host] if with_host else []), *further]
    for part in (rows, totals):
        for i, row in enumerate(part):
            by_device = {device: ends.get(row.name) for device, ends in (break_evens or {}).items()}
            part[i] = replace(row, break_even=by_device).over(workload.per)
    missing = any(e.lower_bound for e in estimates.values())
    cells = {}
    for short in (False, True):
        form = Form(si_units, short, workload.per.unit)
        body = [tuple(c.text(row, form) for c in parsed) for row in rows]
        for total in totals:
            body.append(tuple(_total_text(c, total, missing, form) for c in parsed))
        cells[short] = tuple(body)
    folded = None
    if grouped:
        all_rows = layer_table(
            workload, estimates, columns, si_units, False, break_evens, grouped=False
        )  # fmt: skip
        folded = "Every ensemble", replace(all_rows, notes=())
    return Table(
        headers=tuple(_named(c, workload) if si_units else (c.header,) for c in parsed),
        short_headers=tuple(_named(c, workload) if si_units else _short_header(c) for c in parsed),
        right=tuple(c.kind != "text" for c in parsed),
        rows=cells[False],
        short_rows=cells[True],
        n_totals=len(totals),
        title=caption(workload),
        notes=tuple(table_notes(workload, estimates, print_warnings)),
        sections=_sections(blocks),
        folded=folded,
    )


def _blocks(
    workload: Workload, estimates: Mapping[str, EnergyEstimate], grouped: bool
) -> list[tuple[str, list[LayerRow]]]:
    """Rows of the chip, of the host beside it, and of what could not be counted, with headings.

    One block without a heading where nothing is left to a host.
    """
    layers, others = layer_rows(workload, estimates, grouped), other_rows(workload, estimates)
    if not any(e.host for e in estimates.values()):
        return [("", [*layers, *others])]
    hosts = dict.fromkeys(e.host_device.name for e in estimates.values() if e.host_device)
    blocks = {
        "On the chip": [
            *(row for row in layers if row.where != "host"),
            *(row for row in others if row.where == "static"),
        ],
        f"On the host ({', '.join(hosts)})": _host_block(
            layers, [row for row in others if row.where == "host"]
        ),
        "Not counted": [row for row in others if row.where == "uncounted"],
    }
    return [(heading, block) for heading, block in blocks.items() if block]


def _host_block(layers: Sequence[LayerRow], works: Sequence[LayerRow]) -> list[LayerRow]:
    """Layers on the host, and below each what the host does for it; then its other work."""
    members = {name: row for row in layers for name in row.members}
    by_row: dict[str, list[LayerRow]] = {}
    for work in works:
        group = members.get(work.of_layer)
        by_row.setdefault(group.name if group else work.of_layer, []).append(work)
    block: list[LayerRow] = []
    for layer in (row for row in layers if row.where == "host"):
        block += [layer, *_by_role(layer.name, by_row.pop(layer.name, []))]
    for name, own in by_row.items():
        block += _by_role(name, own)
    return block


def _by_role(name: str, works: Iterable[LayerRow]) -> Iterable[LayerRow]:
    """Rows of what the host does for a layer or group, those of one role added up."""
    roles: dict[str, LayerRow] = {}
    for work in works:
        role = work.name[len(work.of_layer) :].strip()
        roles[role] = _sum(roles[role], work) if role in roles else work
    return [replace(work, name=f"{name} {role}") for role, work in roles.items()]


def _sum(a: LayerRow, b: LayerRow) -> LayerRow:
    energy_J = {name: a.energy_J.get(name, 0.0) + b.energy_J.get(name, 0.0)
                for name in {**a.energy_J, **b.energy_J}}  # fmt: skip
    macs, updates = (a.macs or 0) + (b.macs or 0), (a.updates or 0) + (b.updates or 0)
    return replace(a, energy_J=energy_J, macs=macs or None, updates=updates or None)


def _sections(blocks: Iterable[tuple[str, list[LayerRow]]]) -> dict[int, str]:
    """Headings by the number of the row that they are above."""
    sections, number = {}, 0
    for heading, block in blocks:
        if heading:
            sections[number] = heading
        number += len(block)
    return sections


def _named(column: Column, workload: Workload) -> tuple[str, ...]:
    """The header; energies of a network that runs on are shown as power."""
    if not workload.runs_on:
        return column.short_header
    return tuple("power" if line == "energy" else line for line in column.short_header)


def _short_header(column: Column) -> tuple[str, ...]:
    if column.device is None:
        return (column.header,)
    device = f"({column.device})"
    return (column.header[: -len(device)].rstrip(), device)


def _total_text(column: Column, total: LayerRow, missing: bool, form: Form) -> str:
    if column.key == "name":
        return f"{total.name}, at least" if total.lower_bound or missing else total.name
    if column.kind == "text":
        return ""
    text = column.text(total, form)
    # what could not be counted has no bearing on what is known of the network's size, and
    # energies say themselves where something has no price
    certain = column.key in ("params", "neurons", "updates") or column.kind in ("rate", "ratio")
    if text == si.MISSING or certain or column.device is not None:
        return text
    return f">= {text}" if total.lower_bound else text
