"""Training with steps: what is learned, what it costs, what is kept, and what is refused."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import SpikeCostError, TuningError
from nengo_spikecost.layout.result import presenter_of
from nengo_spikecost.tuning import fine_tune
from nengo_spikecost.tuning.training.trainee import Trainee
from nengo_spikecost.tuning.training.unrolled_trainee import UnrolledTrainee
from nengo_spikecost.workload.exact import count

from ..models import conv_net, images
from .test_fine_tune import spots
from .test_steps import NEURONS, flat, residual, unrolled

keras = stack.keras()
layers = keras.layers

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
        (None, {"layer_delay": 1, "n_steps": 2}, "n_steps=2 are too few .* in step [34] at the"),
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


@pytest.mark.parametrize(
    "given, flags",
    [
        ({}, " --synapse 0 --readout mean --neuron LoihiSpikingRectifiedLinear"),
        ({"synapse": 0.003, "neuron_type": "SpikingRectifiedLinear"},
         " --synapse 0.003 --readout mean"),
        ({"synapse": 0.005, "neuron_type": "SpikingRectifiedLinear", "readout": "last"}, ""),
    ],
)  # fmt: skip
def test_the_command_that_judges_a_model_has_its_neurons_filter_and_readout(given, flags):
    x, y = spots(60)
    settings = {**STEPS, **given, "epochs": 4, "validation": 0}
    tuned = fine_tune(conv_net(keras), x, y, scale_firing_rates=400, **settings)
    (step,) = presenter_of(tuned).verdict(tuned).next_steps
    assert step.command.endswith(f"--scale 400 --steps 8{flags} --chip")
