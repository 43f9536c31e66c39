"""`measure`, held against full-history probes in NengoDL and against Nengo itself."""

from __future__ import annotations

import functools

import nengo
import nengo_dl
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.activity import default_batch_size
from nengo_spikecost.conversion import NEURON_TYPES
from nengo_spikecost.errors import DataError, MeasurementError
from tests.models import conv_net, images

keras = tf.keras
SPIKING = [name for name, make in sorted(NEURON_TYPES.items()) if make().spiking]


@functools.cache
def recorded(name):
    """A network with neurons of a type, and what NengoDL's own probes read of it."""
    conversion = nsc.convert(
        conv_net(keras), neuron_type=name, scale_firing_rates=300, synapse=0.005
    )
    return conversion, record_everything(conversion, images(6), 25, 3)


def record_everything(conversion, x, n_steps, batch_size, stateful=False):
    """Spikes per step and output per step, with NengoDL's own simulator and probes."""
    with nengo.Network(seed=0) as outer:
        nengo.Network.add(conversion.net)
        nengo_dl.configure_settings(planner=nengo_dl.graph_optimizer.noop_planner)
        ensembles = conversion.net.all_ensembles
        probes = [nengo.Probe(ens.neurons) for ens in ensembles]
    steps = np.tile(x.reshape(len(x), 1, -1), (1, n_steps, 1))
    with nengo_dl.Simulator(outer, minibatch_size=batch_size, progress_bar=False, seed=0) as sim:
        data = sim.predict({conversion.input_nodes[0]: steps}, verbose=0, stateful=stateful)
    spikes = {}
    for ens, probe in zip(ensembles, probes):
        per_spike = 0.001 / ens.neuron_type.amplitude
        spikes[conversion.layer_names[ens]] = np.abs(data[probe].astype(np.float64)) * per_spike
    return spikes, data[next(iter(conversion.outputs.values()))]


@pytest.fixture(scope="module")
def model():
    return conv_net(keras)


@pytest.fixture(scope="module")
def conversion(model):
    return nsc.convert(
        model, neuron_type="SpikingRectifiedLinear", scale_firing_rates=300, synapse=0.005
    )


@pytest.mark.parametrize("simulator", ["nengo_dl", "nengo_dl_probes"])
@pytest.mark.parametrize("name", SPIKING)
def test_every_spike_is_counted(name, simulator):
    conversion, (spikes, output) = recorded(name)
    activity = nsc.measure(conversion, images(6), 25, simulator=simulator, batch_size=3)
    assert set(activity.populations) == set(spikes) == {"conv0", "conv1", "dense0"}
    for layer, expected in spikes.items():
        record = activity.populations[layer]
        # what is not a whole number of spikes is a float32 rounding error
        assert np.abs(expected - np.rint(expected)).max() < 1e-4
        np.testing.assert_array_equal(record.counts, np.rint(expected).sum(axis=1))
        assert record.spiking and np.issubdtype(record.counts.dtype, np.unsignedinteger)
    np.testing.assert_array_equal(activity.outputs["dense1"].last, output[:, -1])
    # a mean of 25 float32 values, summed in another order
    np.testing.assert_allclose(
        activity.outputs["dense1"].mean, output.mean(axis=1), rtol=1e-5, atol=1e-5
    )


def test_several_spikes_in_one_step_all_count(model):
    conversion = nsc.convert(model, neuron_type="SpikingRectifiedLinear", scale_firing_rates=20_000)
    activity = nsc.measure(conversion, images(2), 10)
    assert activity.populations["conv1"].counts.max() > 50
    spikes, _ = record_everything(conversion, images(2), 10, 2)
    np.testing.assert_array_equal(
        activity.populations["conv1"].counts, np.rint(spikes["conv1"]).sum(axis=1)
    )


def test_against_the_nengo_reference_simulator(conversion):
    x = images(3)
    activity = nsc.measure(conversion, x, 40)
    for i, image in enumerate(x):
        node = conversion.input_nodes[0]
        with nengo.Network(seed=0) as outer:
            nengo.Network.add(conversion.net)
            probes = {ens: nengo.Probe(ens.neurons) for ens in conversion.net.all_ensembles}
        before = node.output
        try:
            node.output = image.ravel()
            with nengo.Simulator(outer, progress_bar=False, optimize=False) as sim:
                sim.run_steps(40, progress_bar=False)
        finally:
            node.output = before
        for ens, probe in probes.items():
            expected = np.rint(sim.data[probe] * 0.001 / ens.neuron_type.amplitude).sum(axis=0)
            found = activity.populations[conversion.layer_names[ens]].counts[i].astype(int)
            # Nengo computes in float64: a spike at the very edge of a step may move
            assert np.abs(found - expected).max() <= 1
            assert found.sum() == pytest.approx(expected.sum(), rel=0.01)


def test_result_does_not_depend_on_batches(conversion):
    x = images(7)
    reference = nsc.measure(conversion, x, 20, batch_size=7)
    for batch_size in (1, 3):
        other = nsc.measure(conversion, x, 20, batch_size=batch_size)
        for name, record in reference.populations.items():
            np.testing.assert_array_equal(record.counts, other.populations[name].counts)


@pytest.mark.parametrize("name", ["SpikingRectifiedLinear", "PoissonSpiking"])
def test_two_measurements_are_equal_bit_for_bit(model, name):
    first, second = (
        nsc.measure(nsc.convert(model, neuron_type=name, scale_firing_rates=300), images(4), 20)
        for _ in range(2)
    )
    for layer, record in first.populations.items():
        np.testing.assert_array_equal(record.counts, second.populations[layer].counts)
    np.testing.assert_array_equal(first.outputs["dense1"].last, second.outputs["dense1"].last)
    np.testing.assert_array_equal(first.outputs["dense1"].mean, second.outputs["dense1"].mean)


@pytest.mark.parametrize("simulator", ["nengo_dl", "nengo_dl_probes"])
def test_continuous_is_one_long_run(conversion, simulator):
    x = images(4)
    activity = nsc.measure(conversion, x, 15, presentation="continuous", simulator=simulator)
    assert activity.protocol.batch_size == 1
    steps = np.repeat(x.reshape(1, 4, -1), 15, axis=1)
    with nengo.Network(seed=0) as outer:
        nengo.Network.add(conversion.net)
        nengo_dl.configure_settings(planner=nengo_dl.graph_optimizer.noop_planner)
        probe = nengo.Probe(conversion.layers["conv1"])
    with nengo_dl.Simulator(outer, minibatch_size=1, progress_bar=False, seed=0) as sim:
        data = sim.predict({conversion.input_nodes[0]: steps}, verbose=0)[probe][0]
    expected = np.rint(data * 0.001 * 300).reshape(4, 15, -1).sum(axis=1)
    np.testing.assert_array_equal(activity.populations["conv1"].counts, expected)
    fresh = nsc.measure(conversion, x, 15)
    # deep layers need time to start, so samples after the first find them awake
    deep = activity.populations["dense0"].per_sample(), fresh.populations["dense0"].per_sample()
    assert deep[0][0] == deep[1][0] and deep[0][1:].sum() > deep[1][1:].sum()


def test_continuous_in_lanes(conversion):
    x = images(5)
    lanes = nsc.measure(conversion, x, 15, presentation="continuous", batch_size=2)
    alone = nsc.measure(conversion, x[[0, 2, 4]], 15, presentation="continuous", batch_size=1)
    for name, record in alone.populations.items():
        np.testing.assert_array_equal(lanes.populations[name].counts[::2], record.counts)


def test_data_of_every_kind(conversion, model):
    x, y = images(7), np.arange(7) % 3
    expected = nsc.measure(conversion, x, 10, batch_size=3)
    dataset = tf.data.Dataset.from_tensor_slices((x, y))

    class Sequence(keras.utils.Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return x[4 * i : 4 * i + 4], y[4 * i : 4 * i + 4]

    kinds = {
        "flat": x.reshape(7, -1),
        "steps": np.repeat(x[:, None], 10, axis=1),
        "tensor": tf.constant(x),
        "list": list(x),
        "by name": {"image": x},
        "by node": {conversion.input_nodes[0]: x},
        "by layer": {model.get_layer("image"): x},
        "generator": (x[i : i + 2] for i in range(0, 7, 2)),
        "generator with labels": ((x[i : i + 2], y[i : i + 2]) for i in range(0, 7, 2)),
        "dataset": dataset.batch(2),
        "dataset of single samples": dataset,
        "sequence": Sequence(),
    }
    for kind, data in kinds.items():
        found = nsc.measure(conversion, data, None if kind == "steps" else 10, batch_size=3)
        for name, record in expected.populations.items():
            np.testing.assert_array_equal(
                found.populations[name].counts, record.counts, err_msg=kind
            )
        if kind.startswith(("dataset", "sequence", "generator with")):
            np.testing.assert_array_equal(found.targets, y, err_msg=kind)
            assert found.accuracy() == found.accuracy(y)
        else:
            assert found.targets is None


def test_accuracy_and_predictions(conversion, model):
    x = images(20)
    labels = model.predict_on_batch(x).argmax(axis=1)
    activity = nsc.measure(conversion, x, 100)
    one_hot = np.eye(3)[labels]
    for readout in ("last", "mean"):
        accuracy = activity.accuracy(labels, readout=readout)
        assert accuracy == np.mean(activity.predictions(readout=readout) == labels)
        assert activity.accuracy(one_hot, readout=readout) == accuracy
        assert activity.accuracy(labels[:, None], output="dense1", readout=readout) == accuracy
    # a spiking network that is given time agrees with its rates
    assert activity.accuracy(labels, readout="last") >= 0.9
    with pytest.raises(DataError, match="pass y"):
        activity.accuracy()
    with pytest.raises(DataError, match="19 labels for 20"):
        activity.accuracy(labels[:-1])
    for wrong, message in (
        (list("abca" * 5), "numbers of classes"),
        (labels + 1.5, "whole numbers from 0 to 2"),
        (np.full(20, 3), "sample 0 has 3"),
        (np.eye(7)[labels], r"expected \(n,\) or one-hot, \(n, 3\)"),
    ):
        with pytest.raises(DataError, match=message):
            activity.accuracy(wrong)
    with pytest.raises(MeasurementError, match="no output 'x'"):
        activity.accuracy(labels, output="x")
    with pytest.raises(MeasurementError, match="readout"):
        activity.predictions(readout="first")


def test_rates(conversion):
    activity = nsc.measure(conversion, images(5), 40, dt=0.002)
    counts = activity.populations["conv0"].counts
    np.testing.assert_allclose(activity.rates_hz("conv0"), counts.sum(axis=0) / (5 * 40 * 0.002))
    assert activity.mean_rate_hz("conv0") == pytest.approx(counts.sum() / counts.size / 0.08)
    with pytest.raises(MeasurementError, match="no population 'conv7'"):
        activity.rates_hz("conv7")


def test_graded_neurons_give_sums(model):
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", scale_firing_rates=50)
    x = images(3)
    record = nsc.measure(conversion, x, 8).populations["conv0"]
    rates = keras.Model(model.input, model.get_layer("conv0").output).predict_on_batch(x)
    assert not record.spiking
    # without a synapse a rate is the same at every step; float32 activations
    np.testing.assert_allclose(
        record.counts, rates.reshape(3, -1) * 50 * 8 * 0.001, rtol=1e-5, atol=1e-7
    )


def test_native_network_with_processes_and_decoders():
    with nengo.Network(seed=5, label="native") as net:
        constant = nengo.Node([0.5], label="constant")
        noise = nengo.Node(nengo.processes.WhiteSignal(0.1, high=100, seed=3), label="noise")
        wave = nengo.Node(lambda t: np.sin(40 * t), label="wave")
        a = nengo.Ensemble(30, 1, label="a")
        b = nengo.Ensemble(20, 1, label="b", neuron_type=nengo.SpikingRectifiedLinear())
        for node in (constant, noise, wave):
            nengo.Connection(node, a)
        nengo.Connection(a, b, function=np.square)
        nengo.Connection(b, b, synapse=0.02)
        probe = nengo.Probe(b, synapse=0.01, label="squared")
    probes = list(net.all_probes)
    activity = nsc.measure(net, {"constant": np.full((2, 1), 0.25)}, 50)
    assert net.all_probes == probes and net.config[nengo.Probe].synapse is None
    with nengo.Network(seed=0) as outer:
        nengo.Network.add(net)
        spikes = nengo.Probe(b.neurons)
    with nengo_dl.Simulator(outer, minibatch_size=2, progress_bar=False, seed=0) as sim:
        sim.run_steps(50, data={constant: np.full((2, 50, 1), 0.25)}, progress_bar=False)
    np.testing.assert_array_equal(
        activity.populations["b"].counts, np.rint(sim.data[spikes] * 0.001).sum(axis=1)
    )
    np.testing.assert_array_equal(activity.outputs["squared"].last, sim.data[probe][:, -1])
    again = nsc.measure(net, {constant: np.full((2, 1), 0.25)}, 50)
    np.testing.assert_array_equal(activity.populations["a"].counts, again.populations["a"].counts)
    with pytest.raises(DataError, match="no input Node 'wove'"):
        nsc.measure(net, {"wove": np.zeros((2, 1))}, 50)


@pytest.mark.parametrize(
    "data, n_steps, message",
    [
        (np.zeros((3, 8, 9, 1)), 5, r"'image' have shape \(3, 8, 9, 1\).*64 values per sample"),
        (np.zeros((0, 8, 8, 1)), 5, "no samples"),
        (iter([]), 5, "no samples"),
        (np.zeros((3, 8, 8, 1)), None, "n_steps must be given"),
        (np.zeros((3, 8, 8, 1)), 0, "n_steps must be a whole number"),
        (np.zeros((3, 8, 8, 1)), 2.5, "n_steps must be a whole number"),
        (np.zeros((3, 4, 8, 8, 1)), 5, "expected"),
        (np.full((3, 8, 8, 1), "a"), 5, "not real numbers"),
        ({"imige": np.zeros((3, 64))}, 5, "no input 'imige'"),
        (7, 5, "must be an array"),
    ],
)
def test_wrong_data(conversion, data, n_steps, message):
    with pytest.raises(DataError, match=message):
        nsc.measure(conversion, data, n_steps)


def test_values_that_are_no_float32_are_refused(conversion):
    with pytest.raises(DataError, match="NaN or infinite values, first in sample 1"):
        nsc.measure(conversion, np.stack([np.ones(64), np.full(64, 1e300)]), 5)
    with pytest.raises(DataError, match="not real numbers but complex128"):
        nsc.measure(conversion, np.full((2, 64), 1j), 5)
    with pytest.raises(DataError, match="at most 2,147,483,647"):
        nsc.measure(conversion, np.ones((2, 64)), 2**32)  # 0, to a counter of 32 bits


def test_labels_beside_an_array_are_no_samples(conversion):
    activity = nsc.measure(conversion, (images(4), np.arange(4)), 5)
    assert activity.n_samples == 4 and list(activity.targets) == [0, 1, 2, 3]
    one_hot = tf.data.Dataset.from_tensor_slices((images(4), np.eye(4)))
    assert nsc.measure(conversion, one_hot, 5).targets.shape == (4, 4)


def drive(weight, **kwargs):
    """A population of five spiking ReLUs, driven by an input of 1 times a weight."""
    with nengo.Network(seed=1) as net:
        x = nengo.Node([0.0], label="x")
        ens = nengo.Ensemble(
            5, 1, label="a", neuron_type=nengo.SpikingRectifiedLinear(),
            gain=nengo.dists.Choice([1]), bias=nengo.dists.Choice([0]), **kwargs,
        )  # fmt: skip
        nengo.Connection(x, ens.neurons, transform=np.full((5, 1), weight), synapse=None)
    return net


@pytest.mark.parametrize("simulator", ["nengo_dl", "nengo_dl_probes"])
def test_counts_that_would_not_be_exact_are_refused(simulator):
    # 1e8 Hz for 20 ms; the voltage starts between 0 and 1, which is worth one spike
    counts = nsc.measure(drive(1e8), np.ones((2, 1)), 20, simulator=simulator).populations["a"]
    assert np.abs(counts.counts.astype(int) - 2_000_000).max() <= 1
    for rate in (1e9, 1e12):
        with pytest.raises(MeasurementError, match="more than 16,777,216 spikes for one sample"):
            nsc.measure(drive(rate), np.ones((2, 1)), 20, simulator=simulator)


def test_failures_of_the_simulator_are_one_sentence_of_ours():
    with pytest.raises(MeasurementError, match=r"can't run this network: .* contains NaNs"):
        nsc.measure(drive(np.nan), np.ones((2, 1)), 20)
    with nengo.Network(seed=0) as net:
        x = nengo.Node([0.0], label="x")
        bad = nengo.Node(lambda t, v: v * np.inf, size_in=1, size_out=1)
        ens = nengo.Ensemble(5, 1, label="a", neuron_type=nengo.RectifiedLinear())
        nengo.Connection(x, bad, synapse=None)
        nengo.Connection(bad, ens, synapse=None)
    with pytest.raises(MeasurementError):
        nsc.measure(net, np.ones((2, 1)), 5)


def test_probes_on_weights():
    net = drive(1.0)
    with net:
        nengo.Probe(net.all_connections[0], "weights", label="w")
    assert nsc.measure(net, np.ones((3, 1)), 4).outputs["w"].last.shape == (3, 5)


def test_nan_pixels_are_found_and_named(conversion):
    x = images(5)
    x[3, 2, 2, 0] = np.nan
    with pytest.raises(DataError, match="NaN or infinite values, first in sample 3"):
        nsc.measure(conversion, x, 5)


def test_what_was_measured_before_a_failure_is_kept(conversion):
    x = images(6)

    def broken():
        yield x[:2]
        yield x[2:4]
        raise OSError("disk gone")

    with pytest.raises(MeasurementError, match="after 4 samples: disk gone") as error:
        nsc.measure(conversion, broken(), 5, batch_size=2)
    expected = nsc.measure(conversion, x[:4], 5, batch_size=2)
    np.testing.assert_array_equal(
        error.value.activity.populations["conv0"].counts, expected.populations["conv0"].counts
    )


def test_wrong_arguments(conversion, model):
    x = images(2)
    with pytest.raises(MeasurementError, match="simulator must be one of nengo_dl"):
        nsc.measure(conversion, x, 5, simulator="brian")
    with pytest.raises(MeasurementError, match="presentation"):
        nsc.measure(conversion, x, 5, presentation="stale")
    with pytest.raises(MeasurementError, match="batch_size"):
        nsc.measure(conversion, x, 5, batch_size=0)
    for dt in (0, "0.001", float("inf")):
        with pytest.raises(MeasurementError, match="dt must be"):
            nsc.measure(conversion, x, 5, dt=dt)
    with pytest.raises(MeasurementError, match="seed must be"):
        nsc.measure(conversion, x, 5, seed="a")
    with pytest.raises(MeasurementError, match=r"goes through convert\(\)"):
        nsc.measure(model, x, 5)


def test_default_batch_size():
    assert default_batch_size(10_000, "fresh") == 100
    assert default_batch_size(229_504, "fresh") == 26
    assert default_batch_size(10**9, "fresh") == 1
    assert default_batch_size(10_000, "continuous") == 1


def test_a_single_value_names_no_class():
    inp = tf.keras.Input((4,))
    model = tf.keras.Model(inp, tf.keras.layers.Dense(1)(tf.keras.layers.ReLU()(inp)))
    activity = nsc.measure(nsc.convert(model), np.ones((2, 4)), 3, progress=False)
    with pytest.raises(DataError, match="single value, not one value for each class"):
        activity.predictions()
