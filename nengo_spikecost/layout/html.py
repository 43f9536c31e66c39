"""Summaries as HTML, for notebooks and pages."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable
from typing import Any

import jinja2
from markupsafe import Markup, escape

from .charts import COLOURS, Chart
from .laid_out import laid_out
from .presenter import Details, Part
from .table import Table
from .verdict import Verdict

_FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")


@functools.cache
def environment() -> jinja2.Environment:
    """The templates of this room; whatever they are given is escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("nengo_spikecost.layout", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["flags_whole"] = flags_whole
    return made


def flags_whole(sentence: str) -> Markup:
    """A sentence, escaped, in which no line ends within a flag, as after the hyphens of --steps."""
    return Markup(
        _FLAG.sub(r'<span style="white-space:nowrap">\g<0></span>', str(escape(sentence)))
    )


def to_html(
    parts: Iterable[Part], details: Iterable[Details] = (), chart: Chart | None = None
) -> str:  # fmt: skip
    """Lines of text and tables, one below the other, a chart, and lists folded away below them.

    Returns
    -------
    str
        A ``<div>``; every name in it is escaped.
    """
    template = environment().get_template("result.html")
    drawn = None if chart is None else laid_out(chart, 0)
    return template.render(
        groups=_groups(parts), details=tuple(details), chart=drawn, colours=COLOURS
    )  # fmt: skip


def fragment(parts: Iterable[Part]) -> Markup:
    """Lines and tables for a page that has a style of its own."""
    macros: Any = environment().get_template("parts.html").module
    return Markup(macros.shown(_groups(parts)))


def _groups(parts: Iterable[Part]) -> list[tuple[str, list[Part]]]:
    slim = (p.without_empty_columns() if isinstance(p, Table) else p for p in parts)
    return [(kind, list(group)) for kind, group in itertools.groupby(slim, _kind)]


def _kind(part: Part) -> str:
    """Parts of one kind that follow each other make one list, or one block of lines."""
    if isinstance(part, Table):
        return "tables"
    if isinstance(part, Verdict):
        return "verdicts"
    return "notes" if part.startswith("* ") else "lines"
