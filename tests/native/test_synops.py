"""Native networks counted, against matrices, spikes and weights of ``nengo.Simulator``."""

from __future__ import annotations

import warnings

import nengo
import nengo_loihi
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from nengo_loihi.splitter import HostChipSplit

import nengo_spikecost as nsc
from nengo_spikecost.graph import (
    NetworkGraph,
    Updates,
    factored_forms,
    learned_shape,
    learning_rules,
    rules_of,
)
from nengo_spikecost.workload.exact import count
from tests.native.brute_force import has_neurons, simulate, synapse_counts
from tests.native.networks import LEARNING, NETWORKS, build, random_networks

N_STEPS = 60


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_synops_are_those_of_the_built_matrices(name):
    net = build(name)
    sim, spikes = simulate(net, N_STEPS)
    activity = nsc.measure(net, None, N_STEPS, simulator="nengo")
    graph = NetworkGraph(net)
    work = {p.name: p for p in count(graph, activity).pathways}
    split = HostChipSplit(net)
    expected = synapse_counts(net, sim)
    # a route whose matrices multiply to zero is a pathway without synapses
    found = {
        p.connections: p for p in graph.pathways if p.kind in ("neural", "readout") and p.n_synapses
    }
    assert set(found) == set(expected)
    total = 0
    for route, targets in expected.items():
        pathway = found[route]
        # every neuron that fires at all has decoders
        np.testing.assert_array_equal(pathway.fan_out, targets, err_msg=pathway.name)
        emitted = spikes[pathway.pre.ensemble].sum(axis=0)
        np.testing.assert_array_equal(activity.populations[pathway.pre.name].counts[0], emitted)
        if pathway.kind == "neural":
            # targets and errors of learned Connections are on NengoLoihi's host: no synops
            done = work[pathway.name]
            counted = done.synops if pathway.on_chip else done.events
            assert counted.tolist() == [emitted @ targets]
            assert pathway.on_chip == (split.on_chip(pathway.pre.ensemble)
                                       and split.on_chip(pathway.post.ensemble))  # fmt: skip
            total += emitted @ targets
    assert total > 0


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_factored_forms_are_those_of_the_built_model(name):
    """A spike passes decoders or weights; then sums are multiplied at every step."""
    net = build(name)
    sim, spikes = simulate(net, N_STEPS)
    graph = NetworkGraph(net)
    for form in factored_forms(graph):
        obj = form.weights.obj
        if isinstance(obj, nengo.Ensemble):
            assert form.pre is None and form.per_spike is None
            assert form.per_step == np.count_nonzero(sim.data[obj].encoders)
            continue
        built = sim.data[obj].weights
        start = obj.pre_obj
        if not has_neurons(start) and not isinstance(start, nengo.ensemble.Neurons):
            assert form.pre is None and form.per_spike is None
            size = 0 if built is None else np.broadcast_to(built, built.shape or obj.size_out)
            assert form.per_step == np.count_nonzero(size)
            continue
        if has_neurons(start):
            factored = built.shape[0] == obj.size_mid or obj.learning_rule is not None
            per_spike = np.full(start.n_neurons, built.shape[0] if factored else obj.size_mid)
            if isinstance(obj.post_obj, nengo.Ensemble) and obj.solver.weights:
                per_spike[:] = obj.post_obj.n_neurons
        else:
            weights = np.ones(1) if built is None else built
            if isinstance(obj.transform, nengo.Convolution):
                per_spike = graph.pathways_from("image")[0].fan_out
            else:
                weights = weights.toarray() if hasattr(weights, "toarray") else weights
                per_spike = np.zeros(start.size_out, dtype=int)
                per_spike[obj.pre_slice] = (
                    np.count_nonzero(weights, axis=0) if weights.ndim == 2 else 1
                )
        np.testing.assert_array_equal(form.per_spike, per_spike, err_msg=form.name)
        assert form.weights.macs in (0, form.per_spike.sum() + form.per_step)
        counts = spikes[form.pre.ensemble].sum(axis=0)
        operations = form.operations(counts[None], N_STEPS)
        assert operations.tolist() == [counts @ per_spike + N_STEPS * form.per_step]


def test_both_forms_of_a_communication_channel():
    net = build("communication_channel")
    graph = NetworkGraph(net)
    forms = {form.name: form for form in factored_forms(graph)}
    n, m, d = 40, 30, 2
    assert graph.pathway("a -> b").fan_out.tolist() == [m] * n
    assert forms["a -> b"].per_spike.tolist() == [d] * n and forms["a -> b"].per_step == 0
    assert forms["encoders of b"].per_step == m * d
    assert forms["stimulus -> a"].per_step == 0
    a, b = net.all_ensembles
    with net:
        nengo.Connection(a, b, function=lambda x: x[0], transform=[[1], [2]])
    form = factored_forms(NetworkGraph(net))[2]
    assert form.per_spike.tolist() == [1] * n and form.per_step == 2


def changed_weights(net, conn, modifies):
    """How many entries of the learned matrix differ after a step, of a run under way."""
    with nengo.Simulator(net, seed=0, progress_bar=False, optimize=False) as sim:
        signals = sim.model.sig[conn.post_obj if modifies == "encoders" else conn]
        signal = signals["encoders" if modifies == "encoders" else "weights"]
        sim.run_steps(200, progress_bar=False)
        before = sim.signals[signal].copy()
        sim.step()
        return np.count_nonzero(sim.signals[signal] != before), before.size


@pytest.mark.parametrize("name", LEARNING)
def test_weight_updates_are_those_of_the_simulator(name):
    net = build(name)
    graph = NetworkGraph(net)
    assert graph.learning and not [u for u in graph.uncounted if "learn" in u.reason]
    for record in graph.learning:
        # all neurons are active, so all weights change
        changed, size = changed_weights(net, record.connection, record.modifies)
        assert record.n_weights == changed == size, record.name


def test_spikes_of_a_learned_connection_meet_no_neurons_on_the_chip():
    """Where NengoLoihi runs them: its own split, and the blocks that it builds.

    Only the source is on the chip. Its spikes meet the learned decoders, and their negatives, in a
    block of compartments that do not spike and whose sums go to the host: a readout. So there are
    no synops from neurons to neurons, and what is read is counted as the host's.
    """
    with nengo.Network(seed=0) as net:
        a, b, error = (nengo.Ensemble(20, 1, label=name) for name in ("a", "b", "error"))
        learned = nengo.Connection(a, b, learning_rule_type=nengo.PES())
        nengo.Connection(error, learned.learning_rule)
    split = HostChipSplit(net)
    assert [split.on_chip(obj) for obj in (a, b, error)] == [True, False, False]
    with nengo_loihi.Simulator(net, target="sim", progress_bar=False) as simulator:
        source, decoder = simulator.model.blocks
    (synapse,) = decoder.synapses
    assert not source.synapses and not decoder.axons and synapse.learning
    assert (synapse.n_axons, decoder.n_neurons) == (20, 2)
    activity = nsc.measure(net, None, 50, simulator="nengo", progress=False)
    work = count(NetworkGraph(net), activity)
    assert [p.synops for p in work.pathways] == [None, None]
    spikes = activity.populations["a"].counts.sum()
    by_name = {p.name: p.events for p in work.pathways}
    assert spikes > 0 and by_name["a -> b"].tolist() == [20 * spikes]


def test_learning_rules_have_names_and_pathways_to_them():
    graph = NetworkGraph(build("pes"))
    assert [(r.name, r.rule, r.modifies) for r in graph.learning] == [
        ("PES of pre -> post", "PES", "decoders"),
        ("PES of pre -> post #2", "PES", "decoders"),
        ("PES of pre -> post #3", "PES", "decoders"),
    ]
    kinds = {p.name: p.kind for p in graph.pathways if p.post.name.startswith("PES")}
    assert kinds == {
        "error -> PES of pre -> post": "readout",
        "error -> PES of pre -> post #2": "readout",
        "error -> PES of pre -> post #3": "readout",
    }
    # the error: 10 neurons decoded to 3 dimensions, or to the 2 that are wanted of them
    assert [p.n_synapses for p in graph.pathways if p.name in kinds] == [30, 20, 30]
    assert [r.name for r in NetworkGraph(build("bcm_and_oja")).learning] == [
        "BCM of pre -> post", "Oja of pre -> post", "Oja of pre -> error",
    ]  # fmt: skip
    voja = NetworkGraph(build("voja"))
    assert voja.pathway("node #2 -> Voja of pre -> post").kind == "input"


class Hebb(nengo.learning_rules.LearningRuleType):
    modifies = "weights"


def test_learning_rules_of_ones_own():
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(10, 1, label="a"), nengo.Ensemble(8, 1, label="b")
        conn = nengo.Connection(
            a.neurons, b.neurons, transform=np.ones((8, 10)), learning_rule_type=Hebb()
        )
    graph = NetworkGraph(net)
    assert graph.learning == ()
    assert [u.name for u in graph.uncounted] == ["Hebb of a -> b"]
    assert "learning_rules.register" in graph.uncounted[0].reason
    assert learned_shape(rules_of(conn)[0]) == (8, 10)

    @learning_rules.register(Hebb)
    def hebb(rule):
        return Updates(n_weights=80, macs=80)

    try:
        graph = NetworkGraph(net)
        assert [(r.n_weights, r.macs) for r in graph.learning] == [(80, 80)]
        assert graph.uncounted == ()
    finally:
        del learning_rules._rules[Hebb]


@pytest.mark.parametrize("modifies", ["decoders", "encoders"])
def test_zeros_count_where_they_are_learned_and_only_there(modifies):
    encoders = np.tile([[1, 0], [0, 1]], (5, 1))
    rule = nengo.PES() if modifies == "decoders" else nengo.Voja()
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(12, 2, label="a")
        b = nengo.Ensemble(10, 2, label="b", encoders=encoders)
        nengo.Connection(a, b, transform=[[1, 0], [0, 0]], learning_rule_type=rule)
        nengo.Connection(a[0], b[0])
    graph = NetworkGraph(net)
    # learned decoders reach both dimensions and so all neurons; learned encoders only have
    # the first dimension to encode, but every neuron comes to encode it
    assert graph.pathways[0].n_synapses == 120
    assert graph.pathways[1].n_synapses == (60 if modifies == "decoders" else 120)
    weights = {w.name: w.macs for w in graph.weights if w.obj is not net.all_connections[1]}
    assert weights["a -> b"] == (24 if modifies == "decoders" else 24 + 1)
    assert weights["encoders of b"] == (10 if modifies == "decoders" else 20)


def test_silent_decoders_are_an_upper_bound():
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(40, 1, label="a"), nengo.Ensemble(20, 1, label="b")
        nengo.Connection(a, b, solver=nengo.solvers.LstsqDrop(drop=0.5))
    sim, _ = simulate(net, 1)
    (used,) = synapse_counts(net, sim).values()
    pathway = NetworkGraph(net).pathway("a -> b")
    assert pathway.n_synapses == 800 > used.sum()
    assert (used[used > 0] == pathway.fan_out[used > 0]).all()


def test_nengo_spa():
    spa = pytest.importorskip("nengo.spa")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with spa.SPA(seed=1) as net:
            net.vision = spa.Buffer(16, neurons_per_dimension=10)
            net.memory = spa.Memory(16, neurons_per_dimension=10)
            net.cortical = spa.Cortical(spa.Actions("memory = vision * A"))
            net.stimulus = spa.Input(vision=lambda t: "B" if t < 0.03 else "C")
    sim, spikes = simulate(net, 20)
    activity = nsc.measure(net, None, 20, simulator="nengo")
    graph = NetworkGraph(net)
    expected = synapse_counts(net, sim)
    total = sum(
        spikes[getattr(route[0].pre_obj, "ensemble", route[0].pre_obj)].sum(axis=0) @ targets
        for route, targets in expected.items()
    )
    found = sum(int(p.synops[0]) for p in count(graph, activity).pathways if p.synops is not None)
    readout = sum(
        int(activity.populations[p.pre.name].counts[0].astype(int) @ p.fan_out)
        for p in graph.pathways
        if p.kind == "readout"
    )
    assert found + readout == total and found > 0


def test_nengo_dl_gives_the_same_synops():
    net = build("functions_and_transforms")
    counts = []
    for simulator in ("nengo", "nengo_dl"):
        activity = nsc.measure(net, None, 100, simulator=simulator)
        counts.append(sum(int(p.synops[0]) for p in count(NetworkGraph(net), activity).pathways
                          if p.synops is not None))  # fmt: skip
    # float32 against float64 in a network with feedback: spikes move, their number hardly
    assert counts[1] == pytest.approx(counts[0], rel=0.02)


# Networks are built and simulated anew for each example, which takes tens of milliseconds.
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(random_networks(learning=False))
def test_random_networks(net):
    sim, spikes = simulate(net, 10)
    graph = NetworkGraph(net)
    expected = synapse_counts(net, sim)
    found = {
        p.connections: p.fan_out for p in graph.pathways if p.kind == "neural" and p.n_synapses
    }
    readouts = {p.connections for p in graph.pathways if p.kind == "readout"}
    assert set(found) == set(expected) - readouts
    for route, fan_out in found.items():
        np.testing.assert_array_equal(fan_out, expected[route])
    activity = nsc.measure(net, None, 10, simulator="nengo")
    for population in graph.populations:
        np.testing.assert_array_equal(
            activity.populations[population.name].counts[0],
            spikes[population.ensemble].sum(axis=0),
        )
