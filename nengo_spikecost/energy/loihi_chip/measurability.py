"""How often a network has to run on a board until its power is measured to within an error.

A board's probe gives power while a network runs; the dynamic part is that less a power of rest. Of
one run it reads ``P + b + e + w``:

* ``b`` is an offset that is the same in every run, of at most ``B``: what is subtracted, or how the
  probe is set, is off. No repetition takes it away.
* ``e`` is another error in every run, of standard deviation ``s``: it is what repeats differ by.
* ``w`` is the noise of single readings, which falls with the length of the run. A run needs only
  so many presentations that it is small beside ``e``: beyond that, more runs help, longer ones not.

The mean of ``R`` runs is within a share ``r`` of ``P``, with confidence ``c``, whatever the offset
up to ``B``, if ::

    B + t * s / sqrt(R)  <=  r * P

``s`` is known of a few published repeats only. So ``t`` is Student's quantile with as many degrees
of freedom as these repeats leave, and not that of a normal distribution. Without an offset errors
to both sides count, and ``t`` is that of ``(1 + c) / 2``; with a large one only those to its side,
and ``t`` is that of ``c``; in between `quantile` solves for it. So ``R`` runs reach the confidence,
and one less does not. If ``B`` alone is more than ``r * P``, no number of runs will do; nor will
one above `MAX_RUNS`. Times are measured far better than powers, so the same holds for energies.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ... import check
from ...errors import EnergyError
from ...layout.si import si
from ...words import counted, in_words
from ..device import Constant
from .boundaries import BOUNDARIES
from .ranges import Range

#: A run is long enough if noise of single readings is this share of what runs differ by, squared.
NEGLIGIBLE = 0.1

#: More runs than these, two weeks of one a second, nobody makes.
MAX_RUNS = 1_000_000

#: Of what holds for the least that a step takes, where a host does more than is counted.
NO_LONGER = "if steps take no longer"


@dataclass(frozen=True)
class BoardNoise:
    """How well a board's power can be read, from published repeats.

    Attributes
    ----------
    boundaries : tuple of str
        What the board reads: some of `BOUNDARIES`.
    between_runs : Constant in W
        Standard deviation of the power of runs of one network.
    degrees : int
        Degrees of freedom that it was computed with.
    offsets : mapping from boundary to Constant in W
        By how much readings within it are off at most, in all runs alike. Of what has no entry no
        offset is known.
    within_run : Constant in W, optional
        Standard deviation of single readings in a run. Default: not known.
    interval : Constant in s, optional
        Time between these.
    run : Constant in s, optional
        Length of the runs that were published; shorter ones may differ more.
    run_steps : int, optional
        The same in steps, where their time is not known.
    """

    boundaries: tuple[str, ...]
    between_runs: Constant
    degrees: int
    offsets: Mapping[str, Constant] = field(default_factory=dict, repr=False)
    within_run: Constant | None = None
    interval: Constant | None = None
    run: Constant | None = None
    run_steps: int | None = None

    def __post_init__(self) -> None:
        if not check.is_whole(self.degrees, 1):
            raise EnergyError(
                f"degrees must be a whole number from 1, not {self.degrees!r}: how many "
                "repeats there were, less one for each network."
            )
        for name in (*self.boundaries, *self.offsets):
            check.choice("a boundary", name, BOUNDARIES, EnergyError, quoted=True)
        if not self.boundaries or not set(self.offsets) <= set(self.boundaries):
            raise EnergyError("boundaries must name what the board reads, at least one.")
        if not self.between_runs.value:
            raise EnergyError("between_runs must be above 0.")
        if (self.within_run is None) != (self.interval is None):
            raise EnergyError("within_run and interval go together: give both, or none.")

    def check_reads(self, boundary: str, board: str) -> None:
        """Raise an `EnergyError` unless the board of that name reads a boundary.

        Parameters
        ----------
        boundary : str
            One of those of `ChipCost.boundaries`.
        board : str
            Its name, for the message.
        """
        if boundary not in self.boundaries:
            raise EnergyError(
                f"boundary {boundary!r} is not read on {board}; there are "
                f"{', '.join(map(repr, self.boundaries))}."
            )

    def offset_W(self, boundary: str) -> float:
        """By how much readings within a boundary are off at most, in all runs alike.

        Parameters
        ----------
        boundary : str
            One of those of `ChipCost.boundaries`.

        Returns
        -------
        float
            In W; 0 where no offset is known.
        """
        offset = self.offsets.get(boundary)
        return 0.0 if offset is None else offset.value

    def presentations(self, n_steps: int, latency_s: float) -> int:
        """Presentations after which a run is long enough.

        Parameters
        ----------
        n_steps : int
            Steps of a presentation.
        latency_s : float
            Its time in s.
        """
        needed = [1]
        if self.run_steps is not None:
            needed.append(-(-self.run_steps // n_steps))
        seconds = [] if self.run is None else [self.run.value]
        if self.within_run is not None and self.interval is not None:
            ratio = (self.within_run.value / self.between_runs.value) ** 2
            seconds.append(ratio * self.interval.value / NEGLIGIBLE)
        needed += [math.ceil(s / latency_s * (1 - 1e-12)) for s in seconds if latency_s]
        return max(needed)


@dataclass(frozen=True)
class Measurability:
    """How often a network has to run until a power is measured well enough.

    Attributes
    ----------
    boundary, board : str
    power_W : Range
        The power that is to be measured, as it is predicted.
    error : float
        Share of it that the mean of all runs may be off by.
    confidence : float
    presentations : int
        In one run: then noise of single readings is small beside what runs differ by.
    runs : int or None
        None: no number of runs will do, up to `MAX_RUNS`.
    runs_at_low : int or None
        If the power is at the low end of its range.
    between_runs_W, offset_W : float
        Of the board: standard deviation of a run, and error of all runs alike.
    quantile : float
        Student's, for that confidence: see `quantile`.
    degrees : int
        Its degrees of freedom.
    host_does_more : bool
        Whether steps may take longer, by what a host does besides: the power is then another, of
        the cores less, and all this holds only if they take no longer.
    """

    boundary: str
    board: str
    power_W: Range
    error: float
    confidence: float
    presentations: int
    runs: int | None
    runs_at_low: int | None
    between_runs_W: float
    offset_W: float
    quantile: float
    degrees: int
    host_does_more: bool = False

    @property
    def can_be_measured(self) -> bool:
        """Whether any number of runs will do."""
        return self.runs is not None

    def error_after(self, runs: int) -> float:
        """Share of the power that the mean of so many runs is off by, at that confidence.

        Parameters
        ----------
        runs : int
            At least 1.

        Returns
        -------
        float
            Infinite if there is no power to measure.

        Raises
        ------
        EnergyError
            If ``runs`` is no whole number of at least 1.
        """
        check.whole("runs", runs, EnergyError, 1)
        if not self.power_W.nominal:
            return math.inf
        deviation_W = self.between_runs_W / math.sqrt(runs)
        left_W = margin(self.confidence, self.degrees, self.offset_W / deviation_W) * deviation_W
        return (self.offset_W + left_W) / self.power_W.nominal

    def sentence(self) -> str:
        """Runs and presentations, or that none will do and why."""
        return f"{NO_LONGER}, " * self.host_does_more + sentence_of([self])

    def _power(self) -> str:
        return f"{self.boundary} {si(self.power_W.nominal, 'W')}"

    def _runs(self) -> str:
        if self.runs is None:
            return f"never, however often it runs ({self._why_none()})"
        presentations = counted(self.presentations, "presentation")
        return f"in {counted(self.runs, 'run')} of {presentations}"

    def _why_none(self) -> str:
        if not self.power_W.nominal:
            return "there is nothing to measure"
        if self.offset_W >= self.error * self.power_W.nominal:
            return f"readings may be off by {si(self.offset_W, 'W')}"
        differ = si(self.between_runs_W, "W")
        return f"more than {MAX_RUNS:,} runs are needed, as runs differ by {differ}"


def sentence_of(found: Sequence[Measurability]) -> str:
    """Several powers, those that need the same runs together."""
    together = itertools.groupby(found, Measurability._runs)
    parts = ((in_words([one._power() for one in same]), runs) for runs, same in together)
    return "; ".join(f"{powers} {runs}" for powers, runs in parts)


def quantile(confidence: float, degrees: int, offset: float = 0.0) -> float:
    """Least ``t`` with ``F(t) + F(t * (1 + 2 * offset)) - 1 = confidence``, of Student's ``F``.

    ``offset`` is that of the readings, as a share of what it leaves of the error.
    """
    return _least(confidence, degrees, lambda t: t * (1 + 2 * offset))


def margin(confidence: float, degrees: int, offset: float) -> float:
    """What the error is above the offset, both in standard deviations of the mean; from 0 on."""
    return _least(confidence, degrees, lambda t: t + 2 * offset)


def _least(confidence: float, degrees: int, other: Callable[[float], float]) -> float:
    """Least ``t`` from 0 on, so that Student's is from ``-other(t)`` to ``t`` at that confidence.

    ``other(t)`` is ``t`` or more: so it lies between the quantiles of one side and of both.
    """
    from scipy.optimize import brentq
    from scipy.stats import t as student  # half a second's import

    both = float(student.ppf((1 + confidence) / 2, degrees))
    one = max(0.0, float(student.ppf(confidence, degrees)))

    def excess(t: float) -> float:
        inside = student.cdf(t, degrees) - student.sf(other(t), degrees)
        return float(inside) - confidence

    if other(both) <= both or excess(both) <= 0:
        return both
    return one if excess(one) >= 0 else float(brentq(excess, one, both))


def runs_needed(
    power_W: float, error: float, between_runs_W: float, offset_W: float, confidence: float,
    degrees: int,
) -> int | None:  # fmt: skip
    """Fewest runs whose mean is within the error; None if no number of up to `MAX_RUNS` is."""
    left_W = error * power_W - offset_W
    if left_W <= 0:
        return None
    return fewest_runs(quantile(confidence, degrees, offset_W / left_W), between_runs_W, left_W)


def fewest_runs(quantile: float, deviation: float, left: float) -> int | None:
    """Runs whose mean is off by no more than what is left; None if above `MAX_RUNS`."""
    if quantile * deviation > left * math.sqrt(MAX_RUNS):
        return None
    return max(1, math.ceil((max(quantile, 0.0) * deviation / left) ** 2 * (1 - 1e-12)))


def measurability(
    noise: BoardNoise, board: str, boundary: str, power_W: Range, n_steps: int, latency_s: float, *,
    error: float, confidence: float, host_does_more: bool = False,
) -> Measurability:  # fmt: skip
    """How often a network has to run; the arguments are those of `Measurability`.

    Raises
    ------
    EnergyError
        If the board does not read that boundary, or error or confidence are no shares above 0 and
        below 1.
    """
    for name, value in (("error", error), ("confidence", confidence)):
        if not 0 < check.share(name, value, EnergyError) < 1:
            raise EnergyError(f"{name} must be above 0 and below 1, not {value!r}.")
    noise.check_reads(boundary, board)
    between_W, offset_W = noise.between_runs.value, noise.offset_W(boundary)
    runs, at_low = (
        runs_needed(watts, error, between_W, offset_W, confidence, noise.degrees)
        for watts in (power_W.nominal, min(power_W))
    )
    left_W = error * power_W.nominal - offset_W
    share = offset_W / left_W if left_W > 0 else 0.0
    return Measurability(
        boundary, board, power_W, float(error), float(confidence),
        noise.presentations(n_steps, latency_s), runs, at_low, between_W, offset_W,
        quantile(confidence, noise.degrees, share), noise.degrees, host_does_more,
    )  # fmt: skip
