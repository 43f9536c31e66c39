"""Multiply-accumulates counted from the operators of a built Nengo model.

What a network costs on a machine without spikes follows from its Connections and Ensembles
(``NetworkGraph.weights``). Here it is counted once more, from the list of operators that Nengo
makes of the network: an independent way to the same numbers, and one that also sees what is
only known after building, such as decoders that have come out as zero.

Differences that are to be expected, and have a field of their own:

* Nengo multiplies decoders and transform out before it starts, where ``NetworkGraph.weights``
  keeps them apart: compare with `nengo_spikecost.graph.built_macs`.
* Every Ensemble multiplies its decoded input by its encoders, also where nothing is decoded
  into it, as in converted networks: ``unused``.
* Connections to neurons multiply by the neurons' gains, which hardware has in the weights:
  ``gains``.

An oracle of the tests. A rule for an operator is a function of it and of ``count_zeros``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

import nengo
import numpy as np
from nengo.builder import Model
from nengo.builder import learning_rules as rule_operators
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import (
    BsrDotInc,
    Copy,
    DotInc,
    ElementwiseInc,
    Reset,
    SparseDotInc,
    TimeUpdate,
)
from nengo.builder.probe import SimProbe
from nengo.builder.processes import SimProcess
from nengo.builder.transforms import GeneralConvInc
from nengo.synapses import LinearFilter, Triangle
from nengo_extras.learning_rules import SimAML

from nengo_spikecost.errors import EnergyError
from nengo_spikecost.graph import connectivity
from nengo_spikecost.registry import TypeRegistry


@dataclass(frozen=True)
class OperatorWork:
    """What one operator does in a step.

    Attributes
    ----------
    macs : int
        Multiplications by weights, gains or encoders.
    learning, filters : int
        Multiply-accumulates that change weights, and those of synapses.
    updates : int
        Neurons updated.
    """

    macs: int = 0
    learning: int = 0
    filters: int = 0
    updates: int = 0


@dataclass(frozen=True)
class OperatorMacs:
    """What the operators of a built model do in a step, in multiply-accumulates.

    Attributes
    ----------
    weights : int
        Decoders and transforms, multiplied out, of all Connections.
    encoders : int
        Encoders of Ensembles that something is decoded into.
    gains : int
        Gains of neurons that Connections lead to directly.
    learning : int
        Learning rules, among them errors encoded for neurons.
    filters : int
        Synapses: two for each value that passes a first-order filter.
    unused : int
        Products with what is always zero, because nothing leads there.
    host : int
        "Encoders" of Ensembles in direct mode, which have no neurons.
    neuron_updates : int
        Neurons updated.
    by_operator : mapping from str to int
        All multiply-accumulates, by type of operator.
    uncounted : tuple of str
        Operators that could not be counted: functions of Python, processes.
    """

    weights: int
    encoders: int
    gains: int
    learning: int
    filters: int
    unused: int
    host: int
    neuron_updates: int
    by_operator: Mapping[str, int] = field(repr=False)
    uncounted: tuple[str, ...]


OperatorRule = Callable[[Any, bool], "OperatorWork | None"]

#: From operator type to what such an operator does; None where that can't be said.
operator_rules: TypeRegistry[OperatorRule] = TypeRegistry("rule for operators")


def operator_macs(network: Any, count_zeros: bool = False) -> OperatorMacs:
    """Count the multiply-accumulates of one step from a built model's operators.

    Parameters
    ----------
    network : nengo.Network, Conversion, nengo.Simulator or nengo.builder.Model
        A network is built, which solves for its decoders. What a Simulator has optimised is
        built once more with the same seeds, because the optimizer joins operators of
        different purpose.
    count_zeros : bool
        Whether multiplications by weights that are exactly zero count.

    Raises
    ------
    EnergyError
        If ``network`` is none of these.
    """
    model = _built(network)
    operators = list(model.operators)
    roles = dict(_roles(model))
    silent = _silent(operators)
    rates = {id(op.J) for op in operators if isinstance(op, SimNeurons)}
    totals: Counter[str] = Counter()
    by_operator: Counter[str] = Counter()
    uncounted: Counter[str] = Counter()
    for op in operators:
        rule = operator_rules.find(op)
        work = None if rule is None else rule(op, count_zeros)
        if work is None:
            uncounted[_described(op)] += 1
            continue
        by_operator[type(op).__name__] += work.macs + work.learning + work.filters
        totals[_role(op, roles, silent)] += work.macs
        totals["learning"] += work.learning
        totals["filters"] += work.filters
        # Types that turn rates into spikes have two operators, one after the other.
        if not isinstance(op, SimNeurons) or id(op.output) not in rates:
            totals["neuron_updates"] += work.updates
    names = ("weights", "encoders", "gains", "learning", "filters", "unused", "host")
    return OperatorMacs(
        **{name: totals[name] for name in (*names, "neuron_updates")},
        by_operator={name: macs for name, macs in sorted(by_operator.items()) if macs},
        uncounted=tuple(f"{name} ({n} times)" for name, n in sorted(uncounted.items())),
    )


def _built(network: Any) -> Any:
    """A model of Nengo's builder that no optimizer has touched."""
    if isinstance(network, Model):
        return network
    if isinstance(network, nengo.Simulator):
        if not network.optimize:
            return network.model
        model = Model(dt=network.model.dt)
        model.seeds, model.seeded = dict(network.model.seeds), dict(network.model.seeded)
        model.build(network.model.toplevel)
        return model
    net = getattr(network, "net", network)
    if not isinstance(net, nengo.Network):
        raise EnergyError(
            "Operators are counted of a nengo.Network, a Conversion, a nengo.Simulator or a "
            f"nengo.builder.Model, not of {type(network).__name__}."
        )
    model = Model(dt=0.001)
    model.build(net)
    return model


def _roles(model: Any) -> Iterator[tuple[int, str]]:
    """What the signals that hold weights are, by ``id``."""
    for obj, signals in model.sig.items():
        if isinstance(obj, nengo.Ensemble) and "encoders" in signals:
            direct = isinstance(obj.neuron_type, nengo.Direct)
            yield id(signals["encoders"]), "host" if direct else "encoders"
        elif isinstance(obj, nengo.Connection) and signals.get("weights") is not None:
            yield id(signals["weights"]), "weights"


def _role(op: Any, roles: Mapping[int, str], silent: set[int]) -> str:
    """The field of `OperatorMacs` that an operator's products belong to."""
    if getattr(op, "tag", None) == "PES:encode":
        return "learning"
    signal = getattr(op, "X", None)
    if signal is not None and id(signal.base) in silent:
        return "unused"
    if str(getattr(op, "tag", "")).endswith(".gains_elementwiseinc"):
        return "gains"
    weights = op.W if isinstance(op, GeneralConvInc) else getattr(op, "A", None)
    return roles.get(id(weights), "weights")


def _silent(operators: Iterable[Any]) -> set[int]:
    """Signals, by ``id`` of their base, that are zero for ever.

    These are set to zero and get nothing else but linear functions of their like.
    """
    writers: dict[int, list[Any]] = {}
    for op in operators:
        for signal in (*op.sets, *op.incs, *op.updates):
            writers.setdefault(id(signal.base), []).append(op)
    silent = set(writers)
    changed = True
    while changed:
        speaking = {base for base in silent if any(_speaks(op, silent) for op in writers[base])}
        silent -= speaking
        changed = bool(speaking)
    return silent


def _speaks(op: Any, silent: set[int]) -> bool:
    """Whether what an operator writes may differ from zero."""
    if isinstance(op, Reset):
        return bool(np.any(op.value != 0))
    if isinstance(op, Copy):
        return id(op.src.base) not in silent
    if isinstance(op, (DotInc, ElementwiseInc, GeneralConvInc)):
        return id(op.X.base) not in silent
    if isinstance(op, SimProcess) and isinstance(op.process, LinearFilter):
        return op.input is None or id(op.input.base) not in silent
    return True


def _described(op: Any) -> str:
    """Type of an operator, with that of what it runs."""
    inner = getattr(op, "process", None)
    name = type(op).__name__
    return name if inner is None else f"{name} of {type(inner).__name__}"


def _n_weights(signal: Any, count_zeros: bool) -> int:
    """Weights that a signal holds; all those of a signal that learning changes."""
    if count_zeros or not signal.readonly:
        return int(signal.size)
    values = signal.initial_value
    return int(np.count_nonzero(values.data if signal.sparse else values))


@operator_rules.register(Reset, Copy, TimeUpdate, SimProbe)
def no_multiplication(op: Any, count_zeros: bool) -> OperatorWork:
    """Moves or adds values."""
    return OperatorWork()


@operator_rules.register(DotInc, SparseDotInc, BsrDotInc)
def dot_inc(op: Any, count_zeros: bool) -> OperatorWork:
    """A matrix times a vector, or times the columns of a matrix."""
    if _is_vector_of_delta_rule(op):
        return OperatorWork()
    columns = op.X.shape[1] if op.X.ndim > 1 and not isinstance(op, BsrDotInc) else 1
    return OperatorWork(macs=_n_weights(op.A, count_zeros) * columns)


@operator_rules.register(ElementwiseInc)
def elementwise_inc(op: Any, count_zeros: bool) -> OperatorWork:
    """Element times element; a scalar times all elements."""
    size = int(op.Y.size)
    if str(op.tag).startswith("DeltaRule:"):
        return OperatorWork(learning=size)  # the outer product
    if _is_vector_of_delta_rule(op):
        return OperatorWork()
    if count_zeros or not op.A.readonly:
        return OperatorWork(macs=size)
    nonzero = np.broadcast_to(op.A.initial_value != 0, op.Y.shape)
    return OperatorWork(macs=int(np.count_nonzero(nonzero)))


def _is_vector_of_delta_rule(op: Any) -> bool:
    """Whether nengo_extras' DeltaRule scales its errors: no product with a weight."""
    return str(op.Y.name).startswith(("DeltaRule:post_error", "DeltaRule:correction"))


@operator_rules.register(GeneralConvInc)
def conv_inc(op: Any, count_zeros: bool) -> OperatorWork:
    """Products with the elements that are there: none with the padding."""
    return OperatorWork(macs=connectivity(op.conv, count_zeros).n_synapses)


@operator_rules.register(SimNeurons)
def sim_neurons(op: Any, count_zeros: bool) -> OperatorWork:
    """Updates of neurons."""
    return OperatorWork(updates=int(op.J.size))


@operator_rules.register(SimProcess)
def sim_process(op: Any, count_zeros: bool) -> OperatorWork | None:
    """Synapses; other processes generate what no weight is part of."""
    if isinstance(op.process, LinearFilter):
        return OperatorWork(filters=int(op.output.size) * _filter_macs(op.process))
    if isinstance(op.process, Triangle):
        return OperatorWork(filters=int(op.output.size) * 2)  # the rest are sums
    return None


def _filter_macs(synapse: LinearFilter) -> int:
    """Products for each value that passes a linear filter, in state space form."""
    order = len(synapse.den) - 1
    if order == 0:
        return 1
    passes = len(np.trim_zeros(synapse.num, "f")) == order + 1
    if order == 1 and not passes:
        return 2
    return order**2 + 2 * order + int(passes)


@operator_rules.register(rule_operators.SimPES, rule_operators.SimBCM)
def outer_product(op: Any, count_zeros: bool) -> OperatorWork:
    """One product for each weight."""
    return OperatorWork(learning=int(op.delta.size))


@operator_rules.register(rule_operators.SimVoja, rule_operators.SimOja)
def outer_product_and_decay(op: Any, count_zeros: bool) -> OperatorWork:
    """One product for each weight, and one more to have it decay."""
    return OperatorWork(learning=2 * int(op.delta.size))


@operator_rules.register(SimAML)
def sim_aml(op: Any, count_zeros: bool) -> OperatorWork:
    """The source's input decoded, an outer product, and a decay: see nengo_extras' source."""
    return OperatorWork(learning=int(op.base_decoders.size + 2 * op.delta.size))


@operator_rules.register(rule_operators.SimRLS)
def sim_rls(op: Any, count_zeros: bool) -> OperatorWork:
    """The inverse correlation times the activities, its change, a norm, and the weights'."""
    n_pre = int(op.inv_gamma.shape[0])
    return OperatorWork(learning=2 * n_pre**2 + n_pre + int(op.delta.size))
