"""A result as one HTML file that can be sent: it needs no network and no other file."""

from __future__ import annotations

from typing import Any

from .. import stack
from ..version import __version__
from .charts import COLOURS
from .html import environment, fragment
from .laid_out import laid_out
from .presenter import Presenter


def to_page(
    result: Any, presenter: Presenter, command: str = "", **options: Any
) -> str:  # fmt: skip
    """The page of a result: verdict, charts, tables, and what was assumed folded away.

    Parameters
    ----------
    result : Result
    presenter : Presenter
        Its own.
    command : str
        That makes the page again.
    **options
        Of the summary.

    Returns
    -------
    str
        A whole document; every name in it is escaped. It follows the reader's light or dark
        theme, fits a phone, and prints.
    """
    charts = [laid_out(chart, n) for n, chart in enumerate(presenter.charts(result))]
    return (
        environment()
        .get_template("page.html")
        .render(
            title=presenter.title(result),
            about=presenter.about(result),
            verdict=presenter.verdict(result),
            charts=charts,
            colours=COLOURS,
            summary=fragment(presenter.summary(result, **options)),
            details=tuple(presenter.details(result, **options)),
            versions=_versions(),
            command=command,
        )
    )


def _versions() -> list[str]:
    report = stack.report()
    own = f"nengo-spikecost {__version__}", f"Python {report.python} on {report.platform}"
    return [*own, *(f"{name} {number}" for name, number in report.versions.items())]
