"""Training with steps: the network unrolled fires as Nengo's does, spike by spike."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.tuning.fine_tune_options import FineTuneOptions
from nengo_spikecost.tuning.training import unrolled_layers
from nengo_spikecost.tuning.training.penalties import make_penalties
from nengo_spikecost.tuning.training.unrolled_trainee import UnrolledTrainee
from nengo_spikecost.tuning.training.weights import training_copy

from ..models import conv_net, images, positive_variances, randomise

tf = stack.tensorflow()
keras = stack.keras()
layers = keras.layers

N_STEPS = 12


def unrolled(model, neuron_type, scales=200.0, batch_size=4, n_steps=N_STEPS, **given):
    """The trainee of a model, and the conversion that it is to fire like."""
    options = FineTuneOptions(
        forward="steps", neuron_type=neuron_type, scale_firing_rates=scales, n_steps=n_steps,
        batch_size=batch_size, **{"synapse": None, **given},
    )  # fmt: skip
    copy = training_copy(model)
    conversion = nsc.convert(
        copy, neuron_type=neuron_type, scale_firing_rates=scales, synapse=options.synapse, seed=3
    )
    penalties = make_penalties(conversion, options)
    return UnrolledTrainee(copy, conversion, None, penalties, options, None), conversion


def flat(x):
    return x.reshape(len(x), 1, -1)


def simulated(conversion, inputs, n_steps=N_STEPS):
    """Spikes of every population and outputs at each step, by name, from `nengo.Simulator`."""
    graph = nsc.NetworkGraph(conversion)
    with conversion.net:
        neurons = {p.name: nengo.Probe(p.ensemble.neurons) for p in graph.populations}
    amplitudes = {p.name: p.neuron_type.amplitude for p in graph.populations}
    spikes, outputs = [], []
    for sample in range(len(next(iter(inputs.values())))):
        for name, values in inputs.items():
            conversion.inputs[name].output = _shown(values[sample])
        with nengo.Simulator(conversion.net, progress_bar=False, optimize=False) as sim:
            sim.run_steps(n_steps)
        spikes.append({n: sim.data[p] * (0.001 / amplitudes[n]) for n, p in neurons.items()})
        outputs.append({n: sim.data[p] for n, p in conversion.outputs.items()})
    together = [
        {name: np.stack([one[name] for one in all_of]) for name in all_of[0]}
        for all_of in (spikes, outputs)
    ]
    return together[0], together[1]


def _shown(steps):
    return lambda t: steps[min(round(t / 0.001) - 1, len(steps) - 1)]


def check_equal(trainee, conversion, inputs):
    """All spikes, and outputs, held against `nengo.Simulator`."""
    outputs, _ = trainee.simulated(inputs)
    spikes, expected = simulated(conversion, inputs, trainee.n_steps)
    n_spikes = 0
    for name, layer in trainee.spiking.items():
        fired = np.stack([f.numpy().reshape(len(f), -1) for f in layer.all_fired()], axis=1)
        np.testing.assert_array_equal(fired, np.rint(spikes[name]), name)
        assert fired.any(), name
        n_spikes += fired.sum()
    for name, values in expected.items():
        # float32 held against float64
        np.testing.assert_allclose(outputs[name], values, rtol=1e-4, atol=1e-4 * abs(values).max())
    return n_spikes


def residual():
    """Two ways that join by a sum and by concatenation, with normalization and pooling."""
    inp = x = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = first = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    x = layers.Add(name="add")([x, first])
    x = layers.AveragePooling2D(2, name="pool")(layers.Activation("relu", name="act")(x))
    x = layers.Dropout(0.5)(layers.Concatenate()([x, layers.AvgPool2D(2)(inp)]))
    x = layers.Dense(5, activation="relu", name="dense")(layers.Reshape((16, 5))(x))
    x = layers.Conv1D(3, 2, strides=2, activation="relu", name="conv1d")(x)
    x = layers.Dense(4, name="out")(layers.Flatten()(x))
    model = positive_variances(randomise(keras.Model(inp, x)))
    model.get_layer("norm").set_weights([w + 0.5 for w in model.get_layer("norm").get_weights()])
    return model


def several_ends():
    """Two inputs, one of them nested away, and two outputs, one of them of neurons."""
    inner_in = keras.Input((5,))
    inner = keras.Model(inner_in, layers.Dense(4, activation="relu", name="in")(inner_in), name="n")
    a, b = keras.Input((5,), name="a"), keras.Input((3,), name="b")
    joined = layers.Add()([inner(a), layers.Dense(4, activation="relu", name="other")(b)])
    out = layers.Dense(6, activation="relu", name="fires")(joined)
    return randomise(keras.Model([a, b], [layers.Dense(2, name="reads")(joined), out]))


def on_chip(seed, bias=True):
    """Layers on the chip of several blocks each, with weights of either sign."""
    rng = np.random.RandomState(seed)
    inp = x = keras.Input((9, 9, 1), name="image")
    x = layers.Conv2D(3, 1, use_bias=bias, activation="relu", name="to-spikes")(x)
    for i in range(rng.randint(1, 3)):
        x = layers.Conv2D(
            int(rng.choice([4, 6])), 3, strides=int(rng.choice([1, 2])), use_bias=bias,
            padding=str(rng.choice(["same", "valid"])), activation="relu", name=f"conv{i}",
        )(x)  # fmt: skip
    x = layers.Dense(7, activation="relu", name="dense0")(layers.Flatten()(x))
    model = keras.Model(inp, layers.Dense(3, name="dense1")(x))
    for layer in model.layers[1:]:
        for w, values in zip(layer.weights, layer.get_weights()):
            spread = 1.5 / np.sqrt(max(np.prod(values.shape[:-1]), 1))
            w.assign(rng.normal(0.3 * spread, spread, values.shape))
    return model


NEURONS = ("LoihiSpikingRectifiedLinear", "SpikingRectifiedLinear", "LoihiLIF", "LIF")


@pytest.mark.parametrize("neurons", NEURONS)
@pytest.mark.parametrize("make", [lambda: conv_net(keras), residual])
def test_spikes_are_those_of_nengo(make, neurons):
    trainee, conversion = unrolled(make(), neurons)
    check_equal(trainee, conversion, {"image": flat(images(4))})


@pytest.mark.parametrize("synapse", [0.002, 0, nengo.Lowpass(0.004)])
def test_filters_are_those_of_nengo(synapse):
    trainee, conversion = unrolled(conv_net(keras), NEURONS[0], scales=400.0, synapse=synapse)
    check_equal(trainee, conversion, {"image": flat(images(4))})


@pytest.mark.parametrize("synapse", [None, 0.002])
def test_several_inputs_and_outputs(synapse):
    scales = {"*": 300, "fires": 50}
    trainee, conversion = unrolled(several_ends(), NEURONS[1], scales=scales, synapse=synapse)
    rng = np.random.RandomState(0)
    check_equal(trainee, conversion, {"a": rng.rand(4, 1, 5), "b": rng.rand(4, 1, 3)})


def test_input_that_changes_from_step_to_step():
    trainee, conversion = unrolled(conv_net(keras), NEURONS[0])
    x = images(4 * N_STEPS).reshape(4, N_STEPS, -1)
    check_equal(trainee, conversion, {"image": x})


def shown_for(x, n):
    """The same samples with a time axis: shown for some steps, then zeros."""
    steps = np.repeat(flat(x), N_STEPS, axis=1)
    steps[:, n:] = 0
    return steps


@pytest.mark.parametrize("neurons", NEURONS)
@pytest.mark.parametrize("make", [lambda: conv_net(keras), residual])
def test_samples_that_are_shown_for_some_steps(make, neurons):
    trainee, conversion = unrolled(make(), neurons, scales=400.0, n_shown=7)
    x = images(4)
    check_equal(trainee, conversion, {"image": shown_for(x, 7)})
    whole = {name: layer.counts().numpy() for name, layer in trainee.spiking.items()}
    # given without a time axis it computes fewer steps, and the same
    trainee.simulated({"image": flat(x)})
    for name, layer in trainee.spiking.items():
        np.testing.assert_array_equal(layer.counts(), whole[name])


def test_samples_with_a_time_axis_that_are_shown_for_some_steps():
    trainee, conversion = unrolled(conv_net(keras), NEURONS[0], scales=400.0, n_shown=5)
    x = images(4 * N_STEPS).reshape(4, N_STEPS, -1)
    ends = np.where(np.arange(N_STEPS)[:, None] < 5, x, 0)
    check_equal(trainee, conversion, {"image": ends})
    seen = {name: layer.counts().numpy() for name, layer in trainee.spiking.items()}
    trainee.simulated({"image": x})
    for name, layer in trainee.spiking.items():
        np.testing.assert_array_equal(layer.counts(), seen[name])


def test_steps_that_are_left_out_change_nothing(monkeypatch):
    """Nothing fires before the first spike can arrive: spikes and gradients are the same."""
    x = np.random.RandomState(0).uniform(0, 1, (4, 9, 9, 1)).astype("f4")
    found, computed = [], []
    for _ in range(2):
        trainee, _ = unrolled(on_chip(1, bias=False), NEURONS[0], scales=600.0, layer_delay=1)
        with tf.GradientTape() as tape:
            outputs, neurons = trainee.simulated({"image": flat(x)})
            total = tf.reduce_sum(outputs["dense1"] ** 2) + trainee.penalties.total_synops(neurons)
        found.append([float(total), *tape.gradient(total, trainee.variables)])
        computed.append([layer.start for layer in trainee.spiking.values()])
        monkeypatch.setattr(unrolled_layers, "keeps_zero", lambda layer: False)
    assert computed[0][:2] == [0, 1] and computed[1] == [0] * len(computed[1])
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    for one, other in zip(found[0][1:], found[1][1:]):
        assert np.abs(one).max() > 0
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(one).max())


@pytest.mark.parametrize("device", ["loihi", "loihi_silicon"])
def test_synops_spikes_and_energy_are_those_of_a_measurement(device):
    trainee, conversion = unrolled(conv_net(keras), NEURONS[0], device=device)
    x = images(4)
    _, neurons = trainee.simulated({"image": flat(x)})
    synops = trainee.penalties.total_synops(neurons)
    activity = nsc.measure(conversion, x, N_STEPS)
    energy = nsc.NetworkEnergy(conversion, activity)
    workload = energy.workload()
    counted = sum(p.synops.mean() for p in workload.pathways if p.synops is not None)
    assert float(synops) == pytest.approx(counted, rel=1e-5)  # float32
    spikes = sum(p.spikes.mean() for p in workload.populations)
    n_neurons = sum(p.n_neurons for p in workload.populations)
    assert float(trainee.penalties.spikes_per_neuron(neurons)) == pytest.approx(spikes / n_neurons)
    # the host's neurons are none of the device's
    priced = energy.estimate(device).total_J.mean()
    assert float(trainee.penalties.energy_J(synops, neurons)) == pytest.approx(priced, rel=1e-5)


@pytest.mark.parametrize("device", ["loihi", "loihi_silicon"])
def test_a_network_without_neurons_on_the_chip_takes_no_energy_there(device):
    inp = keras.Input((5,), name="given")
    model = keras.Model(inp, layers.Dense(2)(layers.Dense(4, activation="relu", name="a")(inp)))
    trainee, conversion = unrolled(randomise(model), NEURONS[0], device=device)
    x = np.random.RandomState(0).rand(4, 5)
    _, neurons = trainee.simulated({"given": flat(x)})
    synops = trainee.penalties.total_synops(neurons)
    energy = nsc.NetworkEnergy(conversion, nsc.measure(conversion, x, N_STEPS)).estimate(device)
    assert float(trainee.penalties.energy_J(synops, neurons)) == energy.total_J.mean() == 0
    assert float(trainee.penalties.spikes_per_neuron(neurons)) > 0
