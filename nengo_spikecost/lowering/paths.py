"""Every linear path to the neurons of a network, each composed into one map.

Dynamic programming over the passthrough Nodes, sources before targets:

1. An `Arrival` at a Node has one map for each origin (neurons, or a Node that is no relay) and
   filter, and one sum of constants.
2. A Connection out of that Node is composed with each of these maps, and added to the arrival at
   its target. Maps of the same origin and filter are summed, whatever the number of routes.
3. At neurons, the arrival is complete.

So the work grows with Connections times origins. To follow each route from end to end would double
it with every residual block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons

from .composition import TooManyWeights, add, compose
from .composition_plan import Plan
from .emission import is_matrix
from .linear_map import Gather, LinearMap, as_matrix

_NOTHING = Gather([], 1.0, 0)


@dataclass(frozen=True)
class Path:
    """The input that an object gets from one origin.

    Attributes
    ----------
    origin : Neurons or nengo.Node
    synapse : nengo.synapses.Synapse, optional
        The one filter on the way.
    map : LinearMap
    connections : tuple of nengo.Connection
        All that the path goes through, which may be several routes.
    constant : ndarray, optional
        If the origin is constant: its value. The origin then is the object at which the
        constant, gathered from several Nodes, is filtered.
    """

    origin: Any
    synapse: Any
    map: LinearMap
    connections: tuple[nengo.Connection, ...] = ()
    constant: np.ndarray | None = None

    def without_map(self) -> Path:
        """The same, with nothing for a map."""
        return replace(self, map=_NOTHING)


@dataclass
class Arrival:
    """All that arrives at an object.

    Attributes
    ----------
    paths : list of Path
    constant : ndarray of shape (size_in,)
        Sum of unfiltered constants.
    constant_connections : tuple of nengo.Connection
        Those the constants come by.
    """

    size: int
    paths: list[Path] = field(default_factory=list)
    constant: np.ndarray = field(init=False)
    constant_connections: tuple[nengo.Connection, ...] = ()

    def __post_init__(self) -> None:
        self.constant = np.zeros(self.size)

    def add_path(self, path: Path) -> None:
        """Add a path, to another one from the same origin if the sum is as simple."""
        if path.map.is_zero:
            return
        for number, other in enumerate(self.paths):
            if (other.origin, other.synapse) != (path.origin, path.synapse):
                continue
            if other.constant is not None or path.constant is not None:
                continue
            total = add(other.map, path.map)
            if total is not None:
                connections = _together(other.connections, path.connections)
                self.paths[number] = replace(other, map=total, connections=connections)
                if total.is_zero:  # one takes what the other gives
                    del self.paths[number]
                return
        self.paths.append(path)

    def join_matrices(self) -> None:
        """Sum paths of one origin and filter that are written as matrices all the same.

        On the way they were kept apart, since their sum has no kernel that could be composed with
        what follows. At neurons nothing follows, and only what is written as a convolution has one.
        """
        ways: dict[Any, list[Path]] = {}
        for path in self.paths:
            if path.constant is None:
                ways.setdefault((path.origin, path.synapse), []).append(path)
        for several in ways.values():
            matrices = [p for p in several if is_matrix(p.map)] if len(several) > 1 else []
            if len(matrices) > 1:
                self.paths = [p for p in self.paths if not any(p is other for other in matrices)]
                for path in matrices:
                    self.add_path(replace(path, map=as_matrix(path.map)))


class Refused(Exception):
    """A passthrough Node turned out to be impossible to compose through."""

    def __init__(self, node: nengo.Node, reason: str):
        super().__init__(reason)
        self.node = node
        self.reason = reason


class PathFinder:
    """Composes the arrivals at the objects of a network.

    Parameters
    ----------
    plan : Plan
    maps : mapping from nengo.Connection to LinearMap
        Of every Connection that can be composed.
    constants : collection of nengo.Node
        Nodes whose value never changes.
    """

    def __init__(
        self, plan: Plan, maps: Mapping[nengo.Connection, LinearMap],
        constants: Collection[nengo.Node],
    ):  # fmt: skip
        self._maps = maps
        self._constants = constants
        #: Of Nodes whose ways are not all composed yet: of a large network they take much memory.
        self._arrivals: dict[Any, Arrival] = {}
        self._left = Counter(conn.pre_obj for conn in maps)
        into: dict[Any, list[nengo.Connection]] = {}
        for conn in maps:
            into.setdefault(conn.post_obj, []).append(conn)
        for node in plan.transparent:
            self._arrivals[node] = self.arrival(node, into.get(node, ()))

    def chain_is_cheaper(self, conn: nengo.Connection) -> bool:
        """Whether a way from Nodes alone takes fewer multiplications as it is.

        Spikes are different: a chip has one synapse for each pair in any case. Values from Nodes
        are multiplied by the host, which may keep the factors: a 1x1 convolution before a 3x3 one.
        """
        paths = self._arrivals[conn.pre_obj].paths
        if not paths or any(isinstance(path.origin, Neurons) for path in paths):
            return False
        links = {c for path in paths for c in path.connections} | {conn}
        chain = sum(n_multiplications(self._maps[c]) for c in links)
        try:
            whole = [compose(self._maps[conn], path.map) for path in paths]
        except TooManyWeights:
            return True
        return sum(n_multiplications(obj) for obj in whole) > chain

    def parallel(
        self, direct: Iterable[nengo.Connection], composed: Iterable[nengo.Connection]
    ) -> list[nengo.Connection]:
        """The direct ones that join neurons which another way joins by the same filter."""
        direct = list(direct)
        n_ways: Counter[Any] = Counter((c.pre_obj, c.synapse, c.post_obj) for c in direct)
        for conn in composed:
            arrival = self._arrivals.get(conn.pre_obj)
            for path in arrival.paths if arrival else ():
                n_ways[path.origin, path.synapse or conn.synapse, conn.post_obj] += 1
        from_neurons = (c for c in direct if isinstance(c.pre_obj, Neurons))
        return [c for c in from_neurons if n_ways[c.pre_obj, c.synapse, c.post_obj] > 1]

    def arrival(self, obj: Any, connections: Iterable[nengo.Connection]) -> Arrival:
        """The arrival at an object by some Connections.

        Raises
        ------
        Refused
            If a passthrough Node can't be composed through.
        """
        result = Arrival(obj.size_in)
        for conn in connections:
            before = self._arrivals.get(conn.pre_obj)
            try:
                self._pass(conn, result)
            except TooManyWeights as error:
                if before is None:
                    raise
                raise Refused(conn.pre_obj, f"stays: composed it would have {error}") from error
            self.leave(conn)
        return result

    def last_arrival(self, obj: Any, connections: Iterable[nengo.Connection]) -> Arrival:
        """The arrival at neurons, behind which nothing is composed."""
        result = self.arrival(obj, connections)
        result.join_matrices()
        return result

    def leave(self, conn: nengo.Connection) -> None:
        """Note that what comes by a Connection was composed, or is not going to be."""
        self._left[conn.pre_obj] -= 1
        if not self._left[conn.pre_obj]:
            self._arrivals.pop(conn.pre_obj, None)

    def _pass(self, conn: nengo.Connection, result: Arrival) -> None:
        """Add the paths and constants that come by one Connection to an arrival."""
        here = self._maps[conn]
        pre = conn.pre_obj
        before = self._arrivals.get(pre)
        if before is None and pre not in self._constants:
            result.add_path(Path(pre, conn.synapse, here, (conn,)))
            return
        if before is None:
            constant, through = np.asarray(pre.output, dtype=np.float64), ()
        else:
            constant, through = before.constant, before.constant_connections
            for path in before.paths:
                result.add_path(_onwards(path, conn, here))
        if not constant.any():
            return
        if conn.synapse is None:
            result.constant += here(constant)
            result.constant_connections = _together(result.constant_connections, (*through, conn))
        else:
            result.add_path(Path(pre, conn.synapse, here, (*through, conn), constant))


def _onwards(path: Path, conn: nengo.Connection, here: LinearMap) -> Path:
    synapse = path.synapse if conn.synapse is None else conn.synapse
    assert path.synapse is None or conn.synapse is None, "planned to stay"
    connections = _together(path.connections, (conn,))
    return replace(path, synapse=synapse, map=compose(here, path.map), connections=connections)


def _together(
    one: tuple[nengo.Connection, ...], two: tuple[nengo.Connection, ...]
) -> tuple[nengo.Connection, ...]:
    return tuple(dict.fromkeys((*one, *two)))


def n_multiplications(obj: LinearMap) -> int:
    """Multiplications of one pass; copies take no multiplication."""
    if isinstance(obj, Gather) and np.isin(obj.weights, (0.0, 1.0)).all():
        return 0
    return obj.n_weights
