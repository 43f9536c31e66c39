"""`ChipCost`: energy and time of an inference on Loihi, core by core and layer by layer."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ... import check
from ...chip.chip_work import ChipWork
from ...errors import EnergyError
from ...layout import Result
from ...layout.si import si
from ...words import counted
from ..constant_list import ColumnWidths, constants_text
from ..device import LEVELS
from .boundaries import BOUNDARIES, checked_boundary
from .chip_files import shipped_chip
from .chip_profile import Board, HostIO, Profile
from .core_cost import CoreColumns, CoreCost, LayerCost
from .events import gaps
from .floorline import floorline
from .floorline_record import HOST, Floorline
from .measurability import NO_LONGER, Measurability, measurability, sentence_of
from .price import ChipPrice, Setting, price_at
from .ranges import Range
from .step_time import IN_AND_OUT
from .unknown_time import unknown_sentence

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class ChipCost(Result):
    """Energy and latency of an inference on Loihi, as `price_chip` returns it.

    Energies are in J and times in s, per inference and averaged over samples; a `Range` has
    them with all constants low, as they are, and high. What hangs on a time of steps that is not
    known has the two ends and no nominal value: see `step_predicted`.

    Attributes
    ----------
    work : ChipWork
        What was priced.
    setting : Setting
        Constants, board, and how spikes go in.
    low, nominal, high : ChipPrice
        Of every sample and every core.
    """

    work: ChipWork = field(repr=False)
    setting: Setting = field(repr=False)
    low: ChipPrice = field(repr=False)
    nominal: ChipPrice = field(repr=False)
    high: ChipPrice = field(repr=False)

    @classmethod
    def of(cls, work: ChipWork, setting: Setting) -> ChipCost:
        """The cost of work with all constants low, as they are, and high."""
        return cls(work, setting, *(price_at(work, setting, level) for level in LEVELS))

    @property
    def profile(self) -> Profile:
        """Energies and times of a core's events."""
        return self.setting.profile

    @property
    def board(self) -> Board:
        """Powers that are drawn all the time."""
        return self.setting.board

    @property
    def host_io(self) -> HostIO:
        """How spikes go in and out of the chip."""
        return self.setting.host_io

    @property
    def boundaries(self) -> dict[str, Range]:
        """Energy within each of `BOUNDARIES`, from the innermost."""
        return {name: self.energy_J(name) for name in BOUNDARIES}

    def sentence(self) -> str:
        """Energies within the boundaries, time and cores, in a line."""
        cores, chips = counted(self.work.n_cores, "core"), counted(self.work.n_chips, "chip")
        least = "at least " * self.host_does_more
        if self.work.runs_on:
            drawn = {name: self.running_W(name).text("W") for name in BOUNDARIES}
            step = f"a step in {least}{self.step_s.text('s')} of {si(self.work.dt, 's')}"
            when = f"while it runs, {step}"
        else:
            drawn = {
                name: "at least " * self.is_at_least(name) + energy.text("J")
                for name, energy in self.boundaries.items()
            }
            when = f"in {least}{self.latency_s.text('s')} per inference"
        return (
            f"{drawn['core dynamic']} its cores, {drawn['chip']} the chip, {drawn['board']} a "
            f"board, {when} ({cores} of {chips}{', emulated' * self.work.emulated})"
        )

    def energy_J(self, boundary: str = "chip") -> Range:
        """Energy within a boundary.

        Parameters
        ----------
        boundary : {"core dynamic", "total dynamic", "used cores", "chip", "board"}
            The events of the cores; with the x86; with the static power of the cores in use, which
            is what NxSDK calls the total; with that of their chips; with that of the other chips
            on the board.
        """
        drawn = checked_boundary(boundary)
        found = self._range(lambda price: float(price.energy_J(boundary).mean()))
        return self._in_time(found) if drawn else found

    @cached_property
    def latency_s(self) -> Range:
        """Time of an inference. ``latency_is_at_least`` says if it is a lower bound."""
        found = self._range(lambda price: float(price.time.latency_s.mean()))
        return found if self.host_io.is_known(self.work.n_chips) else found.unless_too_wide()

    @property
    def step_predicted(self) -> bool:
        """Whether the time of a step is predicted.

        It is not if something decides it whose time is not known, such as a host beside the board
        (`HostIO.known`), and if that matters: its range is then wider than `TELLING` times.
        Energies that hold what is drawn for the time are not predicted either, where they are as
        wide.
        """
        return self.latency_s.predicted

    @property
    def not_predicted(self) -> tuple[str, ...]:
        """The time of a step, and boundaries of energy, if they are not predicted."""
        if self.step_predicted:
            return ()
        named = [name for name, energy in self.boundaries.items() if not energy.predicted]
        return ("time of a step", *named)

    def not_predicted_sentence(self) -> str:
        """What is not predicted, why, and what to do; ``""`` if all is."""
        if self.step_predicted:
            return ""
        return unknown_sentence(self.step_s, self.host_io, self.not_predicted[1:])

    def check_predicted(self, boundary: str | None = None) -> None:
        """Raise an `EnergyError` if the energy within a boundary, or the time, is not predicted."""
        found = self.latency_s if boundary is None else self.energy_J(boundary)
        if not found.predicted:
            less = "" if boundary is None else " Or take boundary='core dynamic'."
            raise EnergyError(f"Not predicted: {self.not_predicted_sentence()}.{less}")

    @property
    def step_s(self) -> Range:
        """Mean time of a step."""
        return Range(*(end / self.work.n_steps for end in self.latency_s))

    @property
    def inferences_per_s(self) -> Range:
        """Inferences a second, one after the other; low where constants are high."""
        low, nominal, high = self.latency_s
        return Range(*(1 / end if end else float("inf") for end in (high, nominal, low)))

    def edp_Js(self, boundary: str = "chip") -> Range:
        """Mean energy times mean latency."""
        pairs = zip(self.energy_J(boundary), self.latency_s)
        return Range(*(energy * latency for energy, latency in pairs))

    def power_W(self, boundary: str = "chip") -> Range:
        """Mean power during an inference, with constants low, as they are, and high.

        Where constants are high so is latency: its ends are not the least and the most power.
        """
        pairs = zip(self.energy_J(boundary), self.latency_s)
        return Range(*(energy / latency if latency else 0.0 for energy, latency in pairs))

    def running_W(self, boundary: str = "chip") -> Range:
        """Mean power of a network that runs in its own time, a step every ``work.dt`` seconds.

        Between its steps the chip waits: it draws what is static, and its cores nothing. Where its
        steps take longer than that, it runs as fast as it can.
        """
        ran_s = self.work.n_steps * self.work.dt
        return self._in_time(
            self._range(lambda price: float(price.running_W(boundary, ran_s).mean()))
        )

    @property
    def parts_J(self) -> dict[str, Range]:
        """Energy by part, `CORE_PARTS` then `BOARD_PARTS`: together those of ``"board"``."""
        prices = (self.low, self.nominal, self.high)
        cores = [p.cores_J for p in prices]
        board = [p.board_J() for p in prices]
        return {
            **{key: Range(*(float(c[key].sum(axis=1).mean()) for c in cores)) for key in cores[1]},
            **{
                key: self._in_time(Range(*(float(b[key].mean()) for b in board)))
                for key in board[1]
            },
        }

    @property
    def time_parts_s(self) -> dict[str, float]:
        """Where the time of an inference goes; see `TIME_PARTS`.

        ``"in and out"`` is NaN where the time of a step is not predicted.
        """
        parts = {key: float(part.mean()) for key, part in self.nominal.time.parts_s.items()}
        return parts if self.step_predicted else {**parts, IN_AND_OUT: math.nan}

    @property
    def latency_is_at_least(self) -> bool:
        """Whether latency may be longer: see `host_does_more` and `slowest_is_unknown`."""
        return self.host_does_more or self.slowest_is_unknown

    @property
    def host_does_more(self) -> bool:
        """Whether the host does more in a step than is counted (`HostIO.at_least`)."""
        return self.host_io.at_least and self.step_predicted

    def is_at_least(self, boundary: str) -> bool:
        """Whether the energy within a boundary may be more: it holds what is drawn for the time.

        As `host_does_more`, and where the energy is predicted though the time is not.
        """
        drawn = bool(checked_boundary(boundary))
        return drawn and self.host_io.at_least and self.energy_J(boundary).predicted

    @property
    def slowest_is_unknown(self) -> bool:
        """Whether the slowest core of each step is not known, only that of all together."""
        return not self.nominal.time.by_step and self.work.n_cores > 1

    @property
    def slowest_core(self) -> CoreCost:
        """The core that is the slowest in most steps."""
        return self.cores[int(self.nominal.time.slowest.argmax())]

    def floorline(self, *, host: bool = True, level: str = "nominal") -> Floorline:
        """What decides the time of a step, which core limits it, and what halving it would give.

        Parameters
        ----------
        host : bool
            Whether steps wait for what goes in and out of the chip. False: of the cores alone.
        level : {"low", "nominal", "high"}
            Of the constants.

        Raises
        ------
        EnergyError
            If the time of a step is not predicted, with the host and constants as they are.
        """
        check.flag("host", host, EnergyError)
        check.choice("level", level, LEVELS, EnergyError)
        if host and level == "nominal" and not self.step_predicted:
            raise EnergyError(
                f"What limits a step is not known: {self.not_predicted_sentence()}. Or take "
                "host=False: what limits the cores alone."
            )
        key = bool(host), level
        if key not in self._floorlines:
            self._floorlines[key] = floorline(self.work, self.setting, level, bool(host))
        return self._floorlines[key]

    def limit_sentence(self) -> str:
        """What sets the time of most steps; where it is the host, of the cores alone, too."""
        found = self.floorline(host=self.step_predicted)
        sentence = f"{NO_LONGER}, " * self.host_does_more + found.sentence()
        if not self.step_predicted:
            sentence = f"of the cores alone, {sentence}"
        elif found.chip.decider == HOST:
            sentence += f". Of the cores alone, {self.floorline(host=False).sentence()}"
        if not found.by_step and self.work.emulated:  # numbers by hand have no steps
            sentence += ". by_step=True (--by-step) tells of single steps"
        return sentence

    def measurability(
        self, boundary: str = "core dynamic", *, board: str | Board | None = None,
        error: float = 0.1, confidence: float = 0.95,
    ) -> Measurability:  # fmt: skip
        """How often a board has to run this network until its power is measured well enough.

        Parameters
        ----------
        boundary : {"core dynamic", "total dynamic", "used cores", "chip", "board"}
            Whose power is to be measured.
        board : str or Board, optional
            Default: the one that is priced.
        error : float
            Share of the power that the mean of all runs may be off by.
        confidence : float
            That it is not off by more.

        Raises
        ------
        EnergyError
            If no repeats of that board are published, it does not read that boundary, or the time
            of a step is not predicted.
        """
        checked_boundary(boundary)
        cost = self if board is None else self.on(board)
        found = cost.board
        if found.noise is None:
            known = [name for name, one in shipped_chip().boards.items() if one.noise]
            raise EnergyError(
                f"board {found.name}: no repeats of a measurement are published, so that its noise "
                f"is not known; it is of {', '.join(map(repr, known))}."
            )
        if not cost.step_predicted:
            raise EnergyError(
                f"How often {found.name} has to run it is not known: "
                f"{cost.not_predicted_sentence()}."
            )
        power_W = cost.running_W(boundary) if cost.work.runs_on else cost.power_W(boundary)
        return measurability(
            found.noise, found.name, boundary, power_W, cost.work.n_steps,
            cost.latency_s.nominal, error=error, confidence=confidence,
            host_does_more=cost.host_does_more,
        )  # fmt: skip

    def measurability_sentence(self, error: float = 0.1, confidence: float = 0.95) -> str:
        """What of the network the board can measure, and how often it has to run; else ``""``.

        Parameters
        ----------
        error : float
            Share of an energy that a measurement may be off.
        confidence : float
            Share of measurements that are within it.
        """
        noise = self.board.noise
        if noise is None or not self.step_predicted:
            return ""
        parts = [
            self.measurability(name, error=error, confidence=confidence)
            for name in noise.boundaries
        ]
        where = f"within {error:.0%} at {confidence:.0%} confidence on {self.board.name}"
        longer = f", {NO_LONGER}" * self.host_does_more
        return f"{where}{longer}: {sentence_of(parts)}"

    def on(self, board: Any) -> ChipCost:
        """The same work on another board."""
        known = shipped_chip().boards
        if not isinstance(board, Board):
            board = known[check.choice("board", board, known, EnergyError, quoted=True)]
        return ChipCost.of(self.work, replace(self.setting, board=board))

    @cached_property
    def _floorlines(self) -> dict[tuple[bool, str], Floorline]:
        """Those that were asked for."""
        return {}

    @property
    def cores(self) -> tuple[CoreCost, ...]:
        """One entry a core, in the order of `work`."""
        return self._columns().cores()

    @property
    def layers(self) -> tuple[LayerCost, ...]:
        """One entry a layer with cores."""
        return self._columns().layers()

    @property
    def total(self) -> LayerCost:
        """All cores as one layer."""
        return self._columns().total()

    @property
    def not_priced(self) -> tuple[str, ...]:
        """Parts that the energy and the time leave out, each a clause of names and the reason."""
        return gaps(self.work, self.profile, self.board)

    def summary_string(self, line_length: int = 80, cores: bool | None = None) -> str:
        """Tables of boundaries, layers and cores, with what they assume.

        Parameters
        ----------
        line_length : int
            No line is longer.
        cores : bool, optional
            Whether to show each core. Default: if there are at most 32.
        """
        return self._text(line_length, cores=cores)

    def constants_string(self, line_length: int = 80) -> str:
        """Every constant with its range, how it is known, and its source."""
        return constants_text(self.setting.constants(), line_length, ColumnWidths(16, 19, 9))

    def to_frame(self, rows: str = "cores") -> pandas.DataFrame:
        """One row a core, or a layer: counts, energies by part, and times.

        Parameters
        ----------
        rows : {"cores", "layers"}
            A row for each core, or for each layer.
        """
        return self._frame(rows=rows)

    def to_csv(self, path: str | os.PathLike[str] | None = None, rows: str = "cores") -> str:
        """The rows of `to_frame` as CSV text.

        Parameters
        ----------
        path : str or path, optional
            A file to write, too.
        rows : {"cores", "layers"}
            A row for each core, or for each layer.
        """
        return self._csv(path, rows=rows)

    def _columns(self) -> CoreColumns:
        return CoreColumns(self.work, self.low, self.nominal, self.high)

    def _range(self, value: Callable[[ChipPrice], float]) -> Range:
        return Range(*(value(price) for price in (self.low, self.nominal, self.high)))

    def _in_time(self, found: Range) -> Range:
        """What hangs on the time of a step: not predicted if that is not, and it is as wide."""
        return found if self.step_predicted else found.unless_too_wide()
