"""Names in plots as they are: a layer may be called ``$x_1``, which is no formula."""

from __future__ import annotations

from typing import Any


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
