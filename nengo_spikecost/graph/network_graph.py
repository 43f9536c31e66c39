"""A Nengo network read as populations of neurons and the pathways that join them."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Any

import nengo
from nengo.connection import LearningRule

from .. import check
from ..errors import NetworkGraphError
from ..layout import Result
from ..options import named_arguments
from ..words import counted
from .chip_split import ChipSplit
from .connection_chain import is_decoded, is_direct, uses_encoders
from .layered_network import LayeredNetwork, LoweredNetwork
from .learning import learned_encoders, learning_records, named_rules, unknown_rules
from .naming import ensemble_of, label_of, numbered, subnetwork_names, unique_names
from .nengo_types import is_passthrough
from .off_chip import held_by, host_operations, host_parts
from .pathways import (
    EventSource,
    HostPart,
    Pathway,
    Population,
    Sink,
    Source,
    SpikeSource,
    Uncounted,
    Weights,
)
from .routes import Route, RouteFinder, layer_of_route


class NetworkGraph(Result):
    """The populations of a network, and who can reach whom.

    Passthrough Nodes only exist for the simulator: a pathway leads through any chain of
    them, from neurons (or data) to neurons (or an output). Building the graph is cheap;
    fan-outs are computed when a pathway is asked for them, and kept. Probes are ignored;
    the network is not changed.

    Parameters
    ----------
    network : nengo.Network or Conversion
        A network; or one that knows its layers (`LayeredNetwork`, or `LoweredNetwork`). In a
        plain network, all Nodes without input are inputs.
    count_zeros : bool
        Whether weights that are exactly zero are counted as synapses.

    Attributes
    ----------
    network : nengo.Network
    populations : tuple of Population
        One for every Ensemble with neurons, in Nengo's order.
    sources : tuple of Source
        Other origins of pathways.
    sinks : tuple of Sink
        Other targets of pathways.
    pathways : tuple of Pathway
        One for every route, by origin.
    weights : tuple of Weights
        One for every Connection that a pathway other than a bias leads through, and one
        for the encoders of every Ensemble that such a Connection leads into.
    learning : tuple of Learning
        One for every learning rule of a known type.
    uncounted : tuple of Uncounted
        Parts that are not counted, and why.

    Raises
    ------
    NetworkGraphError
        If ``network`` is no such object.

    Examples
    --------
    >>> import nengo, numpy as np
    >>> with nengo.Network() as net:
    ...     image = nengo.Ensemble(36, 1, label="image")
    ...     feature = nengo.Ensemble(16, 1, label="feature")
    ...     conv = nengo.Convolution(1, (6, 6, 1))
    ...     _ = nengo.Connection(image.neurons, feature.neurons, transform=conv)
    >>> pathway = NetworkGraph(net).pathway("image -> feature")
    >>> pathway.fan_out.reshape(6, 6)[:3, :3]
    array([[1, 2, 3],
           [2, 4, 6],
           [3, 6, 9]])
    """

    @named_arguments
    def __init__(self, network: Any, *, count_zeros: bool = False):
        self.network, self._layer_names, self._inputs = _parts(network)
        self._lowered = network if isinstance(network, LoweredNetwork) else None
        self._connection_layers = self._lowered.connection_layers if self._lowered else {}
        self.count_zeros = check.flag("count_zeros", count_zeros, NetworkGraphError)
        net = self.network
        self.split = ChipSplit(net)
        finder = RouteFinder(net, self.split)
        functions = {conn: f"{label_of(conn.pre_obj)}.function" for conn in finder.host_functions()}
        objects = (*net.all_ensembles, *net.all_nodes, *functions)
        self._names = unique_names(net, objects, {**self._layer_names, **functions})
        self._ends: dict[Any, Population | Source] = {}
        self._sinks: dict[Any, Sink] = {}
        self._rules = named_rules(net.all_connections, self._arrow)
        self.learning = tuple(learning_records(self._rules))
        self.populations = tuple(
            self._population(ens) for ens in net.all_ensembles if not is_direct(ens)
        )
        routes = list(finder.routes())
        self.pathways = tuple(self._pathways([r for r in routes if r.problem is None]))
        self.weights = tuple(self._weights())
        self.uncounted = tuple(self._uncounted(finder, [r for r in routes if r.problem]))
        self.sources = tuple(end for end in self._ends.values() if isinstance(end, Source))
        self.sinks = tuple(self._sinks.values())

    @property
    def has_layers(self) -> bool:
        """Whether it is the graph of a network that knows its layers, such as a Conversion."""
        return bool(self._layer_names)

    @cached_property
    def subnetworks(self) -> dict[str, str]:
        """Names of populations and Nodes in subnetworks, and the outermost of these."""
        outer = subnetwork_names(self.network)
        return {self._names[obj]: name for obj, name in outer.items() if obj in self._names}

    @cached_property
    def population_groups(self) -> dict[str, str]:
        """Names of populations that are not alone in a subnetwork, and its name.

        None of a network that knows its layers: those are what is looked for.
        """
        if self.has_layers:
            return {}
        names = self.subnetworks
        own = {p.name: names[p.name] for p in self.populations if p.name in names}
        together = Counter(own.values())
        return {name: group for name, group in own.items() if together[group] > 1}

    def population(self, name: str) -> Population:
        """The population of that name.

        Raises
        ------
        NetworkGraphError
            If there is none.
        """
        return check.record("population", name, self.populations, NetworkGraphError)

    def pathway(self, name: str) -> Pathway:
        """The pathway of that name.

        Raises
        ------
        NetworkGraphError
            If there is none.
        """
        pathway: Pathway = check.record("pathway", name, self.pathways, NetworkGraphError)
        return pathway

    @property
    def spike_sources(self) -> tuple[SpikeSource, ...]:
        """All that gives spikes, or rates: populations, then processes on the chip."""
        events = [source for source in self.sources if isinstance(source, EventSource)]
        return (*self.populations, *events)

    def pathways_from(self, name: str) -> tuple[Pathway, ...]:
        """All pathways that start from the population or source of that name."""
        return tuple(pathway for pathway in self.pathways if pathway.pre.name == str(name))

    def pathways_to(self, name: str) -> tuple[Pathway, ...]:
        """All pathways that end at the population or sink of that name."""
        return tuple(pathway for pathway in self.pathways if pathway.post.name == str(name))

    def _population(self, ensemble: nengo.Ensemble) -> Population:
        population = Population(
            name=self._names[ensemble], layer=self._layer(ensemble), ensemble=ensemble,
            n_neurons=ensemble.n_neurons, neuron_type=ensemble.neuron_type,
            spiking=bool(getattr(ensemble.neuron_type, "spiking", False)),
            on_chip=self.split.on_chip(ensemble),
        )  # fmt: skip
        self._ends[ensemble] = population
        return population

    def _source(self, origin: Any) -> Population | Source:
        if origin not in self._ends:
            is_function = isinstance(origin, nengo.Connection)
            layer = self._layer(origin.pre_obj if is_function else origin)
            size = origin.size_mid if is_function else origin.size_out
            kind = self._kind_of_source(origin)
            made = EventSource if kind == "events" else Source
            self._ends[origin] = made(self._names[origin], layer, origin, size, kind)
        return self._ends[origin]

    def _kind_of_source(self, origin: Any) -> str:
        if isinstance(origin, nengo.Node) and self.split.on_chip(origin):
            return "events"
        if not isinstance(origin, nengo.Node) or origin.size_in > 0:
            return "host"
        constant = not callable(origin.output) and not isinstance(origin.output, nengo.Process)
        fed = self._inputs is None or any(origin is node for node in self._inputs)
        return "bias" if constant and not fed else "input"

    def _target(self, obj: Any) -> Population | Sink:
        end = self._ends.get(obj)
        if isinstance(end, Population):
            return end
        if obj not in self._sinks:
            name, layer = self._rules.get(obj) or (self._names[obj], self._layer(obj))
            self._sinks[obj] = Sink(name, layer, obj, obj.size_in)
        return self._sinks[obj]

    def _pathways(self, routes: list[Route]) -> list[Pathway]:
        joined = [(r, self._source(r.origin), self._target(r.target)) for r in routes]
        pairs = Counter((pre.name, post.name) for _, pre, post in joined)
        names: dict[Any, str] = {}
        for number, (route, pre, post) in enumerate(joined):
            names[number] = f"{pre.name} -> {post.name}"
            passed = [self._names[conn.post_obj] for conn in route.connections[:-1]]
            if pairs[pre.name, post.name] > 1 and passed:
                names[number] += f" (via {', '.join(passed)})"
        unique = numbered(names)
        return [self._pathway(unique[number], *ends) for number, ends in enumerate(joined)]

    def _pathway(
        self, name: str, route: Route, pre: Population | Source, post: Population | Sink
    ) -> Pathway:
        if isinstance(pre, Source):
            kind = pre.kind
        else:
            kind = "neural" if isinstance(post, Population) else "readout"
        layer = post.layer
        first = route.connections[0]
        if len(route.connections) == 1 and first in self._connection_layers:
            layer = self._connection_layers[first]
        elif self._layer_names:
            layer = layer_of_route(route.connections, self._layer_names, post.layer)
        return Pathway(
            name, layer, pre, post, route.connections, kind, self.count_zeros,
            learned_encoders=route.target in learned_encoders(self._rules),
            place=self._place(route.connections, kind, pre, post),
        )  # fmt: skip

    def _place(
        self, route: tuple[nengo.Connection, ...], kind: str, pre: Any, post: Population | Sink
    ) -> str:
        """Where the weights of a route are used: one of `PLACES`."""
        if isinstance(post, Sink):
            unread = is_passthrough(post.obj) and not self.split.is_built(post.obj)
            return "nowhere" if unread else "host"
        if kind not in ("neural", "events") or not post.on_chip:
            return "host"
        if pre.on_chip:
            return "chip"
        # Only spikes are sent to the chip as they are: values that were decoded, or that have
        # passed a Node which the host runs, are numbers. The Nodes of a Conversion are parts of
        # layers, and are counted as lowering leaves them: not at all.
        relayed = len(route) > 1 and self.split.fate(route[0].post_obj) != "merged"
        numbers = is_decoded(route[0]) or (relayed and not self._layer_names)
        return "host" if numbers else "chip"

    def _weights(self) -> list[Weights]:
        used = {c: None for p in self.pathways if p.kind != "bias" for c in p.connections}
        encoded = {c.post_obj: None for c in used if uses_encoders(c)}
        weights = []
        for conn in used:
            name, layer = self._arrow(conn.pre_obj, conn.post_obj)
            layer = self._connection_layers.get(conn, layer)
            weights.append(Weights(name, layer, conn, self.count_zeros))
        learned = learned_encoders(self._rules)
        for ens in encoded:
            name = f"encoders of {self._names[ens]}"
            count_zeros = self.count_zeros or ens in learned
            weights.append(Weights(name, self._layer(ens), ens, count_zeros))
        return weights

    @property
    def dense_weights(self) -> tuple[Weights, ...]:
        """The weights that a machine without spikes applies.

        Of a lowered network those it had before: such a machine applies one layer after another,
        which takes less than all multiplied out.
        """
        return self._dense.weights

    @cached_property
    def dense_on_chip(self) -> frozenset[Any]:
        """The objects that hold the dense weights on the way of spikes to neurons on the chip.

        Connections, and Ensembles their encoders. All other dense weights are the host's.
        """
        lowering = self._lowered.lowering if self._lowered else None
        now = lowering.objects if lowering else {}
        if self._dense is self:
            return held_by(p for p in self.pathways if p.on_chip)
        # Before it was lowered, the network had Nodes on the way that are gone: its pathways are
        # on the chip where they lead to neurons that are.
        return held_by(
            p
            for p in self._dense.pathways
            if isinstance(p.post, Population)
            and p.kind in ("neural", "events")
            and self.split.on_chip(now.get(p.post.ensemble, p.post.ensemble))
        )

    @cached_property
    def _dense(self) -> NetworkGraph:
        """The network that a machine without spikes runs."""
        unlowered = self._lowered.unlowered if self._lowered else None
        if unlowered is None:
            return self
        return NetworkGraph(unlowered, count_zeros=self.count_zeros)

    @cached_property
    def host(self) -> tuple[HostPart, ...]:
        """The work beside the chip, should the network run on one."""
        nodes = {
            node: (self._names[node], self._layer(node))
            for node in self.network.all_nodes
            if host_operations(node) is not None
        }
        return tuple(host_parts(self.pathways, self.weights, self.populations, nodes))

    def _layer(self, obj: Any) -> str:
        return self._layer_names.get(obj) or self._names[obj]

    def _uncounted(self, finder: RouteFinder, failed: list[Route]) -> list[Uncounted]:
        parts = [
            self._on_host(obj, "computes on the host; its operations are not counted")
            for obj in self.network.all_nodes
            if obj.size_in > 0 and not is_passthrough(obj) and host_operations(obj) is None
        ]
        parts += [
            self._on_host(ens, "is in direct mode: it has no neurons and computes on the host")
            for ens in self.network.all_ensembles
            if is_direct(ens)
        ]
        reason = "applies a function on the host; its operations are not counted"
        for conn in finder.host_functions():
            parts.append(Uncounted(*self._arrow(conn.pre_obj, conn.post_obj), reason, on_host=True))
        parts += [Uncounted(*unknown) for unknown in unknown_rules(self._rules)]
        for route in failed:
            origin = route.origin
            start = origin.pre_obj if isinstance(origin, nengo.Connection) else origin
            parts.append(Uncounted(*self._arrow(start, route.target), str(route.problem)))
        return list(dict.fromkeys(parts))

    def _on_host(self, obj: Any, reason: str) -> Uncounted:
        return Uncounted(self._names[obj], self._layer(obj), reason, on_host=True)

    def _arrow(self, pre: Any, post: Any) -> tuple[str, str]:
        """Name and layer of a way from one object to another."""
        start = self._names[ensemble_of(pre)]
        if isinstance(post, LearningRule):
            name, layer = self._rules[post]
            return f"{start} -> {name}", layer
        end = ensemble_of(post)
        return f"{start} -> {self._names[end]}", self._layer(end)

    def __repr__(self) -> str:
        return (
            f"<NetworkGraph: {len(self.populations)} populations, "
            f"{counted(sum(p.n_neurons for p in self.populations), 'neuron')}, "
            f"{len(self.pathways)} pathways, {len(self.uncounted)} uncounted>"
        )


def _parts(network: Any) -> tuple[nengo.Network, dict[Any, str], Any]:
    """The network, the layer of its objects, and the Nodes fed with data (None: all)."""
    if isinstance(network, LayeredNetwork) and isinstance(network.net, nengo.Network):
        layers = {ensemble_of(obj): name for obj, name in network.layer_names.items()}
        return network.net, layers, network.input_nodes
    if isinstance(network, nengo.Network):
        return network, {}, None
    raise NetworkGraphError(
        "NetworkGraph takes a nengo.Network, or a Conversion as convert() returns it, "
        f"not {type(network).__name__}."
    )
