"""`price_chip`: energy and latency of a chip's work, with all constants at a level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...chip.chip_work import ChipWork
from ..constant_list import Block
from ..device import Constant
from .boundaries import checked_boundary
from .chip_profile import Board, HostIO, Profile
from .events import core_events
from .step_time import ChipTime, chip_time


@dataclass(frozen=True)
class ChipPrice:
    """Energy and time with all constants at one level.

    Attributes
    ----------
    cores_J : mapping from one of `CORE_PARTS` to ndarray of shape (n_samples, n_cores)
        What each core spends.
    powers_W : mapping from one of `BOARD_PARTS` to ndarray of shape (n_samples,)
        What is drawn for the time of the inference.
    time : ChipTime
    """

    cores_J: Mapping[str, np.ndarray] = field(repr=False)
    powers_W: Mapping[str, np.ndarray] = field(repr=False)
    time: ChipTime = field(repr=False)

    def core_total_J(self) -> np.ndarray:
        """Energy of each core, shape (n_samples, n_cores)."""
        return np.asarray(np.sum([*self.cores_J.values()], axis=0))

    def board_J(self) -> dict[str, np.ndarray]:
        """Energy of what is drawn for the time of an inference, (n_samples,) each."""
        return {key: power * self.time.latency_s for key, power in self.powers_W.items()}

    def energy_J(self, boundary: str) -> np.ndarray:
        """Energy of each inference within a boundary, shape (n_samples,)."""
        board = self.board_J()
        parts = [board[part] for part in checked_boundary(boundary)]
        return np.asarray(np.sum([self.core_total_J().sum(axis=1), *parts], axis=0))

    def running_W(self, boundary: str, ran_s: float) -> np.ndarray:
        """Power within a boundary over a longer time than the chip works, shape (n_samples,).

        Parameters
        ----------
        boundary : str
            One of `BOUNDARIES`.
        ran_s : float
            What all steps stand for; the chip waits for the rest.
        """
        longer = np.maximum(ran_s / np.maximum(self.time.latency_s, np.finfo(float).tiny), 1.0)
        busy = self.core_total_J().sum(axis=1) / (self.time.latency_s * longer)
        # code runs while there is work
        powers = {**self.powers_W, "x86 code": self.powers_W["x86 code"] / longer}
        return np.asarray(busy + sum(powers[part] for part in checked_boundary(boundary)))


@dataclass(frozen=True)
class Setting:
    """Constants, board and host that a chip's work is priced with.

    Attributes
    ----------
    profile : Profile
    board : Board
    host_io : HostIO
    powered_cores : int
        Cores that are on, on all chips.
    x86_active : Constant
        Share of the time that the x86 runs code.
    x86_all : bool
        Whether that is a share of all the time; else of that of input and output through the x86.
    assumed : bool
        Whether nobody said how spikes go in and out.
    """

    profile: Profile
    board: Board
    host_io: HostIO
    powered_cores: int
    x86_active: Constant
    x86_all: bool = False
    assumed: bool = False

    def constants(self) -> list[Block]:
        """All constants that the work is priced with, in blocks as they are listed."""
        profile, board, io = self.profile, self.board, self.host_io
        times = {"step": io.step, "several chips": io.several_chips, "spike": io.spike}
        blocks: dict[str, Mapping[str, Constant | None]] = {
            f"Energy of an event, profile {profile.name}": profile.energies,
            f"Time of an event, profile {profile.name}": profile.times,
            "Barrier of the tiles, by tiles in use": profile.sync.named(),
            f"Power, board {board.name}": board.powers,
            "Barrier of the chips, by chips": board.barrier.named(),
            f"Time of a step, in and out by {io.name}": times,
            "Share of the time that the x86 runs code": {"active": self.x86_active},
        }
        return [
            Block(title, "", {k.replace("_", " "): c for k, c in constants.items() if c})
            for title, constants in blocks.items()
        ]


def price_at(work: ChipWork, setting: Setting, level: str) -> ChipPrice:
    """Energy and time with all constants at one level."""
    time = chip_time(work, setting.profile, setting.board, setting.host_io, level)
    cores_J = _core_parts_J(work, setting.profile, level)
    return ChipPrice(cores_J, _powers_W(work, setting, time, level), time)


def _core_parts_J(work: ChipWork, profile: Profile, level: str) -> dict[str, np.ndarray]:
    events, cost = core_events(work, level), profile.energies
    energy = {key: count * profile.energy_J(key, level) for key, count in events.items()}
    nothing = np.zeros((work.n_samples, work.n_cores))
    parts: dict[str, Any] = {key: energy[key] for key in energy if key.startswith("synop_")}
    # an update is split for the reader: what every compartment takes, and what an active one more
    idle, active = (profile.energy_J(key, level) for key in ("idle_update", "active_update"))
    parts["access"] = nothing + (events["idle_update"] + events["active_update"]) * idle
    parts["update"] = nothing + events["active_update"] * (active - idle)
    parts["spike"] = energy["spike"] if "spike" in cost else nothing
    parts["message"] = nothing + energy["message"] + energy["within_tile"]
    parts["axon_event"] = nothing + energy["axon_event"]
    parts["hop"] = nothing + energy.get("hop_east_west", 0) + energy.get("hop_north_south", 0)
    return parts


def _powers_W(
    work: ChipWork, setting: Setting, time: ChipTime, level: str
) -> dict[str, np.ndarray]:
    board, latency_s = setting.board, time.latency_s
    share = setting.x86_active.at(level).value
    if setting.x86_all or level == "high":
        # at the high end it runs code of its own, too, while nothing goes in or out
        ratio = np.full(work.n_samples, share)
    elif setting.host_io.x86:
        busy = time.host_s / np.maximum(latency_s, np.finfo(float).tiny)
        ratio = share * np.minimum(busy, 1.0)
    else:
        ratio = np.zeros(work.n_samples)
    powers: dict[str, Any] = {
        "x86 clock": board.power_W("x86_clock", level) * work.n_chips,
        "x86 code": board.power_W("x86_code", level) * ratio,
        **static_powers_W(board, work.n_cores, work.n_chips, setting.powered_cores, level),
    }
    return {key: np.zeros(work.n_samples) + power for key, power in powers.items()}


def static_powers_W(
    board: Board, n_cores: int, n_chips: int, powered_cores: int, level: str
) -> dict[str, float]:
    """Static powers by `BOARD_PARTS`, of so many cores in use on so many chips.

    A chip in use may be known to draw the same however many of its cores are in use. The cores then
    have their share of it, at most all, and cores that are on besides add nothing.
    """
    core, chip = (board.power_W(key, level) for key in ("static_core", "static_chip"))
    cores, unused, chips = core * n_cores, core * (powered_cores - n_cores), chip * n_chips
    if "static_used_chip" in board.powers:
        in_use = board.power_W("static_used_chip", level) * n_chips
        cores, unused = min(cores, in_use), 0.0
        chips = in_use - cores
    boards = -(-n_chips // board.n_chips)
    others = chip * (boards * board.n_chips - n_chips)
    return {
        "static cores": cores, "static chips": chips, "unused cores": unused, "other chips": others,
    }  # fmt: skip
