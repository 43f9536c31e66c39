"""Summaries as text: lines wrapped, and tables laid out to fit a line."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from .. import check
from ..errors import EnergyError
from .column_widths import GAP, Layout, evened, fit
from .table import Table
from .verdict import PYTHON, Verdict

# Plain ASCII rules: the text may go to any terminal, log or file.
_RULES = box.Box("    \n    \n -- \n    \n -- \n -- \n    \n    \n", ascii=True)
_FILLER = "\0"
_CONTINUED = " \\"

# A number is not parted from its unit: in place of the blank stands a character that is no blank.
_UNPARTED = "\1"
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:[pnumk]?J|[num]?s|k?Hz|[num]?W|nm|%|[kMG]?B)(?![\w/]))")

#: Between two commands, the second of which is run if the first went well.
_THEN = " && "

_FLAG_AND_VALUE = re.compile(r"(?<!\S)(--?[a-z][\w-]*) (?=[^-&\s])")

SHORTEST_LINE = 10
"""Columns that a table needs: fewer would cut names and numbers letter by letter."""


def to_text(parts: Table | Iterable[str | Table | Verdict], line_length: int = 80) -> str:
    """Lines of text and tables, one below the other, no line longer than ``line_length``.

    Where a table does not fit, counts are shortened first (556k for 556,123), then names are
    wrapped between words; where that is not enough the table goes on in a second one below, with
    its first column again. Columns in which no cell says anything are left out.

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
    indent = max((len(about) for about, *_ in rows), default=0) + GAP
    if indent > line_length // 3:
        indent = GAP
    lines = []
    for about, sentence, command in rows:
        text = f"{about.ljust(indent - 1)} {sentence}"
        lines += _lines(text, line_length, " " * indent)
        lines += _command_lines(command, line_length, indent)
    return "\n".join(lines)


def _command_lines(command: str, line_length: int, indent: int) -> list[str]:
    """A command that can be copied as it stands.

    A shell reads on behind a backslash or ``&&``, and Python within parentheses. A flag and its
    value stay on one line.
    """
    continued = "" if command.startswith(PYTHON) else _CONTINUED
    inner = max(SHORTEST_LINE, line_length - indent - len(_CONTINUED))
    commands = command.split(_THEN)
    lines = []
    for number, one in enumerate(commands):
        parts = textwrap.wrap(
            _FLAG_AND_VALUE.sub(rf"\1{_FILLER}", one), inner, subsequent_indent="  ",
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
        last = _THEN.rstrip() if number + 1 < len(commands) else ""
        ends = [continued] * (len(parts) - 1) + [last]
        lines += [" " * indent + part.replace(_FILLER, " ") + end for part, end in zip(parts, ends)]
    return lines


def _wrapped(line: str, line_length: int) -> str:
    indent = "  " if line.startswith("* ") else ""
    return "\n".join(_lines(line, line_length, indent))


def _lines(text: str, line_length: int, indent: str = "") -> list[str]:
    """Lines of text, all but the first of them indented; a number and its unit stay together.

    Characters may be two columns wide.
    """
    if cell_len(text) > len(text):
        # textwrap counts characters: each wide one gets another, which is taken away again
        text = "".join(c + _FILLER * (cell_len(c) - 1) for c in text)
        line_length -= 1  # a line may end between the two
    text = _BEFORE_UNIT.sub(_UNPARTED, text)
    wrapped = textwrap.wrap(text, line_length, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace(_FILLER, "").replace(_UNPARTED, " ") for line in wrapped]


def _table_text(table: Table, line_length: int) -> str:
    lines = _lines(table.title, line_length)
    for part in rich_tables(table, line_length):
        console = Console(file=io.StringIO(), width=line_length, color_system=None)
        with console.capture() as capture:
            console.print(part)
        body = [line.rstrip() for line in capture.get().rstrip("\n").split("\n")]
        lines += ["", *body] if lines else body
    for note in table.notes:
        lines += _lines(f"* {note}", line_length, "  ")
    return "\n".join(lines)


def rich_tables(table: Table, line_length: int) -> list[RichTable]:
    """The table as one or more rich tables that fit a line, for a terminal."""
    table = _with_section_rows(table.without_empty_columns())
    layout = fit(table, line_length)
    return [_rich(table, layout, group) for group in layout.groups]


def _with_section_rows(table: Table) -> Table:
    """The heading of each section in a row of its own, in the first column."""
    empty = ("",) * (len(table.headers) - 1)
    bodies: list[list[tuple[str, ...]]] = [[], []]
    sections = {}
    for n, rows in enumerate(zip(table.rows, table.short_rows)):
        if n in table.sections:
            sections[len(bodies[0])] = table.sections[n]
        for body, row in zip(bodies, rows):
            if n in table.sections:
                body.append((table.sections[n], *empty))
            body.append(row)
    long, short = (tuple(body) for body in bodies)
    return replace(table, rows=long, short_rows=short, sections=sections)


def _rich(table: Table, layout: Layout, group: Sequence[int]) -> RichTable:
    rich = RichTable(box=_RULES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    rich.show_footer = table.n_totals > 0
    n_body = len(layout.rows) - table.n_totals
    height = max(len(layout.headers[i]) for i in group)
    totals = [evened([row[i] for i in group]) for row in layout.rows[n_body:]]
    for place, i in enumerate(group):
        header = layout.headers[i]
        rich.add_column(
            # Text, not markup: a layer may be called "[conv]".
            header=Text("\n".join((*[""] * (height - len(header)), *header))),
            footer=Text("\n".join(row[place] for row in totals), style="bold"),
            justify="right" if table.right[i] else "left",
            header_style="bold",
            no_wrap=True,
            width=layout.widths[i],
        )
    for number, row in enumerate(layout.rows[:n_body]):
        heading = number in table.sections
        if heading and number:
            rich.add_section()
        rich.add_row(*(Text(row[i], style="bold" if heading else "") for i in group))
    return rich
