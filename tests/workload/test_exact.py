"""Exact counting, held against dense matrices made by nengo itself and counted by hand."""

from __future__ import annotations

import tracemalloc

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nengo_spikecost as nsc
from nengo_spikecost.errors import EnergyError, EstimateWarning, MeasurementError
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.graph.spike_synops import spike_synops
from nengo_spikecost.layers.layer_info import LayerInfo
from nengo_spikecost.workload.exact import ExactCounter, count
from tests.models import randomise

from ..graph.nengo_oracle import transform_map
from .fakes import activity_of, random_activity


def conv_network(neuron_type=None) -> nengo.Network:
    """Pixels, 6x6 neurons, a 3x3 valid convolution onto 4x4 neurons, and a readout."""
    with nengo.Network(seed=0) as net:
        pixels = nengo.Node(np.zeros(36), label="pixels")
        kind = neuron_type or nengo.SpikingRectifiedLinear()
        image = nengo.Ensemble(36, 1, neuron_type=kind, label="image")
        feature = nengo.Ensemble(16, 1, neuron_type=nengo.LIF(), label="feature")
        out = nengo.Node(size_in=3, label="out")
        nengo.Connection(pixels, image.neurons, synapse=None)
        conv = nengo.Convolution(1, (6, 6, 1), kernel_size=(3, 3))
        nengo.Connection(image.neurons, feature.neurons, transform=conv)
        nengo.Connection(feature.neurons, out, transform=np.ones((3, 16)))
    return net


def one_spike(neuron: int) -> np.ndarray:
    counts = np.zeros((1, 36), dtype=np.uint8)
    counts[0, neuron] = 1
    return counts


@pytest.mark.parametrize(("neuron", "synops"), [(0, 1), (5, 1), (1, 2), (7, 4), (14, 9), (21, 9)])
def test_one_spike_into_a_valid_convolution(neuron, synops):
    graph = NetworkGraph(conv_network())
    silent = np.zeros((1, 16), dtype=np.uint8)
    workload = count(graph, activity_of(graph, {"image": one_spike(neuron), "feature": silent}))
    (pathway,) = (p for p in workload.pathways if p.kind == "neural")
    assert pathway.synops.tolist() == [synops]
    # The average says the same of every neuron: 16 outputs of 9 inputs each, 36 neurons.
    assert pathway.average_synops.tolist() == [4.0]


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), channels_last=st.booleans())
def test_synops_equal_those_of_nengos_own_matrices(seed, channels_last):
    """Synops are spikes times targets, found by simulating unit inputs in nengo."""
    rng = np.random.RandomState(seed)
    shape = (rng.randint(4, 7), rng.randint(4, 7), rng.randint(1, 3))
    conv = nengo.Convolution(
        n_filters=2,
        input_shape=shape if channels_last else shape[::-1],
        kernel_size=(rng.randint(1, 4), rng.randint(1, 4)),
        strides=(rng.randint(1, 3), rng.randint(1, 3)),
        padding=rng.choice(["valid", "same"]),
        channels_last=channels_last,
    )
    weights = rng.uniform(-1, 1, (5, conv.size_out)) * (rng.rand(5, conv.size_out) < 0.6)
    with nengo.Network() as net:
        a = nengo.Ensemble(conv.size_in, 1, label="a")
        b = nengo.Ensemble(conv.size_out, 1, label="b")
        c = nengo.Ensemble(5, 1, label="c")
        nengo.Connection(a.neurons, b.neurons, transform=conv)
        nengo.Connection(b.neurons, c.neurons, transform=weights)
    graph = NetworkGraph(net)
    activity = random_activity(graph, rng)
    got = {p.name: p.synops for p in count(graph, activity).pathways}

    for name, dense in (("a -> b", transform_map(conv)), ("b -> c", weights)):
        spikes = activity.populations[name[0]].counts.astype(object)  # Python's integers
        expected = [int(row @ (dense != 0).sum(axis=0)) for row in spikes]
        assert got[name].tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint64, np.int32])
def test_counts_of_small_types_do_not_wrap(dtype):
    counts = np.full((11, 5), 200, dtype=dtype)
    fan_out = np.array([3, 2**40, 0, 1, 10_000], dtype=np.int64)
    got = spike_synops(counts, fan_out)
    assert got.dtype == np.int64
    assert got.tolist() == [200 * int(fan_out.sum())] * 11


def test_static_counts_need_no_activity():
    workload = count(NetworkGraph(conv_network()))
    assert not workload.measured
    assert {p.kind: p.n_synapses for p in workload.pathways} == {
        "input": 36,
        "neural": 144,
        "readout": 48,
    }
    assert all(p.synops is None for p in workload.pathways)
    assert [(p.name, p.updates) for p in workload.populations] == [("image", 36), ("feature", 16)]
    assert workload.layer_names == ("image", "feature", "out")


def test_updates_and_spikes():
    rng = np.random.RandomState(0)
    graph = NetworkGraph(conv_network())
    activity = random_activity(graph, rng, n_samples=4)
    workload = count(graph, activity)
    assert [p.updates for p in workload.populations] == [360, 160]  # ten steps
    for p in workload.populations:
        expected = activity.populations[p.name].counts.astype(int).sum(axis=1)
        np.testing.assert_array_equal(p.spikes, expected)
    assert next(p for p in workload.pathways if p.kind == "input").synops is None


def test_graded_populations_make_no_synops():
    rng = np.random.RandomState(0)
    graph = NetworkGraph(conv_network(nengo.RectifiedLinear()))
    workload = count(graph, random_activity(graph, rng))
    assert workload.populations[0].spikes is None
    assert not workload.populations[0].spiking
    by_name = {p.name: p for p in workload.pathways}
    assert by_name["image -> feature"].synops is None
    assert by_name["feature -> out"].synops is None  # read out by the host
    assert not by_name["feature -> out"].on_chip


def test_rows_are_those_of_the_conversion_and_then_the_rest():
    info = LayerInfo("feature", "Conv2D", "(4, 4, 1)", 9)
    workload = count(NetworkGraph(conv_network()), layers=[info])
    assert workload.layers[0] is info
    assert workload.layer_names == ("feature", "image", "out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("feature"), "no spikes for population 'feature'"),
        (lambda c: c.update(image=np.zeros((1, 35), np.uint8)), "36 spiking neurons .* 35"),
        (lambda c: c.update(image=np.zeros((1, 36))), "must be integers"),
    ],
)
def test_activity_of_another_network(change, message):
    graph = NetworkGraph(conv_network())
    counts = {"image": one_spike(0), "feature": np.zeros((1, 16), np.uint8)}
    change(counts)
    with pytest.raises(MeasurementError, match=message):
        count(graph, activity_of(graph, counts))


def test_another_presentation_is_scaled_with_a_warning():
    rng = np.random.RandomState(0)
    net = conv_network()
    activity = random_activity(NetworkGraph(net), rng)
    counter = ExactCounter(net, activity)
    measured = counter.workload(10, 0.001)
    assert measured is counter.workload()
    with pytest.warns(EstimateWarning, match="measured over 10 steps of 1 ms"):
        scaled = counter.workload(30, 0.002)
    assert (scaled.n_steps, scaled.dt) == (30, 0.002)
    for a, b in zip(measured.pathways, scaled.pathways):
        if a.synops is not None:
            np.testing.assert_allclose(b.synops, a.synops * 6, rtol=1e-12)
    for a, b in zip(measured.populations, scaled.populations):
        assert b.updates == 3 * a.updates
    with pytest.warns(EstimateWarning):
        # The same time in shorter steps: as many spikes, more updates.
        finer = counter.workload(20, 0.0005)
    np.testing.assert_array_equal(finer.pathways[1].synops, measured.pathways[1].synops)
    assert finer.populations[0].updates == 720


@pytest.mark.parametrize("n_steps", [0, -1, 2.5, float("nan"), float("inf"), "10"])
def test_impossible_numbers_of_steps(n_steps):
    with pytest.raises(EnergyError, match="timesteps_per_inference"):
        ExactCounter(conv_network()).workload(n_steps)


@pytest.mark.parametrize("dt", [0, -0.001, float("nan"), float("inf"), "1ms"])
def test_impossible_time_steps(dt):
    with pytest.raises(EnergyError, match="dt"):
        ExactCounter(conv_network()).workload(1, dt)


def test_layers_by_name_and_object():
    net = conv_network()
    counter = ExactCounter(net)
    image, out = net.ensembles[0], net.nodes[1]
    assert counter.layer_name("image") == "image"
    assert counter.layer_name(image) == counter.layer_name(image.neurons) == "image"
    assert counter.layer_name(out) == "out"
    with pytest.raises(EnergyError, match="the layers are image, feature, out"):
        counter.layer_name("conv")


def test_what_is_not_a_network():
    with pytest.raises(EnergyError, match=r"Expected a nengo.Network .* not dict"):
        ExactCounter({})


def test_macs_of_a_dense_pass_are_not_multiplied_out():
    """Pooling behind a convolution: a chip stores the product, a processor does both."""
    import tensorflow as tf

    keras, layers = tf.keras, tf.keras.layers
    inp = x = keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(3, 3, activation="relu", name="conv0")(x)
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Conv2D(4, 2, name="conv1")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(5, name="dense")(x)
    model = randomise(keras.Model(inp, x))
    energy = nsc.NetworkEnergy(nsc.convert(model))
    macs = {d.layer: d.macs for d in energy.workload().dense}
    # valid convolutions and dense layers as Keras's own shapes say
    assert macs == {
        "conv0": 6 * 6 * 3 * (3 * 3 * 2),
        "pool": 3 * 3 * 3 * (2 * 2),
        "conv1": 2 * 2 * 4 * (2 * 2 * 3),
        "dense": 16 * 5,
    }
    # what follows the one population is linear: each spike reaches the five outputs at once
    assert [(p.layer, p.n_synapses) for p in energy.workload().pathways if p.kind == "readout"] == [
        ("conv1", 6 * 6 * 3 * 5)
    ]


def test_decoded_connections_on_a_dense_machine_are_factored():
    with nengo.Network() as net:
        a, b = nengo.Ensemble(30, 2, label="a"), nengo.Ensemble(20, 3, label="b")
        nengo.Connection(a, b, transform=np.ones((3, 2)))
        nengo.Connection(a.neurons, b, transform=np.ones((3, 30)))
        nengo.Connection(a, b, solver=nengo.solvers.LstsqL2(weights=True), transform=np.eye(3, 2))
    graph = nsc.NetworkGraph(net)
    # decode 2 dimensions from 30 neurons, then 3x2; 3x30; neuron to neuron weights, which
    # the solver was asked for; 20x3 encoders, once for the first two
    assert [w.macs for w in graph.weights] == [30 * 2 + 6, 3 * 30, 30 * 20, 20 * 3]
    assert [p.n_synapses for p in graph.pathways][:2] == [30 * 20, 30 * 20]


@pytest.mark.parametrize("lower", [True, False])
def test_weights_of_a_dense_pass_that_the_chip_holds(lower):
    """By their way, and not by their name: lowering makes others of those beside the chip."""
    import tensorflow as tf

    layers = tf.keras.layers
    image = tf.keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="seen")(image)
    x = layers.AveragePooling2D(2, name="before")(x)
    x = layers.Conv2D(4, 2, activation="relu", name="also_off")(x)
    first = layers.Dense(3, name="first")(layers.GlobalAveragePooling2D(name="mean")(x))
    x = layers.AveragePooling2D(2, strides=1, padding="same", name="between")(x)
    x = layers.Dense(6, activation="relu", name="hidden")(layers.Flatten(name="flat")(x))
    second = layers.Dense(2, name="second")(x)
    model = randomise(tf.keras.Model(image, [first, second]))
    conversion = nsc.convert(
        model,
        neuron_type=nengo.SpikingRectifiedLinear(),
        off_chip=["seen", "also_off"],
        lower=lower,
    )
    workload = ExactCounter(conversion).workload()
    on_chip = {work.layer for work in workload.dense if work.on_chip}
    beside = {work.layer for work in workload.dense if not work.on_chip}
    assert on_chip == {"between", "hidden"}
    assert beside == {"seen", "before", "also_off", "mean", "first", "second"}


def test_factored_weights_and_learning_by_hand():
    """Spikes meet decoders; transform and encoders work at every step; all weights learn.

    What learns leads to a Node: an Ensemble that it led to would be the host's.
    """
    with nengo.Network(seed=0) as net:
        a, b = nengo.Ensemble(30, 2, label="a"), nengo.Ensemble(20, 3, label="b")
        error, out = nengo.Node(np.zeros(3), label="error"), nengo.Node(size_in=3, label="out")
        nengo.Connection(a, b, transform=np.ones((3, 2)))
        conn = nengo.Connection(
            a, out, transform=np.ones((3, 2)), learning_rule_type=nengo.PES(1e-4), label="learns"
        )
        nengo.Connection(error, conn.learning_rule)
    graph = nsc.NetworkGraph(net)
    activity = random_activity(graph, np.random.RandomState(0))
    n_steps = activity.protocol.n_steps
    workload = count(graph, activity)
    spikes = activity.populations["a"].counts.sum(axis=1, dtype=int)
    decoders, encoders = workload.factored
    # 2 decoded dimensions of every neuron, and the transform at every step
    np.testing.assert_array_equal(decoders.operations, 2 * spikes + 6 * n_steps)
    np.testing.assert_array_equal(encoders.operations, [n_steps * 20 * 3] * len(spikes))
    (pathway,) = (p for p in workload.pathways if p.kind == "neural")
    np.testing.assert_array_equal(pathway.synops, 20 * spikes)  # the full form
    (rule,) = workload.learning
    assert rule.updates == 30 * 3 * n_steps

    energy = nsc.NetworkEnergy(net, activity)
    full, factored = energy.estimate("loihi"), energy.estimate("spinnaker")
    assert full.layer("b").parts_J["synop"] == pytest.approx(20 * spikes * 23.6e-12)
    assert factored.layer("b").parts_J["synop"] == pytest.approx(
        (2 * spikes + (6 + 60) * n_steps) * 13.3e-9
    )
    # no device has an energy for learning: said, not left out
    assert [u.name for u in full.uncounted] == ["PES of a -> out"]
    text = energy.summary_string(["name", "synops", "factored", "weight_updates", "energy loihi"])
    assert "PES of a -> out (uncounted)" in text
    assert "Total, at least" in text


def test_pricing_takes_no_more_memory_than_the_counts():
    """Before, all counts were widened to int64 at once: eight times as much as they take."""
    n, size = 20_000, 2000
    with nengo.Network(seed=0) as net:
        a, b = (
            nengo.Ensemble(k, 1, gain=np.ones(k), bias=np.zeros(k), label=name)
            for k, name in ((size, "a"), (3, "b"))
        )
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((3, size)))
    graph = NetworkGraph(net)
    rng = np.random.RandomState(0)
    counts = {"a": rng.randint(0, 9, (n, size), np.uint8), "b": np.zeros((n, 3), np.uint8)}
    activity = activity_of(graph, counts)
    tracemalloc.start()
    workload = count(graph, activity)
    nsc.break_even(graph, activity)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * counts["a"].nbytes  # 40 MB of counts; 16 MiB are widened at a time, twice
    (pathway,) = (p for p in workload.pathways if p.kind == "neural")
    (factored,) = (w for w in workload.factored if w.operations.any())
    expected = 3 * counts["a"].sum(axis=1, dtype=np.int64)
    np.testing.assert_array_equal(pathway.synops, expected)
    np.testing.assert_array_equal(factored.operations, expected)
