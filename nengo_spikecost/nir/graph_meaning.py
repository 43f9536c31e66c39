"""`GraphMeaning`: what every node of a NIR graph is here, before a network is made of it.

1. Kinds that nothing is known of are refused, all at once.
2. The length of a step is found: every coefficient of the neurons follows from it.
3. Shapes are carried along the edges, and every linear map is made.
4. Loops are opened: Nengo steps a network without loops, so that what comes back comes a step
   later, as in the tools that train such networks (`returning_edges`).
5. Neurons and delays are read one by one, so that all that can't be read is said at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import check
from ..activity.subject import DEFAULT_DT
from ..errors import ConversionError
from .conventions import hint, own_step
from .graph_loops import returning_edges
from .graph_options import GraphOptions
from .graph_reading import Graph, Node, read_graph
from .linear_nodes import LINEAR, LinearNode, Shape
from .neuron_nodes import GRADED, SPIKING, Neurons, neurons_of
from .node_shapes import find_shapes, shape_notes
from .reading_record import GraphReading, NodeReading
from .written_metadata import written_steps

#: Steps that are longer than this can't be seconds: the graph counts time in steps.
LONGEST_STEP_S = 0.1
#: Different delays that a Delay may have; each is a Connection with a filter of its own.
MAX_DELAYS = 64
#: Numbers in Nengo's filters for a Delay, which have the square of its steps: 200 MB.
MAX_DELAY_STATE = 25_000_000

KINDS = (*SPIKING, *GRADED, *LINEAR, "Delay", "Input", "Output")


class GraphMeaning:
    """What every node of a graph is.

    Parameters
    ----------
    source : path or nir.NIRGraph
    options : GraphOptions

    Attributes
    ----------
    graph : Graph
    dt, step_s : float
        Length of a step in the graph's unit of time, and in s.
    refused : dict from str to (str, ...)
        Why a node can't become part of a network, by its name. If its kind is why, nothing below
        is known.
    shapes : dict from str to tuple of int
        What every node gives.
    linear : dict from str to LinearNode
    neurons : dict from str to Neurons
    delays : dict from str to ndarray of int, shape (n,)
        In steps.
    returning : set of (str, str)
        Edges whose values arrive in the next step.
    fed_values : set of str
        Nodes whose neurons make spikes of values, beside a chip.
    """

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
        self.shape_notes: dict[str, str] = {}
        self.fed_values: set[str] = set()
        if self.refused:
            self.dt, self.step_s = self.convention.dt or DEFAULT_DT, options.step_s or DEFAULT_DT
            return
        self.dt, self.step_s = self._timing(options.step_s)
        self.shapes, self.linear = find_shapes(self.graph)
        self.shape_notes = shape_notes(self.graph, self.shapes)
        self.returning, self.in_loops = returning_edges(self.graph)
        for node in self.graph.nodes.values():
            self._read_node(node)
        self.fed_values = self._first_neurons()

    def _timing(self, step_s: float | None) -> tuple[float, float]:
        """Length of a step in the graph's unit and in s."""
        written = written_steps(self.graph.metadata)
        if self.convention.dt is None and written is not None:
            return written.dt, written.step_s if step_s is None else step_s
        dt, own = self.convention.dt, own_step(self.graph)
        if dt is None:
            dt = own
        timed = [node for node in self.graph.nodes.values() if node.kind in _TIMED]
        if dt is None and all(_is_readable(node) for node in timed) and timed:
            times = sorted({t for node in timed for t in _times(node)})
            known = f", and its time constants are {', '.join(f'{t:g}' for t in times[:5])}"
            raise ConversionError(
                f"The graph does not say how long a step is{known if times else ''}: give dt= "
                "(--graph-dt), in the unit of its times; tools that count time in steps mean 1."
            )
        dt = 1.0 if dt is None else dt
        suggestion = hint(self.graph, self.convention)
        if suggestion is not None and written is None:
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
        if (np.unique(whole) ** 2).sum() > MAX_DELAY_STATE:
            raise node.error(
                f"has delays of up to {whole.max():,.0f} steps, and Nengo's filters for it would "
                f"have more than {MAX_DELAY_STATE:,} numbers; give a longer dt"
            )
        return whole.astype(int)

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
        said = self.shape_notes.get(node.name)
        notes: tuple[str, ...] = () if said is None else (said,)
        state, became = "read", "relay Node"
        if node.name in self.neurons:
            own = self.neurons[node.name]
            notes += own.notes
            became = f"{len(own.gain):,} {type(own.neuron_type).__name__}"
            if node.name in self.fed_values and node.kind in SPIKING:
                became += ", on the host of a chip"
        elif node.name in self.linear:
            note = self.linear[node.name].note
            notes += (note,) if note else ()
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


#: Kinds whose step depends on its length, and their fields that are times.
_TIMED = ("LIF", "LI", "CubaLIF", "CubaLI", "Delay", "IF", "I")
_TIMES = ("tau", "tau_mem", "tau_syn", "delay")


def _is_readable(node: Node) -> bool:
    """Whether its times are numbers; if not, that is said of the node."""
    return all(node.numbers(name) is not None for name in _TIMES if node.has(name))


def _times(node: Node) -> list[float]:
    fields = [node.numbers(name) for name in _TIMES]
    return [float(value) for times in fields if times is not None for value in np.unique(times)]
