"""The search for networks that are no chain: residual ones, several inputs, recurrence.

Dynamic programming needs a chain: with branches, the best tiling of a layer depends on several
others at once, and the pairs of `shape_search` would become combinations of many. So here:

1. The graph is covered by chains (`covering_chains`), each of which is solved exactly. The edges
   left out are limits left out, so the sum is a lower bound, and a start for what follows.
2. One layer after the other takes the tiling with the least cost plus a penalty for output axons
   that are too many, its own and those of its sources, until nothing changes.
3. While output axons are still too many, the penalty is made larger, and step 2 is done again.
   A penalty too large from the start would freeze layers at tilings with many blocks.
4. Stretches of a few layers along a chain are solved exactly with all others held, as long as
   that gains anything: so several layers change together, which step 2 can't do.
5. Steps 2 to 4 are done from several starts at random as well; the best solution is kept.
6. Its tilings are checked exactly. If one does not fit as assumed, all is done again without it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...chip.limits import MAX_OUTPUT_AXONS
from ...deadlines import OutOfTime
from .shape_search import Problem, all_fit, solve_chains, without_misfits

#: Layers of a chain that are solved together.
STRETCH = 4

#: Entries of all tables of output axons, and blocks as a multiple of the start's, at most.
MOST_PAIRS, MOST_TIMES = 50_000_000, 3

#: Starts of the search, and rounds of growing penalties in each.
STARTS, ROUNDS = 4, 14


def covering_chains(problem: Problem) -> list[tuple[int, int]]:
    """Edges of chains that cover all layers: each has one source and one target at most."""
    targets: set[int] = set()
    edges: dict[int, int] = {}
    for source, target in sorted(problem.couplings, key=lambda pair: (pair[0], pair[1])):
        taken = source == target or source in edges or target in targets
        if not taken and not _leads_to(edges, target, source):
            edges[source] = target
            targets.add(target)
    return list(edges.items())


def _leads_to(edges: dict[int, int], start: int, end: int) -> bool:
    while start in edges:
        start = edges[start]
        if start == end:
            return True
    return False


def solve_graph(
    problem: Problem, costs: Sequence[np.ndarray], start: Sequence[int]
) -> tuple[int, ...] | None:
    """Good choices for all layers, all of which fit; None if the search finds none in time."""
    try:
        while True:
            masked = without_misfits(problem, costs)
            if not all(np.isfinite(cost).any() for cost in masked):
                return None
            chosen = _of_fewer(problem, masked, start)
            if chosen is None:
                return None
            # what was found in time is checked even if that is over now: it is one tiling a layer
            with problem.clock.stopped():
                settled = _settled(problem, chosen)
            if settled or all_fit(problem, masked, chosen):
                return chosen
    except OutOfTime:
        return None


def _of_fewer(
    problem: Problem, costs: Sequence[np.ndarray], start: Sequence[int]
) -> tuple[int, ...] | None:
    """The search over the choices that may still be taken.

    If all together are too many, those with many times the blocks of the start are left out.
    """
    kept = [np.flatnonzero(np.isfinite(cost)) for cost in costs]
    if sum(len(kept[a]) * len(kept[b]) for a, b in problem.couplings) > MOST_PAIRS:
        pairs = zip(problem.choices, kept, start)
        kept = [k[c.n_blocks[k] <= MOST_TIMES * c.n_blocks[pick]] for c, k, pick in pairs]
    if not all(len(k) for k in kept):
        return None
    fewer = problem.with_choices([c.kept(k) for c, k in zip(problem.choices, kept)])
    first = [min(int(np.searchsorted(k, pick)), len(k) - 1) for k, pick in zip(kept, start)]
    chosen = _GraphSearch(fewer, [cost[k] for cost, k in zip(costs, kept)]).run(first)
    return None if chosen is None else tuple(int(k[pick]) for k, pick in zip(kept, chosen))


def _settled(problem: Problem, chosen: Sequence[int]) -> bool:
    """Whether the chosen tilings fit, with the slots that they were assumed to take."""
    pairs = list(zip(problem.choices, chosen))
    assumed = [choices.slots[pick].copy() for choices, pick in pairs]
    fit = [choices.check(pick) for choices, pick in pairs]
    as_assumed = [(c.slots[pick] == a).all() for (c, pick), a in zip(pairs, assumed)]
    return all(fit) and all(as_assumed)


class _Slots:
    """Output axon slots of one layer's blocks to another, for any pair of their choices.

    Choices of the source with equal rows have one row: all pairs would take gigabytes.
    """

    def __init__(self, kind: np.ndarray, table: np.ndarray):
        self.kind, self.table = kind, table

    def at(self, source: int, target: int) -> int:
        """Of one choice of each."""
        return int(self.table[self.kind[source], target])

    def from_source(self, source: int) -> np.ndarray:
        """Of one choice of the source, for all of the target."""
        return np.asarray(self.table[self.kind[source]])

    def to_target(self, target: int) -> np.ndarray:
        """To one choice of the target, for all of the source."""
        return np.asarray(self.table[:, target][self.kind])

    def to_itself(self) -> np.ndarray:
        """For all choices of a layer that leads to itself."""
        return np.asarray(self.table[self.kind, np.arange(len(self.kind))])


class _GraphSearch:
    """Steps 2 to 5, over tilings of which none is known not to fit."""

    def __init__(self, problem: Problem, costs: Sequence[np.ndarray]):
        self.problem, self.costs = problem, costs
        self.slots: dict[tuple[int, int], _Slots] = {}
        for pair in problem.couplings:
            problem.clock.check()
            self.slots[pair] = _Slots(*problem.slot_table(pair))
        self.targets: dict[int, list[int]] = {}
        self.sources: dict[int, list[int]] = {}
        for source, target in self.slots:
            self.targets.setdefault(source, []).append(target)
            self.sources.setdefault(target, []).append(source)
        self.edges = covering_chains(problem)

    def run(self, start: Sequence[int]) -> tuple[int, ...] | None:
        rng = np.random.RandomState(0)
        self.best: list[int] | None = None
        try:
            for number in range(STARTS):
                first = list(start)
                if number:
                    first = [int(rng.choice(np.flatnonzero(np.isfinite(c)))) for c in self.costs]
                chosen = self._descend(first)
                if chosen is not None:
                    self._improve(chosen)
        except OutOfTime:
            if self.best is None:
                raise
        return tuple(self.best) if self.best is not None else None

    def _keep(self, chosen: list[int]) -> None:
        """Keep a solution if it is the best so far."""
        if self.best is None or self._cost(chosen) < self._cost(self.best):
            self.best = list(chosen)

    def _cost(self, chosen: Sequence[int]) -> float:
        return sum(float(cost[k]) for cost, k in zip(self.costs, chosen))

    def _used(self, layer: int, chosen: Sequence[int], but: int | None = None) -> int:
        """Output axon slots of a layer's fullest block, without those to one target."""
        targets = [t for t in self.targets[layer] if t != but]
        return sum(self.slots[layer, t].at(chosen[layer], chosen[t]) for t in targets)

    def _slots_to(self, layer: int, target: int, chosen: Sequence[int]) -> np.ndarray:
        """Output axon slots to one target, for each choice of the layer itself."""
        slots = self.slots[layer, target]
        return slots.to_itself() if target == layer else slots.to_target(chosen[target])

    def _fits(self, chosen: Sequence[int]) -> bool:
        return all(self._used(layer, chosen) <= MAX_OUTPUT_AXONS for layer in self.targets)

    def _penalties(self, layer: int, chosen: list[int]) -> np.ndarray:
        """Share of the limit that each choice of a layer is over it, with its sources' shares."""
        own = np.zeros(len(self.costs[layer]))
        for t in self.targets.get(layer, ()):
            own += self._slots_to(layer, t, chosen)
        total = np.maximum(own - MAX_OUTPUT_AXONS, 0)
        for u in self.sources.get(layer, ()):
            if u != layer:
                slots = self._used(u, chosen, but=layer) + self.slots[u, layer].from_source(
                    chosen[u]
                )
                total = total + np.maximum(slots - MAX_OUTPUT_AXONS, 0)
        return total / MAX_OUTPUT_AXONS

    def _descend(self, chosen: list[int]) -> list[int] | None:
        """Steps 2 and 3: layer by layer under growing penalties, until output axons fit."""
        weight = 0.5
        for round_ in range(ROUNDS):
            for _ in range(10):
                changed = False
                # forth and back: a layer may have to give way to the one before or behind
                order = range(len(chosen)) if round_ % 2 else range(len(chosen) - 1, -1, -1)
                for layer in order:
                    self.problem.clock.check()
                    cost = self.costs[layer] + weight * self._penalties(layer, chosen)
                    pick = int(np.argmin(cost))
                    if cost[pick] < cost[chosen[layer]] - 1e-12:
                        chosen[layer] = pick
                        changed = True
                if not changed:
                    break
            if self._fits(chosen):
                return chosen
            weight *= 3
        return None

    def _improve(self, chosen: list[int]) -> None:
        """Step 4: stretches of a chain solved exactly, as long as that gains anything."""
        self._keep(chosen)
        after = dict(self.edges)
        gained = True
        while gained:
            gained = False
            for start in range(len(chosen)):
                self.problem.clock.check()
                stretch = [start]
                while stretch[-1] in after and len(stretch) < STRETCH:
                    stretch.append(after[stretch[-1]])
                other = self._solve_stretch(stretch, chosen)
                if other is not None and self._cost(other) < self._cost(chosen) - 1e-9:
                    chosen, gained = other, True
                    self._keep(chosen)

    def _solve_stretch(self, stretch: list[int], chosen: list[int]) -> list[int] | None:
        """Solve some layers exactly, all others as they are."""
        edges = list(zip(stretch, stretch[1:]))
        costs: list[np.ndarray] = []
        capacity: dict[int, np.ndarray] = {}
        for layer, cost in enumerate(self.costs):
            mask = np.zeros(len(cost), dtype=bool)
            mask[chosen[layer]] = True
            if layer in stretch:
                mask[:] = True
                self._hold_others(layer, stretch, chosen, mask, capacity)
            costs.append(np.where(mask, cost, np.inf))
        solved = solve_chains(self.problem, costs, edges, capacity)
        return list(solved) if solved is not None and self._fits(solved) else None

    def _hold_others(
        self, layer: int, stretch: list[int], chosen: list[int], mask: np.ndarray,
        capacity: dict[int, np.ndarray],
    ) -> None:  # fmt: skip
        """Leave out choices of a free layer that the held ones rule out, and count free slots.

        Parameters
        ----------
        layer : int
            One of the stretch.
        mask : ndarray of bool, shape (n_choices,)
            Choices that are left; changed in place.
        capacity : mapping from layer to ndarray of int64
            Slots that are left for the edge to the next layer of the stretch; added to.
        """
        follower = dict(zip(stretch, stretch[1:])).get(layer)
        leader = dict(zip(stretch[1:], stretch)).get(layer)
        left = np.full(len(mask), MAX_OUTPUT_AXONS, dtype=np.int64)
        for t in self.targets.get(layer, ()):
            if t != follower:
                left -= self._slots_to(layer, t, chosen)
        capacity[layer] = left
        mask &= left >= 0
        for u in self.sources.get(layer, ()):
            if u not in (layer, leader):
                used = self._used(u, chosen, but=layer) + self.slots[u, layer].from_source(
                    chosen[u]
                )
                mask &= used <= MAX_OUTPUT_AXONS
