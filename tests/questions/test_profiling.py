"""`profile`: the steps it puts together, and accuracy beside the Keras model's own."""

from __future__ import annotations

import json

import nengo
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.errors import DataError, EstimateWarning, UnknownDeviceError
from tests.models import conv_net, images


@pytest.fixture(scope="module")
def model():
    return conv_net(tf.keras)


@pytest.fixture(scope="module")
def labels(model):
    # every fifth label is wrong
    labels = model.predict_on_batch(images(20)).argmax(axis=1)
    labels[::5] = (labels[::5] + 1) % 3
    return labels


def test_one_call_is_the_three_steps(model, labels):
    x = images(20)
    found = nsc.profile(
        model, x, labels, n_steps=40, neuron_type="LIF", scale_firing_rates=50, synapse=0.01
    )
    conversion = nsc.convert(model, neuron_type="LIF", scale_firing_rates=50, synapse=0.01)
    activity = nsc.measure(conversion, x, 40)
    energy = nsc.NetworkEnergy(conversion, activity)
    for name in ("loihi", "spinnaker", "cpu"):
        assert found.energy.total_energy(name) == energy.total_energy(name)
    assert found.accuracy["spiking, last step"] == activity.accuracy(labels)
    assert found.accuracy["spiking, mean over steps"] == activity.accuracy(labels, readout="mean")
    assert found.accuracy["keras"] == 0.8


def test_labels_from_a_dataset(model, labels):
    data = tf.data.Dataset.from_tensor_slices((images(20), labels)).batch(6)
    found = nsc.profile(model, data, n_steps=20)
    direct = nsc.profile(model, images(20), labels, n_steps=20)
    # the dataset is read once, so the Keras model is not run
    assert "keras" not in found.accuracy
    assert found.accuracy.items() <= direct.accuracy.items()
    assert nsc.profile(model, images(2), n_steps=5).accuracy == {}


def test_plain_networks_and_conversions(model):
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.zeros(1), label="x")
        ens = nengo.Ensemble(20, 1, label="ens")
        nengo.Connection(node, ens)
    found = nsc.profile(net, np.ones((3, 1)), n_steps=30, devices=["Loihi", "cpu"])
    assert found.devices == ("loihi", "cpu") and found.activity.n_samples == 3
    conversion = nsc.convert(model, scale_firing_rates=70)
    assert nsc.profile(conversion, images(2), n_steps=5).network is conversion


@pytest.mark.parametrize("by_step", [False, True])
def test_a_network_without_inputs_is_run_on_the_chip_too(by_step):
    """What limits its steps is what `deploy` finds, and is shown layer by layer."""
    with nengo.Network(seed=0) as net:
        wave = nengo.Node(lambda t: np.sin(20 * t), label="wave")
        first, second = (
            nengo.Ensemble(20, 1, neuron_type=nengo.LIF(tau_ref=0.002), label=name)
            for name in ("first", "second")
        )
        nengo.Connection(wave, first, synapse=0.01)
        nengo.Connection(first, second, synapse=0.01)
        nengo.Connection(second, second, synapse=0.01)
        nengo.Probe(second, synapse=0.01)
    found = nsc.profile(
        net, None, n_steps=50, simulator="nengo", chip=True, by_step=by_step, progress=False
    )
    limits = nsc.loihi.deploy(
        net, None, n_steps=50, presentation="fresh", by_step=by_step, progress=False
    ).cost().floorline()  # fmt: skip
    assert found.chip_cost.floorline() == limits and limits.by_step == by_step
    assert {layer.name for layer in limits.layers} >= {"first", "second"}
    text = found.summary_string()
    table = text[text.index("What decides the time of a") :]
    assert all(f"\n{layer.name} " in table for layer in limits.layers)
    assert found.to_dict()["floorline"]["with_host"]["step_s"] == limits.step_s


def test_one_sample_of_one_step(model):
    text = nsc.profile(model, images(1), n_steps=1, devices=["cpu"]).summary_string()
    assert "\n1 sample of 1 step of 1 ms, started afresh" in text


def test_errors_come_before_the_simulation(model):
    with pytest.raises(UnknownDeviceError, match="'abacus'"):
        nsc.profile(model, images(2), devices=["abacus"])
    with pytest.raises(DataError, match="3 samples and 2 labels"):
        nsc.profile(model, images(3), np.zeros(2))


def test_labels_that_are_no_classes(model):
    x = images(4)
    with pytest.raises(DataError, match="Labels must be the numbers of classes"):
        nsc.profile(model, x, list("abca"))
    with pytest.raises(DataError, match="sample 3 has 9"):
        nsc.profile(model, x, [0, 1, 2, 9])
    # those of a stream are seen when everything is measured
    with pytest.warns(EstimateWarning, match="No accuracy is given: Labels must be"):
        found = nsc.profile(model, iter([(x, np.array([0, 1, 2, 9]))]), n_steps=5)
    assert found.accuracy == {} and found.activity.n_samples == 4
    ends = [tf.keras.layers.Dense(size)(model.layers[-2].output) for size in (1, 3)]
    single = tf.keras.Model(model.inputs, ends[0])
    with pytest.raises(DataError, match="one value for each class"):
        nsc.profile(single, x, [0, 1, 1, 0])
    with pytest.raises(DataError, match="2 outputs"):
        nsc.profile(tf.keras.Model(model.inputs, ends), x, [0, 1, 1, 0])


def test_graded_networks_are_priced_where_they_can_be(model):
    found = nsc.profile(model, images(2), n_steps=5, neuron_type="RectifiedLinear")
    assert found.devices == ("cpu", "gpu", "arm")
    assert "nothing in the network spikes" in found.summary_string()
    assert nsc.profile(model, images(2), n_steps=5, devices="loihi").devices == ("loihi",)


def test_samples_that_change_from_step_to_step(model):
    found = nsc.profile(model, np.repeat(images(3)[:, None], 5, axis=1), [0, 1, 2], n_steps=None)
    assert set(found.accuracy) == {"spiking, last step", "spiking, mean over steps"}


def test_reports(model, labels, tmp_path):
    found = nsc.profile(model, images(20), labels, n_steps=20, devices=["loihi", "gpu"])
    text = found.summary_string()
    assert "20 samples of 20 steps of 1 ms, each started afresh, on nengo_dl" in text
    assert "accuracy keras:" in text and "80.00%  (16 of 20)" in text
    assert "loihi" in text and "gpu" in text and "spinnaker" not in text
    fair, memory = found.break_even(), found.break_even(cost_model="lemaire")
    flat = " ".join(text.split())
    for label, result in (
        ("digital_snn", fair),
        ("loihi", found.break_even("loihi")),
        ("digital_snn with memory", memory),
    ):
        assert f"* {label}: {result.verdict}" in flat
    assert "break_even" not in found.summary_string(print_warnings=False)
    content = json.loads(found.to_json(tmp_path / "all.json"))
    assert content == json.loads((tmp_path / "all.json").read_text())
    assert list(content["accuracy"].values()) == list(found.accuracy.values())
    samples_J = content["devices"]["loihi"]["samples_J"]
    assert samples_J == found.energy.estimate("loihi").total_J.tolist() and len(samples_J) == 20
    assert repr(found).startswith("<Profile of <Conversion of 'conv_net'")
    assert len(repr(found)) < 400
    assert set(content["break_even"]) == {"digital_snn", "loihi", "digital_snn_with_memory"}
    assert content["break_even"]["digital_snn"] == json.loads(fair.to_json())
    assert content["protocol"]["n_steps"] == 20
    assert content["conversion"]["neuron_type"].startswith("SpikingRectifiedLinear")
    assert content["stack"]["versions"]["nengo-dl"].startswith("3.6")
    assert set(content["devices"]) == {"loihi", "gpu"}
    spikes = sum(int(p.counts.sum()) for p in found.activity.populations.values())
    assert content["total"]["spikes"] == pytest.approx(spikes / 20)
    found.to_csv(tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text().splitlines()[1].startswith("image")
    html = found._repr_html_()
    assert "accuracy" in html and "<table" in html
    assert "gpu energy" in html and "cpu energy" not in html
    frame = found.to_frame()
    assert list(frame.index[frame["type"] != "host"])[-2:] == ["dense0", "dense1"]
    assert frame.index[-1] == "dense1 readout"
