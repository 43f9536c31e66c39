"""`EarlyExitOptions`: when an answer is sure, and how the steps until then are priced."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ... import check
from ...activity.activity_record import READOUTS
from ...energy.loihi_chip import ChipOptions
from ...energy.loihi_chip.boundaries import checked_boundary
from ...errors import MeasurementError
from ...options import Options, of_call

RULES = ("margin", "softmax")


@dataclass(frozen=True)
class EarlyExitOptions(Options):
    """When an answer is sure, and how the steps until then are priced.

    Attributes
    ----------
    rule : {"margin", "softmax"}
        How sure an answer is: the difference of the two largest values that are read, or of the two
        largest after a softmax over them, which is a share from 0 to 1.
    readout : {"mean", "last"}
        What is read after a step: the sum of the output over the steps so far, whose largest value
        is that of the mean; or the output at that step, for outputs behind a filter.
    thresholds : float or sequence of float, optional
        A sample ends at the first step at which its answer is as sure as this. Default: those that
        end ever more samples early, from all of them to none.
    min_step : int, optional
        No sample ends before this step. Default: of a Deployment, the first step in which a spike
        of the input can be read (`nengo_spikecost.loihi.first_steps`), else 1.
    output : str, optional
        Which output; may be left out if there is only one.
    boundary : str
        Of the energy: one of `nengo_spikecost.energy.loihi_chip.BOUNDARIES`.
    confidence : float
        Of the intervals in the result.
    profile, board, host_io
        Constants that the chip's work is priced with: see `nengo_spikecost.loihi.chip_cost`. An
        answer that is looked at after every step needs a host that reads every step. What that
        takes is not known, and is in energies beyond ``"core dynamic"`` only if ``host_io`` is the
        measured time of a step in seconds; ``"host"`` is refused there.
    """

    rule: str = "margin"
    readout: str = "mean"
    thresholds: Any = None
    min_step: int | None = None
    output: str | None = None
    boundary: str = "core dynamic"
    confidence: float = 0.95
    profile: Any = of_call(ChipOptions, "profile")
    board: Any = of_call(ChipOptions, "board")
    host_io: Any = of_call(ChipOptions, "host_io")

    def __post_init__(self) -> None:
        check.choice("rule", self.rule, RULES, MeasurementError)
        check.choice("readout", self.readout, READOUTS, MeasurementError)
        checked_boundary(self.boundary)
        self.chip  # noqa: B018  (its names are checked)
        if self.min_step is not None:
            check.whole("min_step", self.min_step, MeasurementError, 1)
        check.confidence("confidence", self.confidence, MeasurementError)
        if self.thresholds is not None:
            given = self.thresholds if isinstance(self.thresholds, Iterable) else [self.thresholds]
            values = list(given)
            if not values or any(not _is_threshold(value) for value in values):
                raise MeasurementError(
                    "thresholds must be one or more numbers, from 0; infinity ends no sample "
                    f"early. They are {self.thresholds!r}."
                )
            self.put(thresholds=tuple(sorted({float(value) for value in values})))

    @property
    def chip(self) -> ChipOptions:
        """Constants that the chip's work is priced with."""
        return ChipOptions(profile=self.profile, board=self.board, host_io=self.host_io)


def _is_threshold(value: Any) -> bool:
    if isinstance(value, float) and math.isinf(value):
        return value > 0
    return check.is_number(value) and value >= 0
