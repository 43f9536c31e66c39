"""Networks made of modules: counted against matrices, and emulated, by Nengo and NengoLoihi."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.errors import MeasurementError
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.workload.exact import count
from tests.native import networks
from tests.native.brute_force import simulate, synapse_counts
from tests.native.module_networks import MODULES, build, state, vocabulary

spa = pytest.importorskip("nengo_spa")

pytestmark = pytest.mark.filterwarnings(
    "ignore::nengo_spikecost.errors.EmulationWarning", "ignore:Could not create a semantic pointer"
)
N_STEPS = 15
#: Functions of Nodes: what they compute on the host can't be known.
FUNCTIONS = {"transcode": ["node #3"]}


def some_slow(names, quick):
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize(
    "name",
    some_slow(sorted(MODULES), ("transcode", "memories", "product", "arrays", "basal_ganglia")),
)
def test_synops_of_modules_are_those_of_the_built_matrices(name):
    """All synops but those of neurons that have no decoders, as no evaluation point drives them."""
    net = build(name)
    graph = NetworkGraph(net)
    assert [u.name for u in graph.uncounted] == FUNCTIONS.get(name, [])
    sim, spikes = simulate(net, N_STEPS)
    expected = synapse_counts(net, sim)
    routes = {p.connections: p for p in graph.pathways if p.kind in ("neural", "readout")}
    assert set(expected) == {route for route, p in routes.items() if p.n_synapses}
    activity = nsc.measure(net, None, N_STEPS, simulator="nengo", progress=False)
    work = {p.name: p for p in count(graph, activity).pathways}
    total = 0
    for route, targets in expected.items():
        pathway = routes[route]
        decoded = targets > 0
        if not decoded.all() and route[0] in sim.data:
            decoders = sim.data[route[0]].weights
            assert not np.any(decoders[:, ~decoded])  # those that no pathway could know before
        np.testing.assert_array_equal(pathway.fan_out[decoded], targets[decoded], pathway.name)
        emitted = spikes[pathway.pre.ensemble].sum(axis=0)
        if pathway.kind == "neural" and decoded.all():
            assert work[pathway.name].synops.tolist() == [emitted @ targets]
            total += emitted @ targets
    assert total > 0 or name == "gated_memory"


@pytest.mark.parametrize("name", some_slow(sorted(MODULES), ("transcode", "arrays")))
def test_modules_are_emulated_as_nengo_loihi_emulates_them(name):
    counts = [
        nsc.measure(build(name), None, N_STEPS, simulator=simulator, progress=False)
        for simulator in ("loihi", "nengo_loihi")
    ]
    for population, record in counts[1].populations.items():
        np.testing.assert_array_equal(record.counts, counts[0].populations[population].counts)
    assert sum(record.counts.sum() for record in counts[1].populations.values()) > 0


def test_ends_of_modules_have_the_names_of_what_they_were_made_as():
    """nengo_spa turns a Node that is an end of a module into a ``Connector<Node>``."""
    graph = NetworkGraph(build("transcode"))
    names = [end.name for end in (*graph.populations, *graph.sources, *graph.sinks)]
    assert {"node", "node #3"} <= set(names) and not [name for name in names if "<" in name]
    assert "<" not in "".join(pathway.name.replace("->", "") for pathway in graph.pathways)


@pytest.mark.filterwarnings("ignore:.*initial values for 'voltage'")
def test_nodes_that_speak_of_one_vocabulary_run_in_nengo_dl():
    """It calls those without input for all steps at first, which a strict vocabulary allows."""
    spikes = []
    for simulator in ("nengo_dl", "nengo"):
        with spa.Network(seed=1) as net:
            words = vocabulary()
            one = spa.Transcode(lambda t: "A" if t < 0.02 else "B", output_vocab=words)
            two = spa.Transcode(lambda t: "A * B", output_vocab=words)
            a, b = state(words), state(words)
            _ = one >> a, two >> b
        activity = nsc.measure(net, None, 30, simulator=simulator, progress=False)
        spikes.append(sum(record.counts.sum() for record in activity.populations.values()))
    assert spikes[0] == spikes[1] > 0


def test_nodes_that_draw_pointers_as_they_go_do_not():
    """A vocabulary that is not strict draws a pointer when it meets a name: in which order?"""
    with spa.Network(seed=1) as net:
        words = vocabulary(strict=False)
        for name in ("X", "Y"):
            node = spa.Transcode(lambda t, name=name: name, output_vocab=words)
            _ = node >> state(words)
    with pytest.raises(MeasurementError, match="share what they remember"):
        nsc.measure(net, None, 5, simulator="nengo_dl", progress=False)


def test_a_vocabulary_that_a_function_adds_to_is_told():
    with spa.Network(seed=1) as net:
        words = vocabulary()

        def grows(t):
            if f"N{round(1000 * t)}" not in words:
                words.add(f"N{round(1000 * t)}", words.create_pointer())
            return "A"

        _ = spa.Transcode(grows, output_vocab=words) >> state(words)
    with pytest.warns(nsc.errors.MeasurementWarning, match="pointers of vocabulary"):
        nsc.measure(net, None, 5, simulator="nengo", progress=False)


def test_connections_with_anonymous_functions_have_names():
    from nengo_spikecost.graph.naming import in_names

    with nengo.Network():
        a, b = nengo.Ensemble(5, 1, label="a"), nengo.Ensemble(5, 1, label="b")
        conn = nengo.Connection(a, b, function=lambda x: x**2)
    assert in_names(str(conn), {a: "a", b: "b"}) == "a -> b computing '<lambda>'"


@pytest.mark.parametrize("name", ["aml", "delta_rule"])
def test_learning_rules_that_nengo_dl_has_not_say_who_has_them(name):
    with pytest.raises(MeasurementError, match=r"NengoDL can't run this.*simulator='compiled'"):
        nsc.measure(networks.build(name), None, 3, simulator="nengo_dl", progress=False)
    counts = [
        nsc.measure(networks.build(name), None, 20, simulator=simulator, progress=False)
        for simulator in ("compiled", "nengo")
    ]
    for population, record in counts[0].populations.items():
        np.testing.assert_array_equal(record.counts, counts[1].populations[population].counts)
