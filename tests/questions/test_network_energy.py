"""NetworkEnergy, from a network with spikes to tables and files."""

from __future__ import annotations

import csv
import io
import json
import warnings
from dataclasses import replace

import nengo
import nengo_loihi
import numpy as np
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from nengo_spikecost.conversion import convert
from nengo_spikecost.energy import cost_models, devices
from nengo_spikecost.errors import (
    DataError,
    EnergyError,
    EstimateWarning,
    MissingActivityError,
    OverwriteWarning,
    UncountedWarning,
    UnknownDeviceError,
)
from nengo_spikecost.graph import NetworkGraph
from nengo_spikecost.questions.network_energy import NetworkEnergy
from nengo_spikecost.questions.shown.worth import Outlook

from ..models import conv_net, images
from ..workload.fakes import random_activity

DEVICES = ("cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2")


@pytest.fixture(autouse=True)
def fresh_tables(monkeypatch):
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(devices, "_table", None)
    monkeypatch.setattr(cost_models, "_cost_models", dict(cost_models._cost_models))


@pytest.fixture
def net():
    """Pixels, two layers of spiking neurons and a readout."""
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as net:
        pixels = nengo.Node(np.zeros(5), label="pixels")
        a = nengo.Ensemble(8, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="a")
        b = nengo.Ensemble(6, 1, label="b")
        out = nengo.Node(size_in=2, label="out")
        nengo.Connection(pixels, a.neurons, transform=rng.rand(8, 5), synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=rng.rand(6, 8))
        nengo.Connection(b.neurons, out, transform=rng.rand(2, 6))
        nengo.Probe(out)
    return net


@pytest.fixture
def activity(net):
    return random_activity(NetworkGraph(net), np.random.RandomState(1), n_samples=4)


def test_energies_by_hand(net, activity):
    energy = NetworkEnergy(net, activity)
    spikes = {name: r.counts.astype(int).sum(axis=1) for name, r in activity.populations.items()}
    # Dense: a spike of "a" reaches 6 neurons. Ten steps were measured.
    synop, neuron = energy.layer_energy("b", "loihi")
    assert synop == pytest.approx(6 * spikes["a"].mean() * 23.6e-12)
    assert neuron == pytest.approx(6 * 10 * 81e-12)
    assert energy.layer_energy("a", "loihi") == (0, pytest.approx(8 * 10 * 81e-12))
    assert energy.layer_energy("out", "loihi") == (0, 0)  # the host's
    assert energy.layer_energy("a", "cpu") == pytest.approx((40 * 8.6e-9, 8 * 8.6e-9))
    pixels, readout = energy.estimate("loihi").host
    assert (pixels.layer, pixels.role, pixels.macs) == ("a", "input", 400)  # at each step
    assert (readout.layer, readout.role, readout.macs) == ("out", "readout", 120)
    assert energy.estimate("loihi").host_J == pytest.approx(520 * 8.6e-9)


def test_constant_inputs_are_weighed_once_and_the_host_can_be_chosen(net, activity):
    constant = replace(activity, protocol=replace(activity.protocol, constant_inputs=True))
    energy = NetworkEnergy(net, constant, host="arm")
    arm = devices.get("arm").energy_per_synop_J
    assert energy.estimate("loihi").host_J == pytest.approx((40 + 120) * arm)
    with pytest.raises(EnergyError, match="the host must be a processor"):
        NetworkEnergy(net, activity, host="spinnaker").estimate("loihi")


def test_neurons_off_the_chip_are_the_hosts(net, activity):
    """As NengoLoihi is told to leave them there, in the network's configuration."""
    nengo_loihi.add_params(net)
    net.config[net.ensembles[0]].on_chip = False
    energy = NetworkEnergy(net, activity)
    assert energy.layer_energy("a", "loihi") == (0, 0)
    # spikes still arrive at synapses on the chip
    spikes = activity.populations["a"].counts.sum(axis=1, dtype=int)
    assert energy.layer_energy("b", "loihi")[0] == pytest.approx(6 * spikes.mean() * 23.6e-12)
    work = {(w.layer, w.role): w for w in energy.estimate("loihi").host}
    assert work["a", "neurons"].updates == 8 * 10
    lines = energy.summary_string(["name", "updates", "energy cpu", "energy loihi"]).split("\n")
    # "host" is said once, above what is there
    below = lines[lines.index("On the host (cpu)") :]
    (row,) = (line for line in below if line.startswith("a (Ensemble)"))
    assert row.split()[-1] == "-" and "host" not in row
    (row,) = (line for line in below if line.startswith("a neurons"))
    assert row.split()[-3:] == ["80", "-", "688", "nJ"][-3:]
    assert "Nothing of this network runs" not in energy.summary_string()


def test_a_network_that_is_all_its_hosts_is_no_bargain(net, activity):
    nengo_loihi.add_params(net)
    for ensemble in net.ensembles:
        net.config[ensemble].on_chip = False
    energy = NetworkEnergy(net, activity)
    with pytest.warns(EstimateWarning, match="Nothing of this network runs on loihi"):
        assert energy.total_energy("loihi") == 0
    text = energy.summary_string(["name", "energy cpu", "energy loihi"], print_warnings=False)
    assert "* Nothing of this network runs on loihi: all is its host's." in text


@pytest.mark.parametrize("device", DEVICES)
def test_layers_sum_to_the_total(net, activity, device):
    energy = NetworkEnergy(net, activity)
    parts = [energy.layer_energy(layer, device) for layer in ("a", "b", "out")]
    assert energy.total_energy(device) == pytest.approx(np.sum(parts), rel=1e-12)
    assert energy.total_energy(device.upper()) == energy.total_energy(device)
    assert energy.total_energy(devices.get(device)) == energy.total_energy(device)


def test_layers_as_objects(net, activity):
    energy = NetworkEnergy(net, activity)
    b = net.ensembles[1]
    assert energy.layer_energy(b, "loihi") == energy.layer_energy("b", "loihi")
    assert energy.layer_energy(b.neurons, "loihi") == energy.layer_energy("b", "loihi")


def test_other_presentations(net, activity):
    energy = NetworkEnergy(net, activity)
    with pytest.warns(EstimateWarning):
        twice = energy.total_energy("loihi", timesteps_per_inference=20)
    assert twice == pytest.approx(2 * energy.total_energy("loihi"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What was measured, and a device that does not care.
        energy.total_energy("loihi", 10, 0.001)
        assert energy.total_energy("cpu", 20) == energy.total_energy("cpu")


def test_layers_of_a_keras_model_are_launched():
    """As many as have weights; biases and activations belong to these."""
    model = conv_net(tf.keras)
    weighted = [layer for layer in model.layers if layer.weights]
    energy = NetworkEnergy(convert(model))
    found = energy.estimate("gpu_single")
    assert found.static.n_layers == len(weighted) > 1
    call_s = 1.014e-3 + len(weighted) * 94.5e-6
    assert found.static_J == pytest.approx(37.8 * call_s)
    text = energy.summary_string(["name", "energy gpu_single"])
    assert f"94.5 us for each of {len(weighted)} layers" in " ".join(text.split())


def test_calls_of_a_host_are_not_in_its_work():
    conversion = convert(conv_net(tf.keras), scale_firing_rates=100)
    activity = nsc.measure(conversion, images(), 3, progress=False)
    said, host_J = {}, {}
    for host in ("gpu", "gpu_single"):
        energy = NetworkEnergy(conversion, activity, host=host)
        said[host] = " ".join(energy.summary_string(["name", "energy loihi"]).split())
        host_J[host] = energy.estimate("loihi").host_J
    assert host_J["gpu"] == host_J["gpu_single"] > 0  # as much a multiply-accumulate on both
    assert "priced on gpu and not in the first total" in said["gpu"]
    assert "priced on gpu_single, its arithmetic alone without its calls, and" in said["gpu_single"]


def test_a_verdict_says_that_processors_are_of_large_batches(net):
    energy = NetworkEnergy(net)
    for names, ending in ((["cpu", "gpu"], ", as in large batches"), (["arm"], ""), ([], "")):
        estimates = energy.estimates(names) if names else {}
        assert Outlook(estimates).others().endswith(ending)
        assert ("batches" in Outlook(estimates).others()) is bool(ending)


def test_without_activity_only_dense_devices(net):
    energy = NetworkEnergy(net)
    assert energy.total_energy("cpu") == pytest.approx((40 + 48 + 12 + 14) * 8.6e-9)
    assert list(energy.estimates()) == ["cpu", "gpu", "arm"]
    every = ["cpu", "gpu", "cpu_single", "gpu_single", "jetson_tx1", "movidius", "arm", "digital"]
    assert list(energy.estimates("all")) == every
    with pytest.raises(MissingActivityError, match="loihi is a spiking device"):
        energy.total_energy("loihi")
    with pytest.raises(MissingActivityError, match="example_data"):
        NetworkEnergy(conv_net(tf.keras), cost_model="kerasspiking").total_energy("loihi")


def test_arguments_that_do_not_go_together(net, activity):
    with pytest.raises(EnergyError, match="no cost model 'davies'; there are per_operation"):
        NetworkEnergy(net, cost_model="davies")
    with pytest.raises(EnergyError, match="example_data belongs to"):
        NetworkEnergy(net, example_data=np.ones((1, 5)))
    with pytest.raises(EnergyError, match="measured activity belongs to"):
        NetworkEnergy(conv_net(tf.keras), activity, cost_model="kerasspiking")
    with pytest.raises(EnergyError, match=r"convert\(model\)"):
        NetworkEnergy(conv_net(tf.keras))
    with pytest.raises(EnergyError, match="functional or Sequential"):
        NetworkEnergy(net, cost_model="kerasspiking")


def test_unknown_names(net, activity):
    energy = NetworkEnergy(net, activity)
    with pytest.raises(UnknownDeviceError, match="'tpu'"):
        energy.total_energy("tpu")
    with pytest.raises(UnknownDeviceError, match="'tpu'"):
        energy.summary_string(["name", "energy tpu"])
    with pytest.raises(EnergyError, match=r"no column 'joules'; there are name, .*energy <device>"):
        energy.summary_string(["joules"])
    for columns in (["energy"], "name", []):
        with pytest.raises(EnergyError, match="column"):
            energy.summary_string(columns)
    with pytest.raises(EnergyError, match="no layer 'c'; the layers are a, b, out"):
        energy.layer_energy("c", "cpu")


def test_registered_devices_are_found_in_any_case(net, activity):
    NetworkEnergy.register_device("MyChip", 1e-12, 2e-12, True)
    energy = NetworkEnergy(net, activity)
    assert energy.total_energy("mychip") == energy.total_energy("MyChip")
    assert "MyChip" in energy.summary_string(["name", "energy MyChip"])
    with pytest.warns(OverwriteWarning):
        NetworkEnergy.register_device("mychip", 1e-12, 2e-12, False)


def test_parts_that_do_not_spike_make_the_total_a_lower_bound(net):
    net.ensembles[0].neuron_type = nengo.RectifiedLinear()
    energy = NetworkEnergy(net, random_activity(NetworkGraph(net), np.random.RandomState(0)))
    with pytest.warns(UncountedWarning, match="lower bound: a, a -> b"):
        energy.total_energy("loihi")
    text = energy.summary_string(["name", "energy cpu", "energy loihi"], print_warnings=False)
    total = next(line for line in text.split("\n") if line.startswith("Total"))
    assert total.startswith("Total, at least") and total.count(">=") == 1
    (row,) = (line for line in text.split("\n") if line.startswith("a -> b"))
    assert row.split() == ["a", "->", "b", "(uncounted)", "-", "uncounted"]  # a cpu counts it
    (row,) = (line for line in text.split("\n") if line.startswith("b (Ensemble)"))
    assert row.split()[-3] == ">=" and row.count(">=") == 1
    assert "Not priced on loihi: a (its RectifiedLinear neurons have graded outputs" in text


def test_no_layer_is_priced_at_nothing_for_what_is_not_counted(net):
    """A layer all of whose work is unknown says so, on every device."""

    class Unknown(nengo.transforms.Transform):
        size_in, size_out = 2, 3

        def sample(self, rng=np.random):
            return np.ones((3, 2))

    with nengo.Network() as net:
        given = nengo.Node(np.zeros(2), label="given")
        out = nengo.Node(size_in=3, label="out")
        nengo.Connection(given, out, transform=Unknown(), synapse=None)
    with pytest.warns(UncountedWarning):
        energy = NetworkEnergy(net)
    text = energy.summary_string(["name", "energy cpu"])
    (row,) = (line for line in text.split("\n") if line.startswith("out (Node)"))
    assert row.split()[-1] == "uncounted"


def test_notes(net, activity):
    energy = NetworkEnergy(net, activity)
    text = energy.summary_string()
    assert "* These are estimates only" in text
    assert "On the host: work beside loihi" in text
    quiet = energy.summary_string(print_warnings=False)
    assert "estimates only" not in quiet
    assert "On the host: work beside loihi" in quiet  # what is missing is always said
    assert "estimates only" not in energy.summary_string(["name", "spikes"])
    keras = NetworkEnergy(conv_net(tf.keras), example_data=images(), cost_model="kerasspiking")
    assert "contains non-spiking activations (conv0, conv1, dense0)" in keras.summary_string(
        ["name", "energy loihi"], line_length=300
    )
    assert "non-spiking" not in keras.summary_string(["name", "energy cpu"])


def test_summary_prints(net, capsys):
    energy = NetworkEnergy(net)
    energy.summary()
    assert capsys.readouterr().out == energy.summary_string() + "\n"


def test_frame_and_csv_say_the_same(net, activity, tmp_path):
    energy = NetworkEnergy(net, activity)
    frame = energy.to_frame(DEVICES)
    assert list(frame.index) == ["a", "b", "out", "a input", "out readout"]
    assert frame["where"].tolist() == ["", "", "host", "host", "host"]
    layers = frame[frame["type"] != "host"]
    for device in DEVICES:
        total = layers[f"energy_J_{device}"].sum()
        assert total == pytest.approx(energy.total_energy(device), rel=1e-12)
        with_host = total + energy.estimate(device).host_J
        assert frame[f"energy_J_{device}"].sum() == pytest.approx(with_host, rel=1e-12)
    path = tmp_path / "energy.csv"
    energy.to_csv(path, DEVICES)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [float(r["energy_J_loihi"]) for r in rows] == frame["energy_J_loihi"].tolist()
    assert rows[0]["synops"] == ""  # not spikes: unknown, not 0
    assert rows[3]["energy_J_cpu"] == ""  # a processor has no host


def test_frame_and_csv_have_what_is_uncounted(net, tmp_path):
    net.ensembles[0].neuron_type = nengo.RectifiedLinear()
    energy = NetworkEnergy(net, random_activity(NetworkGraph(net), np.random.RandomState(0)))
    frame = energy.to_frame(["cpu", "loihi"])
    uncounted = frame[frame["type"] == "uncounted"]
    assert list(uncounted.index) == ["a", "a -> b"]
    assert set(uncounted["where"]) == {"uncounted"}
    assert uncounted["energy_J_loihi"].isna().all()
    assert frame["uncounted_on"].tolist() == ["loihi", "loihi", "", "", "", "loihi", "loihi"]
    layers = json.loads(energy.to_json(devices=["cpu", "loihi"]))["layers"]
    assert [layer["uncounted_on"] for layer in layers] == [["loihi"], ["loihi"], []]
    energy.to_csv(tmp_path / "energy.csv", ["loihi"])
    assert (tmp_path / "energy.csv").read_text().count(",uncounted,") == 4


def test_json(net, activity, tmp_path):
    energy = NetworkEnergy(net, activity)
    path = tmp_path / "energy.json"
    text = energy.to_json(path, devices=["cpu", "Loihi"])
    assert path.read_text() == text
    content = json.loads(text)
    assert list(content["devices"]) == ["cpu", "loihi"]
    assert content["total"]["energy_J"]["loihi"] == pytest.approx(energy.total_energy("loihi"))
    assert content["presentation"] == {
        "n_steps": 10, "dt_s": 0.001, "n_samples": 4, "runs_on": False,
    }  # fmt: skip
    loihi = content["devices"]["loihi"]
    assert loihi["constants"]["energy_per_synop"]["evidence"] == "simulated"
    assert [(w["layer"], w["role"], w["macs"]) for w in loihi["host"]] == [
        ("a", "input", 400),
        ("out", "readout", 120),
    ]
    assert loihi["host_energy_J"] == pytest.approx(520 * 8.6e-9)
    assert loihi["host_device"] == "cpu"
    json.loads(NetworkEnergy(net).to_json())


def test_files_are_written_whole_or_not_at_all(net, tmp_path):
    energy = NetworkEnergy(net)
    with pytest.raises(DataError, match="Cannot write"):
        energy.to_json(tmp_path / "missing" / "energy.json")
    assert list(tmp_path.iterdir()) == []


def test_html_escapes_names(net, activity):
    net.ensembles[0].label = "<b>a</b>"
    renamed = random_activity(NetworkGraph(net), np.random.RandomState(1))
    html = NetworkEnergy(net, renamed)._repr_html_()
    assert "&lt;b&gt;a&lt;/b&gt;" in html
    assert "<b>a</b>" not in html
    assert "Davies et al." in html


def test_a_cost_model_of_the_users_own(net, activity):
    from nengo_spikecost.energy.per_operation import price
    from nengo_spikecost.workload.exact import ExactCounter

    model = cost_models.CostModel("mine", lambda n, a, x: ExactCounter(n, a), price)
    cost_models.register_cost_model(model)
    energy = NetworkEnergy(net, activity, cost_model="mine")
    assert energy.estimate("loihi").cost_model == "mine"
    assert energy.total_energy("cpu") == NetworkEnergy(net).total_energy("cpu")
    with pytest.warns(OverwriteWarning, match="'mine'"):
        cost_models.register_cost_model(model)


def test_a_converted_model_end_to_end():
    from nengo_spikecost.activity import measure

    model = conv_net(tf.keras)
    conversion = convert(model, scale_firing_rates=100)
    activity = measure(conversion, images(3), 12)
    energy = NetworkEnergy(conversion, activity)
    frame = energy.to_frame(DEVICES)
    frame = frame[frame["type"] != "host"]
    assert list(frame.index) == [layer.name for layer in model.layers]
    assert frame["params"].tolist() == [layer.count_params() for layer in model.layers]
    # Dense layers: every spike of the layer before reaches every unit.
    assert np.isnan(frame.loc["dense1", "synops"])  # read out by the host
    assert frame.loc["dense0", "synops"] == pytest.approx(6 * frame.loc["conv1", "spikes"])
    # Convolution of pixels: on the host, 3x3 kernels at 6x6 positions in 3 channels.
    pixels, neurons, readout = energy.estimate("loihi").host
    assert (pixels.macs, readout.macs) == (9 * 36 * 3, 6 * 3 * 12)
    assert (neurons.layer, neurons.updates) == ("conv0", 36 * 3 * 12)  # what makes the spikes
    keras_layer = model.get_layer("dense0")
    assert energy.layer_energy(keras_layer, "loihi") == energy.layer_energy("dense0", "loihi")
