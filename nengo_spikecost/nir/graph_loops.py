"""Where the loops of a graph are opened, of one that is read or that is to be written.

Nengo steps a network in an order without loops. So what comes back comes a step later, as it does
in the tools that train such networks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ..errors import ConversionError
from .graph_reading import Graph
from .linear_nodes import LINEAR
from .neuron_nodes import GRADED, SPIKING

K = TypeVar("K", bound=Hashable)


def closed_loops(
    leading: Mapping[K, Sequence[tuple[Any, K]]], starts: Iterable[K]
) -> Iterator[tuple[Any, list[K]]]:
    """The edges that close a loop, each with the loop.

    In the order in which places are reached from ``starts``, and then from all others, an edge to a
    place that is still on the way to itself closes a loop.

    Parameters
    ----------
    leading : mapping from place to sequence of (edge, place)
        The edges that leave each place, and where they lead.
    starts : iterable of place

    Yields
    ------
    edge : object
    loop : list of place
        From the place that the edge leads back to.
    """
    done: set[K] = set()
    for start in [*starts, *leading]:
        if start in done:
            continue
        path, waiting = [start], [list(leading.get(start, ()))]
        while path:
            if not waiting[-1]:
                waiting.pop()
                done.add(path.pop())
                continue
            edge, post = waiting[-1].pop(0)
            if post in path:
                yield edge, path[path.index(post) :]
            elif post not in done:
                path.append(post)
                waiting.append(list(leading.get(post, ())))


def returning_edges(graph: Graph) -> tuple[set[tuple[str, str]], set[str]]:
    """Edges that hand values to the next step, and the nodes in loops.

    Raises
    ------
    ConversionError
        If a loop has no neurons in it, so that it would have to be solved.
    """
    closing: set[tuple[str, str]] = set()
    in_loops: set[str] = set()
    leading = {name: [((name, post), post) for post in graph.out_of(name)] for name in graph.nodes}
    for _, loop in closed_loops(leading, [node.name for node in graph.of_kind("Input")]):
        if not any(graph.nodes[name].kind in (*SPIKING, *GRADED, "Delay") for name in loop):
            raise ConversionError(
                f"The nodes {', '.join(loop)} feed each other, and none of them has neurons or a "
                "delay: no step can be computed."
            )
        closing.add(_later_edge(graph, [*loop, loop[0]]))
        in_loops.update(loop)
    return closing, in_loops


def _later_edge(graph: Graph, loop: list[str]) -> tuple[str, str]:
    """The edge of a loop at which values wait for the next step.

    The last that leaves neurons: weights behind it belong to the step that they act in, with their
    biases, which act in the first step too.
    """
    for pre, post in reversed(list(zip(loop, loop[1:]))):
        if graph.nodes[pre].kind not in LINEAR:
            return pre, post
    raise AssertionError(f"a loop without neurons: {loop}")
