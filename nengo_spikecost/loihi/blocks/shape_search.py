"""The search for the tilings of a chain of layers that take fewest cores.

The tiling of a layer decides what its own cores hold; together with the tiling of the next layer
it decides how many output axons its blocks need. Nothing else couples two layers, so a chain is
solved exactly by dynamic programming, from its last layer to its first:

1. Of the last layer, the cost of each tiling is known.
2. For each tiling of the layer before, the cheapest tiling of the layer behind it is taken with
   which its output axons fit. Those behind are sorted by cost once: it is the first allowed one.
3. Of the first layer the cheapest tiling is taken, and step 2 is followed back along the chain.

Choosing layer by layer instead would go wrong: the tiling with fewest cores for a layer is often
the one for which the layer before has too few output axons.

Whether a tiling fits is slow to say exactly, because equal rows of weights are stored once and
have to be compared. So tilings are checked as late as possible:

1. All tilings that quick bounds allow may be chosen at first.
2. The chain is solved. More may be chosen than really fits, so its cost is a lower bound.
3. The chosen tilings are checked exactly. Where one does not fit as assumed, all tilings of the
   layer that cost no more are checked with it: the next solutions would try them one by one.
4. If all fit, the solution costs no more than the bound and is the optimum; else back to 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...chip.limits import MAX_OUTPUT_AXONS
from ...deadlines import Clock, OutOfTime
from .couplings import Coupling
from .tile_choices import FAILS, FITS, UNKNOWN, TileChoices


@dataclass(frozen=True)
class Problem:
    """Layers, the tilings of each, and the output axons that couple them.

    Attributes
    ----------
    choices : tuple of TileChoices
    couplings : mapping from (source, target) to sequence of Coupling
    clock : Clock
        Asked in all loops over tilings.
    """

    choices: tuple[TileChoices, ...]
    couplings: dict[tuple[int, int], list[Coupling]]
    clock: Clock

    def with_choices(self, choices: Sequence[TileChoices]) -> Problem:
        """The same layers with other tilings to choose from."""
        return Problem(tuple(choices), self.couplings, self.clock)

    @property
    def is_chain(self) -> bool:
        """Whether no layer has two sources or two targets, or leads to itself."""
        sources = [s for s, _ in self.couplings]
        targets = [t for _, t in self.couplings]
        alone = all(s != t for s, t in self.couplings)
        return alone and len(set(sources)) == len(sources) and len(set(targets)) == len(targets)

    def slot_table(self, pair: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Slots of the fullest block of the source, for all choices of it and of the target.

        With each row once: row of each choice of the source, and rows (kinds, targets).
        """
        source, target = (self.choices[k] for k in pair)
        return self.table(pair, source, target)

    def table(
        self, pair: tuple[int, int], source: TileChoices, target: TileChoices
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same for other tilings of these two layers."""
        tables = [c.tables(source, target) for c in self.couplings[pair]]
        if len(tables) == 1:
            return tables[0]
        kinds, kind = np.unique(np.stack([k for k, _ in tables]), axis=1, return_inverse=True)
        return kind.ravel(), sum(t[rows] for rows, (_, t) in zip(kinds, tables))  # type: ignore[return-value]


def solve_chains(
    problem: Problem, costs: Sequence[np.ndarray], edges: Sequence[tuple[int, int]],
    capacity: dict[int, np.ndarray] | None = None,
) -> tuple[int, ...] | None:  # fmt: skip
    """Cheapest choices of all layers that respect the output axons along `edges`.

    Parameters
    ----------
    problem : Problem
    costs : sequence of ndarray
        Cost of each choice of each layer; infinite where it may not be chosen.
    edges : sequence of (source, target)
        Each layer is the source of one at most, and the target of one at most.
    capacity : mapping from layer to ndarray, optional
        Slots that are left for its edge, by choice; default: all of a core.

    Returns
    -------
    tuple of int, or None if there is no solution.
    """
    after = dict(edges)
    targets = set(after.values())
    chosen = [-1] * len(problem.choices)
    for start in range(len(problem.choices)):
        if start in targets:
            continue
        chain = [start]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        picks = _solve_chain(problem, costs, chain, capacity or {})
        if picks is None:
            return None
        for layer, pick in zip(chain, picks):
            chosen[layer] = pick
    return tuple(chosen)


def _solve_chain(
    problem: Problem, costs: Sequence[np.ndarray], chain: list[int], capacity: dict[int, np.ndarray]
) -> list[int] | None:
    best = costs[chain[-1]]  # of the layers from here on, by the tiling of the first of them
    follow: list[np.ndarray] = []
    for layer, target in zip(chain[-2::-1], chain[:0:-1]):
        problem.clock.check()
        kind, table = problem.slot_table((layer, target))
        order = np.argsort(best, kind="stable")
        order = order[np.isfinite(best[order])]
        if not len(order):
            return None
        if layer in capacity:  # other targets leave each tiling slots of its own
            allowed = table[kind][:, order] <= capacity[layer][:, None]
            kind = np.arange(len(allowed))
        else:  # tilings with equal rows of the table are looked at once
            allowed = table[:, order] <= MAX_OUTPUT_AXONS
        cheapest = allowed.argmax(axis=1)  # the first True, as `order` is by cost
        fits = allowed[np.arange(len(allowed)), cheapest][kind]
        follow.append(order[cheapest][kind])
        best = np.where(fits, costs[layer] + best[follow[-1]], np.inf)
    if not np.isfinite(best).any():
        return None
    picks = [int(np.argmin(best))]
    for step in follow[::-1]:
        picks.append(int(step[picks[-1]]))
    return picks


def solve_lazily(
    problem: Problem, costs: Sequence[np.ndarray], edges: Sequence[tuple[int, int]]
) -> tuple[tuple[int, ...] | None, float]:
    """Solve with tilings that may fit, until all that are chosen do.

    Returns
    -------
    chosen : tuple of int, or None
        None if there is no solution, or no time is left.
    bound : float
        No solution costs less; infinite if there is none.
    """
    bound = 0.0
    try:
        while True:
            masked = without_misfits(problem, costs)
            chosen = solve_chains(problem, masked, edges)
            if chosen is None:
                return None, np.inf
            bound = max(bound, sum(float(c[k]) for c, k in zip(masked, chosen)))
            if all_fit(problem, masked, chosen):
                return chosen, bound
    except OutOfTime:
        return None, bound


def without_misfits(problem: Problem, costs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Costs, infinite for tilings that are known not to fit."""
    pairs = zip(problem.choices, costs)
    return [np.where(choices.state == FAILS, np.inf, cost) for choices, cost in pairs]


def all_fit(problem: Problem, costs: Sequence[np.ndarray], chosen: Sequence[int]) -> bool:
    """Check the chosen tilings exactly; whether all fit, with the slots they were assumed to take.

    Where one does not, all tilings of its layer that cost no more are checked, too.

    Raises
    ------
    OutOfTime
        With what was checked so far kept.
    """
    settled = True
    for choices, cost, pick in zip(problem.choices, costs, chosen):
        if choices.state[pick] == FITS:
            continue
        assumed = choices.slots[pick].copy()
        if choices.check(pick) and (choices.slots[pick] == assumed).all():
            continue
        settled = False
        for index in np.flatnonzero((cost <= cost[pick]) & (choices.state == UNKNOWN)):
            problem.clock.check()
            choices.check(int(index))
    return settled
