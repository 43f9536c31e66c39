"""When values arrive: loops, and steps by which the graph runs ahead of the network.

Nengo says of every Connection by how many steps it is late: by none without a filter, by one with
one. NIR does not; tools compute a step of all nodes in the order of the signal, and what comes back
in a loop is of the step before. So a graph may be ahead of the network: where a way forward is late
in Nengo, all behind it happens earlier in NIR, and is the same otherwise. What can't be right is
one place that is reached by ways of different lengths, or a loop that takes more than one step. And
neurons that do something by themselves (a bias) do it from the first step on, so that all the rest
must not be earlier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from graphlib import TopologicalSorter
from typing import Any

from .graph_loops import closed_loops
from .network_links import Link


def closing_links(links: list[Link], starts: Iterable[Any]) -> set[int]:
    """Numbers of the links that close a loop, in the order in which values come from the inputs."""
    leading: dict[Any, list[tuple[int, Any]]] = {}
    for number, link in enumerate(links):
        leading.setdefault(link.pre, []).append((number, link.post))
    return {number for number, _ in closed_loops(leading, starts)}


def steps_ahead(
    links: list[Link], closing: set[int], places: Iterable[Any], fixed: Collection[Any] = ()
) -> tuple[dict[Any, int], dict[int, int]]:
    """By how many steps each place is ahead, and which links have steps left to wait.

    Parameters
    ----------
    links : list of Link
    closing : set of int
        Numbers of the links that close a loop.
    places : iterable of object
    fixed : collection of object
        Places that must not be ahead.

    Returns
    -------
    ahead : dict from place to int
        The least that any way forward takes.
    waiting : dict from number of link to int
        Steps by which a link has to be late in NIR; below 0, it can't be.
    """
    forward: dict[Any, list[Link]] = {key: [] for key in places}
    for number, link in enumerate(links):
        if number not in closing:
            forward[link.post].append(link)
    ahead: dict[Any, int] = {}
    before = {place: [link.pre for link in own] for place, own in forward.items()}
    for place in TopologicalSorter(before).static_order():
        ways = [ahead[link.pre] + link.delay for link in forward[place]]
        ahead[place] = 0 if place in fixed else min(ways, default=0)
    waiting = {}
    for number, link in enumerate(links):
        left = ahead[link.pre] + link.delay - ahead[link.post] - (number in closing)
        if left:
            waiting[number] = left
    return ahead, waiting
