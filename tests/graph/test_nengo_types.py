"""What is asked of Nengo's objects, on ends of Connections of every kind that Nengo takes."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.graph.nengo_types import is_whole

PARTS = [3, slice(1, 4), [0, 2, 1], np.array([0, 2, 1]), np.arange(6), slice(None, None, -1)]


def connected(part):
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.5], label="node")
        a = nengo.Ensemble(6, 1, label="a", neuron_type=nengo.SpikingRectifiedLinear())
        b = nengo.Ensemble(6, 1, label="b", neuron_type=nengo.SpikingRectifiedLinear())
        nengo.Connection(node, a, synapse=None)
        size = b.neurons[part].size_in
        conn = nengo.Connection(a.neurons[:size], b.neurons[part], synapse=0.005)
        probe = nengo.Probe(b.neurons)
    return net, conn, probe


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_parts_of_an_end(part):
    net, conn, probe = connected(part)
    assert not is_whole(conn.post_slice)
    # memory is told and the chip is checked before anything else: neither may trip over an array
    counted = nsc.measure(net, np.full((2, 1), 0.5), n_steps=200, simulator="compiled", seed=0)
    with nengo.Simulator(net, progress_bar=False, seed=0) as sim:
        sim.run_steps(200)
    spikes = round(sim.data[probe].sum() * sim.dt)
    assert counted.populations["b"].per_sample().tolist() == [spikes, spikes]
    report = nsc.loihi.preflight(net)
    assert "leads to a part of a population" in str(report)


def test_all_of_an_end():
    with nengo.Network(seed=0):
        a = nengo.Ensemble(6, 1)
        assert is_whole(nengo.Connection(a, a).post_slice)
        assert is_whole(nengo.Connection(a[:], a[:]).post_slice)
