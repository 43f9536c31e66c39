"""`from_nir`: a NIR graph as a network of Nengo.

1. Read what every node is (`GraphMeaning`), and say which can't become anything, all at once.
2. Make an Ensemble of every node with neurons, a passthrough Node of every linear one, and a
   Connection for every edge.
3. Compose the ways between neurons (`lower`), so that the network is as hardware has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np

from .. import check
from ..errors import ConversionError, ConversionWarning
from ..graph.off_chip import mark_off_chip
from ..lowering.emission import to_transform
from ..options import takes_options
from ..warned import warn
from .discrete_neurons import EventInput
from .graph_meaning import GraphMeaning
from .graph_network import GraphNetwork, NodeNetwork
from .graph_options import GraphOptions
from .layer_shapes import layer_infos, layer_shapes
from .linear_nodes import Shape
from .reading_record import GraphReading


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
    meaning = GraphMeaning(graph, options)
    reading = meaning.reading()
    reading.raise_if_refused()
    for note in reading.notes:
        warn(f"{reading.label}: {note}.", ConversionWarning)
    builder = _Builder(meaning)
    given, shapes = builder.build(check.seed("seed", seed, ConversionError))
    infos = layer_infos(meaning.graph, meaning.shapes)
    of_formulas = layer_shapes(meaning.graph, meaning.shapes)
    network = GraphNetwork(given, reading, shapes, infos, of_formulas, lowered, meaning.spikes)
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
    return GraphMeaning(graph, options).reading()


class _Builder:
    """A graph on its way to a network."""

    def __init__(self, meaning: GraphMeaning):
        self.meaning = meaning
        self.graph, self.shapes = meaning.graph, meaning.shapes

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
                elif node.name in self.meaning.neurons:
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
        if not self.meaning.spikes:
            return node, node
        events = _plain_ensemble(size, EventInput(self.meaning.step_s), f"{name} spikes")
        nengo.Connection(node, events.neurons, synapse=None)
        return node, events.neurons

    def _ensemble(self, name: str) -> nengo.Ensemble:
        own = self.meaning.neurons[name]
        return _plain_ensemble(len(own.gain), own.neuron_type, name, own.gain, own.bias)

    def _bias(self, name: str, relay: nengo.Node, names: dict[Any, str]) -> None:
        own = self.meaning.linear.get(name)
        if own is not None and own.bias is not None:
            bias = nengo.Node(own.bias, label=f"{name}.bias")
            names[bias] = name
            nengo.Connection(bias, relay, synapse=None)

    def _connect(self, objects: Mapping[str, Any], pre: str, post: str) -> None:
        """The Connections of an edge: with the weights of the node that it leads to."""
        later = 1 if (pre, post) in self.meaning.returning else 0
        source, target = objects[pre], objects[post]
        if post in self.meaning.delays:
            delays = self.meaning.delays[post] + later
            for steps in np.unique(delays):
                chosen = np.flatnonzero(delays == steps)
                every = len(chosen) == len(delays)
                nengo.Connection(
                    source if every else source[chosen], target if every else target[chosen],
                    synapse=_delay(int(steps)),
                )  # fmt: skip
            return
        transform = {}
        if post in self.meaning.linear:
            transform = {"transform": to_transform(self.meaning.linear[post].map)}
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
            or network.layer_names[ensemble] in self.meaning.fed_values
        ]


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
