"""Weights that learn: how many change at every step, and the multiply-accumulates it takes.

A rule of a learning rule type is a pure function of the learning rule of one Connection. To
make the package understand a learning rule of your own, register one more::

    from nengo_spikecost.graph import Updates, learned_shape, learning_rules

    @learning_rules.register(Hebb)
    def hebb(rule):
        n_post, n_pre = learned_shape(rule)
        return Updates(n_weights=n_post * n_pre, macs=n_post * n_pre)

The work counted is Nengo's: it changes every weight at every step, whether a neuron has spiked
or not. Most rules see spikes through a synapse, after which almost nothing is
exactly zero. Chips that learn only now and then change fewer, and divide accordingly.

A multiply-accumulate is counted for each product with an entry of a weight matrix (the
addition to the weight is the accumulate). Products of vectors alone, such as a learning
rate times an error, and the synapses of a rule are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

import nengo
from nengo.connection import LearningRule

from ..registry import TypeRegistry
from .connection_chain import full_weights, is_decoded, leads_to_neurons
from .naming import numbered
from .nengo_types import replaced


@dataclass(frozen=True)
class Updates:
    """The work of a learning rule at every step.

    Attributes
    ----------
    n_weights : int
        Weights that change.
    macs : int
        Multiply-accumulates that it takes.
    """

    n_weights: int
    macs: int


@dataclass(frozen=True)
class Learning:
    """One learning rule of one Connection.

    Attributes
    ----------
    name : str
        ``"PES of a -> b"``, unique among those of a network.
    layer : str
        Layer the learned weights belong to.
    rule : str
        Name of the learning rule's type.
    modifies : {"decoders", "weights", "encoders"}
        The weights that change: decoders (with the transform multiplied in), neuron to neuron
        weights, or the encoders of the Ensemble that the Connection leads into.
    n_weights : int
        Weights that change at every step.
    macs : int
        Multiply-accumulates that changing them takes at every step.
    connection : nengo.Connection
    """

    name: str
    layer: str
    rule: str
    modifies: str
    n_weights: int
    macs: int
    connection: nengo.Connection = field(repr=False)


LearningCount = Callable[[LearningRule], Updates]

#: From learning rule type to the function that counts its work at every step.
learning_rules: TypeRegistry[LearningCount] = TypeRegistry("count of weight updates", replaced)


def updates(rule: LearningRule) -> Updates | None:
    """The work of a learning rule at every step; None if no count is registered for its type."""
    count = learning_rules.find(rule.learning_rule_type)
    return None if count is None else count(rule)


def rules_of(conn: nengo.Connection) -> tuple[LearningRule, ...]:
    """All learning rules of a Connection, as a tuple."""
    rules = conn.learning_rule
    if rules is None:
        return ()
    if isinstance(rules, Mapping):
        return tuple(rules.values())
    return tuple(rules) if isinstance(rules, Iterable) else (rules,)


def named_rules(
    connections: Iterable[nengo.Connection], arrow: Callable[[Any, Any], tuple[str, str]]
) -> dict[LearningRule, tuple[str, str]]:
    """Name and layer of every learning rule.

    Parameters
    ----------
    connections : iterable of nengo.Connection
    arrow : callable
        Gives name and layer of a way from one object to another.
    """
    layers = {}
    names = {}
    for conn in connections:
        for rule in rules_of(conn):
            name, layer = arrow(conn.pre_obj, conn.post_obj)
            names[rule] = f"{type(rule.learning_rule_type).__name__} of {name}"
            layers[rule] = layer
    return {rule: (name, layers[rule]) for rule, name in numbered(names).items()}


def learning_records(rules: Mapping[LearningRule, tuple[str, str]]) -> Iterator[Learning]:
    """A record of every learning rule that can be counted."""
    for rule, (name, layer) in rules.items():
        done = updates(rule)
        if done is not None:
            kind = type(rule.learning_rule_type).__name__
            yield Learning(
                name, layer, kind, rule.modifies, done.n_weights, done.macs, rule.connection
            )


def learned_encoders(rules: Iterable[LearningRule]) -> set[nengo.Ensemble]:
    """The Ensembles whose encoders are learned."""
    return {rule.connection.post_obj for rule in rules if rule.modifies == "encoders"}


def unknown_rules(rules: Mapping[LearningRule, tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Name, layer and reason of every learning rule that cannot be counted."""
    for rule, (name, layer) in rules.items():
        if learning_rules.find(rule.learning_rule_type) is None:
            yield (
                name, layer,
                "changes weights in a way that is not known "
                "(register it with nengo_spikecost.graph.learning_rules.register)",
            )  # fmt: skip


def learned_shape(rule: LearningRule) -> tuple[int, int]:
    """Shape of the matrix that a learning rule changes, as Nengo builds it.

    Returns
    -------
    rows, columns : int
        Encoders have a row for each neuron of the target, and a column for each of its
        dimensions. Weights and decoders have a row for each target of the Connection, and a
        column for each element of its source; of decoders that is each neuron.
    """
    conn = rule.connection
    if rule.modifies == "encoders":
        return conn.post_obj.n_neurons, conn.post_obj.dimensions
    columns = conn.pre_obj.n_neurons if is_decoded(conn) else conn.size_mid
    return (conn.post_obj.n_neurons if full_weights(conn) else conn.size_out), columns


@learning_rules.register(nengo.PES)
def pes(rule: LearningRule) -> Updates:
    """The outer product of error and activities.

    Where the weights lead to neurons, the error is first encoded for each of them.
    """
    rows, columns = learned_shape(rule)
    encoding = rows * rule.size_in if leads_to_neurons(rule.connection) else 0
    return Updates(rows * columns, rows * columns + encoding)


@learning_rules.register(nengo.BCM)
def bcm(rule: LearningRule) -> Updates:
    """The outer product of a function of the target's activities with the source's activities."""
    rows, columns = learned_shape(rule)
    return Updates(rows * columns, rows * columns)


@learning_rules.register(nengo.Oja)
def oja(rule: LearningRule) -> Updates:
    """An outer product, and the forgetting: each weight times its target's activity."""
    rows, columns = learned_shape(rule)
    return Updates(rows * columns, 2 * rows * columns)


@learning_rules.register(nengo.Voja)
def voja(rule: LearningRule) -> Updates:
    """The outer product of activities and input, less each encoder times its activity."""
    rows, columns = learned_shape(rule)
    return Updates(rows * columns, 2 * rows * columns)


@learning_rules.register(nengo.RLS)
def rls(rule: LearningRule) -> Updates:
    """Recursive least squares keeps a matrix of all pairs of sources besides the weights.

    It is multiplied with the activities (the result once more, for a norm), and an outer
    product is taken from it; another one changes the weights.
    """
    rows, columns = learned_shape(rule)
    return Updates(rows * columns, 2 * columns**2 + columns + rows * columns)


def aml(rule: LearningRule) -> Updates:
    """The association matrix learning of nengo_extras: learned at once, and decaying.

    The input of the source (not its activities) is multiplied with decoders of the identity; the
    outer product of the result and the target is added; and every decoder is multiplied by the
    decay, though that be none.
    """
    rows, columns = learned_shape(rule)
    dimensions = rule.connection.pre_obj.dimensions
    return Updates(rows * columns, columns * dimensions + 2 * rows * columns)


def delta_rule(rule: LearningRule) -> Updates:
    """The outer product of nengo_extras' DeltaRule: errors, times a function, with activities."""
    rows, columns = learned_shape(rule)
    return Updates(rows * columns, rows * columns)


learning_rules.add_defaults(
    "nengo_extras.learning_rules", lambda module: {module.AML: aml, module.DeltaRule: delta_rule}
)
