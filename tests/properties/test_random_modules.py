"""Networks put together of modules at random: synapses and spikes are those that Nengo builds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nengo_spikecost as nsc
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.workload.exact import count
from tests.native.brute_force import simulate, synapse_counts
from tests.native.random_modules import random_network

N_STEPS = 8
SEEDS = st.integers(0, 10**6)


@settings(max_examples=2, suppress_health_check=list(HealthCheck), deadline=None)
@given(SEEDS)
def test_random_modules(seed):
    check(random_network(seed))


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(SEEDS)
def test_many_random_modules(seed):
    check(random_network(seed))


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
