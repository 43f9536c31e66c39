"""What is left to the host of a chip."""

from __future__ import annotations

import nengo
import nengo_loihi
import numpy as np

from nengo_spikecost.graph import HOST_ROLES, NetworkGraph


def parts(net):
    return {(part.name, part.role): part for part in NetworkGraph(net).host}


def network():
    """Data, two populations, a Node that computes between them, and an output."""
    with nengo.Network(seed=0) as net:
        data = nengo.Node(np.zeros(3), label="data")
        a = nengo.Ensemble(20, 2, label="a")
        b = nengo.Ensemble(10, 1, label="b")
        relay = nengo.Node(size_in=2, label="relay")
        square = nengo.Node(lambda t, x: x**2, size_in=2, label="square")
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(data, a, transform=np.ones((2, 3)))
        nengo.Connection(a, relay)
        nengo.Connection(relay, square)
        nengo.Connection(relay, b, transform=np.ones((1, 2)))
        nengo.Connection(square, b, transform=np.ones((1, 2)))
        nengo.Connection(b, out)
        nengo.Probe(out)
    return net


def test_roles():
    found = parts(network())
    macs = {key: part.macs for key, part in found.items()}
    assert macs == {
        ("data -> a", "input"): 3 * 2,
        ("encoders of a", "input"): 20 * 2,  # currents are sent to neurons on the chip
        ("a -> relay", "readout"): 20 * 2,  # decoded for the square
        ("square -> b", "function"): 2,
        ("encoders of b", "function"): 10,
        ("b -> out", "readout"): 10,
    }
    assert {role for _, role in macs} <= set(HOST_ROLES)


def test_an_output_that_nothing_reads_is_never_built():
    # NengoLoihi 1.1.0, passthrough.py: a group of Nodes without Connections out of it, and Probes
    net = network()
    net.probes.clear()
    assert ("b -> out", "readout") not in parts(net)
    graph = NetworkGraph(net)
    assert graph.pathway("b -> out").place == "nowhere"
    assert "b -> out [layer out, read by nothing]" in str(graph)
    assert {w.name for w in graph.weights} >= {"b -> out"}  # a dense machine runs it as written


def test_populations_off_the_chip():
    net = network()
    assert all(p.on_chip for p in NetworkGraph(net).populations)
    nengo_loihi.add_params(net)
    assert all(p.on_chip for p in NetworkGraph(net).populations)
    net.config[net.ensembles[1]].on_chip = False
    graph = NetworkGraph(net)
    assert [p.on_chip for p in graph.populations] == [True, False]
    neural = [p for p in graph.pathways if p.kind == "neural"]
    assert neural
    assert not any(p.on_chip for p in neural)  # all of them lead to b
    found = parts(net)
    assert found["encoders of b", "neurons"].macs == 10
    # what leads on from the relay is the host's too
    assert found["relay -> b", "neurons"].macs == 2
