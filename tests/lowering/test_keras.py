"""Converted Keras models, lowered: the same rates, and no relays between neurons."""

from __future__ import annotations

import nengo
import pytest
from nengo.ensemble import Neurons

from nengo_spikecost.conversion import convert
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.lowering import lower

from .architectures import ARCHITECTURES, model
from .comparison import assert_same_rates, assert_unchanged, snapshot


def converted(name):
    return convert(model(name), neuron_type="RectifiedLinear", synapse=0.005)


def neural_connections(network):
    """Connections to neurons from anything but data."""
    return [
        c
        for c in network.all_connections
        if isinstance(c.post_obj, Neurons) and isinstance(c.pre_obj, Neurons)
    ]


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_same_rates(name):
    conversion = converted(name)
    before = snapshot(conversion.net)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    assert_unchanged(conversion.net, before)
    assert_same_rates(conversion.net, lowering, conversion.input_nodes)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_form(name):
    conversion = converted(name)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    found = neural_connections(lowering.network)
    assert {type(c.transform).__name__ for c in found} <= ARCHITECTURES[name][1]
    for conn in lowering.network.all_connections:
        if isinstance(conn.post_obj, Neurons):
            assert not (isinstance(conn.pre_obj, nengo.Node) and conn.pre_obj.output is None)
    assert not [change for change in lowering.changes if change.kind == "left"]


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_same_synapses(name):
    conversion = converted(name)
    lowering = lower(conversion.net, keep=conversion.input_nodes)

    def synapses(graph):
        found = {}
        for pathway in graph.pathways:
            if pathway.kind == "neural":
                key = (pathway.pre.name, pathway.post.name)
                found[key] = found.get(key, 0) + pathway.n_synapses
        return found

    before = synapses(NetworkGraph(conversion.net))
    after = synapses(NetworkGraph(lowering.network))
    assert before.keys() == after.keys()
    for key, count in after.items():
        # Two routes between the same two are two sets of synapses before, one after.
        assert count <= before[key]
        routes = [p for p in NetworkGraph(conversion.net).pathways if p.kind == "neural"]
        if sum((p.pre.name, p.post.name) == key for p in routes) == 1:
            assert count == before[key]
