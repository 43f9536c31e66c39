"""Layers within TimeDistributed wrappers: tuned, converted and trained by the wrapper's name."""

import nengo
import nengo_dl
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.tuning import L1, RescalableNetwork, tune_firing_rates
from tests.models import randomise

keras = tf.keras
layers = keras.layers
STEPS = 40


@pytest.fixture(scope="module")
def wrapped():
    inp = x = keras.Input((STEPS, 6, 6, 1))
    conv = layers.Conv2D(3, 3, activation="relu", name="kernels")
    x = layers.TimeDistributed(conv, name="conv")(x)
    x = layers.TimeDistributed(layers.Flatten(), name="flat")(x)
    x = layers.TimeDistributed(layers.Dense(8, activation="relu", name="weights"), name="dense")(x)
    x = layers.TimeDistributed(layers.Dense(3), name="out")(x)
    return randomise(keras.Model(inp, x))


X = np.random.RandomState(0).uniform(0, 1, (6, STEPS, 6, 6, 1)).astype("f4")


def converted(model, scales):
    return nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", synapse=0.005, scale_firing_rates=scales
    )


def test_tuned_scales_have_the_rates_in_a_new_conversion(wrapped, recwarn):
    target = {"conv": 120, wrapped.get_layer("dense").layer: 80}
    tuning = tune_firing_rates(wrapped, X, target=target, n_steps=STEPS, progress=False)
    assert tuning.reached
    assert [(a.layer, a.target_hz) for a in tuning.layers] == [("conv", 120), ("dense", 80)]
    scope = {"model": wrapped}
    exec(tuning.code(), scope)
    assert scope["scale_firing_rates"] == tuning.scale_firing_rates
    for scales in (tuning.scale_firing_rates, tuning.scales):
        activity = nsc.measure(converted(wrapped, scales), X, STEPS, progress=False)
        for layer in tuning.layers:
            counts = activity.populations[layer.layer].counts
            rate = counts[counts > 0].mean() / (STEPS * 0.001)
            assert rate == pytest.approx(layer.rate_hz)
    assert not [w for w in recwarn if "scale_firing_rates" in str(w.message)]


def test_scales_by_wrapper_by_wrapped_layer_and_by_name(wrapped):
    wrapper = wrapped.get_layer("dense")
    for key in (wrapper, wrapper.layer, "dense"):
        conversion = converted(wrapped, {key: 50})
        assert conversion.scale_firing_rates == {"dense": 50}
        # an ensemble hands on spikes that are smaller by the scale
        found = [e.neuron_type.amplitude for e in conversion.net.all_ensembles]
        assert sorted(found) == pytest.approx([1 / 50, 1])
        network = RescalableNetwork(wrapped, neuron_type="LIF", scales={key: 50})
        assert network.scales == {"conv": 1, "dense": 50}
    with pytest.raises(ConversionError, match="names layer 'weights', which the model does not"):
        converted(wrapped, {"weights": 50})


def test_nengo_dl_takes_the_tuned_scales():
    inp = keras.Input((5, 6))
    layer = layers.TimeDistributed(layers.Dense(8, activation="relu"), name="dense")
    model = randomise(keras.Model(inp, layer(inp)))
    x = np.random.RandomState(0).uniform(0, 1, (4, 5, 6)).astype("f4")
    tuning = tune_firing_rates(model, x, n_steps=5, max_simulations=1, progress=False)
    converter = nengo_dl.Converter(
        model,
        swap_activations={tf.nn.relu: nengo.SpikingRectifiedLinear()},
        scale_firing_rates=tuning.scale_firing_rates,
        temporal_model=True,
    )
    (ens,) = converter.net.all_ensembles
    assert ens.neuron_type.amplitude == pytest.approx(1 / tuning.scales["dense"])


def test_fine_tune_by_layer(tmp_path):
    """All its dicts by layer, wrapped or not, and with a checkpoint, whose settings are text."""
    inp = keras.Input((4, 5))
    hidden = layers.TimeDistributed(layers.Dense(6, activation="relu"), name="hidden")
    last = layers.TimeDistributed(layers.Dense(7, activation="relu"), name="last")
    model = keras.Model(inp, layers.TimeDistributed(layers.Dense(2), name="out")(last(hidden(inp))))
    x = np.random.RandomState(0).uniform(0, 1, (40, 4, 5)).astype("f4")
    found = [
        nsc.fine_tune(
            randomise(model), x, x[:, -1, :2], n_steps=4, forward="rates",
            neuron_type="SpikingRectifiedLinear", rates_hz={a: 100, b: 150},
            scale_firing_rates={a: 20}, regularizers={b: [L1(1e-4)]}, batch_size=20,
            learning_rate=keras.optimizers.Adam(0.01), loss=keras.losses.mean_squared_error,
            swap_activations={tf.nn.relu: nengo.SpikingRectifiedLinear()},
            checkpoint=tmp_path / "training.npz", progress=False,
        )
        for a, b in ((hidden, last.layer), ("hidden", "last"))
    ]  # fmt: skip
    # the second is the first, taken up again where it ended
    seconds = [[record.seconds for record in result.history] for result in found]
    assert seconds[0] == seconds[1]
    assert found[0].scale_firing_rates == found[1].scale_firing_rates
    assert set(found[0].scale_firing_rates) == {"hidden", "last"}
