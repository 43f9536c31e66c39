"""`ChipOptions`: constants, board and host of a chip whose work is priced."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ... import check
from ...chip.chip_work import ChipWork
from ...chip.limits import MAX_CORES_PER_CHIP
from ...errors import EnergyError
from ...options import Options, option
from ...words import counted
from ..device import Constant
from .chip_files import shipped_chip
from .chip_profile import Board, HostIO, Profile
from .price import Setting

T = TypeVar("T")


def name_or_seconds(text: str) -> str | float:
    """Reads a name, or a number of seconds."""
    try:
        return float(text)
    except ValueError:
        return text


def share_or_ends(text: str) -> float | tuple[float, ...] | str:
    """Reads a share, or three of them with commas between."""
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        return text
    return shares[0] if len(shares) == 1 else shares


#: Cores that are on, in words.
_POWERED = ("used", "all")


@dataclass(frozen=True)
class ChipOptions(Options):
    """Options of `price_chip`: constants, board and host.

    Attributes
    ----------
    profile : str or Profile, optional
        Energies and times of a core's events: ``"silicon"`` (fitted to a board) or
        ``"davies2018"`` (Loihi's own table, simulated). Default: ``"silicon"``; as a cost model,
        ``"davies2018"`` for the device ``loihi`` and ``"silicon"`` for ``loihi_silicon``.
    board : str or Board
        Static power, x86, and the barrier between chips: ``"nahuku32"``, as NxSDK's probes read it,
        or ``"nahuku32_from_boot"``, where all is dynamic that a chip draws more than before it ran;
        ``"wolf_mountain"``, read in that way, too; or ``"pohoiki_springs"``.
    host_io : str, float or HostIO, optional
        How long a step takes because of what goes in and out: ``"x86"`` (so much for each spike
        that the host sends, through the embedded x86), ``"nengo_loihi"`` (as much at least, since
        NengoLoihi's host reads and writes at every step besides), ``"host"`` (a host beside the
        board manages every step), ``"free_running"`` (nothing goes in), ``"none"`` (the cores
        alone), or seconds a step. Default: if neurons of the host send to the chip,
        ``"nengo_loihi"`` for what was emulated and ``"x86"`` for numbers by hand, else
        ``"free_running"``. A time of steps that ``"host"`` decides, or one of the first two on
        several chips, is not predicted: it has a range and no nominal value, and so have the
        energies in which it matters.
    powered_cores : int, "used" or "all"
        Cores that are on: those in use, all of the chips in use, or so many. It matters on boards
        of which the power of a chip in use is not known as a whole.
    x86_active : float, or tuple of (low, nominal, high), optional
        Share of the time that the x86 runs code. Default: of the time that input and output take
        through it the share that boards tell, which is below 1 on all of them; at the high end of
        all the time.
    """

    profile: str | Profile | None = option(
        None, positional=True, choices=("silicon", "davies2018"),
        help="Energies and times of the chip.",
    )  # fmt: skip
    board: str | Board = option(
        "nahuku32", metavar="NAME", help="The board: static power, x86, barriers between chips."
    )
    host_io: str | float | HostIO | None = option(
        None, metavar="NAME|S", read=name_or_seconds,
        help="How long a step takes for input and output: nengo_loihi, x86, host, free_running, "
        "none, or so many seconds.  [default: nengo_loihi if the host sends spikes]",
    )  # fmt: skip
    powered_cores: int | str = "used"
    x86_active: float | tuple[float, float, float] | None = option(
        None, metavar="SHARE", read=share_or_ends,
        help="Share of the time that the x86 runs code, or LOW,NOMINAL,HIGH.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        profile, board, host_io = self.profile, self.board, self.host_io
        if profile is not None:
            _named("profile", profile, shipped_chip().profiles, Profile)
        if board != "nahuku32":
            _named("board", board, shipped_chip().boards, Board)
        if isinstance(host_io, numbers.Real) and not isinstance(host_io, bool):
            check.positive("host_io", host_io, EnergyError, zero=True)
        elif host_io is not None:
            _named("host_io", host_io, shipped_chip().host_io, HostIO, "seconds a step")
        # whether so many cores are in use is looked up when a chip is at hand: see `setting`
        if not check.is_whole(self.powered_cores, 1):
            check.choice("powered_cores", self.powered_cores, _POWERED, EnergyError)
        if self.x86_active is not None:
            several = isinstance(self.x86_active, (tuple, list))
            if several and not (isinstance(self.x86_active, tuple) and len(self.x86_active) == 3):
                raise EnergyError(
                    "x86_active must be a share of the time, from 0 to 1, or a tuple of three, "
                    f"(low, nominal, high), not {check.shown(self.x86_active)}."
                )
            low, nominal, high = _ends(self.x86_active)
            for share in (low, nominal, high):
                check.share("x86_active", share, EnergyError)
            if not low <= nominal <= high:
                raise EnergyError(
                    f"x86_active must be (low, nominal, high), which do not fall, not "
                    f"{self.x86_active!r}."
                )

    def setting(self, work: ChipWork) -> Setting:
        """The constants, board and host for one chip's work, looked up by their names.

        Raises
        ------
        EnergyError
            If there is none of a name, or fewer cores are on than are in use.
        """
        chip, host_io = shipped_chip(), self.host_io
        if host_io is None:
            host_io = _usual(work)
        elif check.is_number(host_io):
            step = Constant(float(host_io), unit="s", source="user")  # type: ignore[arg-type]
            host_io = HostIO("given", step, description="a given time of a step")
        active = chip.x86_active
        if self.x86_active is not None:
            low, nominal, high = _ends(self.x86_active)
            active = Constant(nominal, low, high, unit="share", source="user")
        profile = "silicon" if self.profile is None else self.profile
        return Setting(
            profile=_named("profile", profile, chip.profiles, Profile),
            board=_named("board", self.board, chip.boards, Board),
            host_io=_named("host_io", host_io, chip.host_io, HostIO),
            powered_cores=_powered_cores(work, self.powered_cores),
            x86_active=active,
            x86_all=self.x86_active is not None,
            assumed=self.host_io is None,
        )


def _usual(work: ChipWork) -> str:
    """How spikes go in and out where nobody said it."""
    if not work.fed_by_host:
        return "free_running"
    return "nengo_loihi" if work.emulated else "x86"


def _ends(value: Any) -> tuple[Any, Any, Any]:
    """A number, or three of them, as low, nominal and high."""
    if isinstance(value, tuple) and len(value) == 3:
        return value
    return value, value, value


def _named(key: str, value: object, known: Mapping[str, T], kind: type[T], besides: str = "") -> T:
    if isinstance(value, kind):
        return value
    if not isinstance(value, str) or value not in known:
        names = ", ".join([*map(repr, known), *[besides] * bool(besides)])
        raise EnergyError(f"{key} must be {names} or a {kind.__name__}, not {value!r}.")
    return known[value]


def _powered_cores(work: ChipWork, value: int | str) -> int:
    most = work.n_chips * MAX_CORES_PER_CHIP
    if isinstance(value, str) and value in _POWERED:
        return work.n_cores if value == "used" else most
    if not check.is_whole(value, work.n_cores, most):
        raise EnergyError(
            f"powered_cores must be 'used', 'all', or a number from the "
            f"{counted(work.n_cores, 'core')} in use to the {most} of "
            f"{counted(work.n_chips, 'chip')}, not {value!r}."
        )
    return int(value)
