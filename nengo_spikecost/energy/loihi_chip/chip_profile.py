"""Energies and times of a core's events; powers and barriers of a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ... import check
from ...errors import EnergyError
from ..device import LEVELS, Constant
from .measurability import BoardNoise
from .ranges import Table

EVENTS = (
    "synop_dense", "synop_sparse", "synop_conv", "idle_update", "active_update", "spike",
    "message", "axon_event", "hop_east_west", "hop_north_south", "within_tile",
)  # fmt: skip
"""Events of a core that take energy or time.

``idle_update`` is the update of a compartment that stays as it is, and ``active_update`` that of
one with input, or with a current, voltage or bias that is not 0: the whole of it, and not what it
takes more. A ``message`` is sent,
an ``axon_event`` arrives; ``within_tile`` is the way of a message inside a tile.
"""

POWERS = ("static_chip", "static_used_chip", "static_core", "x86_clock", "x86_code")
"""Powers that a board draws all the time, in W.

A chip that has not run anything; a chip in use instead, if that is known; a core that is on; the
clock of the x86 processors of a chip in use, and their code while it runs. A core's power comes
besides that of a chip, unless that of a chip in use is known: then it is the core's share of it.
"""


@dataclass(frozen=True)
class Profile:
    """Energies and times of a core's events.

    An event without a constant is not in the source: it is not priced, and said so.

    Attributes
    ----------
    name, description, note : str
    energies : mapping from event to Constant in J
    times : mapping from event to Constant in s
    sync : Table
        Seconds at the end of a step until all tiles of a chip agree, by tiles used.
    """

    name: str
    energies: Mapping[str, Constant]
    times: Mapping[str, Constant]
    sync: Table
    description: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        where = f"Profile {self.name!r}"
        for kind, unit, table in (("energy", "J", self.energies), ("time", "s", self.times)):
            for key, constant in table.items():
                if key not in EVENTS:
                    known = ", ".join(EVENTS)
                    raise EnergyError(f"{where}: there is no event {key!r}; there are {known}.")
                if constant.unit != unit:
                    raise EnergyError(f"{where}: {kind} of {key} must be in {unit}.")
            for level in LEVELS:
                idle, active = table.get("idle_update"), table.get("active_update")
                if idle and active and _at(idle, level) > _at(active, level):
                    raise EnergyError(
                        f"{where}: {kind} of idle_update is above that of active_update, which is "
                        "all of an active update."
                    )

    def energy_J(self, event: str, level: str) -> float:
        """Energy of one event; 0 where the profile has none.

        Parameters
        ----------
        event : str
            One of `EVENTS`.
        level : {"low", "nominal", "high"}
            Of the constants.

        Returns
        -------
        float
            In J.
        """
        return _at(self.energies.get(event), level)

    def time_s(self, event: str, level: str) -> float:
        """Time of one event; 0 where the profile has none.

        Parameters
        ----------
        event : str
            One of `EVENTS`.
        level : {"low", "nominal", "high"}
            Of the constants.

        Returns
        -------
        float
            In s.
        """
        return _at(self.times.get(event), level)


KNOWN = ("always", "one chip", "never")
"""On how many chips a `HostIO` is known well enough to predict a time from it."""


@dataclass(frozen=True)
class HostIO:
    """How long a step takes at least because of what goes in and out of the chip.

    Attributes
    ----------
    name, description : str
    step : Constant in s, or None
        Of a step, whatever is sent. None: no time.
    several_chips : Constant in s, optional
        The same on a board of several chips. Default: as ``step``.
    spike : Constant in s, optional
        Besides, of each spike that the host sends.
    whole : bool
        Whether these are times of whole steps, cores and barrier included; else they come before
        the cores' own, and are added to it.
    x86 : bool
        Whether the x86 runs code for that time.
    known : {"always", "one chip", "never"}
        On which boards these times say how long a step takes; elsewhere they say how long it took
        other networks, and a step whose time they decide is not predicted.
    at_least : bool
        Whether a host does more in a step than is counted, so that it may take longer, up to the
        high end.
    """

    name: str
    step: Constant | None = None
    several_chips: Constant | None = None
    spike: Constant | None = None
    whole: bool = True
    x86: bool = True
    description: str = ""
    known: str = "always"
    at_least: bool = False

    def __post_init__(self) -> None:
        check.choice(f"HostIO {self.name!r}: known", self.known, KNOWN, EnergyError, quoted=True)

    def is_known(self, n_chips: int) -> bool:
        """Whether these are the times of a board of so many chips.

        Parameters
        ----------
        n_chips : int
            Chips that the network is on.
        """
        return self.known == "always" or (self.known == "one chip" and n_chips == 1)

    def step_s(self, n_chips: int, level: str) -> float:
        """Time of a step on so many chips, without what each spike takes.

        Parameters
        ----------
        n_chips : int
            Chips that the network is on.
        level : {"low", "nominal", "high"}
            Of the constants.

        Returns
        -------
        float
            In s.
        """
        one = self.step if n_chips == 1 or self.several_chips is None else self.several_chips
        return _at(one, level)

    def shared_by(self, n_processors: int) -> HostIO:
        """The same with so many x86 processors of a chip side by side, each with its spikes.

        Parameters
        ----------
        n_processors : int
            At least 1.

        Raises
        ------
        EnergyError
            If it is no whole number of at least 1.
        """
        n = check.whole("n_processors", n_processors, EnergyError, 1)
        if self.spike is None or n == 1:
            return self
        words = f"{self.description}, by {n} processors"
        return replace(self, spike=self.spike.times(1 / n), description=words)

    def spike_s(self, level: str) -> float:
        """Time of each spike that the host sends.

        Parameters
        ----------
        level : {"low", "nominal", "high"}
            Of the constants.

        Returns
        -------
        float
            In s.
        """
        return _at(self.spike, level)


@dataclass(frozen=True)
class Board:
    """Powers of a board, drawn whether there are spikes or not, and its barrier.

    Attributes
    ----------
    name, description, note : str
    powers : mapping from one of `POWERS` to Constant in W
        Those left out are part of another, or not known.
    n_chips : int
        Chips of the board: those that are not used are drawn from, too.
    barrier : Table
        Seconds by which a step is longer on so many chips.
    noise : BoardNoise, optional
        How well its power can be read. None: no repeats are published.
    """

    name: str
    powers: Mapping[str, Constant]
    n_chips: int
    barrier: Table
    description: str = ""
    note: str = ""
    noise: BoardNoise | None = None

    def __post_init__(self) -> None:
        where = f"Board {self.name!r}"
        unknown = [key for key in self.powers if key not in POWERS]
        if unknown:
            known = ", ".join(POWERS)
            raise EnergyError(f"{where}: there is no power {unknown[0]!r}; there are {known}.")
        if any(constant.unit != "W" for constant in self.powers.values()):
            raise EnergyError(f"{where}: powers must be in W.")
        if {"static_used_chip", "static_chip"} <= self.powers.keys():
            for level in LEVELS:
                if self.power_W("static_used_chip", level) < self.power_W("static_chip", level):
                    raise EnergyError(
                        f"{where}: static_used_chip is below static_chip, that of a chip which has "
                        "not run anything."
                    )
        if self.n_chips < 1:
            raise EnergyError(f"{where}: n_chips must be at least 1.")

    def power_W(self, key: str, level: str) -> float:
        """One of its powers; 0 where the board has none.

        Parameters
        ----------
        key : str
            One of `POWERS`.
        level : {"low", "nominal", "high"}
            Of the constants.

        Returns
        -------
        float
            In W.
        """
        return _at(self.powers.get(key), level)


def _at(constant: Constant | None, level: str) -> float:
    return 0.0 if constant is None else constant.at(level).value
