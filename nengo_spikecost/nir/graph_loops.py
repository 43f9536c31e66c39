"""Where the loops of a graph are opened.

Nengo steps a network in an order without loops. So what comes back comes a step later, as it does
in the tools that train such networks.
"""

from __future__ import annotations

from ..errors import ConversionError
from .graph_reading import Graph
from .linear_nodes import LINEAR
from .neuron_nodes import GRADED, SPIKING


def returning_edges(graph: Graph) -> tuple[set[tuple[str, str]], set[str]]:
    """Edges that hand values to the next step, and the nodes in loops.

    In the order in which nodes are reached from the Inputs, an edge to a node that is still on the
    way to itself closes a loop.

    Raises
    ------
    ConversionError
        If a loop has no neurons in it, so that it would have to be solved.
    """
    closing: set[tuple[str, str]] = set()
    in_loops: set[str] = set()
    done: set[str] = set()
    starts = [node.name for node in graph.of_kind("Input")] + list(graph.nodes)
    for start in starts:
        if start in done:
            continue
        path = [start]
        waiting = [list(graph.out_of(start))]
        while path:
            if not waiting[-1]:
                waiting.pop()
                done.add(path.pop())
                continue
            name = waiting[-1].pop(0)
            if name in path:
                loop = path[path.index(name) :]
                if not any(graph.nodes[n].kind in (*SPIKING, *GRADED, "Delay") for n in loop):
                    raise ConversionError(
                        f"The nodes {', '.join(loop)} feed each other, and none of them has "
                        "neurons or a delay: no step can be computed."
                    )
                closing.add(_later_edge(graph, [*loop, name]))
                in_loops.update(loop)
            elif name not in done:
                path.append(name)
                waiting.append(list(graph.out_of(name)))
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
