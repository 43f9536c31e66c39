"""NengoLoihi's host sends spikes that are counted, and does more that is not: "at least"."""

from __future__ import annotations

import json
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from nengo_spikecost.energy.device import Constant
from nengo_spikecost.energy.loihi_chip import (
    BOUNDARIES,
    ChipWork,
    HostIO,
    price_chip,
    shipped_chip,
    told_apart,
)
from nengo_spikecost.energy.loihi_chip.chip_files import read_chip_file
from nengo_spikecost.errors import EnergyError

STEPS = 50


def by_hand(host_to_chip=20 * STEPS, n_chips=1):
    return ChipWork.by_hand(
        n_cores=16, n_compartments=5_000, n_steps=STEPS, synops={"sparse": 250_000}, spikes=5_000,
        messages=5_000, active_share=0.5, host_to_chip=host_to_chip, n_chips=n_chips,
    )  # fmt: skip


def emulated(**changes):
    return replace(by_hand(**changes), emulated=True)


def test_whose_host_it_is_follows_from_who_ran_it():
    for work, name in (
        (emulated(), "nengo_loihi"), (by_hand(), "x86"),
        (emulated(host_to_chip=0), "free_running"), (by_hand(host_to_chip=0), "free_running"),
    ):  # fmt: skip
        assert price_chip(work).host_io.name == name
    assert price_chip(emulated(), host_io="x86").host_io.name == "x86"
    # neither changes spikes, and who sends none is still there
    assert price_chip(emulated().with_spikes(0.0)).host_io.name == "nengo_loihi"


def test_it_takes_what_its_spikes_do_and_up_to_a_managed_step_more():
    cost, x86 = price_chip(emulated()), price_chip(emulated(), host_io="x86")
    assert (cost.step_s.low, cost.step_s.nominal) == (x86.step_s.low, x86.step_s.nominal)
    step = shipped_chip().host_io["x86"].step
    assert cost.step_s.high - x86.step_s.high == pytest.approx(773e-6 - step.high)
    assert cost.energy_J("chip").nominal == x86.energy_J("chip").nominal
    assert cost.energy_J("core dynamic") == x86.energy_J("core dynamic")


@pytest.mark.parametrize("us", [337, 795, 877])
def test_its_range_holds_what_nengo_loihi_took(us):
    """Blouw et al.: 22.9 spikes of the host in a step, by Nengo's gains and biases."""
    work = ChipWork.by_hand(
        n_cores=1, n_compartments=256, n_steps=10, synops={"dense": 229 * 256}, host_to_chip=229
    )
    step_s = price_chip(replace(work, emulated=True)).step_s
    assert step_s.nominal < us * 1e-6 < step_s.high
    # without the word "at least" these would be bad predictions
    assert step_s.nominal == price_chip(work).step_s.nominal < us * 1e-6 / 2


def test_words():
    cost = price_chip(emulated())
    assert cost.latency_is_at_least and cost.host_does_more
    chip, board, time = cost.energy_J("chip"), cost.energy_J("board"), cost.latency_s
    assert cost.sentence() == (
        f"{cost.energy_J('core dynamic').text('J')} its cores, at least {chip.text('J')} the chip, "
        f"at least {board.text('J')} a board, in at least {time.text('s')} per inference (16 cores "
        "of 1 chip, emulated)"
    )
    text = " ".join(cost.summary_string(10_000).split())
    assert "nengo_loihi (NengoLoihi's host sends spikes, one by one" in text
    assert "energies but those of the cores, are at least this" in text
    content = json.loads(cost.to_json())
    assert content["latency_is_at_least"] and content["constants"]["host_io"]["at_least"]
    running = price_chip(replace(emulated(), runs_on=True)).sentence()
    assert "a step in at least" in running and "at least" not in running.split("while it runs")[0]


@pytest.mark.parametrize("host_io", ["x86", "none", "free_running", 100e-6])
def test_no_other_host_does_more(host_io):
    cost = price_chip(emulated(), host_io=host_io)
    assert not cost.host_does_more and "at least" not in cost.sentence()


def test_numbers_by_hand_are_not_emulated():
    assert price_chip(by_hand()).sentence().endswith("(16 cores of 1 chip)")
    assert price_chip(emulated()).sentence().endswith("(16 cores of 1 chip, emulated)")


def test_several_chips_are_not_predicted():
    cost = price_chip(emulated(n_chips=16, host_to_chip=2 * STEPS))
    assert not cost.step_predicted and not cost.host_does_more
    assert "at least" not in cost.sentence()
    assert "in and out by nengo_loihi" in cost.not_predicted_sentence()


def test_from_a_file(tmp_path):
    path = tmp_path / "chip.toml"
    path.write_text('[host_io.usb]\nat_least = true\nstep = {s = 1e-4, source = "me"}\n')
    usb = read_chip_file(path).host_io["usb"]
    assert isinstance(usb, HostIO) and usb.at_least
    assert price_chip(by_hand(), host_io=usb).sentence().count("at least") == 3
    path.write_text("[host_io.usb]\nat_leest = true\n")
    with pytest.raises(EnergyError, match="at_leest"):
        read_chip_file(path)


def test_every_number_that_hangs_on_the_time_says_so():
    cost, x86 = price_chip(emulated()), price_chip(emulated(), host_io="x86")
    assert [name for name in BOUNDARIES if cost.is_at_least(name)] == list(BOUNDARIES)[1:]
    rows, known = (
        {line.split("  ")[0]: line for line in own.summary_string(200).splitlines()}
        for own in (cost, x86)
    )
    for name in BOUNDARIES:
        assert ">= " not in known[name]
        # energy, but that of the cores, and energy times delay
        assert rows[name].count(">= ") == 1 + (name != "core dynamic")
    for name in ("Step", "Inference"):
        assert ">= " in rows[name]
    assert "<= " in rows["Inferences a second"]
    # of work without steps the slowest core of each is not known, so that time is at least, too
    assert ">= " in known["Step"] and "<= " in known["Inferences a second"]
    for found, said in ((cost, True), (x86, False)):
        assert json.loads(found.to_json())["host_does_more"] is said
        page = found.to_html()
        assert ("Points beyond the cores are at least." in page) is said
        assert "Time of an inference, at least" in page
        assert ("points but that of the cores are at least" in drawn_words(found)) is said


def drawn_words(cost):
    axes = cost.plot()
    words = " ".join(own.get_xlabel().replace("\n", " ") for own in np.ravel(axes))
    plt.close("all")
    return words


def test_what_follows_from_a_time_holds_if_it_is_no_longer():
    cost, x86 = price_chip(emulated()), price_chip(emulated(), host_io="x86")
    assert cost.limit_sentence() == f"if steps take no longer, {x86.limit_sentence()}"
    assert "on nahuku32, if steps take no longer: core dynamic" in cost.measurability_sentence()
    one, of_x86 = cost.measurability(), x86.measurability()
    assert one.sentence() == f"if steps take no longer, {of_x86.sentence()}"
    assert (one.power_W.nominal, one.runs) == (of_x86.power_W.nominal, of_x86.runs)
    measured = json.loads(cost.to_json())["measurability"]
    assert all(found["host_does_more"] for found in measured)
    for pair in ((cost, x86), (x86, cost)):
        found = told_apart(*pair, "board")
        assert "nahuku32, if steps take no longer: told" in found.sentence()
        assert "board, energy of an inference, if steps take no longer" in found.summary_string(200)
        assert all(row["host_does_more"] for row in json.loads(found.to_json())["networks"])
    assert "no longer" not in told_apart(x86, x86, "board").sentence()


def test_an_energy_that_is_predicted_though_the_time_is_not():
    """The power of the board is drawn for the spikes' time at least."""
    usb = HostIO(
        "usb", Constant(0.0, 0.0, 400e-6, unit="s"), spike=Constant(1e-6, unit="s"), whole=False,
        known="never", at_least=True,
    )  # fmt: skip
    cost = price_chip(emulated(), host_io=usb)
    assert not cost.step_predicted and not cost.host_does_more
    least = [name for name in BOUNDARIES if cost.is_at_least(name)]
    assert least == [n for n in list(BOUNDARIES)[1:] if cost.energy_J(n).predicted]
    for name in least:
        assert f">= {cost.energy_J(name).text('J')}" in cost.summary_string(200)
    chip = cost.energy_J("chip")
    words = ("at least " if chip.predicted else "") + f"{chip.text('J')} the chip"
    assert words in cost.sentence()
