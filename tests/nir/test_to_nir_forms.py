"""`to_nir` of networks of forms that no tool recorded: their spikes come back, step by step."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError
from tests.nir.nir_out_networks import DT, join, population
from tests.nir.plain_graphs import graph, lif, node
from tests.tools import tool

pytest.importorskip("nir", reason="nir needs Python 3.10")

run = tool("nir_cases").run
N_STEPS = 30


def outputs(net, values):
    """What every Probe has at every step, by label, in Nengo's simulator."""
    is_graph = hasattr(net, "input_nodes")
    given = net.input_nodes[0] if is_graph else net.all_nodes[0]
    if is_graph and len(net.input_shapes["input"]) > 1:  # channels come first in NIR
        channels, height, width = net.input_shapes["input"]
        values = np.moveaxis(values.reshape(-1, height, width, channels), -1, 1)
        values = values.reshape(len(values), -1)
    before, given.output = given.output, lambda t: values[round(t / DT) - 1]
    with nengo.Simulator(net, dt=DT, progress_bar=False, optimize=False) as sim:
        sim.run_steps(len(values))
    given.output = before
    return {probe.label: sim.data[probe] for probe in net.all_probes}


def upsampling(rng):
    """A transposed convolution, for which NIR has a matrix."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(18), label="input")
        a = population(18, "a")
        join(inp, a.neurons)
        up = nengo.ConvolutionTranspose(
            3, (3, 3, 2), kernel_size=(2, 2), strides=(2, 2), channels_last=True,
            init=rng.normal(0, 0.7, (2, 2, 2, 3)) * DT,
        )  # fmt: skip
        b = population(up.size_out, "b")
        join(a.neurons, b.neurons, up)
        nengo.Probe(b.neurons, label="out")
    return net


def two_ways_and_outputs(rng, dense_from="d"):
    """A convolution and a matrix to the same population, and two outputs of which one is a part."""
    with nengo.Network(seed=1) as net:
        inp = nengo.Node(np.zeros(50), label="input")
        conv = nengo.Convolution(
            3, (5, 5, 2), kernel_size=(3, 3), init=rng.normal(0, 0.3, (3, 3, 2, 3))
        )
        b, d = population(conv.size_out, "b"), population(4, "d")
        join(inp, b.neurons, conv)
        join(inp, d.neurons, rng.normal(0, 0.3, (4, 50)))
        if dense_from == "d":
            join(d.neurons, b.neurons, rng.normal(0, 0.5, (27, 4)) * DT)
        else:
            join(inp, b.neurons, rng.normal(0, 0.1, (27, 50)))
        nengo.Probe(b.neurons, label="whole")
        nengo.Probe(b.neurons[1:20:3], label="part")
        nengo.Probe(d.neurons, label="other")
    return net


@pytest.mark.parametrize(
    "make", [upsampling, two_ways_and_outputs, lambda rng: two_ways_and_outputs(rng, "input")]
)
def test_spikes_come_back(make):
    """NIR's spike is a 1, of a part of a population too."""
    rng = np.random.default_rng(0)
    net = make(rng)
    values = rng.normal(0.3, 1, (N_STEPS, net.all_nodes[0].size_out))
    own = outputs(net, values)
    again = outputs(nsc.from_nir(nsc.to_nir(net)), values)
    assert own.keys() == again.keys()
    for name, spikes in own.items():
        assert spikes.any()
        if name == "whole":  # reached by a convolution: flat, and channels first
            spikes = np.moveaxis(spikes.reshape(-1, 3, 3, 3), -1, 1).reshape(len(spikes), -1)
        np.testing.assert_array_equal(again[name], spikes * DT)


def test_one_more_output_is_refused_by_name_for_tools():
    net = two_ways_and_outputs(np.random.default_rng(0))
    with pytest.raises(ConversionError, match="objects that norse has no form of") as error:
        nsc.to_nir(net, convention="norse")
    assert "'part', 'other': is one more output, and norse reads one" in str(error.value)


@pytest.mark.parametrize("lowered", [True, False])
def test_a_graph_that_takes_spikes_comes_back(lowered):
    """What makes spikes of its values is no node, and does not take the input's name."""
    rng = np.random.default_rng(0)
    nodes = {
        "input": node("Input", shape=np.array([3])), "a": lif(3, dt=DT, threshold=0.5),
        "w": node("Linear", weight=rng.normal(0.3, 1, size=(2, 3))), "b": lif(2, dt=DT),
        "output": node("Output", shape=None),
    }  # fmt: skip
    first = nsc.from_nir(graph(nodes), spikes=True, lowered=lowered)
    given = nsc.to_nir(first)
    assert list(given.nodes) == ["input", "a", "b", "w", "output"]
    x = rng.integers(0, 3, (2, N_STEPS, 3))
    again = nsc.from_nir(given, spikes=True)
    spikes = [run(net, x) for net in (first, again)]
    for name in ("a", "b"):
        assert spikes[0][name].any()
        np.testing.assert_array_equal(*(own[name] for own in spikes))
    synops = [
        nsc.NetworkEnergy(net, nsc.measure(net, x, progress=False)).workload() for net in
        (first, again)
    ]  # fmt: skip
    counted = [
        {(p.pre, p.post): p.synops.tolist() for p in own.pathways if p.kind == "neural"}
        for own in synops
    ]
    assert counted[0] == counted[1] and set(counted[0]) == {("input", "a"), ("a", "b")}


@pytest.mark.parametrize("convention", ["nir", "snntorch", "norse", "spikingjelly"])
def test_the_steps_that_were_written_are_taken_again(convention, tmp_path):
    """NIR has no field for a step: it is in the metadata, of a file too."""
    dt = 0.002
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(2), label="input")
        cells = population(2, "cells", gain=2.0)
        nengo.Connection(inp, cells.neurons, synapse=None)
    path = tmp_path / "net.nir"
    written = nsc.to_nir(net, path, dt=dt, convention=convention)
    for given in (written, path):
        again = nsc.from_nir(given)
        assert again.dt == dt
        assert again.reading.dt == {"nir": dt, "norse": 1e-3}.get(convention, 1e-4)
        assert nsc.from_nir(given, dt=0.5e-4, step_s=0.003).dt == 0.003
    written.metadata["dt"] = "soon"  # of another writer: the graph's own numbers tell
    assert nsc.from_nir(written, dt=1e-4).reading.dt == 1e-4
