"""`price_chip`: the entry, with its options checked."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any, TypeVar

from ...check import is_whole
from ...chip.chip_work import ChipWork
from ...errors import EnergyError
from ..device import Constant
from .chip_files import shipped_chip
from .chip_profile import Board, HostIO, Profile
from .cost import ChipCost
from .price import Setting, price_at

T = TypeVar("T")

CORES_PER_CHIP = 128


def price_chip(
    work: ChipWork,
    profile: str | Profile = "silicon",
    *,
    board: str | Board = "nahuku32",
    host_io: str | float | HostIO | None = None,
    powered_cores: int | str = "used",
    x86_active: float | None = None,
) -> ChipCost:
    """Energy and latency of a chip's work.

    Parameters
    ----------
    work : ChipWork
        As `nengo_spikecost.workload.measured_chip` counts it, or `ChipWork.by_hand`.
    profile : str or Profile
        Energies and times of a core's events: ``"silicon"`` (fitted to a board) or
        ``"davies2018"`` (Loihi's own table, simulated).
    board : str or Board
        Static power, x86, and the barrier between chips: ``"nahuku32"``, ``"wolf_mountain"`` or
        ``"pohoiki_springs"``.
    host_io : str, float or HostIO, optional
        How long a step takes because of what goes in and out: ``"x86"`` (spikes through the
        embedded x86, as measured), ``"free_running"`` (nothing goes in), ``"none"`` (the cores
        alone), or seconds a step. Default: ``"x86"`` if neurons of the host send to the chip, else
        ``"free_running"``.
    powered_cores : int, "used" or "all"
        Cores that are on: those in use, all of the chips in use, or so many.
    x86_active : float, optional
        Share of the time that the x86 runs code. Default: the time that input and output take
        through it; none and all of the time at the ends of the range.

    Returns
    -------
    ChipCost

    Raises
    ------
    EnergyError
        If an option is not what it should be; the message names it.

    Examples
    --------
    >>> from nengo_spikecost.energy.loihi_chip import ChipWork, price_chip
    >>> work = ChipWork.by_hand(n_cores=2, n_compartments=1500, n_steps=10, synops=1e6)
    >>> price_chip(work, "davies2018").energy_J("core dynamic").nominal
    2.438e-05
    """
    chip = shipped_chip()
    if host_io is None:
        host_io = "x86" if work.fed_by_host else "free_running"
    if isinstance(host_io, numbers.Real) and not isinstance(host_io, bool):
        step = Constant(float(host_io), unit="s", source="user")
        host_io = HostIO("given", step, description="a given time of a step")
    share = x86_active is None or isinstance(x86_active, numbers.Real)
    if not share or (x86_active is not None and not 0 <= x86_active <= 1):
        raise EnergyError(f"x86_active must be between 0 and 1, not {x86_active!r}.")
    setting = Setting(
        profile=_named("profile", profile, chip.profiles, Profile),
        board=_named("board", board, chip.boards, Board),
        host_io=_named("host_io", host_io, chip.host_io, HostIO),
        powered_cores=_powered_cores(work, powered_cores),
        x86_active=x86_active,
    )
    low, nominal, high = (price_at(work, setting, level) for level in ("low", "nominal", "high"))
    return ChipCost(work, setting, low, nominal, high)


def _named(key: str, value: Any, known: Mapping[str, T], kind: type[T]) -> T:
    if isinstance(value, kind):
        return value
    if not isinstance(value, str) or value not in known:
        raise EnergyError(
            f"{key} must be {', '.join(map(repr, known))} or a {kind.__name__}, not {value!r}."
        )
    return known[value]


def _powered_cores(work: ChipWork, value: Any) -> int:
    most = work.n_chips * CORES_PER_CHIP
    if value == "used":
        return work.n_cores
    if value == "all":
        return most
    if not is_whole(value, work.n_cores, most):
        raise EnergyError(
            f"powered_cores must be 'used', 'all', or a number from the {work.n_cores} cores in "
            f"use to the {most} of {work.n_chips} chip{'s' * (work.n_chips != 1)}, not {value!r}."
        )
    return int(value)
