"""`fit`: whether a network is within the limits of a chip, each with its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import check
from ..errors import ChipError, NetworkGraphError
from ..layout import Result
from ..options import named_arguments
from . import chip_table
from .chip_spec import Chip, Limit
from .network_parts import NetworkParts
from .quantities import QUANTITIES, Need, Quantity
from .run_time_record import RunTime

ANSWERS = ("yes", "no", "rounded", "not known")
"""Whether a network is within a limit. ``"rounded"``: the chip takes it with fewer bits."""


@dataclass(frozen=True)
class LimitCheck:
    """One limit of a chip, held against a network.

    Attributes
    ----------
    limit : Limit
    need : Need
        What the network has.
    answer : str
        One of `ANSWERS`.
    """

    limit: Limit
    need: Need
    answer: str

    @property
    def quantity(self) -> Quantity:
        """What is limited."""
        return QUANTITIES[self.limit.quantity]

    def sentence(self) -> str:
        """Why the network does not fit, or may not."""
        where = f" ({self.need.where})" if self.need.where else ""
        words = self.quantity.words
        if self.answer == "rounded":
            has = "real numbers" if self.need.value is None else f"{self.need} bits"
            return f"weights: the chip has {self.limit} bits, the network {has}{where}"
        return f"{words}: the chip takes {self.limit}, the network has {self.need}{where}"


@dataclass(frozen=True)
class ChipFit(Result):
    """Whether a network is within the limits of a chip, as `fit` returns it.

    Attributes
    ----------
    chip : Chip
    network : nengo.Network or Conversion
    checks : tuple of LimitCheck
        All limits that are published.
    unread : tuple of str
        Parts of the network that can't be told, and are in no number.
    notes : tuple of str
        What is to be known of its parts.
    time : RunTime, optional
        How long its steps take, if that was counted.
    """

    chip: Chip
    network: Any = field(repr=False)
    checks: tuple[LimitCheck, ...]
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    time: RunTime | None = field(default=None, repr=False)

    @property
    def misfits(self) -> tuple[LimitCheck, ...]:
        """The limits that it exceeds."""
        return tuple(c for c in self.checks if c.answer == "no")

    @property
    def unknown(self) -> tuple[LimitCheck, ...]:
        """The limits of which it can't be told."""
        return tuple(c for c in self.checks if c.answer == "not known")

    @property
    def rounded(self) -> tuple[LimitCheck, ...]:
        """What the chip has fewer bits for."""
        return tuple(c for c in self.checks if c.answer == "rounded")

    @property
    def fits(self) -> bool | None:
        """Whether it fits; None if that can't be told of all of it, and it exceeds no limit."""
        if self.misfits:
            return False
        return None if self.unknown or self.unread else True


@named_arguments
def fit(chip: str | Chip, network: Any) -> ChipFit:
    """Hold a network against every limit that is published of a chip.

    A limit that is not published is not checked; which those are, the list of checks says.

    Parameters
    ----------
    chip : str or Chip
        Its name (`names`), or one that you made.
    network : nengo.Network or Conversion
        It is not changed.

    Returns
    -------
    ChipFit

    Raises
    ------
    ChipError
        If there is no such chip, or ``network`` is none or has no neurons on the chip.

    Examples
    --------
    >>> import nengo
    >>> with nengo.Network() as net:
    ...     a = nengo.Ensemble(500, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="a")
    >>> from nengo_spikecost import chips
    >>> [check.sentence() for check in chips.fit("xylo_imu", net).misfits]
    ['output neurons: the chip takes 16, the network has 500']
    """
    given = as_chip(chip)
    parts = parts_of(network)
    checks = tuple(_checked(limit, QUANTITIES[limit.quantity], parts) for limit in given.limits)
    return ChipFit(given, network, checks, parts.unread, parts.notes)


def as_chip(chip: Any) -> Chip:
    """A chip by its name, or as it is."""
    if isinstance(chip, str):
        return chip_table.get(chip)
    words = f"the name of a chip ({', '.join(chip_table.names())}) or a Chip"
    own: Chip = check.kind("chip", chip, Chip, ChipError, words)
    return own


def parts_of(network: Any) -> NetworkParts:
    """The parts of a network.

    Raises
    ------
    ChipError
        If it is none, or has no neurons on the chip.
    """
    try:
        parts = NetworkParts.of(network)
    except NetworkGraphError as error:
        raise ChipError(str(error)) from error
    if not parts.neurons:
        outside = ", ".join(p.name for p in parts.graph.populations)
        words = f": {outside} run on the host" if outside else ""
        more = ""
        if hasattr(network, "remade") and not network.options.get("spike_input"):
            more = (
                " Convert it with spike_input=True (--spike-input): neurons in front make spikes "
                "of the inputs, and the chip runs the first layer."
            )
        raise ChipError(f"The network has no neurons on the chip{words}.{more}")
    return parts


def _checked(limit: Limit, quantity: Quantity, parts: NetworkParts) -> LimitCheck:
    need = quantity.measure(parts, limit.cores) if quantity.of_cores else quantity.measure(parts)
    return LimitCheck(limit, need, _answer(limit, quantity, need))


def _answer(limit: Limit, quantity: Quantity, need: Need) -> str:
    if need.value is None:
        return "rounded" if quantity.rounds else "not known"
    if isinstance(need.value, tuple):
        within = all(word in limit.only for word in need.value)
    else:
        within = limit.at_most is not None and need.value <= limit.at_most
    if within:
        return "yes"
    return "rounded" if quantity.rounds else "no"
