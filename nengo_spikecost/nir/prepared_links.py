"""Links of a network as a reader of NIR takes them.

1. Biases of relays that nothing leads to go to what they lead to.
2. Filters go as near to neurons as they can (`filters_moved`), and links beside each other are
   added.
3. Every place gets a unit: a spike of Nengo, of area 1 or another, is a 1 in NIR.
4. Loops are opened, and what is late by how much is found (`link_timing`).
5. Neurons of which all inputs have one filter get a synaptic current.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons

from ..lowering.composition import add
from ..words import counted
from .link_timing import closing_links, steps_ahead
from .network_links import Link, Places, filters_moved
from .refused_objects import refuse
from .tool_readers import Reader
from .written_maps import over_two_axes
from .written_neurons import Membrane, neuron_writers


class PreparedLinks:
    """A network on its way to a graph: places, links, and when and how values come.

    Parameters
    ----------
    read : Places
    names : mapping from Ensemble or Node to str
    inputs : list of nengo.Node
    step_s : float
        Length of a step in s.
    reader : Reader

    Attributes
    ----------
    links : list of Link
    units : dict from place to float
        What a 1 in NIR is in Nengo.
    closing : set of int
        Numbers of the links that close a loop.
    ahead : dict from place to int
        By how many steps each is earlier than in Nengo.
    waiting : dict from number of link to int
        Steps that a link has to wait for others.
    filters : dict from neurons to float
        Decay of the one filter on all that leads to them; 0 without one.

    Raises
    ------
    ConversionError
        If something is late, or filtered, as the reader has no form for.
    """

    def __init__(
        self, read: Places, names: Mapping[Any, str], inputs: list[nengo.Node], step_s: float,
        reader: Reader,
    ):  # fmt: skip
        self.read, self.names, self.inputs = read, names, inputs
        self.step_s, self.reader = step_s, reader
        self._prepare()

    def name(self, key: Any) -> str:
        """The name of a place."""
        owner = getattr(key, "ensemble", key)
        return self.names.get(owner) or getattr(key, "label", None) or type(key).__name__.lower()

    def membrane(self, key: Any) -> Membrane:
        """What neurons do in one step, as their type says."""
        kind = key.ensemble.neuron_type
        writer = neuron_writers.find(kind)
        assert writer is not None
        return writer(kind, self.step_s)

    def acts_alone(self, key: Any) -> bool:
        """Whether neurons move without any input: by a bias, a leak, or from where they start."""
        place = self.read.places[key]
        if place.kind != "neurons":
            return False
        voltage = self.read.built.sig[key].get("voltage")
        own = (self.membrane(key).leak, self.read.built.params[key.ensemble].bias, place.bias)
        start = () if voltage is None else (voltage.initial_value,)
        return any(np.any(values) for values in (*own, *start))

    def is_filtered(self, link: Link) -> bool:
        """Whether a link has a filter of its own, beside its neurons' synaptic current."""
        return bool(link.decay) and not self.filters.get(link.post)

    def _prepare(self) -> None:
        """Steps 1 to 5."""
        places = self.read.places
        links = [link for link in self.read.links if not link.map.is_zero]
        if not self.reader.reads("Conv1d"):
            links = [replace(link, map=over_two_axes(link.map)) for link in links]
        probed = {key for _, key, _ in self.read.outputs}
        links = self._without_constant_relays(links, probed)
        relays = [
            key for key, place in places.items() if place.kind == "relay" and not place.bias.any()
        ]
        self.links = filters_moved(links, relays, probed)
        if self.reader.is_tool:
            self.links = _added(self.links)
            refuse(self._several_ends(), self.reader.called)
        self.units = self._units(probed)
        starts = [key for key, place in places.items() if place.kind == "input"]
        self.closing = closing_links(self.links, starts)
        alone = self.reader.reads("Delay") and any(map(self.acts_alone, places))
        fixed = list(places) if alone else []
        self.ahead, self.waiting = steps_ahead(self.links, self.closing, places, fixed)
        refuse(self._late(), self.reader.called)
        self.filters = {
            key: self._filter(key) for key, place in places.items() if place.kind == "neurons"
        }
        refuse(self._unwritten_filters(), self.reader.called)

    def _without_constant_relays(self, links: list[Link], probed: set[Any]) -> list[Link]:
        """Biases of relays that nothing else leads to, as biases of what they lead to."""
        places = self.read.places
        while True:
            fed = {link.post for link in links}
            alone = [
                key for key, place in places.items()
                if place.kind == "relay" and key not in fed and key not in probed
            ]  # fmt: skip
            if not alone:
                return links
            for key in alone:
                for link in (link for link in links if link.pre == key):
                    places[link.post].bias = places[link.post].bias + link.map(places[key].bias)
                links = [link for link in links if link.pre != key]
                del places[key]

    def _several_ends(self) -> Any:
        """Tools have one input and one output."""
        for what, names in (
            ("input", [self.name(node) for node in self.inputs]),
            ("output", [name for name, _, _ in self.read.outputs]),
        ):
            for name in names[1:]:
                yield name, f"is one more {what}, and {self.reader.name} reads one"

    def _units(self, probed: set[Any]) -> dict[Any, float]:
        """What a 1 in NIR is in Nengo, for every place: a spike, or a 1."""
        units: dict[Any, float] = {}
        for key, place in self.read.places.items():
            kind = place.kind
            units[key] = self.membrane(key).spike if kind == "neurons" else 1.0
        for _ in range(len(units)):
            before = dict(units)
            for key, place in self.read.places.items():
                alike = {units[link.pre] for link in self.links if link.post == key}
                if place.kind == "relay" and len(alike) == 1 and _has_units(key, probed):
                    factor = self.events(key)
                    units[key] = alike.pop() * factor
            if units == before:
                break
        return units

    def events(self, key: Any) -> float:
        """Of spikes that come from outside, their height in Nengo."""
        kind = getattr(getattr(key, "ensemble", None), "neuron_type", None)
        return 1.0 if kind is None else float(kind.amplitude / self.step_s)

    def _late(self) -> Any:
        for number, steps in self.waiting.items():
            link = self.links[number]
            if steps < 0:
                yield link.name, "closes a loop in which no Connection is late by a step"
            elif not self.reader.reads("Delay"):
                reason = (
                    f"is late by {counted(steps, 'more step')} than {self.reader.name} has "
                    f"it (a filter is late by one): have all ways to {self.name(link.post)!r} "
                    "filtered, or none"
                )
                yield link.name, reason

    def _filter(self, key: Any) -> float:
        """The decay of the one filter on all that leads to neurons; 0 without one."""
        decays = {link.decay for link in self.links if link.post == key}
        own = self.membrane(key).current_decay.any()
        return decays.pop() if len(decays) == 1 and not own else 0.0

    def _unwritten_filters(self) -> Any:
        if self.reader.reads("LI"):
            return
        for link in self.links:
            if link.decay and not self.filters.get(link.post):
                yield (
                    link.name,
                    (
                        f"has a filter that {self.reader.name} has no node for: it reads one time "
                        "constant for all that leads to the same neurons (CubaLIF)"
                    ),
                )


def _added(links: list[Link]) -> list[Link]:
    """The same links, those beside each other as one: a reader adds fewer ways, or none."""
    result: list[Link] = []
    for link in links:
        for k, other in enumerate(result):
            if _beside(link, other):
                total = add(other.map, link.map)
                if total is not None:
                    result[k] = replace(other, map=total)
                    break
        else:
            result.append(link)
    return result


def _beside(one: Link, two: Link) -> bool:
    same = (one.pre, one.post, one.delay, one.decay) == (two.pre, two.post, two.delay, two.decay)
    return same and not (one.map.is_zero or two.map.is_zero)


def _has_units(key: Any, probed: set[Any]) -> bool:
    """Whether a relay's values may be spikes: of those that are read, a part of neurons alone."""
    return key not in probed or (isinstance(key, nengo.Probe) and isinstance(key.obj, Neurons))
