"""The search for block shapes, which `fit_blocks` starts.

1. Of every layer, the balanced tilings that may fit (`tile_choices`), and the output axons that
   they take together with those of the next layers (`couplings`). The first that fit, layer by
   layer (`first_fit`), are what is returned if there is no time for more.
2. Fewest cores: a chain of layers exactly (`shape_search`), other networks well (`graph_search`).
   Of equal numbers of cores the one with fewest messages: they are less than half a core.
3. If that is more than the lower bound, once more over all tilings of each layer that could still
   be better: those with at most as many blocks as its least, and the cores over the bound.
   Not over all at once: a layer has up to a million tilings, and few of them can be better.
4. For latency, the busiest core's load is bisected: fewest cores of which none is busier. For
   traffic, messages take the place of cores as the costs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...chip.limits import MAX_COMPARTMENTS
from ...deadlines import Clock, OutOfTime
from ...errors import LoihiError, SpikeCostWarning
from ...warned import warn
from ..cores.core_layers import Layers
from ..cores.core_use import use_of
from ..cores.misfits import why_never
from ..cores.network_use import NetworkUse
from .block_fit import BlockFit, LayerFit
from .couplings import Coupling
from .first_fit import first_fit
from .graph_search import covering_chains, solve_graph
from .search_costs import OBJECTIVES, core_costs, cores, is_worse, never, whole
from .shape_search import Problem, solve_lazily
from .tile_choices import (
    FAILS,
    UNKNOWN,
    TileChoices,
    all_tiles,
    balanced_tiles,
    first_that,
    possible,
)

#: Points that `BlockFit.pareto` looks for.
PARETO_POINTS = 24

#: Seconds more for reading the network, and for the search if there is no solution yet.
GRACE = 1.0

MORE_TIME = (
    "Give it more time: fit_blocks(..., time_limit=), or --time-limit of nengo-spikecost fit"
)

NO_SOLUTION = (
    "No block shapes were found with which the output axons of all layers fit. "
    f"{MORE_TIME}; or let it choose axon types: pop_types=(16, 32), as by default."
)

#: A problem, and the number of the choice of each of its layers.
Solution = tuple[Problem, tuple[int, ...]]


@dataclass(eq=False)
class BlockSearch:
    """The choices of each layer of a network, and the searches over them."""

    layers: Layers
    rates: Any
    pop_types: tuple[int, ...] | None
    clock: Clock
    started: float
    time_limit: float
    cores_per_chip: int
    max_cores: int | None
    reordered: bool
    bound: int = 0
    best: Solution | None = None
    interrupted: bool = False

    def __post_init__(self) -> None:
        layers = self.layers.layers
        self.arriving: list[list[Any]] = [[] for _ in layers]
        couplings: dict[tuple[int, int], list[Coupling]] = {}
        for axons in self.layers.inputs:
            self.arriving[axons.target].append(axons)
        for number, layer in enumerate(layers):
            for axons in layer.outputs:
                self.arriving[axons.target].append(axons)
                coupling = Coupling(axons, layer, layers[axons.target])
                couplings.setdefault((number, axons.target), []).append(coupling)
        self.bound = sum(-(-layer.n_neurons // MAX_COMPARTMENTS) for layer in layers)
        tiles = [balanced_tiles(layer.shape) for layer in layers]
        balanced = [self._choices(k, own, by_value=False) for k, own in enumerate(tiles)]
        self.problem = Problem(tuple(balanced), couplings, self.clock)

    def _choices(self, number: int, tiles: Any, by_value: bool = True) -> TileChoices:
        """Tilings of a layer that quick bounds allow; see `possible`."""
        layer = self.layers.layers[number]
        if layer.ensemble is None:  # NengoLoihi cuts it as it likes
            tiles = [layer.default_tiling().tile]
        tiles = np.array(tiles, dtype=np.int64).reshape(-1, len(layer.shape))
        tiles = tiles[possible(layer, tiles, by_value)]
        arriving = self.arriving[number]
        return TileChoices(layer, tiles, arriving, self.rates, self.pop_types, self.clock)

    def _first_fit(self) -> tuple[int, ...] | None:
        """A solution that is found quickly.

        Raises
        ------
        LoihiError
            If a layer has no tiling that fits.
        """
        for _ in range(2):
            try:
                chosen = first_fit(self.problem)
                if chosen is not None:
                    return chosen
            except OutOfTime:
                pass
            # a layer that fits at no balanced tiling may get others
            self._require_possible(self.problem.choices)
        return None

    def _require_possible(self, choices: Sequence[TileChoices]) -> None:
        """Raise if a layer has no tiling that fits."""
        reasons = [why_never(balanced.layer) for balanced in choices]
        problems = [never(c.layer) for c, reason in zip(choices, reasons) if reason is not None]
        for k, balanced in enumerate(choices):
            layer = balanced.layer
            if reasons[k] is not None or self._one_fits(balanced):
                continue
            # rarely, only a tiling that is not balanced fits: a longer one along an axis
            every = self._choices(k, all_tiles(layer.shape, layer.n_neurons))
            if self._one_fits(every):
                balanced.__dict__.update(every.__dict__)
                continue
            problems.append(never(layer))
        if problems:
            lines = "\n".join(f"- {problem}" for problem in problems)
            raise LoihiError(f"No block shapes fit:\n{lines}", tuple(problems))

    def _one_fits(self, choices: TileChoices) -> bool:
        try:
            return first_that(choices.check, range(len(choices)), self.clock) is not None
        except OutOfTime:
            tried = int((choices.state == FAILS).sum())
            raise LoihiError(
                f"{choices.layer.name}: no block shape was found in {self.time_limit:g} s. Of "
                f"{len(choices):,} that may fit, {tried:,} were tried, and do not. {MORE_TIME}."
            ) from None

    # ------------------------------------------------------------ objectives

    def fit(self, objective: str) -> BlockFit:
        """The best solution by an objective that is found in time."""
        self.best = None
        try:
            self._keep(self.problem, self._first_fit())
            if self.best is None:  # layers that lead to each other: the search may find more
                with self.clock.at_least(GRACE):
                    self._fewest_cores()
            self._look_at_values()
            if objective == "cores":
                self._fewest_cores()
            else:
                with self.clock.part(0.5):
                    self._fewest_cores()
                improve = self._least_busy if objective == "latency" else self._least_traffic
                if self.best is not None:
                    improve(self._limit(*self.best))
        except OutOfTime:
            pass
        except KeyboardInterrupt:
            if self.best is None:
                raise
            self.interrupted = True
            warn(
                "The search for block shapes was interrupted: these are the best so far.",
                SpikeCostWarning,
            )
        if self.best is None:
            raise LoihiError(NO_SOLUTION)
        return self._result(*self.best, objective)

    def _look_at_values(self) -> None:
        """Leave out tilings of which a few weights show that they can't fit."""
        for choices in self.problem.choices:
            self.clock.check()
            allowed = possible(choices.layer, choices.tiles, by_value=True)
            choices.state[~allowed & (choices.state == UNKNOWN)] = FAILS

    def _keep(self, problem: Problem, chosen: tuple[int, ...] | None) -> None:
        if chosen is not None:
            self.best = problem, chosen

    def _limit(self, problem: Problem, chosen: Sequence[int]) -> int:
        needed = cores(problem, chosen)
        if self.max_cores is not None:
            return max(self.max_cores, needed)
        return -(-needed // self.cores_per_chip) * self.cores_per_chip

    def _fewest_cores(self) -> None:
        """Look for the solution with fewest cores, and for the bound that goes with it."""
        try:
            problem = self.problem
            self._improve(problem, self._solve(problem, self._balanced_costs))
            if self.best is None:
                return
            least = self._least_blocks()
            self.bound = max(self.bound, sum(least))
            slack = cores(*self.best) - self.bound
            if slack <= 0:
                return
            shapes = [layer.shape for layer in self.layers.layers]
            # with more blocks than this a layer takes more than the cores there are over the bound
            tiles = [all_tiles(s, n + slack) for s, n in zip(shapes, least)]
            every = problem.with_choices([self._choices(k, own) for k, own in enumerate(tiles)])
            self._improve(every, self._solve(every, core_costs(every)))
        except OutOfTime:
            pass

    def _improve(self, problem: Problem, chosen: tuple[int, ...] | None) -> None:
        """Keep a solution with as few cores: of as many as before, it has fewer messages."""
        if chosen is None:
            return
        if self.best is None or cores(problem, chosen) <= cores(*self.best):
            self.best = problem, chosen

    @cached_property
    def _balanced_costs(self) -> list[np.ndarray]:
        return core_costs(self.problem)

    def _least_blocks(self) -> list[int]:
        """Fewest blocks that quick bounds allow each layer, at any of its tilings."""
        least = []
        for k, layer in enumerate(self.layers.layers):
            self.clock.check()
            known = self.problem.choices[k]
            most = int(known.n_blocks[known.state != FAILS].min())
            least.append(int(self._choices(k, all_tiles(layer.shape, most)).n_blocks.min()))
        return least

    def _solve(self, problem: Problem, costs: Sequence[np.ndarray]) -> tuple[int, ...] | None:
        if problem.is_chain:
            chosen, bound = solve_lazily(problem, costs, list(problem.couplings))
        else:
            with self.clock.part(0.5):
                chosen, bound = solve_lazily(problem, costs, covering_chains(problem))
        if problem is not self.problem and np.isfinite(bound):
            # only this problem has all tilings that could be better
            self.bound = max(self.bound, whole(bound))
        if problem.is_chain:
            return chosen
        if chosen is None and self.best is not None and self.best[0] is problem:
            chosen = self.best[1]
        return None if chosen is None else solve_graph(problem, costs, chosen)

    def _least_busy(self, max_cores: int) -> None:
        """The busiest core as little busy as these cores allow, by bisection."""
        loads, levels = self._loads()
        low, high = 0, len(levels) - 1
        while low <= high:
            self.clock.check()
            middle = (low + high) // 2
            chosen = self._below(loads, levels[middle])
            if chosen is not None and cores(self.problem, chosen) <= max_cores:
                self._keep(self.problem, chosen)
                high = middle - 1
            else:
                low = middle + 1

    def _loads(self) -> tuple[list[np.ndarray], np.ndarray]:
        """The load of each tiling in ns, and the different ones of those that may fit."""
        loads = [choices.loads_ns() for choices in self.problem.choices]
        states = [choices.state for choices in self.problem.choices]
        return loads, np.unique(np.concatenate([x[s != FAILS] for x, s in zip(loads, states)]))

    def _below(self, loads: Sequence[np.ndarray], level: float) -> tuple[int, ...] | None:
        """Fewest cores such that none is busier than ``level``."""
        pairs = zip(loads, self._balanced_costs)
        costs = [np.where(load <= level, cost, np.inf) for load, cost in pairs]
        possible = all(np.isfinite(cost).any() for cost in costs)
        return self._solve(self.problem, costs) if possible else None

    def _least_traffic(self, max_cores: int) -> None:
        choices = self.problem.choices
        costs = [c.messages(True) + c.messages(False) + 1e-6 * c.n_blocks for c in choices]
        chosen = self._solve(self.problem, costs)
        if chosen is not None and cores(self.problem, chosen) <= max_cores:
            self._keep(self.problem, chosen)

    def pareto(self) -> tuple[BlockFit, ...]:
        """Solutions of which none is worse than another in all respects."""
        self.started = time.monotonic()
        self.clock.start(self.time_limit)
        self.best = None
        fits: list[BlockFit] = []
        ends = []
        for number, objective in enumerate(OBJECTIVES):
            with self.clock.part(0.5 / (len(OBJECTIVES) - number)):
                ends.append(self.fit(objective))
        try:
            loads, levels = self._loads()
            share = np.linspace(0, 1, PARETO_POINTS)
            for level in np.unique(np.quantile(levels, share, method="nearest")):
                self.clock.check()
                solution = self._below(loads, level)
                if solution is not None:
                    fits.append(self._result(self.problem, solution, "pareto"))
        except OutOfTime:
            pass
        fits += ends
        fits = [fit for k, fit in enumerate(fits) if not is_worse(fit, fits, k)]
        return tuple(sorted(fits, key=lambda fit: (fit.n_cores, fit.busiest_ns)))

    # ------------------------------------------------------------ results

    def _result(self, problem: Problem, chosen: Sequence[int], objective: str) -> BlockFit:
        ended = "time" if self.clock.has_passed else "complete"
        picks = list(zip(problem.choices, chosen))
        with self.clock.stopped():  # it is one tiling of each layer
            for choices, k in picks:
                choices.check(k)
            use, pops = self._use(picks)
            alone = [choices.kept(np.array([k])) for choices, k in picks]
            loads = [float(choice.loads_ns()[0]) for choice in alone]
            host = sum(float(choice.messages(True)[0]) for choice in alone)
            chip = sum(float(choice.messages(False)[0]) for choice in alone)
        return BlockFit(
            layers=tuple(LayerFit(u, load) for u, load in zip(use.layers, loads)), pop_types=pops,
            objective=objective, lower_bound=self.bound, host_messages=host, chip_messages=chip,
            cores_per_chip=self.cores_per_chip, rates_known=bool(self.rates),
            reordered=self.reordered, ended="interrupt" if self.interrupted else ended,
            seconds=time.monotonic() - self.started, network=self.layers.network,
            given=self.layers.given, search=self,
        )  # fmt: skip

    def _use(self, picks: Sequence[tuple[TileChoices, int]]) -> tuple[NetworkUse, dict[Any, int]]:
        """The use of every block by its chosen tiling, and the axon type of each convolution."""
        pops = {}
        changed = []
        for (choices, k), arriving in zip(picks, self.arriving):
            for axons in arriving:
                synapses = axons.synapses
                if synapses.pop_type and axons.connection is not None:
                    slots = choices.slots[k, choices.layer.synapses.index(synapses)]
                    pops[axons.connection] = 16 if slots == 1 else 32
                    changed.append((synapses, synapses.pop_type))
                    synapses.pop_type = pops[axons.connection]
        try:
            return use_of(self.layers, tuple(choices.tiling(k) for choices, k in picks)), pops
        finally:
            for synapses, pop_type in changed:
                synapses.pop_type = pop_type
