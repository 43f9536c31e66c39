"""Work is counted where NengoLoihi does it: on the chip, on its host, or nowhere."""

from __future__ import annotations

import nengo
import nengo_loihi
import numpy as np
import pytest
import scipy.sparse
from nengo.networks import EnsembleArray

import nengo_spikecost as nsc
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.workload.exact import count

STEPS = 60


class Events(nengo_loihi.inputs.ChipProcess):
    """Events by step, on the chip; the same element may have several in one step."""

    def __init__(self, size, events):
        super().__init__(default_size_in=0, default_size_out=size)
        self.events = events

    def make_step(self, shape_in, shape_out, dt, rng, state):
        def step(t):
            values = np.zeros(shape_out)
            np.add.at(values, self.events.get(round(t / dt), np.zeros(0, int)), 1 / dt)
            return values

        return step


@nengo_loihi.builder.Builder.register(Events)
def build_events(model, process, node=None):
    spikes = nengo_loihi.inputs.SpikeInput(process.default_size_out, label=node.label)
    for step, numbers in process.events.items():
        spikes.add_spikes(step, np.array(numbers, dtype=int), permanent=True)
    model.add_input(spikes)
    return spikes


def camera_network(size=12):
    rng = np.random.RandomState(3)
    times = rng.permutation(2 * STEPS)[:STEPS] + 1
    # none in the last step: synapses get those one step later
    events = {int(t): rng.randint(0, size, rng.randint(1, 20)) for t in times if t != STEPS}
    weights = rng.uniform(0.1, 1, (9, size))
    weights[rng.rand(9, size) < 0.3] = 0
    with nengo.Network(seed=1) as net:
        neurons = nengo_loihi.neurons.LoihiSpikingRectifiedLinear()
        net.config[nengo.Ensemble].neuron_type = neurons
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([1])
        net.config[nengo.Ensemble].bias = nengo.dists.Choice([0])
        camera = nengo.Node(Events(size, events), label="camera")
        a, b = nengo.Ensemble(9, 1, label="a"), nengo.Ensemble(4, 1, label="b")
        sparse = nengo.Sparse((9, size), init=scipy.sparse.coo_matrix(weights))
        nengo.Connection(camera, a.neurons, transform=sparse, synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((4, 9)), synapse=None)
        nengo.Probe(b.neurons)
    return net, events, weights


@pytest.mark.parametrize("simulator", ["loihi", "nengo_loihi", "nengo", "nengo_dl"])
@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
def test_events_on_the_chip_make_synops_there(simulator, presentation):
    net, events, weights = camera_network()
    if simulator == "nengo_dl" and presentation == "continuous":
        pytest.skip("one sample: the same as fresh")
    activity = nsc.measure(
        net, None, STEPS, simulator=simulator, presentation=presentation, progress=False
    )
    fired = np.zeros(12, dtype=int)
    for step, numbers in events.items():
        if step <= STEPS:
            np.add.at(fired, numbers, 1)
    np.testing.assert_array_equal(activity.populations["camera"].counts, [fired])
    work = count(NetworkGraph(net), activity)
    by_name = {p.name: p for p in work.pathways}
    camera = by_name["camera -> a"]
    assert (camera.kind, camera.on_chip) == ("events", True)
    # by hand: each event times the weights of its element that are not 0
    assert camera.synops.tolist() == [fired @ (weights != 0).sum(axis=0)]
    if activity.chip is not None:
        # the cores' own count, of NengoLoihi's emulation
        core = activity.chip.cores.index("a")
        assert activity.chip.total_synops()[:, core].tolist() == camera.synops.tolist()
    estimate = nsc.NetworkEnergy(net, activity).estimate("loihi")
    synop_J = estimate.device.energy_per_synop_J
    total = sum(layer.parts_J["synop"] for layer in estimate.layers)
    np.testing.assert_allclose(total, synop_J * sum(p.synops for p in by_name.values()))
    assert not any(w.macs for w in work.host)


def learning_network():
    """A learned Connection whose target and whose error are Ensembles (Nengo's tutorial)."""
    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node(np.sin, label="stimulus")
        pre = nengo.Ensemble(60, 1, label="pre")
        post = nengo.Ensemble(50, 1, label="post")
        error = nengo.Ensemble(40, 1, label="error")
        after = nengo.Ensemble(30, 1, label="after")
        nengo.Connection(stimulus, pre)
        learned = nengo.Connection(pre, post, learning_rule_type=nengo.PES(), function=lambda x: 0)
        nengo.Connection(post, error)
        nengo.Connection(pre, error, transform=-1)
        nengo.Connection(error, learned.learning_rule)
        nengo.Connection(pre, after)
        nengo.Connection(post, after)
        nengo.Probe(post)
    return net


def test_targets_and_errors_of_learned_connections_are_the_hosts():
    net = learning_network()
    with nengo_loihi.Simulator(net, progress_bar=False) as simulator:
        on_chip = {
            ens.label for ens in net.all_ensembles if simulator.model.split.on_chip(ens)
        }  # fmt: skip
    assert on_chip == {"pre", "after"}
    graph = NetworkGraph(net)
    assert {p.name for p in graph.populations if p.on_chip} == on_chip
    # NengoLoihi decodes what the host sends to an Ensemble on the host: numbers, no spikes
    assert {p.name for p in graph.pathways if p.on_chip} == {"pre -> after"}
    activity = nsc.measure(net, None, 100, simulator="nengo", progress=False)
    estimate = nsc.NetworkEnergy(net, activity).estimate("loihi")
    spikes = activity.populations["pre"].per_sample()
    device = estimate.device
    expected = spikes * 30 * device.energy_per_synop_J + 90 * 100 * device.energy_per_neuron_J
    np.testing.assert_allclose(sum(x.total_J for x in estimate.layers), expected)
    # on the host, at each step: neurons there, decoders (of 1 dimension) and encoders
    work = count(graph, activity).host
    updates = {w.name: w.updates for w in work if w.updates}
    assert updates == {"post": 50, "error": 40}
    macs = {w.name: w.macs for w in work if w.role != "input"}
    assert macs["pre -> post"] == 60 and macs["pre -> error"] == 60 + 1  # and the transform
    assert macs["post -> error"] == macs["post -> after"] == 50
    assert macs["encoders of post"] == 50 and macs["encoders of error"] == 40


def test_an_output_that_nobody_reads_costs_nothing():
    def product(probed):
        with nengo.Network(seed=0) as net:
            one, two = EnsembleArray(20, 8, label="one"), EnsembleArray(20, 8, label="two")
            one.add_output("square", np.square)
            nengo.Connection(one.square, two.input)
            if probed:
                nengo.Probe(one.output)
                nengo.Probe(two.output)
        return net

    def readout(net):
        return sum(part.macs for part in NetworkGraph(net).host if part.role == "readout")

    unread, read = product(False), product(True)
    # by hand: two arrays of 8 Ensembles of 20 neurons, decoded into one dimension each
    assert readout(unread) == 0 and readout(read) == 2 * 8 * 20
    for net, built in ((unread, 0), (read, 16)):
        split = nengo_loihi.splitter.Split(net).passthrough
        connections = (set(net.all_connections) | split.to_add) - split.to_remove
        ends = [c for c in connections if isinstance(c.post_obj, nengo.Node)]
        assert len(ends) == built
    assert sum(p.n_synapses for p in NetworkGraph(unread).pathways if p.on_chip) == 8 * 20 * 20


def events_into(kind):
    with nengo.Network(seed=0) as net:
        camera = nengo.Node(Events(16, {1: np.array([1, 2])}), label="camera")
        neurons = nengo_loihi.neurons.LoihiSpikingRectifiedLinear()
        b = nengo.Ensemble(
            8, 1, neuron_type=neurons, gain=np.ones(8), bias=np.zeros(8), label="b"
        )  # fmt: skip
        nengo.Connection(b.neurons, b.neurons, transform=np.eye(8))
        if kind == "ensemble":
            nengo.Connection(camera, b, transform=np.ones((1, 16)), synapse=0.005)
        elif kind == "relay":
            relay = nengo.Node(size_in=16)
            nengo.Connection(camera, relay, synapse=None)
            nengo.Connection(relay, b.neurons, transform=np.ones((8, 16)), synapse=0.005)
        elif kind == "convolution":
            nengo.Connection(camera, b.neurons, transform=nengo.Convolution(2, (4, 4, 1)))
        else:
            nengo.Connection(camera, nengo.Node(lambda t, x: None, size_in=16))
    return net


@pytest.mark.parametrize("kind", ["ensemble", "relay", "convolution", "host"])
def test_where_events_may_lead(kind):
    """What NengoLoihi builds of them is what `check_support` and the graph say."""
    net = events_into(kind)
    try:
        with nengo_loihi.Simulator(net, progress_bar=False):
            builds = True
    except (AssertionError, NotImplementedError):
        builds = False
    assert builds == (kind in ("ensemble", "relay"))
    assert any(p.refused for p in nsc.loihi.check_support(net)) == (not builds)
    (pathway,) = [p for p in NetworkGraph(net).pathways if p.kind == "events"]
    assert pathway.place == ("host" if kind == "host" else "chip")
