"""Summaries as text: lines wrapped, and tables laid out to fit a line."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from .. import check
from ..errors import EnergyError
from .table import Table
from .verdict import Verdict

# Plain ASCII rules: the text may go to any terminal, log or file.
_RULES = box.Box("    \n    \n -- \n    \n -- \n -- \n    \n    \n", ascii=True)
_GAP = 2
_CONTINUED = " \\"

SHORTEST_LINE = 10
"""Columns that a table needs: fewer would cut names and numbers letter by letter."""


def to_text(parts: Table | Iterable[str | Table | Verdict], line_length: int = 98) -> str:
    """Lines of text and tables, one below the other, no line longer than ``line_length``.

    Where a table does not fit, counts are shortened first (556k for 556,123); where that is not
    enough the table goes on in a second one below, with its first column again. Names are
    never cut.

    Raises
    ------
    EnergyError
        If ``line_length`` is no whole number, or too small for a table to be read.
    """
    check.whole("line_length", line_length, EnergyError, SHORTEST_LINE)
    parts = [parts] if isinstance(parts, Table) else parts
    return "\n".join(_part_text(part, line_length) for part in parts)


def _part_text(part: str | Table | Verdict, line_length: int) -> str:
    if isinstance(part, Table):
        return _table_text(part, line_length)
    return (
        _verdict_text(part, line_length)
        if isinstance(part, Verdict)
        else _wrapped(part, line_length)
    )


def _verdict_text(verdict: Verdict, line_length: int) -> str:
    """A line begins with what it is about; those it is wrapped to are indented as far."""
    rows = verdict.rows()
    indent = max((len(about) for about, *_ in rows), default=0) + _GAP
    if indent > line_length // 3:
        indent = _GAP
    lines = []
    for about, sentence, command in rows:
        text = f"{about.ljust(indent - 1)} {sentence}"
        lines.append(
            textwrap.fill(text, line_length, subsequent_indent=" " * indent, break_on_hyphens=False)
        )
        lines += _command_lines(command, line_length, indent)
    return "\n".join(lines)


def _command_lines(command: str, line_length: int, indent: int) -> list[str]:
    """A command that can be copied as it stands: a shell reads on behind a backslash."""
    inner = max(SHORTEST_LINE, line_length - indent - len(_CONTINUED))
    parts = textwrap.wrap(
        command, inner, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )
    ends = [_CONTINUED] * (len(parts) - 1) + [""]
    return [" " * indent + part + end for part, end in zip(parts, ends)]


def _wrapped(line: str, line_length: int) -> str:
    indent = "  " if line.startswith("* ") else ""
    return textwrap.fill(line, line_length, subsequent_indent=indent, break_on_hyphens=False)


def _table_text(table: Table, line_length: int) -> str:
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


@dataclass(frozen=True)
class _Layout:
    """The headers and cells to show, and the columns of each part of the table."""

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
