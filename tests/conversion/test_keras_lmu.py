"""Legendre memories of keras-lmu: with rate neurons the outputs are those of Keras 3 itself."""

from __future__ import annotations

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.errors import ConversionError
from nengo_spikecost.loading import load_model

keras_lmu = pytest.importorskip("keras_lmu")
keras = pytest.importorskip("keras", minversion="3")

N_STEPS, N_INPUTS, UNITS = 9, 3, 6


def noise(deviation):
    return keras.initializers.RandomNormal(0, deviation, seed=5)


def dense(activation="relu"):
    return keras.layers.Dense(UNITS, activation=activation, bias_initializer=noise(0.5))


def model_of(memory, n_inputs=N_INPUTS, flat=True):
    """A memory between an input of some steps and a layer of three outputs."""
    keras.utils.set_random_seed(0)
    given = keras.Input((N_STEPS, n_inputs))
    x = memory(given)
    x = keras.layers.Flatten()(x) if flat and len(x.shape) > 2 else x
    return keras.Model(given, keras.layers.Dense(3)(x))


def lmu(kind=keras_lmu.LMU, **options):
    options.setdefault("hidden_cell", dense())
    return kind(memory_d=2, order=4, theta=6.0, name="lmu", **options)


def against(model, **options):
    """Outputs of the converted model and of Keras, of the same samples."""
    x = np.random.RandomState(1).uniform(-1, 1, (3, *model.input_shape[1:])).astype("f4")
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", **options)
    n_steps = N_STEPS if conversion.temporal else 1
    activity = nsc.measure(conversion, x, n_steps, simulator="nengo", progress=False)
    (output,) = activity.outputs.values()
    return output, model.predict_on_batch(x)


OPTIONS = {
    "plain": {},
    "biased": {"use_bias": True, "bias_initializer": noise(1)},
    "all steps": {"return_sequences": True},
    "with the input": {"input_to_hidden": True},
    "all steps with the input": {"return_sequences": True, "input_to_hidden": True},
    "euler": {"discretizer": "euler"},
    "linear feedback": {"memory_to_memory": True, "recurrent_initializer": noise(0.1)},
    "without a layer": {"hidden_cell": None},
    "tanh": {"hidden_cell": dense("tanh")},
    "a convolution": {"kind": keras_lmu.LMUFeedforward, "conv_mode": "raw", "truncate_ir": None},
}


QUICK = ("biased", "all steps with the input")


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in OPTIONS],
)
def test_outputs_are_those_of_keras(name):
    output, expected = against(model_of(lmu(**OPTIONS[name])))
    np.testing.assert_allclose(output.last, expected, atol=2e-6 * np.abs(expected).max() + 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("discretizer", ["zoh", "euler"])
def test_a_window_that_was_trained_has_its_own_length(discretizer):
    layer = lmu(trainable_theta=True, discretizer=discretizer)
    model = model_of(layer)
    layer.layer.cell.theta_inv.assign(1 / 9.5)  # as training might
    output, expected = against(model)
    np.testing.assert_allclose(output.last, expected, atol=1e-5)


@pytest.mark.slow
def test_inputs_go_into_the_memory_as_they_are_without_a_kernel():
    output, expected = against(model_of(lmu(kernel_initializer=None), n_inputs=2))
    np.testing.assert_allclose(output.last, expected, atol=2e-6)


@pytest.mark.slow
def test_a_cell_in_a_layer_of_keras():
    cell = keras_lmu.LMUCell(2, 4, 6.0, dense())
    output, expected = against(model_of(keras.layers.RNN(cell, name="lmu")))
    np.testing.assert_allclose(output.last, expected, atol=2e-6)


def test_in_time_the_memory_is_a_node_of_the_host():
    """A step of the series is a step of the network: outputs at every step are those of Keras."""
    layer = lmu(return_sequences=True, input_to_hidden=True, use_bias=True)
    model = model_of(layer, flat=False)
    output, expected = against(model, temporal=True)
    np.testing.assert_allclose(output.last, expected[:, -1], atol=2e-6)
    np.testing.assert_allclose(output.mean, expected.mean(axis=1), atol=2e-6)
    conversion = nsc.convert(model, temporal=True)
    (host,) = (p for p in nsc.NetworkGraph(conversion).host if p.operations)
    # two windows of 4 x 4 states, and 4 weights from the one input of each
    assert host.operations == 2 * 4 * 4 + 2 * 4


@pytest.mark.filterwarnings("ignore::nengo_spikecost.errors.EmulationWarning")
def test_on_the_chip_a_memory_is_weights_to_its_layer():
    """With spikes for the inputs, each synapse is one that the memory's impulse response has."""
    model = model_of(lmu())
    conversion = nsc.convert(model, scale_firing_rates=200, synapse=0.005, spike_input=True)
    pathway = next(p for p in nsc.NetworkGraph(conversion).pathways if p.kind == "neural")
    assert pathway.n_synapses == N_STEPS * N_INPUTS * UNITS
    x = np.random.RandomState(1).uniform(0, 1, (2, N_STEPS, N_INPUTS))
    counts = [
        nsc.measure(conversion, x, 15, simulator=simulator, progress=False).populations
        for simulator in ("loihi", "nengo_loihi")
    ]
    assert sum(record.counts.sum() for record in counts[0].values()) > 0
    for name, record in counts[0].items():
        np.testing.assert_array_equal(record.counts, counts[1][name].counts)


def test_a_file_is_read_with_the_package(tmp_path):
    model = model_of(lmu())
    model.save(tmp_path / "lmu.keras")
    x = np.random.RandomState(1).uniform(0, 1, (2, N_STEPS, N_INPUTS)).astype("f4")
    conversion = nsc.convert(load_model(tmp_path / "lmu.keras"), neuron_type="RectifiedLinear")
    activity = nsc.measure(conversion, x, 1, simulator="nengo", progress=False)
    (output,) = activity.outputs.values()
    np.testing.assert_allclose(output.last, model.predict_on_batch(x), atol=2e-6)


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"hidden_to_memory": True}, "'lmu' .*goes back into its memory.*hidden_to_memory=False"),
        ({"hidden_cell": keras.layers.SimpleRNNCell(5)}, "SimpleRNNCell, has a state.*Dense"),
        ({"hidden_cell": keras.layers.LSTMCell(5)}, "LSTMCell, has a state"),
    ],
)
def test_what_is_not_linear_is_refused_with_a_way_out(options, reason):
    with pytest.raises(ConversionError, match=reason):
        nsc.convert(model_of(lmu(**options)))


def test_a_memory_that_is_too_large_is_refused_with_a_way_out(monkeypatch):
    from nengo_spikecost.conversion.layers import memories

    # 9 steps of 2 inputs, each of which 8 values remember at each step after it
    monkeypatch.setattr(memories, "MOST_WEIGHTS", 9 * 10 // 2 * 2 * 8 - 1)
    with pytest.raises(ConversionError, match=r"'memory'.*temporal=True"):
        nsc.convert(model_of(lmu(return_sequences=True)))
