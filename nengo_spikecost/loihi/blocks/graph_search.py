"""The search for networks that are no chain: residual ones, several inputs, recurrence.

Chains that cover the network give a lower bound, because leaving out output axons only
makes a problem easier. From their solution, one layer after the other is chosen anew under
a growing penalty for output axons, until none are too many; then stretches of a chain are
solved exactly with the rest held fixed, as long as that gains anything.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ...chip.limits import MAX_OUTPUT_AXONS
from .shape_search import Problem, solve_chains
from .tile_choices import FAILS, FITS

#: Layers of a chain that are solved together.
STRETCH = 4

#: Starts of the search, and rounds of growing penalties in each.
STARTS, ROUNDS = 4, 14


def covering_chains(problem: Problem) -> list[tuple[int, int]]:
    """Edges of chains that cover all layers: each has one source and one target at most."""
    targets: set[int] = set()
    edges: dict[int, int] = {}
    for source, target in sorted(problem.couplings, key=lambda pair: (pair[0], pair[1])):
        if source == target or source in edges or target in targets:
            continue
        if _leads_to(edges, target, source):
            continue
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
    problem: Problem,
    costs: Sequence[np.ndarray],
    start: Sequence[int],
    deadline: float,
) -> tuple[int, ...] | None:
    """Good choices for all layers, all of which fit; None if none were found."""
    best: tuple[int, ...] | None = None
    while time.monotonic() < deadline or best is None:
        masked = [
            np.where(choices.state == FAILS, np.inf, cost)
            for choices, cost in zip(problem.choices, costs)
        ]
        if not all(np.isfinite(cost).any() for cost in masked):
            return None
        found = _GraphSearch(problem, masked).run(start, deadline)
        if found is None:
            return None
        settled = True
        for choices, cost, pick in zip(problem.choices, masked, found):
            if choices.state[pick] == FITS:
                continue
            before = choices.slots[pick].copy()
            if not choices.check(pick) or (choices.slots[pick] != before).any():
                settled = False
                for k in np.flatnonzero((cost <= cost[pick]) & (choices.state == 0)):
                    choices.check(int(k))
        if settled:
            return found
    return best


class _GraphSearch:
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
            chosen = list(start)
            if number:
                chosen = [int(rng.choice(np.flatnonzero(np.isfinite(cost)))) for cost in self.costs]
            found = self._descend(chosen)
            if found is not None:
                found = self._improve(found, deadline)
                if best is None or self._cost(found) < self._cost(best):
                    best = found
            if time.monotonic() > deadline and best is not None:
                break
        return tuple(best) if best is not None else None

    def _cost(self, chosen: Sequence[int]) -> float:
        return sum(float(cost[k]) for cost, k in zip(self.costs, chosen))

    def _over(self, layer: int, chosen: Sequence[int]) -> int:
        """Output axon slots of a layer that are too many."""
        used = sum(
            int(self.slots[layer, t][chosen[layer], chosen[t]]) for t in self.targets.get(layer, ())
        )
        return max(0, used - MAX_OUTPUT_AXONS)

    def _fits(self, chosen: Sequence[int]) -> bool:
        return not any(self._over(layer, chosen) for layer in self.targets)

    def _penalties(self, layer: int, chosen: list[int]) -> np.ndarray:
        """Slots too many that each choice of a layer makes, its own and its sources'."""
        own = np.zeros(len(self.costs[layer]))
        for t in self.targets.get(layer, ()):
            table = self.slots[layer, t]
            own += np.diagonal(table) if t == layer else table[:, chosen[t]]
        total = np.maximum(own - MAX_OUTPUT_AXONS, 0)
        for u in self.sources.get(layer, ()):
            if u == layer:
                continue
            others = sum(
                int(self.slots[u, t][chosen[u], chosen[t]]) for t in self.targets[u] if t != layer
            )
            slots = others + self.slots[u, layer][chosen[u]]
            total = total + np.maximum(slots - MAX_OUTPUT_AXONS, 0)
        return total / MAX_OUTPUT_AXONS

    def _descend(self, chosen: list[int]) -> list[int] | None:
        weight = 0.5
        for round_ in range(ROUNDS):
            for _ in range(10):
                changed = False
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
        after = dict(self.edges)
        gained = True
        while gained and time.monotonic() < deadline:
            gained = False
            for start in range(len(chosen)):
                stretch = [start]
                while stretch[-1] in after and len(stretch) < STRETCH:
                    stretch.append(after[stretch[-1]])
                found = self._solve_stretch(stretch, chosen)
                if found is not None and self._cost(found) < self._cost(chosen) - 1e-9:
                    chosen, gained = found, True
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
        if solved is None or not self._fits(solved):
            return None
        return list(solved)

    def _hold_others(
        self,
        layer: int,
        stretch: list[int],
        chosen: list[int],
        mask: np.ndarray,
        capacity: dict[int, np.ndarray],
    ) -> None:
        """What the layers that are held leave to the choices of one that is free."""
        follower = dict(zip(stretch, stretch[1:])).get(layer)
        leader = dict(zip(stretch[1:], stretch)).get(layer)
        left = np.full(len(mask), MAX_OUTPUT_AXONS, dtype=np.int64)
        for t in self.targets.get(layer, ()):
            if t != follower:
                table = self.slots[layer, t]
                left -= np.diagonal(table) if t == layer else table[:, chosen[t]]
        capacity[layer] = left
        mask &= left >= 0
        for u in self.sources.get(layer, ()):
            if u in (layer, leader):
                continue
            others = sum(
                int(self.slots[u, t][chosen[u], chosen[t]]) for t in self.targets[u] if t != layer
            )
            mask &= others + self.slots[u, layer][chosen[u]] <= MAX_OUTPUT_AXONS
