"""Ways that join the same neurons by the same filter are one Connection, direct ones too."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.lowering import lower
from tests.conversion.agreement import assert_same
from tests.properties.keras_checks import check, check_counts

from .comparison import assert_same_rates
from .test_lower import population

N = 8


def joined(ways, synapses=(0.005, 0.005)):
    """Two populations and two ways between them; the network before and after lowering.

    A way is ``"direct"``, ``"relay"`` or ``"part"`` (the first half of the neurons).
    """
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as net:
        a, b = population(N, "a"), population(N, "b")
        for way, synapse in zip(ways, synapses):
            pre, post, weights = a.neurons, b.neurons, rng.uniform(0.1, 1, (N, N))
            if way == "part":
                pre, post, weights = pre[: N // 2], post[N // 2 :], weights[N // 2 :, : N // 2]
            elif way == "relay":
                relay = nengo.Node(size_in=N)
                nengo.Connection(pre, relay, synapse=None, transform=2)
                pre = relay
            nengo.Connection(pre, post, transform=weights, synapse=synapse)
        nengo.Connection(nengo.Node(np.ones(N)), a.neurons, synapse=None)
        nengo.Probe(b.neurons)
    return net, lower(net)


@pytest.mark.parametrize("ways", [
    ("direct", "direct"), ("direct", "relay"), ("relay", "direct"), ("part", "direct"),
    ("part", "relay"), ("direct", "relay", "direct"),
])  # fmt: skip
def test_they_are_summed(ways):
    net, lowering = joined(ways, [0.005] * len(ways))
    assert_same_rates(net, lowering)
    (pathway,) = (p for p in NetworkGraph(lowering.network).pathways if p.kind == "neural")
    assert pathway.n_synapses == N * N
    (change,) = (change for change in lowering.changes if change.kind == "composed")
    n_relays = sum(way == "relay" for way in ways)
    assert len(change.connections) == len(ways) + n_relays


@pytest.mark.parametrize("ways", [("direct", "direct"), ("direct", "relay")])
def test_two_filters_stay_two(ways):
    net, lowering = joined(ways, (0.005, 0.01))
    assert_same_rates(net, lowering)
    found = {c.synapse for c in lowering.network.all_connections if c.synapse is not None}
    assert len(found) == 2


def test_one_direct_way_stays_as_it_is():
    with nengo.Network(seed=0) as net:
        a, b = population(N, "a"), population(N, "b")
        weights = np.random.RandomState(0).uniform(0, 1, (N, N))
        nengo.Connection(a.neurons, b.neurons, transform=weights)
    lowering = lower(net)
    assert not lowering.changes
    (conn,) = lowering.network.all_connections
    np.testing.assert_array_equal(conn.transform.init, weights)


def test_what_learns_stays_beside_the_others():
    with nengo.Network(seed=0) as net:
        a, b = population(N, "a"), population(N, "b")
        weights = np.random.RandomState(0).uniform(0, 0.01, (N, N))
        nengo.Connection(a.neurons, b.neurons, transform=weights, learning_rule_type=nengo.BCM())
        for _ in range(2):
            nengo.Connection(a.neurons, b.neurons, transform=weights)
    conns = lower(net).network.all_connections
    assert sorted(c.learning_rule_type is None for c in conns) == [False, True]
    (still,) = (c for c in conns if c.learning_rule_type is None)
    np.testing.assert_allclose(still.transform.init, 2 * weights)


def test_ways_that_cancel_have_no_synapses():
    """The larger of a layer and itself; found by the soak, seed 100032."""
    layers = tf.keras.layers
    inp = tf.keras.Input((6,))
    x = layers.Dense(5, activation="relu", name="x")(inp)
    both = layers.Maximum(name="max")([layers.Dropout(0.1)(x), layers.Dropout(0.2)(x)])
    model = tf.keras.Model(inp, layers.Dense(4, activation="relu", name="y")(both))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", lower=True)
    check_counts(conversion)
    assert_same(model)
    names = [p.name for p in NetworkGraph(conversion).pathways if p.kind == "neural"]
    assert names and len(names) == len(set(names)) and "x -> max" not in names


def padded(rows):
    """Zeros below an image, which no kernel of Nengo's pads alone."""
    return tf.keras.layers.ZeroPadding2D(((0, rows), (0, rows)))


def scaled_mean(x):
    return tf.keras.layers.GlobalAveragePooling2D(keepdims=True)(x)


@pytest.mark.parametrize("ways, n_ways", [
    # what pads is no convolution of Nengo's, and what has the mean is a dense matrix
    (lambda x: [padded(1)(x), scaled_mean(padded(1)(x))], 1),
    (lambda x: [padded(2)(x), scaled_mean(x), scaled_mean(padded(2)(x))], 1),
    (lambda x: [tf.keras.layers.Cropping2D(((0, 1), (0, 1)))(x), scaled_mean(x)], 1),
    # a convolution has its weights once on the chip, and stays one
    (lambda x: [tf.keras.layers.Conv2D(2, 3, padding="same")(x), scaled_mean(x)], 2),
])  # fmt: skip
def test_ways_that_are_written_as_matrices_are_summed(ways, n_ways):
    tf.keras.utils.set_random_seed(0)
    inp = tf.keras.Input((5, 5, 2))
    x = tf.keras.layers.Conv2D(2, 3, padding="same", activation="relu")(inp)
    out = tf.keras.layers.ReLU()(tf.keras.layers.Add()(ways(x)))
    model = tf.keras.Model(inp, tf.keras.layers.Flatten()(out))
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", lower=True)
    assert_same(model, conversion)
    check_counts(conversion)
    found = [p for p in NetworkGraph(conversion).pathways if p.kind == "neural"]
    assert len(found) == n_ways


def test_a_model_of_a_random_test():
    """Its padded way and the mean over it stayed two."""
    check(92430784)
