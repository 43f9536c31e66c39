"""Where every part of a network runs: NengoLoihi's rules, without NengoLoihi.

NengoLoihi decides this before it builds anything. Ensembles are on the chip unless

1. they are marked otherwise: ``net.config[ensemble].on_chip = False`` on the whole network,
2. they are in Direct mode,
3. they are the target of a learned Connection,
4. they are the source of a learning rule's error.

Nodes are on the host, except for processes of the chip (``nengo_loihi.inputs.ChipProcess``), such
as a camera's events.

Passthrough Nodes that are joined by Connections are a group. NengoLoihi merges a group, so that
each way through it is one Connection, if something on the chip leads into it and something on the
chip is reached from it; and it leaves a group out, with all that leads there, if nothing reads
it: no Connection and no Probe. It runs all other groups on the host, and all that have a loop.

Reference: nengo-loihi 1.1.0, splitter.py (``HostChipSplit``) and passthrough.py
(``PassthroughSplit``); the tests hold this file against both, network by network.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.exceptions import ConfigError

from .connection_chain import is_direct
from .nengo_types import is_passthrough


def owner_of(obj: Any) -> Any:
    """The object that one is, is a view on, or belongs to as its neurons."""
    if isinstance(obj, ObjView):
        obj = obj.obj
    return obj.ensemble if isinstance(obj, Neurons) else obj


def is_chip_process(obj: Any) -> bool:
    """Whether an object is a Node whose events NengoLoihi puts on the chip."""
    # who has such a Node has imported its class
    inputs = sys.modules.get("nengo_loihi.inputs")
    builders = sys.modules.get("nengo_loihi.builder.inputs")
    if not isinstance(obj, nengo.Node) or inputs is None:
        return False
    receives = builders is not None and isinstance(obj, builders.ChipReceiveNode)
    return receives or isinstance(obj.output, inputs.ChipProcess)


def is_marked(network: nengo.Network, ensemble: nengo.Ensemble, on_chip: bool) -> bool:
    """Whether a network's configuration puts an Ensemble on the chip, or keeps it off.

    NengoLoihi goes by ``net.config[ensemble].on_chip``, if `nengo_loihi.add_params` was called on
    the network: only False itself is off the chip, and all that is true is on it.
    """
    asked_before = ensemble in network.config.params
    try:
        mark = network.config[ensemble].on_chip
    except (AttributeError, ConfigError):
        return False
    finally:
        if not asked_before:  # a config keeps all that it was asked for, and is the user's
            network.config.params.pop(ensemble, None)
    return bool(mark) if on_chip else mark is False


@dataclass(eq=False)
class RelayGroup:
    """Passthrough Nodes that Connections join.

    Attributes
    ----------
    nodes : dict of nengo.Node
        In Nengo's order.
    conns_in, conns_mid, conns_out : list of nengo.Connection
        Those that lead into the group, within it, and out of it.
    probed : set of nengo.Node
    crosses : bool
        Whether something on the chip leads into it, and something there is reached from it.
    fate : {"merged", "left out", "host", "loop"}
        What NengoLoihi does with it. With a loop it stays on the host, and its Nodes can't be
        seen through: each Connection in it is one of its own.
    """

    nodes: dict[Any, None] = field(default_factory=dict)
    conns_in: list[nengo.Connection] = field(default_factory=list)
    conns_mid: list[nengo.Connection] = field(default_factory=list)
    conns_out: list[nengo.Connection] = field(default_factory=list)
    probed: set[Any] = field(default_factory=set)
    crosses: bool = False
    fate: str = "host"

    @property
    def is_read(self) -> bool:
        """Whether a Connection out of the group, or a Probe, reads anything of it."""
        return bool(self.conns_out or self.probed)

    def loop(self) -> Any:
        """A Node that can be reached from itself, by what leads into the group; None: none is."""
        onwards: dict[Any, list[Any]] = {}
        for conn in self.conns_mid:
            onwards.setdefault(conn.pre_obj, []).append(conn.post_obj)
        done: set[Any] = set()
        for start in {conn.post_obj: None for conn in self.conns_in}:
            # depth first; a Node that is met again while its own branch is open closes a loop
            branch: dict[Any, Any] = {start: iter(onwards.get(start, ()))}
            while branch:
                node, rest = next(reversed(branch.items()))
                after = next((n for n in rest if n not in done), None)
                if after is None:
                    done.add(node)
                    del branch[node]
                elif after in branch:
                    return after
                else:
                    branch[after] = iter(onwards.get(after, ()))
        return None


class ChipSplit:
    """Where every part of one network runs, should it run on a Loihi.

    Parameters
    ----------
    network : nengo.Network
        The whole network: NengoLoihi reads no subnetwork's config. It is not changed.
    probes : iterable of nengo.Probe, optional
        What is read of it; default: the Probes in it.

    Attributes
    ----------
    places : mapping from nengo.Ensemble or nengo.Node to bool
        Whether it is on the chip. A passthrough Node counts as on the host; see `groups`.
    contradictions : dict from nengo.Ensemble to str
        Ensembles that are marked as on the chip and can't be there, and what they are.
        NengoLoihi refuses the network.
    groups : tuple of RelayGroup
        Passthrough Nodes that are joined.
    """

    def __init__(self, network: nengo.Network, probes: Iterable[nengo.Probe] | None = None):
        self.contradictions: dict[Any, str] = {}
        self.places = self._placed(network)
        self._group: dict[Any, RelayGroup] = {}
        self._find_groups(network, network.all_probes if probes is None else probes)
        self.groups = tuple({id(group): group for group in self._group.values()}.values())
        for group in self.groups:
            self._decide(group)

    def on_chip(self, obj: Any) -> bool:
        """Whether an Ensemble, its neurons, a Node, or a view on one is on the chip."""
        return self.places.get(owner_of(obj), False)

    def fate(self, node: Any) -> str:
        """What NengoLoihi does with a passthrough Node: see `RelayGroup`."""
        group = self._group.get(node)
        return "host" if group is None else group.fate

    def is_relay(self, obj: Any) -> bool:
        """Whether an object is a passthrough Node, and none that has to run since it loops."""
        return is_passthrough(obj) and self.fate(obj) != "loop"

    def is_built(self, node: Any) -> bool:
        """Whether NengoLoihi builds the Connections that end at a passthrough Node."""
        group = self._group.get(node)
        return group is None or group.fate in ("host", "loop") or node in group.probed

    def _placed(self, network: nengo.Network) -> dict[Any, bool]:
        places = {node: is_chip_process(node) for node in network.all_nodes}
        for ens in network.all_ensembles:
            places[ens] = not (is_marked(network, ens, on_chip=False) or is_direct(ens))
        for conn in network.all_connections:
            pre, post = owner_of(conn.pre), owner_of(conn.post)
            # as in NengoLoihi one Connection moves one Ensemble, its target first
            if conn.learning_rule_type is not None and self._moves(post, places):
                moved, role = post, "the target of a learned Connection"
            elif isinstance(post, LearningRule) and self._moves(pre, places):
                moved, role = pre, "the source of a learning rule's error"
            else:
                continue
            places[moved] = False
            if is_marked(network, moved, on_chip=True):
                self.contradictions[moved] = role
        return places

    @staticmethod
    def _moves(obj: Any, places: Mapping[Any, bool]) -> bool:
        return isinstance(obj, nengo.Ensemble) and places.get(obj, False)

    def _find_groups(self, network: nengo.Network, probes: Iterable[nengo.Probe]) -> None:
        probed = {owner_of(probe.target) for probe in probes}
        for conn in network.all_connections:
            from_relay, to_relay = (is_passthrough(end) for end in (conn.pre_obj, conn.post_obj))
            for node in (conn.pre_obj,) * from_relay + (conn.post_obj,) * to_relay:
                if node not in self._group:
                    self._group[node] = RelayGroup({node: None}, probed=probed & {node})
            if from_relay and to_relay:
                self._join(conn.pre_obj, conn.post_obj).conns_mid.append(conn)
            elif from_relay:
                self._group[conn.pre_obj].conns_out.append(conn)
            elif to_relay:
                self._group[conn.post_obj].conns_in.append(conn)

    def _join(self, pre: Any, post: Any) -> RelayGroup:
        one, other = self._group[pre], self._group[post]
        if one is not other:
            if len(one.nodes) < len(other.nodes):
                one, other = other, one
            one.nodes.update(other.nodes)
            one.conns_in += other.conns_in
            one.conns_mid += other.conns_mid
            one.conns_out += other.conns_out
            one.probed |= other.probed
            self._group.update(dict.fromkeys(other.nodes, one))
        return one

    def _decide(self, group: RelayGroup) -> None:
        from_chip = any(self.on_chip(conn.pre) for conn in group.conns_in)
        to_chip = any(self.on_chip(conn.post) for conn in group.conns_out)
        group.crosses = from_chip and to_chip
        if group.loop() is not None:
            group.fate = "loop"
        elif group.crosses:
            group.fate = "merged"
        elif group.conns_in and not group.is_read:
            group.fate = "left out"
