"""A Nengo network as places and links between them: what `to_nir` writes.

A `Place` is an Ensemble's neurons, an Ensemble's decoded input, an input or a passthrough Node. A
`Link` is a linear map from one to another, with a filter and a number of steps by which it is late.
Decoded Connections are links by their decoders and encoders, which Nengo's builder makes.

Everything that has no form in NIR is collected first, by name (`refusals`); only then is anything
built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.ensemble import Neurons

from ..graph.nengo_types import is_passthrough, replaced
from ..lowering.composition import compose
from ..lowering.linear_map import Gather, LinearMap, Matrix
from ..lowering.map_reading import connection_map, unreadable
from .discrete_neurons import EventInput
from .written_neurons import neuron_writers


@dataclass
class Place:
    """An object that has values.

    Attributes
    ----------
    key : Neurons, Ensemble or Node
        ``ensemble.neurons``; an Ensemble stands for the values that its encoders take.
    kind : {"neurons", "relay", "input"}
    size : int
    bias : ndarray of shape (size,)
        What is added to its values besides; of neurons to their input, before their gain.
    """

    key: Any
    kind: str
    size: int
    bias: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if not self.bias.size:
            self.bias = np.zeros(self.size)


@dataclass(frozen=True)
class Link:
    """A linear map from one place to another.

    Attributes
    ----------
    pre, post : object
        Keys of places.
    map : LinearMap
    delay : int
        Steps by which values arrive later.
    decay : float
        Of a Lowpass filter, what is left of its state after a step; 0 without one.
    name : str
    """

    pre: Any
    post: Any
    map: LinearMap
    delay: int = 0
    decay: float = 0.0
    name: str = ""


@dataclass
class Places:
    """A network as places and links.

    Attributes
    ----------
    places : dict from key to Place
    links : list of Link
    outputs : list of (str, object, float)
        Name of each output, the place that it is of, and the decay of its filter.
    built : nengo.builder.Model
        What Nengo made of the network.
    drawn : bool
        Whether gains, encoders or decoders are drawn at random when it is built.
    notes : list of str
    """

    places: dict[Any, Place]
    links: list[Link]
    outputs: list[tuple[str, Any, float]]
    built: Any
    drawn: bool
    notes: list[str] = field(default_factory=list)


def refusals(
    network: nengo.Network, names: Mapping[Any, str], inputs: Iterable[nengo.Node]
) -> Iterator[tuple[str, str]]:
    """Names of objects that have no form in NIR, and why as a clause."""
    inputs = set(inputs)
    for ensemble in network.all_ensembles:
        yield from ((names[ensemble], reason) for reason in _of_ensemble(ensemble))
    for node in network.all_nodes:
        if node not in inputs and not is_passthrough(node) and not _is_constant(node):
            yield names[node], f"computes ({_kind_of_output(node)}), and NIR has no code"
    for conn in network.all_connections:
        yield from ((_connection_name(conn, names), reason) for reason in _of_connection(conn))
    for probe in network.all_probes:
        if probe.synapse is not None and _filter(probe.synapse) is None:
            yield _probe_name(probe, names), f"has a filter ({probe.synapse}), and NIR has Lowpass"


def _kind_of_output(node: nengo.Node) -> str:
    output = getattr(node, "output", None)
    return type(node if output is None or isinstance(output, np.ndarray) else output).__name__


def _of_ensemble(ensemble: nengo.Ensemble) -> Iterator[str]:
    kind = ensemble.neuron_type
    if not isinstance(kind, EventInput) and neuron_writers.find(kind) is None:
        yield f"has neurons of type {type(kind).__name__}, and NIR has (leaky) integrate-and-fire"
    if ensemble.noise is not None:
        yield "has noise, which NIR's neurons have not"


def _of_connection(conn: nengo.Connection) -> Iterator[str]:
    if conn.learning_rule_type is not None:
        yield "learns, and NIR's weights are fixed"
    for end in (conn.pre_obj, conn.post_obj):
        if not isinstance(end, (nengo.Ensemble, nengo.Node, Neurons)):
            yield f"has an end that carries no values ({type(end).__name__})"
            return
    if conn.function is not None and not isinstance(conn.pre_obj, nengo.Ensemble):
        yield "applies a function to what is not decoded, and NIR has linear maps"
    reason = unreadable(conn.transform)
    if reason is not None:
        yield f"can't be read: {reason}"
    if _filter(conn.synapse) is None:
        yield f"has a filter ({conn.synapse}), and NIR has Lowpass and delays of whole steps"


def _filter(synapse: Any) -> tuple[int, float] | None:
    """Steps of delay and time constant of a synapse, or None if it is another filter."""
    if synapse is None:
        return 0, 0.0
    if isinstance(synapse, nengo.Lowpass):
        return None if replaced(synapse, nengo.Lowpass) else (1, float(synapse.tau))
    if isinstance(synapse, nengo.LinearFilter) and not synapse.analog:
        num, den = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (synapse.num, synapse.den))
        if num.tolist() == [1.0] and den[0] == 1 and not den[1:].any():
            return max(len(den), 1), 0.0
    return None


def _decay(tau: float, dt: float) -> float:
    """What is left of a Lowpass after a step, as Nengo steps it: below 0.03 steps, nothing."""
    return float(np.exp(-dt / tau)) if tau > 0.03 * dt else 0.0


def _is_constant(node: nengo.Node) -> bool:
    return type(node) is nengo.Node and node.size_in == 0 and isinstance(node.output, np.ndarray)


def inputs_of(network: nengo.Network) -> list[nengo.Node]:
    """Nodes whose values come from outside: functions of time, processes, and zeros."""
    sources = [node for node in network.all_nodes if node.size_in == 0 and node.size_out > 0]
    return [
        node for node in sources
        if type(node) is nengo.Node
        and not (isinstance(node.output, np.ndarray) and node.output.any())
    ]  # fmt: skip


def read_places(
    network: nengo.Network, names: Mapping[Any, str], inputs: Iterable[nengo.Node], dt: float
) -> Places:
    """Places and links of a network in which nothing is refused.

    Parameters
    ----------
    network : nengo.Network
    names : mapping from Ensemble or Node to str
    inputs : iterable of nengo.Node
    dt : float
        Length of a step in s.
    """
    return _PlaceReader(network, names, list(inputs), dt).read()


class _PlaceReader:
    def __init__(
        self, network: nengo.Network, names: Mapping[Any, str], inputs: list[nengo.Node], dt: float
    ):  # fmt: skip
        self.network, self.names, self.inputs, self.dt = network, names, inputs, dt
        self.model = nengo.builder.Model(dt=dt)
        self.model.build(network)
        drawn = any(
            not isinstance(e.gain, np.ndarray) or not isinstance(e.bias, np.ndarray)
            for e in network.all_ensembles
        )
        decoded = any(
            isinstance(end, nengo.Ensemble)
            for conn in network.all_connections
            for end in (conn.pre_obj, conn.post_obj)
        )
        self.result = Places({}, [], [], self.model, drawn or decoded)
        self.encoding = {conn.post_obj for conn in network.all_connections}

    def read(self) -> Places:
        """All of them."""
        for node in self.network.all_nodes:
            if node in self.inputs:
                self._add(Place(node, "input", node.size_out))
            elif is_passthrough(node):
                self._add(Place(node, "relay", node.size_in))
        for ensemble in self.network.all_ensembles:
            self._add_ensemble(ensemble)
        for conn in self.network.all_connections:
            self._add_connection(conn)
        for probe in self.network.all_probes:
            self._add_probe(probe)
        if not self.result.outputs:
            leading = {link.pre for link in self.result.links}
            ends = [key for key in self.result.places if key not in leading]
            self.result.outputs = [(f"{self._name(key)}_output", key, 0.0) for key in ends]
        return self.result

    def _name(self, key: Any) -> str:
        return self.names[getattr(key, "ensemble", key)]

    def _add(self, place: Place) -> None:
        self.result.places[place.key] = place

    def _add_ensemble(self, ensemble: nengo.Ensemble) -> None:
        """Its neurons; and before them the values that it encodes, if anything leads to them."""
        if isinstance(ensemble.neuron_type, EventInput):
            self._add(Place(ensemble.neurons, "relay", ensemble.n_neurons))
            return
        built, n = self.model.params[ensemble], ensemble.n_neurons
        self._add(Place(ensemble.neurons, "neurons", n))
        if ensemble in self.encoding:
            self._add(Place(ensemble, "relay", ensemble.dimensions))
            gain = np.where(built.gain == 0, 1.0, built.gain)
            encoders = np.where(built.gain[:, None] == 0, 0.0, built.scaled_encoders)
            name = f"{self._name(ensemble)}_encoders"
            matrix = Matrix(encoders / gain[:, None])
            self.result.links.append(Link(ensemble, ensemble.neurons, matrix, name=name))

    def _add_connection(self, conn: nengo.Connection) -> None:
        given = _filter(conn.synapse)
        assert given is not None
        delay, tau = given
        name = _connection_name(conn, self.names)
        obj = self._map(conn)
        if conn.pre_obj not in self.result.places and _is_constant_source(conn, self.inputs):
            if conn.synapse is not None:
                self.result.notes.append(
                    f"{name} has a filter on what is constant, which is there from the first step"
                )
            values = np.asarray(conn.pre_obj.output, dtype=float)
            self.result.places[conn.post_obj].bias += obj(values)
            return
        pre, post = conn.pre_obj, conn.post_obj
        if isinstance(pre, nengo.Ensemble):
            pre = pre.neurons
            if conn.solver.weights and isinstance(post, nengo.Ensemble):
                post = post.neurons
        link = Link(pre, post, obj, delay, _decay(tau, self.dt), name)
        self.result.links.append(link)

    def _map(self, conn: nengo.Connection) -> LinearMap:
        """From all of the source to all of the target; of an Ensemble, from its neurons."""
        if not isinstance(conn.pre_obj, nengo.Ensemble):
            return connection_map(conn)
        # Nengo has multiplied decoders by the transform, and full weights by encoders and gains
        weights = np.atleast_2d(self.model.params[conn].weights)
        if conn.solver.weights and isinstance(conn.post_obj, nengo.Ensemble):
            gain = self.model.params[conn.post_obj].gain
            return Matrix(weights / np.where(gain == 0, 1.0, gain)[:, None])
        result: LinearMap = Matrix(weights)
        after = np.arange(conn.post_obj.size_in)[conn.post_slice]
        if np.array_equal(after, np.arange(conn.post_obj.size_in)):
            return result
        places = np.full(conn.post_obj.size_in, -1)
        places[after] = np.arange(len(after))
        return compose(Gather(places, 1.0, len(after)), result)

    def _add_probe(self, probe: nengo.Probe) -> None:
        name = _probe_name(probe, self.names)
        target = probe.target.obj if isinstance(probe.target, ObjView) else probe.target
        attribute = probe.attr
        given = _filter(probe.synapse)
        assert given is not None
        decay = _decay(given[1], self.dt)
        values = isinstance(target, Neurons) and attribute in ("output", "spikes")
        if values or (isinstance(target, nengo.Node) and attribute == "output"):
            if target not in self.result.places:
                self._left_out(name, "is of a constant")
            elif isinstance(probe.target, ObjView):
                part = np.arange(target.size_out)[probe.target.slice]
                self._add(Place(probe, "relay", len(part)))
                gather = Gather(part, 1.0, target.size_out)
                self.result.links.append(Link(target, probe, gather, name=f"{name}_part"))
                self.result.outputs.append((name, probe, decay))
            else:
                self.result.outputs.append((name, target, decay))
        elif isinstance(target, nengo.Ensemble) and attribute == "decoded_output":
            conn = next(c for c in self.model.params if _is_of_probe(c, probe))
            decoders = Matrix(np.atleast_2d(self.model.params[conn].weights))
            self._add(Place(probe, "relay", decoders.size_out))
            self.result.links.append(Link(target.neurons, probe, decoders, name=f"{name}_decoders"))
            self.result.outputs.append((name, probe, decay))
        else:
            self._left_out(name, f"is of {attribute!r} of {type(target).__name__}")

    def _left_out(self, name: str, reason: str) -> None:
        self.result.notes.append(f"probe {name} {reason}, and is left out: NIR has outputs")


def _is_of_probe(obj: Any, probe: nengo.Probe) -> bool:
    return isinstance(obj, nengo.Connection) and obj.post_obj is probe


def _is_constant_source(conn: nengo.Connection, inputs: list[nengo.Node]) -> bool:
    node = conn.pre_obj
    return isinstance(node, nengo.Node) and node not in inputs and not is_passthrough(node)


def _connection_name(conn: nengo.Connection, names: Mapping[Any, str]) -> str:
    ends = []
    for end in (conn.pre_obj, conn.post_obj):
        ensemble = getattr(end, "ensemble", end)
        ends.append(names.get(ensemble, type(end).__name__))
    return conn.label or f"{ends[0]}_to_{ends[1]}"


def _probe_name(probe: nengo.Probe, names: Mapping[Any, str]) -> str:
    target = probe.target.obj if isinstance(probe.target, ObjView) else probe.target
    owner = getattr(target, "ensemble", target)
    return probe.label or f"{names.get(owner, 'probe')}_output"


def filters_moved(links: list[Link], relays: Iterable[Any], kept: Iterable[Any]) -> list[Link]:
    """The same links, with filters as near to neurons as they go.

    All that leads to a relay may be filtered behind it, if all of it is filtered alike: the sum of
    what one filter gives is what it gives of the sum.

    Parameters
    ----------
    links : list of Link
    relays : iterable of object
        Keys of relays without a bias.
    kept : iterable of object
        Keys of places whose own values are read.
    """
    kept = set(kept)
    changed = True
    while changed:
        changed = False
        for relay in relays:
            before = [link for link in links if link.post == relay]
            after = [link for link in links if link.pre == relay]
            decays = {link.decay for link in before}
            if relay in kept or len(decays) != 1 or decays == {0.0} or not after:
                continue
            if any(link.decay or link.pre == link.post for link in after):
                continue
            decay = decays.pop()
            moved = {id(link): replace(link, decay=0.0) for link in before}
            moved.update({id(link): replace(link, decay=decay) for link in after})
            links = [moved.get(id(link), link) for link in links]
            changed = True
    return links
