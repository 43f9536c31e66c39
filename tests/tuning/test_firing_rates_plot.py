"""The plot of tuned firing rates, held against counts of a measurement of its own."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

import nengo_spikecost as nsc
from nengo_spikecost.cli import main
from nengo_spikecost.tuning import tune_firing_rates
from nengo_spikecost.tuning.rates.shown import rate_view as firing_rates_plot
from tests.models import randomise

layers = tf.keras.layers


def dense_net(names=("first", "second", "third"), seed=0):
    inp = x = tf.keras.Input((12,))
    for name in names:
        x = layers.Dense(10, activation="relu", name=name)(x)
    return randomise(tf.keras.Model(inp, layers.Dense(3, name="out")(x)), seed)


X = np.random.RandomState(0).uniform(0, 1, (10, 12)).astype("f4")


def drawn(tuning):
    return tuning.plot(Figure().subplots())


def dots(axes, colour):
    """Rates and rows of the dots of one colour."""
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in axes.get_lines()
        if line.get_marker() == "o"
        and line.get_markersize() > 4
        and to_hex(line.get_color()) == colour
    ]


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.fixture(scope="module")
def partly():
    """Targets met, out of reach and missing, with the first steps not counted."""
    target = {"first": 120.0, "third": 3000.0}
    conversion = nsc.convert(
        dense_net(), neuron_type="LoihiSpikingRectifiedLinear", synapse=0.005,
        scale_firing_rates={"second": 120},
    )  # fmt: skip
    return tune_firing_rates(
        conversion, X, target=target, tolerance=0.02, n_steps=60, skip_steps=20
    )


def test_shapes_are_the_spikes_of_the_counted_steps(partly):
    tuning = partly
    activity = [
        nsc.measure(tuning.conversion(), X, n, batch_size=10, progress=False) for n in (20, 60)
    ]
    shapes = [p for p in drawn(tuning).patches if isinstance(p, StepPatch)]
    assert len(shapes) == 3
    for row, (layer, shape) in enumerate(zip(tuning.layers, shapes)):
        before, end = (a.populations[layer.layer].counts.astype(int) for a in activity)
        np.testing.assert_array_equal(tuning.counts[layer.layer], end - before)
        rates = [count / 0.04 for count in (end - before).ravel() if count]
        tops, edges, base = shape.get_data()
        assert base == row
        areas = (row - tops) * np.diff(np.log(edges))
        inside = [
            sum(a < rate < b for rate in rates) / len(rates) for a, b in zip(edges, edges[1:])
        ]
        assert sum(inside) == pytest.approx(1)  # no rate is on an edge, none is left out
        np.testing.assert_allclose(areas / areas.sum(), inside, atol=1e-12)


def test_rates_targets_and_ceiling(partly):
    axes = drawn(partly)
    first, second, third = partly.layers
    assert dots(axes, firing_rates_plot._REACHED) == [(first.rate_hz, 0)]
    assert dots(axes, firing_rates_plot._FREE) == [(second.rate_hz, 1)]
    assert dots(axes, firing_rates_plot._MISSED) == [(third.rate_hz, 2)]
    texts = [text.get_text() for text in axes.texts]
    assert texts[0].startswith(f"{first.rate_hz:.0f} Hz") and texts[0].endswith("%")
    assert texts[1] == f"{second.rate_hz:.0f} Hz"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["first", "second", "third"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # from the input down
    lines = {to_hex(line.get_color()): line.get_xdata() for line in axes.get_lines()}
    assert list(lines[firing_rates_plot._TARGET]) == [3000, 3000]
    # a Loihi neuron fires once a step of 1 ms at most
    assert list(lines[firing_rates_plot._CEILING]) == [1000, 1000]
    assert [layer.ceiling_hz for layer in partly.layers] == [1000] * 3
    band = axes.collections[0].get_paths()[0].vertices[:, 0]
    assert (band.min(), band.max()) == pytest.approx((117.6, 122.4))
    assert set(labels(axes)) == {
        "neurons that fired", "rate of the layer", "rate, target missed", "rate, no target",
        "target and tolerance", "most that neurons can fire", "other simulations",
    }  # fmt: skip
    low, high = axes.get_xlim()
    assert 0 < low < 25 and high > 3000


def test_other_simulations_are_all_but_the_one_that_is_drawn(partly):
    others = [line for line in drawn(partly).get_lines() if line.get_markersize() < 4]
    for layer, line in zip(partly.layers, others):
        rates = [step.rates_hz[layer.layer] for step in partly.history]
        rates.remove(layer.rate_hz)
        assert list(line.get_xdata()) == [rate for rate in rates if rate > 0]


def test_half_a_spike_around_a_maximum_and_no_ceiling():
    tuning = tune_firing_rates(
        dense_net(), X, target=150, statistic="max", n_steps=50, max_simulations=1,
        neuron_type="SpikingRectifiedLinear",
    )  # fmt: skip
    assert [layer.allowed_hz for layer in tuning.layers] == [10] * 3
    assert [layer.ceiling_hz for layer in tuning.layers] == [None] * 3
    axes = drawn(tuning)
    assert "largest rate" in axes.get_title("left")
    assert "other simulations" not in labels(axes)
    assert "most that neurons can fire" not in labels(axes)


def test_a_silent_layer_has_a_number_and_no_dot():
    model = dense_net(("first", "second"))
    kernel, bias = model.get_layer("second").get_weights()
    model.get_layer("second").set_weights([-np.abs(kernel), bias - 10])
    tuning = tune_firing_rates(model, X, target=100, n_steps=30)
    axes = drawn(tuning)
    assert [text.get_text() for text in axes.texts][1] == "0 Hz  -100.0%"
    assert not dots(axes, firing_rates_plot._MISSED)


def test_long_names_and_many_layers():
    short = tune_firing_rates(dense_net(), X, n_steps=20, max_simulations=1)
    long = [f"encoder_of_the_left_eye_{i}_residual_branch_convolution" for i in range(8)]
    tuning = tune_firing_rates(dense_net(long), X, n_steps=20, max_simulations=1)
    # two that would look the same without their middle are written in full
    assert [tick.get_text() for tick in drawn(tuning).get_yticklabels()] == long
    apart = [f"encoder_of_the_left_eye_residual_branch_{i}" for i in range(8)]
    tuning = tune_firing_rates(dense_net(apart), X, n_steps=20, max_simulations=1)
    names = [tick.get_text() for tick in tuning.plot().get_yticklabels()]
    assert len(set(names)) == 8
    assert max(map(len, names)) == 32
    sizes = [firing_rates_plot.figure_size(t) for t in (short, tuning)]
    assert sizes[1][1] - sizes[0][1] == pytest.approx(5 * 0.4)


def test_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dense_net().save("net.h5")
    np.save("x.npy", X)
    call = ["tune", "net.h5", "--data", "x.npy", "--steps", "20"]
    found = CliRunner().invoke(main, [*call, "--plot", "rates.svg"])
    assert found.exit_code == 0, found.output
    assert "Written: rates.svg" in found.output
    assert b"<svg" in (tmp_path / "rates.svg").read_bytes()
    for wrong, words in (("rates", "must end in one of"), ("no/rates.png", "there is no folder")):
        found = CliRunner().invoke(main, [*call, "--plot", wrong])
        assert found.exit_code == 2
        assert words in found.output
        assert "Firing rates" not in found.output
