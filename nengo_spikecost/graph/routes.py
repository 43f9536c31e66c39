"""Every route that a signal takes through the passthrough Nodes of a network, and its layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.dists import Distribution
from nengo.ensemble import Neurons
from nengo.transforms import Dense, NoTransform

from .chip_split import ChipSplit
from .connection_chain import computes_on_host
from .fan_out import connectivity, fan_out_rules
from .naming import ensemble_of
from .nengo_types import is_built_as

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


def is_neural(obj: Any) -> bool:
    """Whether a Connection that ends at an object ends at neurons."""
    return isinstance(obj, (Neurons, nengo.Ensemble))


class RouteFinder:
    """Finds the routes of one network.

    Parameters
    ----------
    network : nengo.Network
    split : ChipSplit
        Says which passthrough Nodes can be seen through.
    """

    def __init__(self, network: nengo.Network, split: ChipSplit):
        self._is_relay = split.is_relay
        self._linear: dict[Any, list[nengo.Connection]] = {}
        self._functions: dict[Any, list[nengo.Connection]] = {}
        for conn in network.all_connections:
            starts = self._functions if computes_on_host(conn) else self._linear
            starts.setdefault(ensemble_of(conn.pre_obj), []).append(conn)
        self._objects = (*network.all_nodes, *network.all_ensembles)

    def routes(self) -> Iterator[Route]:
        """All routes, by origin: Nodes first, then Ensembles, each in Nengo's order."""
        for obj in self._objects:
            if not self._is_relay(obj):
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
            target = ensemble_of(connections[-1].post_obj)
            problem = _problem(connections[-1])
            if steps > MAX_STEPS:
                yield Route(origin, connections, target, _TOO_MANY)
                return
            if problem is not None or not self._is_relay(target):
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
    if reached is not None and _keeps_places(conn.transform):
        where = where[reached[conn.pre_slice]]
    arriving[where] = True
    return arriving


def _keeps_places(transform: Any) -> bool:
    """Whether a transform only weighs each element: none, a number, or a vector."""
    return isinstance(transform, NoTransform) or (
        isinstance(transform, Dense) and len(transform.init_shape) < 2
    )


_TOO_MANY = (
    f"is one of more routes through passthrough Nodes than are followed ({MAX_STEPS:,}); "
    "this one and those after it are not counted"
)


def _problem(last: nengo.Connection) -> str | None:
    """Why a Connection of a route cannot be counted, if so."""
    if not is_built_as(last, nengo.Connection):
        return f"is a {type(last).__name__}, which Nengo builds in a way of its own"
    post = last.post_obj
    if isinstance(post, nengo.Ensemble) and not is_built_as(post, nengo.Ensemble):
        kind = type(post).__name__
        return f"leads through the encoders of a {kind}, which Nengo builds in a way of its own"
    if fan_out_rules.find(last.transform) is None:
        return (
            f"has a transform of type {type(last.transform).__name__}, for which there is no "
            "fan-out rule (register one with nengo_spikecost.graph.fan_out_rules.register)"
        )
    return None


def layer_of_route(
    connections: tuple[nengo.Connection, ...], layer_names: Mapping[Any, str], target_layer: str
) -> str:
    """The layer whose weights make most of a route's synapses.

    A spike that passes a pooling, a convolution and an addition makes its synaptic
    operations in the convolution. So the layer is the one (the last one) whose transform
    joins the most pairs, among those with weights of their own: where all weights are
    equal, as in pooling, averaging and upsampling, nothing was learned.

    Parameters
    ----------
    connections : tuple of nengo.Connection
    layer_names : mapping from nengo object to str
        Layers of Ensembles and Nodes.
    target_layer : str
        The answer if no Connection on the way has weights of its own.
    """
    candidates = []
    for conn in connections:
        layer = layer_names.get(ensemble_of(conn.post_obj))
        layer = target_layer if conn is connections[-1] else layer
        if layer is not None and has_own_weights(conn.transform):
            candidates.append((conn, layer))
    if len({layer for _, layer in candidates}) <= 1:
        return candidates[0][1] if candidates else target_layer
    sizes = [connectivity(conn.transform).n_synapses for conn, _ in candidates]
    last = len(sizes) - 1 - int(np.argmax(sizes[::-1]))
    return candidates[last][1]


def has_own_weights(transform: Any) -> bool:
    """Whether the weights of a transform are not all equal."""
    init = getattr(transform, "init", None)
    weights = getattr(init, "data", init) if not isinstance(init, np.ndarray) else init
    if weights is None:
        return False
    if isinstance(weights, Distribution):
        return True
    flat = np.asarray(weights).ravel()
    nonzero = flat[flat != 0]
    return bool((nonzero != nonzero[:1]).any())
