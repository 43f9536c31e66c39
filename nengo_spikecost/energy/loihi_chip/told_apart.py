"""How often two networks have to run on a board until it tells rightly which takes less energy.

Of a run a board reads a power; times are measured far better. So an energy per inference is read as
``T * (P + b + e)`` with the network's latency ``T``, and ``b`` and ``e`` as in `measurability`. The
means of ``R`` runs of each are in their true order, with confidence ``c``, if ::

    B * (Ta + Tb) + t * s * sqrt(Ta**2 + Tb**2) / sqrt(R)  <=  |Ea - Eb|

with Student's quantile ``t`` of ``c``: errors to one side alone change the order. Where readings of
both are known to be off by the same, ``B * |Ta - Tb|`` is left of the first term. Runs of both by
turns keep what drifts slowly out of the difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ... import check
from ...errors import EnergyError
from ...layout import Result
from ...layout.si import si
from ...words import counted
from .boundaries import checked_boundary
from .chip_profile import Board
from .cost import ChipCost
from .measurability import MAX_RUNS, NO_LONGER, fewest_runs
from .ranges import Range


@dataclass(frozen=True)
class ToldApart(Result):
    """How often two networks have to run until the board tells which takes less.

    Attributes
    ----------
    boundary, board : str
    amounts : tuple of (Range, Range)
        Of the two, as predicted: energies of an inference in J, or powers in W of networks that run
        on.
    unit : {"J", "W"}
    confidence : float
        That the means of all runs are in their true order.
    presentations : tuple of (int, int)
        In one run of each.
    runs : int or None
        Of each; None: no number of them will do, up to `MAX_RUNS`.
    deviation, offset : float
        Of the difference of a run of each, in that unit: its standard deviation, and what it is off
        by in all runs alike.
    host_does_more : bool
        Whether steps of one of them may take longer, by what a host does besides: all this holds
        only if they take no longer, since the one that takes less may be the other.
    """

    boundary: str
    board: str
    amounts: tuple[Range, Range]
    unit: str
    confidence: float
    presentations: tuple[int, int]
    runs: int | None
    deviation: float
    offset: float
    host_does_more: bool = False

    @property
    def difference(self) -> float:
        """Of the second and the first, as predicted: above 0 if the first takes less."""
        return self.amounts[1].nominal - self.amounts[0].nominal

    @property
    def can_be_told(self) -> bool:
        """Whether any number of runs will do."""
        return self.runs is not None

    def sentence(self) -> str:
        """Both amounts, and the runs of each, or that none will do and why."""
        first, second = (si(amount.nominal, self.unit) for amount in self.amounts)
        longer = f", {NO_LONGER}" * self.host_does_more
        words = f"{self.boundary} of {first} and {second} on {self.board}{longer}"
        if self.runs is not None:
            long = " and ".join(f"{n:,}" for n in self.presentations)
            return (
                f"{words}: told apart at {self.confidence:.0%} confidence by "
                f"{counted(self.runs, 'run')} of each, of {long} presentations"
            )
        return f"{words}: told apart by no number of runs ({self._why_none()})"

    def _why_none(self) -> str:
        if not self.difference:
            return "they take the same"
        if self.offset >= abs(self.difference):
            return f"the difference may be off by {si(self.offset, self.unit)} in all runs alike"
        deviation = si(self.deviation, self.unit)
        return f"more than {MAX_RUNS:,} are needed, as differences of runs differ by {deviation}"


def told_apart(
    first: ChipCost, second: ChipCost, boundary: str = "core dynamic", *,
    board: str | Board | None = None, confidence: float = 0.95, same_offset: bool = False,
) -> ToldApart:  # fmt: skip
    """How often a board has to run two networks until it tells rightly which takes less energy.

    Parameters
    ----------
    first, second : ChipCost
    boundary : {"core dynamic", "total dynamic", "used cores", "chip", "board"}
        Whose energy is compared.
    board : str or Board, optional
        Default: that of ``first``.
    confidence : float
        That the means of all runs are in their true order, if energies are those predicted.
    same_offset : bool
        Whether readings of both are known to be off by the same power, as where one idle power is
        subtracted from both.

    Raises
    ------
    EnergyError
        As `ChipCost.measurability`; or if one of the networks runs on and the other has inferences.
    """
    from scipy.stats import t as student  # half a second's import

    if not 0 < check.share("confidence", confidence, EnergyError) < 1:
        raise EnergyError(f"confidence must be above 0 and below 1, not {confidence!r}.")
    check.flag("same_offset", same_offset, EnergyError)
    checked_boundary(boundary)
    costs = [
        check.kind("a cost", one, ChipCost, EnergyError, "a ChipCost") for one in (first, second)
    ]
    board = first.board if board is None else board
    costs = [cost.on(board) for cost in costs]
    # refuses boards without repeats, and times that are not known
    one, two = (cost.measurability(boundary) for cost in costs)
    runs_on = first.work.runs_on
    if runs_on != second.work.runs_on:
        raise EnergyError(
            "One of the networks runs on, and has a power; the other has inferences, and an energy "
            "of each: compare two of a kind."
        )
    amounts = [c.running_W(boundary) if runs_on else c.energy_J(boundary) for c in costs]
    times_s = [1.0 if runs_on else cost.latency_s.nominal for cost in costs]
    deviation = one.between_runs_W * math.hypot(*times_s)
    alike_s = abs(times_s[0] - times_s[1]) if same_offset else sum(times_s)
    offset = one.offset_W * alike_s
    left = abs(amounts[1].nominal - amounts[0].nominal) - offset
    runs = None
    if left > 0:
        runs = fewest_runs(float(student.ppf(confidence, one.degrees)), deviation, left)
    return ToldApart(
        boundary, one.board, (amounts[0], amounts[1]), "W" if runs_on else "J", float(confidence),
        (one.presentations, two.presentations), runs, deviation, offset,
        any(cost.host_does_more for cost in costs),
    )  # fmt: skip
