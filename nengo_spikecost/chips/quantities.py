"""What chips limit, measured of a network: one function a quantity, found by its name.

A function takes the `NetworkParts` and gives a `Need`: a number, or words, and whose it is. One
that can't be told of a network is a Need without a value, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

import nengo
import numpy as np
from nengo.dists import Distribution
from nengo.transforms import NoTransform, Sparse

from ..graph.connection_chain import is_decoded
from ..graph.pathways import Pathway, Population
from ..nir.discrete_neurons import DiscreteLIF
from .network_parts import NetworkParts


@dataclass(frozen=True)
class Need:
    """What a network has of one quantity.

    Attributes
    ----------
    value : int, tuple of str or None
        A number; words; or None, if it can't be told.
    where : str
        The part of the network that has most of it, or for which it can't be told; empty if it is
        all of it.
    """

    value: int | tuple[str, ...] | None
    where: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return "not known"
        if isinstance(self.value, tuple):
            return ", ".join(self.value) or "none"
        return f"{self.value:,}"


@dataclass(frozen=True)
class Quantity:
    """A quantity that chips limit.

    Attributes
    ----------
    name, words : str
        Its name in files, and as a person says it.
    measure : callable
        From `NetworkParts`, and the cores of the limit if it is of cores, to `Need`.
    rounds : bool
        Whether a network with more is rounded to what the chip has, and not refused.
    of_cores : bool
        Whether it is about the memories of the chip's cores.
    """

    name: str
    words: str
    measure: Callable[..., Need]
    rounds: bool = False
    of_cores: bool = False


QUANTITIES: dict[str, Quantity] = {}
"""All quantities by name."""

Measure = Callable[..., Need]


def quantity(
    words: str, rounds: bool = False, of_cores: bool = False
) -> Callable[[Measure], Measure]:
    """Decorator that makes a function that of the quantity of its name."""

    def decorator(measure: Measure) -> Measure:
        name = measure.__name__
        QUANTITIES[name] = Quantity(name, words, measure, rounds, of_cores)
        return measure

    return decorator


def largest(values: Iterable[tuple[str, int]]) -> Need:
    """The largest number, and whose it is."""
    name, value = max(values, key=lambda pair: pair[1], default=("", 0))
    return Need(int(value), name if value else "")


@quantity("neurons")
def neurons(parts: NetworkParts) -> Need:
    """On the chip, the values that a readout takes included."""
    return Need(parts.n_hidden + parts.n_outputs)


@quantity("input channels")
def input_channels(parts: NetworkParts) -> Need:
    """Elements from outside that reach neurons."""
    return Need(parts.n_channels)


@quantity("hidden neurons")
def hidden_neurons(parts: NetworkParts) -> Need:
    """Neurons that are no outputs."""
    return Need(parts.n_hidden)


@quantity("output neurons")
def output_neurons(parts: NetworkParts) -> Need:
    """Neurons whose spikes are read, and values that are read out."""
    return Need(parts.n_outputs)


@quantity("targets of a hidden neuron")
def fan_out(parts: NetworkParts) -> Need:
    """Hidden neurons that one reaches, at most."""
    return largest((name, of.max(initial=0)) for name, of in parts.fan_out.items())


@quantity("sources of a neuron")
def fan_in(parts: NetworkParts) -> Need:
    """Inputs and neurons that lead to one neuron, or to one value read out, at most."""
    into: dict[str, Any] = {}
    for pathway in (*parts.into, *parts.within, *parts.out):
        into[pathway.post.name] = into.get(pathway.post.name, 0) + pathway.fan_in
    return largest((name, of.max(initial=0)) for name, of in into.items())


@quantity("synapses between hidden neurons")
def hidden_synapses(parts: NetworkParts) -> Need:
    """Pairs of hidden neurons that are joined."""
    return Need(sum(pathway.n_synapses for pathway in parts.within))


@quantity("synapses of one filter")
def hidden_synapses_of_filter(parts: NetworkParts) -> Need:
    """Synapses between hidden neurons that have the first filter of their neuron, or the second.

    The first is the one with the most synapses. Whichever of these is more.
    """
    by_filter: dict[str, dict[str, int]] = {}
    for pathway in parts.within:
        own = by_filter.setdefault(pathway.post.name, {})
        own[_filter(pathway)] = own.get(_filter(pathway), 0) + pathway.n_synapses
    ranked = [sorted(own.values(), reverse=True) for own in by_filter.values()]
    longest = max(map(len, ranked), default=0)
    totals = [sum(own[k] for own in ranked if k < len(own)) for k in range(longest)]
    return Need(max(totals, default=0))


def _filter(pathway: Pathway) -> str:
    """The filters of a pathway, in words."""
    return " and ".join(str(c.synapse) for c in pathway.connections if c.synapse is not None)


@quantity("synapses")
def synapses(parts: NetworkParts) -> Need:
    """Pairs that are joined, of inputs and neurons, and of neurons."""
    return Need(sum(p.n_synapses for p in (*parts.into, *parts.within, *parts.out)))


@quantity("neurons that inputs reach")
def input_targets(parts: NetworkParts) -> Need:
    """Neurons that an input reaches directly."""
    return Need(parts.n_targets)


@quantity("hidden neurons that outputs read")
def readout_neurons(parts: NetworkParts) -> Need:
    """Hidden neurons that an output reads directly."""
    return Need(int(sum(read.sum() for read in parts.read.values())))


@quantity("filters of a neuron's input")
def synaptic_filters(parts: NetworkParts) -> Need:
    """Different synaptic filters of what arrives at a neuron, at most; 0 without any.

    A current that is part of the neuron is one.
    """
    filters: dict[str, set[str]] = {}
    inside = {p.name for p in parts.neurons if getattr(p.neuron_type, "has_current", False)}
    for pathway in (*parts.into, *parts.within, *parts.out):
        own = _filter(pathway) + (" of the neuron" if pathway.post.name in inside else "")
        filters.setdefault(pathway.post.name, set()).add(own)
    return largest((name, 0 if own == {""} else len(own)) for name, own in filters.items())


@quantity("steps of delay")
def delay_steps(parts: NetworkParts) -> Need:
    """The longest delay of a Connection, in steps."""
    return largest(
        (pathway.name, sum(_delay(c.synapse) for c in pathway.connections))
        for pathway in (*parts.into, *parts.within, *parts.out)
    )


def _delay(synapse: Any) -> int:
    """Steps by which a filter that does nothing else delays."""
    if not isinstance(synapse, nengo.LinearFilter) or synapse.analog:
        return 0
    num, den = np.atleast_1d(synapse.num), np.atleast_1d(synapse.den)
    moves_only = np.count_nonzero(num) == 1 and num[-1] and np.count_nonzero(den) == 1 and den[0]
    return len(den) - 1 if moves_only else 0


@quantity("bits of a weight", rounds=True)
def weight_bits(parts: NetworkParts) -> Need:
    """Bits, with the sign, that hold the weights of a Connection as multiples of one step.

    None if that takes more than 16: they are real numbers, and are rounded.
    """
    needs = [
        Need(_bits(conn), pathway.name)
        for pathway in (*parts.into, *parts.within, *parts.out)
        for conn in pathway.connections
        if not isinstance(conn.transform, NoTransform)
    ]
    unknown = [need for need in needs if need.value is None]
    if unknown:
        return unknown[0]
    return largest((need.where, int(str(need.value))) for need in needs)


#: Weights of more levels than this are real numbers.
_MOST_LEVELS = 2**15


def _bits(conn: nengo.Connection) -> int | None:
    values = _weights(conn)
    if values is None:
        return None
    size = np.unique(np.abs(values[values != 0]))
    if not len(size):
        return 1
    step, least = float(size[0]), float(size[-1]) / _MOST_LEVELS
    for value in size[1:]:  # Euclid's, of real numbers: what is left is noise below `least`
        larger, rest = float(value), step
        while rest > least / 2:
            larger, rest = rest, abs(larger - rest * round(larger / rest))
        step = larger
        if step < least:
            return None
    levels = round(float(size[-1]) / step)
    return levels.bit_length() + 1


def _weights(conn: nengo.Connection) -> np.ndarray | None:
    """Weights of a transform; None if they are still to be drawn, or decoded."""
    init = getattr(conn.transform, "init", None)
    if is_decoded(conn) or init is None or isinstance(init, Distribution):
        return None
    values = getattr(init, "data", init) if isinstance(conn.transform, Sparse) else init
    return None if isinstance(values, Distribution) else np.asarray(values, dtype=np.float64)


@quantity("reset of a neuron that fires")
def resets(parts: NetworkParts) -> Need:
    """What happens to the membrane: ``"subtract"`` the threshold, to ``"zero"``, or ``"none"``."""
    for population in parts.neurons:
        if _reset(population.neuron_type) is None:
            return _unknown(population)
    return in_words((p.name, str(_reset(p.neuron_type))) for p in parts.neurons)


def _unknown(population: Population) -> Need:
    """That of a population whose type of neurons tells nothing of it."""
    return Need(None, f"{population.name}, of {type(population.neuron_type).__name__}")


def in_words(of_each: Iterable[tuple[str, str]]) -> Need:
    """All words, and whose it is if there is one alone."""
    words: dict[str, str] = {}
    for name, word in of_each:
        words.setdefault(word, name)
    return Need(tuple(sorted(words)), next(iter(words.values())) if len(words) == 1 else "")


_SUBTRACTING = (nengo.SpikingRectifiedLinear, nengo.RegularSpiking)


def _reset(neuron_type: Any) -> str | None:
    """The reset of a type of neurons; None if it is not known."""
    if isinstance(neuron_type, DiscreteLIF):
        return {"value": "zero", "value_skip": "zero", "none": "none"}.get(
            neuron_type.reset, "subtract"
        )
    if type(neuron_type).__name__ == "LoihiSpikingRectifiedLinear":
        return "zero"
    if type(neuron_type) in _SUBTRACTING:
        return "subtract"
    return "zero" if isinstance(neuron_type, nengo.LIF) else None


@quantity("what neurons send")
def signals(parts: NetworkParts) -> Need:
    """``"spikes"``, or ``"values"`` of neurons that do not spike."""
    return in_words((p.name, "spikes" if p.spiking else "values") for p in parts.neurons)


@quantity("membrane without input")
def membranes(parts: NetworkParts) -> Need:
    """Whether it ``"stays"`` where it is, or ``"decays"``."""
    for population in parts.neurons:
        if _membrane(population.neuron_type) is None:
            return _unknown(population)
    return in_words((p.name, str(_membrane(p.neuron_type))) for p in parts.neurons)


def _membrane(neuron_type: Any) -> str | None:
    """What a membrane does by itself; None if it is not known."""
    if hasattr(neuron_type, "decay"):  # those of NIR graphs
        return "stays" if np.all(neuron_type.decay == 1) else "decays"
    if isinstance(neuron_type, nengo.LIF):
        return "decays"
    # NengoLoihi's own is of a class of Nengo's
    return "stays" if isinstance(neuron_type, _SUBTRACTING) else None


@quantity("what neurons compute")
def activations(parts: NetworkParts) -> Need:
    """Of a value that stays: ``"rectified"``, ``"leaky"``, ``"sigmoid"`` or ``"tanh"``."""
    for population in parts.neurons:
        if _activation(population.neuron_type) is None:
            return _unknown(population)
    return in_words((p.name, str(_activation(p.neuron_type))) for p in parts.neurons)


def _activation(neuron_type: Any) -> str | None:
    """What a neuron's rate is of its input; None if it is not known."""
    base = getattr(neuron_type, "base_type", neuron_type)  # of those that spike at its rates
    for kind, name in _ACTIVATIONS:
        if isinstance(base, kind):
            return name
    membrane = _membrane(neuron_type)
    return None if membrane is None else {"stays": "rectified", "decays": "leaky"}[membrane]


_ACTIVATIONS = (
    (nengo.RectifiedLinear, "rectified"), (nengo.LIFRate, "leaky"), (nengo.Sigmoid, "sigmoid"),
    (nengo.Tanh, "tanh"),
)  # fmt: skip


@quantity("way of spikes")
def topology(parts: NetworkParts) -> Need:
    """``"recurrent"`` where spikes go round in a circle, else ``"feedforward"``."""
    return Need(("recurrent" if parts.recurrent else "feedforward",))
