"""Tables of layers: built as data, laid out to fit a line."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ..energy.estimate import EnergyEstimate
from ..errors import EnergyError
from ..workload.record import Workload
from . import si
from .columns import Column, parse_columns
from .notes import caption, table_notes
from .rows import (
    LayerRow,
    host_rows,
    layer_rows,
    static_rows,
    total_row,
    total_with_host_row,
    uncounted_rows,
)

# Plain ASCII rules: the text may go to any terminal, log or file.
_RULES = box.Box("    \n    \n -- \n    \n -- \n -- \n    \n    \n", ascii=True)
_GAP = 2

SHORTEST_LINE = 10
"""Columns that a table needs: fewer would cut names and numbers letter by letter."""


@dataclass(frozen=True)
class Table:
    """A table as data, before it is laid out.

    Attributes
    ----------
    headers, short_headers : tuple of tuple of str
        For every column its header, a str a line; and the same on more and shorter lines.
    right : tuple of bool
        For every column, whether it is aligned right.
    rows : tuple of tuple of str
        Cells.
    short_rows : tuple of tuple of str
        The same cells in fewer characters, for narrow lines.
    n_totals : int
        How many of the last rows are totals of the others.
    title : str
        A line above the table.
    notes : tuple of str
        Sentences below it.
    """

    headers: tuple[tuple[str, ...], ...]
    short_headers: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    short_rows: tuple[tuple[str, ...], ...]
    n_totals: int = 0
    title: str = ""
    notes: tuple[str, ...] = ()


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
        See `nengo_spikecost.report.columns.column_names`.
    si_units : bool
        SI prefixes and separators, or KerasSpiking's plain numbers and headers.
    print_warnings : bool
        See `nengo_spikecost.report.notes.table_notes`.
    break_evens : mapping, optional
        By device, as the columns write it, and layer: see `LayerRow.break_even`.
    """
    parsed = parse_columns(columns)
    rows = layer_rows(workload, estimates) + static_rows(estimates) + host_rows(estimates)
    rows += uncounted_rows(workload, estimates)
    with_host = total_with_host_row(workload, estimates)
    totals = [total_row(workload, estimates), *([with_host] if with_host else [])]
    if break_evens:
        rows, totals = (
            [
                replace(r, break_even={d: b.get(r.name) for d, b in break_evens.items()})
                for r in part
            ]
            for part in (rows, totals)
        )
    cells = {}
    for short in (False, True):
        body = [tuple(c.text(row, si_units, short) for c in parsed) for row in rows]
        for total in totals:
            body.append(tuple(_total_text(c, total, estimates, si_units, short) for c in parsed))
        cells[short] = tuple(body)
    return Table(
        headers=tuple(c.short_header if si_units else (c.header,) for c in parsed),
        short_headers=tuple(_short_header(c, si_units) for c in parsed),
        right=tuple(c.kind != "text" for c in parsed),
        rows=cells[False],
        short_rows=cells[True],
        n_totals=len(totals),
        title=caption(workload),
        notes=tuple(table_notes(workload, estimates, print_warnings)),
    )


def to_text(table: Table, line_length: int = 98) -> str:
    """A table as text, no line longer than ``line_length``.

    Where it does not fit, counts are shortened first (556k for 556,123); where that is not
    enough the table goes on in a second one below, with its first column again. Names are
    never cut.

    Raises
    ------
    EnergyError
        If ``line_length`` is no whole number, or too small for a table to be read.
    """
    if not isinstance(line_length, int) or line_length < SHORTEST_LINE:
        raise EnergyError(
            f"line_length must be a whole number of at least {SHORTEST_LINE}, not {line_length!r}."
        )
    lines: list[str] = [*textwrap.wrap(table.title, line_length)]
    for part in rich_tables(table, line_length):
        console = Console(file=io.StringIO(), width=line_length, color_system=None)
        with console.capture() as capture:
            console.print(part)
        body = [line.rstrip() for line in capture.get().rstrip("\n").split("\n")]
        lines += ["", *body] if lines else body
    for note in table.notes:
        lines += textwrap.wrap(f"* {note}", line_length, subsequent_indent="  ")
    return "\n".join(lines)


def rich_tables(table: Table, line_length: int) -> list[RichTable]:
    """The table as one or more rich tables that fit a line, for a terminal."""
    layout = _fit(table, line_length)
    return [_rich(table, layout, group) for group in layout.groups]


def _short_header(column: Column, si_units: bool) -> tuple[str, ...]:
    if si_units:
        return column.short_header
    if column.device is None:
        return (column.header,)
    device = f"({column.device})"
    return (column.header[: -len(device)].rstrip(), device)


def _total_text(
    column: Column,
    total: LayerRow,
    estimates: Mapping[str, EnergyEstimate],
    si_units: bool,
    short: bool,
) -> str:
    at_least = total.lower_bound or any(e.lower_bound for e in estimates.values())
    if column.key == "name":
        return f"{total.name}, at least" if at_least else total.name
    if column.kind == "text":
        return ""
    text = column.text(total, si_units, short)
    if text == si.MISSING or column.kind in ("rate", "ratio"):
        return text
    if column.device is not None:
        return text  # it says itself where something has no price
    # what could not be counted has no bearing on what is known of the network's size
    certain = column.key in ("params", "neurons", "updates")
    return f">= {text}" if total.lower_bound and not certain else text


@dataclass(frozen=True)
class _Layout:
    """Which headers and cells to show, and which columns in which part of the table."""

    headers: Sequence[tuple[str, ...]]
    rows: Sequence[tuple[str, ...]]
    groups: Sequence[Sequence[int]]


def _fit(table: Table, line_length: int) -> _Layout:
    """The longest form of a table that fits in as few parts as the shortest one."""
    forms = (
        (table.headers, table.rows),
        (table.short_headers, table.rows),
        (table.short_headers, table.short_rows),
    )
    best: tuple[int, int] | None = None
    for headers, rows in reversed(forms):
        widths = [
            max([len(line) for line in header] + [len(row[i]) for row in rows])
            for i, header in enumerate(headers)
        ]
        groups = _split_evenly(widths, line_length)
        widest = max(sum(widths[i] + _GAP for i in group) - _GAP for group in groups)
        misfit = (len(groups), max(0, widest - line_length))
        if best is not None and misfit > best:
            break
        layout, best = _Layout(headers, rows, groups), misfit
    return layout


def _split_evenly(widths: Sequence[int], line_length: int) -> list[list[int]]:
    """As few parts as fit, as even as that number allows."""
    groups = _split(widths, line_length)
    while len(groups) > 1 and line_length > 0:
        line_length -= 1
        narrower = _split(widths, line_length)
        if len(narrower) > len(groups):
            break
        groups = narrower
    return groups


def _split(widths: Sequence[int], line_length: int) -> list[list[int]]:
    """Columns in parts no wider than a line; each part has the first column."""
    groups: list[list[int]] = [[0]]
    used = widths[0]
    for i in range(1, len(widths)):
        if used + _GAP + widths[i] > line_length and len(groups[-1]) > 1:
            groups.append([0])
            used = widths[0]
        groups[-1].append(i)
        used += _GAP + widths[i]
    return groups


def _rich(table: Table, layout: _Layout, group: Sequence[int]) -> RichTable:
    rich = RichTable(box=_RULES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    rich.show_footer = table.n_totals > 0
    n_body = len(layout.rows) - table.n_totals
    height = max(len(layout.headers[i]) for i in group)
    for i in group:
        header = layout.headers[i]
        rich.add_column(
            # Text, not markup: a layer may be called "[conv]".
            header=Text("\n".join((*[""] * (height - len(header)), *header))),
            footer=Text("\n".join(row[i] for row in layout.rows[n_body:]), style="bold"),
            justify="right" if table.right[i] else "left",
            header_style="bold",
            overflow="fold",
            no_wrap=i != group[0],
        )
    for row in layout.rows[:n_body]:
        rich.add_row(*(Text(row[i]) for i in group))
    return rich
