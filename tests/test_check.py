"""Whole numbers as arguments: numbers of all kinds, and no True where a number belongs."""

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.check import is_whole
from nengo_spikecost.errors import (
    ConversionError,
    DataError,
    LoihiError,
    MeasurementError,
    SpikeCostError,
    TuningError,
)
from nengo_spikecost.loihi.emulation.feeding import check_run, positive
from nengo_spikecost.tuning import RescalableNetwork, tune_firing_rates
from tests.models import conv_net, images


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers(value):
    assert is_whole(value)
    assert is_whole(value, 3, 3)
    assert not is_whole(value, 4)
    assert not is_whole(value, most=2)


@pytest.mark.parametrize("value", [True, False, np.True_, 3.0, np.float64(3), "3", None, [3]])
def test_others(value):
    assert not is_whole(value)
    assert not is_whole(value, 0, 10)


def test_largest_integers_are_compared_exactly():
    assert is_whole(2**64 - 1, 0, 2**64 - 1)
    assert not is_whole(2**64, 0, 2**64 - 1)


@pytest.fixture(scope="module")
def network():
    import tensorflow as tf

    return nsc.convert(conv_net(tf.keras), neuron_type="LoihiSpikingRectifiedLinear")


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda n: nsc.measure(n, images(), True), DataError, "n_steps"),
        (lambda n: nsc.measure(n, images(), 5, batch_size=True), MeasurementError, "batch_size"),
        (lambda n: nsc.measure(n, images(), 5, seed=True), MeasurementError, "seed"),
        (lambda n: nsc.loihi.deploy(n, images(), n_steps=True), SpikeCostError, "n_steps"),
        (lambda n: nsc.profile(n.model, images(), n_steps=True), SpikeCostError, "n_steps"),
        (lambda n: tune_firing_rates(n, images(), n_steps=True), TuningError, "n_steps"),
        (lambda n: tune_firing_rates(n, images(), skip_steps=True), TuningError, "skip_steps"),
        (
            lambda n: tune_firing_rates(n, images(), max_simulations=True),
            TuningError,
            "max_simulations",
        ),
        (
            lambda n: tune_firing_rates(n, images(), batch_size=True),
            MeasurementError,
            "batch_size",
        ),
        (lambda n: RescalableNetwork(n).run(images(), [True, 5]), MeasurementError, "n_steps"),
        (lambda n: nsc.convert(n.model, seed=True), ConversionError, "seed"),
        (lambda n: positive(True, "n_steps"), MeasurementError, "n_steps"),
        (lambda n: check_run(0.001, True, ()), MeasurementError, "seed"),
        (lambda n: nsc.loihi.Mesh(width=True), LoihiError, "width"),
    ],
)
def test_true_is_refused_by_name(network, call, error, words):
    with pytest.raises(error, match=f"{words}.*True"):
        call(network)


def test_numbers_of_numpy_are_taken(network):
    found = RescalableNetwork(network).run(images(), np.array([6, 4, 6]))
    assert list(found) == [4, 6]
    assert positive(4.0, "n_steps") == positive(np.float32(4), "n_steps") == 4
    with pytest.raises(MeasurementError, match="whole number of at least 1, not inf"):
        positive(float("inf"), "n_steps")
