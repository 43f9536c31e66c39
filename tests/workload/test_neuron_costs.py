"""Rules for what the update of a neuron costs."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.errors import NetworkGraphError
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.registry import TypeRegistry
from nengo_spikecost.workload import neuron_costs
from nengo_spikecost.workload.exact import count

from .fakes import random_activity


class TwoCompartmentLIF(nengo.LIF):
    """A neuron type of the user's."""


@pytest.fixture
def rules(monkeypatch):
    """The registry, what is registered in a test being forgotten after it."""
    copy = TypeRegistry("neuron-cost rule")
    copy._rules = dict(neuron_costs.neuron_cost_rules._rules)
    monkeypatch.setattr(neuron_costs, "neuron_cost_rules", copy)
    return copy


def test_a_rule_of_the_users(rules):
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(8, 1, neuron_type=TwoCompartmentLIF(), label="a")
        b = nengo.Ensemble(5, 1, neuron_type=nengo.LIF(), label="b")
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((5, 8)))
    graph = NetworkGraph(net)
    activity = random_activity(graph, np.random.RandomState(0))

    def updates():
        return [p.updates for p in count(graph, activity).populations]

    assert updates() == [8 * 10, 5 * 10]
    rules.register(TwoCompartmentLIF)(lambda neuron_type: 2)
    assert updates() == [2 * 8 * 10, 5 * 10]
    energy = nsc.NetworkEnergy(net, activity)
    assert energy.layer_energy("a", "loihi")[1] == pytest.approx(160 * 81e-12)
    scaled = count(graph, activity).for_presentation(25, 0.001)
    assert [p.updates for p in scaled.populations] == [2 * 8 * 25, 5 * 25]


@pytest.mark.parametrize("answer", [-1, 1.5, None])
def test_wrong_answers_are_refused(rules, answer):
    rules.register(TwoCompartmentLIF)(lambda neuron_type: answer)
    with pytest.raises(NetworkGraphError, match="TwoCompartmentLIF must give a whole number"):
        neuron_costs.updates_per_step(TwoCompartmentLIF())


def test_types_without_a_rule_are_refused():
    with pytest.raises(NetworkGraphError, match="No neuron-cost rule for object"):
        neuron_costs.updates_per_step(object())
    assert neuron_costs.updates_per_step(nengo.Direct()) == 0
