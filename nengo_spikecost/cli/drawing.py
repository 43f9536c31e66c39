"""``--plot``: a result drawn to a file."""

from __future__ import annotations

import os
from typing import Any, Callable

import click

from ..files import written_whole


def plot_option(words: str) -> Callable:
    """The option, with what is drawn."""
    return click.option(
        "--plot", "plot_file", type=click.Path(), metavar="FILE", callback=_drawable,
        help=f"{words} (.png, .pdf, .svg; needs matplotlib).",
    )  # fmt: skip


def _drawable(_: Any, __: Any, path: str | None) -> str | None:
    """Said before the work is done, not after it."""
    if path is None:
        return None
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError:
        raise click.BadParameter("needs matplotlib: pip install matplotlib") from None
    known = FigureCanvasAgg.get_supported_filetypes()
    if _ending(path) not in known:
        endings = ", ".join(f".{ending}" for ending in sorted(known))
        raise click.BadParameter(f"{path!r} must end in one of {endings}")
    return path


def draw(result: Any, path: str, size: tuple[float, float] = (7.6, 4.8)) -> None:
    """What ``result.plot`` draws, without a window, in a file written whole or not at all.

    Parameters
    ----------
    result : Sweep or RateTuning
    path : str
    size : (float, float)
        Width and height in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    result.plot(figure.subplots())
    with written_whole(path) as file:
        figure.savefig(file, dpi=150, format=_ending(path))


def _ending(path: str) -> str:
    return os.path.splitext(path)[1][1:].lower()
