"""Multiply-accumulates of a built model's operators, against those of the graph."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import nengo_spikecost as nsc
from nengo_spikecost.errors import EnergyError
from nengo_spikecost.graph import NetworkGraph, built_macs
from tests.models import conv_net
from tests.native.networks import NETWORKS, build, random_networks
from tests.native.operators import OperatorWork, operator_macs, operator_rules


def analytic(graph, count_zeros=False):
    """What operators should say, from the graph."""
    weights = [w.obj for w in graph.weights]
    return {
        "weights": sum(
            built_macs(obj, count_zeros) for obj in weights if isinstance(obj, nengo.Connection)
        ),
        "encoders": sum(w.macs for w in graph.weights if isinstance(w.obj, nengo.Ensemble)),
        "learning": sum(record.macs for record in graph.learning),
        "neuron_updates": sum(p.n_neurons for p in graph.populations),
    }


def of_operators(found):
    return {
        name: getattr(found, name) for name in ("weights", "encoders", "learning", "neuron_updates")
    }


@pytest.mark.parametrize("count_zeros", [False, True])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_operators_and_graph_agree(name, count_zeros):
    net = build(name)
    found = operator_macs(net, count_zeros)
    graph = NetworkGraph(net, count_zeros=count_zeros)
    assert of_operators(found) == analytic(graph, count_zeros)
    parts = ("weights", "encoders", "gains", "learning", "filters", "unused", "host")
    assert sum(found.by_operator.values()) == sum(getattr(found, part) for part in parts)


def test_the_numbers_of_known_networks():
    n, m, d = 40, 30, 2
    found = operator_macs(build("communication_channel"))
    assert (found.weights, found.encoders) == (n * d, n * d + m * d)
    # two Lowpass filters of two values, two products each
    assert (found.filters, found.gains, found.unused, found.host) == (8, 0, 0, 0)
    assert found.uncounted == ("SimPyFunc (1 times)",)
    assert found.by_operator == {"DotInc": 2 * n * d + m * d, "SimProcess": 8}
    found = operator_macs(build("integrator"))
    assert (found.weights, found.encoders, found.neuron_updates) == (60 + 1, 60, 60)
    # decoders and weights: 3 outputs of 12 neurons; 9 x 12, and an error of 2 or 3 dimensions
    # (of the slice, or the target's state) encoded for 9 neurons
    found = operator_macs(build("pes"))
    assert found.learning == 3 * 12 + (9 * 12 + 9 * 2) + (9 * 12 + 9 * 3)
    assert operator_macs(build("voja")).learning == 2 * 9 * 3
    assert operator_macs(build("bcm_and_oja")).learning == (1 + 2) * 9 * 12 + 2 * 10 * 12
    assert operator_macs(build("rls")).learning == 2 * 12**2 + 12 + 3 * 12


def test_transforms_are_multiplied_out_in_operators_and_kept_in_the_graph():
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(100, 3), nengo.Ensemble(50, 3)
        nengo.Connection(a, b, function=lambda x: x[0], transform=np.ones((3, 1)))
    graph = NetworkGraph(net)
    assert [w.macs for w in graph.weights] == [100 + 3, 50 * 3]
    assert operator_macs(net).weights == 3 * 100
    assert operator_macs(net).unused == 100 * 3  # nothing is decoded into the first Ensemble


@pytest.mark.parametrize(
    "synapse, macs",
    [
        (nengo.Lowpass(0.01), 2), (nengo.Alpha(0.01), 8), (nengo.LinearFilter([1], [1]), 1),
        (nengo.LinearFilter([1, 1], [0.01, 1]), 4), (nengo.Triangle(0.01), 2), (None, 0),
    ],
)  # fmt: skip
def test_filters(synapse, macs):
    with nengo.Network(seed=0) as net:
        a = nengo.Node(np.zeros(5))
        nengo.Connection(a, nengo.Node(size_in=5), synapse=synapse)
    assert operator_macs(net).filters == 5 * macs


def test_simulators_models_and_conversions():
    net = build("circular_convolution")
    expected = operator_macs(net)
    for optimize in (False, True):
        with nengo.Simulator(net, optimize=optimize, progress_bar=False) as sim:
            assert operator_macs(sim) == expected
    model = nengo.builder.Model()
    model.build(net)
    assert operator_macs(model) == expected
    with pytest.raises(EnergyError, match="not of int"):
        operator_macs(3)


def test_unseeded_simulators_are_counted_as_they_were_built():
    with nengo.Network() as net:
        a = nengo.Ensemble(30, 1)
        nengo.Connection(a, nengo.Node(size_in=1), solver=nengo.solvers.LstsqDrop(drop=0.5))
    with nengo.Simulator(net, progress_bar=False) as sim:
        decoders = sim.data[net.all_connections[0]].weights
        assert operator_macs(sim).weights == np.count_nonzero(decoders)


def test_converted_networks():
    import tensorflow as tf

    conversion = nsc.convert(conv_net(tf.keras), scale_firing_rates=100, synapse=0.005)
    found, graph = operator_macs(conversion), NetworkGraph(conversion)
    # pathways of constants are no part of the graph's weights, but Nengo has them
    used = {w.obj for w in graph.weights}
    biases = [c for c in conversion.net.all_connections if c not in used]
    assert found.weights == sum(w.macs for w in graph.weights) + sum(map(built_macs, biases))
    assert sum(w.macs for w in graph.weights) > 0 and biases
    # Nengo core encodes, for every neuron, what is never decoded
    assert found.unused == found.neuron_updates == conversion.net.n_neurons
    assert found.encoders == 0


def test_poisson_neurons_are_updated_once():
    with nengo.Network(seed=0) as net:
        nengo.Ensemble(7, 1, neuron_type=nengo.PoissonSpiking(nengo.LIFRate()))
        nengo.Ensemble(5, 1, neuron_type=nengo.RegularSpiking(nengo.LIFRate()))
    assert operator_macs(net).neuron_updates == 12


def test_operators_of_ones_own():
    class Halve(nengo.builder.Operator):
        def __init__(self, signal):
            super().__init__()
            self.sets, self.incs, self.reads, self.updates = [], [], [], [signal]

    model = nengo.builder.Model()
    model.build(build("integrator"))
    before = operator_macs(model)
    model.add_op(Halve(nengo.builder.signal.Signal(np.zeros(3))))
    assert operator_macs(model).uncounted == ("Halve (1 times)", *before.uncounted)
    operator_rules.register(Halve)(lambda op, count_zeros: OperatorWork(macs=op.updates[0].size))
    try:
        assert operator_macs(model).weights == before.weights + 3
    finally:
        del operator_rules._rules[Halve]


# Networks are built anew for each example, which takes tens of milliseconds.
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(random_networks())
def test_random_networks(net):
    model = nengo.builder.Model()
    model.build(net)
    for count_zeros in (False, True):
        graph = NetworkGraph(net, count_zeros=count_zeros)
        assert of_operators(operator_macs(model, count_zeros)) == analytic(graph, count_zeros)


@pytest.mark.parametrize(
    "solver",
    [nengo.solvers.LstsqDrop(drop=0.4), nengo.solvers.Nnls()],
    ids=lambda s: type(s).__name__,
)
def test_sparse_decoders_are_known_once_they_are_solved_for(solver):
    """The graph counts what has to be allotted; the operators what is not zero."""
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(40, 1)
        nengo.Connection(a, nengo.Node(size_in=1), solver=solver, function=np.square)
    with nengo.Simulator(net, progress_bar=False) as sim:
        nonzero = np.count_nonzero(sim.data[net.all_connections[0]].weights)
        assert operator_macs(sim).weights == nonzero < 40
        assert operator_macs(sim, count_zeros=True).weights == 40
    assert NetworkGraph(net).weights[0].macs == 40
