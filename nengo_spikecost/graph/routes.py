"""Every route that a signal takes through the passthrough Nodes of a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.transforms import NoTransform

from .connection_chain import computes_on_host
from .fan_out import fan_out_rules

#: Most Connections followed from one origin. Passthrough Nodes that split and join again
#: and again have a number of routes that doubles each time.
MAX_STEPS = 20_000


@dataclass(frozen=True)
class Route:
    """A chain of Connections, from one end of the network's Nodes to the other.

    Attributes
    ----------
    origin : nengo.Ensemble, nengo.Node or nengo.Connection
        Whose neurons, values, or function's values the route starts from.
    connections : tuple of nengo.Connection
        At least one.
    target : nengo.Ensemble, nengo.Node or LearningRule
        Where the route ends.
    problem : str, optional
        Why the route cannot be counted.
    """

    origin: Any
    connections: tuple[nengo.Connection, ...]
    target: Any
    problem: str | None = None


def is_passthrough(obj: Any) -> bool:
    """Whether an object only hands on its input.

    A `nengo_dl.TensorNode` is a Node without an output function of Nengo's, but computes:
    hence the exact type.
    """
    return type(obj) is nengo.Node and obj.output is None


class RouteFinder:
    """Finds the routes of one network.

    Parameters
    ----------
    network : nengo.Network
    """

    def __init__(self, network: nengo.Network):
        self._linear: dict[Any, list[nengo.Connection]] = {}
        self._functions: dict[Any, list[nengo.Connection]] = {}
        for conn in network.all_connections:
            starts = self._functions if computes_on_host(conn) else self._linear
            starts.setdefault(_owner(conn.pre_obj), []).append(conn)
        self._objects = (*network.all_nodes, *network.all_ensembles)

    def routes(self) -> Iterator[Route]:
        """All routes, by origin: Nodes first, then Ensembles, each in Nengo's order."""
        for obj in self._objects:
            if not is_passthrough(obj):
                yield from self._from(obj, self._linear.get(obj, []))
            for conn in self._functions.get(obj, []):
                yield from self._from(conn, [conn])

    def host_functions(self) -> list[nengo.Connection]:
        """Connections whose function is computed outside the neurons."""
        return [conn for conns in self._functions.values() for conn in conns]

    def _from(self, origin: Any, first: list[nengo.Connection]) -> Iterator[Route]:
        waiting: list[tuple[tuple[nengo.Connection, ...], np.ndarray]] = [
            ((conn,), _arriving(conn, None)) for conn in reversed(first)
        ]
        steps = 0
        while waiting:
            connections, reached = waiting.pop()
            steps += 1
            target = _owner(connections[-1].post_obj)
            problem = _problem(connections)
            if steps > MAX_STEPS:
                yield Route(origin, connections, target, _TOO_MANY)
                return
            if problem is not None or not is_passthrough(target):
                yield Route(origin, connections, target, problem)
                continue
            onwards = self._linear.get(target, [])
            if not onwards:
                yield Route(origin, connections, target)
            for conn in reversed(onwards):
                # Routes out of slices that nothing came into are no routes: between two
                # EnsembleArrays of n Ensembles there are n, not n squared.
                if reached[conn.pre_slice].any():
                    waiting.append(((*connections, conn), _arriving(conn, reached)))


def _arriving(conn: nengo.Connection, reached: np.ndarray | None) -> np.ndarray:
    """Elements of a Connection's target that a signal may reach.

    Parameters
    ----------
    conn : nengo.Connection
    reached : ndarray of bool, shape (conn.pre_obj.size_out,), optional
        Elements of its source that something arrived at; default: all.

    Returns
    -------
    ndarray of bool, shape (conn.post_obj.size_in,)
    """
    arriving = np.zeros(conn.post_obj.size_in, dtype=bool)
    where = np.arange(len(arriving))[conn.post_slice]
    if reached is not None and isinstance(conn.transform, NoTransform):
        where = where[reached[conn.pre_slice]]
    arriving[where] = True
    return arriving


_TOO_MANY = (
    f"is one of more routes through passthrough Nodes than are followed ({MAX_STEPS:,}); "
    "this one and those after it are not counted"
)


def _problem(connections: tuple[nengo.Connection, ...]) -> str | None:
    """Why the last Connection of a route cannot be counted, if so."""
    last = connections[-1]
    if fan_out_rules.find(last.transform) is None:
        return (
            f"has a transform of type {type(last.transform).__name__}, for which there is no "
            "fan-out rule (register one with nengo_spikecost.graph.fan_out_rules.register)"
        )
    passed = [conn.post_obj for conn in connections[:-1]]
    if is_passthrough(last.post_obj) and any(last.post_obj is obj for obj in passed):
        return "comes back to a passthrough Node it has passed: loops are not counted"
    return None


def _owner(obj: Any) -> Any:
    """The Ensemble of an object that is its neurons; else the object."""
    return obj.ensemble if isinstance(obj, Neurons) else obj
