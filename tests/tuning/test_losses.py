"""Regularizers, rate losses, synop losses and spiking-aware training."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import EstimateWarning, TuningError
from nengo_spikecost.tuning import (
    L1,
    L1L2,
    L2,
    Percentile,
    RangedRegularizer,
    RateLoss,
    SynopLoss,
    spiking_aware_training,
    synop_losses,
)
from nengo_spikecost.tuning.training.regularizers import percentile_of
from nengo_spikecost.workload.exact import count

from ..models import conv_net, images

tf = stack.tensorflow()
keras = stack.keras()
nengo_dl = stack.nengo_dl()
keras_spiking = stack.keras_spiking()

# float32 sums in the same order: equal to a few units in the last place
CLOSE = {"rtol": 2e-6, "atol": 1e-6}

TARGETS = st.one_of(
    st.floats(-3, 3, width=16),
    st.tuples(st.floats(-3, 0, width=16), st.floats(0, 3, width=16)),
)
WEIGHT = st.floats(0.0625, 2, width=16)


def random_tensor(seed, shape=(4, 3, 5)):
    return np.random.default_rng(seed).normal(0, 3, shape).astype("f4")


@given(st.integers(0, 10_000), TARGETS, WEIGHT, WEIGHT, st.sampled_from([0, 1, (0, 1), -1]))
@settings(max_examples=20)
def test_regularizers_are_those_of_keras_spiking(seed, target, l1, l2, axis):
    x = random_tensor(seed)
    theirs = keras_spiking.regularizers
    pairs = [
        (L1(l1, target), theirs.L1(l1, target)),
        (L2(l2, target), theirs.L2(l2, target)),
        (L1L2(l1, l2, target), theirs.L1L2(l1, l2, target)),
        (RangedRegularizer(target), theirs.RangedRegularizer(target)),
        (
            RangedRegularizer(target, keras.regularizers.L1(l1)),
            theirs.RangedRegularizer(target, keras.regularizers.L1(l1)),
        ),
        (
            Percentile(100, axis, target, l1, l2),
            theirs.Percentile(100, axis, target, l1, l2),
        ),
    ]
    for ours, other in pairs:
        np.testing.assert_allclose(ours(x), other(tf.constant(x)), err_msg=repr(ours), **CLOSE)
        again = type(ours).from_config(ours.get_config())
        np.testing.assert_array_equal(again(x), ours(x))


@given(st.integers(0, 10_000), st.floats(0, 100), st.sampled_from([0, 1, 2, -1, (0, 1), (2, 0)]))
@settings(max_examples=20)
def test_percentile_is_numpys(seed, percentile, axis):
    # KerasSpiking takes tensorflow_probability's, interpolation="linear", which is NumPy's
    x = random_tensor(seed)
    found = percentile_of(tf.constant(x), percentile, axis)
    np.testing.assert_allclose(found, np.percentile(x, percentile, axis=axis), rtol=1e-5, atol=1e-5)


def test_percentile_moves_only_what_it_lies_between():
    x = tf.Variable([1.0, 5.0, 2.0, 4.0])
    with tf.GradientTape() as tape:
        value = percentile_of(x, 50, 0)
    # 40% of the distance between the two in the middle would be 0.4; here it is a half
    np.testing.assert_allclose(tape.gradient(value, x), [0, 0, 0.5, 0.5])


def test_regularizers_in_a_saved_model(tmp_path):
    regularizer = Percentile(percentile=90, target=(1, 2), l2=0.5)
    inp = keras.Input((3,))
    layer = keras.layers.Dense(2, activation="relu", activity_regularizer=regularizer)
    keras.Model(inp, layer(inp)).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[-1].activity_regularizer
    assert type(loaded) is Percentile and loaded.get_config() == regularizer.get_config()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: L1(target=(1, 2, 3)), r"a range \(min, max\), not \(1, 2, 3\)"),
        (lambda: L1(target=(2, 1)), "minimum must not exceed"),
        (lambda: L2(target="high"), "must be a number or a range"),
        (lambda: L2(target=np.inf), "both finite"),
        (lambda: L2(-1), "l2 must be a finite number of at least 0, not -1"),
        (lambda: Percentile(101, l1=1), "from 0 to 100, not 101"),
        (lambda: RateLoss("high"), "regularizer must be"),
        (lambda: RateLoss(L1(), steps="last"), "steps must be one of mean, each"),
        (lambda: RateLoss(L1(), 3), "neurons must be an Ensemble"),
        (lambda: SynopLoss([]), "at least one pathway"),
    ],
)
def test_errors_say_what_was_expected(make, message):
    with pytest.raises(TuningError, match=message):
        make()


def test_weights_of_zero_are_noticed():
    with pytest.warns(EstimateWarning, match="L1L2 has no effect"):
        assert float(L1L2()(np.ones(3))) == 0


def test_rate_loss_is_the_activity_regularizer_of_keras_spiking():
    # a layer of keras_spiking reads spikes of height 1 / dt at every step
    regularizer = keras_spiking.regularizers.L2(0.01, target=(5, 40))
    inp = keras.Input((None, 4))
    spikes = keras_spiking.SpikingActivation("relu", seed=0, activity_regularizer=regularizer)
    model = keras.Model(inp, spikes(inp))
    x = np.random.default_rng(0).uniform(0, 300, (3, 20, 4)).astype("f4")
    found = RateLoss(L2(0.01, target=(5, 40)), steps="each")(None, model(x))
    np.testing.assert_allclose(found, sum(model.losses), rtol=1e-6)


def test_rates_are_in_hz_whatever_the_scale():
    model, x = conv_net(keras), images(4)
    conversion = nsc.convert(model, neuron_type="SpikingRectifiedLinear", scale_firing_rates=50)
    activity = nsc.measure(conversion, x, 20)
    seen = []
    with nengo.Network() as net:
        net.add(conversion.net)
        probe = nengo.Probe(conversion.layers["conv1"])
    with nengo_dl.Simulator(net, minibatch_size=4, progress_bar=False) as sim:
        read = sim.predict(
            {conversion.input_nodes[0]: np.tile(x.reshape(4, 1, -1), (1, 20, 1))}, verbose=0
        )[probe]
    loss = RateLoss(lambda rates: seen.append(rates) or tf.reduce_sum(rates), probe.target)
    loss(None, read)
    assert loss.amplitude == pytest.approx(1 / 50)
    # float32 spikes of height 1 / (50 dt), averaged and multiplied by 50 again
    np.testing.assert_allclose(
        seen[0], activity.populations["conv1"].counts / 0.02, rtol=1e-5, atol=1e-3
    )


@pytest.mark.parametrize("neuron_type", ["SpikingRectifiedLinear", "LoihiSpikingRectifiedLinear"])
def test_synop_loss_is_the_exact_count(neuron_type):
    model, x, n_steps = conv_net(keras), images(4), 20
    conversion = nsc.convert(
        model, neuron_type=neuron_type, scale_firing_rates={"conv0": 100, "conv1": 150}
    )
    graph = nsc.NetworkGraph(conversion)
    workload = count(graph, nsc.measure(conversion, x, n_steps))
    losses = synop_losses(conversion)
    with nengo.Network() as net:
        net.add(conversion.net)
        probes = {n: nengo.Probe(graph.population(n).ensemble.neurons) for n in losses}
    with nengo_dl.Simulator(net, minibatch_size=4, progress_bar=False) as sim:
        read = sim.predict(
            {conversion.input_nodes[0]: np.tile(x.reshape(4, 1, -1), (1, n_steps, 1))}, verbose=0
        )
    by_name = {p.name: p.synops for p in workload.pathways if p.synops is not None}
    assert sum(len(loss.pathways) for loss in losses.values()) == len(by_name) > 1
    for name, loss in losses.items():
        for i, pathway in enumerate(loss.pathways):
            found = loss.by_pathway(read[probes[name]]).numpy()[:, i]
            # whole numbers, but for the rounding of float32 spike heights
            np.testing.assert_allclose(found, by_name[pathway.name], rtol=1e-5)
            assert by_name[pathway.name].min() > 0
        expected = np.mean(sum(by_name[p.name] for p in loss.pathways))
        np.testing.assert_allclose(loss(None, read[probes[name]]), expected, rtol=1e-5)


def small_network():
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(3, 1, neuron_type=nengo.SpikingRectifiedLinear(0.5), label="a")
        b = nengo.Ensemble(4, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="b")
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((4, 3)))
        nengo.Connection(a.neurons, b.neurons[:2], transform=np.ones((2, 3)))
    return net


def test_synop_loss_by_pathway_target_and_rates():
    net = small_network()
    ends = [p.name for p in nsc.NetworkGraph(net).pathways]
    spikes = np.zeros((2, 10, 3), "f4")
    spikes[0, 3, 1] = spikes[1, 4] = 500  # 0.5 / dt: one spike of one neuron, and of three
    losses = synop_losses(net)
    np.testing.assert_allclose(losses["a"].synops(spikes), [6, 18])
    np.testing.assert_allclose(losses["a"].by_pathway(spikes).numpy().sum(axis=0), [16, 8])
    (first,) = synop_losses(net, pathways=ends[:1], weight=0.5).values()
    assert float(first(None, spikes)) == 0.5 * (4 + 12) / 2
    for target, expected in [(20, 0), (10, 2), ((0, 11), 1), ((15, 20), 3), ((12, 12), 0)]:
        assert float(synop_losses(net, target=target)["a"](None, spikes)) == expected
    assert float(synop_losses(net, target={"a": 10})["a"](None, spikes)) == 2
    # one step of rates, 100 Hz each, as 30 steps of 1 ms would have them: 3 spikes a neuron
    rates = np.full((1, 1, 3), 50, "f4")
    (loss,) = synop_losses(net, n_steps=30).values()
    np.testing.assert_allclose(loss(None, rates), 3 * 18, rtol=1e-6)


def test_synop_loss_has_a_gradient():
    (loss,) = synop_losses(small_network(), n_steps=30).values()
    rates = tf.Variable(np.full((1, 2, 3), 50, "f4"))
    with tf.GradientTape() as tape:
        value = loss(None, rates)
    # 6 synapses a neuron; 30 steps of 1 ms from two, and a spike is 0.5 / dt high
    np.testing.assert_allclose(tape.gradient(value, rates), 6 * 30e-3 / 2 / 0.5, rtol=1e-6)


def test_synop_losses_name_what_is_missing():
    with pytest.raises(TuningError, match=r"no pathway 'a -> c' .* there are a -> b"):
        synop_losses(small_network(), pathways=["a -> c"])
    with nengo.Network() as net:
        nengo.Ensemble(2, 1)
    with pytest.raises(TuningError, match="No pathway makes synops on the chip"):
        synop_losses(net)


# -- spiking-aware training -----------------------------------------------------------------

NEURON_TYPES = {
    "SpikingRectifiedLinear": nengo.SpikingRectifiedLinear(amplitude=0.02),
    "LIF": nengo.LIF(amplitude=0.02),
    "RegularSpiking": nengo.RegularSpiking(nengo.RectifiedLinear()),
}


def neuron_types():
    loihi = stack.nengo_loihi().neurons
    return {
        **NEURON_TYPES,
        "LoihiLIF": loihi.LoihiLIF(amplitude=0.02),
        "LoihiSpikingRectifiedLinear": loihi.LoihiSpikingRectifiedLinear(amplitude=0.02),
    }


def one_layer(neuron_type):
    """Ten neurons with a trainable weight each, and what is read from them."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=None, stateful=False)
        inp = nengo.Node(np.zeros(10))
        ens = nengo.Ensemble(
            10, 1, neuron_type=neuron_type, gain=nengo.dists.Choice([1]), bias=np.zeros(10)
        )
        nengo.Connection(inp, ens.neurons, transform=np.ones(10), synapse=None)
        probe = nengo.Probe(ens.neurons)
    return net, probe


def outputs_and_gradient(net, x, aware, training=True):
    """What the network gives in training, and the gradient of its sum to the input."""
    import contextlib

    with spiking_aware_training() if aware else contextlib.nullcontext():
        sim = nengo_dl.Simulator(net, minibatch_size=1, progress_bar=False)
    with sim:
        inputs = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            n_steps = tf.constant([[x.shape[1]]], tf.int32)
            out = sim.keras_model([inputs, n_steps], training=training)[0]
            total = tf.reduce_sum(out)
        return out.numpy(), tape.gradient(total, inputs).numpy()


@pytest.mark.parametrize("name", neuron_types())
def test_forward_are_spikes_and_backward_is_the_rate_curve(name):
    net, _ = one_layer(neuron_types()[name])
    x = np.tile(np.linspace(5, 300, 10, dtype="f4"), (1, 40, 1))
    if "LIF" in name:
        x /= 20  # their threshold is 1, with a time constant of 20 ms
    # what the same network does in inference, by NengoDL as it is
    with nengo_dl.Simulator(net, minibatch_size=1, progress_bar=False) as sim:
        (spikes,) = sim.predict(x, verbose=0).values()
    assert 0 < np.count_nonzero(spikes) < spikes.size
    found, gradient = outputs_and_gradient(net, x, aware=True)
    np.testing.assert_array_equal(found, spikes)
    np.testing.assert_array_equal(outputs_and_gradient(net, x, True, training=False)[0], spikes)

    # and what it does in NengoDL's own training: the rate curve, and its gradient
    rates, rate_gradient = outputs_and_gradient(net, x, aware=False)
    assert not np.array_equal(rates, spikes)
    np.testing.assert_allclose(gradient, rate_gradient, rtol=1e-6)
    assert np.abs(gradient).max() > 0


def test_neurons_without_a_rate_curve_are_refused():
    net, _ = one_layer(nengo.AdaptiveLIF())
    message = "AdaptiveLIF neurons can't be trained: .* LoihiLIF"
    with pytest.raises(TuningError, match=message), spiking_aware_training():
        nengo_dl.Simulator(net, progress_bar=False)


def test_other_simulators_are_as_they_were():
    builders = nengo_dl.neuron_builders.SimNeuronsBuilder
    before = builders.TF_NEURON_IMPL
    with pytest.raises(ZeroDivisionError), spiking_aware_training():
        1 / 0  # noqa: B018
    assert builders.TF_NEURON_IMPL is before


def test_losses_train_a_network_through_nengo_dl():
    """The public way: compile with losses on Probes, fit."""
    net, probe = one_layer(NEURON_TYPES["SpikingRectifiedLinear"])
    x = np.full((8, 20, 10), 300, "f4")
    with spiking_aware_training():
        sim = nengo_dl.Simulator(net, minibatch_size=8, progress_bar=False, seed=0)
    with sim:
        loss = RateLoss(L2(1e-4, target=(90, 110)), probe.target)
        sim.compile(optimizer=tf.optimizers.Adam(0.05), loss={probe: loss})
        first = sim.evaluate(x, {probe: np.zeros((8, 1, 10), "f4")}, verbose=0)["loss"]
        sim.fit(x, {probe: np.zeros((8, 1, 10), "f4")}, epochs=40, verbose=0)
        rates = sim.predict(x, verbose=0)[probe].mean(axis=1) / 0.02
    # from 300 Hz; a spike more or less in 20 steps is 50 Hz
    assert first > 1 and np.all((rates >= 50) & (rates <= 150)) and 85 <= rates.mean() <= 115
