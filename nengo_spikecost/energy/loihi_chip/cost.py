"""`ChipCost`: energy and time of an inference on Loihi, core by core and layer by layer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import check
from ...chip.chip_work import ChipWork
from ...errors import EnergyError
from ...layout import Result
from ...layout.si import counted, si
from ..constant_list import ColumnWidths, constants_text
from ..device import LEVELS
from .chip_profile import Board, HostIO, Profile
from .events import gaps
from .floorline import floorline
from .floorline_record import HOST, Floorline
from .price import BOUNDARIES, ChipPrice, Setting, checked_boundary
from .ranges import Range

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class CoreCost:
    """Counts, energy and time of one core per inference, mean over samples.

    Attributes
    ----------
    name, layer : str
    chip : int
    compartments : int
    synops, active_updates, spikes, messages_out, axon_events : float
    parts_J : mapping from one of `CORE_PARTS` to float
        Energy within the boundary ``"core dynamic"``.
    energy_J : Range
        Their sum.
    busy_s : Range
        Time that the core works.
    slowest : float
        Share of the steps in which it is the slowest core.
    """

    name: str
    layer: str
    chip: int
    compartments: int
    synops: float
    active_updates: float
    spikes: float
    messages_out: float
    axon_events: float
    parts_J: Mapping[str, float] = field(repr=False)
    energy_J: Range
    busy_s: Range
    slowest: float


@dataclass(frozen=True)
class LayerCost:
    """The cores of one layer; see `CoreCost`.

    Attributes
    ----------
    name : str
    n_cores, compartments : int
    synops, active_updates, spikes, messages_out, axon_events : float
    parts_J : mapping from one of `CORE_PARTS` to float
    energy_J : Range
    slowest : float
        Share of the steps in which one of its cores is the slowest.
    """

    name: str
    n_cores: int
    compartments: int
    synops: float
    active_updates: float
    spikes: float
    messages_out: float
    axon_events: float
    parts_J: Mapping[str, float] = field(repr=False)
    energy_J: Range
    slowest: float


@dataclass(frozen=True)
class ChipCost(Result):
    """Energy and latency of an inference on Loihi, as `price_chip` returns it.

    Energies are in J and times in s, per inference and averaged over samples; a `Range` has
    them with all constants low, as they are, and high.

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
        if self.work.runs_on:
            ends = {name: si(self.running_W(name).nominal, "W") for name in BOUNDARIES}
            step, dt = si(self.step_s.nominal, "s"), si(self.work.dt, "s")
            when = f"while it runs, a step in {step} of {dt}"
        else:
            ends = {name: si(energy.nominal, "J") for name, energy in self.boundaries.items()}
            when = f"in {si(self.latency_s.nominal, 's')} per inference"
        return (
            f"{ends['core dynamic']} its cores, {ends['chip']} the chip, {ends['board']} a board, "
            f"{when} ({cores} of {chips}, emulated)"
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
        checked_boundary(boundary)
        return self._range(lambda price: float(price.energy_J(boundary).mean()))

    @property
    def latency_s(self) -> Range:
        """Time of an inference. ``latency_is_at_least`` says if it is a lower bound."""
        return self._range(lambda price: float(price.time.latency_s.mean()))

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
        return self._range(lambda price: float(price.running_W(boundary, ran_s).mean()))

    @property
    def parts_J(self) -> dict[str, Range]:
        """Energy by part, `CORE_PARTS` then `BOARD_PARTS`: together those of ``"board"``."""
        prices = (self.low, self.nominal, self.high)
        cores = [p.cores_J for p in prices]
        board = [p.board_J() for p in prices]
        return {
            **{key: Range(*(float(c[key].sum(axis=1).mean()) for c in cores)) for key in cores[1]},
            **{key: Range(*(float(b[key].mean()) for b in board)) for key in board[1]},
        }

    @property
    def time_parts_s(self) -> dict[str, float]:
        """Where the time of an inference goes; see `TIME_PARTS`."""
        return {key: float(part.mean()) for key, part in self.nominal.time.parts_s.items()}

    @property
    def latency_is_at_least(self) -> bool:
        """Whether the slowest core of each step is not known, so that latency may be longer."""
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
        """
        check.flag("host", host, EnergyError)
        check.choice("level", level, LEVELS, EnergyError)
        key = bool(host), level
        if key not in self._floorlines:
            self._floorlines[key] = floorline(self.work, self.setting, level, bool(host))
        return self._floorlines[key]

    def limit_sentence(self) -> str:
        """What sets the time of most steps; where it is the host, of the cores alone, too."""
        found = self.floorline()
        sentence = found.sentence()
        if found.chip.decider == HOST:
            sentence += f". Of the cores alone {self.floorline(host=False).sentence()}"
        if not found.by_step:
            sentence += ". by_step=True (--by-step) tells of single steps"
        return sentence

    @cached_property
    def _floorlines(self) -> dict[tuple[bool, str], Floorline]:
        """Those that were asked for."""
        return {}

    @property
    def cores(self) -> tuple[CoreCost, ...]:
        """One entry a core, in the order of `work`."""
        work, columns = self.work, _CoreColumns(self)
        return tuple(
            CoreCost(
                name=work.cores[i],
                layer=work.layers[i],
                chip=int(work.hops.chips[i]),
                **columns.counts([i]),
                busy_s=Range(*(float(busy[i]) for busy in columns.busy_s)),
            )
            for i in range(work.n_cores)
        )

    @property
    def layers(self) -> tuple[LayerCost, ...]:
        """One entry a layer with cores."""
        layers, columns = np.array(self.work.layers), _CoreColumns(self)
        members = {name: np.flatnonzero(layers == name) for name in self.work.layer_names}
        return tuple(
            LayerCost(name=name, n_cores=len(cores), **columns.counts(cores))
            for name, cores in members.items()
        )

    @property
    def total(self) -> LayerCost:
        """All cores as one layer."""
        cores = np.arange(self.work.n_cores)
        return LayerCost(name="Total", n_cores=len(cores), **_CoreColumns(self).counts(cores))

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
        """The rows of `to_frame` as CSV text, written to ``path`` if there is one."""
        return self._csv(path, rows=rows)

    def _range(self, value: Callable[[ChipPrice], float]) -> Range:
        return Range(*(value(price) for price in (self.low, self.nominal, self.high)))


class _CoreColumns:
    """Counts and energies of each core, means over samples, added up where they are read."""

    def __init__(self, cost: ChipCost):
        work = cost.work
        self.compartments = work.compartments
        self.means = {
            "synops": work.total_synops().mean(axis=0),
            "active_updates": np.mean(work.active, axis=0),
            "spikes": np.mean(work.spikes, axis=0),
            "messages_out": np.mean(work.messages_out, axis=0),
            "axon_events": np.mean(work.axon_events, axis=0),
            "slowest": cost.nominal.time.slowest,
        }
        self.parts_J = {key: part.mean(axis=0) for key, part in cost.nominal.cores_J.items()}
        prices = (cost.low, cost.nominal, cost.high)
        self.energy_J = [price.core_total_J().mean(axis=0) for price in prices]
        self.busy_s = [price.time.cores_s.mean(axis=0) for price in prices]

    def counts(self, cores: Any) -> dict[str, Any]:
        """Sums over some cores, by the names of `CoreCost` and `LayerCost`."""
        return {
            "compartments": round(float(self.compartments[cores].sum())),
            **{key: float(mean[cores].sum()) for key, mean in self.means.items()},
            "parts_J": {key: float(part[cores].sum()) for key, part in self.parts_J.items()},
            "energy_J": Range(*(float(energy[cores].sum()) for energy in self.energy_J)),
        }
