"""`RunTime`: how long the steps of a network take on a chip, and the clock that they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .. import check
from ..errors import ChipError
from ..layout import Result
from .chip_spec import Chip, Power, StepModel

MARGIN = 0.2
"""Share by which Xylo's vendor has the clock faster than the worst case needs."""


@dataclass(frozen=True)
class RunTime(Result):
    """How long steps take, as `run_time` returns it.

    Attributes
    ----------
    chip : Chip
    counts : mapping from str to ndarray of int, shape (n_samples, n_steps)
        By term of the chip's steps.
    worst : mapping from str to int, optional
        The same in a step in which every input and every neuron is active. None: not counted.
    dt : float
        Length of a step of the network in s.
    assumed : tuple of str
        Inputs that are taken for active at every step.
    """

    chip: Chip
    counts: Mapping[str, np.ndarray] = field(repr=False)
    worst: Mapping[str, int] | None = field(default=None, repr=False)
    dt: float = 0.001
    assumed: tuple[str, ...] = ()

    @property
    def model(self) -> StepModel:
        """How long a step of the chip takes."""
        assert self.chip.step is not None
        return self.chip.step

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(next(iter(self.counts.values())))

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""
        return next(iter(self.counts.values())).shape[1]

    @property
    def presentation_s(self) -> float:
        """Simulated seconds of a sample."""
        return self.n_steps * self.dt

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """What each term takes, in the unit of the model, shape (n_samples, n_steps).

        Raises
        ------
        ChipError
            If one of them is not published.
        """
        return {name: self.counts[name] * self._taken(name) for name in self.model.terms}

    @property
    def steps(self) -> np.ndarray:
        """What each step takes, in the unit of the model, shape (n_samples, n_steps)."""
        parts = [*self.parts.values()]
        joined = np.sum(parts, axis=0) if self.model.join == "sum" else np.max(parts, axis=0)
        return np.asarray(joined)

    @property
    def known(self) -> bool:
        """Whether it is published what every term takes."""
        return not self.model.missing

    @property
    def decides(self) -> dict[str, float]:
        """Share of all steps in which each term is the largest; equal ones share a step.

        Raises
        ------
        ChipError
            If what one of them takes is not published.
        """
        parts = np.stack([*self.parts.values()])
        largest = parts >= parts.max(axis=0) * (1 - 1e-12)
        shares = (largest / largest.sum(axis=0)).mean(axis=(1, 2))
        return dict(zip(self.model.terms, shares.tolist()))

    @property
    def worst_step(self) -> float | None:
        """What a step takes in which all is active; None if that was not counted."""
        if self.worst is None:
            return None
        parts = [number * self._taken(name) for name, number in self.worst.items()]
        return float(sum(parts) if self.model.join == "sum" else max(parts))

    def clock_Hz(self, margin: float = 0.0) -> float:
        """The slowest clock at which no step that was counted takes longer than ``dt``.

        Parameters
        ----------
        margin : float
            How much faster, as a share.

        Raises
        ------
        ChipError
            If its steps are not published in cycles.
        """
        return float(self.steps.max(initial=0.0)) * self._per_step_Hz(margin)

    def worst_clock_Hz(self, margin: float = MARGIN) -> float:
        """The clock at which no step can take longer than ``dt``, whatever is active.

        Raises
        ------
        ChipError
            If the worst case was not counted, or its steps are not published in cycles.
        """
        worst = self.worst_step
        if worst is None:
            raise ChipError("The worst case of a step is not known of counts of cores.")
        return worst * self._per_step_Hz(margin)

    def _per_step_Hz(self, margin: float) -> float:
        """The clock for a step of one cycle."""
        check.positive("margin", margin, ChipError, zero=True)
        if self.model.unit != "cycles":
            raise ChipError(
                f"Steps of {self.chip.title} are published in {self.model.unit}, not in cycles of "
                "a clock: see RunTime.steps."
            )
        return (1 + margin) / self.dt

    @property
    def powers(self) -> tuple[Power, ...]:
        """Measured powers at a known clock at which this network runs in real time, too."""
        if self.model.unit != "cycles" or not self.known:
            return ()
        need = self.clock_Hz()
        return tuple(p for p in self.chip.powers if p.clock_Hz is not None and p.clock_Hz >= need)

    @property
    def energy_range_J(self) -> tuple[float, float] | None:
        """Energy of a sample, from the lowest to the highest of `powers`; None without any.

        That of other networks on the chip, for as long as this one takes: nothing is published
        from which its own power could be told.
        """
        powers = self.powers
        if not powers:
            return None
        low, high = min(p.low_W for p in powers), max(p.high_W for p in powers)
        return low * self.presentation_s, high * self.presentation_s

    def _taken(self, name: str) -> float:
        value = self.model.terms[name]
        if value is None:
            raise ChipError(unpublished(self.chip))
        return value


def unpublished(chip: Chip) -> str:
    """Why there is no time of a step, and what to do."""
    assert chip.step is not None
    return (
        f"What {', '.join(chip.step.missing)} of {chip.title} take is not published in numbers "
        f"({chip.step.origin}): give them in a file of chips, under {chip.name}.step.terms."
    )
