"""Every number that limits a chip: one less fits, as much fits, and one more does not."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_spikecost import chips

#: Of a function that makes a network with exactly so much of a quantity, by its name.
MAKERS = {}

#: Synapses of a convolution that comes near a large limit.
PIXELS = {120_000_000: (99, 100, 120, 100), 19_922_944: (63, 76, 64, 64)}


def makes(*names):
    def decorator(maker):
        MAKERS.update(dict.fromkeys(names, maker))
        return maker

    return decorator


def population(n, label):
    return nengo.Ensemble(
        n, 1, neuron_type=nengo.SpikingRectifiedLinear(), gain=np.ones(n), bias=np.zeros(n),
        label=label,
    )  # fmt: skip


def join(pre, post, weights=None, synapse=None):
    """Weights of 1 from all to all, if none are given."""
    ones = np.ones((post.n_neurons, getattr(pre, "n_neurons", getattr(pre, "size_out", 0))))
    pre = getattr(pre, "neurons", pre)
    weights = ones if weights is None else weights
    nengo.Connection(pre, post.neurons, transform=weights, synapse=synapse)


def chain(*sizes, given=1):
    """An input, and populations one behind the other."""
    pre = nengo.Node(np.zeros(given), label="given")
    made = [population(n, f"layer{k}") for k, n in enumerate(sizes)]
    for before, post in zip((pre, *made), made):
        join(before, post)
    return made


@makes("input_channels", "dense_inputs")
def inputs(value):
    chain(1, given=value)


@makes("hidden_neurons", "input_targets", "readout_neurons")
def first_of_two(value):
    chain(value, 1)


@makes("output_neurons")
def last_of_two(value):
    chain(1, value)


@makes("neurons")
def one_population(value):
    population(value, "all")


@makes("fan_out")
def middle_of_three(value):
    chain(1, value, 1)


@makes("hidden_synapses", "hidden_synapses_of_filter")
def between_two(value):
    a, b = (population(200, label) for label in "ab")
    weights = np.zeros(200 * 200)
    weights[:value] = 1
    join(a, b, weights.reshape(200, 200))
    join(b, population(1, "out"))


@makes("synapses")
def synapses(value):
    """Most are those of a convolution, the rest of an input."""
    limit = min(PIXELS, key=lambda known: abs(known - value))
    *space, before, behind = PIXELS[limit]
    image = nengo.transforms.ChannelShape((*space, before))
    conv = nengo.Convolution(
        behind, image, kernel_size=(1, 1), init=np.ones((1, 1, before, behind))
    )  # fmt: skip
    a, b = population(image.size, "a"), population(conv.output_shape.size, "b")
    nengo.Connection(a.neurons, b.neurons, transform=conv, synapse=None)
    chain(value - int(np.prod(PIXELS[limit])))


@makes("weight_bits")
def weights(value):
    (a,) = chain(1)
    join(a, population(2, "b"), np.array([[1.0], [2 ** (value - 1) - 1]]))


@makes("synaptic_filters")
def filters(value):
    (post,) = chain(1)
    for k in range(value):
        join(population(1, f"from{k}"), post, synapse=0.001 * (k + 1))
    if value:  # the input has the first of them
        (given,) = [c for c in nengo.Network.context[-1].connections if c.synapse is None]
        given.synapse = nengo.Lowpass(0.001)


@makes("delay_steps")
def delay(value):
    late = nengo.LinearFilter([0] * value + [1], [1] + [0] * value, analog=False)
    (a,) = chain(1)
    join(a, population(1, "b"), synapse=late if value else None)


@makes("layers")
def layers(value):
    chain(*[2] * value)


@makes("layers_without_core")
def too_many_layers(value):
    chain(*[2] * (9 + value))


@makes("layer_targets")
def targets(value):
    (a,) = chain(1)
    for k in range(value):
        join(a, population(1, f"to{k}"))


@makes("layer_sources")
def sources(value):
    post = population(1, "post")
    for k in range(value):
        join(population(1, f"from{k}"), post)


def convolution(space, before=1, behind=1, kernel=1):
    shape = (*space, before)
    conv = nengo.Convolution(
        behind, shape, kernel_size=(kernel, kernel), init=np.ones((kernel, kernel, before, behind))
    )  # fmt: skip
    given = nengo.Node(np.zeros(int(np.prod(shape))), label="given")
    post = population(conv.output_shape.size, "post")
    nengo.Connection(given, post.neurons, transform=conv, synapse=None)


@makes("kernel_side")
def kernel(value):
    convolution((value + 2, value + 2), kernel=value)


@makes("channels")
def channels(value):
    convolution((2, 2), behind=value)


@makes("channels_in")
def channels_in(value):
    convolution((2, 2), before=value)


@makes("whole_pools")
def whole_pool(value):
    _pooled(value, (value, value), channels=1)


@makes("pools_before_dense")
def pools_before_dense(value):
    for k in range(value):
        _pooled(2, (4, 4), label=f"pooled{k}")
    if not value:
        chain(2, 2)


def _pooled(window, space, channels=2, label="pooled"):
    """Weights from all places of an image that was pooled."""
    before = population(int(np.prod(space)) * channels, f"{label} before")
    kernel = np.ones((window, window, 1, channels))
    pool = nengo.Convolution(
        channels, (*space, channels), strides=(window, window), kernel_size=(window, window),
        groups=channels, init=kernel,
    )  # fmt: skip
    between = nengo.Node(size_in=pool.output_shape.size)
    post = population(3, label)
    nengo.Connection(before.neurons, between, transform=pool, synapse=None)
    weights = np.arange(1, 3 * pool.output_shape.size + 1).reshape(3, -1)
    nengo.Connection(between, post.neurons, transform=weights, synapse=None)


@makes("grouped_convolutions")
def grouped(value):
    before = chain(2)[0]
    for k in range(value):
        conv = nengo.Convolution(
            2, (1, 1, 2), kernel_size=(1, 1), groups=2, init=np.ones((1, 1, 1, 2))
        )
        post = population(2, f"grouped{k}")
        nengo.Connection(before.neurons, post.neurons, transform=conv, synapse=None)


@makes("side_in", "side_out")
def side(value):
    convolution((value, 2))


LIMITS = [
    (name, limit.quantity, limit.at_most)
    for name in ("xylo_audio2", "xylo_audio3", "xylo_imu", "speck2f", "akd1000", "loihi2",
                 "spinnaker2")
    for limit in chips.get(name).limits if limit.at_most is not None
]  # fmt: skip


def test_no_chip_that_is_shipped_is_left_out():
    assert {name for name, *_ in LIMITS} == set(chips.names())


@pytest.mark.parametrize(("name", "quantity", "limit"), LIMITS)
def test_one_less_fits_as_much_fits_and_one_more_does_not(name, quantity, limit):
    answers = {}
    for value in {max(limit - 1, 0), limit, limit + 1}:
        with nengo.Network(seed=0) as net:
            MAKERS[quantity](value)
            nengo.Probe(net.all_ensembles[-1].neurons)
        (found,) = [c for c in chips.fit(name, net).checks if c.limit.quantity == quantity]
        assert found.need.value == value
        answers[value - limit] = found.answer
    more = "rounded" if quantity == "weight_bits" else "no"
    assert answers == {-1: "yes", 0: "yes", 1: more} if limit else {0: "yes", 1: more}


@pytest.mark.parametrize("step", range(1, 10))
def test_steps_of_convolutions_are_those_that_speck_has(step):
    conv = nengo.Convolution(1, (18, 18, 1), strides=(step, step), init=np.ones((3, 3, 1, 1)))
    with nengo.Network(seed=0) as net:
        nengo.Connection(nengo.Node(np.zeros(324)), population(conv.size_out, "a").neurons,
                         transform=conv, synapse=None)  # fmt: skip
    assert chips.fit("speck2f", net).fits == (step in (1, 2, 4, 8))
