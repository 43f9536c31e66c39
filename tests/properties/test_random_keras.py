"""Random Keras models: converted to rate neurons, they compute what Keras computes."""

from __future__ import annotations

import numpy as np
import pytest

import nengo_spikecost as nsc
from tests.conversion.agreement import assert_owned_and_counted, random_inputs, with_nengo
from tests.properties.keras_models import random_model

N_MODELS = 200


@pytest.mark.filterwarnings("ignore:These layers are computed exactly")
@pytest.mark.filterwarnings("ignore:.*no effect on Sigmoid")
@pytest.mark.parametrize("seed", range(N_MODELS), ids="seed={}".format)
def test_converted_models_compute_the_same(seed):
    model = random_model(seed)
    inputs = random_inputs(model, n_samples=2)
    scale = 1 if seed % 2 else 40
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", scale_firing_rates=scale)
    found = with_nengo(conversion, inputs)
    expected = model(inputs, training=False)
    expected = expected if isinstance(expected, list) else [expected]
    for values, wanted in zip(found, expected):
        wanted = np.reshape(wanted, (len(wanted), -1))
        # both compute in float64
        error = np.abs(values - wanted).max() / max(np.abs(wanted).max(), 1e-6)
        assert error < 1e-5, f"random_model({seed}) is {error:.2e} off"
    assert_owned_and_counted(conversion)
