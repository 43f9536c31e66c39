"""Nodes that stay because many paths share them: the same network, the same counts, less memory."""

from __future__ import annotations

import sys
import tracemalloc

import nengo
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nengo_spikecost.conversion import convert
from nengo_spikecost.errors import ConversionError, NetworkGraphError
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.graph.nengo_types import is_passthrough
from nengo_spikecost.loihi import check_support
from nengo_spikecost.lowering import lower
from nengo_spikecost.lowering.composition import add, compose
from nengo_spikecost.lowering.linear_map import Gather, Matrix
from nengo_spikecost.lowering.lowering_record import n_stored
from nengo_spikecost.lowering.map_reading import connection_map
from nengo_spikecost.lowering.map_sizes import MapSizes
from nengo_spikecost.lowering.shared_nodes import BYTES_PER_WEIGHT
from nengo_spikecost.lowering.strided_map import StridedMap
from tests.models import positive_variances, randomise
from tests.properties.dense_paths import assert_counts_are_brute_force, matrices

from .chains import KINDS, random_network
from .comparison import assert_same_rates, synapses

L = tf.keras.layers
lower_module = sys.modules["nengo_spikecost.lowering.lower"]


@pytest.fixture
def no_memory(monkeypatch):
    """The budget of `lower`, should nobody give one, has room for nothing."""
    monkeypatch.setattr(lower_module, "MEMORY_BYTES", 1)


def dense_net(n_layers=4, growth=3, size=6):
    """Each layer normalizes all that came before, and adds channels to it: a DenseNet's block."""
    inp = tf.keras.Input((size, size, 2), name="image")
    x = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(inp)
    for number in range(n_layers):
        y = L.ReLU(name=f"relu{number}")(L.BatchNormalization(name=f"norm{number}")(x))
        y = L.Conv2D(growth, 3, padding="same", use_bias=False, name=f"conv{number}")(y)
        x = L.Concatenate(name=f"joined{number}")([x, y])
    x = L.ReLU(name="last")(L.BatchNormalization(name="norm")(x))
    return tf.keras.Model(inp, L.Dense(3, name="readout")(L.Flatten(name="flat")(x)))


def converted(model, **options):
    model = positive_variances(randomise(model))
    return convert(model, neuron_type="RectifiedLinear", synapse=0.005, **options)


def n_weights(network):
    return sum(n_stored(conn.transform) for conn in network.all_connections)


def relays(network):
    return [node for node in network.all_nodes if is_passthrough(node)]


def left_by(lowering):
    """Nodes that stay, and why."""
    return {change.origin: change.reason for change in lowering.changes if change.kind == "left"}


def in_memory(obj):
    """How many numbers a map keeps."""
    if isinstance(obj, StridedMap):
        return obj.kernel.size
    if isinstance(obj, Gather):
        return obj.size_out
    return obj.matrix.size if obj.is_dense else obj.n_weights


# -- sizes, told before anything is composed ------------------------------------------------


@settings(max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**16), st.lists(st.sampled_from(KINDS), min_size=2, max_size=6))
def test_sizes_are_those_of_the_composed_maps(seed, kinds):
    chain = [
        connection_map(conn)
        for conn in random_network(seed, kinds).all_connections
        if not isinstance(conn.pre_obj, nengo.Node) or conn.pre_obj.size_in
    ]
    sizes = MapSizes()
    here, size = chain[0], sizes.of(chain[0])
    for after in chain[1:]:
        if after.size_in != here.size_out:  # the second way of a residual one
            continue
        here, size = compose(after, here), sizes.composed(sizes.of(after), size)
        assert (size.size_in, size.size_out) == (here.size_in, here.size_out)
        if isinstance(here, (StridedMap, Gather)) and size.gather is None:
            # of a matrix that turns out to be a list or a convolution, only less is needed
            assert in_memory(here) <= size.n_weights
        elif isinstance(here, Matrix) and not here.is_dense:
            assert size.places is None and not size.dense
        else:
            assert in_memory(here) == size.n_weights
        if isinstance(here, StridedMap):
            assert size.places is not None and in_memory(here) == size.n_weights
            size = sizes.of(here)  # kernels with random zeros inside are known from here on
        total = add(here, here)
        summed = sizes.summed(size, size)
        assert (total is None) == (summed is None)


# -- what stays -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "n_bytes, names, words",
    [
        (300_000, [f"joined{k}.0" for k in range(3)], "several paths share it"),
        # then before the concatenations, at which nothing is to be saved any more
        (1, [f"conv{k}.0" for k in range(4)], "composed it has more weights"),
    ],
)
def test_a_dense_net_is_the_same_with_shared_nodes(n_bytes, names, words, monkeypatch):
    monkeypatch.setattr(lower_module, "MEMORY_BYTES", n_bytes)
    conversion = converted(dense_net(), lower=False)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    whole = lower(conversion.net, keep=conversion.input_nodes, memory="1 GB")
    left = left_by(lowering)
    assert list(left) == names
    assert all(reason.startswith(f"stays, as {words}: ") for reason in left.values())
    assert all(reason.endswith("(memory=)") for reason in left.values())
    # what each concatenation adds up is said once, and not for every layer behind it
    assert n_weights(lowering.network) < 0.6 * n_weights(whole.network)
    assert synapses(lowering.network) == synapses(whole.network) == synapses(conversion.net)
    assert_same_rates(conversion.net, lowering, conversion.input_nodes)


def test_counts_of_shared_nodes_are_brute_force(no_memory):
    conversion = converted(dense_net(2, 2, 4), lower=True)
    assert left_by(conversion.lowering)
    found = matrices(conversion.net)
    assert_counts_are_brute_force(NetworkGraph(conversion), found)


def test_all_is_composed_where_there_is_memory():
    conversion = converted(dense_net(), lower=False)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    assert not left_by(lowering)


def chain_beside_a_dense_net():
    """A dense net, whose first layer also leads to a 1x1 convolution before a depthwise one."""
    model = dense_net()
    x = L.Conv2D(8, 1, name="wide")(model.get_layer("first").output)
    x = L.ReLU(name="thin")(L.DepthwiseConv2D(3, name="depthwise")(x))
    return tf.keras.Model(model.inputs, [*model.outputs, L.Flatten()(x)])


def test_chains_stay_last(monkeypatch):
    conversion = converted(chain_beside_a_dense_net(), lower=False)
    composed = synapses(conversion.net)
    # sharing saves enough of the first budget, and not of the second
    for n_bytes, stays in ((300_000, False), (1, True)):
        monkeypatch.setattr(lower_module, "MEMORY_BYTES", n_bytes)
        lowering = lower(conversion.net, keep=conversion.input_nodes)
        left = left_by(lowering)
        assert left and ("wide.0" in left) == stays
        assert synapses(lowering.network) == composed
        assert_same_rates(conversion.net, lowering, conversion.input_nodes)
    assert left["wide.0"].startswith("stays, as composed it has more weights: ")


def test_a_border_that_makes_a_matrix_stays(no_memory):
    inp = tf.keras.Input((8, 8, 2))
    x = L.Conv2D(3, 3, activation="relu", name="first")(inp)
    x = L.Conv2D(3, 3, padding="same", name="one")(x)
    x = L.Conv2D(3, 3, padding="same", activation="relu", name="two")(x)
    conversion = converted(tf.keras.Model(inp, L.Flatten()(x)), lower=False)
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    assert list(left_by(lowering)) == ["one.0"]
    assert "composed it has more weights" in left_by(lowering)["one.0"]
    assert synapses(lowering.network) == synapses(conversion.net)
    assert_same_rates(conversion.net, lowering, conversion.input_nodes)


def two_routes():
    """A sum without neurons, that two populations get, and to which one origin has two routes."""
    with nengo.Network(seed=0) as net:
        a, b, c, d = (
            nengo.Ensemble(
                30, 1, label=name, neuron_type=nengo.RectifiedLinear(),
                gain=nengo.dists.Choice([1.0]), bias=nengo.dists.Choice([1.0]),
            )
            for name in "abcd"
        )  # fmt: skip
        narrow, total = (nengo.Node(size_in=2, label=name) for name in ("narrow", "total"))
        weights = np.random.RandomState(0).uniform(0.1, 1, (4, 2, 30))
        nengo.Connection(a.neurons, narrow, transform=weights[0])
        nengo.Connection(d.neurons, total, transform=weights[1])
        nengo.Connection(narrow, total, synapse=None)
        nengo.Connection(narrow, total, synapse=None, transform=0.5)
        for target, matrix in ((b, weights[2]), (c, weights[3])):
            nengo.Connection(total, target.neurons, synapse=None, transform=matrix.T)
    return net


def test_two_routes_stay_one_synapse_while_the_budget_lasts(monkeypatch):
    net = two_routes()
    whole = lower(net)
    composed = {(pre, post): 900 for pre in "ad" for post in "bc"}
    assert synapses(whole.network) == composed
    # less than all needs, and nothing but Nodes with two routes would save any: these stay last
    monkeypatch.setattr(lower_module, "MEMORY_BYTES", 1)
    lowering = lower(net)
    assert any("; several routes through it are" in why for why in left_by(lowering).values())
    assert_same_rates(net, lowering)
    # by the rule that a pathway is one route
    twice = {("a", "b"): 1800, ("a", "c"): 1800}
    assert synapses(lowering.network) == synapses(net) == {**composed, **twice}


# -- what is said ---------------------------------------------------------------------------


def test_a_chip_is_told_what_would_take_the_nodes_away(no_memory):
    model = positive_variances(randomise(dense_net(3)))
    conversion = convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", synapse=0.005, off_chip=["first"]
    )
    said = [str(problem) for problem in check_support(conversion)]
    assert any("give lower or convert that much memory" in text for text in said)
    whole = convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", synapse=0.005, off_chip=["first"],
        memory="1 GB",
    )  # fmt: skip
    assert check_support(whole) == ()


def test_what_can_not_fit_is_refused():
    conversion = converted(dense_net(), lower=False)
    with pytest.raises(NetworkGraphError, match=r"takes about .* more than the 1 kB that memory="):
        lower(conversion.net, memory="1 kB")


@pytest.mark.parametrize("memory", ["much", 0, -1, "4 lightyears", True, float("nan"), "-3 GB", []])
def test_amounts_of_memory(memory):
    with pytest.raises(NetworkGraphError, match="memory must be a number of bytes"):
        lower(nengo.Network(), memory=memory)
    with pytest.raises(ConversionError, match="memory must be a number of bytes"):
        convert(dense_net(1), memory=memory)


@pytest.mark.slow
def test_a_dense_net_of_full_size():
    """DenseNet121: 4 GB and 30 s are what its conversion may take; it took 14 GB and 87 s."""
    model = tf.keras.applications.DenseNet121(input_shape=(32, 32, 3), weights=None)
    conversion = convert(model, neuron_type="RectifiedLinear", lower=False, max_pooling="average")
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    assert n_weights(lowering.network) < 2 * n_weights(conversion.net)
    assert synapses(lowering.network) == synapses(conversion.net)
    assert_same_rates(
        conversion.net, lowering, conversion.input_nodes, steps=1, simulators=("nengo",)
    )


def test_maps_are_let_go_of_when_they_are_composed():
    """Of many targets: no more at a time than the transforms, and what is under way."""
    n, n_targets = 200, 20
    rng = np.random.default_rng(0)
    with nengo.Network() as net:
        source = nengo.Ensemble(n, 1)
        for _ in range(n_targets):
            one, two, target = nengo.Node(size_in=n), nengo.Node(size_in=n), nengo.Ensemble(n, 1)
            for pre, post in ((source.neurons, one), (one, two), (two, target.neurons)):
                nengo.Connection(pre, post, transform=rng.normal(size=(n, n)), synapse=None)
    tracemalloc.start()
    try:
        lowered = lower(net)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    composed = sum(conn.transform.init.nbytes for conn in lowered.network.all_connections)
    assert composed == 8 * n * n * n_targets
    assert peak < 2 * composed


def channels(shape, n, kernel=None):
    """A 1x1 convolution to other channels, or a depthwise one with this kernel; linear."""
    rng = np.random.default_rng(n)
    if kernel is None:
        weights = rng.normal(size=(1, 1, shape[-1], n))
        return nengo.Convolution(n, shape, (1, 1), init=weights)
    weights = np.zeros((*kernel, n, n))
    weights[..., range(n), range(n)] = rng.normal(size=(*kernel, n))
    return nengo.Convolution(n, shape, kernel, init=weights)


def chain(net, widths, kernels):
    """Neurons, Nodes between convolutions, and neurons."""
    shape = (6, 6, widths[0])
    with net:
        source = nengo.Ensemble(int(np.prod(shape)), 1)
        here = source.neurons
        for number, (n, kernel) in enumerate(zip(widths[1:], kernels)):
            transform = channels(shape, n, kernel)
            shape = transform.output_shape.shape
            last = number + 2 == len(widths)
            size = transform.size_out
            there = nengo.Ensemble(size, 1).neurons if last else nengo.Node(size_in=size)
            nengo.Connection(here, there, transform=transform, synapse=None)
            here = there
    return net


def test_a_chain_that_is_stored_smaller_is_composed(monkeypatch):
    """To many channels and back to few: it does not stay because others have to."""
    net = nengo.Network()
    chain(net, (2, 64, 64, 2), (None, (3, 3), None))
    chain(net, (8, 64, 64), (None, (3, 3)))
    whole = lower(net)
    small, large = 9 * 2 * 2, 9 * 8 * 64
    assert not left_by(whole) and n_weights(whole.network) == small + large
    depthwise = 9 * 64 * 64
    # of the three Nodes that stay for want of memory, there is room to compose through two
    takes = 2 * 64 + 9 * 2 * 64 + small + 8 * 64 + large
    monkeypatch.setattr(lower_module, "MEMORY_BYTES", BYTES_PER_WEIGHT * takes - 1)
    lowered = lower(net)
    assert len(left_by(lowered)) == 1
    assert n_weights(lowered.network) == small + 8 * 64 + depthwise
    # and where there is not, all stay
    monkeypatch.setattr(lower_module, "MEMORY_BYTES", 1)
    assert len(left_by(lower(net))) == 3
