"""Whether a network goes on by itself: through feedback, or by learning."""

from __future__ import annotations

from typing import Any

import nengo

from .network_graph import NetworkGraph


def has_state(graph: NetworkGraph) -> bool:
    """Whether what a network does at a step depends on the steps before, neurons' state aside.

    Then nothing can be computed once for all steps, with spikes or without.
    """
    return bool(graph.learning) or is_recurrent(graph)


def is_recurrent(graph: NetworkGraph) -> bool:
    """Whether values go round in a circle, through neurons or functions."""
    followers: dict[Any, set[Any]] = {}
    for pathway in graph.pathways:
        followers.setdefault(_object(pathway.pre), set()).add(_object(pathway.post))
    for origin in [o for o in followers if isinstance(o, nengo.Connection)]:
        followers.setdefault(origin.pre_obj, set()).add(origin)
    waiting = set(followers)
    while waiting:  # take away what leads to nothing that is left
        ends = {origin for origin in waiting if not followers[origin] & waiting}
        if not ends:
            return True
        waiting -= ends
    return False


def _object(end: Any) -> Any:
    return end.ensemble if hasattr(end, "ensemble") else end.obj
