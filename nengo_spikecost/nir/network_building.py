"""`from_nir`: a NIR graph as a network of Nengo.

1. Read the graph flat (`read_graph`), and say which nodes can't become anything, all at once.
2. Find the convention and the length of a step (`_timing`), the shapes, and every linear map.
3. Find where the loops are to be opened: Nengo steps a network without loops, so that what comes
   back comes a step later, as in the tools that train such networks (`returning_edges`).
4. Make an Ensemble of every node with neurons, a passthrough Node of every linear one, and a
   Connection for every edge.
5. Compose the ways between neurons (`lower`), so that the network is as hardware has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np

from .. import check
from ..activity.subject import DEFAULT_DT
from ..errors import ConversionError, ConversionWarning
from ..graph.off_chip import mark_off_chip
from ..lowering.emission import to_transform
from ..options import takes_options
from ..warned import warn
from .conventions import hint, own_step
from .discrete_neurons import EventInput
from .graph_loops import returning_edges
from .graph_network import GraphNetwork, NodeNetwork
from .graph_options import GraphOptions
from .graph_reading import Graph, Node, read_graph
from .layer_shapes import layer_infos, layer_shapes
from .linear_nodes import LINEAR, LinearNode, Shape
from .neuron_nodes import GRADED, SPIKING, Neurons, neurons_of
from .node_shapes import find_shapes
from .reading_record import GraphReading, NodeReading

#: Steps that are longer than this can't be seconds: the graph counts time in steps.
LONGEST_STEP_S = 0.1
#: Different delays that a Delay may have; each is a Connection with a filter of its own.
MAX_DELAYS = 64

KINDS = (*SPIKING, *GRADED, *LINEAR, "Delay", "Input", "Output")


@takes_options(GraphOptions)
def from_nir(
    graph: Any, *, lowered: bool = True, seed: int = 0, options: GraphOptions
) -> GraphNetwork:
    """A NIR graph as a network, with neurons that step as the tool that wrote it steps them.

    Parameters
    ----------
    graph : path or nir.NIRGraph
        A ``.nir`` file, or a graph in memory.
    lowered : bool
        Whether ways between neurons are composed, as hardware has them (`lower`).
    seed : int
        Of the network.
    {options}

    Returns
    -------
    GraphNetwork
        A nengo.Network; ``network.reading`` says what became of every node.

    Raises
    ------
    ConversionError
        If it is no graph, or nodes of it can't become part of a network: with their names.

    Warns
    -----
    ConversionWarning
        Of what had to be understood otherwise than it is written.
    """
    check.flag("lowered", lowered, ConversionError)
    builder = _Builder(graph, options)
    reading = builder.reading()
    reading.raise_if_refused()
    for note in reading.notes:
        warn(f"{reading.label}: {note}.", ConversionWarning)
    given, shapes = builder.build(check.seed("seed", seed, ConversionError))
    infos = layer_infos(builder.graph, builder.shapes)
    of_formulas = layer_shapes(builder.graph, builder.shapes)
    network = GraphNetwork(given, reading, shapes, infos, of_formulas, lowered, builder.spikes)
    network.label = reading.label
    mark_off_chip(network, builder.beside_chip(network))
    return network


@takes_options(GraphOptions)
def read_nir(graph: Any, *, options: GraphOptions) -> GraphReading:
    """What `from_nir`, with the same options, would make of every node; nothing is built.

    Parameters
    ----------
    graph : path or nir.NIRGraph
    {options}

    Raises
    ------
    ConversionError
        If it is no graph, or shapes in it do not fit.
    """
    return _Builder(graph, options).reading()


class _Builder:
    """A graph on its way to a network."""

    def __init__(self, source: Any, options: GraphOptions):
        self.spikes = bool(options.spikes)
        self.graph = read_graph(source)
        self.notes = list(self.graph.notes)
        self.refused = {
            node.name: (f"is of a kind that is not known here: expected {', '.join(KINDS)}",)
            for node in self.graph.nodes.values()
            if node.kind not in KINDS
        }
        _set_input_shapes(self.graph, options.input_shape)
        self.convention = options.convention
        self.shapes: dict[str, Shape] = {}
        self.linear: dict[str, LinearNode] = {}
        self.neurons: dict[str, Neurons] = {}
        self.delays: dict[str, np.ndarray] = {}
        self.fed_values: set[str] = set()
        if self.refused:
            self.dt, self.step_s = self.convention.dt or DEFAULT_DT, options.step_s or DEFAULT_DT
            return
        self.dt, self.step_s = self._timing(options.step_s)
        self.shapes, self.linear = find_shapes(self.graph)
        self.returning, self.in_loops = returning_edges(self.graph)
        for node in self.graph.nodes.values():
            self._read_node(node)
        self.fed_values = self._first_neurons()

    def _timing(self, step_s: float | None) -> tuple[float, float]:
        """Length of a step in the graph's unit and in s."""
        dt, own = self.convention.dt, own_step(self.graph)
        if dt is None:
            dt = own
        if dt is None and any(_has_time(node) for node in self.graph.nodes.values()):
            times = sorted({t for node in self.graph.nodes.values() for t in _times(node)})
            raise ConversionError(
                "The graph does not say how long a step is, and its time constants are "
                f"{', '.join(f'{t:g}' for t in times[:5])}: give dt= (--graph-dt), in their unit; "
                "tools that count time in steps mean 1."
            )
        dt = 1.0 if dt is None else dt
        suggestion = hint(self.graph, self.convention)
        if suggestion is not None:
            self.notes.append(suggestion)
        if step_s is not None:
            return dt, step_s
        return dt, dt if dt <= LONGEST_STEP_S else DEFAULT_DT

    def _read_node(self, node: Node) -> None:
        name = node.name
        try:
            if node.kind in (*SPIKING, *GRADED):
                self.neurons[name] = neurons_of(
                    node, self.shapes[name], self.convention, self.dt, self.step_s,
                    name in self.in_loops,
                )  # fmt: skip
            elif node.kind == "Delay":
                self.delays[name] = self._steps_of_delay(node)
        except ConversionError as error:
            self.refused[name] = (error.reason,)

    def _steps_of_delay(self, node: Node) -> np.ndarray:
        """Delays in steps."""
        n = math.prod(self.shapes[node.name])
        steps = np.broadcast_to(node.array("delay").ravel() / self.dt, (n,))
        whole = np.rint(steps)
        if whole.min() < 0:
            raise node.error("has a delay below 0")
        if np.abs(steps - whole).max() > 1e-3:
            raise node.error(
                f"has a delay of {steps[np.argmax(np.abs(steps - whole))]:g} steps of "
                f"{self.dt:g}: Nengo delays by whole steps; give another dt"
            )
        if len(np.unique(whole)) > MAX_DELAYS:
            raise node.error(
                f"has {len(np.unique(whole))} different delays; {MAX_DELAYS} are the most"
            )
        return whole.astype(int)

    # what became of every node

    def reading(self) -> GraphReading:
        """What became of every node."""
        nodes = tuple(self._reading_of(node) for node in self.graph.nodes.values())
        return GraphReading(
            self.graph.label, nodes, self.convention, self.dt, self.step_s, tuple(self.notes)
        )

    def _reading_of(self, node: Node) -> NodeReading:
        shape = self.shapes.get(node.name)
        if node.name in self.refused:
            return NodeReading(
                node.name, node.kind, shape, "refused", "nothing", self.refused[node.name]
            )
        if self.refused and node.name not in self.shapes:
            return NodeReading(node.name, node.kind, None, "read", "", ())
        notes: tuple[str, ...] = ()
        state, became = "read", "relay Node"
        if node.name in self.neurons:
            own = self.neurons[node.name]
            notes = own.notes
            became = f"{len(own.gain):,} {type(own.neuron_type).__name__}"
            if node.name in self.fed_values and node.kind in SPIKING:
                became += ", on the host of a chip"
        elif node.name in self.linear:
            note = self.linear[node.name].note
            notes = (note,) if note else ()
            became = "weights of Connections"
            state = "approximated" if "'same'" in note else "read"
        elif node.kind == "Delay":
            became = "filters of Connections"
        elif node.kind == "Input":
            became = "input Node"
        elif node.kind == "Output":
            became = "Probe"
        if node.kind not in ("Input", "Output") and not self.graph.out_of(node.name):
            state = "unused"
        return NodeReading(node.name, node.kind, shape, state, became, notes)

    # the network

    def build(self, seed: int) -> tuple[NodeNetwork, dict[str, Shape]]:
        """The network with one object for every node, and the shapes of its inputs."""
        objects: dict[str, Any] = {}
        names: dict[Any, str] = {}
        inputs: dict[str, nengo.Node] = {}
        ends = [node.name for node in self.graph.of_kind("Output")]
        with nengo.Network(label=self.graph.label, seed=seed) as net:
            for node in self.graph.nodes.values():
                size = math.prod(self.shapes[node.name])
                if node.kind == "Input":
                    inputs[node.name], objects[node.name] = self._input(node.name, size)
                elif node.name in self.neurons:
                    objects[node.name] = self._ensemble(node.name).neurons
                else:
                    objects[node.name] = nengo.Node(size_in=size, label=node.name)
                    self._bias(node.name, objects[node.name], names)
                owner = getattr(objects[node.name], "ensemble", objects[node.name])
                names[owner] = node.name
            for pre, post in self.graph.edges:
                self._connect(objects, pre, post)
            for name in ends or self._last_nodes():
                nengo.Probe(objects[name], label=name)
        names.update({node: name for name, node in inputs.items()})
        shapes = {name: self.shapes[name] for name in inputs}
        return NodeNetwork(net, names, tuple(inputs.values())), shapes

    def _last_nodes(self) -> list[str]:
        """The ends of a graph without Outputs."""
        return [name for name in self.graph.nodes if not self.graph.out_of(name)]

    def _input(self, name: str, size: int) -> tuple[nengo.Node, Any]:
        node = nengo.Node(np.zeros(size), label=name)
        if not self.spikes:
            return node, node
        events = _plain_ensemble(size, EventInput(self.step_s), f"{name} spikes")
        nengo.Connection(node, events.neurons, synapse=None)
        return node, events.neurons

    def _ensemble(self, name: str) -> nengo.Ensemble:
        own = self.neurons[name]
        return _plain_ensemble(len(own.gain), own.neuron_type, name, own.gain, own.bias)

    def _bias(self, name: str, relay: nengo.Node, names: dict[Any, str]) -> None:
        own = self.linear.get(name)
        if own is not None and own.bias is not None:
            bias = nengo.Node(own.bias, label=f"{name}.bias")
            names[bias] = name
            nengo.Connection(bias, relay, synapse=None)

    def _connect(self, objects: Mapping[str, Any], pre: str, post: str) -> None:
        """The Connections of an edge: with the weights of the node that it leads to."""
        later = 1 if (pre, post) in self.returning else 0
        source, target = objects[pre], objects[post]
        if post in self.delays:
            delays = self.delays[post] + later
            for steps in np.unique(delays):
                chosen = np.flatnonzero(delays == steps)
                every = len(chosen) == len(delays)
                nengo.Connection(
                    source if every else source[chosen], target if every else target[chosen],
                    synapse=_delay(int(steps)),
                )  # fmt: skip
            return
        transform = {}
        if post in self.linear:
            transform = {"transform": to_transform(self.linear[post].map)}
        nengo.Connection(source, target, synapse=_delay(later), **transform)

    def beside_chip(self, network: GraphNetwork) -> list[nengo.Ensemble]:
        """Ensembles that are no neurons of a chip.

        Inputs, membranes that are read, and neurons that make spikes of values.
        """
        return [
            ensemble
            for ensemble in network.all_ensembles
            if isinstance(ensemble.neuron_type, EventInput)
            or not ensemble.neuron_type.spiking
            or network.layer_names[ensemble] in self.fed_values
        ]

    def _first_neurons(self) -> set[str]:
        """Nodes whose neurons are fed with values; none, if no others would be left for a chip."""
        if self.spikes:
            return set()
        fed: set[str] = set()
        waiting = [name for node in self.graph.of_kind("Input")
                   for name in self.graph.out_of(node.name)]  # fmt: skip
        passed: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in passed:
                continue
            passed.add(name)
            if name in self.neurons:
                fed.add(name)
            else:
                waiting += self.graph.out_of(name)
        spiking = {node.name for kind in SPIKING for node in self.graph.of_kind(kind)}
        return fed if spiking - fed else set()


def _plain_ensemble(
    size: int, neuron_type: Any, label: str, gain: Any = None, bias: Any = None
) -> nengo.Ensemble:
    """Neurons without encoders to speak of: they are reached and read directly."""
    return nengo.Ensemble(
        size, 1, neuron_type=neuron_type, label=label, encoders=nengo.dists.Choice([[1]]),
        gain=np.ones(size) if gain is None else gain,
        bias=np.zeros(size) if bias is None else bias,
    )  # fmt: skip


def _delay(steps: int) -> Any:
    """A filter that hands values on so many steps later; Nengo's own step is one of them."""
    if steps == 0:
        return None
    if steps == 1:
        return nengo.Lowpass(0)
    return nengo.LinearFilter([1], [1, *[0] * steps], analog=False)


def _set_input_shapes(graph: Graph, given: Any) -> None:
    """Give the Inputs the shapes that a user says."""
    if given is None:
        return
    names = [node.name for node in graph.of_kind("Input")]
    if not isinstance(given, Mapping):
        if len(names) != 1:
            raise ConversionError(
                f"input_shape must be a dict by Input: there are {', '.join(names) or 'none'}."
            )
        given = {names[0]: given}
    for name, shape in given.items():
        if name not in names:
            raise ConversionError(
                f"input_shape names {name!r}, which is no Input; there are {', '.join(names)}."
            )
        sizes = check.several("input_shape", shape, ConversionError, "whole numbers")
        sizes = [check.whole("input_shape", size, ConversionError, 1) for size in sizes]
        graph.nodes[name] = Node(name, "Input", {"shape": np.array(sizes)})


def _has_time(node: Node) -> bool:
    return node.kind in ("LIF", "LI", "CubaLIF", "CubaLI", "Delay", "IF", "I")


def _times(node: Node) -> list[float]:
    fields = [node.fields.get(name) for name in ("tau", "tau_mem", "tau_syn", "delay")]
    return [float(v) for f in fields if f is not None for v in np.unique(np.asarray(f, float))]
