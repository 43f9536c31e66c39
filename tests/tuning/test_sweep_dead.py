"""Layers that never spike are named, in whatever trials, and a last layer that spikes is not."""

from __future__ import annotations

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack

NEURONS = "LoihiSpikingRectifiedLinear"


@pytest.mark.parametrize(
    "simulator, n_steps, expected",
    [
        ("compiled", 2, {"b", "c"}),
        pytest.param("compiled", 40, set(), marks=pytest.mark.slow),
        pytest.param("nengo_dl", 2, {"b", "c"}, marks=pytest.mark.slow),
        pytest.param("nengo_dl", 40, set(), marks=pytest.mark.slow),
    ],
)
def test_dead_layers_of_every_trial(simulator, n_steps, expected):
    """What is dead: of Nengo's own simulator, with the scales of the trial."""
    keras = stack.keras()
    layers = keras.layers
    hidden = [layers.Dense(5, activation="relu", name=name) for name in "abc"]
    model = keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(2, name="out")])
    rng = np.random.RandomState(0)
    for layer in hidden:
        kernel, bias = layer.get_weights()
        layer.set_weights([rng.uniform(0.1, 1, kernel.shape), np.full(bias.shape, 0.1)])
    x, y = rng.uniform(size=(4, 4)).astype("f4"), np.array([0, 1, 0, 1])
    swept = nsc.sweep(model, x, y, n_trials=2, n_steps=(n_steps,), synapses=(0.005,), explore=0,
                      neuron_type=NEURONS, simulator=simulator, progress=False)  # fmt: skip
    frame = swept.to_frame()
    for trial in swept.trials:
        conversion = nsc.convert(
            model, scale_firing_rates=dict(trial.scales), synapse=0.005, neuron_type=NEURONS
        )
        counts = nsc.measure(conversion, x, n_steps, simulator="nengo", progress=False)
        dead = {p for p, own in counts.populations.items() if not own.counts.any()}
        own = frame[frame["trial"] == trial.number]["dead_layers"]
        assert [set(names.split()) for names in own] == [dead]
    if expected:
        assert all(expected <= set(names.split()) for names in frame["dead_layers"])
        assert "has dead layers" in swept.summary_string()
    else:
        assert not any("c" in names.split() for names in frame["dead_layers"])
