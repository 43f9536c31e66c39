"""Random networks with all steps unrolled, as `fine_tune(forward="steps")` trains them.

Their spikes, step by step, are those of ``nengo.Simulator``; with the chip's numbers
(``quantize=True``), those of NengoLoihi's chip, emulated.
"""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from tests.models import positive_variances
from tests.tuning.test_steps import flat, simulated, unrolled
from tests.tuning.test_steps_on_chip import emulated

keras = stack.keras()
layers = keras.layers
loihi = stack.nengo_loihi().neurons

BATCH = 3
TYPES = (
    nengo.SpikingRectifiedLinear, nengo.LIF, loihi.LoihiSpikingRectifiedLinear, loihi.LoihiLIF,
)  # fmt: skip


class Random:
    """A network, its neurons, and what it is shown, all drawn from a seed."""

    def __init__(self, seed, on_chip=False):
        self.rng = np.random.RandomState(seed)
        self.n_layers = 0
        self.on_chip = on_chip
        self.n_steps = int(self.rng.randint(5, 15))
        self.model = self.made()
        self.n_shown = None if self.rng.rand() < 0.5 else int(self.rng.randint(1, self.n_steps + 1))
        self.scale = float(self.rng.choice([150, 400, 900]))

    def one_of(self, *choices):
        return choices[self.rng.randint(len(choices))]

    def neurons(self):
        kind = TYPES[self.rng.randint(len(TYPES))]
        given = {"initial_state": {"voltage": nengo.dists.Uniform(0, 0.9)}}
        if self.rng.rand() < 0.3:
            given = {}
        if "LIF" in kind.__name__:
            taus = {"tau_rc": self.one_of(0.02, 0.007), "tau_ref": self.one_of(0.001, 0.002, 0.004)}
            given.update(taus)
        return kind(amplitude=self.one_of(1, 0.5), **given)

    # -- architectures ------------------------------------------------------------------------

    def made(self):
        shape = self.one_of((9,), (7, 2), (7, 7, 2), (6, 8, 1))
        given = keras.Input(shape, name="given")
        x = self.spiking(given, "to-spikes") if self.on_chip else given
        for _ in range(self.rng.randint(1, 4)):
            x = self.layer(x) if self.on_chip else self.block(x)
        if len(x.shape) > 2:
            x = layers.Flatten()(x)
        model = keras.Model(given, layers.Dense(3, use_bias=False, name="out")(x))
        for layer in model.layers:
            for w, values in zip(layer.weights, layer.get_weights()):
                spread = 1.6 / np.sqrt(max(np.prod(values.shape[:-1]), 1))
                w.assign(self.rng.normal(0.4 * spread, spread, values.shape))
        return positive_variances(model)

    def spiking(self, x, name=None):
        """A layer with neurons."""
        self.n_layers += 1
        own = {"activation": "relu", "use_bias": self.rng.rand() < 0.7,
               "name": name or f"layer{self.n_layers}"}  # fmt: skip
        size, width = int(self.rng.randint(2, 6)), int(self.rng.randint(1, 4))
        window = {"strides": self.one_of(1, 2), "padding": self.one_of("same", "valid")}
        axes = len(x.shape) - 2
        if axes and min(x.shape[1:-1]) >= width and self.rng.rand() < 0.8:
            return {1: layers.Conv1D, 2: layers.Conv2D}[axes](size, width, **window, **own)(x)
        return layers.Dense(size, **own)(x if not self.on_chip or not axes else layers.Flatten()(x))

    layer = spiking

    def block(self, x):
        """Neurons, and around them what a host or a graph computes without."""
        kind = self.one_of("plain", "plain", "apart", "two ways", "joined", "pooled")
        if kind == "apart":
            x = layers.Dense(4)(x)
            return layers.ReLU()(layers.BatchNormalization()(x))
        if kind == "pooled" and len(x.shape) == 4 and min(x.shape[1:3]) >= 2:
            return layers.AveragePooling2D(2)(self.spiking(x))
        if kind in ("two ways", "joined"):
            ways = [layers.Dense(4, activation="relu")(x) for _ in range(2)]
            return (layers.Add() if kind == "two ways" else layers.Concatenate())(ways)
        return self.spiking(x)

    # -- what it is shown -----------------------------------------------------------------------

    def samples(self):
        return self.rng.uniform(0, 1, (BATCH, *self.model.input_shape[1:])).astype("f4")

    def shown(self, x):
        """Samples for some steps, and then nothing: shape (n, n_steps, size)."""
        steps = np.repeat(flat(x), self.n_steps, axis=1)
        steps[:, self.n_shown or self.n_steps :] = 0
        return steps

    def trainee(self, neurons, **more):
        return unrolled(
            self.model, neurons, scales=self.scale, batch_size=BATCH, n_steps=self.n_steps,
            n_shown=self.n_shown, **{"synapse": None, **more},
        )  # fmt: skip


def check_spikes(trainee, spikes, outputs, expected):
    """Hold them against others, step by step; returns how many there are."""
    n_fired = 0
    for name, layer in trainee.spiking.items():
        fired = np.stack([f.numpy().reshape(len(f), -1) for f in layer.all_fired()], axis=1)
        np.testing.assert_array_equal(fired, np.rint(spikes[name]), name)
        n_fired += fired.sum()
    for name, values in expected.items():
        # float32 held against float64
        np.testing.assert_allclose(outputs[name], values, rtol=1e-4, atol=1e-4 * abs(values).max())
    return n_fired


@pytest.mark.parametrize("first", range(0, 15, 5))
def test_spikes_are_those_of_nengo(first):
    """Of neurons without a filter, and with one that only waits a step."""
    fired = 0
    for seed in range(first, first + 5):
        drawn = Random(seed)
        trainee, conversion = drawn.trainee(drawn.neurons(), synapse=drawn.one_of(None, 0, 0.002))
        x = drawn.samples()
        outputs, _ = trainee.simulated({"given": flat(x)})
        steps, expected = simulated(conversion, {"given": drawn.shown(x)}, drawn.n_steps)
        fired += check_spikes(trainee, steps, outputs, expected) > 0
    assert fired >= 4


def test_with_the_delays_of_a_chip():
    """Spikes are those of the network with Lowpass(0), which waits a step, behind all neurons."""
    fired = 0
    for seed in range(1000, 1006):
        drawn = Random(seed, on_chip=True)
        neurons = drawn.neurons()
        trainee, _ = drawn.trainee(neurons, layer_delay=1)
        x = drawn.samples()
        outputs, _ = trainee.simulated({"given": flat(x)})
        waits = nsc.convert(
            drawn.model, neuron_type=neurons, scale_firing_rates=drawn.scale,
            synapse=nengo.Lowpass(0), seed=3,
        )  # fmt: skip
        steps, expected = simulated(waits, {"given": drawn.shown(x)}, drawn.n_steps)
        # a host reads the spikes of a chip's first step at once, and again in the second
        expected["out"][:, 0] = expected["out"][:, 1]
        fired += check_spikes(trainee, steps, outputs, expected) > 0
    assert fired >= 4


@pytest.mark.filterwarnings("ignore:NengoLoihi says. Lost")
def test_quantized_spikes_are_those_of_the_emulated_chip():
    fired = 0
    for seed in range(2000, 2006):
        drawn = Random(seed, on_chip=True)
        trainee, conversion = drawn.trainee(TYPES[2](), layer_delay=1, quantize=True)
        x = drawn.samples()
        outputs, _ = trainee.simulated({"given": flat(x)})
        shown = drawn.shown(x).reshape(BATCH, drawn.n_steps, *drawn.model.input_shape[1:])
        steps, expected = emulated(conversion, shown, 0.001, drawn.n_steps)
        fired += check_spikes(trainee, steps, outputs, expected) > 0
    assert fired >= 4
