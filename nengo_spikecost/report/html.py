"""Tables as HTML, for notebooks and files."""

from __future__ import annotations

from collections.abc import Mapping

import jinja2

from ..energy.estimate import EnergyEstimate
from .devices import amount, blocks, constant_name, numbered_sources, range_words
from .table import Table


def to_html(table: Table, estimates: Mapping[str, EnergyEstimate]) -> str:
    """A table, its notes, and the constants of each device with their sources.

    Returns
    -------
    str
        A ``<div>``; every name in it is escaped.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nengo_spikecost.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(amount=amount, range=range_words, words=constant_name)
    devices = blocks(estimate.device for estimate in estimates.values())
    return environment.get_template("layers.html").render(
        table=table,
        body=table.rows[: len(table.rows) - table.n_totals],
        totals=table.rows[len(table.rows) - table.n_totals :],
        devices=devices,
        sources=numbered_sources(devices),
    )
