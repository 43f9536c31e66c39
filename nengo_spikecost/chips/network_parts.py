"""A network in the roles that its parts have on a chip: inputs, hidden neurons, outputs.

Inputs are what comes from outside the chip: Nodes, and populations marked off chip, which send
spikes. Outputs are the neurons that nothing on the chip follows, and whose spikes are read one by
one; where spikes are weighed first, in a readout, each value of it is an output, and takes a neuron
of the chip whose membrane is read. All other neurons are hidden.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, TypeVar

import numpy as np
from nengo.transforms import NoTransform

from ..graph import NetworkGraph
from ..graph.feedback import is_recurrent
from ..graph.pathways import Pathway, Population, Sink, Source

T = TypeVar("T")


def kept(function: Callable[[NetworkParts], T]) -> Callable[[NetworkParts], T]:
    """Decorator of what is read of the parts of a network: read once, and kept with them."""
    name = f"_{function.__name__}"

    @functools.wraps(function)
    def read(parts: NetworkParts) -> T:
        known = vars(parts)
        if name not in known:
            known[name] = function(parts)
        found: T = known[name]
        return found

    return read


@dataclass(frozen=True)
class NetworkParts:
    """The parts of a network by their role on a chip.

    Attributes
    ----------
    graph : NetworkGraph
    hidden, outputs : tuple of Population
        Neurons on the chip.
    into, within, out : tuple of Pathway
        From inputs to neurons; between hidden neurons; from hidden neurons to outputs.
    """

    graph: NetworkGraph = field(repr=False)
    hidden: tuple[Population, ...]
    outputs: tuple[Population, ...]
    into: tuple[Pathway, ...]
    within: tuple[Pathway, ...]
    out: tuple[Pathway, ...]

    @classmethod
    def of(cls, network: Any) -> NetworkParts:
        """The parts of a network.

        Parameters
        ----------
        network : nengo.Network, Conversion or NetworkGraph

        Raises
        ------
        NetworkGraphError
            If it is none.
        """
        graph = network if isinstance(network, NetworkGraph) else NetworkGraph(network)
        on_chip = [p for p in graph.populations if p.on_chip]
        outputs = tuple(p for p in on_chip if _is_output(graph, p))
        of_outputs = {p.name for p in outputs}
        hidden = tuple(p for p in on_chip if p.name not in of_outputs)
        of_hidden = {p.name for p in hidden}
        into = tuple(p for p in graph.pathways if _is_input(p))
        read = [p for p in graph.pathways if p.place != "nowhere"]
        from_hidden = [p for p in read if p.pre.name in of_hidden]
        within = tuple(p for p in from_hidden if p.post.name in of_hidden)
        out = tuple(p for p in from_hidden if p.post.name in of_outputs or isinstance(p.post, Sink))
        return cls(graph, hidden, outputs, into, within, out)

    @property
    def unread(self) -> tuple[str, ...]:
        """Parts of the chip's work that can't be told, each a sentence without an end."""
        return tuple(
            f"{part.name} {part.reason}" for part in self.graph.uncounted if not part.on_host
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the parts, each a sentence."""
        outside = [p for p in self.graph.populations if not p.on_chip]
        notes = [f"{part}: what it takes is not in the numbers." for part in self.unread]
        if outside:
            names = ", ".join(f"{p.name} ({p.n_neurons:,})" for p in outside)
            notes.append(f"Neurons outside the chip, which send it their spikes: {names}.")
        if self.graph.learning:
            names = ", ".join(rule.name for rule in self.graph.learning)
            notes.append(f"Nothing is said of learning: {names}.")
        return tuple(notes)

    @property
    def inputs(self) -> dict[str, int]:
        """Elements of each input, by its name."""
        return {p.pre.name: p.pre.size for p in self.into}

    @property
    def n_hidden(self) -> int:
        """Number of hidden neurons."""
        return sum(p.n_neurons for p in self.hidden)

    @property
    def output_sizes(self) -> dict[str, int]:
        """Neurons, or values read out, by the output's name."""
        sizes = {p.name: p.n_neurons for p in self.outputs}
        return {**sizes, **{p.post.name: p.post.size for p in self.out}}

    @property
    def n_outputs(self) -> int:
        """Number of neurons, or of values that are read out."""
        return sum(self.output_sizes.values())

    @property
    def neurons(self) -> tuple[Population, ...]:
        """All populations on the chip."""
        return (*self.hidden, *self.outputs)

    @property
    def recurrent(self) -> bool:
        """Whether spikes go round in a circle."""
        return is_recurrent(self.graph)

    @cached_property
    def channels(self) -> dict[str, np.ndarray]:
        """Of each input, which of its elements reach neurons."""
        return _any_by((p.pre.name, p.fan_out > 0) for p in self.into)

    @cached_property
    def n_channels(self) -> int:
        """Elements of inputs that reach neurons."""
        return int(sum(reached.sum() for reached in self.channels.values()))

    @cached_property
    def n_targets(self) -> int:
        """Neurons that an input reaches."""
        reached = _any_by((p.post.name, p.fan_in > 0) for p in self.into)
        return int(sum(of.sum() for of in reached.values()))

    @cached_property
    def read(self) -> dict[str, np.ndarray]:
        """Of each hidden population that an output reads, which of its neurons."""
        return _any_by((p.pre.name, p.fan_out > 0) for p in self.out)

    @cached_property
    def fan_out(self) -> dict[str, np.ndarray]:
        """Of each hidden population, how many hidden neurons each of its neurons reaches."""
        reached = {p.name: np.zeros(p.n_neurons, dtype=np.int64) for p in self.hidden}
        for pathway in self.within:
            reached[pathway.pre.name] = reached[pathway.pre.name] + pathway.fan_out
        return reached


def _any_by(masks: Iterable[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Masks of the same name, joined."""
    joined: dict[str, np.ndarray] = {}
    for name, mask in masks:
        joined[name] = joined[name] | mask if name in joined else mask
    return joined


def _is_output(graph: NetworkGraph, population: Population) -> bool:
    """Whether nothing follows it on the chip, and its spikes are read one by one."""
    if any(_is_input(p) for p in graph.pathways_to(population.name)):
        return False
    out = [p for p in graph.pathways_from(population.name) if p.place != "nowhere"]
    return all(isinstance(p.post, Sink) and _one_by_one(p) for p in out)


def _one_by_one(pathway: Pathway) -> bool:
    """Whether values are passed on as they are."""
    as_they_are = all(isinstance(c.transform, NoTransform) for c in pathway.connections)
    return as_they_are and pathway.pre.size == pathway.post.size


def _is_input(pathway: Pathway) -> bool:
    """Whether it leads from outside the chip to neurons on it."""
    post, pre = pathway.post, pathway.pre
    if not isinstance(post, Population) or not post.on_chip:
        return False
    if isinstance(pre, Source):
        return pre.kind != "bias"
    return not pre.on_chip
