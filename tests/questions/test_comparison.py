"""`compare`: every cost model is held to its own estimate, and every difference to its numbers."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import nengo
import numpy as np
import pytest
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import cli
from nengo_spikecost.energy import devices
from nengo_spikecost.energy.cost_models import CostModel, get_cost_model
from nengo_spikecost.energy.device import Constant, Device
from nengo_spikecost.energy.estimate import EnergyEstimate, LayerEnergy
from nengo_spikecost.energy.peers.lemaire import lemaire
from nengo_spikecost.energy.peers.qtools import qtools
from nengo_spikecost.errors import EnergyError, UnknownDeviceError
from nengo_spikecost.questions.comparison.compare import AVERAGE, COST_MODELS

from .. import models

STEPS = 20


@pytest.fixture(scope="module")
def measured():
    keras = nsc.stack.keras()
    conversion = nsc.convert(
        models.conv_net(keras), neuron_type="SpikingRectifiedLinear", scale_firing_rates=50
    )
    x = models.images()
    return conversion, nsc.measure(conversion, x, STEPS, progress=False), x


@pytest.fixture(scope="module")
def comparison(measured):
    conversion, activity, x = measured
    return nsc.compare(conversion, activity, example_data=x)


def explanation(comparison, cost_model, device):
    return comparison.row(cost_model, device).explanation


def test_all_cost_models_are_in_it(comparison):
    assert list(dict.fromkeys(row.cost_model for row in comparison.rows)) == list(COST_MODELS)
    assert all(row.estimate is not None for row in comparison.rows)
    devices = {row.device for row in comparison.rows if row.cost_model == "per_operation"}
    assert devices == {"cpu", "loihi", "digital", "digital_snn"}


def test_rows_are_the_estimates_of_each_cost_model(comparison, measured):
    conversion, activity, x = measured
    exact = nsc.NetworkEnergy(conversion, activity)
    keras = nsc.NetworkEnergy(conversion.model, cost_model="kerasspiking", example_data=x)
    memory = nsc.NetworkEnergy(conversion, activity, cost_model=lemaire())
    quantized = nsc.NetworkEnergy(conversion, cost_model=qtools())
    for row in comparison.rows:
        if row.cost_model == AVERAGE:
            continue
        energy = {"per_operation": exact, "lemaire": memory, "qtools": quantized}
        expected = (
            keras.estimate(row.device, STEPS)
            if row.cost_model == "kerasspiking"
            else energy[row.cost_model].estimate(row.device)
        )
        np.testing.assert_allclose(row.estimate.total_J, expected.total_J, rtol=1e-12)
        assert row.ratio == pytest.approx(expected.mean_J / exact.estimate(row.device).mean_J)


def test_the_average_is_of_the_same_spikes(comparison, measured):
    conversion, activity, _ = measured
    workload = nsc.NetworkEnergy(conversion, activity).workload()
    average = sum(p.average_synops.mean() for p in workload.pathways if p.synops is not None)
    synops = sum(p.synops.mean() for p in workload.pathways if p.synops is not None)
    row = comparison.row(AVERAGE, "loihi")
    assert row.synops == pytest.approx(average)
    assert comparison.row("per_operation", "loihi").synops == pytest.approx(synops)
    assert row.explanation.startswith(f"{average / synops:.3g} of the exact synops: mean rates")
    updates = sum(p.updates for p in workload.populations if p.on_chip)
    expected = 23.6e-12 * average + 81e-12 * updates
    assert row.estimate.mean_J == pytest.approx(expected, rel=1e-12)


def test_the_average_is_a_cost_model(comparison, measured):
    conversion, activity, _ = measured
    average = nsc.NetworkEnergy(conversion, activity, cost_model="average")
    for device in ("loihi", "digital_snn"):
        row = comparison.row(AVERAGE, device)
        assert average.total_energy(device) == row.estimate.mean_J
        assert average.estimate(device).cost_model == "average"
    exact = nsc.NetworkEnergy(conversion, activity)
    assert average.total_energy("cpu") == exact.total_energy("cpu")
    assert list(average.estimates()) == [
        name for name in exact.estimates() if devices.get(name).spiking
    ]


def test_differences_are_named_in_numbers(comparison):
    words = explanation(comparison, "kerasspiking", "loihi")
    assert "27.1 against 23.6 pJ a synop" in words
    assert "blind to scale_firing_rates=50" in words
    assert "conv0" in words and "on the device" in words  # inputs, and what they are fed to
    words = explanation(comparison, "lemaire", "digital_snn")
    row = comparison.row("lemaire", "digital_snn")
    parts = ("potentials", "weights", "biases", "io")
    memory = row.estimate.only(parts).mean_J
    assert f"{memory / row.estimate.mean_J:.0%} is memory" in words
    rest = row.estimate.mean_J - memory
    exact = comparison.row("per_operation", "digital_snn").estimate.mean_J
    assert f"the rest is {rest / exact:.3g} times per_operation's" in words
    assert "weights of 8 bits" in explanation(comparison, "qtools", "digital")
    assert "of work on cpu" in explanation(comparison, "per_operation", "loihi")


def test_static_power_is_a_difference(measured):
    conversion, activity, _ = measured
    device = Device("mine", True, Constant(1e-12), Constant(0.0),
                    static_power=Constant(1.0, unit="W"))  # fmt: skip
    found = nsc.compare(conversion, activity, devices=device, cost_models="per_operation")
    assert "100% of it is static power" in found.rows[0].explanation


def test_table_frame_and_dict(comparison):
    text = comparison.summary_string(line_length=98)
    assert max(map(len, text.split("\n"))) <= 98
    assert f"\nPer inference of {STEPS} steps of 1 ms, mean of 6 samples" in text
    # how far the cost models are apart comes first: the least and the most of any
    energies = {row.cost_model: row.estimate.mean_J for row in comparison.rows
                if row.device == "loihi" and row.estimate}  # fmt: skip
    least, most = (pick(energies, key=energies.get) for pick in (min, max))
    assert re.match(rf"loihi +\S+ \S+ \({least}\) to \S+ \S+ \({most}\): ", text)
    frame = comparison.to_frame()
    assert frame.loc[("per_operation", "loihi"), "ratio"] == 1.0
    record = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert len(record["rows"]) == len(comparison.rows)
    # one line on every row
    assert all(row["explanation"] for row in record["rows"])
    html = comparison._repr_html_()
    assert html.count("<tr>") == len(comparison.rows) + 1 and "27.1 pJ" in html
    with pytest.raises(EnergyError, match="There is no row of cost_model"):
        comparison.row("per_operation", "gpu")


class TestWhatCannotBeCompared:
    def test_without_example_data(self, measured):
        found = nsc.compare(*measured[:2])
        row = found.row("kerasspiking", "cpu")
        assert row.estimate is None and "pass example_data" in row.explanation
        assert "pass example_data" in found.summary_string(200)

    def test_without_activity(self, measured):
        found = nsc.compare(measured[0])
        assert found.row("per_operation", "cpu").estimate is not None
        assert "pass activity" in found.row("per_operation", "loihi").explanation
        assert found.n_samples == 0 and "no spikes measured" in found.summary_string()

    def test_devices_that_a_cost_model_cannot_price(self, measured):
        conversion, activity, x = measured
        found = nsc.compare(conversion, activity, devices=["loihi"], example_data=x)
        assert len(found.rows) == len(COST_MODELS)
        assert "'loihi' has no int8_add" in explanation(found, "lemaire", "loihi")
        assert "without spikes" in explanation(found, "qtools", "loihi")

    def test_native_networks(self):
        with nengo.Network(seed=1) as network:
            a = nengo.Ensemble(20, 1, label="a")
            nengo.Connection(a, a, synapse=0.1)
        activity = nsc.measure(network, None, 10, simulator="nengo", progress=False)
        found = nsc.compare(network, activity, example_data=np.zeros((1, 1)))
        reasons = {row.cost_model: row.explanation for row in found.rows if row.estimate is None}
        assert set(reasons) == {"kerasspiking", "qtools"}
        assert "not made of one" in reasons["kerasspiking"]

    def test_names_that_do_not_exist_are_errors(self, measured):
        with pytest.raises(UnknownDeviceError):
            nsc.compare(measured[0], devices="abacus")
        with pytest.raises(EnergyError, match="no cost model 'abacus'"):
            nsc.compare(measured[0], cost_models=["abacus"])


def test_a_cost_model_of_ones_own(measured):
    conversion, activity, _ = measured

    def price(workload, device):
        layers = (LayerEnergy(n, {"all": np.ones(1)}) for n in workload.layer_names)
        return EnergyEstimate(device, "ones", tuple(layers))

    ones = CostModel("ones", get_cost_model("per_operation").counter, price)
    found = nsc.compare(conversion, activity, cost_models=[ones], devices="loihi")
    assert found.rows[0].estimate.mean_J == len(conversion.layer_infos)
    picky = replace(ones, can_price=lambda device: False)
    found = nsc.compare(conversion, activity, cost_models=[picky])
    assert found.rows[0].explanation == "prices none of these devices"


def test_files(comparison, tmp_path):
    assert json.loads(comparison.to_json(tmp_path / "out.json")) == comparison.to_dict()
    comparison.to_csv(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["cost_model"] for row in rows] == [row.cost_model for row in comparison.rows]
    assert float(rows[0]["energy_J"]) == comparison.rows[0].estimate.mean_J


def test_all_devices(measured):
    conversion, activity, _ = measured
    found = nsc.compare(conversion, activity, devices="all", cost_models=["per_operation"])
    assert [row.device for row in found.rows] == devices.names()


def test_command_line(measured, tmp_path, monkeypatch):
    conversion, _, x = measured
    monkeypatch.chdir(tmp_path)
    conversion.model.save("net.h5")
    np.save("x.npy", x)
    arguments = "compare net.h5 --data x.npy --steps 5 --devices cpu,loihi --json out.json"
    done = CliRunner().invoke(cli.main, arguments.split())
    assert done.exit_code == 0, done.output
    assert "kerasspiking, loihi: " in done.output and "Written: out.json" in done.output
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["presentation"]["n_steps"] == 5
    assert {row["device"] for row in content["rows"]} == {"cpu", "loihi"}


class TestFactoredWeights:
    """SpiNNaker keeps decoders and encoders apart: it makes other operations than synops."""

    def test_of_a_native_network(self):
        with nengo.Network(seed=0) as network:
            stimulus = nengo.Node([0.5])
            a, b = nengo.Ensemble(30, 1, label="a"), nengo.Ensemble(20, 1, label="b")
            nengo.Connection(stimulus, a)
            nengo.Connection(a, b)
        activity = nsc.measure(network, np.array([[0.5]]), STEPS, progress=False)
        workload = nsc.NetworkEnergy(network, activity).workload()
        found = nsc.compare(
            network, activity, cost_models=["per_operation", "average"], devices="spinnaker"
        )
        exact, average = found.rows
        assert exact.synops == average.synops == sum(w.operations[0] for w in workload.factored)
        assert exact.synops != workload.pathways[1].synops[0]
        assert "decoders, transforms and encoders at every step" in exact.explanation
        assert average.ratio == 1
        assert average.explanation.startswith("decoders, transforms and encoders as in the exact")

    def test_of_neurons_joined_directly(self, measured):
        conversion, activity, _ = measured
        models = ["per_operation", "average"]
        found = nsc.compare(
            conversion, activity, cost_models=models, devices=["spinnaker", "loihi"]
        )
        for cost_model in models:
            ours, loihi = (found.row(cost_model, name) for name in ("spinnaker", "loihi"))
            assert ours.synops == pytest.approx(loihi.synops, rel=1e-12)
            assert ours.explanation == loihi.explanation
        # the mean rate's own energy, and not that of the exact synops
        row = found.row("average", "spinnaker")
        updates = sum(
            p.updates
            for p in nsc.NetworkEnergy(conversion, activity).workload().populations
            if p.on_chip
        )
        expected = 13.3e-9 * row.synops + 26e-9 * updates
        assert row.estimate.mean_J == pytest.approx(expected, rel=1e-12)


def test_a_mean_that_is_exact():
    """All neurons have as many targets, so that nothing is left to explain."""
    with nengo.Network(seed=0) as network:
        a, b = nengo.Ensemble(30, 1, label="a"), nengo.Ensemble(20, 1, label="b")
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((20, 30)))
    activity = nsc.measure(network, None, STEPS, simulator="nengo")
    found = nsc.compare(network, activity, cost_models="average", devices="loihi")
    assert found.rows[0].explanation == "mean rates give the same synops here"


def test_constants_of_large_batches_are_explained(measured):
    """What a processor takes for one sample is another device's, and the row says which."""
    conversion, activity, _ = measured
    found = nsc.compare(conversion, activity, devices=("cpu", "arm"), cost_models="per_operation")
    cpu, arm = (explanation(found, "per_operation", name) for name in ("cpu", "arm"))
    assert cpu.endswith("as in large batches: one sample at a time by cpu_single")
    assert "batches" not in arm
