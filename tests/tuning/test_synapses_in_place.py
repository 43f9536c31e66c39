"""Synapses changed in place in compiled code, held against a new conversion and build.

As in test_rescaling_compiled.py: every expected number is from ``measure(convert(model, ...), ...,
simulator="compiled")`` with that synapse.
"""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError, MeasurementError
from nengo_spikecost.tuning import RescalableNetwork
from nengo_spikecost.tuning.sweeps import sweep_engine
from tests.conversion.agreement import random_inputs
from tests.lowering import architectures
from tests.models import conv_net, images
from tests.properties.keras_models import random_model
from tests.tuning.test_rescaling import NEURON_TYPES, X, quiet, random_scales
from tests.tuning.test_rescaling_compiled import check, n_spikes, pooled_network

layers = tf.keras.layers
SYNAPSES = (0.02, nengo.Lowpass(0.001))


def check_synapses(network, x, rng, in_place, synapses=SYNAPSES, n_steps=(4, 11)):
    """Scales and synapses in turn, each against a network of its own; how many spikes it made."""
    network.run(x, n_steps, scales=random_scales(network, rng))
    built, spikes = network._loop, []
    for synapse in synapses:
        assert network.takes_synapse(synapse) == in_place
        network.use_synapse(synapse)
        assert network.synapse == network.conversion.synapse == synapse
        found = check(network, x, random_scales(network, rng), n_steps)
        spikes.append(n_spikes(found[n_steps[-1]]))
        assert (network._loop is built) == in_place
    return spikes


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in NEURON_TYPES if kind != "LIF"]


@quiet
@pytest.mark.parametrize("neuron_type", ["LIF", *SLOW])
def test_equals_a_new_build(neuron_type):
    network = pooled_network(neuron_type, 17)
    check_synapses(network, X, np.random.RandomState(0), True)
    # the filters are there: another synapse, other counts
    counts = []
    for synapse in (0.002, 0.02):
        network.use_synapse(synapse)
        counts.append(n_spikes(network.run(X, 11, scales=300)[11]))
    assert counts[0] > counts[1] > 0


def check_random_model(seed):
    model = random_model(seed, ("relu", "relu", None))
    x = dict(zip(model.input_names, random_inputs(model)))
    kinds = ("SpikingRectifiedLinear", "LIF", "LoihiSpikingRectifiedLinear")
    try:
        network = RescalableNetwork(
            model, synapse=0.004, seed=seed, simulator="compiled", neuron_type=kinds[seed % 3]
        )
    except MeasurementError as error:
        assert "no neurons" in str(error)
        return [0]
    net = network.conversion.net
    filters = [own.synapse for own in (*net.all_connections, *net.all_probes) if own.synapse]
    return check_synapses(network, x, np.random.RandomState(seed), len(filters) > 0)


@quiet
@pytest.mark.parametrize("seed", [2])
def test_random_models(seed):
    """Several inputs and outputs, shared layers, relu6 and other sums of populations."""
    assert max(check_random_model(seed)) > 0


@quiet
@pytest.mark.slow
@pytest.mark.parametrize("first", [100, 120])
def test_many_random_models(first):
    assert np.median([max(check_random_model(seed)) for seed in range(first, first + 20)]) > 20


@quiet
@pytest.mark.parametrize("lower", [True, False])
def test_residual_connections(lower):
    network = RescalableNetwork(
        architectures.model("residual"), neuron_type="LIF", lower=lower, simulator="compiled",
        synapse=0.01,
    )  # fmt: skip
    check_synapses(network, X, np.random.RandomState(0), True)


def test_neurons_that_python_runs():
    network = RescalableNetwork(
        conv_net(tf.keras), neuron_type=nengo.PoissonSpiking(nengo.RectifiedLinear()),
        simulator="compiled", batch_size=3, synapse=0.01,
    )  # fmt: skip
    check_synapses(network, X, np.random.RandomState(0), True)


def test_continuous_presentation():
    network = RescalableNetwork(
        conv_net(tf.keras), presentation="continuous", batch_size=2, synapse=0.01,
        simulator="compiled",
    )  # fmt: skip
    check_synapses(network, X, np.random.RandomState(0), True, n_steps=(7,))


@pytest.mark.parametrize("first, synapses", [
    (0.005, (None, 0.01)),  # a filter and none
    (0.005, (0.0, 0.01)),  # a filter without time is none
    (0.005, (nengo.Alpha(0.005),)),  # of second order
    (nengo.LinearFilter([1], [0.005, 1]), (0.01,)),  # of first order, and maybe anything
])  # fmt: skip
def test_another_kind_of_filter_is_built_anew(first, synapses):
    network = RescalableNetwork(conv_net(tf.keras), simulator="compiled", synapse=first)
    check_synapses(network, X, np.random.RandomState(0), False, synapses)


def test_nengo_dl_builds_anew():
    network = RescalableNetwork(conv_net(tf.keras), synapse=0.005, batch_size=5)
    network.run(X, 11, scales=100)
    assert not network.takes_synapse(0.02)
    network.use_synapse(0.02)
    found = network.run(X, 11)[11]
    fresh = nsc.convert(network.conversion.model, scale_firing_rates=100, synapse=0.02)
    expected = nsc.measure(fresh, X, 11, batch_size=5, progress=False)
    for name, population in expected.populations.items():
        np.testing.assert_array_equal(found.populations[name].counts, population.counts)


FILTER = float(np.float32(0.005))  # as KerasSpiking keeps it


@pytest.mark.parametrize("own", [0.01, FILTER])
def test_filters_of_layers_stay(own):
    """A layer's own filter, also one that is equal to the synapse by chance."""
    keras_spiking = nsc.stack.keras_spiking()
    tf.keras.utils.set_random_seed(0)
    inp = tf.keras.Input((12, 6))
    x = layers.TimeDistributed(layers.Dense(8))(inp)
    x = keras_spiking.SpikingActivation("relu", seed=0, name="spikes")(x)
    x = keras_spiking.Lowpass(own, dt=0.001, name="filter")(x)
    x = layers.TimeDistributed(layers.Dense(5, activation="relu"))(x)
    x = layers.TimeDistributed(layers.Dense(4, activation="relu"))(x)
    model = tf.keras.Model(inp, x)
    network = RescalableNetwork(
        model, synapse=FILTER, simulator="compiled", neuron_type="SpikingRectifiedLinear",
        inference_only=True,
    )  # fmt: skip
    filters = [conn.synapse for conn in network.conversion.net.all_connections]
    assert filters.count(nengo.Lowpass(FILTER)) == 1 + (own == FILTER)
    x = np.random.RandomState(0).uniform(0, 1, (3, 12, 6)).astype("f4")
    check_synapses(network, x, np.random.RandomState(0), False, (0.02,), n_steps=(12,))


def test_what_is_no_synapse():
    network = RescalableNetwork(conv_net(tf.keras), simulator="compiled", synapse=0.005)
    with pytest.raises(ConversionError, match="synapse must be a time constant"):
        network.use_synapse("fast")


def test_one_network_for_all_synapses_of_a_sweep(monkeypatch):
    """Whatever the order; a filter of no time is a network of its own."""
    made = []
    kind = sweep_engine.RescalableNetwork

    class Noted(kind):
        def __init__(self, *args, **options):
            made.append(options["synapse"])
            super().__init__(*args, **options)

    monkeypatch.setattr("nengo_spikecost.tuning.sweeps.sweep_plan.RescalableNetwork", Noted)
    x, y = images(30), np.arange(30) % 3
    options = {"n_trials": 12, "n_steps": (6,), "progress": False, "judged": "none"}
    both = nsc.sweep(conv_net(tf.keras), x, y, synapses=(0.005, None, 0.02), **options)
    assert sorted(made, key=str) == [0.005, None]
    assert {trial.proposal.setting.synapse for trial in both.trials} == {0.005, None, 0.02}
    monkeypatch.setattr(kind, "takes_synapse", lambda self, synapse: synapse == self.synapse)
    apart = nsc.sweep(conv_net(tf.keras), x, y, synapses=(0.005, None, 0.02), **options)
    assert len(made) == 2 + 3 and apart.points == both.points
