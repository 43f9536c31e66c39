"""A number with what it is at least and at most, and tables that are read at whole numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...errors import EnergyError
from ...layout.si import si
from ..device import Constant

TELLING = 10.0
"""How many times its low end the high end of a time of steps is at most, to be called predicted."""


@dataclass(frozen=True)
class Range:
    """A number with all constants as they are, and with all of them low and high.

    Attributes
    ----------
    low, high : float
    nominal : float
        NaN if it is not predicted: only the ends are known.
    """

    low: float
    nominal: float
    high: float

    def __iter__(self) -> Iterator[float]:
        return iter((self.low, self.nominal, self.high))

    @property
    def predicted(self) -> bool:
        """Whether there is a nominal value."""
        return not math.isnan(self.nominal)

    @property
    def telling(self) -> bool:
        """Whether its ends are at most `TELLING` apart, so that a value between says something."""
        return self.high <= TELLING * self.low

    def unless_too_wide(self) -> Range:
        """The range, not predicted if it is not `telling`."""
        return self if self.telling else replace(self, nominal=math.nan)

    def text(self, unit: str) -> str:
        """The nominal value; the ends where it is not predicted."""
        if self.predicted:
            return si(self.nominal, unit)
        return f"{si(self.low, unit)} to {si(self.high, unit)}"


READINGS = ("steps", "line")
"""How a table is read between its points: as the point below, or on a straight line."""


@dataclass(frozen=True)
class Table:
    """Seconds by a number of tiles or chips.

    Between two points a value is at least that of the point below and at most that of the point
    above, whatever lies between. Beyond the last point a line goes on, and a table of steps
    stays as it is; before the first it has the first's value.

    Attributes
    ----------
    points : tuple of (int, Constant)
        In rising order.
    reading : {"steps", "line"}
        What a value between two points is taken for.
    """

    points: tuple[tuple[int, Constant], ...]
    reading: str = "steps"

    def __post_init__(self) -> None:
        if self.reading not in READINGS:
            known = " or ".join(READINGS)
            raise EnergyError(f"A table is read as {known}, not as {self.reading!r}.")
        places = [place for place, _ in self.points]
        values = [constant.value for _, constant in self.points]
        if not places or sorted(set(places)) != places or sorted(values) != values:
            raise EnergyError("A table needs points in rising order, with values that do not fall.")

    def at(self, place: int, level: str) -> float:
        """The value at a place; ``level`` is one of `nengo_spikecost.energy.device.LEVELS`."""
        below = [point for point in self.points if point[0] <= place] or [self.points[0]]
        above = [point for point in self.points if point[0] >= place]
        (first, lower), (last, upper) = below[-1], above[0] if above else below[-1]
        if level == "low":
            return lower.lowest
        if not above:
            return self._beyond(place, level)
        if level == "high":
            return upper.highest
        if self.reading == "steps" or last <= first:
            return lower.value
        return lower.value + (upper.value - lower.value) * (place - first) / (last - first)

    def _beyond(self, place: int, level: str) -> float:
        """After the last point."""
        ends = [constant.at(level).value for _, constant in self.points]
        if self.reading == "steps" or len(ends) < 2:
            return ends[-1]
        slope = (ends[-1] - ends[-2]) / (self.points[-1][0] - self.points[-2][0])
        return ends[-1] + max(slope, 0.0) * (place - self.points[-1][0])

    def named(self) -> dict[str, Constant]:
        """The constants by their places, as text."""
        return {str(place): constant for place, constant in self.points}

    def widened(self, below: float, above: float) -> Table:
        """The table with a range of such shares of each value, where points have none."""
        points = tuple((place, widened(constant, below, above)) for place, constant in self.points)
        return replace(self, points=points)


def widened(constant: Constant, below: float, above: float) -> Constant:
    """A constant with a range of such shares of its value, unless it has one."""
    if not (below or above) or constant.low is not None or constant.high is not None:
        return constant
    value = constant.value
    return replace(constant, low=value * (1 - below), high=value * (1 + above))
