"""A chip as data: what it holds, how long a step takes, and the powers that were measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import check
from ..errors import ChipError

EVIDENCE = ("read", "quoted", "computed")
"""How a number of a chip is known; ``chips.toml`` explains the words."""

JOINS = ("sum", "largest")
"""How the terms of a step make up its time: one after the other, or side by side."""

UNITS = ("cycles", "s")
"""Units of the terms of a step."""


@dataclass(frozen=True)
class Origin:
    """Where a number comes from.

    Attributes
    ----------
    source : str
        The publication.
    year : int, optional
        Its year.
    evidence : str
        One of `EVIDENCE`.
    note : str
        What the number is, where the source leaves a choice.
    """

    source: str
    year: int | None = None
    evidence: str = "read"
    note: str = ""

    def __post_init__(self) -> None:
        check.choice("evidence", self.evidence, EVIDENCE, ChipError)
        for word in ("source", "note"):
            if not isinstance(getattr(self, word), str):
                raise ChipError(f"{word} must be a text, not {getattr(self, word)!r}.")
        if not self.source:
            raise ChipError("a number needs a source.")
        if self.year is not None:
            check.whole("year", self.year, ChipError)

    def __str__(self) -> str:
        return self.source if self.year is None else f"{self.source} ({self.year})"


@dataclass(frozen=True)
class Limit:
    """What a chip takes of one quantity of a network.

    Attributes
    ----------
    quantity : str
        One of `nengo_spikecost.chips.quantities.QUANTITIES`.
    origin : Origin
    at_most : int, optional
        The largest number.
    only : tuple of str
        Of a quantity in words, those that it takes.
    cores : tuple of (int, int, int)
        Of a quantity of cores, words of weight, neuron and bias memory of each.
    """

    quantity: str
    origin: Origin
    at_most: int | None = None
    only: tuple[str, ...] = ()
    cores: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        if (self.at_most is None) == (not self.only):
            raise ChipError("a limit has either at_most, a number, or only, a list of words.")
        if self.at_most is not None:
            check.whole("at_most", self.at_most, ChipError, 0)
        for core in self.cores:
            sizes = check.several("a core", core, ChipError, "words of weights, neurons and biases")
            if len(sizes) != 3 or any(not check.is_whole(size, 0) for size in sizes):
                raise ChipError(f"a core has three numbers of words, not {core!r}.")
        if any(not isinstance(word, str) for word in self.only):
            raise ChipError(f"only must be a list of words, not {list(self.only)!r}.")

    def __str__(self) -> str:
        return f"{self.at_most:,}" if self.at_most is not None else ", ".join(self.only)


@dataclass(frozen=True)
class StepModel:
    """How long a step takes.

    Attributes
    ----------
    terms : mapping from str to float or None
        By one of `nengo_spikecost.chips.step_counts.COUNTS`, what one of it takes. None: not
        published.
    unit : {"cycles", "s"}
    join : {"sum", "largest"}
        One after the other, or side by side, so that the slowest decides.
    origin : Origin
    """

    terms: Mapping[str, float | None]
    unit: str
    join: str
    origin: Origin

    def __post_init__(self) -> None:
        check.choice("unit", self.unit, UNITS, ChipError)
        check.choice("join", self.join, JOINS, ChipError)
        if not self.terms:
            raise ChipError("a step takes a time for one count at least: step.terms has none.")
        for name, value in self.terms.items():
            if value is not None:
                check.positive(f"terms.{name}", value, ChipError, zero=True)

    @property
    def missing(self) -> tuple[str, ...]:
        """The terms without a published number."""
        return tuple(name for name, value in self.terms.items() if value is None)


@dataclass(frozen=True)
class Power:
    """A power that was measured.

    Attributes
    ----------
    name : str
    W, low_W, high_W : float
        Mean, and the lowest and the highest reading.
    origin : Origin
        The note says of what.
    clock_Hz : float, optional
        The master clock while it was measured.
    """

    name: str
    W: float
    low_W: float
    high_W: float
    origin: Origin
    clock_Hz: float | None = None

    def __post_init__(self) -> None:
        for word in ("W", "low_W", "high_W"):
            check.positive(word, getattr(self, word), ChipError)
        if not self.low_W <= self.W <= self.high_W:
            raise ChipError(
                f"the range {self.low_W:g} to {self.high_W:g} W does not hold {self.W:g} W."
            )
        if self.clock_Hz is not None:
            check.positive("clock_Hz", self.clock_Hz, ChipError)


@dataclass(frozen=True)
class Chip:
    """A chip that networks can be held against.

    Attributes
    ----------
    name, title, note, process : str
        What it is called here; the product; what to know of the numbers; its process node.
    limits : tuple of Limit
    step : StepModel, optional
        How long a step takes. None: nothing is published.
    powers : tuple of Power
        As measured, each at its own conditions.
    clock_Hz : float, optional
        Default of its master clock.
    clock_origin : Origin, optional
    refused : mapping from str to str
        By what may be asked, such as ``"energy"``: why there is no number.
    """

    name: str
    title: str
    limits: tuple[Limit, ...]
    step: StepModel | None = None
    powers: tuple[Power, ...] = ()
    clock_Hz: float | None = None
    clock_origin: Origin | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    process: str = ""

    def __post_init__(self) -> None:
        for word in ("name", "title", "note", "process"):
            if not isinstance(getattr(self, word), str):
                raise ChipError(f"{word} must be a text, not {getattr(self, word)!r}.")
        if not self.name.strip() or not self.title.strip():
            raise ChipError("a chip needs a name and a title.")
        for key, reason in self.refused.items():
            if not isinstance(reason, str) or not reason:
                raise ChipError(f"refused.{key} must be a sentence, not {reason!r}.")
        if self.clock_Hz is not None:
            check.positive("clock.default_Hz", self.clock_Hz, ChipError)

    def power(self, name: str) -> Power:
        """The power of that name.

        Raises
        ------
        ChipError
            If there is none.
        """
        power: Power = check.record("power", name, self.powers, ChipError)
        return power
