"""Training with the chip's numbers: the network unrolled fires as the emulated chip does."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import SpikeCostWarning, TuningError
from nengo_spikecost.loihi import Emulator, fit_blocks
from nengo_spikecost.loihi.blocks import block_search
from nengo_spikecost.tuning import fine_tune
from nengo_spikecost.tuning.training.unrolled_trainee import UnrolledTrainee
from nengo_spikecost.workload.exact import count

from ..models import randomise
from .test_fine_tune import spots
from .test_steps import N_STEPS, NEURONS, flat, on_chip, shown_for, unrolled
from .test_steps_training import STEPS

keras = stack.keras()
nengo_loihi = stack.nengo_loihi()
layers = keras.layers


def emulated(conversion, x, dt, n_steps=N_STEPS):
    """Spikes of every population, and outputs, at each step of the emulated chip."""
    with conversion.net:
        populations = nsc.NetworkGraph(conversion).populations
        probes = {p.name: nengo.Probe(p.ensemble.neurons) for p in populations}
    emulator = Emulator(fit_blocks(conversion, dt=dt, progress=False), dt=dt, batch_size=len(x))
    run = emulator.run(x, n_steps, readout="all")
    return (
        {name: run.outputs[probe].steps != 0 for name, probe in probes.items()},
        {name: run.outputs[probe].steps for name, probe in conversion.outputs.items()},
    )


def check_emulated(trainee, conversion, x, given=None):
    """All spikes, and outputs, held against those of the emulated chip."""
    outputs, _ = trainee.simulated({"image": flat(x)})
    given = x if given is None else given
    spikes, expected = emulated(conversion, given, trainee.presentation.dt)
    for name, layer in trainee.spiking.items():
        fired = np.stack([f.numpy().reshape(len(f), -1) for f in layer.all_fired()], axis=1)
        np.testing.assert_array_equal(fired, spikes[name], name)
        assert 0 < fired.mean() < 1, name
    for name, values in expected.items():
        # float32 held against float64
        np.testing.assert_allclose(outputs[name], values, atol=1e-4 * abs(values).max())


@pytest.mark.parametrize("seed, dt", [*((seed, 0.001) for seed in range(5)), (1, 0.002)])
def test_quantized_spikes_are_those_of_the_emulated_chip(seed, dt):
    n_shown = 6 if seed > 2 else None
    trainee, conversion = unrolled(
        on_chip(seed, bias=seed != 3), NEURONS[0], scales=600.0, layer_delay=1, quantize=True,
        n_shown=n_shown, dt=dt,
    )  # fmt: skip
    x = np.random.RandomState(seed).uniform(0, 1, (4, 9, 9, 1)).astype("f4")
    given = x if n_shown is None else shown_for(x, n_shown).reshape(4, N_STEPS, 9, 9, 1)
    check_emulated(trainee, conversion, x, given)


@pytest.mark.filterwarnings("ignore:NengoLoihi says. Lost")
@pytest.mark.parametrize("smaller", [10, 30, 200, 1000])
def test_weights_that_lose_bits_beside_large_biases(smaller):
    """Biases far above the weights take bits from them; the last loses all that it can."""
    model = on_chip(1)
    for name in ("conv0", "dense0"):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel / smaller, bias])
    trainee, conversion = unrolled(model, NEURONS[0], scales=600.0, layer_delay=1, quantize=True)
    x = np.random.RandomState(1).uniform(0, 1, (4, 9, 9, 1)).astype("f4")
    check_emulated(trainee, conversion, x)


@pytest.mark.filterwarnings("ignore:Numbers were too large")
def test_more_spikes_at_once_than_the_chip_adds_up():
    """Of 300 spikes of large weights in a step, the highest bits are lost."""
    inp = keras.Input((300,), name="image")
    x = layers.Dense(300, activation="relu", use_bias=False, name="to-spikes")(inp)
    x = layers.Dense(6, activation="relu", name="dense0")(x)
    model = keras.Model(inp, layers.Dense(2, name="dense1")(x))
    rng = np.random.RandomState(0)
    signs = [np.ones(300), -np.ones(300), *rng.choice([-1, 1], (4, 300), p=[0.2, 0.8])]
    model.layers[1].set_weights([3 * np.eye(300)])
    model.layers[2].set_weights([np.stack(signs, 1), np.array([0, 0.01, 0.01, 5, -5, 0])])
    trainee, conversion = unrolled(model, NEURONS[0], scales=700.0, layer_delay=1, quantize=True)
    check_emulated(trainee, conversion, rng.uniform(0, 1, (4, 300)).astype("f4"))


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


def test_ctrl_c_in_the_search_for_blocks_ends_training(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(block_search, "solve_lazily", interrupted)
    with pytest.warns(SpikeCostWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        unrolled(on_chip(0), NEURONS[0], layer_delay=1, quantize=True)


def behind(middle):
    """Two layers of neurons with others in between."""
    inp = keras.Input((9, 9, 1))
    x = middle(layers.Conv2D(4, 3, activation="relu", name="first")(inp))
    x = layers.Conv2D(4, 3, activation="relu", name="second")(x)
    return randomise(keras.Model(inp, layers.Dense(3)(layers.Flatten()(x))))


def zeroed(model, name):
    """A model with a layer whose weights are 0, but not its biases."""
    model.get_layer(name).kernel.assign(0 * model.get_layer(name).kernel)
    return model


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
        (lambda: zeroed(behind(layers.Dropout(0.5)), "second"), NEURONS[0], "'second'.* all 0"),
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
        unrolled(make(), neurons, layer_delay=1, quantize=True)


# -- weights that the chip has no numbers for --------------------------------------------------


def built(conversion):
    """Whether NengoLoihi finds numbers for a network."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nengo_loihi.Simulator(conversion.net, target="sim", progress_bar=False).close()
    except (AssertionError, BuildError) as error:
        assert "appropriate weight exponent" in str(error) or isinstance(error, AssertionError)
        return False
    return True


@pytest.mark.parametrize("of", ["bias", "threshold"])
def test_misfit_says_what_nengo_loihi_can_not_hold(of):
    """Layers whose weights become ever smaller beside biases, or beside thresholds of 1."""
    said = []
    for smaller in np.geomspace(1, 1e6, 13):
        inp = keras.Input((3,), name="image")
        x = layers.Dense(4, activation="relu", name="to-spikes")(inp)
        x = layers.Dense(5, activation="relu", name="dense0")(x)
        model = randomise(keras.Model(inp, layers.Dense(2, name="dense1")(x)))
        trainee, conversion = unrolled(model, NEURONS[0], layer_delay=1, quantize=True)
        layer = model.get_layer("dense0")
        kernel, bias = layer.get_weights()
        bias = bias + 3 if of == "bias" else 0 * bias
        own = next(one for one in trainee.spiking.values() if one.layer.name.endswith("dense0"))
        own.layer.set_weights([kernel / smaller, bias])
        layer.set_weights([kernel / smaller, bias])
        conversion = nsc.convert(
            model, neuron_type=NEURONS[0], scale_firing_rates=200.0, synapse=None, seed=3
        )
        misfit = trainee.misfit()
        assert (misfit is None) == built(conversion)
        said.append(misfit)
    assert said[0] is None and "layer 'dense0': a spike moves a voltage by" in said[-1]


def test_misfit_is_of_the_block_that_does_not_fit():
    """Not of one with smaller weights and a smaller bias; of what is no number nothing is said."""
    inp = keras.Input((3,), name="image")
    x = layers.Dense(4, activation="relu", name="to-spikes")(inp)
    x = layers.Dense(2, activation="relu", name="dense0")(x)
    model = randomise(keras.Model(inp, layers.Dense(2, name="dense1")(x)))
    trainee, _ = unrolled(model, NEURONS[0], layer_delay=1, quantize=True)
    own = next(one for one in trainee.spiking.values() if one.layer.name.endswith("dense0"))
    own._part_of = np.arange(2)  # each of the two neurons in a block of its own
    own._masks = np.stack([np.arange(2) == k for k in range(2)])[:, None].repeat(4, axis=1)
    dt = own.neurons.dt
    own.layer.set_weights([np.ones((4, 2)), np.ones(2)])
    weights, bias = (dt * tensor.numpy() for tensor in own._scaled())
    own.layer.set_weights([np.full((4, 2), [3e-5, 1e-3]) / weights, np.array([0, 10]) / bias])
    assert "a spike moves a voltage by 0.001 at most" in own.misfit()
    assert "a threshold of 1 and a bias of 10 a step" in own.misfit()
    own.layer.set_weights([np.ones((4, 2)) / weights, np.array([0, np.nan])])
    assert own.misfit() is None


@pytest.mark.parametrize("at", ["batch", "epoch"])
def test_training_ends_where_the_chip_has_no_numbers(monkeypatch, at):
    """In the middle of an epoch, or after its last batch; the best before is kept."""
    x, y = spots(100, seed=5)
    x = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    train, calls = UnrolledTrainee.train, []

    def shrunk(self, *given):
        scores = train(self, *given)
        calls.append(scores)
        if len(calls) == {"batch": 6, "epoch": 8}[at]:
            layer = next(one.layer for one in self.spiking.values() if one.layer.name == "conv0")
            layer.kernel.assign(layer.kernel * 1e-7)
        return scores

    monkeypatch.setattr(UnrolledTrainee, "train", shrunk)
    words = r"in epoch 2 the chip has no numbers for the weights of layer 'conv0'.*learning_rate"
    with pytest.raises(TuningError, match=words) as caught:
        fine_tune(
            on_chip(0), x, y, layer_delay=1, quantize=True, start_rate=0.7, epochs=4,
            **{**STEPS, "n_steps": N_STEPS},
        )  # fmt: skip
    result = caught.value.result
    assert result.best_epoch < 2 and np.isfinite(result.best.objective)
    assert all(np.isfinite(w).all() for w in result.model.get_weights())


def test_a_start_rate_that_the_chip_has_no_numbers_for():
    """Of images so dark that one spike of theirs stands for next to nothing beside a bias."""
    model = on_chip(0)
    kernel, bias = model.get_layer("to-spikes").get_weights()
    model.get_layer("to-spikes").set_weights([abs(kernel), 0 * bias])
    trainee, _ = unrolled(model, NEURONS[0], scales=600.0, layer_delay=1, quantize=True)
    words = "start_rate=0.5 gives scales for which the chip has no numbers .* layer 'conv0'"
    with pytest.raises(TuningError, match=words):
        trainee.start({"image": np.full((4, 1, 81), 1e-7, "f4")}, 0.5)
