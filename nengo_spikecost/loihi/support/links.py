"""The Connections that NengoLoihi builds, once it has merged passthrough Nodes.

Passthrough Nodes between populations on the chip do not run: NengoLoihi multiplies the transforms
of each way through them into one dense matrix. Transforms that it can't multiply it refuses; some
Connections it leaves out without a word. A Node with a Probe stays, and gets its value on the
host (patch P13 of `nengo_spikecost.stack`, without which one at the end of a way gets none).

Reference: nengo-loihi 1.1.0, passthrough.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.synapses import Lowpass
from nengo.transforms import Dense, NoTransform

from ...graph.chip_split import ChipSplit
from ...lowering.shared_nodes import TAKES
from .unsupported import Context, Unsupported

#: Most ways through one group of passthrough Nodes that are looked at.
MAX_WAYS = 20_000

LOWER = "Lower the network first (nengo_spikecost.lowering.lower)"


@dataclass(frozen=True)
class Link:
    """One set of synapses, or one message to or from the host.

    Attributes
    ----------
    connections : tuple of nengo.Connection
        The Connection itself, or those merged into one.
    post_obj : Ensemble, Neurons, Node or LearningRule
        Where it ends: the target of the last Connection, or a probed Node before it.
    transform : nengo.transforms.Transform or None
        None stands for the dense matrix that several were merged into.
    synapse : nengo.synapses.Synapse or None
    """

    connections: tuple[nengo.Connection, ...]
    post_obj: Any
    transform: Any
    synapse: Any

    @property
    def first(self) -> nengo.Connection:
        """The Connection out of the source."""
        return self.connections[0]

    @property
    def last(self) -> nengo.Connection:
        """The Connection into the target."""
        return self.connections[-1]


def find_links(context: Context) -> tuple[list[Link], list[Unsupported]]:
    """Every link of a network, and problems with how passthrough Nodes are merged."""
    links: list[Link] = []
    problems: list[Unsupported] = []
    merged: set[Any] = set()
    for group in ChipSplit(context.network).groups:
        if group.fate == "loop" and group.crosses:
            reason = (
                "is part of a loop of passthrough Nodes, which NengoLoihi runs on the host: what "
                "passes it is encoded in spikes anew"
            )
            remedy = "Mark the populations that it feeds off chip "
            remedy += "(nengo_spikecost.loihi.mark_off_chip)"
            problems.append(context.problem(group.loop(), reason, remedy, refused=False))
        elif group.fate in ("merged", "left out"):
            walk = _Walk(group, context)
            walk.run()
            links += walk.links
            problems += walk.problems
            merged.update(group.conns_in, group.conns_mid, group.conns_out)
    others = [conn for conn in context.network.all_connections if conn not in merged]
    links += [Link((c,), c.post_obj, c.transform, c.synapse) for c in others]
    return links, problems


class _Walk:
    """All ways through one group of passthrough Nodes that NengoLoihi may merge."""

    def __init__(self, group: Any, context: Context):
        self.group, self.context = group, context
        self.links: list[Link] = []
        self.problems: list[Unsupported] = []
        self._said: set[Any] = set()
        self._onwards: dict[Any, list[nengo.Connection]] = {}
        for conn in (*group.conns_mid, *group.conns_out):
            self._onwards.setdefault(conn.pre_obj, []).append(conn)

    def run(self) -> None:
        """Find the links that replace the group."""
        for conn in self.group.conns_in:
            if conn.learning_rule_type is not None:
                reason = (
                    "learns, but leads to a passthrough Node that NengoLoihi merges or leaves "
                    "out, and its learning rule with it"
                )
                refused = _has_error(conn, self.context)
                self._say(conn, reason, "Probe that Node, or give it a function", refused)
                continue
            for count, path in enumerate(self._ways((conn,), _arriving(conn, None))):
                if count >= MAX_WAYS:
                    reason = f"has more than {MAX_WAYS:,} ways to go"
                    self._say(conn, reason, self._instead(*path))
                    return
                self._emit(*path)

    def _ways(
        self, path: tuple[nengo.Connection, ...], reached: np.ndarray
    ) -> Iterator[tuple[tuple[nengo.Connection, ...], Any]]:
        """Every way on from the Node that `path` ends at, and the object it leads to."""
        node = path[-1].post_obj
        onwards = self._onwards.get(node, [])
        if node in self.group.probed:
            yield path, node
        for conn in onwards:
            if not reached[conn.pre_slice].any():
                continue
            if conn in self.group.conns_out:
                yield (*path, conn), conn.post_obj
            else:
                yield from self._ways((*path, conn), _arriving(conn, reached))

    def _emit(self, path: tuple[nengo.Connection, ...], target: Any) -> None:
        """One way, as a link if its Connections can be merged."""
        for conn in path:
            wrong = _why_not_dense(conn.transform)
            if wrong is not None:
                reason = f"{wrong}, which NengoLoihi can't merge with the next one"
                self._say(conn, reason, self._instead(path, target, _as_matrix(conn.transform)))
                return
        if isinstance(target, LearningRule):
            reason = "leads to a learning rule through a passthrough Node that also feeds the chip"
            self._say(path[-1], reason, "Give the error a passthrough Node of its own")
            return
        synapses = [conn.synapse for conn in path if conn.synapse is not None]
        synapse = synapses[0] if synapses else None
        if len(synapses) > 1:
            if not all(isinstance(s, Lowpass) for s in synapses):
                reason = "filters twice, and not by Lowpass synapses, on its way through a Node"
                self._say(path[-1], reason, "Use one Lowpass synapse")
                return
            synapse = Lowpass(sum(s.tau for s in synapses))
            reason = (
                "filters twice on its way through a passthrough Node; on the chip that becomes "
                f"one Lowpass synapse of {synapse.tau:g} s"
            )
            self._say(path[-1], reason, "Use one synapse on the way", refused=False)
        self.links.append(Link(path, target, None, synapse))

    def _instead(
        self, path: tuple[nengo.Connection, ...], target: Any, also: tuple[str, ...] = ()
    ) -> str:
        """What makes a way run that NengoLoihi can't merge."""
        left, context = self.context.left_by_lowering, self.context
        parts = [obj for conn in path for obj in (conn, conn.post_obj)]
        why = next((left[obj] for obj in parts if obj in left), None)
        if why is None:
            return LOWER
        if TAKES in why:
            # said once more with what there is to do about it
            also = ("give lower or convert that much memory",)
        elif "composed it would have" in why:
            also = ()  # any other form is as large
        if context.is_on_chip(target):
            remedy = f"mark {context.name(target)} off chip and lower the network again "
            remedy += "(nengo_spikecost.loihi.mark_off_chip, or off_chip of convert)"
        else:
            remedy = "give it a passthrough Node of its own that has only targets on the host"
        return f"Lowering does not help, since {why}: {', or '.join((*also, remedy))}"

    def _say(self, conn: nengo.Connection, reason: str, remedy: str, refused: bool = True) -> None:
        if (conn, reason) not in self._said:
            self._said.add((conn, reason))
            name = self.context.name
            where = f"{name(conn.pre_obj)} -> {name(conn.post_obj)}"
            self.problems.append(Unsupported(where, reason, remedy, refused, conn))


def _has_error(learned: nengo.Connection, context: Context) -> bool:
    """Whether anything leads to the learning rules of a Connection."""
    targets = [conn.post_obj for conn in context.network.all_connections]
    return any(isinstance(t, LearningRule) and t.connection is learned for t in targets)


def _arriving(conn: nengo.Connection, reached: np.ndarray | None) -> np.ndarray:
    """Elements of a Connection's target that something may arrive at, of shape (size_in,)."""
    given = np.ones(conn.size_mid, dtype=bool) if reached is None else reached[conn.pre_slice]
    transform = conn.transform
    weights = np.abs(transform.init) if isinstance(transform, Dense) and _is_array(transform) else 1
    if isinstance(transform, (NoTransform, Dense)) and np.ndim(weights) < 2:
        out = given & (np.asarray(weights) > 0)
    elif np.ndim(weights) == 2:
        out = (weights @ given) > 0
    else:
        out = np.ones(conn.size_out, dtype=bool)
    arriving = np.zeros(conn.post_obj.size_in, dtype=bool)
    arriving[conn.post_slice] = out
    return arriving


def _as_matrix(transform: Any) -> tuple[str, ...]:
    """In what other form NengoLoihi can multiply a transform with another one, in words."""
    if not isinstance(transform, Dense):
        return ("give it a nengo.Dense transform",)
    if not _is_array(transform):
        return ("give it an array of weights",)
    return ("give it the whole matrix, numpy.diag(weights)",)


def _is_array(transform: Dense) -> bool:
    return isinstance(transform.init, np.ndarray)


def _why_not_dense(transform: Any) -> str | None:
    """Why NengoLoihi can't multiply this transform with another one, if so."""
    if not isinstance(transform, (Dense, NoTransform)):
        return f"is a {type(transform).__name__}"
    if isinstance(transform, Dense) and not _is_array(transform):
        return "has weights drawn from a distribution"
    vector = isinstance(transform, Dense) and transform.init.ndim == 1
    return "is a diagonal matrix given as a vector" if vector else None
