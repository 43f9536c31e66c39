"""`to_nir`: what the tools make of the graphs it writes, and what it refuses.

The spikes in ``recordings_out`` are those of snnTorch 1.0.0, Norse 1.1.0 and SpikingJelly 2.0.0,
each with the graph that was written for it and its own importer (``tools/nir_out_recordings.py``).
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import nengo
import numpy as np
import pytest
from nengo.dists import Choice

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError, ConversionWarning, DataError, StackError
from nengo_spikecost.nir import CONVENTIONS, Convention, DiscreteLI, DiscreteLIF
from tests.nir.nir_out_networks import (
    DT,
    FOLDER,
    NETWORKS,
    REFUSED,
    TOOLS,
    lif,
    made,
    population,
    spikes_of,
)

nir = pytest.importorskip("nir", reason="nir needs Python 3.10")

#: Steps by which the tools are ahead: each way with a filter takes Nengo one step more.
AHEAD = {"filtered": 2}


def fields_of(node):
    """A NIR node's fields as arrays, by name."""
    return {
        key: np.asarray(value)
        for key, value in vars(node).items()
        if key not in ("metadata", "input_type", "output_type") and value is not None
    }


def assert_same_graph(graph, other):
    assert list(graph.edges) == list(other.edges)
    assert set(graph.nodes) == set(other.nodes)
    for name, node in graph.nodes.items():
        assert type(node) is type(other.nodes[name])
        own, others = fields_of(node), fields_of(other.nodes[name])
        assert own.keys() == others.keys()
        for key, value in own.items():
            # libraries of linear algebra differ in the last digits of decoders
            np.testing.assert_allclose(value, others[key], rtol=1e-5, atol=1e-9, err_msg=name)


@pytest.fixture(scope="module")
def recorded():
    """Graphs as bytes, and the tools' spikes."""
    with zipfile.ZipFile(FOLDER / "graphs.zip") as file:
        graphs = {name[: -len(".nir")]: file.read(name) for name in file.namelist()}
    return graphs, np.load(FOLDER / "spikes.npz")


@pytest.mark.filterwarnings("ignore::nengo_spikecost.errors.ConversionWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_tools_fire_as_nengo_does(name, recorded):
    graphs, spikes = recorded
    net, values = made(name)
    own = spikes_of(net, values)
    late = AHEAD.get(name, 0)
    assert own.sum() >= 15
    for tool in TOOLS:
        if (name, tool) in REFUSED:
            with pytest.raises(ConversionError, match="depth first"):
                nsc.to_nir(net, convention=tool)
            continue
        # the graph that the tool read is the one that is written today
        net, _ = made(name)
        kept = nir.read(io.BytesIO(graphs[f"{name}_{tool}"]))
        assert_same_graph(nsc.to_nir(net, convention=tool), kept)
        theirs = spikes[f"{name}_{tool}"]
        np.testing.assert_array_equal(theirs[: len(own) - late], own[late:])


RECORDINGS = Path(__file__).resolve().parent / "recordings"


@pytest.mark.filterwarnings("ignore::nengo_spikecost.errors.ConversionWarning")
@pytest.mark.parametrize(
    "name",
    ["snntorch_conv", "snntorch_rsynaptic_zero", "snntorch_integrate", "norse_cuba",
     "norse_lif_v_leak", "spikingjelly_conv1d", "spikingjelly_lif_v_reset", "spikingjelly_skip",
     "sinabs_iaf_conv", "rockpool_cuba_recurrent"],
)  # fmt: skip
def test_graph_comes_back_with_equal_meaning(name):
    """As the tool wrote it, through Nengo, and read again: the same outputs at all steps."""
    data = np.load(RECORDINGS / f"{name}.npz")
    tool = name.split("_")[0]
    about = json.loads(str(data["about"]))
    given = {"convention": tool} if tool in CONVENTIONS else {"dt": about["dt"]}
    values = data["input"][0]
    first = nsc.from_nir(RECORDINGS / f"{name}.nir", input_shape=values.shape[1:], **given)
    graph = nsc.to_nir(first)
    options = {"convention": first.reading.convention, "dt": first.reading.dt, "step_s": first.dt}
    again = nsc.from_nir(graph, **options)
    outputs = []
    for net in (first, again):
        net.input_nodes[0].output = lambda t, dt=net.dt: values[round(t / dt) - 1].ravel()
        with nengo.Simulator(net, dt=net.dt, progress_bar=False, optimize=False) as sim:
            sim.run_steps(len(values))
        outputs.append(sim.data[net.all_probes[0]])
    assert outputs[0].any()
    np.testing.assert_array_equal(outputs[0], outputs[1])


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_come_back(seed):
    """Random ways between random populations, written by NIR's equations and read again."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.3, 1, (30, 4))
    with nengo.Network(seed=seed) as net:
        inp = nengo.Node(np.zeros(4), label="input")
        kinds = [lif(rng.uniform(0.01, 0.05)), DiscreteLIF(0.9, amplitude=DT), DiscreteLIF(
            1.0, threshold=rng.uniform(1, 2, 5), current_decay=0.5, amplitude=DT)]  # fmt: skip
        parts = []
        for k in range(4):
            kind = kinds[rng.integers(3)]
            gain = 30.0 if isinstance(kind, nengo.LIF) else 1.0
            parts.append(population(5, f"part{k}", kind, gain, rng.normal(0, 0.1, 5)))
            height = 1.0 if isinstance(kind, DiscreteLIF) else DT
            weights = rng.normal(0.1, 0.5, (5, 4))
            nengo.Connection(inp, parts[k].neurons, transform=weights, synapse=None)
            for j in range(k):
                if rng.random() < 0.6:
                    pre = 1.0 if isinstance(parts[j].neuron_type, DiscreteLIF) else DT
                    weights = rng.normal(0, 0.5, (5, 5)) * pre
                    nengo.Connection(
                        parts[j].neurons, parts[k].neurons, transform=weights, synapse=None
                    )
            if rng.random() < 0.5:
                weights = rng.normal(0, 0.5, (5, 5)) * height
                nengo.Connection(parts[k].neurons, parts[k].neurons, transform=weights, synapse=0)
        probes = [nengo.Probe(part.neurons, label=f"out{k}") for k, part in enumerate(parts)]
    again = nsc.from_nir(nsc.to_nir(net), dt=DT)
    spikes = {}
    for made_net in (net, again):
        node = inp if made_net is net else again.input_nodes[0]
        node.output = lambda t: values[round(t / DT) - 1]
        with nengo.Simulator(made_net, dt=DT, progress_bar=False, optimize=False) as sim:
            sim.run_steps(len(values))
        spikes[made_net] = {p.label: sim.data[p] > 0 for p in made_net.all_probes}
    assert any(spikes[net][p.label].any() for p in probes)
    for probe in probes:
        np.testing.assert_array_equal(spikes[net][probe.label], spikes[again][probe.label])


def test_fields_by_hand():
    """tau = dt / (1 - exp(-dt / tau_rc)), r = gain, and v_leak = bias: a step of Euler's method."""
    with nengo.Network() as net:
        inp = nengo.Node([0.0, 0.0], label="in")
        ens = population(2, "lif", lif(0.02), gain=[2.0, 3.0], bias=[0.5, 0.25])
        nengo.Connection(inp, ens.neurons, transform=[[1, 2], [3, 4]], synapse=None)
    graph = nsc.to_nir(net)
    node = graph.nodes["lif"]
    np.testing.assert_allclose(node.tau, DT / (1 - np.exp(-DT / 0.02)), rtol=1e-12)
    np.testing.assert_allclose(node.r, [2, 3], rtol=1e-12)
    np.testing.assert_allclose(node.v_leak, [0.5, 0.25], rtol=1e-12)
    np.testing.assert_array_equal(graph.nodes["in_to_lif"].weight, [[1, 2], [3, 4]])
    # snnTorch: r = tau / dt with dt = 1e-4; decay exp(-1/20); one threshold; the bias in the Affine
    tool = nsc.to_nir(net, convention="snntorch")
    node, weights = tool.nodes["lif"], tool.nodes["in_to_lif"]
    np.testing.assert_allclose(1 - 1e-4 / node.tau, np.exp(-1 / 20), rtol=1e-12)
    np.testing.assert_allclose(node.r, node.tau / 1e-4, rtol=1e-12)
    assert len(np.unique(node.v_threshold)) == 1
    into = (1 - np.exp(-1 / 20)) * np.array([2, 3]) / 1  # of J, for a threshold of 1
    expected = into[:, None] * [[1, 2], [3, 4]]
    threshold = node.v_threshold[0]
    np.testing.assert_allclose(weights.weight, expected * threshold, rtol=1e-6)
    bias = (1 - np.exp(-1 / 20)) * np.array([0.5, 0.25])
    np.testing.assert_allclose(weights.bias, bias * threshold, rtol=1e-6)


def one_population(kind=None, **options):
    with nengo.Network(seed=0) as net:
        inp = nengo.Node([0.0], label="in")
        ens = population(2, "cells", kind, **options)
        nengo.Connection(inp, ens.neurons, transform=[[1], [1]], synapse=None)
    return net, inp, ens


def test_refused_by_name_all_at_once():
    net, inp, _ = one_population()
    with net:
        learned = nengo.Ensemble(3, 1, label="learned", noise=nengo.processes.WhiteNoise())
        rate = nengo.Ensemble(3, 1, label="rate", neuron_type=nengo.LIFRate())
        adapting = nengo.Ensemble(3, 1, label="adapting", neuron_type=nengo.AdaptiveLIF())
        code = nengo.Node(lambda t, x: x, size_in=1, label="code")
        conn = nengo.Connection(rate, learned, learning_rule_type=nengo.PES(), label="learns")
        nengo.Connection(adapting, code, synapse=nengo.Alpha(0.01), label="alpha")
        nengo.Connection(inp, code, function=np.square, label="squared")
        error = nengo.Node(size_in=1, label="error")
        nengo.Connection(error, conn.learning_rule, label="teaches")
    with pytest.raises(ConversionError) as caught:
        nsc.to_nir(net)
    for name in ("learned", "rate", "adapting", "code", "learns", "alpha", "squared", "teaches"):
        assert f"'{name}'" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (nengo.LIF(min_voltage=-np.inf, initial_state={"voltage": Choice([0])}), "rests for 2 ms"),
        (nengo.LIF(tau_ref=0, initial_state={"voltage": Choice([0])}), "falling below 0"),
        (nengo.LIF(tau_ref=0, min_voltage=-np.inf), "starts with membranes"),
        (nengo.SpikingRectifiedLinear(), "fires several times"),
        (DiscreteLIF(0.9, reset="subtract"), "subtracting the threshold"),
        (DiscreteLIF(0.9, several=True), "fires several times"),
    ],
)
def test_neurons_that_nir_has_nearly(kind, words):
    net, _, _ = one_population(kind)
    with pytest.raises(ConversionError, match=words):
        nsc.to_nir(net)
    with pytest.warns(ConversionWarning, match=f"'cells' .*{words}"):
        graph = nsc.to_nir(net, approximate=True)
    assert graph.nodes["cells"].v_threshold.shape == (2,)


def test_loihi_neurons_are_written():
    from nengo_loihi.neurons import LoihiSpikingRectifiedLinear

    net, _, _ = one_population(LoihiSpikingRectifiedLinear())
    with pytest.warns(ConversionWarning, match="'cells' keeps its membrane from falling"):
        graph = nsc.to_nir(net, approximate=True)
    assert type(graph.nodes["cells"]).__name__ == "IF"


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_refuse_a_membrane_as_output(tool):
    net, _, ens = one_population()
    with net:
        out = population(1, "readout", DiscreteLI(0.9), gain=1.0)
        nengo.Connection(ens.neurons, out.neurons, transform=[[1, 1]], synapse=None)
    with pytest.raises(ConversionError, match=f"'readout' would be of kind LI, which {tool}"):
        nsc.to_nir(net, convention=tool)
    assert type(nsc.to_nir(net).nodes["readout"]).__name__ == "LI"


def test_ways_of_different_lengths():
    """NIR waits with a Delay; tools have none."""
    net, inp, ens = one_population()
    with net:
        nengo.Connection(inp, ens.neurons, transform=[[1], [2]], synapse=0, label="late")
    delays = [n for n in nsc.to_nir(net).nodes.values() if isinstance(n, nir.Delay)]
    assert [n.delay.tolist() for n in delays] == [[DT, DT]]
    with pytest.raises(ConversionError, match="'late' is late by 1 more step than norse"):
        nsc.to_nir(net, convention="norse")


def test_file_is_whole_and_types_are_checked(tmp_path):
    net, _, _ = one_population()
    path = tmp_path / "net.nir"
    graph = nsc.to_nir(net, path)
    assert_same_graph(nir.read(path, type_check=True), graph)
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.nir"]
    with pytest.raises(DataError, match="there is no folder"):
        nsc.to_nir(net, tmp_path / "none" / "net.nir")


def test_arguments():
    net, inp, _ = one_population()
    with pytest.raises(ConversionError, match="convention"):
        nsc.to_nir(net, convention="brian")
    with pytest.raises(ConversionError, match=r"to_nir takes a nengo\.Network"):
        nsc.to_nir([net])
    with pytest.raises(ConversionError, match="inputs must be Nodes"):
        nsc.to_nir(net, inputs=[nengo.Node(0, add_to_container=False)])
    inp.output = [2.0]  # a constant is a bias, unless it is said to be an input
    with pytest.raises(ConversionError, match="has no inputs"):
        nsc.to_nir(net)
    assert "in" in nsc.to_nir(net, inputs=[inp]).nodes


def test_another_convention_of_ones_own():
    """Exponential decay: tau is Nengo's tau_rc, and r and v_leak its gain and bias."""
    net, _, _ = one_population(lif(0.02), gain=2.0, bias=0.5)
    node = nsc.to_nir(net, convention=Convention("mine", decay="exp", gain="exact")).nodes["cells"]
    np.testing.assert_allclose(node.tau, 0.02, rtol=1e-9)
    np.testing.assert_allclose(node.r, 2.0, rtol=1e-9)
    np.testing.assert_allclose(node.v_leak, 0.5, rtol=1e-9)


def test_without_the_package(monkeypatch):
    net, _, _ = one_population()
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(StackError, match=r"pip install 'nengo-spikecost\[nir\]'"):
        nsc.to_nir(net)


def test_neurons_with_a_bias_are_not_ahead():
    """A bias acts from the first step, filtered inputs come a step later: NIR waits with Delays."""
    rng = np.random.default_rng(5)
    values = rng.normal(0.2, 1.0, (60, 1))
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(1), label="in")
        rates = nengo.dists.Uniform(100, 200)
        cells = nengo.Ensemble(20, 1, neuron_type=lif(), label="cells", max_rates=rates)
        nengo.Connection(inp, cells, synapse=0.02)
        nengo.Connection(cells, cells, synapse=0.02)
        nengo.Probe(cells.neurons)
    with pytest.raises(ConversionError, match="moves by itself"):
        nsc.to_nir(net, convention="norse")
    again = nsc.from_nir(nsc.to_nir(net), dt=DT)
    spikes = []
    for made_net, node in ((net, inp), (again, again.input_nodes[0])):
        node.output = lambda t: values[round(t / DT) - 1]
        with nengo.Simulator(made_net, dt=DT, progress_bar=False, optimize=False) as sim:
            sim.run_steps(len(values))
        spikes.append(sim.data[made_net.all_probes[0]] > 0)
    assert spikes[0].any()
    np.testing.assert_array_equal(*spikes)
