"""The time that a sweep may take, and how its search and its judge share it."""

from __future__ import annotations

from ...deadlines import Clock
from ...errors import TuningError
from ..sweep_options import SEARCHES, SweepOptions
from .study import Study

JUDGING = 0.25
"""Share of a sweep's time that is left for the judge of its best settings."""


class TimeLimit:
    """The time of a sweep, from now: that of its search, and all of it.

    Parameters
    ----------
    options : SweepOptions
        Of the sweep, ``timeout`` among them.

    Attributes
    ----------
    of_search, of_all : Clock
    """

    def __init__(self, options: SweepOptions):
        self.given = options.timeout
        seconds = options.timeout or float("inf")
        judged = options.judged != "none" and options.simulator == SEARCHES
        self.of_search = Clock(seconds * (1 - JUDGING) if judged else seconds)
        self.of_all = Clock(seconds)

    def n_trials(self, file: Study, wanted: int) -> int:
        """How many settings there shall be: with no time at all, one."""
        return wanted if self.given != 0 else min(wanted, max(1, len(file.trials())))

    def require_trials(self, file: Study) -> None:
        """Raise if the time was over before the first setting was done."""
        if not file.trials():
            raise TuningError(
                f"No setting was done in {self.given:g} s. Give a longer timeout (--timeout) or "
                "fewer samples."
            )
