"""``--plot``: a result drawn to a file."""

from __future__ import annotations

import os
from typing import Any, Callable

import click


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
    ending = os.path.splitext(path)[1][1:].lower()
    if ending not in known:
        endings = ", ".join(f".{name}" for name in sorted(known))
        raise click.BadParameter(f"{path!r} must end in one of {endings}")
    return path
