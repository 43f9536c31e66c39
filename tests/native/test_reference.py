"""`measure` on Nengo's reference simulator, held against simulations made by hand."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.activity import BACKENDS, reference, register_simulator, simulators
from nengo_spikecost.errors import DataError, MeasurementError, OverwriteWarning
from tests.models import conv_net, images

DT = 0.001


def by_hand(network, inputs=None, n_steps=50, dt=DT, presentations=1, **kwargs):
    """Spikes per step and neuron by Ensemble, and the data of the network's own Probes."""
    inputs = {} if inputs is None else inputs
    before = {node: node.output for node in inputs}
    with nengo.Network(seed=0) as outer:
        nengo.Network.add(network)
        ensembles = [e for e in network.all_ensembles if e.neuron_type != nengo.Direct()]
        probes = [nengo.Probe(ens.neurons) for ens in ensembles]
    for node, values in inputs.items():
        node.output = nengo.processes.PresentInput(values, n_steps * dt)
    try:
        with nengo.Simulator(outer, dt=dt, seed=0, progress_bar=False, **kwargs) as sim:
            sim.run_steps(n_steps * presentations, progress_bar=False)
    finally:
        for node, output in before.items():
            node.output = output
    spikes = {
        ens.label: np.abs(sim.data[p]) * dt / getattr(ens.neuron_type, "amplitude", 1)
        for ens, p in zip(ensembles, probes)
    }
    return spikes, {p: sim.data[p] for p in network.all_probes}


def check(activity, spikes, sample=0):
    """Counts of one sample against the spikes of each step."""
    assert set(activity.populations) == set(spikes)
    for name, steps in spikes.items():
        record = activity.populations[name]
        if record.spiking:
            # what is not a whole number of spikes is a float64 rounding error
            assert np.abs(steps - np.rint(steps)).max() < 1e-9
            np.testing.assert_array_equal(
                record.counts[sample], np.rint(steps).sum(axis=0), err_msg=name
            )
        else:
            np.testing.assert_allclose(record.counts[sample], steps.sum(axis=0), rtol=1e-12)


def native(neuron_type=None):
    """Decoders, functions, recurrence, a Node that computes, a process, and learning."""
    with nengo.Network(seed=3, label="native") as net:
        if neuron_type is not None:
            net.config[nengo.Ensemble].neuron_type = neuron_type
        x = nengo.Node([0.5, -0.25], label="x")
        noise = nengo.Node(nengo.processes.WhiteSignal(0.1, high=100, seed=3), label="noise")
        double = nengo.Node(lambda t, v: 2 * v, size_in=1, label="double")
        a = nengo.Ensemble(40, 2, label="a")
        b = nengo.Ensemble(30, 1, label="b")
        nengo.Connection(x, a, synapse=None)
        nengo.Connection(noise, a[1], synapse=0.01)
        learned = nengo.Connection(
            a, b, function=lambda v: v[0] * v[1], learning_rule_type=nengo.PES()
        )
        nengo.Connection(b, b, synapse=0.02)
        nengo.Connection(b, double)
        nengo.Connection(double, learned.learning_rule)
        nengo.Probe(b, synapse=0.01, label="product")
        nengo.Probe(learned, "weights", label="weights")
    return net


NEURON_TYPES = [
    nengo.LIF(), nengo.LIF(amplitude=0.01), nengo.AdaptiveLIF(), nengo.Izhikevich(),
    nengo.SpikingRectifiedLinear(amplitude=0.3), nengo.PoissonSpiking(nengo.LIFRate()),
    nengo.StochasticSpiking(nengo.Tanh()), nengo.RegularSpiking(nengo.LIFRate(amplitude=2)),
    nengo.LIFRate(), nengo.RectifiedLinear(), nengo.Sigmoid(), nengo.Tanh(),
]  # fmt: skip


@pytest.mark.parametrize("neuron_type", NEURON_TYPES, ids=lambda n: type(n).__name__)
def test_equal_to_a_simulation_by_hand(neuron_type):
    net = native(neuron_type)
    x = np.array([[0.75, 0.5]])
    activity = nsc.measure(net, {"x": x}, 60, simulator="nengo")
    # Nengo's optimizer changes which neuron draws which random numbers
    random = isinstance(neuron_type, (nengo.PoissonSpiking, nengo.StochasticSpiking))
    spikes, probed = by_hand(net, {net.all_nodes[0]: x}, 60, optimize=not random)
    check(activity, spikes)
    assert activity.protocol.batch_size == 1 and activity.protocol.simulator == "nengo"
    for probe, steps in probed.items():
        steps = steps.reshape(60, -1)
        output = activity.outputs[probe.label]
        np.testing.assert_array_equal(output.last[0], steps[-1].astype("f4"))
        # sums of 60 float64 in another order, in float32
        np.testing.assert_allclose(output.mean[0], steps.mean(axis=0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("values_at_once", [1, 2000, 2**21])
def test_memory_does_not_grow_with_steps(monkeypatch, values_at_once):
    monkeypatch.setattr(reference, "VALUES_AT_ONCE", values_at_once)
    sizes = []

    class Watched(nengo.Simulator):
        def clear_probes(self):
            sizes.append(sum(np.size(self.data[p]) for p in self.model.probes))
            super().clear_probes()

    net = native()
    monkeypatch.setitem(BACKENDS, "watched", None)
    register_simulator("watched", Watched)
    activity = nsc.measure(net, {"x": [[0.75, 0.5]]}, 200, simulator="watched")
    # 40 + 30 neurons, the product, and weights: 111 values a step
    assert max(sizes) <= max(111, values_at_once)
    check(activity, by_hand(net, {net.all_nodes[0]: [[0.75, 0.5]]}, 200)[0])


def test_fresh_samples_are_runs_of_their_own():
    net = native()
    x = np.array([[0.75, 0.5], [-0.25, 1.0], [0.75, 0.5]])
    activity = nsc.measure(net, {"x": x}, 40, simulator="nengo")
    for i, sample in enumerate(x):
        # learned weights are reset too
        check(activity, by_hand(net, {net.all_nodes[0]: [sample]}, 40)[0], i)
    for record in activity.populations.values():
        np.testing.assert_array_equal(record.counts[0], record.counts[2])


@pytest.mark.parametrize("batch_size", [None, 2])
def test_continuous_is_one_long_run_in_every_lane(batch_size):
    net = native()
    x = np.array([[0.75, 0.5], [-0.25, 1.0], [0.5, 0.5], [1.0, -1.0], [0.25, 0.0]])
    activity = nsc.measure(
        net, {"x": x}, 30, simulator="nengo", presentation="continuous", batch_size=batch_size
    )
    lanes = batch_size or 1
    for lane in range(lanes):
        samples = range(lane, 5, lanes)
        spikes, _ = by_hand(net, {net.all_nodes[0]: x[samples]}, 30, presentations=len(samples))
        for k, sample in enumerate(samples):
            part = {name: steps[30 * k : 30 * (k + 1)] for name, steps in spikes.items()}
            check(activity, part, sample)


def test_values_that_change_from_step_to_step():
    net = native()
    x = np.linspace(-1, 1, 2 * 30 * 2).reshape(2, 30, 2).astype("f4")
    for presentation in ("fresh", "continuous"):
        activity = nsc.measure(
            net, {"x": x}, simulator="nengo", dt=0.0007, presentation=presentation
        )
        node = net.all_nodes[0]
        steps = x.astype(float) if presentation == "fresh" else x.astype(float).reshape(1, 60, 2)
        for i, values in enumerate(steps):
            before = node.output
            node.output = lambda t, values=values: values[int(np.rint(t / 0.0007)) - 1]
            try:
                spikes, _ = by_hand(net, n_steps=len(values), dt=0.0007)
            finally:
                node.output = before
            if presentation == "fresh":
                check(activity, spikes, i)
            else:
                check(activity, {k: v[:30] for k, v in spikes.items()}, 0)
                check(activity, {k: v[30:] for k, v in spikes.items()}, 1)


def test_the_network_is_left_as_it_was():
    net = native()
    x, noise, _ = net.all_nodes
    outputs, probes = [node.output for node in net.all_nodes], list(net.all_probes)
    nsc.measure(net, {"x": [[0.0, 1.0]], "noise": [[0.5]]}, 5, simulator="nengo")
    assert net.all_probes == probes and noise.output is outputs[1]
    np.testing.assert_array_equal(x.output, outputs[0])

    def fail(*args, **kwargs):
        raise RuntimeError("no such board")

    register_simulator("failing", fail)
    try:
        with pytest.raises(MeasurementError, match="no such board"):
            nsc.measure(net, {"noise": [[0.5]]}, 5, simulator="failing")
    finally:
        del BACKENDS["failing"]
    assert noise.output is outputs[1]


@pytest.mark.parametrize("simulator", ["nengo", "nengo_dl", "nengo_dl_probes"])
@pytest.mark.parametrize("nothing", [None, {}])
def test_self_driven_networks(simulator, nothing):
    with nengo.Network(seed=1) as net:
        a = nengo.Ensemble(20, 1, label="a", neuron_type=nengo.SpikingRectifiedLinear())
        nengo.Connection(a, a, transform=0.5)
        nengo.Probe(a, label="value")
    for with_node in (False, True):
        if with_node:
            with net:
                nengo.Connection(nengo.Node(lambda t: np.sin(60 * t)), a)
        activity = nsc.measure(net, nothing, 50, simulator=simulator)
        assert activity.n_samples == 1 and activity.protocol.batch_size == 1
        spikes = np.rint(by_hand(net)[0]["a"]).sum(axis=0)
        difference = activity.populations["a"].counts[0] - spikes
        # NengoDL computes in float32: a spike at the very edge of a step may move
        assert np.abs(difference).max() <= (0 if simulator == "nengo" else 1)
    with pytest.raises(DataError, match="n_steps must be given"):
        nsc.measure(net, nothing, simulator=simulator)


@pytest.mark.parametrize("name", ["SpikingRectifiedLinear", "LIF", "LoihiSpikingRectifiedLinear"])
def test_converted_networks_spike_as_in_nengo_dl(name):
    import tensorflow as tf

    conversion = nsc.convert(
        conv_net(tf.keras), neuron_type=name, scale_firing_rates=300, synapse=0.005
    )
    x, y = images(3), np.array([0, 1, 2])
    found = nsc.measure(conversion, (x, y), 30, simulator="nengo")
    expected = nsc.measure(conversion, (x, y), 30)
    np.testing.assert_array_equal(found.targets, y)
    for layer, record in expected.populations.items():
        counts = found.populations[layer].counts.astype(int)
        assert counts.shape == record.counts.shape
        # float32 against float64: a spike at the very edge of a step may move
        assert np.abs(counts - record.counts).max() <= 1
        assert (counts != record.counts).mean() < 0.01
    np.testing.assert_allclose(
        found.outputs["dense1"].mean, expected.outputs["dense1"].mean, rtol=0.02, atol=0.02
    )


def test_simulators_that_cannot_be_reset_are_built_again(monkeypatch):
    built = []

    class Board(nengo.Simulator):
        def __init__(self, *args, **kwargs):
            built.append(self)
            super().__init__(*args, **kwargs)

        def reset(self, seed=None):
            if seed is None:
                raise NotImplementedError
            super().reset(seed)

    net = native()
    monkeypatch.setitem(BACKENDS, "board", None)
    register_simulator("board", Board)
    assert not simulators.get("board").minibatch
    x = {"x": np.array([[0.75, 0.5], [-0.25, 1.0]])}
    found, expected = (nsc.measure(net, x, 20, simulator=name) for name in ("board", "nengo"))
    assert len(built) == 2 and all(sim.closed for sim in built)
    for name, record in expected.populations.items():
        np.testing.assert_array_equal(found.populations[name].counts, record.counts)


def test_what_is_no_simulator_is_refused(monkeypatch):
    class Recorder:
        def __init__(self, network, **kwargs):
            pass

        def close(self):
            pass

    net = native()
    monkeypatch.setitem(BACKENDS, "recorder", None)
    register_simulator("recorder", Recorder)
    with pytest.warns(OverwriteWarning, match="a simulator 'recorder' already"):
        register_simulator("recorder", Recorder)
    with pytest.raises(MeasurementError, match="Recorder has no clear_probes"):
        nsc.measure(net, None, 5, simulator="recorder")


def test_probes_that_see_nothing_are_named():
    net = native()
    with net:
        nengo.Probe(net.all_ensembles[0], sample_every=0.004, label="rare")
    activity = nsc.measure(net, None, 10, simulator="nengo")
    rare = next(p for p in net.all_probes if p.label == "rare")
    steps = by_hand(net, n_steps=10)[1][rare]
    assert len(steps) == 2
    np.testing.assert_allclose(activity.outputs["rare"].mean[0], steps.mean(axis=0), rtol=1e-6)
    with pytest.raises(MeasurementError, match="'rare' saw nothing"):
        nsc.measure(net, None, 3, simulator="nengo")


def test_what_nengo_cannot_run_is_one_sentence():
    import nengo_dl

    with nengo.Network(seed=0) as net:
        x = nengo.Node([0.0], label="x")
        node = nengo_dl.TensorNode(lambda t, v: v, shape_in=(1,), pass_time=True)
        nengo.Connection(x, node, synapse=None)
        nengo.Probe(node)
    with pytest.raises(MeasurementError, match="Simulator nengo can't run this network"):
        nsc.measure(net, np.ones((1, 1)), 5, simulator="nengo")


def test_parts_in_reverse_order_run_where_the_optimizer_of_nengo_fails():
    """The optimizer cannot view merged signals so: findings/nengo_optimizer_reversed.sh."""

    def network():
        with nengo.Network(seed=0) as net:
            given = nengo.Node(np.zeros(6), label="given")
            for _ in range(2):
                ensemble = nengo.Ensemble(6, 1, gain=np.ones(6), bias=np.ones(6))
                output = nengo.Node(size_in=3)
                nengo.Connection(given[::-1], ensemble.neurons[::-1], synapse=None)
                nengo.Connection(ensemble.neurons[::-1], output, transform=np.ones((3, 6)))
        return net

    x = np.arange(12.0).reshape(2, 6)
    own = nsc.measure(network(), {"given": x}, 30, simulator="nengo")
    with pytest.raises(ValueError, match="strides"):
        nengo.Simulator(network(), progress_bar=False)
    for k in range(2):
        net = network()
        net.nodes[0].output = x[k]
        with net:
            probes = [nengo.Probe(e.neurons) for e in net.ensembles]
        with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
            sim.run_steps(30)
        for probe, record in zip(probes, own.populations.values()):
            np.testing.assert_array_equal(record.counts[k], sim.data[probe].sum(0) / 1000)
