"""Training with steps: the network unrolled fires as Nengo's does, spike by spike."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import SpikeCostError, TuningError
from nengo_spikecost.loihi import Emulator, fit_blocks
from nengo_spikecost.tuning import fine_tune
from nengo_spikecost.tuning.fine_tune_options import FineTuneOptions
from nengo_spikecost.tuning.training import unrolled_layers
from nengo_spikecost.tuning.training.penalties import make_penalties
from nengo_spikecost.tuning.training.trainee import Trainee
from nengo_spikecost.tuning.training.unrolled_trainee import UnrolledTrainee
from nengo_spikecost.tuning.training.weights import training_copy
from nengo_spikecost.workload.exact import count

from ..models import conv_net, images, positive_variances, randomise
from .test_fine_tune import spots

tf = stack.tensorflow()
keras = stack.keras()
layers = keras.layers

N_STEPS = 12


def unrolled(model, neuron_type, scales=200.0, batch_size=4, **given):
    """The trainee of a model, and the conversion that it is to fire like."""
    options = FineTuneOptions(
        forward="steps", neuron_type=neuron_type, scale_firing_rates=scales, n_steps=N_STEPS,
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
        with nengo.Simulator(conversion.net, progress_bar=False) as sim:
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
    spikes, expected = simulated(conversion, inputs)
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


# -- training -------------------------------------------------------------------------------

STEPS = {
    "forward": "steps", "neuron_type": NEURONS[0], "n_steps": 8, "batch_size": 20, "synapse": None,
    "readout": "mean", "progress": False, "learning_rate": 0.01,
}  # fmt: skip


def measured(result, x, y):
    """Accuracy, and spikes of a neuron, of a network that was trained."""
    scales = result.scale_firing_rates
    conversion = nsc.convert(result.model, neuron_type=NEURONS[0], scale_firing_rates=scales)
    activity = nsc.measure(conversion, x, result.n_steps)
    populations = count(nsc.NetworkGraph(conversion), activity).populations
    spikes = sum(p.spikes.mean() for p in populations) / sum(p.n_neurons for p in populations)
    return activity.accuracy(y, readout="mean"), spikes


@pytest.mark.parametrize("learns", [None, "layer", "channel"])
def test_few_steps_are_learned(learns):
    """A network that was never trained learns the corners in 8 steps, and keeps that in Nengo."""
    x, y = spots(200, seed=5)
    model = conv_net(keras)
    result = fine_tune(
        model, x, y, epochs=8, start_rate=0.5, learn_scales=learns, validation=(x[:100], y[:100]),
        **STEPS,
    )  # fmt: skip
    assert result.best.loss < 0.5 * result.history[0].loss and result.best.accuracy > 0.9
    # its history is what NengoDL measures; float32 adds in another order there
    accuracy, spikes = measured(result, x[:100], y[:100])
    assert accuracy == pytest.approx(result.best.accuracy, abs=0.011)
    assert spikes == pytest.approx(result.best.spikes, rel=1e-3)


@pytest.mark.parametrize("price", ["synop_weight", "energy_weight"])
def test_prices_make_spikes_few(price):
    x, y = spots(200, seed=5)
    free = fine_tune(conv_net(keras), x, y, epochs=6, start_rate=0.5, **STEPS)
    priced = fine_tune(
        conv_net(keras), x, y, epochs=6, start_rate=0.5, cost_epochs=2, **{price: 0.5}, **STEPS
    )
    for name in ("synops", "spikes", "energy_J"):
        assert getattr(priced.best, name) < getattr(free.best, name)
    assert priced.best.synops < 0.8 * free.best.synops and priced.best.accuracy > 0.7


def test_costs_rise_over_epochs(monkeypatch):
    shares = []
    monkeypatch.setattr(UnrolledTrainee, "set_share", lambda self, share: shares.append(share))
    x, y = spots(60)
    fine_tune(conv_net(keras), x, y, epochs=3, cost_epochs=2, synop_weight=1, **STEPS)
    assert shares == pytest.approx([1 / 4, 1 / 2, 3 / 4, 1, 1, 1])  # 2 batches an epoch


def test_training_goes_on_from_a_checkpoint(monkeypatch, tmp_path):
    x, y = spots(100)
    arguments = {
        **STEPS, "epochs": 3, "synop_weight": 0.1, "start_rate": 0.5, "learn_scales": "layer",
    }  # fmt: skip
    whole = fine_tune(conv_net(keras), x, y, **arguments)
    again = fine_tune(conv_net(keras), x, y, **arguments)
    for one, other in zip(whole.model.get_weights(), again.model.get_weights()):
        np.testing.assert_array_equal(one, other)
    path, train, calls = tmp_path / "training.npz", Trainee.train, []

    def interrupted(self, inputs, targets):
        calls.append(1)
        if len(calls) == 10:  # of 4 batches an epoch
            raise KeyboardInterrupt
        return train(self, inputs, targets)

    monkeypatch.setattr(Trainee, "train", interrupted)
    stopped = fine_tune(conv_net(keras), x, y, checkpoint=path, **arguments)
    assert stopped.stopped == "interrupted in epoch 3 of 3" and len(stopped.history) == 3
    monkeypatch.setattr(Trainee, "train", train)
    resumed = fine_tune(conv_net(keras), x, y, checkpoint=path, **arguments)
    assert resumed.scale_firing_rates == whole.scale_firing_rates
    assert [r.loss for r in resumed.history] == [r.loss for r in whole.history]
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights()):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(TuningError, match=r"of another training \(surrogate="):
        other = {**arguments, "surrogate": "fast_sigmoid"}
        fine_tune(conv_net(keras), x, y, checkpoint=path, **other)


def test_gains_of_channels_become_weights():
    """A network with gains fires as the one that they were folded into."""
    model = residual()
    trainee, _ = unrolled(model, NEURONS[0], learn_scales="channel")
    rng = np.random.RandomState(0)
    for layer in trainee.spiking.values():
        if layer.log_gain.trainable:
            layer.log_gain.assign(rng.uniform(-0.5, 0.5, layer.log_gain.shape))
    assert [layer.log_gain.trainable for layer in trainee.spiking.values()].count(True) >= 3
    inputs = {"image": flat(images(4))}
    trainee.simulated(inputs)
    with_gains = {name: layer.counts().numpy() for name, layer in trainee.spiking.items()}
    folded = residual()
    folded.set_weights(trainee.keras_weights())
    other, _ = unrolled(folded, NEURONS[0])
    other.simulated(inputs)
    for name, layer in other.spiking.items():
        np.testing.assert_array_equal(layer.counts(), with_gains[name])


# -- what is refused ------------------------------------------------------------------------


def leaky():
    inp = keras.Input((4,))
    x = layers.LeakyReLU(0.1, name="leaks")(layers.Dense(4)(inp))
    return keras.Model(inp, layers.Dense(2)(x))


def shared():
    inp = keras.Input((4,))
    twice = layers.Dense(4, activation="relu", name="twice")
    return keras.Model(inp, layers.Dense(2)(twice(twice(inp))))


def largest():
    inp = keras.Input((4,))
    both = [layers.Dense(3, activation="relu")(inp), layers.Dense(3, activation="relu")(inp)]
    return keras.Model(inp, layers.Dense(2)(layers.Maximum(name="largest")(both)))


@pytest.mark.parametrize(
    "make, given, message",
    [
        (leaky, {}, "'leaks' .LeakyReLU. becomes 2 populations that forward='steps' can't train"),
        (shared, {}, "'twice' .Dense. becomes 2 populations"),
        (largest, {}, "'largest' .Maximum. becomes 1 population that"),
        (None, {"neuron_type": "AdaptiveLIF"}, "'conv0': forward='steps' knows no gradient .* Ada"),
        (None, {"synapse": nengo.Alpha(0.01)}, "a Lowpass or not at all, not with Alpha"),
        (None, {"layer_delay": 1, "synapse": 0.01}, "layer_delay=1 needs synapse=None"),
        (
            None,
            {"quantize": True},
            "quantize=True is the chip's arithmetic: it needs layer_delay=1",
        ),
        (None, {"quantize": True, "forward": "rates"}, "quantize needs forward='steps'"),
        (None, {"layer_delay": 2}, "layer_delay must be 0 or 1, not 2"),
        (None, {"layer_delay": 1, "forward": "rates"}, "layer_delay needs forward='steps'"),
        (None, {"n_shown": 9}, "n_shown must be a whole number from 1 to n_steps=8, not 9"),
        (None, {"n_shown": 3, "forward": "spikes"}, "n_shown needs forward='steps'"),
        (None, {"start_rate": 0}, "start_rate must be a positive number"),
        (None, {"start_rate": 1, "neuron_type": "LIF"}, "start_rate is for neurons whose rate is"),
        (None, {"learn_scales": "all"}, "learn_scales must be one of layer, channel"),
        (None, {"surrogate": "step"}, "surrogate must be one of triangle, fast_sigmoid"),
        (None, {"cost_epochs": -1}, "cost_epochs must be a whole number"),
        (None, {"energy_weight": -1}, "energy_weight must be a number of at least 0"),
        (None, {"energy_weight": 1, "device": "gpu"}, "GPU works without spikes|gpu works without"),
        (None, {"spike_input": True}, "neurons 'to-spikes.*' belong to no layer of the model"),
        (None, {"device": "abacus"}, "There is no device 'abacus'"),
        (None, {"memory": "1 MB"}, "Training with batch_size=20 and 8 steps"),
    ],
)
def test_what_is_refused(make, given, message):
    x, y = spots(60)
    if make is not None:
        x = x[:, 0, :4, 0]
        y = y % 2
    with pytest.raises(SpikeCostError, match=message):
        fine_tune(conv_net(keras) if make is None else make(), x, y, **{**STEPS, **given})


def test_spikes_that_stay_on_the_host_are_refused():
    """They take no step, unlike those that go to a chip."""
    inp = keras.Input((4,))
    model = keras.Model(inp, layers.Dense(2)(layers.Dense(3, activation="relu", name="a")(inp)))
    x, y = spots(60)
    with pytest.raises(TuningError, match="those of layer 'a' stay on the host"):
        fine_tune(model, x[:, 0, :4, 0], y % 2, layer_delay=1, **STEPS)


# -- the chip -------------------------------------------------------------------------------


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


def emulated(conversion, x):
    """Spikes of every population, and outputs, at each step of the emulated chip."""
    with conversion.net:
        populations = nsc.NetworkGraph(conversion).populations
        probes = {p.name: nengo.Probe(p.ensemble.neurons) for p in populations}
    emulator = Emulator(fit_blocks(conversion, progress=False), batch_size=len(x))
    run = emulator.run(x, N_STEPS, readout="all")
    return (
        {name: run.outputs[probe].steps != 0 for name, probe in probes.items()},
        {name: run.outputs[probe].steps for name, probe in conversion.outputs.items()},
    )


@pytest.mark.parametrize("seed", range(5))
def test_quantized_spikes_are_those_of_the_emulated_chip(seed):
    n_shown = 6 if seed > 2 else None
    trainee, conversion = unrolled(
        on_chip(seed, bias=seed != 3), NEURONS[0], scales=600.0, layer_delay=1, quantize=True,
        n_shown=n_shown,
    )  # fmt: skip
    x = np.random.RandomState(seed).uniform(0, 1, (4, 9, 9, 1)).astype("f4")
    outputs, _ = trainee.simulated({"image": flat(x)})
    given = x if n_shown is None else shown_for(x, n_shown).reshape(4, N_STEPS, 9, 9, 1)
    spikes, expected = emulated(conversion, given)
    for name, layer in trainee.spiking.items():
        fired = np.stack([f.numpy().reshape(len(f), -1) for f in layer.all_fired()], axis=1)
        np.testing.assert_array_equal(fired, spikes[name], name)
        assert 0 < fired.mean() < 1, name
    for name, values in expected.items():
        # float32 held against float64
        np.testing.assert_allclose(outputs[name], values, atol=1e-4 * abs(values).max())


def test_training_with_quantized_weights_is_what_the_chip_does():
    x, y = spots(100, seed=5)
    x = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    result = fine_tune(
        on_chip(0), x, y, layer_delay=1, quantize=True, start_rate=0.7, epochs=4,
        validation=(x[:40], y[:40]), **{**STEPS, "n_steps": N_STEPS},
    )  # fmt: skip
    assert result.best.loss < 0.8 * result.history[0].loss and result.layer_delay == 1
    deployment = nsc.loihi.deploy(
        result.model, x[:40], y[:40], n_steps=N_STEPS, neuron_type=NEURONS[0], synapse=None,
        scale_firing_rates=result.scale_firing_rates, presentation="fresh", readout="mean",
        try_out=False, progress=False,
    )  # fmt: skip
    assert deployment.accuracy == pytest.approx(result.best.accuracy)
    activity = count(nsc.NetworkGraph(deployment.network), deployment.activity)
    spikes = sum(p.spikes.mean() for p in activity.populations)
    n_neurons = sum(p.n_neurons for p in activity.populations)
    # the host's neurons add up in float64 there
    assert spikes / n_neurons == pytest.approx(result.best.spikes, rel=1e-3)


def behind(middle):
    """Two layers of neurons with others in between."""
    inp = keras.Input((9, 9, 1))
    x = middle(layers.Conv2D(4, 3, activation="relu", name="first")(inp))
    x = layers.Conv2D(4, 3, activation="relu", name="second")(x)
    return keras.Model(inp, layers.Dense(3)(layers.Flatten()(x)))


def normalized_between(x):
    layer = layers.BatchNormalization()
    x = layer(x)
    layer.set_weights([w + 0.5 for w in layer.get_weights()])
    return x


@pytest.mark.parametrize(
    "make, neurons, message",
    [
        (lambda: behind(layers.AveragePooling2D(2)), NEURONS[0], "on the chip .* other weights"),
        (lambda: behind(normalized_between), NEURONS[0], "on the chip .* other weights"),
        (lambda: behind(layers.Dropout(0.5)), "LoihiLIF", "neurons have to be LoihiSpikingRec"),
        (
            lambda: behind(lambda x: layers.Add()([x, layers.Dense(4, activation="relu")(x)])),
            NEURONS[0], "'second' can't be quantized: it gets its spikes from 2 populations",
        ),
        (
            lambda: behind(lambda x: layers.ReLU(name="own")(layers.Conv2D(4, 1)(x))), NEURONS[0],
            "'own' .ReLU. can't be quantized: only layers Dense, Conv1D and Conv2D",
        ),
    ],
)  # fmt: skip
def test_layers_that_cannot_be_quantized_are_refused(make, neurons, message):
    with pytest.raises(TuningError, match=message):
        unrolled(randomise(make()), neurons, layer_delay=1, quantize=True)
