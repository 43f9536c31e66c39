"""`Per`: whether figures are of an inference, or of a second of a network that runs on."""

from __future__ import annotations

from dataclasses import dataclass

from .si import si


@dataclass(frozen=True)
class Per:
    """What energies and counts are shown per.

    Attributes
    ----------
    seconds : float, optional
        The time that a network which runs on was measured for: it has no inferences, so that
        energies are shown as power, and counts per second. None: per inference.
    """

    seconds: float | None = None

    @property
    def words(self) -> str:
        """``"per inference"``, or ``"per second"``."""
        return "per inference" if self.seconds is None else "per second"

    @property
    def quantity(self) -> str:
        """``"Energy per inference"``, or ``"Power"``: a heading, or the label of an axis."""
        return "Energy per inference" if self.seconds is None else "Power"

    @property
    def unit(self) -> str:
        """Of energies as they are shown."""
        return "J" if self.seconds is None else "W"

    def of(self, amount: float) -> float:
        """An energy or a count of all that was measured, as it is shown."""
        return amount if self.seconds is None else amount / self.seconds

    def energy(self, energy_J: float) -> str:
        """An energy as text: ``"12.3 uJ"``, or of a network that runs on ``"1.23 mW"``."""
        return si(self.of(energy_J), self.unit)


INFERENCE = Per()
"""Of networks that are shown samples."""
