"""The parts of a network graph: populations, other sources and sinks, and pathways."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Union

import nengo
import numpy as np

from .chains import chain_fan_out
from .connection_chain import (
    connection_chain,
    dense_macs,
    encoder_macs,
    is_decoded,
    leads_to_neurons,
    n_stored_weights,
)
from .connectivity import Connectivity

#: Kinds of pathways, by their source and their target.
#:
#: ``"neural"``
#:     From neurons to neurons: the synapses of the network. Spikes, if the neurons spike.
#: ``"readout"``
#:     From neurons to something that is not neurons: an output, a Python function.
#:     Spikes, if the neurons spike.
#: ``"input"``
#:     From data fed to the network.
#: ``"bias"``
#:     From a constant that is part of the network.
#: ``"host"``
#:     From the result of a computation outside the neurons, such as a Node's function.
#: ``"events"``
#:     From the events of a process that is on the chip itself, such as a camera beside it.
PATHWAY_KINDS = ("neural", "readout", "input", "bias", "host", "events")

#: Where a pathway's weights are used, should the network run on a chip.
#:
#: ``"chip"``
#:     Its synapses are on the chip: spikes come, and neurons are there.
#: ``"host"``
#:     The host applies the weights.
#: ``"nowhere"``
#:     Nothing reads where it leads, no Connection and no Probe: it is never built.
PLACES = ("chip", "host", "nowhere")


@dataclass(frozen=True)
class Population:
    """The neurons of one Ensemble.

    Attributes
    ----------
    name : str
        Unique among populations, sources and sinks: the name of the layer or the label of
        the Ensemble, completed where these are not unique.
    layer : str
        Layer the population belongs to; of a plain network, its own name.
    ensemble : nengo.Ensemble
    n_neurons : int
    neuron_type : nengo.neurons.NeuronType
    spiking : bool
        Whether the neurons emit spikes (False: graded outputs).
    on_chip : bool
        Whether the neurons are on the chip, should the network run on one: see
        `nengo_spikecost.graph.chip_split`.
    """

    name: str
    layer: str
    ensemble: nengo.Ensemble
    n_neurons: int
    neuron_type: Any
    spiking: bool
    on_chip: bool = True

    @property
    def size(self) -> int:
        """Number of elements: of neurons."""
        return self.n_neurons

    @property
    def obj(self) -> Any:
        """The Ensemble."""
        return self.ensemble

    @property
    def spikes_of(self) -> Any:
        """The object whose output is the spikes: the neurons."""
        return self.ensemble.neurons


@dataclass(frozen=True)
class Source:
    """Values that do not come from neurons.

    Attributes
    ----------
    name, layer : str
        As those of a `Population`.
    obj : nengo.Node, nengo.Ensemble or nengo.Connection
        The Node, the Ensemble in direct mode, or the Connection whose function, computed
        outside the neurons, gives the values.
    size : int
        Number of values.
    kind : {"input", "bias", "host"}
        The kind of every pathway from here; see `PATHWAY_KINDS`.
    """

    name: str
    layer: str
    obj: Any
    size: int
    kind: str


@dataclass(frozen=True)
class EventSource(Source):
    """A process that NengoLoihi puts on the chip (``nengo_loihi.inputs.ChipProcess``).

    Its events are spikes that come from no neurons: each makes a synop at each synapse it reaches.
    It can be recorded as a `Population` can.
    """

    spiking = True
    on_chip = True
    neuron_type = None

    @property
    def n_neurons(self) -> int:
        """Number of elements that have events."""
        return self.size

    @property
    def spikes_of(self) -> Any:
        """The object whose output is the events: the Node, with 1 / dt for each of them."""
        return self.obj


#: What gives spikes, and can be recorded.
SpikeSource = Union[Population, EventSource]


@dataclass(frozen=True)
class Sink:
    """Where signals leave the neurons.

    Attributes
    ----------
    name, layer : str
        As those of a `Population`.
    obj : nengo.Node or nengo.Ensemble
        An output (a passthrough Node that leads nowhere), a Node that computes, or an
        Ensemble in direct mode.
    size : int
        Number of values.
    """

    name: str
    layer: str
    obj: Any
    size: int


@dataclass(frozen=True)
class Uncounted:
    """A part of the network that is not counted, and why.

    Attributes
    ----------
    name, layer : str
        The part, and the layer it belongs to.
    reason : str
        A clause that follows the name.
    on_host : bool
        Whether it is work of the host, which takes nothing of a chip.
    """

    name: str
    layer: str
    reason: str
    on_host: bool = field(default=False, repr=False)


#: Kinds of work on the host of a chip.
#:
#: ``"input"``
#:     Weighs data that are no spikes: once for a constant input, else at every step.
#: ``"readout"``
#:     Weighs, at every step, signals from neurons to something else than neurons.
#: ``"neurons"``
#:     Updates neurons that are not on the chip, and weighs their input from neurons.
#: ``"function"``
#:     Computes functions that neurons can't, such as the maximum of a pooling window, and weighs
#:     their values.
HOST_ROLES = ("input", "neurons", "readout", "function")


@dataclass(frozen=True)
class HostPart:
    """Weights applied, or a function computed, beside the chip.

    Attributes
    ----------
    name, layer : str
        The Connection, Node or Ensemble (its encoders), and the layer it belongs to.
    role : str
        One of `HOST_ROLES`.
    macs : int
        Multiply-accumulates of one pass.
    operations : int
        Other operations of one pass: comparisons, exponentials.
    sources : tuple of Source
        Where the values come from, of role ``"input"``.
    """

    name: str
    layer: str
    role: str
    macs: int = 0
    operations: int = 0
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Weights:
    """Weights as a machine that runs the network densely uses them.

    Where a pathway leads through several Connections, a spiking chip holds their product;
    a processor applies one after the other, and shares the first among all that follow.

    Attributes
    ----------
    name, layer : str
        ``"pre -> post"`` of a Connection, or ``"encoders of x"``, and the layer they lead into.
    obj : nengo.Connection or nengo.Ensemble
        The holder of the weights: a Connection, or for encoders an Ensemble.
    count_zeros : bool
        Whether weights that are exactly zero are counted.
    """

    name: str
    layer: str
    obj: nengo.Connection | nengo.Ensemble = field(repr=False)
    count_zeros: bool = field(default=False, repr=False)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one pass; see `dense_macs` and `encoder_macs`."""
        if isinstance(self.obj, nengo.Ensemble):
            return encoder_macs(self.obj, self.count_zeros)
        return dense_macs(self.obj, self.count_zeros)

    @cached_property
    def n_stored(self) -> int:
        """Number of different weights: of a convolution, its kernel's."""
        if isinstance(self.obj, nengo.Ensemble):
            return self.macs
        return min(self.macs, n_stored_weights(self.obj, self.count_zeros))

    @property
    def size_in(self) -> int:
        """Values that the weights are multiplied with."""
        if isinstance(self.obj, nengo.Ensemble):
            return self.obj.dimensions
        return self.obj.pre_obj.n_neurons if is_decoded(self.obj) else self.obj.size_mid

    @property
    def size_out(self) -> int:
        """Values that are computed and kept for others to read; 0 where neurons take them."""
        if isinstance(self.obj, nengo.Ensemble) or leads_to_neurons(self.obj):
            return 0
        return self.obj.size_out


@dataclass(frozen=True)
class Pathway:
    """One route from a source to a target, through passthrough Nodes only.

    On hardware, passthrough Nodes vanish and a pathway is one set of synapses, from each
    source element to each target it reaches. Two routes between the same two populations
    are two pathways, each with synapses of its own.

    Attributes
    ----------
    name : str
        ``"pre -> post"``, unique; where several routes join the two, with the Nodes that the route
        goes through.
    layer : str
        Layer the synapses belong to: the one that holds the most weights on the way.
    pre : Population or Source
    post : Population or Sink
    connections : tuple of nengo.Connection
        The route.
    kind : str
        One of `PATHWAY_KINDS`.
    count_zeros : bool
        Whether weights that are exactly zero are counted as synapses.
    learned_encoders : bool
        Whether a learning rule changes the encoders of ``post``, zeros too.
    place : str
        One of `PLACES`.
    """

    name: str
    layer: str
    pre: Population | Source
    post: Population | Sink
    connections: tuple[nengo.Connection, ...] = field(repr=False)
    kind: str
    count_zeros: bool = field(default=False, repr=False)
    learned_encoders: bool = field(default=False, repr=False)
    place: str = "host"

    @property
    def on_chip(self) -> bool:
        """Whether the synapses are on the chip: spikes come, and the neurons are there."""
        return self.place == "chip"

    @cached_property
    def fan_out(self) -> np.ndarray:
        """Number of distinct targets that each source element reaches.

        Exact: borders, strides, groups and zero weights are accounted for, and a target
        reached several times along the route counts once. Computed on first use.

        Returns
        -------
        ndarray of shape (pre.size,), int64, read-only

        Raises
        ------
        NetworkGraphError
            If the fan-out rule of a transform gives a pattern of the wrong size.
        """
        fan_out = chain_fan_out(self._chain).view()
        fan_out.flags.writeable = False
        return fan_out

    @cached_property
    def fan_in(self) -> np.ndarray:
        """Number of distinct source elements that reach each target, shape (post.size,), int64.

        As `fan_out`, with sources and targets exchanged; read-only.
        """
        fan_in = chain_fan_out([pattern.T for pattern in reversed(self._chain)]).view()
        fan_in.flags.writeable = False
        return fan_in

    @cached_property
    def _chain(self) -> list[Connectivity]:
        """Who reaches whom, pattern by pattern."""
        return [
            pattern
            for conn in self.connections
            for pattern in connection_chain(conn, self.count_zeros, self.learned_encoders)
        ]

    @cached_property
    def n_synapses(self) -> int:
        """Number of (source element, target) pairs that the pathway joins."""
        return int(self.fan_out.sum())

    @cached_property
    def n_weights(self) -> int:
        """Number of different weights that the synapses have: of a convolution, its kernel's.

        Of a decoded Connection, as multiplied out: one for each synapse. Of a route through
        several Connections, those of all together, if that is less.
        """
        if any(is_decoded(conn) for conn in self.connections):
            return self.n_synapses
        stored = sum(n_stored_weights(conn, self.count_zeros) for conn in self.connections)
        return min(self.n_synapses, stored) if stored else self.n_synapses
