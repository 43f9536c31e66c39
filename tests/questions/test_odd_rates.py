"""Rates that no chip has, and layers that are dead: said by name wherever they are met."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.demo import demo_data, demo_model
from nengo_spikecost.errors import EstimateWarning


def fixed_rates(*rates_hz, neuron_type=None):
    """A network of populations, each with neurons that fire at these rates, whatever comes."""
    with nengo.Network(seed=0) as net:
        before = None
        for number, rates in enumerate(rates_hz):
            ensemble = nengo.Ensemble(
                len(rates), 1, gain=np.ones(len(rates)), bias=np.array(rates, float),
                neuron_type=neuron_type or nengo.SpikingRectifiedLinear(), label=f"layer{number}",
            )  # fmt: skip
            if before is not None:
                transform = np.zeros((len(rates), before.n_neurons))
                transform[0, 0] = 1e-9
                nengo.Connection(before.neurons, ensemble.neurons, transform=transform)
            before = ensemble
    return net


def profiled(net, n_steps=100, devices=("loihi",)):
    return nsc.profile(
        net, None, n_steps=n_steps, devices=list(devices), simulator="nengo", progress=False
    )


def test_rates_no_chip_has_are_marked():
    # a SpikingRectifiedLinear neuron with gain 1 fires at its bias in Hz: Nengo's own definition.
    # 2,500 Hz are 2.5 spikes in each step of 1 ms, and a chip's neuron spikes once at most
    net = fixed_rates([100, 200], [2500, 0, 50])
    with pytest.warns(
        EstimateWarning, match=r"on loihi a neuron spikes at most once a step"
    ) as got:
        profile = profiled(net)
    assert any("layer1 2,500 Hz" in str(w.message) for w in got)
    rows = {row["layer"]: row for row in profile.to_dict()["layers"]}
    assert rows["layer1"]["beyond_step"] and not rows["layer0"]["beyond_step"]
    assert rows["layer1"]["max_rate_hz"] == pytest.approx(2500, abs=10)
    assert rows["layer0"]["max_rate_hz"] == pytest.approx(200, abs=10)
    assert rows["layer1"]["silent"] == 1 and not rows["layer1"]["dead"]
    frame = profile.energy.to_frame(["loihi"])
    assert frame.loc["layer1", "beyond_step"] and not frame.loc["layer0", "beyond_step"]
    for text in (
        profile.summary_string(),
        profile.energy.to_html(columns=["name", "rate", "energy loihi"]),
    ):
        assert "layer1 2,500 Hz" in text and "850.0 !" in text and "2.5 times lower" in text


def test_one_spike_a_step_is_allowed_and_dense_devices_have_no_such_limit():
    with warnings.catch_warnings():
        warnings.simplefilter("error", EstimateWarning)
        profile = profiled(fixed_rates([1000, 400]))
        assert not profile.to_dict()["total"]["beyond_step"]
        # a GPU computes the network without spikes
        profile = profiled(fixed_rates([3000]), devices=["gpu"])
    assert not profile.to_dict()["layers"][0]["beyond_step"]
    assert " !" not in profile.energy.summary_string(["name", "rate", "energy gpu"])


def test_other_steps_have_other_limits():
    # at dt = 0.1 ms a chip's neurons reach 10 kHz: Nengo's neurons of 2.5 kHz stay below
    with warnings.catch_warnings():
        warnings.simplefilter("error", EstimateWarning)
        nsc.profile(
            fixed_rates([2500]), None, n_steps=100, dt=0.0001, devices=["loihi"],
            simulator="nengo", progress=False,
        )  # fmt: skip


def test_following_the_advice_works():
    data = demo_data()
    x, run = data.x_test[:5], {"n_steps": 40, "devices": ["loihi"], "progress": False}
    with pytest.warns(EstimateWarning, match="Rates that no chip has"):
        high = nsc.profile(demo_model(), x, scale_firing_rates=5000, **run)
    times = high.to_dict()["total"]["max_rate_hz"] / 1000
    assert times > 5
    with warnings.catch_warnings():
        warnings.simplefilter("error", EstimateWarning)
        nsc.profile(demo_model(), x, scale_firing_rates=5000 / (times * 1.1), **run)
        nsc.profile(
            demo_model(), x, scale_firing_rates=5000, neuron_type="LoihiSpikingRectifiedLinear",
            **run,
        )  # fmt: skip


def test_pixels_of_bytes_are_asked_about():
    x = demo_data().x_test[:3] * 255
    with pytest.warns(EstimateWarning, match="Inputs go up to 255: was the model trained on"):
        nsc.profile(demo_model(), x, n_steps=20, devices=["loihi"], progress=False)


def test_dead_layers_by_name_with_the_accuracy():
    # biases of -1 and below: no neuron reaches its threshold
    net = fixed_rates([100, 200], [-1, -5], [40])
    with pytest.warns(EstimateWarning, match="Dead: layer1 did not spike once in any sample"):
        profile = profiled(net)
    rows = {row["layer"]: row for row in profile.to_dict()["layers"]}
    assert [rows[f"layer{k}"]["dead"] for k in range(3)] == [False, True, False]
    assert rows["layer1"]["silent"] == 2
    assert "Dead: layer1" in profile.summary_string()

    data = demo_data()
    x, y = data.x_test[:20], data.y_test[:20]
    with pytest.warns(
        EstimateWarning, match="This network is dead: to-spikes, conv0, conv1, dense0"
    ):
        profile = nsc.profile(
            demo_model(), x, y, scale_firing_rates=1e-3, n_steps=20, progress=False
        )
    # without a spike the output is the bias of the last layer: one class for all samples
    bias = demo_model().layers[-1].get_weights()[1]
    share = float(np.mean(y == np.argmax(bias)))
    assert profile.accuracy["spiking, last step"] == share
    text = " ".join(profile.summary_string().split())
    text = " ".join(profile.summary_string().split())
    assert "The spiking network has dead layers: to-spikes, conv0" in text


def test_a_dead_deployment():
    data = demo_data()
    with pytest.warns(EstimateWarning, match="This network is dead"):
        done = nsc.loihi.deploy(
            demo_model(), data.x_test[:4], data.y_test[:4], n_steps=10, scale_firing_rates=0.1,
            progress=False,
        )  # fmt: skip
    assert "This network is dead: to-spikes" in done.summary_string()
    assert all(row["dead"] and row["silent"] == row["neurons"] for row in done.layers())


def test_no_samples_are_no_death():
    net = fixed_rates([100])
    with warnings.catch_warnings():
        warnings.simplefilter("error", EstimateWarning)
        rows = nsc.NetworkEnergy(net).to_frame(["gpu"])
    assert not rows["dead"].any()
