"""Neurons in front of a model: its layers keep the names that scales are given for."""

from __future__ import annotations

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import ConversionError


def model_of(keras, nested):
    given = keras.Input((4,))
    x = keras.layers.Dense(5, activation="relu", name="hidden")(given)
    if nested:
        inner = keras.Model(given, x, name="inner")
        given = keras.Input((4,))
        x = inner(given)
    return keras.Model(given, keras.layers.Dense(2, name="last")(x))


def keras_of(version):
    if version == 2:
        return stack.keras()
    return pytest.importorskip("keras", minversion="3")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("nested", [False, True])
def test_scales_are_those_of_the_layers(version, nested):
    """The gain of a neuron is its scale."""
    model = model_of(keras_of(version), nested)
    name = "inner/hidden" if nested else "hidden"
    for scales in (50, {name: 50}, {"*": 50}):
        conversion = nsc.convert(model, scale_firing_rates=scales, spike_input=True)
        (hidden,) = (e for e, own in conversion.layer_names.items()
                     if str(own).endswith("hidden") and hasattr(e, "neurons"))  # fmt: skip
        assert np.ravel(hidden.gain.sample(1)).tolist() == [50]


def test_a_layer_by_itself_has_a_scale_too():
    model = model_of(keras_of(3), nested=False)
    scales = {model.get_layer("hidden"): 50}
    conversion = nsc.convert(model, scale_firing_rates=scales, spike_input=True)
    assert {float(np.ravel(e.gain.sample(1))[0]) for e in conversion.net.all_ensembles} == {1, 50}
    with pytest.raises(ConversionError, match="names layer 'other'"):
        nsc.convert(model, scale_firing_rates={"other": 50}, spike_input=True)
