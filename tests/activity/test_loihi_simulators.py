"""`measure` on the emulated chip, against NengoLoihi's own simulator, spike for spike."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import EmulationWarning, LoihiError, MeasurementError
from tests.loihi import test_architectures as architectures
from tests.loihi.networks import Layers, emulate
from tests.loihi.test_emulation import nef_network, recurrent_network

loihi = stack.nengo_loihi()
FAMILIES = ["conv_with_bias", "residual_with_projection", "depthwise_conv", "several_outputs"]


def converted(name, **options):
    options = {"neuron_type": "LoihiSpikingRectifiedLinear", "synapse": 0.005, **options}
    model = architectures.make_model(architectures.ARCHITECTURES[name])
    return nsc.convert(model, scale_firing_rates=architectures.SCALE, **options)


def images(n, seed=0):
    return np.random.RandomState(seed).uniform(0.2, 1, (n, 6, 6, 1))


def assert_same(found, expected):
    assert set(found.populations) == set(expected.populations)
    for name, record in expected.populations.items():
        assert record.spiking == found.populations[name].spiking
        np.testing.assert_array_equal(found.populations[name].counts, record.counts, err_msg=name)
    for name, output in expected.outputs.items():
        np.testing.assert_array_equal(found.outputs[name].last, output.last, err_msg=name)
        # the same float64 values, added up in chunks of other lengths
        np.testing.assert_allclose(found.outputs[name].mean, output.mean, rtol=1e-6, err_msg=name)


def both(network, data, n_steps, **options):
    """The emulation, held equal to NengoLoihi's simulator."""
    found = nsc.measure(network, data, n_steps, simulator="loihi", **options)
    expected = nsc.measure(network, data, n_steps, simulator="nengo_loihi", **options)
    assert_same(found, expected)
    assert expected.chip is None and found.protocol.simulator == "loihi"
    return found


@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
@pytest.mark.parametrize("name", FAMILIES)
def test_converted_models(name, presentation):
    conversion = converted(name)
    activity = both(conversion, images(3), 20, presentation=presentation)
    assert activity.chip.spikes.sum() > 0
    assert list(activity.outputs) == list(conversion.outputs)
    assert set(activity.chip.layers) <= {p.layer for p in nsc.NetworkGraph(conversion).populations}


@pytest.mark.parametrize(
    "net",
    [recurrent_network(nengo.LIF(tau_ref=0.003)), nef_network(), nef_network(feedback=True)],
    ids=["recurrent", "decoded", "decoded with feedback"],
)
def test_native_networks(net):
    activity = both(net, None, 50)
    # and NengoLoihi itself, of this network with Probes in it and none around it
    populations = nsc.NetworkGraph(net).populations
    with net:
        probes = {p.name: nengo.Probe(p.ensemble.neurons, synapse=None) for p in populations}
    sim = emulate(net, 50)
    for population in populations:
        height = 1000 * getattr(population.neuron_type, "amplitude", 1)
        spikes = np.round(sim.data[probes[population.name]] / height).sum(axis=0)
        np.testing.assert_array_equal(activity.populations[population.name].counts[0], spikes)


@pytest.mark.filterwarnings("ignore:These layers are computed exactly, on the host")
@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
def test_layers_on_the_host_between_layers_on_the_chip(presentation):
    conversion = converted("max_pool_as_average", max_pooling="exact")
    activity = both(conversion, images(2), 25, presentation=presentation)
    assert len(activity.chip.inputs) == 2 and (activity.chip.chip_to_host > 0).all()


def test_block_shapes_of_a_fit():
    conversion = converted("conv_with_bias")
    fit = nsc.loihi.fit_blocks(conversion, "latency", max_cores=12)
    activity = both(fit, images(2), 20)
    assert activity.chip.n_cores == fit.n_cores > 3
    again = nsc.measure(conversion, images(2), 20, simulator="loihi")
    assert again.chip.n_cores == 3  # the network stays without them
    # other simulators have no use for shapes
    dl = nsc.measure(fit, images(2), 20, progress=False)
    expected = nsc.measure(conversion, images(2), 20, progress=False)
    for name, record in expected.populations.items():
        np.testing.assert_array_equal(dl.populations[name].counts, record.counts)


def test_what_cores_did_adds_up():
    conversion = converted("several_outputs")
    activity = nsc.measure(conversion, images(3), 20, simulator="loihi", by_step=True)
    chip, steps = activity.chip, activity.chip.by_step
    for core, name in enumerate(chip.cores):
        counts = activity.populations[name].per_sample()
        np.testing.assert_array_equal(chip.spikes[:, core], counts)
    np.testing.assert_array_equal(chip.host_to_chip, activity.populations["first"].per_sample())
    assert chip.inputs[0] == "first"
    # what is sent arrives, and every format of synapses does what arrives
    n = chip.n_cores
    assert chip.messages_between[:n].sum() == chip.messages_out.sum()
    np.testing.assert_array_equal(chip.messages_between.sum(axis=0), chip.axon_events.sum(axis=0))
    assert set(chip.synops) <= {"dense", "sparse", "conv"} and chip.total_synops().all()
    updates = chip.updates(20)
    assert (chip.active <= updates).all()
    assert (chip.active >= np.maximum(chip.spikes, chip.with_input)).all()
    assert (chip.active >= chip.biased * activity.protocol.n_steps).all()
    # step by step the same
    assert steps.n_steps == 20
    for name in ("axon_events", "messages_out", "spikes", "with_input", "active"):
        np.testing.assert_array_equal(getattr(steps, name).sum(axis=1), getattr(chip, name))
    for kind, values in steps.synops.items():
        np.testing.assert_array_equal(values.sum(axis=1), chip.synops[kind])
    np.testing.assert_array_equal(steps.host_to_chip.sum(axis=1), chip.host_to_chip)


def test_batches_of_any_size_are_the_same():
    conversion = converted("dense")
    one = nsc.measure(conversion, images(5), 15, simulator="loihi", presentation="fresh")
    assert one.protocol.batch_size == 5  # no more than there are
    two = nsc.measure(
        conversion, images(5), 15, simulator="loihi", presentation="fresh", batch_size=2
    )
    assert_same(two, one)
    np.testing.assert_array_equal(one.chip.synops["dense"], two.chip.synops["dense"])
    # nothing of a batch that is filled up is counted
    np.testing.assert_array_equal(one.chip.messages_between, two.chip.messages_between)


def test_lanes_of_a_continuous_presentation():
    conversion = converted("conv_with_bias")
    lanes = both(conversion, images(5), 15, batch_size=2)
    alone = nsc.measure(conversion, images(5)[::2], 15, simulator="loihi", batch_size=1)
    for name, record in alone.populations.items():
        np.testing.assert_array_equal(lanes.populations[name].counts[::2], record.counts)


def test_defaults_of_presentation():
    conversion = converted("dense")
    protocols = {
        simulator: nsc.measure(conversion, images(1), 2, simulator=simulator).protocol
        for simulator in ("nengo_dl", "nengo", "loihi", "nengo_loihi")
    }
    assert {name: p.presentation for name, p in protocols.items()} == {
        "nengo_dl": "fresh", "nengo": "fresh", "loihi": "continuous", "nengo_loihi": "continuous"
    }  # fmt: skip


def host_network(neuron_type, process=None, learn=False):
    """A population on the chip, fed by one on the host, and one on the host that is fed
    by nothing of the chip and feeds nothing."""
    net = nengo.Network()
    loihi.add_params(net)
    with net:
        x = nengo.Node([0.5], label="x")
        spiking = nengo.Ensemble(20, 1, label="spiking", neuron_type=neuron_type, seed=1)
        graded = nengo.Ensemble(10, 1, label="graded", neuron_type=nengo.Tanh(), seed=2)
        chip = nengo.Ensemble(15, 1, label="chip", seed=3)
        for ensemble in (spiking, graded):
            net.config[ensemble].on_chip = False
            nengo.Connection(x, ensemble, seed=4)
        if process is not None:
            nengo.Connection(nengo.Node(process, label="noise"), spiking, seed=5)
        # weights, so that nothing on the way draws random numbers of its own
        weights = np.random.RandomState(0).uniform(0, 0.003, (15, 20))
        nengo.Connection(spiking.neurons, chip.neurons, transform=weights, seed=6)
        nengo.Probe(chip.neurons, synapse=0.01)
        if learn:
            error = nengo.Node(size_in=1, label="error")
            out = nengo.Node(size_in=1, label="out")
            conn = nengo.Connection(chip, out, learning_rule_type=nengo.PES(), seed=7)
            nengo.Connection(out, error)
            nengo.Connection(error, conn.learning_rule)
    return net


@pytest.mark.parametrize(
    "neuron_type",
    [
        nengo.SpikingRectifiedLinear(amplitude=0.5),  # several spikes a step
        nengo.PoissonSpiking(nengo.LIFRate()),
        nengo.StochasticSpiking(nengo.Tanh()),  # negative spikes
        nengo.AdaptiveLIF(),
    ],
    ids=str,
)
@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
def test_neurons_on_the_host(neuron_type, presentation):
    data = {"x": np.array([[0.6], [-0.4], [0.6]])}
    net = host_network(neuron_type)
    found = nsc.measure(net, data, 30, simulator="loihi", presentation=presentation)
    expected = nsc.measure(net, data, 30, simulator="nengo_loihi", presentation=presentation)
    for name in ("spiking", "chip"):
        counts = expected.populations[name].counts
        np.testing.assert_array_equal(found.populations[name].counts, counts)
        assert counts.sum() > 0
        if presentation == "fresh":  # from the same random numbers
            np.testing.assert_array_equal(counts[0], counts[2])
        elif "Poisson" in str(neuron_type):
            assert (counts[0] != counts[2]).any()
    graded = found.populations["graded"]
    assert not graded.spiking and graded.counts.all()
    # graded values, added up in another order
    np.testing.assert_allclose(graded.counts, expected.populations["graded"].counts, rtol=1e-12)


@pytest.mark.parametrize("presentation", ["fresh", "continuous"])
def test_processes_without_a_seed(presentation):
    net = host_network(nengo.LIF(), nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 2)))
    data = {"x": np.zeros((2, 1))}
    options = {"presentation": presentation, "seed": 4}
    found = both(net, data, 30, **options)
    assert_same(nsc.measure(net, data, 30, simulator="nengo_loihi", **options), found)
    other = nsc.measure(net, data, 30, simulator="loihi", presentation=presentation, seed=5)
    assert (other.populations["spiking"].counts != found.populations["spiking"].counts).any()
    same = (found.populations["spiking"].counts[0] == found.populations["spiking"].counts[1]).all()
    assert same == (presentation == "fresh")
    assert net.nodes[1].output.seed is None  # the network is as it was


def test_learning_runs_on_nengo_loihi_only():
    net = host_network(nengo.LIF(), learn=True)
    data = {"x": np.full((3, 1), 0.8)}
    with pytest.raises(LoihiError, match="learn"):
        nsc.measure(net, data, 30, simulator="loihi")
    fresh = nsc.measure(net, data, 30, simulator="nengo_loihi", presentation="fresh")
    counts = fresh.populations["chip"].counts
    # weights of the sample before are forgotten: the model is built anew
    assert (counts == counts[:1]).all() and counts.sum() > 0


def test_a_network_without_a_seed_is_seeded():
    with nengo.Network() as net:
        x = nengo.Node([0.5], label="x")
        a = nengo.Ensemble(20, 1, label="a")
        nengo.Connection(x, a)
        nengo.Probe(a, synapse=0.01)
    found = both(net, {"x": np.full((1, 1), 0.5)}, 20, seed=1)
    again = nsc.measure(net, {"x": np.full((1, 1), 0.5)}, 20, simulator="loihi", seed=1)
    other = nsc.measure(net, {"x": np.full((1, 1), 0.5)}, 20, simulator="loihi", seed=2)
    assert_same(again, found)
    assert (other.populations["a"].counts != found.populations["a"].counts).any()
    assert net.seed is None and net.all_probes and not hasattr(net.config[a], "on_chip")


def test_what_a_simulator_does_not_have_is_refused():
    conversion = converted("dense")
    for options, message in (
        ({"dtype": "float64"}, "dtype is for simulator 'compiled'; 'nengo_dl' has no such option"),
        ({"target": "sim"}, "target is for simulator 'nengo_loihi'; 'nengo_dl'"),
        ({"hardware_options": {}, "simulator": "loihi"}, "hardware_options is for simulator"),
        ({"target": "chip", "simulator": "nengo_loihi"}, "target must be one of sim, loihi"),
    ):
        with pytest.raises(MeasurementError, match=message):
            nsc.measure(conversion, images(1), 5, **options)
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(20, 1, label="a")
        probe = nengo.Probe(a, sample_every=0.002, label="some")
    for simulator in ("loihi", "nengo_loihi"):
        with pytest.raises(MeasurementError, match="'some' has sample_every"):
            nsc.measure(net, None, 5, simulator=simulator)
    with net:
        nengo.Ensemble(5, 1, label="b")
    nsc.loihi.mark_off_chip(net, [a])
    probe.sample_every = 0.01
    with pytest.raises(MeasurementError, match="'some' saw nothing of a sample"):
        nsc.measure(net, None, 5, simulator="nengo_loihi")


@pytest.mark.parametrize("simulator", ["loihi", "nengo_loihi"])
def test_numbers_too_large_for_the_chip_are_said(simulator):
    layers = Layers(200, seed=0)
    layers.input.output = np.full(200, 2000.0)
    a = layers.population(5, "a")
    # all weights are the largest that there are: many at once do not fit
    layers.connect(layers.encoder, a, np.full((5, 200), 0.2), synapse=0.05)
    with pytest.warns(EmulationWarning, match="too large for the chip") as said:
        nsc.measure(layers.net, None, 20, simulator=simulator)
    assert len(said) == 1
