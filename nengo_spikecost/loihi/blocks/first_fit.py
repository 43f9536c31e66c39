"""Block shapes that fit, quickly: what a search starts from, and ends with if it has no time.

Layers are cut from the last to the first, so that the blocks are known which a layer's axons lead
to. Each takes few blocks: the first of its tilings in that order that fits (`first_that`).
"""

from __future__ import annotations

import numpy as np

from . import shape_search
from .shape_search import Problem
from .tile_choices import FAILS, first_that


def first_fit(problem: Problem) -> tuple[int, ...] | None:
    """Choices of all layers that fit; None if they are not found this way.

    Raises
    ------
    OutOfTime
    """
    chosen: dict[int, int] = {}
    for layer in _targets_first(problem):
        pick = _pick(problem, layer, chosen)
        if pick is None:
            return None
        chosen[layer] = pick
    return tuple(chosen[k] for k in range(len(problem.choices)))


def _targets_first(problem: Problem) -> list[int]:
    """All layers, each after the layers that it leads to, as far as there are no loops."""
    targets: dict[int, list[int]] = {}
    for source, target in problem.couplings:
        targets.setdefault(source, []).append(target)
    order: list[int] = []
    seen: set[int] = set()
    for start in range(len(problem.choices)):
        stack = [(start, False)]
        while stack:
            layer, done = stack.pop()
            if done:
                order.append(layer)
            elif layer not in seen:
                seen.add(layer)
                stack.append((layer, True))
                stack += [(t, False) for t in targets.get(layer, ()) if t not in seen]
    return order


def _pick(problem: Problem, layer: int, chosen: dict[int, int]) -> int | None:
    """One of the first tilings of a layer that fit beside what is chosen."""
    choices = problem.choices[layer]

    def fits(pick: int) -> bool:
        with problem.clock.stopped():  # it is one tiling
            return choices.check(pick) and _axons_fit(problem, layer, {**chosen, layer: pick})

    may_fit = np.flatnonzero(choices.state != FAILS)
    return first_that(fits, may_fit.tolist(), problem.clock)


def _axons_fit(problem: Problem, layer: int, chosen: dict[int, int]) -> bool:
    """Whether the output axons of a layer and of its sources fit, as far as all is chosen."""
    sources = {source for source, target in problem.couplings if target == layer}
    for own in (sources | {layer}) & set(chosen):
        targets = [t for s, t in problem.couplings if s == own and t in chosen]
        slots = sum(_slots(problem, (own, t), chosen[own], chosen[t]) for t in targets)
        if slots > shape_search.MAX_OUTPUT_AXONS:
            return False
    return True


def _slots(problem: Problem, pair: tuple[int, int], source: int, target: int) -> int:
    """Output axon slots from one choice of a layer to one choice of another."""
    sources, targets = (
        problem.choices[k].kept(np.array([pick])) for k, pick in zip(pair, (source, target))
    )
    _, table = problem.table(pair, sources, targets)
    return int(table[0, 0])
