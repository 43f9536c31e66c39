"""A host whose time is not known: what all results say of a network that waits for it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import loihi
from nengo_spikecost.cli import main
from nengo_spikecost.demo import demo_data, demo_model
from nengo_spikecost.energy.device import Constant
from nengo_spikecost.energy.loihi_chip import HostIO, loihi_chip
from nengo_spikecost.errors import EnergyError
from nengo_spikecost.layout.si import si

SETTINGS = {
    "n_steps": 12, "scale_firing_rates": 300, "synapse": None, "presentation": "fresh",
    "try_out": False, "progress": False, "neuron_type": "LoihiSpikingRectifiedLinear",
}  # fmt: skip


@pytest.fixture(scope="module")
def deployment():
    data = demo_data()
    return loihi.deploy(demo_model(), data.x_test[:6], data.y_test[:6], by_step=True, **SETTINGS)


def estimate(deployment, host_io):
    energy = nsc.NetworkEnergy(
        deployment.network, deployment.activity, cost_model=loihi_chip(host_io=host_io)
    )
    return energy, energy.estimate("loihi_silicon")


def test_totals_are_at_least(deployment):
    energy, found = estimate(deployment, "host")
    cost = deployment.cost(host_io="host")
    assert found.lower_bound and [u.name for u in found.uncounted] == ["static power and x86"]
    assert "the time of a step" in found.uncounted[0].reason
    # the cores, and what is drawn for the shortest time
    chip, cores = cost.energy_J("chip"), cost.energy_J("core dynamic")
    assert found.mean_J == pytest.approx(cores.nominal + chip.low - cores.low)
    assert found.range_J == pytest.approx((chip.low, chip.high))
    text = energy.summary_string(line_length=200)
    total = next(line for line in text.splitlines() if line.startswith("Total, at least"))
    static = next(line for line in text.splitlines() if line.startswith("static power"))
    assert ">= " in total and ">= " in static
    assert ">= " in found.summary_string()
    assert json.loads(energy.to_json())
    known = estimate(deployment, 100e-6)[1]
    assert not known.lower_bound and not known.static.at_least
    assert known.mean_J == pytest.approx(deployment.cost(host_io=100e-6).energy_J("chip").nominal)


def test_totals_are_at_least_where_a_host_does_more(deployment):
    """What NengoLoihi's host does besides its spikes; the default."""
    energy, found = estimate(deployment, None)
    assert deployment.cost().host_io.name == "nengo_loihi"
    assert found.lower_bound and found.static.at_least
    assert [u.name for u in found.uncounted] == ["the host's time besides its spikes"]
    assert found.mean_J == pytest.approx(deployment.cost().energy_J("chip").nominal)
    x86 = estimate(deployment, "x86")[1]
    assert found.mean_J == x86.mean_J and not x86.lower_bound
    text = energy.summary_string(line_length=200)
    assert "Total, at least" in text and "for at least " in text
    assert json.loads(energy.to_json())


def test_beside_other_cost_models(deployment):
    table = nsc.compare(
        deployment.network, deployment.activity, devices=["loihi_silicon"],
        cost_models=["per_operation", loihi_chip(host_io="host")],
    )  # fmt: skip
    text = " ".join(table.summary_string(line_length=200).split())
    assert "at least: static power and x86 not counted" in text
    assert "% of it is static power" not in text


def test_nobody_saves_what_is_not_predicted(deployment):
    data = demo_data()
    given = {k: v for k, v in SETTINGS.items() if k != "try_out"}
    for options in ({"save": "time"}, {"boundary": "chip"}):
        with pytest.raises(EnergyError, match="Not predicted: the time of a step"):
            nsc.advise(
                demo_model(), data.x_test[:6], data.y_test[:6], host_io="host", **options, **given
            )


def test_a_change_is_not_advised_by_a_time_that_is_not_predicted(deployment):
    """The cores take long enough that their host hardly matters; with fewer spikes it does."""
    data = demo_data()
    cores_s = deployment.cost(host_io="none").step_s.low
    usb = HostIO("usb", Constant(2 * cores_s, 0.0, 9.9 * cores_s, unit="s"), known="never")
    assert deployment.cost(host_io=usb).step_predicted
    given = {k: v for k, v in SETTINGS.items() if k != "try_out"}
    advice = nsc.advise(
        demo_model(), data.x_test[:6], data.y_test[:6], host_io=usb, save="time", n_changes=1,
        keep_rate=0.1, combine=False, **given,
    )  # fmt: skip
    refused = [one for one in advice.untried if "Not predicted: the time of a step" in one.reason]
    assert "rate" in {one.kind for one in refused}
    tried = {(one.kind, one.layer) for one in advice.changes}
    assert not tried & {(one.kind, one.layer) for one in refused}


def test_an_answer_that_is_looked_at_needs_a_host(deployment):
    """Whoever reads after each step manages each step, and nobody knows how long that takes."""
    assert nsc.early_exit(deployment, thresholds=0.5).points[0].energy_J > 0
    with pytest.raises(EnergyError, match="in and out by host"):
        nsc.early_exit(deployment, thresholds=0.5, boundary="chip", host_io="host")
    without = nsc.early_exit(deployment, thresholds=0.5, boundary="chip")
    assert without.points[0].energy_J > 0
    assert "only if the measured time of a step is given" in " ".join(
        without.summary_string(200).split()
    )
    least, most = (
        nsc.early_exit(deployment, thresholds=0.5, boundary="chip", host_io=s).points[0].energy_J
        for s in (100e-6, 200e-6)
    )
    assert least < most


def test_energies_until_an_exit_are_at_least(deployment):
    """Whoever reads after each step takes a time for it, whoever it is."""
    for options, least in (
        ({"boundary": "chip"}, True), ({"boundary": "chip", "host_io": "x86"}, True),
        ({"boundary": "chip", "host_io": 100e-6}, False), ({}, False),
    ):  # fmt: skip
        found = nsc.early_exit(deployment, thresholds=0.5, **options)
        assert found.energy_is_at_least is least
        text = " ".join(found.summary_string(200).split())
        assert (">= " in text) is least and ("Energies are at least these." in text) is least
        assert json.loads(found.to_json())["points"][0]["energy_is_at_least"] is least
        assert found.to_frame()["energy_is_at_least"].tolist() == [least]


@pytest.mark.parametrize("save, boundary, unit", [
    ("energy", "chip", "J"),
    pytest.param("time", "core dynamic", "s", marks=pytest.mark.slow),
])  # fmt: skip
def test_savings_are_of_what_is_counted(save, boundary, unit):
    data = demo_data()
    given = {k: v for k, v in SETTINGS.items() if k != "try_out"}
    given.update(save=save, boundary=boundary, n_changes=1, combine=False)
    advice = nsc.advise(demo_model(), data.x_test[:6], data.y_test[:6], **given)
    assert advice.at_least and advice.of_counted
    text = " ".join(advice.summary_string(200).split())
    assert f"now at least {si(advice.before, unit)}" in text
    assert "less, of what is counted" in text and f">= {si(advice.before, unit)}" in text
    change = advice.changes[0]
    assert change.at_least and f">= {si(change.realised, unit)}" in text
    content = json.loads(advice.to_json())
    assert content["at_least"] and content["changes"][0]["at_least"]
    assert "of what is counted" in advice.to_html()
    axes = advice.plot()
    assert axes.get_xlabel().endswith("of what is counted")
    known = nsc.advise(demo_model(), data.x_test[:6], data.y_test[:6], host_io="x86", **given)
    assert not known.of_counted and known.before == advice.before
    assert "of what is counted" not in known.summary_string(200)
    assert ">= " not in known.summary_string(200)


def test_energy_of_the_cores_is_what_it_is():
    data = demo_data()
    given = {k: v for k, v in SETTINGS.items() if k != "try_out"}
    advice = nsc.advise(demo_model(), data.x_test[:6], data.y_test[:6], n_changes=1, **given)
    assert not advice.of_counted and ">= " not in advice.summary_string(200)


def test_a_ratio_is_no_more_than_at_least(deployment):
    table = nsc.compare(
        deployment.network, deployment.activity, devices=["loihi_silicon"],
        cost_models=["per_operation", loihi_chip()],
    )  # fmt: skip
    row = table.row("loihi_chip", "loihi_silicon")
    text = " ".join(table.summary_string(200).split())
    assert f">= {row.ratio:.3g}" in text
    assert f"to >= {si(row.estimate.mean_J, 'J')} (loihi_chip): at least " in text
    assert "loihi_chip, loihi_silicon, at least" in [
        label.get_text() for label in table.plot().get_yticklabels()
    ]
    both = nsc.compare(
        deployment.network, deployment.activity, devices=["loihi_silicon"],
        cost_models=[loihi_chip(), loihi_chip(board="wolf_mountain")],
    )  # fmt: skip
    # of two that may be more nothing says how far they are apart
    words = next(line for line in both.summary_string(200).splitlines() if "loihi_chip)" in line)
    assert words.count(">= ") == 2 and "times" not in words


def test_a_deployment_says_it_first(tmp_path):
    data = demo_data()
    np.savez(tmp_path / "x.npz", x=data.x_test[:4], y=data.y_test[:4])
    model = tmp_path / "model.h5"
    demo_model().save(model)
    names = {key: tmp_path / f"out.{key}" for key in ("json", "html")}
    result = CliRunner().invoke(
        main,
        [
            "deploy", str(model), "--data", str(tmp_path / "x.npz"), "--steps", "10", "--cost",
            "--host-io", "host", "--json", str(names["json"]), "--html", str(names["html"]),
        ],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "not known the time of a step, 7.90 us to 773 us, is not predicted" in said
    assert "78.3 us" not in said
    cost = json.loads(names["json"].read_text())["cost"]
    assert cost["step_s"]["nominal"] is None and "chip" in cost["not_predicted"]
    page = names["html"].read_text()
    assert "is not predicted" in page and ">nan" not in page.lower()


def test_a_report_of_a_chip_that_waits_for_its_host(tmp_path):
    """The row of the chip is an "at least", its band in the page has no point."""
    data = demo_data()
    given = {k: v for k, v in SETTINGS.items() if k != "presentation"}
    found = nsc.profile(demo_model(), data.x_test[:4], data.y_test[:4], chip=True, **given)
    waits = replace(found, chip=replace(found.chip, pricing={"host_io": "host"}))
    assert waits.chip_cost.not_predicted and not found.chip_cost.not_predicted
    lines = waits.summary_string(line_length=200).splitlines()
    chip = next(line for line in lines if line.startswith("Chip (emulated)"))
    assert f">= {si(waits.chip_cost.energy_J('chip').low, 'J')}" in chip
    said = " ".join(" ".join(lines).split())
    assert "is not predicted: in and out by host" in said and "nan" not in said.split()
    known = " ".join(found.summary_string(line_length=200).split())
    # what NengoLoihi's host does besides its spikes is not known
    cost = found.chip_cost
    assert f"at least {cost.energy_J('chip').text('J')} the chip" in known
    assert f">= {si(cost.energy_J('chip').nominal, 'J')}" in known
    assert f"to measure {cost.measurability_sentence()}" in known
    assert "to measure" not in said
    assert "is not predicted" not in known
    page = waits.to_html()
    assert "is not predicted" in page and ">nan" not in page.lower()
    assert "Without a point: not predicted." in page
    assert "Without a point" not in found.to_html()
    for result in (waits, found):
        assert json.loads(result.to_json())["verdict"]
