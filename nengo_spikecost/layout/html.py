"""Summaries as HTML, for notebooks and files."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import jinja2

from .presenter import Details, Part
from .table import Table


def to_html(parts: Iterable[Part], details: Iterable[Details] = ()) -> str:
    """Lines of text and tables, one below the other, and lists folded away below them.

    Returns
    -------
    str
        A ``<div>``; every name in it is escaped.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nengo_spikecost.layout", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    groups = [(kind, list(group)) for kind, group in itertools.groupby(parts, _kind)]
    return environment.get_template("result.html").render(groups=groups, details=tuple(details))


def _kind(part: Part) -> str:
    """Parts of one kind that follow each other make one list, or one block of lines."""
    if isinstance(part, Table):
        return "tables"
    return "notes" if part.startswith("* ") else "lines"
