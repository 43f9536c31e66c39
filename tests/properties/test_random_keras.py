"""Random Keras models: converted, lowered and counted, against Keras, Nengo and matrices."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.properties.keras_checks import check

#: The same models in every run, so that a failure is one for everyone. To look further,
#: start elsewhere: ``NENGO_SPIKECOST_FIRST_SEED=1000``.
N_MODELS = 200
FIRST_SEED = int(os.environ.get("NENGO_SPIKECOST_FIRST_SEED", "0"))

#: Models that no run has seen before.
N_NEW_MODELS = 15

quiet = pytest.mark.filterwarnings(
    "ignore:These layers are computed exactly", "ignore:.*no effect on Sigmoid"
)


@quiet
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + N_MODELS), ids="seed{}".format)
def test_models_are_converted_lowered_and_counted(seed):
    check(seed)


@quiet
@settings(
    max_examples=N_NEW_MODELS,
    database=None,
    phases=[Phase.generate],  # a smaller seed is no simpler model
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(10**6, 2**31))
def test_models_never_seen_before(seed):
    # Hypothesis prints the seed of a failure; so do the messages below. Among models that nobody
    # chose, in some no ReLU lets anything through.
    check(seed, may_be_silent=True)


def test_a_model_that_lets_nothing_through():
    check(2743315, may_be_silent=True)
