"""`fit_blocks`: the search for block shapes.

1. Of every layer, the balanced tilings that may fit (`tile_choices`), and the output axons that
   they take together with those of the next layers (`couplings`).
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
from typing import Any

import numpy as np

from ...chip.limits import MAX_CORES_PER_CHIP
from ...errors import LoihiError
from ..cores.core_layers import Layers, spikes_per_step
from ..cores.core_use import use_of
from ..cores.layer_reading import read_layers
from ..cores.misfits import why_never
from ..cores.network_use import NetworkUse
from .block_fit import BlockFit, LayerFit
from .channel_order import in_channel_order
from .couplings import Coupling
from .graph_search import covering_chains, solve_graph
from .search_costs import OBJECTIVES, core_costs, cores, is_worse, never, whole
from .shape_search import Problem, solve_lazily
from .tile_choices import FAILS, TileChoices, all_tiles, balanced_tiles, possible

#: Points that `BlockFit.pareto` looks for.
PARETO_POINTS = 24

NO_SOLUTION = (
    "No block shapes were found with which the output axons of all layers fit. "
    "Give it more time (time_limit), or pop_types=(16, 32)."
)


def fit_blocks(
    network: Any, objective: str = "cores", *, pop_types: Sequence[int] | None = (16, 32),
    channel_order: str | None = None, spikes: Any = None, max_cores: int | None = None,
    max_cores_per_chip: int = MAX_CORES_PER_CHIP, time_limit: float = 10.0, dt: float = 0.001,
) -> BlockFit:  # fmt: skip
    """Find block shapes with which a network fits on Loihi, and the best of them.

    Chains of layers are solved exactly; other networks well, with a bound that no solution
    is below. Both mean tilings of the layers' own shapes (rows, columns, channels, in the
    order of their neurons).

    Parameters
    ----------
    network : nengo.Network, Conversion, Layers, or any object with a Network as ``.net``
        It is not changed; `BlockFit.apply` does that.
    objective : {"cores", "latency", "traffic"}
        Fewest cores, and of these fewest messages; the busiest core least busy, within
        `max_cores`; or fewest messages. The last two look at balanced tilings only.
    pop_types : sequence of 16 and 32, or None
        Axon types that convolutions may get. 16 is taken where it is allowed: it halves the
        slots of output axons. None: as the network has them.
    channel_order : {"last", "first"}, optional
        Fit the network as if all images had their channels there, to see whether that would
        be worth it. A fit in an order that the network does not have can't be applied.
        Default: its own.
    spikes : Activity or mapping, optional
        As for `check_fit`; without it every neuron is taken to fire at 100 Hz.
    max_cores : int, optional
        For "latency" and "traffic". Default: all cores of as many chips as are needed.
    max_cores_per_chip : int
    time_limit : float
        Seconds that each search may take; then the best solution so far is returned.
    dt : float
        Time step in s.

    Raises
    ------
    LoihiError
        If a layer fits at no shape; its ``problems`` are of type `Misfit`. If NengoLoihi
        can't build the network. If `objective`, `pop_types` or `channel_order` is not one of
        those above.
    """
    if objective not in OBJECTIVES:
        raise LoihiError(f"objective has to be one of {OBJECTIVES}, not {objective!r}.")
    if pop_types is not None and (not pop_types or not set(pop_types) <= {16, 32}):
        raise LoihiError(f"pop_types has to be of 16 and 32, or None, not {pop_types!r}.")
    started = time.monotonic()
    layers = network if isinstance(network, Layers) else read_layers(network, dt)
    if not layers.layers:
        raise LoihiError("There is no Ensemble on the chip, and so nothing to fit.")
    rates = spikes_per_step(layers, spikes)
    reordered = False
    if channel_order is not None:
        layers, reordered = in_channel_order(layers, channel_order)
    types = None if pop_types is None else tuple(pop_types)
    search = BlockSearch(
        layers, rates, types, started, time_limit, max_cores_per_chip, max_cores, reordered
    )
    return search.fit(objective)


@dataclass(eq=False)
class BlockSearch:
    """The choices of each layer of a network, and the searches over them."""

    layers: Layers
    rates: Any
    pop_types: tuple[int, ...] | None
    started: float
    time_limit: float
    cores_per_chip: int
    max_cores: int | None
    reordered: bool
    bound: int = 0

    def __post_init__(self) -> None:
        self.first_started = self.started
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
        balanced = [self._choices(k, balanced_tiles(layer.shape)) for k, layer in enumerate(layers)]
        self._require_possible(balanced)
        self.problem = Problem(tuple(balanced), couplings)

    @property
    def deadline(self) -> float:
        """Time at which a search stops."""
        return self.started + self.time_limit

    def _choices(self, number: int, tiles: Any) -> TileChoices:
        """Tilings of a layer that quick bounds allow."""
        layer = self.layers.layers[number]
        if layer.ensemble is None:  # NengoLoihi cuts it as it likes
            tiles = [layer.default_tiling().tile]
        tiles = np.array(tiles, dtype=np.int64).reshape(-1, len(layer.shape))
        tiles = tiles[possible(layer, tiles)]
        return TileChoices(layer, tiles, self.arriving[number], self.rates, self.pop_types)

    def _require_possible(self, choices: Sequence[TileChoices]) -> None:
        """Raise if a layer has no tiling that fits."""
        problems = []
        for k, balanced in enumerate(choices):
            layer = balanced.layer
            if why_never(layer) is None:
                if any(balanced.check(i) for i in range(len(balanced))):
                    continue
                # rarely, only a tiling that is not balanced fits: a longer one along an axis
                every = self._choices(k, all_tiles(layer.shape, layer.n_neurons))
                if any(every.check(i) for i in range(len(every))):
                    balanced.__dict__.update(every.__dict__)
                    continue
            problems.append(never(layer))
        if problems:
            lines = "\n".join(f"- {problem}" for problem in problems)
            raise LoihiError(f"No block shapes fit:\n{lines}", tuple(problems))

    # ------------------------------------------------------------ objectives

    def fit(self, objective: str) -> BlockFit:
        """The best solution by an objective."""
        problem, chosen = self.fewest_cores()
        self.started = time.monotonic() if objective != "cores" else self.started
        if objective == "latency":
            problem, chosen = self.problem, self._least_busy(self._limit(problem, chosen))
        elif objective == "traffic":
            few = self._least_traffic(self._limit(problem, chosen))
            problem, chosen = (problem, chosen) if few is None else (self.problem, few)
        return self._result(problem, chosen, objective)

    def _limit(self, problem: Problem, chosen: Sequence[int]) -> int:
        needed = cores(problem, chosen)
        if self.max_cores is not None:
            return max(self.max_cores, needed)
        return -(-needed // self.cores_per_chip) * self.cores_per_chip

    def fewest_cores(self) -> tuple[Problem, tuple[int, ...]]:
        """Fewest cores, and the bound that goes with them."""
        problem = self.problem
        chosen = self._solve(problem, core_costs(problem))
        least = self._least_blocks()
        if chosen is None:
            raise LoihiError(NO_SOLUTION)
        self.bound = max(self.bound, sum(least))
        slack = cores(problem, chosen) - self.bound
        if slack <= 0:
            return problem, chosen
        shapes = [layer.shape for layer in self.layers.layers]
        # with more blocks than this a layer takes more than the cores there are over the bound
        tiles = [all_tiles(s, n + slack) for s, n in zip(shapes, least)]
        every = problem.with_choices([self._choices(k, own) for k, own in enumerate(tiles)])
        better = self._solve(every, core_costs(every))
        if better is not None and cores(every, better) <= cores(problem, chosen):
            problem, chosen = every, better
        return problem, chosen

    def _least_blocks(self) -> list[int]:
        """Fewest blocks that quick bounds allow each layer, at any of its tilings."""
        least = []
        for k, layer in enumerate(self.layers.layers):
            known = self.problem.choices[k]
            most = int(known.n_blocks[known.state != FAILS].min())
            least.append(int(self._choices(k, all_tiles(layer.shape, most)).n_blocks.min()))
        return least

    def _solve(self, problem: Problem, costs: Sequence[np.ndarray]) -> tuple[int, ...] | None:
        edges = list(problem.couplings) if problem.is_chain else covering_chains(problem)
        chosen, bound = solve_lazily(problem, costs, edges, self.deadline)
        if problem is not self.problem and np.isfinite(bound):
            # only this problem has all tilings that could be better
            self.bound = max(self.bound, whole(bound))
        if problem.is_chain or chosen is None:
            return chosen
        return solve_graph(problem, costs, chosen, max(self.deadline, time.monotonic() + 1))

    def _least_busy(self, max_cores: int) -> tuple[int, ...]:
        """The busiest core as little busy as these cores allow, by bisection."""
        loads = [choices.loads_ns() for choices in self.problem.choices]
        levels = np.unique(np.concatenate(loads))
        best = None
        low, high = 0, len(levels) - 1
        while low <= high:
            middle = (low + high) // 2
            chosen = self._below(loads, levels[middle])
            if chosen is not None and cores(self.problem, chosen) <= max_cores:
                best, high = chosen, middle - 1
            else:
                low = middle + 1
        if best is None:
            raise LoihiError(NO_SOLUTION)
        return best

    def _below(self, loads: Sequence[np.ndarray], level: float) -> tuple[int, ...] | None:
        """Fewest cores such that none is busier than ``level``."""
        pairs = zip(loads, core_costs(self.problem))
        costs = [np.where(load <= level, cost, np.inf) for load, cost in pairs]
        possible = all(np.isfinite(cost).any() for cost in costs)
        return self._solve(self.problem, costs) if possible else None

    def _least_traffic(self, max_cores: int) -> tuple[int, ...] | None:
        choices = self.problem.choices
        costs = [c.messages(True) + c.messages(False) + 1e-6 * c.n_blocks for c in choices]
        chosen = self._solve(self.problem, costs)
        few = chosen is not None and cores(self.problem, chosen) <= max_cores
        return chosen if few else None

    def pareto(self) -> tuple[BlockFit, ...]:
        """Solutions of which none is worse than another in all respects."""
        self.started = self.first_started = time.monotonic()
        loads = [choices.loads_ns() for choices in self.problem.choices]
        levels = np.unique(np.concatenate(loads))
        picks = np.unique(np.quantile(levels, np.linspace(0, 1, PARETO_POINTS), method="nearest"))
        solutions = [self._below(loads, level) for level in picks]
        fits = [self._result(self.problem, s, "pareto") for s in solutions if s is not None]
        fits += [self.fit(objective) for objective in OBJECTIVES]
        fits = [fit for k, fit in enumerate(fits) if not is_worse(fit, fits, k)]
        return tuple(sorted(fits, key=lambda fit: (fit.n_cores, fit.busiest_ns)))

    # ------------------------------------------------------------ results

    def _result(self, problem: Problem, chosen: Sequence[int], objective: str) -> BlockFit:
        picks = list(zip(problem.choices, chosen))
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
            reordered=self.reordered, seconds=time.monotonic() - self.first_started,
            network=self.layers.network, given=self.layers.given, search=self,
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
