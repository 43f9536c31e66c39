"""`GraphNetwork`: a nengo.Network that knows which node of its NIR graph each object is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nengo

from ..layers.layer_info import LayerInfo
from ..layers.layer_shape import LayerShape
from ..lowering import Lowering, lower
from .reading_record import GraphReading


@dataclass(frozen=True)
class NodeNetwork:
    """A network of one object a node, as `NetworkGraph` takes it.

    Attributes
    ----------
    net : nengo.Network
    layer_names : mapping from Nengo object to str
        The node that each Ensemble and Node is of.
    input_nodes : tuple of nengo.Node
    """

    net: nengo.Network
    layer_names: Mapping[Any, str]
    input_nodes: tuple[nengo.Node, ...]


class GraphNetwork(nengo.Network):
    """A NIR graph as a network: what `from_nir` returns.

    Attributes
    ----------
    reading : GraphReading
        What became of every node.
    dt : float
        Length in s of the steps that its neurons were made for.
    input_nodes : tuple of nengo.Node
        The Nodes that are fed.
    input_shapes : dict from str to tuple of int
        For each of them the axes of its values at one step, channels first.
    spike_inputs : frozenset of str
        Inputs whose values are numbers of spikes.
    layer_names : mapping from Nengo object to str
        The node of the graph that each Ensemble and Node is of.
    connection_layers : mapping from nengo.Connection to str
        The node that most weights of a Connection are of.
    layer_infos : tuple of LayerInfo
        A row for every node of the graph.
    layer_shapes : tuple of LayerShape
        The nodes as formulas of their shapes see them.
    lowering : Lowering, optional
        How the ways between neurons were composed.
    unlowered : NodeNetwork, optional
        The network before that, with one object for every node.
    """

    def __init__(
        self, given: NodeNetwork, reading: GraphReading,
        input_shapes: Mapping[str, tuple[int, ...]], layer_infos: tuple[LayerInfo, ...],
        layer_shapes: tuple[LayerShape, ...], lowered: bool = True, spikes: bool = False,
    ):  # fmt: skip
        super().__init__(add_to_container=False)
        self.lowering: Lowering | None = None
        self.unlowered: NodeNetwork | None = None
        self.connection_layers: Mapping[Any, str] = {}
        network, names, inputs = given.net, given.layer_names, given.input_nodes
        if lowered:
            self.lowering = lower(network, keep=inputs)
            self.unlowered = given
            network, objects = self.lowering.network, self.lowering.objects
            self.connection_layers = self.lowering.connection_layers(names)
            names = self.lowering.carried_names(names)
            inputs = tuple(objects[node] for node in inputs)
        # It has the parts, seed and config of that network; only their names are added.
        self.__dict__.update(network.__dict__)
        self.layer_names, self.input_nodes = names, inputs
        self.reading, self.dt = reading, reading.step_s
        self.input_shapes = dict(input_shapes)
        self.spike_inputs = frozenset(input_shapes) if spikes else frozenset()
        self.layer_infos, self.layer_shapes = layer_infos, layer_shapes

    @property
    def net(self) -> nengo.Network:
        """The network: this object."""
        return self
