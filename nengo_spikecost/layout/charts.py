"""Charts as data, before anything draws them: what a page shows of a result in pictures.

Bars and tiles are drawn by the page itself, so that they follow its width, and each says its
number where the mouse or a screen reader stops. Everything else is a `Drawing` of matplotlib's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Union

# of Okabe and Ito's palette, which colour-blind readers can tell apart
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")


@dataclass(frozen=True)
class Bars:
    """Horizontal bars, the first on top, each of parts that add up.

    Attributes
    ----------
    heading : str
    names : tuple of str
        One a bar.
    parts : mapping from str to sequence of float
        By the name of a part, its length in each bar.
    unit : str
        ``"J"``, ``"s"``, or ``""`` for counts.
    scale : {"linear", "share", "log"}
        One axis for all bars; each bar as shares of its own total; or places on a logarithmic
        axis, where a bar has no length and its total is a point.
    ranges : tuple of (float, float)
        For ``"log"``: low and high end of each bar's total.
    note : str
        A sentence below.
    """

    heading: str
    names: tuple[str, ...]
    parts: Mapping[str, Sequence[float]]
    unit: str = ""
    scale: str = "linear"
    ranges: tuple[tuple[float, float], ...] = ()
    note: str = ""

    @property
    def totals(self) -> tuple[float, ...]:
        """Length of each bar."""
        return tuple(map(sum, zip(*self.parts.values())))


@dataclass(frozen=True)
class Tile:
    """One core of a chip.

    Attributes
    ----------
    label : str
        What the mouse shows.
    share : float
        How full it is, 0 to 1.
    group : int
        Number of its layer in the legend; -1: it is not in use.
    """

    label: str
    share: float
    group: int


@dataclass(frozen=True)
class Tiles:
    """Cores as tiles, a chip a block.

    Attributes
    ----------
    heading : str
    chips : mapping from str to sequence of Tile
        By the name of a chip, its cores in rows of `columns`.
    columns : int
    legend : tuple of str
        Names of the groups.
    note : str
    """

    heading: str
    chips: Mapping[str, Sequence[Tile]]
    columns: int
    legend: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Drawing:
    """A plot by matplotlib.

    Attributes
    ----------
    heading : str
    draw : callable
        Draws on Axes, or an array of `panels` of them.
    size : tuple of float
        Width and height in inches.
    panels : int
    description : str
        What the plot shows, for those who can't see it.
    """

    heading: str
    draw: Callable[[Any], Any] = field(repr=False)
    size: tuple[float, float] = (7.6, 4.8)
    panels: int = 1
    description: str = ""


Chart = Union[Bars, Tiles, Drawing]
