"""The scale of one layer, bracketed between a scale too low and one too high.

1. The first scale comes from the curve of the neurons, on ReLU activations.
2. While only one side is known, the scale moves by the factor that the curve asks for, or as if
   rates were proportional to scales, at most tenfold.
3. Between a scale too low and one too high, the next is interpolated, on logarithms of both. It
   stays away from the ends; and if the same end has moved twice, it is the middle.
4. A layer is stuck, and keeps its best scale, if a larger one hardly gives more (its neurons fire
   as often as they can), or if the bracket is narrower than noise (its rate jumps).

Newton's method would need a slope: rates are counts of whole spikes, with steps in them, and one
simulation is all that is known of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .curve import LARGEST, SMALLEST, RateCurve

#: A bracket narrower than this factor holds a jump of the rate, not the target.
_NARROW = 1.02

#: A scale raised by this factor in all, with so little more rate: a ceiling. The last is a share
#: of what it would gain in proportion, of logarithms.
_RAISED, _GAINED = 3.0, 0.15

#: A silent layer stays silent if even so much larger a scale does not wake it.
_SILENT = 1e3

#: Share of a ceiling that is taken where a target lies above it.
_NEARLY = 0.9

#: The farthest step without a bracket.
_LEAST, _MOST = 0.1, 10.0


@dataclass(frozen=True)
class _Point:
    scale: float
    rate_hz: float


class LayerSearch:
    """Bounds and measurements of one layer while the scales of all are tuned.

    Parameters
    ----------
    target_hz : float
    curve : RateCurve or None
        Its expected rate at each scale, for a first guess and for the first steps.

    Attributes
    ----------
    stuck : str
        Why no other scale is tried; empty while there is hope.
    """

    def __init__(self, target_hz: float, curve: RateCurve | None):
        self.target_hz, self._curve = target_hz, curve
        self.forget()

    def forget(self) -> None:
        """Drop all measurements: the input of the layer has changed."""
        self._low: _Point | None = None
        self._high: _Point | None = None
        self._raised: list[_Point] = []
        self._same_side = 0
        self.stuck = ""

    def first_scale(self) -> float:
        """The scale to begin with, from the curve of the neurons."""
        if self._curve is None:
            return 1.0
        scale = self._curve.scale(self.target_hz)
        if scale is not None:
            return scale
        # above what these neurons can do, take most of it; below it, hardly more than the least
        most, least = self._curve.rate(LARGEST), self._curve.rate(SMALLEST)
        nearest = _NEARLY * most if most < self.target_hz else least / _NEARLY
        return self._curve.scale(nearest) or 1.0

    def next_scale(self, scale: float, rate_hz: float) -> float:
        """Another scale, or the same if no other is better.

        Parameters
        ----------
        scale, rate_hz : float
            The last measurement, outside the tolerance.
        """
        point = _Point(scale, rate_hz)
        ceiling = self._curve.rate(LARGEST) if self._curve and self._curve.share else np.inf
        if ceiling < self.target_hz:
            self.stuck = f"its neurons fire at {ceiling:.4g} Hz at most"
            return scale
        before = self._low if rate_hz < self.target_hz else self._high
        self._same_side = self._same_side + 1 if before else 0
        if rate_hz < self.target_hz:
            self._low = point
            self._raised.append(point)
        else:
            self._high, self._raised = point, []
        if self._low and self._high and self._low.scale >= self._high.scale:
            # the rate went the other way, by noise or by an input that has moved a little
            self._low, self._high = (point, None) if point is self._low else (None, point)
        if self._low and self._high:
            return self._between(self._low, self._high)
        return self._beyond(point)

    def _between(self, low: _Point, high: _Point) -> float:
        if high.scale / low.scale < _NARROW:
            self.stuck = f"its rate jumps from {low.rate_hz:.4g} to {high.rate_hz:.4g} Hz"
            nearer = abs(low.rate_hz - self.target_hz) < abs(high.rate_hz - self.target_hz)
            return (low if nearer else high).scale
        least = self.target_hz * 1e-3
        a, b = math.log(max(low.rate_hz, least)), math.log(high.rate_hz)
        share = (math.log(self.target_hz) - a) / (b - a) if b > a else 0.5
        if self._same_side > 1:
            share = 0.5  # the other end is far off the curve
        return low.scale * (high.scale / low.scale) ** min(max(share, 0.15), 0.85)

    def _beyond(self, point: _Point) -> float:
        factor = self._factor(point)
        if len(self._raised) > 1 and _gain(*self._raised[-2:]) < _GAINED:
            factor = max(factor, _RAISED)  # a ceiling, or a step of the curve: look farther
        for first in self._raised[:-1]:
            if point.scale / first.scale >= _RAISED and _gain(first, point) < _GAINED:
                return self._at_ceiling(first, point)
        scale = min(max(point.scale * factor, SMALLEST), LARGEST)
        if scale == point.scale:
            self.stuck = f"no scale changes its rate of {point.rate_hz:.4g} Hz"
        return scale

    def _at_ceiling(self, first: _Point, last: _Point) -> float:
        """Go back to the smaller scale: the larger one gave hardly more."""
        self.stuck = (
            f"its rate hardly rises above {first.rate_hz:.4g} Hz: a scale "
            f"{last.scale / first.scale:.2g} times as large gave {last.rate_hz:.4g} Hz"
        )
        if not last.rate_hz:
            self.stuck = "it stays silent"
        return first.scale

    def _factor(self, point: _Point) -> float:
        """By the neurons' curve if it has both rates, or else as if rates were proportional."""
        rising = point.rate_hz < self.target_hz
        here = self._curve.scale(point.rate_hz) if self._curve and point.rate_hz else None
        there = self._curve.scale(self.target_hz) if self._curve else None
        if here and there:
            factor = there / here
        else:
            factor = self.target_hz / point.rate_hz if point.rate_hz else _MOST
        # across a step of the curve it may not even know the direction
        factor = max(factor, 1.05) if rising else min(factor, 1 / 1.05)
        return min(max(factor, _LEAST), _MOST)


def _gain(first: _Point, last: _Point) -> float:
    """How much of a higher scale is seen in the rate: 1 if rates are proportional."""
    if not first.rate_hz:
        # from silence to anything is all that a scale can do
        return 1.0 if last.rate_hz or last.scale < _SILENT * first.scale else 0.0
    return math.log(last.rate_hz / first.rate_hz) / math.log(last.scale / first.scale)
