"""The parts of a subnetwork as one row of graphs, workloads and mappings; records have all."""

from __future__ import annotations

import json

import nengo
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.loihi import place


@pytest.fixture(scope="module")
def net():
    return network()


def network():
    with nengo.Network(seed=0) as net:
        a = nengo.networks.EnsembleArray(10, 16, label="a")
        b = nengo.networks.EnsembleArray(12, 16, label="b")
        alone = nengo.Ensemble(20, 2, label="alone")
        nengo.Connection(nengo.Node([0.5] * 16, label="given"), a.input)
        nengo.Connection(a.output, b.input)
        nengo.Connection(b.output[:2], alone)
        nengo.Probe(nengo.Node(size_in=2, label="out"))
        nengo.Connection(alone, net.nodes[-1])
    return net


def test_the_graph_has_a_line_for_each_array_and_for_the_pathways_between_two(net):
    graph = nsc.NetworkGraph(net)
    lines = str(graph).splitlines()
    # by hand: each of 16 to the one of its number; 2 of b are read by the population alone, and
    # the array's output is by nothing else
    assert [line.split(maxsplit=1)[1] for line in lines[1:4]] == [
        "alone: 20 LIF", "a: 16 x 10 LIF", "b: 16 x 12 LIF",
    ]  # fmt: skip
    assert "  input       given -> a: 16 pathways [layer a, on the host]" in lines
    assert "  neural      a -> b: 16 pathways [layer b]" in lines
    assert "  readout     alone -> out [layer out, on the host]" in lines
    assert len(lines) < 12 and len(graph.pathways) == 16 + 16 + 2 + 1
    assert len(graph.to_frame()) == len(graph.pathways)


def test_a_workload_has_a_row_for_each_array(net):
    workload = nsc.NetworkEnergy(net).workload()
    text = str(workload)
    assert "a (16 x 10)" in text and "b (16 x 12)" in text and "a_3" not in text
    rows = {row["layer"]: row for row in json.loads(workload.to_json())["layers"]}
    # each neuron of an Ensemble has a synapse to each of the 12 in the one of its number
    assert [rows[f"b_{k}"]["connections"] for k in range(16)] == [10 * 12] * 16
    assert "a_15 (Ensemble)" in workload.to_html()


def test_a_mapping_has_a_row_for_each_array_and_for_the_neurons_that_decode(net):
    mapping = place(net)
    rows = str(mapping).splitlines()
    # a block an Ensemble, and one for the decoders of each that another on the chip reads
    assert [row.split()[:2] for row in rows if row.startswith(("a  ", "b  "))] == [
        ["a", "16"], ["b", "16"],
    ]  # fmt: skip
    assert [row.split()[:4] for row in rows if row.startswith(("a ->", "b ->"))] == [
        ["a", "->", "b", "16"], ["b", "->", "alone", "2"],
    ]  # fmt: skip
    assert "a_3" not in str(mapping) and "-> a (host)" in str(mapping)
    blocks = [block["layer"] for block in mapping.to_dict()["blocks"]]
    assert len(blocks) == mapping.n_cores
    assert [blocks.count(name) for name in ("a_3", "b_15", "a_3 -> b_3", "alone")] == [1] * 4


def test_an_activity_has_a_row_for_each_array(net):
    """Spikes of a row are those of its Ensembles together, its rate that of all their neurons."""
    activity = nsc.measure(net, None, 50, simulator="compiled", progress=False)
    lines = [line.split() for line in str(activity).splitlines()]
    rows = {line[0]: line for line in lines if line and line[0] in ("a", "b", "alone")}
    assert len(rows) == 3 and "a_3" not in str(activity)
    for name, size in (("a", 10), ("b", 12)):
        own = [
            int(r.counts.sum())  # NumPy 1 adds 0 and an unsigned number to a float
            for key, r in activity.populations.items()
            if key.startswith(name + "_")
        ]
        assert len(own) == 16 and sum(own) > 0
        rate = f"{sum(own) / (16 * size * 0.05):,.1f}"
        assert rows[name][1:] == ["(16", "x", f"{size})", f"{16 * size:,}", f"{sum(own):,}", rate]
    assert list(activity.to_frame().index) == list(activity.populations)
    assert len(json.loads(activity.to_json())["populations"]) == 33


def test_blocks_have_one_order_in_every_build():
    """NengoLoihi goes through sets of Connections by their addresses in memory (patch P19)."""
    kept, orders = [], set()
    for _ in range(6):
        kept.append(network())
        mapping = place(kept[-1])
        names = tuple(block["layer"] for block in mapping.to_dict()["blocks"])
        hops = [line for line in str(mapping).splitlines() if "east-west" in line]
        orders.add((names, *hops))
    assert len(orders) == 1 and len(hops) == 1
