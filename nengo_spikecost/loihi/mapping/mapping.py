"""`Mapping`: blocks on cores and chips, the messages between them, and the hops these make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ... import check
from ...chip.limits import CoreUse
from ...chip.mesh import HopCosts, Hops, Mesh, count_hops
from ...errors import LoihiError
from ...layout import Result
from ..cores.built import BuiltNetwork, Part
from .allocation import repeating_allocator
from .assignment import Solution
from .bounds import Bound, placement_bounds
from .host_reads import HostReads, host_reads
from .positions import search_positions
from .traffic import Spikes, Traffic


@dataclass(frozen=True)
class PlacedBlock:
    """One block on its core.

    Attributes
    ----------
    name : str
        The layer, numbered where it has several blocks.
    layer : str
        Layer of its neurons; of decoding neurons, their Connection.
    kind : {"neurons", "decoding neurons"}
    chip, core : int
        Chip of the board, and core of the chip as NengoLoihi numbers it.
    position : int
        Core of the board's mesh (see `Mesh`), chip after chip.
    use : CoreUse
        The resources that it uses of the core.
    """

    name: str
    layer: str
    kind: str
    chip: int
    core: int
    position: int
    use: CoreUse = field(repr=False)


def placed_blocks(
    parts: Sequence[Part], chip: np.ndarray, positions: np.ndarray
) -> tuple[PlacedBlock, ...]:
    """Blocks on these chips and positions; cores of a chip are numbered in their order."""
    core = np.zeros(len(positions), dtype=np.int64)
    for number in np.unique(chip):
        here = np.flatnonzero(chip == number)
        core[here[np.argsort(positions[here])]] = np.arange(len(here))
    return tuple(
        PlacedBlock(part.name, part.source.layer, part.source.kind, c, k, p, _use_of(part.obj))
        for part, c, k, p in zip(parts, chip.tolist(), core.tolist(), positions.tolist())
    )


def _use_of(block: Any) -> CoreUse:
    """The use of a LoihiBlock by NengoLoihi's own count, which `core_use` predicts."""
    use = {name: int(used) for name, (used, _) in block.utilization().items()}
    return CoreUse(use["compartments"], use["in-axons"], use["out-axons"], use["synapses"])


@dataclass(frozen=True)
class Mapping(Result):
    """A network's blocks on the cores and chips of a board, as `place` returns it.

    Attributes
    ----------
    blocks : tuple of PlacedBlock
        In NengoLoihi's order, one on each core.
    allocator : str
        The allocator that chose chips and cores: one of `ALLOCATORS`.
    cores_per_chip : int
    mesh : Mesh
        Where positions are. An assumption: see `nengo_spikecost.chip.mesh`.
    traffic : Traffic
        Messages between blocks.
    reads : tuple of HostReads
        Words that each chip sends to the host each step.
    built : BuiltNetwork
        What was placed.
    spikes : Spikes
        What its neurons sent.
    search : Solution or None
        How `optimised` came to these positions; None: they are the allocator's.
    """

    blocks: tuple[PlacedBlock, ...]
    allocator: str
    cores_per_chip: int
    mesh: Mesh
    traffic: Traffic
    reads: tuple[HostReads, ...] = field(repr=False)
    built: BuiltNetwork = field(repr=False, compare=False)
    spikes: Spikes = field(repr=False, compare=False)
    search: Solution | None = field(default=None, repr=False)

    @property
    def n_cores(self) -> int:
        """Cores in use."""
        return len(self.blocks)

    @property
    def n_chips(self) -> int:
        """Chips of the board, up to the last in use."""
        return max(block.chip for block in self.blocks) + 1

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers with blocks, in their order."""
        return tuple(dict.fromkeys(block.layer for block in self.blocks))

    @property
    def chips(self) -> np.ndarray:
        """Chip of every block, int64, shape (n_blocks,)."""
        return np.array([block.chip for block in self.blocks], dtype=np.int64)

    @property
    def positions(self) -> np.ndarray:
        """Position of every block on the mesh, int64, shape (n_blocks,)."""
        return np.array([block.position for block in self.blocks], dtype=np.int64)

    @cached_property
    def _between_cores_and_host(self) -> np.ndarray:
        return self.traffic.between_groups(np.arange(self.n_cores), self.n_cores)

    @property
    def between_cores(self) -> np.ndarray:
        """Messages from core to core over all samples, int64, shape (n_cores, n_cores).

        Rows and columns follow `blocks`. Recurrent messages are on the diagonal.
        """
        return self._between_cores_and_host[:-1]

    @property
    def received(self) -> np.ndarray:
        """Messages to each core, from cores and the host, over all samples, int64, (n_cores,)."""
        return self._between_cores_and_host.sum(axis=0)

    @cached_property
    def between_chips(self) -> np.ndarray:
        """Messages from chip to chip over all samples, int64, shape (n_chips, n_chips)."""
        return self.traffic.between_groups(self.chips, self.n_chips)[:-1]

    @cached_property
    def host_to_chip(self) -> np.ndarray:
        """Messages from the host to each chip over all samples, int64, shape (n_chips,)."""
        return self.traffic.between_groups(self.chips, self.n_chips)[-1]

    @property
    def on_chip(self) -> int:
        """Messages between cores of one chip and within a core, over all samples."""
        return int(np.trace(self.between_chips))

    @property
    def chip_to_chip(self) -> int:
        """Messages from one chip to another, over all samples."""
        return int(self.between_chips.sum()) - self.on_chip

    @cached_property
    def hops(self) -> Hops:
        """Hops of all messages between cores, over all samples; the host has no position."""
        traffic = self.traffic
        chip = ~traffic.from_host
        routes = traffic.sender[chip], traffic.receiver[chip], traffic.messages[chip]
        return count_hops(self.mesh, self.positions, *routes)

    @cached_property
    def bounds(self) -> tuple[Bound, ...]:
        """What no placement is better than; see `placement_bounds`."""
        return placement_bounds(self)

    def hop_cost(self, costs: HopCosts | None = None) -> float:
        """Cost of the hops of all messages between cores.

        Parameters
        ----------
        costs : HopCosts, optional
            Of a hop in each direction. Default: those that `place` minimizes by default.
        """
        costs, hops = _checked_costs(costs), self.hops
        return (
            costs.east_west * hops.east_west
            + costs.north_south * hops.north_south
            + costs.chip_crossing * hops.chip_crossings
        )

    def per_inference(self, messages: Any) -> Any:
        """Messages or hops over all samples, per sample.

        Parameters
        ----------
        messages : float or array_like

        Returns
        -------
        float or ndarray
            Of the shape that was given.

        Raises
        ------
        LoihiError
            If ``messages`` are no numbers.
        """
        messages = check.array("messages", messages, LoihiError)
        return messages / self.traffic.n_samples

    def per_step(self, messages: Any) -> Any:
        """Messages or hops over all samples, per step.

        Parameters
        ----------
        messages : float or array_like

        Returns
        -------
        float or ndarray
            Of the shape that was given.

        Raises
        ------
        LoihiError
            If no Activity was given, which says how many steps there were, or ``messages`` are no
            numbers.
        """
        messages = check.array("messages", messages, LoihiError)
        if self.traffic.n_steps is None:
            raise LoihiError(
                "How many steps there were is not known: pass place() an Activity, as "
                "nengo_spikecost.measure returns it."
            )
        return messages / (self.traffic.n_samples * self.traffic.n_steps)

    def optimised(
        self, costs: HopCosts | None = None, *, between_chips: bool = True,
        free_cores: bool = False, seed: int = 0, max_moves: int = 2000, time_limit_s: float = 20.0,
    ) -> Mapping:  # fmt: skip
        """The same blocks at positions with fewer hops; never more than now.

        Parameters
        ----------
        costs : HopCosts, optional
            Default: each hop counts 1.
        between_chips : bool
            Whether blocks may change their chip.
        free_cores : bool
            Whether blocks may also move to cores that none is on now. NengoLoihi numbers the
            cores of a chip without gaps, so `to_allocator` can't repeat such a placement.
        seed : int
            Same seed, same answer, unless the time limit stops the search.
        max_moves : int
            Moves of the tabu search that follows the descent.
        time_limit_s : float
            Of the search, in s.

        Raises
        ------
        LoihiError
            If an argument is not as said above.
        """
        between_chips = check.flag("between_chips", between_chips, LoihiError)
        free_cores = check.flag("free_cores", free_cores, LoihiError)
        seed = check.seed("seed", seed, LoihiError)
        max_moves = check.whole("max_moves", max_moves, LoihiError, 0)
        time_limit_s = check.time("time_limit_s", time_limit_s, LoihiError)
        solution, positions = search_positions(
            self.mesh, self.positions, self.between_cores, self._seats(free_cores),
            _checked_costs(costs), between_chips=between_chips, seed=seed, max_moves=max_moves,
            time_limit_s=time_limit_s,
        )  # fmt: skip
        return self.moved(positions // self.mesh.n_cores, positions, solution)

    def moved(
        self, chip: np.ndarray, positions: np.ndarray, search: Solution | None = None
    ) -> Mapping:
        """The same blocks at other positions.

        Parameters
        ----------
        chip, positions : ndarray of int64, shape (n_blocks,)
        search : Solution, optional
            How the positions were found.

        Raises
        ------
        LoihiError
            If there is not one chip and one position for each block.
        """
        n_blocks = len(self.built.blocks)
        chip, positions = (
            check.array(name, values, LoihiError, (n_blocks,), whole=True)
            for name, values in (("chip", chip), ("positions", positions))
        )
        if search is not None:
            check.kind("search", search, Solution, LoihiError, "a Solution, as `search` has it")
        blocks = placed_blocks(self.built.blocks, chip, positions)
        reads = host_reads(self.built.model.probes, [p.obj for p in self.built.blocks], chip)
        return replace(self, blocks=blocks, reads=reads, search=search)

    def to_allocator(self) -> Any:
        """An allocator with which NengoLoihi repeats this placement.

        ``nengo_loihi.Simulator(net, target="loihi", hardware_options={"n_chips":
        mapping.n_chips, "allocator": mapping.to_allocator()})``; block shapes have to be the
        same as here.

        Raises
        ------
        LoihiError
            If a chip has no block left, which NxSDK does not run.
        """
        empty = set(range(self.n_chips)) - set(self.chips.tolist())
        if empty:
            raise LoihiError(
                f"Chip {min(empty)} has no block left, which NxSDK does not run: optimise with "
                "free_cores=False, or between_chips=False."
            )
        where = zip(*((block.chip, block.core) for block in self.blocks))
        return repeating_allocator([part.obj for part in self.built.blocks], *where)

    def _seats(self, free_cores: bool) -> np.ndarray:
        """Positions that blocks may be on."""
        if not free_cores:
            return np.sort(self.positions)
        cores = np.arange(self.cores_per_chip)
        first = np.arange(self.n_chips)[:, None] * self.mesh.n_cores
        return np.asarray((first + cores).ravel())


def _checked_costs(costs: HopCosts | None) -> HopCosts:
    if costs is None:
        return HopCosts()
    words = "HopCosts, as nengo_spikecost.loihi.HopCosts makes them"
    found: HopCosts = check.kind("costs", costs, HopCosts, LoihiError, words)
    return found
