"""Passthrough Nodes that stay because composing every path through them would take too much.

Where *i* paths come into a Node and *o* Connections lead out of it, composing makes *i* times *o*
maps of the *i* + *o* that the network has. A DenseNet joins each layer to all that follow: its
121-layer form, multiplied out, has 80 times the weights that it was given, and takes as much longer
to simulate. A chip has no Nodes and needs them all; nobody else does.

1. Tell the size of every composed map (`map_sizes`), by the same dynamic programming over Nodes by
   which `paths` composes them, and so the memory that all of them take. A Node behind which a map
   is too large to be composed stays in any case; what leads on from there starts anew, from one
   origin.
2. If that is within the budget, no other Node stays.
3. Else go over the Nodes once more, sources before targets. A Node that several paths share stays
   if the products with what leads out of it have more weights than both factors have; one in a
   chain, if a border makes their product a matrix. If that is not enough, every Node in a chain
   whose product has more weights than its factors, as a 1x1 convolution before a depthwise one.
4. Nodes in a chain do not stay after all where less is stored without them, and there is memory for
   it: a depthwise convolution between two 1x1 ones, to many channels and back to few, becomes one
   small convolution.

Synaptic operations are counted from neurons to neurons, through Nodes as without. But two routes
that join the same pair are one synapse if they are composed, and two otherwise. So Nodes on such
routes are left out of step 3; only if that is not enough do they stay as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import nengo

from ..graph.routes import is_neural
from ..memory import Need, amount
from .composition import TooManyWeights
from .composition_plan import Plan
from .linear_map import LinearMap
from .map_sizes import MapSize, MapSizes

#: Part of the reason why a Node stays, if it is for want of memory.
TAKES = "composing all paths takes"

_SHARED = "stays, as several paths share it"
_LARGER = "stays, as composed it has more weights"
_SEVERAL = "; several routes through it are as many sets of synapses"

#: Of one weight of a composed map, in bytes: the map in float64, and as much again for what is
#: needed only while it is composed, or is the transform made of it. Measured: 12 to 17.
BYTES_PER_WEIGHT = 16

#: Origin and filter of a path, and the size of its map.
_Sized = tuple[tuple[Any, Any], MapSize]


@dataclass(frozen=True)
class Composing:
    """What composing will take, and the Nodes that it can't or need not be done through.

    Attributes
    ----------
    n_weights : int
        Of all composed maps, those that are needed on the way included.
    n_stored : int
        Of all maps that there are in the end, between origins, Nodes that stay, and neurons.
    staying : mapping from nengo.Node to str
        Nodes that are not composed through, and why, as a clause.
    """

    n_weights: int
    n_stored: int
    staying: Mapping[nengo.Node, str]

    @property
    def need(self) -> Need:
        """Memory that composing takes."""
        return Need(self.n_weights * BYTES_PER_WEIGHT)


def plan_composing(
    plan: Plan, maps: Mapping[nengo.Connection, LinearMap], constants: Collection[nengo.Node],
    budget: float,
) -> Composing:  # fmt: skip
    """Find the Nodes that stay, so that composing takes no more memory than it may.

    Parameters
    ----------
    plan : Plan
        Says which Nodes can be composed through.
    maps : mapping from nengo.Connection to LinearMap
        Of all Connections that can be composed.
    constants : collection of nengo.Node
        Nodes whose values never change: they become biases.
    budget : float
        In bytes.
    """
    sizes = _Sizes(plan, maps, constants)
    whole = sizes.walk(lambda node, arriving, products: None)
    if whole.need.total() <= budget:
        return whole
    doubled, found = sizes.doubled(), whole
    takes = f"{TAKES} {amount(whole.need.total())} (memory=)"
    for chains, excluded in ((False, doubled), (True, doubled), (True, set())):

        def stays(
            node: nengo.Node, arriving: _Arriving, through: _Products, also: bool = chains,
            without: Collection[nengo.Node] = excluded,
        ) -> str | None:  # fmt: skip
            shared = len(arriving.sizes) > 1 or len(through) > 1
            if node in without or not sizes.is_larger(arriving, through):
                return None
            if not (shared or also or sizes.is_border(arriving, through)):
                return None
            words = _SHARED if shared else _LARGER
            return f"{words}{_SEVERAL if node in doubled else ''}: {takes}"

        found = sizes.walk(stays)
        if found.need.total() <= budget:
            break
    return _without_needless(sizes, found, budget)


def _as_before(
    staying: Mapping[nengo.Node, str], node: nengo.Node, arriving: _Arriving, through: _Products
) -> str | None:  # fmt: skip
    return staying.get(node)


def _without_needless(sizes: _Sizes, found: Composing, budget: float) -> Composing:
    """The same without Nodes in chains that make what is stored no smaller."""
    most = max(budget, found.need.total())
    chains = [node for node, why in found.staying.items() if why.startswith(_LARGER)]
    for some in (*sizes.runs(chains), *([node] for node in reversed(chains))):
        if found.staying.keys().isdisjoint(some):
            continue
        kept = {node: why for node, why in found.staying.items() if node not in some}
        other = sizes.walk(partial(_as_before, kept))
        if other.n_stored < found.n_stored and other.need.total() <= most:
            found = other
    return found


@dataclass
class _Arriving:
    """The sizes of all maps that arrive at an object."""

    sizes: list[_Sized] = field(default_factory=list)

    def add(self, new: _Sized, algebra: MapSizes) -> None:
        for number, (key, known) in enumerate(self.sizes):
            if key == new[0]:
                total = algebra.summed(known, new[1])
                if total is not None:
                    self.sizes[number] = key, total
                    return
        self.sizes.append(new)

    @property
    def n_weights(self) -> int:
        return sum(size.n_weights for _, size in self.sizes)


_Products = Mapping[nengo.Connection, list[_Sized]]


class _Sizes:
    """The sizes of all composed maps of a network."""

    def __init__(
        self, plan: Plan, maps: Mapping[nengo.Connection, LinearMap],
        constants: Collection[nengo.Node],
    ):  # fmt: skip
        self._nodes, self._constants = plan.transparent, constants
        self._transparent = frozenset(plan.transparent)
        self._algebra = MapSizes()
        self._of = {conn: self._algebra.of(obj) for conn, obj in maps.items()}
        self._into: dict[Any, list[nengo.Connection]] = {}
        self._out: dict[Any, list[nengo.Connection]] = {}
        for conn in maps:
            self._into.setdefault(conn.post_obj, []).append(conn)
            self._out.setdefault(conn.pre_obj, []).append(conn)
        self._targets = [obj for obj in self._into if is_neural(obj)]

    def walk(self, stays: Callable[[nengo.Node, _Arriving, _Products], str | None]) -> Composing:
        """Go over all Nodes and targets.

        Parameters
        ----------
        stays : callable
            Of a Node, the sizes that arrive at it, and those of what leads out of it, gives the
            reason why the Node stays, or None.
        """
        products: dict[nengo.Connection, list[_Sized]] = {}
        staying: dict[nengo.Node, str] = {}
        total = stored = 0
        for node in self._nodes:
            arriving = self._arriving(self._into.get(node, ()), products)
            try:
                through = {c: self._passed(c, arriving) for c in self._out.get(node, ())}
            except TooManyWeights as error:
                staying[node] = f"stays: composed it would have {error}"
                stored += arriving.n_weights
                continue
            reason = stays(node, arriving, through)
            if reason is not None:
                staying[node] = reason
                stored += arriving.n_weights
                continue
            products.update(through)
            total += arriving.n_weights
        for target in self._targets:
            composed = [conn for conn in self._into[target] if conn in products]
            total += self._arriving(composed, products).n_weights
            stored += self._arriving(self._into[target], products).n_weights
        return Composing(total, stored, staying)

    def runs(self, nodes: Collection[nengo.Node]) -> list[list[nengo.Node]]:
        """Nodes of which each leads to the next, and to nothing else; only runs of several."""
        runs: dict[nengo.Node, list[nengo.Node]] = {}
        for node in nodes:  # sources before targets
            before = {conn.pre_obj for conn in self._into.get(node, ())}
            run = runs.pop(before.pop(), []) if len(before) == 1 else []
            runs[node] = [*run, node]
        return [run for run in runs.values() if len(run) > 1]

    def _arriving(self, connections: Iterable[nengo.Connection], products: _Products) -> _Arriving:
        result = _Arriving()
        for conn in connections:
            if conn in products:
                for sized in products[conn]:
                    result.add(sized, self._algebra)
            elif conn.pre_obj not in self._constants:
                result.add(((conn.pre_obj, conn.synapse), self._of[conn]), self._algebra)
        return result

    def _passed(self, conn: nengo.Connection, before: _Arriving) -> list[_Sized]:
        """What arrives at a Node, behind one Connection that leads out of it."""
        return [
            (
                (origin, synapse if conn.synapse is None else conn.synapse),
                self._algebra.composed(self._of[conn], size),
            )
            for (origin, synapse), size in before.sizes
        ]

    def is_larger(self, arriving: _Arriving, through: _Products) -> bool:
        """Whether a Node's products have more weights than its factors."""
        factors = arriving.n_weights + sum(self._of[conn].n_weights for conn in through)
        return sum(size.n_weights for passed in through.values() for _, size in passed) > factors

    def is_border(self, arriving: _Arriving, through: _Products) -> bool:
        """Whether convolutions arrive at a Node and a product with what leads out is none."""
        products = [size for passed in through.values() for _, size in passed]
        strided = all(size.places is not None for _, size in arriving.sizes)
        return strided and any(size.places is None for size in products)

    def doubled(self) -> set[nengo.Node]:
        """The Nodes between an origin and neurons that several routes lead to from it."""
        # Of each object, how many routes lead to it from each origin.
        routes: dict[Any, dict[Any, int]] = {}
        for obj in (*self._nodes, *self._targets):
            here = routes.setdefault(obj, {})
            for conn in self._into.get(obj, ()):
                pre = conn.pre_obj
                if pre not in self._constants:
                    through = routes[pre] if pre in self._transparent else {pre: 1}
                    for origin, n in through.items():
                        here[origin] = here.get(origin, 0) + n
        doubled: set[nengo.Node] = set()
        for target in self._targets:
            several = {origin for origin, n in routes[target].items() if n > 1}
            doubled |= self._between(several, target, routes)
        return doubled

    def _between(
        self, origins: set[Any], target: Any, routes: Mapping[Any, Mapping[Any, int]]
    ) -> set[nengo.Node]:
        """The Nodes on any route from one of some origins to a target."""
        found: set[nengo.Node] = set()
        waiting = [target]
        while waiting:
            for conn in self._into.get(waiting.pop(), ()):
                node = conn.pre_obj
                if node not in self._transparent or node in found:
                    continue
                if not origins.isdisjoint(routes[node]):
                    found.add(node)
                    waiting.append(node)
        return found
