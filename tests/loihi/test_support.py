"""What `check_support` says of small networks, against what NengoLoihi does with them."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import scipy.sparse

from nengo_spikecost import stack
from nengo_spikecost.errors import LoihiError, NetworkGraphError
from nengo_spikecost.loihi import check_support, mark_off_chip, on_chip, raise_unsupported

from .networks import Layers, emulate, emulator_counts, nengo_counts

loihi = stack.nengo_loihi()
nengo_dl = stack.nengo_dl()

CASES: list = []


def case(outcome: str, word: str = ""):
    """Register a network: "runs", "differs" or "fails", and a word that has to be said."""

    def register(function):
        CASES.append(pytest.param(function, outcome, word, id=function.__name__))
        return function

    return register


def eye(n=8, weight=3.0):
    return nengo.Dense((n, n), init=np.eye(n) * weight)


def sparse(n=8, weight=3.0):
    return nengo.Sparse((n, n), init=scipy.sparse.eye(n).tocsr() * weight)


def conv(cls=nengo.Convolution):
    return cls(2, (2, 2, 2), kernel_size=(1, 1), init=np.full((1, 1, 2, 2), 2.0))


def chip(layers, label="a", transform=None, pre=None, n=8, synapse=0.005, **kwargs):
    """A population on the chip, fed by the encoder or by `pre`, and recorded."""
    post = layers.population(n, label, **kwargs)
    layers.connect(pre or layers.encoder, post, transform or eye(), synapse)
    layers.probe(post)
    return post


def relay(layers, pre, *posts):
    """A passthrough Node behind a population, and what it feeds: (object, transform, synapse)."""
    with layers.net:
        node = nengo.Node(size_in=8, label="relay")
        nengo.Connection(pre.neurons, node, synapse=None)
        for post, transform, synapse in posts:
            nengo.Connection(node, post, transform=transform, synapse=synapse)
    return node


def host_node(layers, function=None, size_in=8, label="host"):
    with layers.net:
        return nengo.Node(function, size_in=size_in, label=label)


# ---------------------------------------------------------------- between populations


for _name, _transform in {
    "none": None,
    "scalar": nengo.Dense((8, 8), init=3.0),
    "vector": nengo.Dense((8, 8), init=np.arange(8.0)),
    "matrix": eye(),
    "distribution": nengo.Dense((8, 8), init=nengo.dists.Uniform(0, 1)),
    "sparse": sparse(),
    "sparse_by_indices": nengo.Sparse((8, 8), indices=[(1, 1), (1, 1), (2, 0)], init=[2, 2, 3.0]),
    "convolution": conv(),
    "transposed": conv(nengo.ConvolutionTranspose),
    "drawn_convolution": nengo.Convolution(
        2, (2, 2, 2), kernel_size=(1, 1), init=nengo.dists.Uniform(1, 2)
    ),
}.items():

    def _both(layers, transform=_transform):
        a = chip(layers, "a", transform)
        chip(layers, "b", transform, a)

    _both.__name__ = f"transform_{_name}"
    case("runs")(_both)


@case("fails", "Sparse")
def sparse_without_entries(layers):
    chip(layers, transform=nengo.Sparse((8, 8), init=scipy.sparse.csr_matrix((8, 8))))


@case("fails", "1 axes")
def convolution_1d(layers):
    chip(layers, transform=nengo.Convolution(2, (4, 2), kernel_size=(1,), strides=(1,)))


@case("fails", "3 axes")
def convolution_3d(layers):
    ones = (1, 1, 1)
    shape = (2, 2, 1, 2)
    chip(layers, transform=nengo.Convolution(2, shape, kernel_size=ones, strides=ones))


@case("runs")
def unequal_gains_into_matrices(layers):
    a = chip(layers, "a", eye(), gain=np.arange(1.0, 9))
    chip(layers, "b", sparse(), a, gain=np.arange(1.0, 9))


@case("fails", "unequal gains")
def unequal_gains_into_convolution(layers):
    chip(layers, transform=conv(), gain=np.arange(1.0, 9))


@case("fails", "unequal gains")
def solved_gains_into_convolution(layers):
    with layers.net:
        a = nengo.Ensemble(8, 1, label="a")
    layers.connect(layers.encoder, a, conv())


@case("runs")
def solved_but_equal_gains_into_convolution(layers):
    with layers.net:
        a = nengo.Ensemble(
            8,
            1,
            max_rates=nengo.dists.Choice([100]),
            intercepts=nengo.dists.Choice([0]),
            neuron_type=loihi.neurons.LoihiSpikingRectifiedLinear(),
            label="a",
        )
    layers.connect(layers.encoder, a, conv())


@case("runs")
def part_of_source(layers):
    a = layers.population(4, "a")
    layers.probe(a)
    with layers.net:
        nengo.Connection(
            layers.encoder.neurons[[0, 3, 1, 2]], a.neurons, transform=eye(4), synapse=0.005
        )


@case("fails", "part of a population")
def part_of_target(layers):
    a = layers.population(8, "a")
    with layers.net:
        nengo.Connection(layers.encoder.neurons[:4], a.neurons[4:], synapse=0.005)


@case("runs")
def two_ways_into_one(layers):
    a = chip(layers)
    layers.connect(layers.encoder, a, conv())


# ---------------------------------------------------------------- synapses


@case("runs")
def no_synapse(layers):
    chip(layers, synapse=None)


@case("fails", "Lowpass")
def alpha(layers):
    chip(layers, synapse=nengo.Alpha(0.005))


@case("fails", "too long")
def long_synapse(layers):
    chip(layers, synapse=20.0)


@case("differs", "different filters")
def two_filters(layers):
    layers.connect(layers.encoder, chip(layers), eye(), 0.02)


# ---------------------------------------------------------------- neurons


@case("fails", "RectifiedLinear")
def rates_on_chip(layers):
    layers.neuron_type = nengo.RectifiedLinear()
    chip(layers)


@case("fails", "PoissonSpiking")
def poisson_on_chip(layers):
    layers.neuron_type = nengo.PoissonSpiking(nengo.RectifiedLinear())
    chip(layers)


@case("fails", "base type Sigmoid")
def regular_sigmoid_on_chip(layers):
    layers.neuron_type = nengo.RegularSpiking(nengo.Sigmoid())
    chip(layers)


@case("fails", "amplitude")
def amplitude_of_base_type(layers):
    layers.neuron_type = nengo.RegularSpiking(nengo.RectifiedLinear(amplitude=2))
    chip(layers)


@case("differs", "runs as LIF")
def adaptive_on_chip(layers):
    layers.neuron_type = nengo.AdaptiveLIF()
    chip(layers)


@case("differs", "SpikingLeakyReLU")
def leaky_on_chip(layers):
    layers.neuron_type = nengo_dl.SpikingLeakyReLU()
    chip(layers)


@case("fails", "membrane time constant")
def slow_membrane(layers):
    layers.neuron_type = loihi.LoihiLIF(tau_rc=20.0)
    chip(layers)


@case("differs", "rates of RectifiedLinear")
def rates_off_chip(layers):
    layers.encoder.neuron_type = nengo.RectifiedLinear()
    chip(layers)


@case("differs", "negative spikes")
def negative_spikes_off_chip(layers):
    layers.encoder.neuron_type = nengo_dl.SpikingLeakyReLU()
    chip(layers)


@case("fails", "noise")
def noise(layers):
    chip(layers).noise = nengo.processes.WhiteNoise()


@case("fails", "not both")
def gain_without_bias(layers):
    with layers.net:
        nengo.Ensemble(8, 1, gain=np.ones(8), label="a")


@case("fails", "gains")
def impossible_rates(layers):
    with layers.net:
        nengo.Ensemble(8, 1, max_rates=nengo.dists.Choice([2000]), neuron_type=nengo.LIF())


@case("fails", "length 0")
def zero_encoders(layers):
    with layers.net:
        nengo.Ensemble(8, 1, encoders=np.zeros((8, 1)))


@case("fails", "no Ensemble on the chip")
def nothing_on_the_chip(layers):
    pass


@case("runs")
def direct_mode_is_on_the_host(layers):
    chip(layers)
    with layers.net:
        nengo.Ensemble(8, 1, neuron_type=nengo.Direct())


@case("differs", "subnetwork")
def marked_in_a_subnetwork(layers):
    chip(layers)
    with layers.net, nengo.Network() as part:
        loihi.add_params(part)
        inner = nengo.Ensemble(8, 1, neuron_type=layers.neuron_type)
    part.config[inner].on_chip = False


# ---------------------------------------------------------------- rounding


@case("fails", "too large")
def weights_beyond_the_threshold(layers):
    chip(layers, transform=eye(weight=1e5))


@case("runs")
def weights_just_below(layers):
    chip(layers, transform=eye(weight=1e3))


@case("fails", "too large")
def gain_beyond_the_threshold(layers):
    chip(layers, transform=sparse(), gain=1e5)


@case("fails", "too large")
def bias_beyond_the_threshold(layers):
    chip(layers).bias = nengo.dists.Choice([1e9])


# ---------------------------------------------------------------- the host


@case("runs")
def chip_to_host(layers):
    a = chip(layers)
    node = host_node(layers)
    with layers.net:
        nengo.Connection(a.neurons, node, transform=np.eye(8) * 2, synapse=nengo.Alpha(0.005))
        nengo.Connection(a.neurons[:4], node[4:], synapse=0.005)


@case("fails", "to the host")
def convolution_to_host(layers):
    a = chip(layers)
    node = host_node(layers)
    with layers.net:
        nengo.Connection(a.neurons, node, transform=conv())
        nengo.Probe(node)


@case("fails", "to the host")
def sparse_to_off_chip_neurons(layers):
    a = chip(layers)
    layers.connect(a, layers.population(8, "b", on_chip=False), sparse())


@case("differs", "vector")
def vector_to_host(layers):
    a = chip(layers)
    b = layers.population(8, "b", on_chip=False)
    layers.connect(a, b, nengo.Dense((8, 8), init=np.full(8, 2.0)))
    layers.probe(b)
    chip(layers, "c", pre=b)  # a loop through the host: NengoLoihi goes step by step


@case("runs")
def convolution_behind_a_relay_on_the_host(layers):
    node = host_node(layers)
    relay(layers, chip(layers), (node, conv(), 0.005))


@case("runs")
def back_to_the_chip_through_host_and_encoder(layers):
    a = chip(layers)
    node = host_node(layers, lambda t, x: x.reshape(4, 2).max(axis=1))
    encoder = layers.population(4, "encoder2", on_chip=False)
    with layers.net:
        nengo.Connection(a.neurons, node, synapse=0.005)
        nengo.Connection(node, encoder.neurons, synapse=None)
    layers.probe(encoder)
    chip(layers, "b", eye(4), encoder, n=4)


@case("differs", "numbers on the host")
def numbers_to_chip(layers):
    a = layers.population(8, "a")
    layers.probe(a)
    with layers.net:
        nengo.Connection(nengo.Node(np.full(8, 150.0)), a.neurons, synapse=None)


@case("fails", "Convolution of numbers")
def convolution_of_numbers(layers):
    a = chip(layers)
    with layers.net:
        nengo.Connection(nengo.Node(np.ones(8)), a.neurons, transform=conv())


@case("fails", "Sparse of numbers")
def sparse_of_numbers(layers):
    a = chip(layers)
    with layers.net:
        nengo.Connection(nengo.Node(np.ones(8)), a.neurons, transform=sparse())


@case("fails", "TensorNode")
def tensor_node(layers):
    chip(layers)
    with layers.net:
        node = nengo_dl.TensorNode(lambda x: x, (8,), (8,), pass_time=False, label="tensor")
        nengo.Connection(layers.input, node, synapse=None)


# ---------------------------------------------------------------- passthrough Nodes


@case("runs")
def relay_of_matrices(layers):
    a, b = chip(layers), chip(layers, "b")
    node = relay(layers, a, (b.neurons, eye(), 0.005))
    with layers.net:
        nengo.Probe(node)


@case("fails", "Convolution")
def relay_of_convolution(layers):
    a, b = chip(layers), chip(layers, "b")
    relay(layers, a, (b.neurons, conv(), 0.005))


@case("fails", "distribution")
def relay_of_drawn_weights(layers):
    a, b = chip(layers), chip(layers, "b")
    drawn = nengo.Dense((8, 8), init=nengo.dists.Choice([1]))
    relay(layers, a, (b.neurons, drawn, 0.005))


@case("fails", "vector")
def relay_of_vector(layers):
    a, b = chip(layers), chip(layers, "b")
    relay(layers, a, (b.neurons, nengo.Dense((8, 8), init=np.ones(8)), 0.005))


@case("runs")
def relay_that_leads_nowhere(layers):
    a = chip(layers)
    relay(layers, a, (host_node(layers), conv(), None))


@case("differs", "numbers on the host")
def relay_behind_off_chip_neurons(layers):
    a = layers.population(8, "a")
    layers.probe(a)
    relay(layers, layers.encoder, (a.neurons, eye(), 0.005))


@case("differs", "filters twice")
def relay_between_two_filters(layers):
    a, c = chip(layers), layers.population(8, "c")
    node = relay(layers, a)
    with layers.net:
        between = nengo.Node(size_in=8)
        nengo.Connection(node, between, synapse=0.02)
        nengo.Connection(between, c.neurons, transform=eye(weight=20), synapse=0.02)
    layers.probe(c)


@case("fails", "Lowpass")
def relay_between_alpha_filters(layers):
    a, b = chip(layers), chip(layers, "b")
    node = host_node(layers)
    relay(layers, a, (node, None, nengo.Alpha(0.005)))
    with layers.net:
        nengo.Connection(node, b.neurons, synapse=0.005)


@case("runs")
def probed_node_beside_the_chip(layers):
    a, b = chip(layers), chip(layers, "b")
    node = host_node(layers, label="readout")
    relay(layers, a, (node, None, None), (b.neurons, None, 0.005))
    with layers.net:
        layers.probes["readout"] = nengo.Probe(node)


@case("differs", "loop")
def loop_of_relays(layers):
    a, b = chip(layers), layers.population(8, "b")
    layers.probe(b)
    second = host_node(layers, label="second")
    first = relay(layers, a, (b.neurons, eye(), 0.005), (second, None, 0.005))
    with layers.net:
        nengo.Connection(second, first, transform=0.5, synapse=0.005)


# ---------------------------------------------------------------- decoded values, learning


def ensemble(layers, label, n=20, dimensions=1):
    with layers.net:
        return nengo.Ensemble(n, dimensions, neuron_type=loihi.LoihiLIF(), label=label)


@case("runs")
def communication_channel(layers):
    a, b = ensemble(layers, "a"), ensemble(layers, "b")
    with layers.net:
        nengo.Connection(nengo.Node(0.5), a)
        nengo.Connection(a, b, function=np.square)
        nengo.Connection(b, b, solver=nengo.solvers.LstsqL2(weights=True))
        nengo.Probe(b, synapse=0.01)


@case("fails", "Sparse")
def sparse_of_decoded_values(layers):
    a, b = ensemble(layers, "a"), ensemble(layers, "b")
    with layers.net:
        nengo.Connection(a, b, transform=nengo.Sparse((1, 1), indices=[(0, 0)], init=[1.0]))


@case("fails", "part of a population")
def one_dimension_of_an_ensemble(layers):
    a, b = ensemble(layers, "a"), ensemble(layers, "b", dimensions=2)
    with layers.net:
        nengo.Connection(a, b[1])


@case("fails", "from neurons to neurons")
def convolution_of_decoded_values(layers):
    a = ensemble(layers, "a", dimensions=8)
    with layers.net:
        nengo.Connection(a, chip(layers, "b").neurons, transform=conv())


@case("runs")
def array_of_ensembles(layers):
    with layers.net:
        first, second = (
            nengo.networks.EnsembleArray(20, 2, neuron_type=loihi.LoihiLIF()) for _ in range(2)
        )
        nengo.Connection(nengo.Node([0.3, 0.4]), first.input)
        nengo.Connection(first.output, second.input)
        nengo.Probe(second.output, synapse=0.01)


def learning(layers, rule, post=None, error=True, **kwargs):
    a = ensemble(layers, "pre")
    with layers.net:
        target = post or nengo.Node(lambda t, x: None, size_in=1, label="target")
        learned = nengo.Connection(a, target, learning_rule_type=rule, **kwargs)
        if error:
            source = nengo.Node(0.5, label="error")
            nengo.Connection(source, learned.learning_rule)
    return a, learned


@case("runs")
def pes(layers):
    learning(layers, nengo.PES())


@case("runs")
def pes_into_an_ensemble(layers):
    learning(layers, nengo.PES(), ensemble(layers, "post"))


@case("fails", "has to be on the host")
def pes_into_an_ensemble_kept_on_chip(layers):
    post = ensemble(layers, "post")
    learning(layers, nengo.PES(), post)
    layers.net.config[post].on_chip = True


@case("fails", "starts on the host")
def pes_on_the_host(layers):
    a, _ = learning(layers, nengo.PES())
    chip(layers, "b")
    layers.net.config[a].on_chip = False


@case("fails", "Alpha")
def pes_with_alpha(layers):
    learning(layers, nengo.PES(pre_synapse=nengo.Alpha(0.005)))


@case("fails", "Voja")
def voja(layers):
    learning(layers, nengo.Voja(), ensemble(layers, "post"), error=False)


@case("fails", "weights")
def pes_on_weights(layers):
    solver = nengo.solvers.LstsqL2(weights=True)
    learning(layers, nengo.PES(), ensemble(layers, "post"), solver=solver)


@case("fails", "from neurons")
def pes_from_neurons(layers):
    a = chip(layers)
    with layers.net:
        node = nengo.Node(lambda t, x: None, size_in=1)
        transform = np.zeros((1, 8))
        learned = nengo.Connection(
            a.neurons, node, transform=transform, learning_rule_type=nengo.PES()
        )
        nengo.Connection(nengo.Node(0.5), learned.learning_rule)


@case("fails", "leaves out")
def pes_into_a_node_that_leads_nowhere(layers):
    learning(layers, nengo.PES(), host_node(layers, size_in=1))


# ---------------------------------------------------------------- Probes


@case("runs")
def probes(layers):
    a = chip(layers)
    with layers.net:
        for attribute in ("voltage", "input"):
            nengo.Probe(a.neurons[2:4], attribute)
        nengo.Probe(layers.encoder.neurons, sample_every=0.002)


@case("fails", "so many seconds")
def sampled_probe(layers):
    a = chip(layers)
    with layers.net:
        nengo.Probe(a.neurons, sample_every=0.002)


@case("fails", "Connection")
def probe_of_a_connection(layers):
    chip(layers)
    with layers.net:
        nengo.Probe(layers.net.all_connections[0], "output")


@case("fails", "'input'")
def probe_of_input(layers):
    a = chip(layers)
    with layers.net:
        nengo.Probe(a, "input")


@case("fails", "'scaled_encoders'")
def probe_of_encoders(layers):
    a = chip(layers)
    with layers.net:
        nengo.Probe(a, "scaled_encoders")


# ---------------------------------------------------------------- the tests


@pytest.mark.parametrize("build, outcome, word", CASES)
def test_prediction_is_what_nengo_loihi_does(build, outcome, word):
    layers = Layers(8, seed=2)
    build(layers)
    problems = check_support(layers.net)
    predicted = "fails" if any(p.refused for p in problems) else "differs" if problems else "runs"
    assert predicted == outcome, [str(p) for p in problems]
    assert word in " ".join(map(str, problems))
    if outcome == "fails":
        with pytest.raises(Exception):  # noqa: B017  (bare assertions among them)
            emulate(layers.net, steps=3)
    else:
        found = emulator_counts(emulate(layers.net), layers.probes)
        if outcome == "runs":
            expected = nengo_counts(layers.net, layers.probes)
            for label, counts in expected.items():
                assert_close(found[label], counts)


@pytest.mark.parametrize("seed", range(40))
def test_what_can_be_rounded_is_known_beforehand(seed):
    """Weights, gains and biases over many orders of magnitude, half of them too large."""
    rng = np.random.RandomState(seed)
    neuron_type = [None, nengo.LIF(), loihi.LoihiLIF(tau_rc=0.05)][seed % 3]
    layers = Layers(8, seed=seed, neuron_type=neuron_type)
    weight = 10 ** rng.uniform(-3, 6)
    kernel = rng.uniform(-weight, weight, (1, 1, 2, 2))
    transform = [
        eye(weight=weight),
        sparse(weight=weight),
        nengo.Convolution(2, (2, 2, 2), kernel_size=(1, 1), init=kernel),
        None,
        nengo.Dense((8, 8), init=weight),
    ][seed % 5]
    a = layers.population(8, "a", gain=10 ** rng.uniform(-1, 2))
    a.bias = nengo.dists.Choice([10 ** rng.uniform(-3, 9)])
    layers.connect(layers.encoder, a, transform, [0.005, None, 0.1][seed % 3])
    problems = [problem for problem in check_support(layers.net) if problem.refused]
    if problems:
        assert "too large to be rounded" in str(problems[0])
        with pytest.raises((AssertionError, nengo.exceptions.BuildError)):
            emulate(layers.net, steps=1)
    else:
        emulate(layers.net, steps=1)


def assert_close(found, expected):
    """Spikes of one population in 30 steps, in the emulator and in Nengo.

    Weights are rounded to 8 bits, and what comes back to the host comes a step later (one of
    30, while filters still fill): a neuron may be a spike off, or two where it has both.
    """
    assert expected.sum() == 0 or found.sum() > 0
    assert np.abs(found - expected).max() <= 2
    assert abs(found.sum() - expected.sum()) <= max(3, 0.15 * expected.sum())


@pytest.mark.parametrize(
    "build",
    [
        two_filters,
        vector_to_host,
        numbers_to_chip,
        rates_off_chip,
        relay_behind_off_chip_neurons,
        loop_of_relays,
        relay_between_two_filters,
    ],
)
def test_what_is_said_to_differ_does(build):
    layers = Layers(8, seed=2)
    build(layers)
    found = emulator_counts(emulate(layers.net), layers.probes)
    expected = nengo_counts(layers.net, layers.probes)
    assert any(np.abs(found[k] - expected[k]).max() > 2 for k in found), (found, expected)


def test_messages_name_the_layer_and_say_what_to_do():
    layers = Layers(8)
    a = chip(layers, "a", conv())
    b = layers.population(8, "b")
    layers.connect(a, b, nengo.Convolution(2, (4, 2), kernel_size=(1,), strides=(1,)))

    class Converted:
        net = layers.net
        layer_names = {a: "conv0", b: "conv1"}  # noqa: RUF012

    (problem,) = check_support(Converted())
    assert problem.name == "conv0 -> conv1"
    assert str(problem) == (
        "conv0 -> conv1 is a Convolution over 1 axes; NengoLoihi builds those over 2 only. "
        "Lower the network first (nengo_spikecost.lowering.lower), which writes it over 2 axes."
    )
    with pytest.raises(LoihiError, match="conv0 -> conv1 is a Convolution") as raised:
        raise_unsupported(Converted())
    assert raised.value.problems == (problem,)


def test_three_axes_run_only_off_the_chip():
    layers = Layers(8)
    a = chip(layers, "a", conv())
    b = layers.population(8, "b")
    cube = nengo.Convolution(1, (2, 2, 2, 1), kernel_size=(1, 1, 1), strides=(1, 1, 1))
    layers.connect(a, b, cube)
    (problem,) = check_support(layers.net)
    assert "over 3 axes" in problem.reason and "both ends off chip" in problem.remedy
    # what the advice says leads to a network about which this is not said any more
    mark_off_chip(layers.net, [a, b])
    assert not any("axes" in problem.reason for problem in check_support(layers.net))


def test_nothing_is_raised_of_what_runs():
    layers = Layers(8)
    chip(layers)
    raise_unsupported(layers.net)


def test_what_is_no_network_is_refused():
    with pytest.raises(NetworkGraphError, match=r"a nengo\.Network"):
        check_support(3)


def test_the_network_is_not_changed():
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(8, 1, gain=np.ones(8), bias=np.zeros(8))
        nengo.Connection(a.neurons, a.neurons, synapse=0.005)
    check_support(net)
    on_chip(net)
    assert not net.config[nengo.Ensemble]._extra_params


# ---------------------------------------------------------------- placement


def test_on_chip_says_where_each_object_runs():
    layers = Layers(8)
    a = chip(layers)
    with layers.net:
        direct = nengo.Ensemble(8, 1, neuron_type=nengo.Direct())
    places = on_chip(layers.net)
    assert places == {layers.input: False, layers.encoder: False, a: True, direct: False}


def test_on_chip_of_learned_connections():
    layers = Layers(8)
    post = ensemble(layers, "post")
    pre, _ = learning(layers, nengo.PES(), post)
    assert on_chip(layers.net)[post] is False and on_chip(layers.net)[pre] is True
    layers.net.config[post].on_chip = True
    with pytest.raises(LoihiError, match="must not be"):
        on_chip(layers.net)


def test_mark_off_chip():
    with nengo.Network() as net:
        a, b = nengo.Ensemble(8, 1), nengo.Ensemble(8, 1)
    mark_off_chip(net, [a.neurons])
    assert on_chip(net) == {a: False, b: True}
    with pytest.raises(NetworkGraphError, match="no Ensemble of"):
        mark_off_chip(net, [nengo.Ensemble(8, 1, add_to_container=False)])
