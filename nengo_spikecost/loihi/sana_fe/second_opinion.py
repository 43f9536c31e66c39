"""`SanaFeCheck`: our price of a recorded run beside SANA-FE's."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...energy.loihi_chip import ChipCost
from ...layout import Result
from .replay import SanaFeRun
from .sana_fe_export import SanaFeNetwork

#: Which parts of a core's energy belong to which of SANA-FE's.
PARTS = {
    "neurons": ("access", "update", "spike"),
    "synapses": ("synop_dense", "synop_sparse", "synop_conv"),
    "messages": ("message", "axon_event", "hop"),
}


@dataclass(frozen=True)
class Cause:
    """Something that makes SANA-FE's energy differ from ours.

    Attributes
    ----------
    part : str
        One of `PARTS`.
    reason : str
    energy_J : float
        The energy that SANA-FE has more for it.
    """

    part: str
    reason: str
    energy_J: float


@dataclass(frozen=True)
class SanaFeCheck(Result):
    """Energy and time of one recorded sample, ours and SANA-FE's.

    Attributes
    ----------
    cost : ChipCost
        Ours, of all steps, with the time of the cores alone.
    run : SanaFeRun
        SANA-FE's.
    exported : SanaFeNetwork
    ours_J, theirs_J : dict from one of `PARTS` to float
        Core dynamic energy. SANA-FE's messages are those of the host, too.
    causes : tuple of Cause
        The known causes of their differences.
    """

    cost: ChipCost = field(repr=False)
    run: SanaFeRun = field(repr=False)
    exported: SanaFeNetwork = field(repr=False)
    ours_J: dict[str, float]
    theirs_J: dict[str, float]
    causes: tuple[Cause, ...]

    @property
    def total_ours_J(self) -> float:
        """Our energy of all parts."""
        return sum(self.ours_J.values())

    @property
    def total_theirs_J(self) -> float:
        """SANA-FE's energy of all parts."""
        return sum(self.theirs_J.values())

    def unexplained_J(self, part: str) -> float:
        """The difference that is left of a part once its causes are taken away.

        Parameters
        ----------
        part : str
            One of the keys of ``ours_J``.

        Returns
        -------
        float
            SANA-FE's less ours, in J.
        """
        known = sum(cause.energy_J for cause in self.causes if cause.part == part)
        return self.theirs_J[part] - self.ours_J[part] - known

    @property
    def step_ours_s(self) -> float:
        """Mean time of a step, ours."""
        return self.cost.step_s.nominal

    @property
    def step_theirs_s(self) -> float:
        """Mean time of a step, SANA-FE's."""
        return float(self.run.step_s.mean())
