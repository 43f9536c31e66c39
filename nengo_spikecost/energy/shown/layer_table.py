"""The table of a network: one row a layer, with its counts and energies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...layout import si
from ...layout.table import Table
from ...workload.row_counts import caption
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
) -> Table:
    """The table of a network: one row a layer, and the total.

    Parameters
    ----------
    workload : Workload
        What was counted.
    estimates : mapping from str to EnergyEstimate
        By device name, as the columns write it; one for every device that they mention.
    columns : sequence of str
        See `nengo_spikecost.energy.shown.layer_columns.column_names`.
    si_units : bool
        SI prefixes and separators, or KerasSpiking's plain numbers and headers.
    print_warnings : bool
        See `nengo_spikecost.energy.shown.layer_notes.table_notes`.
    break_evens : mapping, optional
        By device, as the columns write it, and layer: see `LayerRow.break_even`.
    """
    parsed = parse_columns(columns)
    rows = layer_rows(workload, estimates) + other_rows(workload, estimates)
    with_host = total_with_host_row(workload, estimates)
    totals = [total_row(workload, estimates), *([with_host] if with_host else [])]
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
    return Table(
        headers=tuple(_named(c, workload) if si_units else (c.header,) for c in parsed),
        short_headers=tuple(_named(c, workload) if si_units else _short_header(c) for c in parsed),
        right=tuple(c.kind != "text" for c in parsed),
        rows=cells[False],
        short_rows=cells[True],
        n_totals=len(totals),
        title=caption(workload),
        notes=tuple(table_notes(workload, estimates, print_warnings)),
    )


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
