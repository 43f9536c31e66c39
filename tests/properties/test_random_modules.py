"""Networks put together of modules at random: synapses and spikes are those that Nengo builds."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nengo_spikecost as nsc
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.workload.exact import count
from tests.native.brute_force import simulate, synapse_counts

D = 2
"""Dimensions that every module takes and gives."""
N_STEPS = 8


def array(rng):
    made = nengo.networks.EnsembleArray(rng.randint(6, 12), D)
    if rng.rand() < 0.5:
        return made.input, made.add_output("f", [np.square, np.sin] if rng.rand() < 0.5 else np.abs)
    return made.input, made.output


def product(rng):
    made = nengo.networks.Product(rng.randint(4, 8) * 2, D)
    relay = nengo.Node(size_in=D)
    nengo.Connection(relay, made.input_a, synapse=None)
    # not [::-1], which Nengo's optimizer takes apart: findings/nengo_optimizer_reversed.sh
    nengo.Connection(relay[[1, 0]], made.input_b, transform=rng.randn(D, D), synapse=None)
    return relay, made.output


def bound(rng):
    made = nengo.networks.CircularConvolution(rng.randint(4, 6), D)
    relay = nengo.Node(size_in=D)
    nengo.Connection(relay, made.input_a, synapse=None)
    nengo.Connection(relay, made.input_b, synapse=None)
    return relay, made.output


def memory(rng):
    made = nengo.networks.EnsembleArray(rng.randint(6, 12), D)
    feedback = rng.randn(D, D) * (rng.rand(D, D) < 0.7)
    nengo.Connection(made.output, made.input, transform=feedback, synapse=0.1)
    return made.input, made.output


def ensemble(rng):
    made = nengo.Ensemble(rng.randint(8, 15), D)
    return made, made


def selected(rng):
    """A module of nengo_spa that has no vocabulary."""
    from nengo_spa.networks.selection import WTA

    made = WTA(rng.randint(6, 10), D, threshold=0.1)
    return made.input, made.output


MODULES = (array, product, bound, memory, ensemble, selected)


@st.composite
def networks(draw):
    rng = np.random.RandomState(draw(st.integers(0, 10**6)))
    with nengo.Network(seed=rng.randint(100)) as net:
        # a neuron that no evaluation point makes fire has decoders of zero
        net.config[nengo.Ensemble].intercepts = nengo.dists.Uniform(-1, 0.1)
        ends = [MODULES[rng.randint(len(MODULES))](rng) for _ in range(rng.randint(2, 5))]
        nengo.Connection(nengo.Node(rng.uniform(-1, 1, D), label="given"), ends[0][0])
        for number in range(1, len(ends)):
            for _ in range(rng.randint(1, 3)):
                source = ends[rng.randint(number)][1]
                weights = rng.randn(D, D) * (rng.rand(D, D) < 0.7)
                if rng.rand() < 0.3:  # through one more Node, or a part of one
                    relay = nengo.Node(size_in=2 * D)
                    nengo.Connection(source, relay[:D], transform=weights)
                    nengo.Connection(relay[rng.choice(2 * D, D)], ends[number][0], synapse=None)
                else:
                    nengo.Connection(source, ends[number][0], transform=weights)
    return net


@settings(max_examples=2, suppress_health_check=list(HealthCheck), deadline=None)
@given(networks())
def test_random_modules(net):
    check(net)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(networks())
def test_many_random_modules(net):
    check(net)


def check(net):
    graph = NetworkGraph(net)
    assert graph.uncounted == ()
    sim, spikes = simulate(net, N_STEPS)
    expected = synapse_counts(net, sim)
    found = {
        p.connections: p for p in graph.pathways if p.kind in ("neural", "readout") and p.n_synapses
    }
    assert set(found) >= set(expected)
    activity = nsc.measure(net, None, N_STEPS, simulator="nengo", progress=False)
    work = {p.name: p for p in count(graph, activity).pathways}
    for route, pathway in found.items():
        targets = expected.get(route, np.zeros_like(pathway.fan_out))
        emitted = spikes[pathway.pre.ensemble].sum(axis=0)
        # decoders may come out as zero, of some neurons or, of a square root at zero say, of all
        reached = targets > 0
        np.testing.assert_array_equal(pathway.fan_out[reached], targets[reached], pathway.name)
        if not reached.all():
            assert not np.any(sim.data[route[0]].weights[:, ~reached])
        if pathway.kind == "neural":
            assert work[pathway.name].synops.tolist() == [emitted @ pathway.fan_out]
