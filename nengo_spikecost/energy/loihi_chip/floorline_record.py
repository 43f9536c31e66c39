"""`Floorline`: what decides the time of a step, and what halving a core's load would give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...layout import Result

DECIDERS = ("synops", "updates", "messages", "barrier", "host")
"""What may decide the time of a step."""

LOADS = DECIDERS[:3]
"""What takes a core its time."""

HOST = "host"
"""The name of the host among those that limit a step."""


@dataclass(frozen=True)
class Limit:
    """What limits the step of one layer, or of all cores.

    Times are in s, and means over steps; savings are of the mean step of the chip.

    Attributes
    ----------
    name : str
        The layer; ``"chip"`` for all cores.
    n_cores : int
    step_s : float
        Time of a step if these were the only cores.
    decided_by : mapping from one of `DECIDERS` to float
        Share of the steps that each decides; together 1.
    core : str
        The core that is the slowest of these in most steps; the first, if several are.
    tied : tuple of str
        Cores of these that are as slow as ``core`` in most of the steps in which it is the slowest.
    core_decider : str
        Which of `LOADS` decides the time of ``core`` and those tied with it, in most of the steps
        in which they are the slowest of these.
    slowest : float
        Share of the steps in which ``core`` or one tied with it is the slowest of these.
    core_sets, all_sets : float
        Share of the steps of the chip whose time ``core`` or one tied with it sets, and any of
        these: it is the slowest of all cores, and the host takes no longer.
    core_saves_s, tied_saves_s, all_saves_s : float
        Time by which a step is shorter if the load of ``core`` is halved; of it and those tied
        with it; of all these cores.
    then : str or None
        The core that limits most of the steps that ``core`` and those tied with it set, once their
        load is halved; ``"host"`` if that does. None: they set the time of no step.
    """

    name: str
    n_cores: int
    step_s: float
    decided_by: Mapping[str, float]
    core: str
    tied: tuple[str, ...]
    core_decider: str
    slowest: float
    core_sets: float
    all_sets: float
    core_saves_s: float
    tied_saves_s: float
    all_saves_s: float
    then: str | None

    @property
    def decider(self) -> str:
        """What decides most of the steps."""
        return most(self.decided_by)


def most(shares: Mapping[str, float]) -> str:
    """The name of the largest share; the first of those that only rounding tells apart."""
    largest = max(shares.values()) * (1 - 1e-9)
    return next(name for name, share in shares.items() if share >= largest)


@dataclass(frozen=True)
class Floorline(Result):
    """What decides the time of a step, as `ChipCost.floorline` returns it.

    Attributes
    ----------
    step_s : float
        Mean time of a step of the chip in s.
    chip : Limit
        Of all cores together.
    layers : tuple of Limit
        Of each layer with cores.
    host : bool
        Whether steps wait for what goes in and out of the chip.
    level : {"low", "nominal", "high"}
        Of the constants.
    by_step : bool
        Whether every step was counted for itself. Else each inference is taken for one long step,
        whose slowest core need not be that of any single step.
    least_s : float
        No other blocks take less than this a step, on as many cores a layer and the same tiles.
    """

    step_s: float
    chip: Limit
    layers: tuple[Limit, ...] = field(repr=False)
    host: bool
    level: str
    by_step: bool
    least_s: float

    def share(self, seconds: float) -> float:
        """Of the mean step of the chip.

        Parameters
        ----------
        seconds : float
            A part of that step in s.
        """
        return seconds / self.step_s if self.step_s else 0.0

    def sentence(self) -> str:
        """Who sets the time of most steps, by what, and what halving that would give."""
        chip, steps = self.chip, "steps" if self.by_step else "inferences"
        share = f"{chip.decided_by[chip.decider]:.0%} of the {steps}"
        if chip.decider == HOST:
            return f"the host sets the time of {share}; halving all cores saves {self._all()}"
        if chip.decider == "barrier":
            return (
                f"the barrier takes longer than any core in {share}; halving all cores saves "
                f"{self._all()}"
            )
        if not chip.core_sets:  # the host alone sets the time of the core's steps
            return f"core {chip.core} is the slowest, but the host sets the time of its {steps}"
        sets = f"the time of {chip.core_sets:.0%} of the {steps}, by {chip.core_decider}"
        saves = self._percent(chip.tied_saves_s)
        names = (chip.core, *chip.tied)
        if not chip.tied:
            return (
                f"core {chip.core} sets {sets}; halving its load saves {saves}{self._then(names)}"
            )
        named = f"cores {chip.core} and {chip.tied[0]}"
        if len(names) > 2:
            named = f"core {chip.core} and {len(chip.tied)} as slow"
        all_of = "both" if len(names) == 2 else "all of them"
        return (
            f"{named} set {sets}; halving the load of one saves "
            f"{self._percent(chip.core_saves_s)}, of {all_of} {saves}{self._then(names)}"
        )

    def _then(self, halved: tuple[str, ...]) -> str:
        then = self.chip.then
        if then in halved:
            return ", and they limit still" if len(halved) > 1 else ", and it limits still"
        return f", then {'the host' if then == HOST else f'core {then}'} limits"

    def _all(self) -> str:
        return self._percent(self.chip.all_saves_s)

    def _percent(self, seconds: float) -> str:
        share = self.share(seconds)
        if not share:
            return "nothing"
        of = "of a step" if self.by_step else "of an inference"
        return f"{share:.0%} {of}" if share >= 0.005 else f"less than 1% {of}"
