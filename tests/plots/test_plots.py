"""What the axes of each plot hold, against the data that they are drawn of."""

from __future__ import annotations

import matplotlib
import nengo
import nengo_loihi
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure

import nengo_spikecost as nsc
from nengo_spikecost import loihi, plots
from nengo_spikecost.errors import EnergyError, MeasurementError
from nengo_spikecost.layout.plots import draw_points, share_ticks, si_ticks
from tests.models import conv_net, images

matplotlib.use("Agg")

N_STEPS = 12


def new_axes(n=1):
    return Figure().subplots(1, n)


@pytest.fixture(scope="module")
def conversion():
    return nsc.convert(
        conv_net(tf.keras), neuron_type=nengo.SpikingRectifiedLinear(), scale_firing_rates=300,
        synapse=0.005,
    )  # fmt: skip


@pytest.fixture(scope="module")
def activity(conversion):
    return nsc.measure(conversion, images(3), N_STEPS, simulator="compiled", progress=False)


@pytest.fixture(scope="module")
def steps(conversion):
    return plots.record_steps(conversion, images(3)[0], N_STEPS)


def test_a_record_is_nengo_s_own_run(conversion, steps):
    """Right is plain Nengo's simulator with Probes of the same network."""
    net, x = conversion.net, images(3)[0].ravel()
    (given,) = conversion.input_nodes
    (out,) = conversion.outputs.values()
    ensembles = {p.name: p.ensemble for p in nsc.NetworkGraph(conversion).populations}
    with nengo.Network(seed=net.seed) as around:
        around.add(net)
        probes = {name: nengo.Probe(ens.neurons) for name, ens in ensembles.items()}
        output = nengo.Probe(out.target, synapse=out.synapse)
    before, given.output = given.output, x
    try:
        with nengo.Simulator(around, progress_bar=False, optimize=False) as simulator:
            simulator.run_steps(N_STEPS)
    finally:
        given.output = before
    for name, counts in steps.spikes.items():
        np.testing.assert_array_equal(
            counts != 0, simulator.data[probes[name]] != 0, err_msg=f"spikes of {name}"
        )
    np.testing.assert_allclose(
        next(iter(steps.outputs.values())), simulator.data[output], atol=1e-4
    )


def test_a_record_adds_up_to_what_is_measured(steps, activity):
    for name, counts in steps.spikes.items():
        assert counts.shape == (N_STEPS, activity.populations[name].n_neurons)
        np.testing.assert_array_equal(counts.sum(axis=0), activity.populations[name].counts[0])


def test_a_raster_has_a_mark_for_every_spike(steps):
    spikes = steps.spikes["conv0"]
    axes = plots.raster(steps, new_axes(), population="conv0", most_neurons=10**6)
    marks = np.asarray(axes.collections[0].get_offsets())
    expected = [((t + 1) * 0.001, n) for t, n in zip(*np.nonzero(spikes))]
    assert len(marks) == np.count_nonzero(spikes) > 10
    np.testing.assert_allclose(marks, expected)
    # an array as Nengo's Probes give it, of 1/dt where there is a spike
    of_array = plots.raster(spikes / 0.001, new_axes(), most_neurons=10**6)
    np.testing.assert_array_equal(of_array.collections[0].get_offsets(), marks)


def test_a_raster_of_many_neurons_has_those_that_spike_most():
    spikes = np.zeros((5, 6))
    spikes[:, 4], spikes[:2, 1] = 1, 1
    axes = plots.raster(spikes, new_axes(), dt=0.01, most_neurons=2)
    marks = np.asarray(axes.collections[0].get_offsets())
    assert sorted(marks[:, 1]) == [0, 0, 1, 1, 1, 1, 1]
    assert marks[:, 0].max() == pytest.approx(0.05)


def test_predictions_are_a_line_a_class(steps):
    values = next(iter(steps.outputs.values()))
    image, lines = plots.prediction_over_time(steps, new_axes(2), label=1)
    assert len(lines.lines) == values.shape[1]
    for k, line in enumerate(lines.lines):
        np.testing.assert_array_equal(line.get_ydata(), values[:, k])
        np.testing.assert_allclose(line.get_xdata(), 0.001 * np.arange(1, N_STEPS + 1))
    assert lines.lines[1].get_linewidth() > lines.lines[0].get_linewidth()
    assert lines.get_title() == f"Largest at the end: {values[-1].argmax()}"
    picture = image.images[0].get_array()
    sample = images(3)[0].squeeze()
    np.testing.assert_allclose(np.corrcoef(picture.ravel(), sample.ravel())[0, 1], 1)
    alone = plots.prediction_over_time(values, new_axes(), names=[f"$class_{k}" for k in range(10)])
    assert alone.get_legend().texts[2].get_text() == "$class_2"


def test_the_profile_of_loihi_s_neurons_is_discrete():
    """By hand: a neuron fires every ceil(1 / (rate dt)) steps, so at 400 Hz every third."""
    axes = plots.activation_profile(
        nengo_loihi.neurons.LoihiSpikingRectifiedLinear(), new_axes(), most=1000
    )
    loihi_line, relu = axes.lines
    rates = dict(zip(np.round(loihi_line.get_xdata(), 6), loihi_line.get_ydata()))
    assert rates[400] == pytest.approx(1000 / 3) and rates[600] == rates[900] == 500
    assert rates[120] == pytest.approx(1000 / 9) and rates[0] == 0
    np.testing.assert_allclose(relu.get_ydata(), relu.get_xdata())
    assert set(np.round(1000 / loihi_line.get_ydata()[loihi_line.get_ydata() > 0], 6) % 1) == {0}


def test_bars_are_rates_and_energies(activity, conversion):
    axes = plots.firing_rates(activity, new_axes())
    widths = [bar.get_width() for bar in axes.patches]
    # by hand: spikes over neurons, samples and seconds
    expected = [
        p.counts.sum() / p.n_neurons / 3 / (N_STEPS * 0.001) for p in activity.populations.values()
    ]
    np.testing.assert_allclose(widths, expected)
    energy = nsc.NetworkEnergy(conversion, activity)
    axes = plots.energy_bars(energy.estimate("loihi"), new_axes())
    total = sum(bar.get_width() for bar in axes.patches)
    assert total == pytest.approx(energy.total_energy("loihi"))
    profile = nsc.profile(
        conversion,
        images(3),
        n_steps=N_STEPS,
        simulator="compiled",
        progress=False,
        try_out=False,
    )
    axes = plots.energy_bars(profile, new_axes())
    points = axes.lines[-1].get_xdata()
    assert list(points) == [e.mean_J for e in profile.estimates.values()]
    assert [t.get_text() for t in axes.get_yticklabels()] == list(profile.devices)


def test_a_large_gap_is_seen_on_a_logarithmic_axis(conversion, activity):
    far = nsc.break_even(conversion, activity, device="loihi")
    axes, total = plots.break_even(far, new_axes()), far.network.total
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert low < min(total.ann_J, total.mean_J) and max(total.ann_J, total.mean_J) < high
    gap = total.mean_J / total.ann_J
    assert f"{gap:.3g} times more" in [text.get_text() for text in axes.texts]
    # the line of spikes, point by point: what is fixed, and a share for each spike
    line = axes.lines[0]
    expected = total.mean_fixed_J + line.get_xdata() * (total.mean_J - total.mean_fixed_J)
    np.testing.assert_allclose(line.get_ydata(), expected)


def test_a_small_gap_is_on_a_linear_axis(conversion, activity):
    near = nsc.break_even(conversion, activity, device="digital_snn")
    ratio = near.network.total.mean_J / near.network.total.ann_J
    axes = plots.break_even(near, new_axes())
    assert (axes.get_yscale() == "linear") == (0.2 <= ratio <= 5)


def test_a_core_map_fills_each_core_as_far_as_it_is_used():
    conversion = nsc.convert(conv_net(tf.keras), neuron_type="LoihiSpikingRectifiedLinear")
    fit = loihi.fit_blocks(conversion, time_limit=2)
    axes = plots.core_map(fit, new_axes())
    filled = [
        patch for patch in axes.patches if patch.get_label() in {u.name for u in fit.use.layers}
    ]
    shares = [
        max(used / limit for _, used, limit in block.limits)
        for layer in fit.use.layers for block in layer.blocks
    ]  # fmt: skip
    assert len(filled) == fit.n_cores
    np.testing.assert_allclose([patch.get_height() / 0.88 for patch in filled], shares)
    mapping = loihi.place(conversion)
    own = plots.core_map(mapping, new_axes())
    mapping.plot(expected := new_axes())
    assert len(own.patches) == len(expected.patches)


def test_a_sweep_with_nothing_within_the_loss_says_so(tmp_path):
    x = images(8)
    model = conv_net(tf.keras)
    y = model.predict_on_batch(x).argmax(axis=1)
    swept = nsc.sweep(
        model, x, y, n_steps=(1,), n_trials=2, accuracy_losses=(0.001,), simulator="compiled",
        explore=0, progress=False,
    )  # fmt: skip
    assert not swept.front() and swept.points
    axes = plots.front(swept, new_axes())
    (text,) = (text.get_text() for text in axes.texts)
    assert "No setting is within 0.1% of the Keras" in " ".join(text.split())
    low, high = axes.get_ylim()
    assert all(low < point.accuracy < high for point in swept.points)


@pytest.mark.parametrize(
    "draw, error, words",
    [
        (lambda c: plots.raster(np.ones(5)), EnergyError, "spikes must be an array of shape"),
        (lambda c: plots.prediction_over_time("x"), EnergyError, "outputs must be an array"),
        (lambda c: plots.activation_profile("LIF"), EnergyError, "neuron_type must be a neuron"),
        (lambda c: plots.core_map(3), EnergyError, "result must be a Mapping, BlockFit"),
        (lambda c: plots.energy_bars(3), EnergyError, "result must be an EnergyEstimate"),
        (lambda c: plots.front(3), EnergyError, "sweep must be a Sweep"),
        (lambda c: plots.firing_rates(3), EnergyError, "activity must be an Activity"),
        (lambda c: plots.record_steps(c, images(3), 4), MeasurementError, "x must be one sample"),
        (lambda c: plots.record_steps(3, images(3), 4), MeasurementError, "must be a Conversion"),
        (lambda c: plots.record_steps(c, images(3)[0], 0), MeasurementError, "n_steps must be"),
    ],
)  # fmt: skip
def test_what_it_can_t_draw_is_said(conversion, draw, error, words):
    with pytest.raises(error, match=words):
        draw(conversion)


@pytest.mark.parametrize(
    "low, high", [(0, 1), (0.9875, 1.001), (0.97, 1), (0.4, 0.9), (0.99, 1.0), (0.9813, 0.9832)]
)
def test_ticks_say_the_shares_at_which_they_stand(low, high):
    """At 99.25% there would be a label of 99.2%."""
    axes = new_axes()
    axes.set_ylim(low, high)
    share_ticks(axes.yaxis)
    ticks = [(t.get_text(), y) for t, y in zip(axes.get_yticklabels(), axes.get_yticks())]
    assert 3 <= len(ticks) <= 9
    assert [float(text[:-1].replace("−", "-")) for text, _ in ticks] == pytest.approx(
        [100 * y for _, y in ticks], abs=1e-9
    )


def test_ticks_have_the_prefixes_of_what_is_printed():
    for value, text in ((2e-6, "2 uJ"), (3e-3, "3 mJ"), (0, "0 J"), (4.5e-9, "4.5 nJ")):
        assert si_ticks("J")(value) == text


def test_bands_are_drawn_where_there_is_one():
    """From the point on if the low end is 0; of what is not predicted without a point."""
    axes = new_axes()
    ranges = [(1, 3), (0, 5), (4, 8), (0, 6), (0, 0)]
    draw_points(axes, list("abcde"), [2, 3, np.nan, np.nan, 0], ranges, "J")
    *bands, points = [line.get_xdata().tolist() for line in axes.lines]
    assert bands == [[1, 3], [3, 5], [4, 8]] and points == [2, 3]
