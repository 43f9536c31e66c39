"""Ways of different lengths to one population, along which spikes arrive apart on the chip.

On the chip every spike arrives in the step after it was fired, and what leaves the chip takes one
step more. In Nengo a Connection takes one step if it has a synapse, and none if not::

    to a population on the chip      1 step      later than in Nengo by 1 without a synapse, else 0
    from the chip to the host        + 1 step    later than in Nengo by 1
    on the host                      as Nengo    0

Along a chain this is a delay of the outputs and nothing else. Where a way of few populations meets
one of many (a skip connection), what arrived together in Nengo arrives so many steps apart.

Reference: nengo-loihi 1.1.0, emulator/interface.py (``SynapseState.inject_current``), simulator.py
(``_host2chip``, ``_chip2host``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import nengo
import numpy as np
from nengo.connection import LearningRule

from ...nir.graph_loops import closed_loops
from ...refusals import names_in_order
from ...words import counted
from .links import Link
from .unsupported import Context, Unsupported, owner_of

TO_CHIP = (
    "Have as many populations on each way (one that hands spikes on adds a step), or give all "
    "Connections a synapse (nengo.Lowpass(0) waits one step): then Nengo's spikes are apart by as "
    "much, and its outputs show what that does"
)
TO_HOST = (
    "For the chip alone, delay what does not come from it (nengo.Lowpass(0) waits one step, "
    "nengo.LinearFilter([1], [1, 0, 0], analog=False) two), or mark all its sources off chip "
    "(nengo_spikecost.loihi.mark_off_chip)"
)


def way_problems(links: Iterable[Link], context: Context) -> Iterator[Unsupported]:
    """Populations and Nodes whose inputs the chip shifts against each other.

    Filters that are longer than the shift are taken to hide it.

    Parameters
    ----------
    links : iterable of Link
    context : Context
    """
    into = _forward(_Way(link) for link in links if not isinstance(link.post_obj, LearningRule))
    before = {place: [way.pre for way in ways] for place, ways in into.items()}
    late: dict[Any, int | None] = {}
    for place in TopologicalSorter(before).static_order():
        ways = into.get(place, [])
        arriving: dict[_Way, int] = {}
        for way in ways:
            steps = late[way.pre]
            if steps is not None:
                arriving[way] = steps + way.steps_late(context)
        late[place] = min(arriving.values(), default=None if _is_timeless(place, ways) else 0)
        sharp = {way: steps for way, steps in arriving.items() if not way.encodes(context)}
        apart = max(sharp.values(), default=0) - min(sharp.values(), default=0)
        if apart and any(way.tau < apart * context.dt for way in sharp):
            yield _problem(place, sharp, apart, context)


class _Way:
    """A link from one object to another."""

    def __init__(self, link: Link):
        self.link = link
        self.pre, self.post = owner_of(link.first.pre_obj), owner_of(link.post_obj)

    @property
    def tau(self) -> float:
        """Time constant in s over which a spike is spread: one that is longer hides a shift."""
        return float(getattr(self.link.synapse, "tau", 0.0))

    def steps_late(self, context: Context) -> int:
        """By how many steps a value arrives later than in Nengo."""
        if context.is_on_chip(self.post):
            return int(self.link.synapse is None)
        return int(context.is_on_chip(self.pre))

    def encodes(self, context: Context) -> bool:
        """Whether values are made spikes of on the way to the chip, and spread over steps by it."""
        return isinstance(self.pre, nengo.Node) and context.is_on_chip(self.post)


def _forward(ways: Iterable[_Way]) -> dict[Any, list[_Way]]:
    """The ways into every object, but for those that close a loop."""
    all_ways = list(ways)
    leading: dict[Any, list[tuple[_Way, Any]]] = {}
    for way in all_ways:
        leading.setdefault(way.pre, []).append((way, way.post))
    reached = {way.post for way in all_ways}
    starts = [place for place in leading if place not in reached]
    closing = {way for way, _ in closed_loops(leading, starts)}
    into: dict[Any, list[_Way]] = {}
    for way in all_ways:
        if way not in closing:
            into.setdefault(way.post, []).append(way)
    return into


def _is_timeless(place: Any, ways: list[_Way]) -> bool:
    """Whether a Node's values are the same at all steps, so that none of them is late."""
    if not isinstance(place, nengo.Node):
        return False
    return bool(ways) if place.output is None else isinstance(place.output, np.ndarray)


def _problem(place: Any, late: Mapping[_Way, int], apart: int, context: Context) -> Unsupported:
    by_steps: dict[int, list[str]] = {}
    for way, steps in late.items():
        by_steps.setdefault(steps, []).append(context.name(way.pre))
    ways = [
        f"what comes from {names_in_order(dict.fromkeys(names))} "
        + (f"{counted(steps, 'step')} later than in Nengo" if steps else "as in Nengo")
        for steps, names in sorted(by_steps.items())
    ]
    reason = (
        f"is reached by ways that the chip shifts against each other by "
        f"{counted(apart, 'step')}: {', '.join(ways)}"
    )
    remedy = TO_CHIP if context.is_on_chip(place) else TO_HOST
    return context.problem(place, reason, remedy, refused=False)
