"""The order in which Norse runs a graph, and whether it is right.

nirtorch 2.6's ``load``, which norse 1.1.0 reads with, runs every node when it first gets to it: depth
first from the input, along the edges in the order of the file. Where ways meet again, the node at
which they do is run before all that leads to it, unless the deeper way comes first and the other is
an edge alone. What the graph gives is what the last node gives. So edges are put into the order that
serves best, and what comes out wrong is said.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Collection
from graphlib import TopologicalSorter

Edge = tuple[str, str]


def for_depth_first(
    edges: list[Edge], start: str, output: str, closing: Collection[Edge]
) -> tuple[list[Edge], list[str]]:
    """Edges in the order that serves a run depth first, and nodes that are run too early.

    Parameters
    ----------
    edges : list of (str, str)
    start, output : str
        The input and the output.
    closing : collection of (str, str)
        Edges whose values are of the step before.
    """
    after: dict[str, list[str]] = {}
    for pre, post in edges:
        if (pre, post) not in closing:
            after.setdefault(pre, []).append(post)
    leaves_first = list(TopologicalSorter(after).static_order())
    heights: dict[str, int] = {}
    for name in leaves_first:
        heights[name] = 1 + max((heights[post] for post in after.get(name, ())), default=0)
    leading = {output}
    for name in leaves_first:
        if leading & set(after.get(name, ())):
            leading.add(name)
    # what leads to the output comes last, and of that the deepest first
    ranked = sorted(edges, key=lambda edge: (edge[1] in leading, -heights.get(edge[1], 0)))
    position = {name: k for k, name in enumerate(_run(ranked, start))}
    early = [
        post for pre, post in edges
        if (position.get(pre, -1) > position.get(post, -1)) != ((pre, post) in closing)
    ]  # fmt: skip
    if position.get(output) != len(position) - 1:
        early.append(output)
    return ranked, list(dict.fromkeys(early))


def _run(edges: list[Edge], start: str) -> list[str]:
    """Nodes in the order in which they are run."""
    after: dict[str, list[str]] = {}
    for pre, post in edges:
        after.setdefault(pre, []).append(post)
    order: list[str] = []
    stack = [start]
    seen: set[str] = set()
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            order.append(name)
            stack += reversed(after.get(name, []))
    return order
