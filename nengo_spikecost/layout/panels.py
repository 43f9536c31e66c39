"""Axes that plots are drawn on, and names on them as they are: ``$x_1`` is no formula."""

from __future__ import annotations

from typing import Any

from ..check import shown
from ..errors import EnergyError


def checked_axes(axes: Any, n_panels: int) -> Any:
    """Axes that a user gave: one as it is, or an array of as many as a plot has panels.

    Raises
    ------
    EnergyError
        If they are no Axes of matplotlib, or not as many.
    """
    import numpy as np
    from matplotlib.axes import Axes

    panels = list(axes.flat) if isinstance(axes, np.ndarray) else axes
    panels = list(panels) if isinstance(panels, (list, tuple)) else [panels]
    if len(panels) != n_panels or not all(isinstance(panel, Axes) for panel in panels):
        call = "pyplot.subplots()" if n_panels == 1 else f"pyplot.subplots(1, {n_panels})"
        expected = "an Axes" if n_panels == 1 else f"{n_panels} Axes"
        raise EnergyError(
            f"axes must be {expected} of matplotlib, as figure, axes = {call} makes them, not "
            f"{shown(axes)}; or leave it out for a new figure."
        )
    if n_panels == 1:
        return panels[0]
    several = np.empty(n_panels, dtype=object)
    several[:] = panels
    return several


def plain_labels(axes: Any) -> None:
    """Keep matplotlib from reading the texts of a plot as formulas, but for numbers on its axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes, or an array of them
    """
    import numpy as np
    from matplotlib.category import StrCategoryFormatter
    from matplotlib.text import Text
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    named = (FixedFormatter, FuncFormatter, StrCategoryFormatter)
    for panel in np.ravel(axes):
        numbers: set[int] = set()
        for axis in (panel.xaxis, panel.yaxis):
            # a tick is made when it is drawn first, or here
            labels = [t for tick in axis.get_major_ticks() for t in (tick.label1, tick.label2)]
            if not isinstance(axis.get_major_formatter(), named):
                numbers |= set(map(id, labels))
        for text in panel.findobj(Text):
            if id(text) not in numbers:
                text.set_parse_math(False)
