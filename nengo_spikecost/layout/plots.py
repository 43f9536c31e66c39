"""Colours, bars and files of all plots. matplotlib is imported when one is drawn."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..files import written_whole
from .charts import COLOURS
from .presenter import Presenter
from .result import Result, presenter_of


def si_ticks(unit: str = "", places: int | None = None) -> Any:
    """A formatter of numbers with SI prefixes, as they are printed: u for a millionth.

    Parameters
    ----------
    unit : str
        ``"J"``, ``"s"``, or ``""`` for counts.
    places : int, optional
        Digits behind the point.
    """
    from matplotlib.ticker import EngFormatter

    formatter = EngFormatter(unit, places)
    formatter.ENG_PREFIXES = {**formatter.ENG_PREFIXES, -6: "u"}
    return formatter


def share_ticks(axis: Any) -> None:
    """Ticks of shares of 1 in percent, at steps that their decimals tell exactly."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0))
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def draw_bars(
    axes: Any, names: Sequence[str], series: Mapping[str, Sequence[float]], unit: str, label: str
) -> None:
    """Horizontal bars, the first on top, each of parts that add up.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    names : sequence of str
        One a bar.
    series : mapping from str to sequence of float
        By the name of a part, its length in each bar; one part needs no legend.
    unit : str
        Of the lengths: ``"J"``, ``"s"``, or ``""`` for counts.
    label : str
        Of the axis.
    """
    start = [0.0] * len(names)
    for colour, (part, lengths) in zip(COLOURS, series.items()):
        axes.barh(names, lengths, left=start, color=colour, label=part)
        start = [a + b for a, b in zip(start, lengths)]
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(si_ticks(unit))
    axes.set_xlabel(label)
    if len(series) > 1:
        axes.legend(fontsize="small", frameon=False)
    bare(axes)


def draw_groups(
    axes: Any, names: Sequence[str], series: Mapping[str, Iterable[float]], unit: str, label: str
) -> None:
    """Horizontal bars in groups, the first group on top.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    names : sequence of str
        One a group.
    series : mapping from str to iterable of float
        By the name of a bar, its length in each group.
    unit : str
        Of the lengths: ``"J"``, or ``"%"`` for shares of 1.
    label : str
        Of the axis.
    """
    height = 0.8 / len(series)
    for number, (colour, (name, lengths)) in enumerate(zip(COLOURS, series.items())):
        places = [k + (number + 0.5) * height - 0.4 for k in range(len(names))]
        axes.barh(places, list(lengths), height=height, color=colour, label=name)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    if unit == "%":
        share_ticks(axes.xaxis)
    else:
        axes.xaxis.set_major_formatter(si_ticks(unit))
    axes.set_xlabel(label)
    # above the axes: in them it would cover the bars of some result or other
    axes.legend(
        fontsize="small", frameon=False, ncol=len(series), loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
    )  # fmt: skip
    bare(axes)


def draw_points(
    axes: Any, names: Sequence[str], values: Sequence[float],
    ranges: Sequence[tuple[float, float]], unit: str,
) -> None:  # fmt: skip
    """Points on a logarithmic axis, the first on top, each with a band from low to high.

    They may span decades, and a bar has no length on a logarithmic axis.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    names : sequence of str
    values : sequence of float
        Those that are not positive have a row, and no point; NaN has its band.
    ranges : sequence of (float, float)
    unit : str
    """
    for row, (low, high) in enumerate(ranges):
        low = low or values[row]  # on a logarithmic axis there is no 0
        if not values[row] <= 0 and low > 0:
            axes.plot([low, high], [row, row], color=COLOURS[0], lw=5, alpha=0.35)
    places = [row for row, value in enumerate(values) if value > 0]
    axes.plot([values[row] for row in places], places, "o", color=COLOURS[0])
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(si_ticks(unit))
    axes.grid(axis="y", color="#dddddd", lw=0.7)
    bare(axes)


def say(axes: Any, words: str) -> None:
    """A sentence in the middle of axes on which there is nothing to draw."""
    lines = textwrap.fill(words, 48)
    axes.text(0.5, 0.5, lines, transform=axes.transAxes, ha="center", va="center", zorder=6)


def bare(axes: Any) -> None:
    """Take the frame away but for the two axes."""
    axes.spines[["top", "right"]].set_visible(False)


def bar_size(n_bars: int) -> tuple[float, float]:
    """Width and height in inches with which so many bars can be read."""
    return 7.6, 1.2 + 0.32 * max(3, n_bars)


def save_plot(result: Result, path: str) -> None:
    """Draw a result, without a window, in a file written whole or not at all.

    Parameters
    ----------
    result : Result
    path : str
        Its ending says the format: ``.png``, ``.pdf``, ``.svg``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    presenter: Presenter = presenter_of(result)
    figure = Figure(figsize=presenter.size(result), layout="constrained")
    FigureCanvasAgg(figure)
    result.plot(axes=figure.subplots(1, presenter.panels))
    with written_whole(path) as file:
        figure.savefig(file, dpi=150, format=os.path.splitext(path)[1][1:].lower())
