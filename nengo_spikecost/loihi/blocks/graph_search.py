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

import time
from collections.abc import Sequence

import numpy as np

from ...chip.limits import MAX_OUTPUT_AXONS
from .shape_search import Problem, all_fit, solve_chains, without_misfits

#: Layers of a chain that are solved together.
STRETCH = 4

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
    problem: Problem, costs: Sequence[np.ndarray], start: Sequence[int], deadline: float
) -> tuple[int, ...] | None:
    """Good choices for all layers, all of which fit; None if the search finds none."""
    while True:
        masked = without_misfits(problem, costs)
        if not all(np.isfinite(cost).any() for cost in masked):
            return None
        chosen = _GraphSearch(problem, masked).run(start, deadline)
        if chosen is None or all_fit(problem, masked, chosen):
            return chosen


class _GraphSearch:
    """Steps 2 to 5, over tilings of which none is known not to fit."""

    def __init__(self, problem: Problem, costs: Sequence[np.ndarray]):
        self.problem, self.costs = problem, costs
        self.slots = {pair: problem.slots(pair) for pair in problem.couplings}
        self.targets: dict[int, list[int]] = {}
        self.sources: dict[int, list[int]] = {}
        for source, target in self.slots:
            self.targets.setdefault(source, []).append(target)
            self.sources.setdefault(target, []).append(source)
        self.edges = covering_chains(problem)

    def run(self, start: Sequence[int], deadline: float) -> tuple[int, ...] | None:
        rng = np.random.RandomState(0)
        best: list[int] | None = None
        for number in range(STARTS):
            first = list(start)
            if number:
                first = [int(rng.choice(np.flatnonzero(np.isfinite(cost)))) for cost in self.costs]
            chosen = self._descend(first)
            if chosen is not None:
                chosen = self._improve(chosen, deadline)
                if best is None or self._cost(chosen) < self._cost(best):
                    best = chosen
            if time.monotonic() > deadline and best is not None:
                break
        return tuple(best) if best is not None else None

    def _cost(self, chosen: Sequence[int]) -> float:
        return sum(float(cost[k]) for cost, k in zip(self.costs, chosen))

    def _used(self, layer: int, chosen: Sequence[int], but: int | None = None) -> int:
        """Output axon slots of a layer's fullest block, without those to one target."""
        targets = [t for t in self.targets[layer] if t != but]
        return sum(int(self.slots[layer, t][chosen[layer], chosen[t]]) for t in targets)

    def _slots_to(self, layer: int, target: int, chosen: Sequence[int]) -> np.ndarray:
        """Output axon slots to one target, for each choice of the layer itself."""
        table = self.slots[layer, target]
        return np.diagonal(table) if target == layer else table[:, chosen[target]]

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
                slots = self._used(u, chosen, but=layer) + self.slots[u, layer][chosen[u]]
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

    def _improve(self, chosen: list[int], deadline: float) -> list[int]:
        """Step 4: stretches of a chain solved exactly, as long as that gains anything."""
        after = dict(self.edges)
        gained = True
        while gained and time.monotonic() < deadline:
            gained = False
            for start in range(len(chosen)):
                stretch = [start]
                while stretch[-1] in after and len(stretch) < STRETCH:
                    stretch.append(after[stretch[-1]])
                other = self._solve_stretch(stretch, chosen)
                if other is not None and self._cost(other) < self._cost(chosen) - 1e-9:
                    chosen, gained = other, True
        return chosen

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
                used = self._used(u, chosen, but=layer) + self.slots[u, layer][chosen[u]]
                mask &= used <= MAX_OUTPUT_AXONS
