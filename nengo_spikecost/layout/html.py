"""Summaries as HTML, for notebooks and files."""

from __future__ import annotations

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
    environment.tests["table"] = lambda part: isinstance(part, Table)
    parts = [part for part in parts if part]
    return environment.get_template("result.html").render(parts=parts, details=tuple(details))
