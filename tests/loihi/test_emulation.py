"""The batched emulation against NengoLoihi's own emulator: spikes, outputs and counts."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import DataError, LoihiError, MeasurementError
from nengo_spikecost.loihi.emulation import Emulator
from tests.models import randomise

from . import test_architectures as architectures
from .block_networks import probed_blocks
from .emulated import (
    IMAGES,
    Reference,
    assert_equal,
    assert_same_counts,
    nef_network,
    spiking_network,
)
from .networks import STEPS, Layers
from .random_populations import random_network

loihi = stack.nengo_loihi()


@pytest.mark.parametrize(
    "build", architectures.ARCHITECTURES.values(), ids=list(architectures.ARCHITECTURES)
)
def test_architectures(build):
    net, _ = architectures.lowered(build)
    run, _ = assert_equal(net, counts=build.__name__.startswith(("conv", "grouped", "several")))
    assert run.block_spikes().sum() > 0


@pytest.mark.parametrize("seeds", np.array_split(np.arange(50), 2))
def test_random_networks(seeds):
    assert sum(equal_if_it_runs(random_network(int(seed)).net, 20) for seed in seeds) > 6


def test_random_block_shapes():
    n_run = 0
    for seed in range(10):
        random = probed_blocks(seed)
        if "learning" not in random.kinds:
            n_run += equal_if_it_runs(random.net, 12)
    assert n_run > 2


def equal_if_it_runs(net, steps):
    """Whether NengoLoihi runs a network; if so, it is emulated alike."""
    try:
        expected = Reference(net, steps)
    except Exception:  # of whatever kind: NengoLoihi refuses with bare asserts too
        return False
    assert_equal(net, steps, expected=expected)
    return True


def recurrent_network(neuron_type):
    """Two populations that drive each other, and one that inhibits itself."""
    layers = Layers(12, seed=3, neuron_type=neuron_type)
    a, b = layers.population(40, "a", gain=1.2), layers.population(30, "b")
    layers.connect(layers.encoder, a, layers.weights(12, 40).T)
    layers.connect(a, b, layers.weights(40, 30).T)
    layers.connect(b, a, -0.3 * layers.weights(30, 40).T, synapse=0.005)
    layers.connect(b, b, -0.2 * layers.weights(30, 30).T)
    for population in (a, b):
        layers.probe(population)
        with layers.net:
            layers.net.config[population].block_shape = loihi.BlockShape(
                (17,), (population.n_neurons,)
            )
            nengo.Probe(population.neurons[3:9], "voltage")
            nengo.Probe(population.neurons, "input", synapse=0.01)
            nengo.Probe(population.neurons, synapse=nengo.Alpha(0.01))
    return layers.net


@pytest.mark.parametrize(
    "neuron_type",
    [
        nengo.LIF(tau_ref=0.003),
        loihi.LoihiLIF(tau_ref=0.002, min_voltage=-2),
        nengo.SpikingRectifiedLinear(amplitude=0.7),
        nengo.RegularSpiking(nengo.LIFRate()),
    ],
    ids=str,
)
def test_recurrence_and_probes(neuron_type):
    run, _ = assert_equal(recurrent_network(neuron_type), 60)
    assert run.block_spikes().all()


@pytest.mark.parametrize("feedback", [False, True])
def test_decoded_values(feedback):
    run, _ = assert_equal(nef_network(feedback), 80)
    assert run.chip_to_host.sum() > 0


def test_every_sample_of_a_batch_is_a_run_of_its_own():
    layers = spiking_network(IMAGES[0])
    with Emulator(layers.net, batch_size=3) as emulator:
        run = emulator.run(IMAGES, STEPS, readout="all")
        again = emulator.run({layers.input: IMAGES[:, None]}, STEPS)
    for sample, image in enumerate(IMAGES):
        layers = spiking_network(image)
        expected = Reference(layers.net)
        for own, probe in zip(run.outputs.values(), layers.net.all_probes):
            np.testing.assert_array_equal(own.steps[sample], expected.data[probe])
            np.testing.assert_array_equal(own.last[sample], expected.data[probe][-1])
            np.testing.assert_allclose(own.mean[sample], expected.data[probe].mean(axis=0))
        assert_same_counts(run, expected, sample)
    np.testing.assert_array_equal(run.spikes, again.spikes)
    assert run.host_to_chip().shape == (5, 1) and (run.chip_to_host > 0).all()
    np.testing.assert_array_equal(run.chip_to_host, run.block_spikes()[:, -1])
    assert set(run.synops_by_format()) == {"pop32", "dense"}
    assert run.messages_between().sum() == run.messages.sum()


@pytest.mark.parametrize("n_threads", [1, 3])
def test_continuous_presentation_goes_on(n_threads):
    presented = nengo.processes.PresentInput(IMAGES[:4], STEPS * 0.001)
    layers = spiking_network(presented)
    expected = Reference(layers.net, 4 * STEPS)
    with Emulator(layers.net, batch_size=1, n_threads=n_threads) as emulator:
        parts = [
            emulator.run(x, STEPS, presentation="continuous", readout="all")
            for x in (IMAGES[:3], IMAGES[3:4])
        ]
        with pytest.raises(MeasurementError, match="goes on"):
            emulator.run(np.repeat(IMAGES[:1, None], 5, 1), 5, presentation="continuous")
        emulator.reset()
        first = emulator.run(IMAGES[:1], STEPS, presentation="continuous")
    probe = layers.probes["output"]
    steps = np.concatenate([x for part in parts for x in part.outputs[probe].steps])
    # sums of the same numbers, in matrices of other heights: the last bits may differ
    np.testing.assert_allclose(steps, expected.data[probe], rtol=1e-12)
    total = sum(part.synops.sum(axis=0) for part in parts)
    np.testing.assert_array_equal(total, expected.synops)
    total = sum(part.spikes.sum(axis=0, dtype=int) for part in parts)
    np.testing.assert_array_equal(total[: len(expected.counts)], expected.counts)
    np.testing.assert_array_equal(first.spikes, parts[0].spikes[:1])


def test_inputs_that_change_at_every_step():
    rng = np.random.RandomState(5)
    values = rng.uniform(0, 500, (3, STEPS, 50))
    layers = spiking_network(IMAGES[0])
    with Emulator(layers.net, batch_size=2) as emulator:
        run = emulator.run(values, STEPS, readout="all")
    for sample in range(3):
        process = nengo.processes.PresentInput(values[sample], 0.001)
        layers = spiking_network(process)
        expected = Reference(layers.net)
        for own, probe in zip(run.outputs.values(), layers.net.all_probes):
            np.testing.assert_array_equal(own.steps[sample], expected.data[probe])


def test_spikes_of_ensembles_and_memory():
    layers = spiking_network(IMAGES[0])
    a = layers.net.all_ensembles[1]
    layers.probe(a)
    with Emulator(layers.net, batch_size=4) as emulator:
        run = emulator.run(IMAGES, STEPS, readout="all")
        assert run.spikes.dtype == np.uint8
        counted = np.round(run.outputs[layers.probes["a"]].steps * 0.001).sum(axis=1)
        np.testing.assert_array_equal(run.spikes_of(a), counted)
        with pytest.raises(MeasurementError, match="no compartments"):
            run.spikes_of(layers.encoder)


@pytest.mark.filterwarnings("ignore:Numbers were too large")
@pytest.mark.parametrize("n_inputs, where", [(200, "q0"), (40, "current")])
def test_overflow_is_that_of_the_chip(n_inputs, where):
    layers = Layers(n_inputs, seed=0)
    layers.input.output = np.full(n_inputs, 2000.0)
    a = layers.population(5, "a")
    # all weights are the largest that there are: many at once do not fit
    layers.connect(layers.encoder, a, np.full((5, n_inputs), 0.2), synapse=0.05)
    layers.probe(a)
    with layers.net:
        nengo.Probe(a.neurons, "input")
    with loihi.Simulator(layers.net) as sim, pytest.warns(UserWarning, match=f"in {where}"):
        sim.run_steps(20)
    assert_equal(layers.net, 60)


class NoisyModel(loihi.builder.Model):
    """NengoLoihi's model, with noise that is given to some blocks once they are discretised."""

    def build(self, obj, *args, **kwargs):
        built = super().build(obj, *args, **kwargs)
        if obj is self.toplevel:
            for number, block in enumerate(self.blocks):
                block.compartment.enable_noise[:] = number % 3 < 2
                block.compartment.noise_exp = 12 + number
                block.compartment.noise_offset = 3 - number
                block.compartment.noise_at_membrane = number % 2
        return built


@pytest.mark.parametrize("feedback", [False, True])
def test_noise_is_that_of_nengo_loihi(feedback):
    """In all lanes: each is a simulator of the same seed."""
    net = nef_network(feedback)
    quiet = Reference(net, 40)
    expected = Reference(net, 40, model=NoisyModel(dt=0.001))
    assert (expected.counts != quiet.counts).any()
    assert_equal(net, 40, expected=expected)
    seeded = Reference(net, 40, model=NoisyModel(dt=0.001), seed=77)
    assert (expected.counts != seeded.counts).any()
    assert_equal(net, 40, expected=seeded, seed=77)


def test_noise_of_decode_neurons():
    net = nef_network()
    model = loihi.builder.Model(dt=0.001)
    model.decode_neurons = loihi.decode_neurons.NoisyDecodeNeurons(5)
    expected = Reference(net, 60, model=model)
    assert any(block.compartment.enable_noise.any() for block in model.blocks)
    assert_equal(net, 60, expected=expected)
    with Emulator(net, model=model, batch_size=2) as emulator:
        nothing = np.zeros((3, 2))
        node = net.all_nodes[0]
        fresh = emulator.run({node: nothing}, 20)
        first = emulator.run({node: nothing[:2]}, 20, presentation="continuous")
        state = emulator.state()
        second = emulator.run({node: nothing[:2]}, 20, presentation="continuous")
        emulator.restore(state)
        again = emulator.run({node: nothing[:2]}, 20, presentation="continuous")
    assert (fresh.spikes == fresh.spikes[0]).all()
    np.testing.assert_array_equal(first.spikes, fresh.spikes[:2])
    assert (second.spikes != first.spikes).any()
    np.testing.assert_array_equal(second.spikes, again.spikes)


class Events(loihi.inputs.ChipProcess):
    """Events that a process on the chip makes, by step; the same neuron may fire twice."""

    def __init__(self, size, events):
        super().__init__(default_size_in=0, default_size_out=size)
        self.events = events

    def make_step(self, *args, **kwargs):
        raise NotImplementedError


@loihi.builder.Builder.register(Events)
def build_events(model, process, node=None):
    spikes = loihi.inputs.SpikeInput(process.default_size_out, label=node.label)
    for step, numbers in process.events.items():
        spikes.add_spikes(step, np.array(numbers, dtype=int), permanent=True)
    model.add_input(spikes)
    return spikes


def test_events_of_processes_on_the_chip():
    rng = np.random.RandomState(3)
    events = {int(t): rng.randint(0, 12, rng.randint(0, 25)) for t in rng.permutation(60)[:30] + 1}
    assert any(len(set(numbers)) < len(numbers) for numbers in events.values())
    layers = Layers(12, seed=6)
    with layers.net:
        camera = nengo.Node(Events(12, events), label="camera")
        a, b = layers.population(9, "a"), layers.population(4, "b")
        nengo.Connection(camera, a.neurons, transform=layers.weights(12, 9).T, synapse=0.005)
    layers.connect(layers.encoder, b, layers.weights(12, 4).T)
    layers.connect(a, b, layers.weights(9, 4).T)
    layers.probe(b)
    run, expected = assert_equal(layers.net, 50)
    assert run.block_spikes().all()
    with Emulator(layers.net, batch_size=3, model=expected.model) as emulator:
        batch = emulator.run({layers.input: np.ones((4, 12))}, 50, by_step=True)
        first, second = (
            emulator.run({layers.input: np.ones((3, 12))}, 25, presentation="continuous")
            for _ in range(2)
        )
    n = batch.input_of[0].start
    sent = sum(len(numbers) for step, numbers in events.items() if step <= 50)
    fired = batch.spikes[:, n:].sum(axis=1)
    assert (fired == sent).all() and (batch.by_step.host_to_chip.sum(axis=1) == sent).all()
    np.testing.assert_array_equal(batch.spikes[:3], first.spikes + second.spikes)
    layers.net.all_nodes[-1].output.events[3] = np.zeros(300, dtype=int)
    with pytest.raises(LoihiError, match=r"camera.*300 times in step 3"):
        Emulator(layers.net)


def test_learning_and_floating_point_are_refused():
    with nengo.Network(seed=0) as net:
        pre, post = nengo.Ensemble(20, 1, label="learner"), nengo.Node(size_in=1)
        conn = nengo.Connection(pre, post, learning_rule_type=nengo.PES())
        nengo.Connection(post, conn.learning_rule)
    with pytest.raises(LoihiError, match="learns"):
        Emulator(net)


def test_what_is_given_is_checked():
    layers = spiking_network(IMAGES[0])
    with pytest.raises(MeasurementError, match="batch_size"):
        Emulator(layers.net, batch_size=0)
    with Emulator(layers.net) as emulator:
        with pytest.raises(DataError, match="50"):
            emulator.run(IMAGES[:, :3])
        with pytest.raises(DataError, match="expected"):
            emulator.run({layers.input: np.zeros((2, 3, 50))}, 10)
        with pytest.raises(MeasurementError, match="presentation"):
            emulator.run(IMAGES, presentation="cold")
        with pytest.raises(DataError, match="not a Node"):
            emulator.run({nengo.Node([0], add_to_container=False): np.zeros((1, 1))})
    with pytest.raises(LoihiError, match="another network"):
        Emulator(spiking_network(IMAGES[0]).net, model=emulator.model)
    with nengo.Network() as net:
        nengo.Connection(nengo.Ensemble(9, 1), nengo.Ensemble(9, 1), synapse=nengo.Alpha(0.1))
    with pytest.raises(LoihiError, match="check_support"):
        Emulator(net)


def test_exact_layers_on_the_host_between_layers_on_the_chip():
    net, _ = architectures.lowered(architectures.max_pool_as_average, max_pooling="exact")
    run, _ = assert_equal(net)
    assert run.chip_to_host.sum() > 0


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": (1, 1), "strides": (1, 1)},
        {"kernel_size": (3, 2), "strides": (2, 1)},
        {"kernel_size": (3, 3), "strides": (2, 2), "padding": "same"},
        {"kernel_size": (5, 4), "strides": (1, 3), "groups": 2},
        {"kernel_size": (2, 3), "strides": (1, 1), "channels_last": False},
    ],
    ids=str,
)
def test_convolutions_of_the_host_to_the_last_bit(options):
    """Of numbers, which are sums whose order shows in the last bits."""
    rng = np.random.RandomState(0)
    first = options.get("channels_last", True)
    shape = (9, 8, 2) if first else (2, 9, 8)
    kernel = rng.normal(size=nengo.Convolution(4, shape, **options).kernel_shape)
    transform = nengo.Convolution(4, shape, init=kernel, **options)
    layers = Layers(144, seed=1)
    layers.input.output = rng.normal(size=144)
    with layers.net:
        graded = nengo.Ensemble(
            transform.size_out, 1, neuron_type=nengo.Tanh(), gain=np.ones(transform.size_out),
            bias=np.zeros(transform.size_out),
        )  # fmt: skip
        layers.net.config[graded].on_chip = False
        nengo.Connection(layers.input, graded.neurons, transform=transform, synapse=None)
        nengo.Probe(graded.neurons)
    layers.connect(layers.encoder, layers.population(3, "a"), layers.weights(144, 3).T)
    run, _ = assert_equal(layers.net, 3)
    assert run.host_counts[graded].any()


def test_the_input_of_a_conversion_and_of_its_fit_is_known():
    """Also where the readout has biases, which come from a Node without input, too."""
    keras = stack.keras()
    inp = keras.Input((6,))
    x = keras.layers.Dense(8, activation="relu", name="first")(inp)
    x = keras.layers.Dense(5, activation="relu", name="second")(x)
    model = randomise(keras.Model(inp, keras.layers.Dense(2, name="out")(x)))
    conversion = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=200, synapse=0.005
    )
    assert sum(node.size_in == 0 for node in conversion.net.all_nodes) == 2
    samples = np.random.RandomState(0).uniform(0.5, 1, (3, 6))
    with nsc.loihi.Emulator(conversion) as emulator:
        expected = emulator.run(samples, 20)
    fit = nsc.loihi.fit_blocks(conversion)
    with nsc.loihi.Emulator(fit) as emulator:
        found = emulator.run(samples, 20)
    # one block a layer with or without the fit, so that nothing is rounded otherwise
    assert [layer.use.n_blocks for layer in fit.layers] == [1]
    ensemble = conversion.layers["second"].ensemble
    assert expected.spikes_of(ensemble).sum() > 0
    np.testing.assert_array_equal(found.spikes_of(ensemble), expected.spikes_of(ensemble))
    assert {block.layer for block in nsc.loihi.place(fit).blocks} == {"second"}
