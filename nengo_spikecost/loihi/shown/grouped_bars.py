"""Bars side by side in groups, for amounts that do not add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...layout.plots import COLOURS, bare


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
    from matplotlib.ticker import EngFormatter, PercentFormatter

    height = 0.8 / len(series)
    for number, (name, lengths) in enumerate(series.items()):
        places = [k + (number + 0.5) * height - 0.4 for k in range(len(names))]
        colour = COLOURS[number % len(COLOURS)]
        axes.barh(places, list(lengths), height=height, color=colour, label=name)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    formatter = PercentFormatter(1.0) if unit == "%" else EngFormatter(unit)
    axes.xaxis.set_major_formatter(formatter)
    axes.set_xlabel(label)
    # above the axes: in them it would cover the bars of some result or other
    axes.legend(
        fontsize="small", frameon=False, ncol=len(series), loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
    )  # fmt: skip
    bare(axes)
