"""Which passthrough Nodes signals are composed through, and which stay, and why.

A passthrough Node is *transparent* if every way through it can become one Connection. It
*stays* if something outside the neurons needs it: a Probe, a Node that computes, an output.
Both may hold at once: then neurons get their input by composed Connections, past the Node,
and the Node serves the host alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.connection import LearningRule
from scipy import sparse

from ..graph.chip_split import ChipSplit
from ..graph.nengo_types import is_built_as, is_passthrough
from ..graph.routes import is_neural
from .map_reading import unreadable


@dataclass(frozen=True)
class Plan:
    """Which passthrough Nodes of a network are composed through, and which stay.

    Attributes
    ----------
    transparent : tuple of nengo.Node
        Those that signals to neurons are composed through, sources before targets.
    staying : frozenset of nengo.Node
        Those that the new network has.
    opaque : mapping from nengo.Node to str
        Those that can't be composed through, and why, as a clause that follows the name.
    """

    transparent: tuple[nengo.Node, ...]
    staying: frozenset[nengo.Node]
    opaque: Mapping[nengo.Node, str]


def fixed_connections(network: nengo.Network) -> dict[nengo.Connection, str]:
    """The Connections that can't be composed, and why, as a clause."""
    probed = probed_objects(network)
    reasons = {conn: _why_not(conn, probed) for conn in network.all_connections}
    return {conn: reason for conn, reason in reasons.items() if reason is not None}


def make_plan(
    network: nengo.Network, keep: Collection[Any], fixed: Mapping[nengo.Connection, str],
    refused: Mapping[nengo.Node, str],
) -> Plan:  # fmt: skip
    """Plan the lowering of a network.

    Parameters
    ----------
    network : nengo.Network
    keep : collection of objects
        Nodes that must stay.
    fixed : mapping from nengo.Connection to str
        Connections that must stay as they are, and why.
    refused : mapping from nengo.Node to str
        Nodes found before to be impossible to compose through, and why.
    """
    probed = probed_objects(network)
    nodes = [node for node in network.all_nodes if is_passthrough(node)]
    links = _Links(network, nodes)
    opaque = dict(refused)
    for node in links.in_loops(fixed):
        opaque.setdefault(node, "is part of a loop of passthrough Nodes")
    for node in nodes:
        for conn in links.into[node]:
            if conn in fixed:
                opaque.setdefault(node, f"gets an input that stays as it is: {fixed[conn]}")
    order = links.sorted(nodes, opaque)
    _refuse_two_filters(order, links, opaque)
    staying = {node for node in nodes if node in opaque or node in keep or node in probed}
    for node in nodes:
        if any(_leaves_neurons(conn, fixed) for conn in links.out[node]) or not links.out[node]:
            staying.add(node)
    transparent = tuple(node for node in order if node not in opaque)
    return Plan(transparent, frozenset(with_upstream(staying, links.into)), opaque)


def with_upstream(
    nodes: Iterable[nengo.Node], into: Mapping[Any, Iterable[nengo.Connection]]
) -> set[nengo.Node]:
    """Passthrough Nodes, and those that lead to them.

    ``into`` has the Connections that lead into every passthrough Node.
    """
    upstream = set(nodes)
    waiting = list(upstream)
    while waiting:
        for conn in into.get(waiting.pop(), ()):
            if is_passthrough(conn.pre_obj) and conn.pre_obj not in upstream:
                upstream.add(conn.pre_obj)
                waiting.append(conn.pre_obj)
    return upstream


def probed_objects(network: nengo.Network) -> set[Any]:
    """Everything that a Probe is on, wholly or in part."""
    return {_owner(probe.target) for probe in network.all_probes}


def constant_nodes(network: nengo.Network, keep: Collection[Any]) -> set[nengo.Node]:
    """Nodes whose value never changes, except those that must stay."""
    return {
        node
        for node in network.all_nodes
        if is_built_as(node, nengo.Node) and node.size_in == 0 and node not in keep
        and isinstance(node.output, np.ndarray)
    }  # fmt: skip


def read_by_host(network: nengo.Network, split: ChipSplit) -> set[nengo.Node]:
    """Passthrough Nodes that have values for more than other ones and neurons on the chip."""
    nodes = {node for node in network.all_nodes if is_passthrough(node)}
    out: dict[nengo.Node, list[Any]] = {node: [] for node in nodes}
    for conn in network.all_connections:
        if conn.pre_obj in nodes:
            out[conn.pre_obj].append(conn.post_obj)
    probed = probed_objects(network)
    return {
        node
        for node in nodes
        if node in probed or not out[node]
        or any(not (is_passthrough(obj) or split.on_chip(obj)) for obj in out[node])
    }  # fmt: skip


def _owner(obj: Any) -> Any:
    return obj.obj if isinstance(obj, ObjView) else obj


def _why_not(conn: nengo.Connection, probed: Collection[Any]) -> str | None:
    """Why a Connection can be no part of a composed one."""
    if isinstance(conn.post_obj, LearningRule):
        return "it leads to a learning rule"
    if isinstance(conn.pre_obj, nengo.Ensemble):
        return f"it is decoded from {conn.pre_obj.label or 'an Ensemble'}"
    if conn.function is not None:
        return "it applies a function"
    if conn.learning_rule_type is not None:
        return "it learns"
    if conn in probed:
        return "it is probed"
    return unreadable(conn.transform)


def _leaves_neurons(conn: nengo.Connection, fixed: Collection[nengo.Connection]) -> bool:
    """Whether a Connection out of a passthrough Node needs the Node itself."""
    post = conn.post_obj
    return conn in fixed or not (is_passthrough(post) or is_neural(post))


def _refuse_two_filters(
    order: Iterable[nengo.Node], links: _Links, opaque: dict[nengo.Node, str]
) -> None:
    """Make Nodes opaque at which a filtered signal would be filtered once more."""
    filtered: set[nengo.Node] = set()
    for node in order:
        if node in opaque:
            continue
        into = links.into[node]
        if not any(c.synapse is not None or c.pre_obj in filtered for c in into):
            continue
        if any(c.synapse is not None for c in links.out[node]):
            opaque[node] = "stands between two filters, which one Connection can't have"
        else:
            filtered.add(node)


class _Links:
    """Connections into and out of each passthrough Node."""

    def __init__(self, network: nengo.Network, nodes: list[nengo.Node]):
        self.nodes = nodes
        self.into: dict[nengo.Node, list[nengo.Connection]] = {node: [] for node in nodes}
        self.out: dict[nengo.Node, list[nengo.Connection]] = {node: [] for node in nodes}
        for conn in network.all_connections:
            if conn.post_obj in self.into:
                self.into[conn.post_obj].append(conn)
            if conn.pre_obj in self.out:
                self.out[conn.pre_obj].append(conn)

    def in_loops(self, fixed: Collection[nengo.Connection]) -> list[nengo.Node]:
        """Nodes that a signal passes more than once."""
        number = {node: k for k, node in enumerate(self.nodes)}
        pairs = [
            (number[node], number[conn.post_obj])
            for node in self.nodes
            for conn in self.out[node]
            if conn.post_obj in number and conn not in fixed
        ]
        if not pairs:
            return []
        before, after = np.array(pairs).T
        size = len(self.nodes)
        graph = sparse.csr_matrix((np.ones(len(pairs)), (before, after)), shape=(size, size))
        from scipy.sparse import csgraph

        _, group = csgraph.connected_components(graph, connection="strong")
        looping = np.bincount(group)[group] > 1
        looping[before[before == after]] = True
        return [self.nodes[k] for k in np.flatnonzero(looping)]

    def sorted(self, nodes: list[nengo.Node], opaque: Collection[nengo.Node]) -> list[nengo.Node]:
        """Nodes in an order in which each comes after those it gets its input from.

        Inputs from opaque Nodes do not count: every loop has only such Nodes.
        """
        waits = {
            node: sum(c.pre_obj in self.into and c.pre_obj not in opaque for c in self.into[node])
            for node in nodes
        }
        ready = [node for node in reversed(nodes) if node in opaque or not waits[node]]
        order = []
        while ready:
            node = ready.pop()
            order.append(node)
            if node in opaque:
                continue
            for conn in self.out[node]:
                post = conn.post_obj
                if post in waits and post not in opaque:
                    waits[post] -= 1
                    if not waits[post]:
                        ready.append(post)
        return order
