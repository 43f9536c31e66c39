"""The search for the tilings that take fewest cores.

A chain of layers is solved exactly, by dynamic programming over pairs of neighbours. The
tilings that it may choose are first those that quick bounds allow; those that it does choose
are then checked exactly, and it is solved again without the ones that fail. So every
solution on the way is a lower bound, and the one in which nothing fails is the optimum.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...chip.limits import MAX_OUTPUT_AXONS
from .couplings import Coupling
from .tile_choices import FAILS, FITS, TileChoices


@dataclass(frozen=True)
class Problem:
    """Layers, the tilings of each, and what couples them.

    Attributes
    ----------
    choices : tuple of TileChoices
    couplings : mapping from (source, target) to sequence of Coupling
    """

    choices: tuple[TileChoices, ...]
    couplings: dict[tuple[int, int], list[Coupling]]

    def with_choices(self, choices: Sequence[TileChoices]) -> Problem:
        """The same layers with other tilings to choose from."""
        return Problem(tuple(choices), self.couplings)

    @property
    def is_chain(self) -> bool:
        """Whether no layer has two sources or two targets, or leads to itself."""
        sources = [s for s, _ in self.couplings]
        targets = [t for _, t in self.couplings]
        alone = all(s != t for s, t in self.couplings)
        return alone and len(set(sources)) == len(sources) and len(set(targets)) == len(targets)

    def slots(self, pair: tuple[int, int]) -> np.ndarray:
        """Slots of the fullest block of the source, (choices of source, choices of target)."""
        kind, table = self.slot_table(pair)
        return table[kind]

    def slot_table(self, pair: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The same with each row once: row of each choice of the source, and rows."""
        source, target = (self.choices[k] for k in pair)
        tables = [c.tables(source, target) for c in self.couplings[pair]]
        if len(tables) == 1:
            return tables[0]
        kinds, kind = np.unique(np.stack([k for k, _ in tables]), axis=1, return_inverse=True)
        return kind.ravel(), sum(t[rows] for rows, (_, t) in zip(kinds, tables))  # type: ignore[return-value]


@dataclass(frozen=True)
class Solution:
    """One tiling for each layer.

    Attributes
    ----------
    chosen : tuple of int
        Index of the choice of each layer.
    n_cores : int
    """

    chosen: tuple[int, ...]
    n_cores: int


def solve_chains(
    problem: Problem,
    costs: Sequence[np.ndarray],
    edges: Sequence[tuple[int, int]],
    capacity: dict[int, np.ndarray] | None = None,
) -> tuple[int, ...] | None:
    """Cheapest choices of all layers that respect the output axons along `edges`.

    Parameters
    ----------
    problem : Problem
    costs : sequence of ndarray
        Cost of each choice of each layer; infinite for what may not be chosen.
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
    problem: Problem,
    costs: Sequence[np.ndarray],
    chain: list[int],
    capacity: dict[int, np.ndarray],
) -> list[int] | None:
    best = costs[chain[-1]]
    follow: list[np.ndarray] = []
    for layer, target in zip(chain[-2::-1], chain[:0:-1]):
        kind, table = problem.slot_table((layer, target))
        order = np.argsort(best, kind="stable")
        order = order[np.isfinite(best[order])]
        if not len(order):
            return None
        limit = capacity.get(layer)
        if limit is None:
            allowed = table[:, order] <= MAX_OUTPUT_AXONS
            first = allowed.argmax(axis=1)
            found = allowed[np.arange(len(allowed)), first]
            first, found = first[kind], found[kind]
        else:
            allowed = table[kind][:, order] <= limit[:, None]
            first = allowed.argmax(axis=1)
            found = allowed[np.arange(len(allowed)), first]
        follow.append(order[first])
        best = np.where(found, costs[layer] + best[order[first]], np.inf)
    if not np.isfinite(best).any():
        return None
    picks = [int(np.argmin(best))]
    for step in follow[::-1]:
        picks.append(int(step[picks[-1]]))
    return picks


def solve_lazily(
    problem: Problem,
    costs: Sequence[np.ndarray],
    edges: Sequence[tuple[int, int]],
    deadline: float,
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
    while True:
        masked = [
            np.where(choices.state == FAILS, np.inf, cost)
            for choices, cost in zip(problem.choices, costs)
        ]
        chosen = solve_chains(problem, masked, edges)
        if chosen is None:
            return None, np.inf
        bound = max(bound, sum(float(c[k]) for c, k in zip(masked, chosen)))
        settled = True
        for choices, cost, pick in zip(problem.choices, masked, chosen):
            if choices.state[pick] == FITS:
                continue
            before = choices.slots[pick].copy()
            if not choices.check(pick) or (choices.slots[pick] != before).any():
                settled = False
                _check_cheaper(choices, cost, float(cost[pick]), deadline)
        if settled:
            return chosen, bound
        if time.monotonic() > deadline:
            return None, bound


def _check_cheaper(choices: TileChoices, cost: np.ndarray, limit: float, deadline: float) -> None:
    """Check all tilings that cost no more, so that the next solution does not try each."""
    for index in np.flatnonzero((cost <= limit) & (choices.state == 0)):
        choices.check(int(index))
        if time.monotonic() > deadline:
            return
