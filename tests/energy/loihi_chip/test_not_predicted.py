"""A time of steps that hangs on what nobody published is no prediction, whoever asks for it."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from nengo_spikecost.energy.device import Constant
from nengo_spikecost.energy.loihi_chip import ChipWork, HostIO, Range, price_chip, shipped_chip
from nengo_spikecost.energy.loihi_chip.ranges import TELLING
from nengo_spikecost.errors import EnergyError

STEPS = 50
UNKNOWN = ("time of a step", "total dynamic", "used cores", "chip", "board")


def work(n_chips=1, host_to_chip=786, synops=250_000, n_cores=16):
    return ChipWork.by_hand(
        n_cores=n_cores, n_compartments=5_000, n_steps=STEPS, synops={"sparse": synops},
        spikes=5_000, messages=5_000, active_share=0.5, host_to_chip=host_to_chip, n_chips=n_chips,
    )  # fmt: skip


@pytest.mark.parametrize(
    "n_chips, host_io, known",
    [
        (1, None, True), (1, "x86", True), (1, "host", False), (1, "none", True),
        (1, "free_running", True), (1, 80e-6, True), (16, None, False), (16, "x86", False),
        (16, "host", False), (16, "none", True), (16, "free_running", True), (16, 80e-6, True),
    ],
)  # fmt: skip
def test_who_manages_a_step_decides_whether_it_is_predicted(n_chips, host_io, known):
    cost = price_chip(work(n_chips), host_io=host_io)
    assert cost.step_predicted is known
    assert cost.not_predicted == (() if known else UNKNOWN)
    hanging = [
        cost.step_s, cost.latency_s, cost.inferences_per_s, cost.power_W("chip"),
        cost.edp_Js("chip"), *(cost.energy_J(name) for name in UNKNOWN[1:]),
    ]  # fmt: skip
    for value in hanging:
        assert value.predicted is known and math.isnan(value.nominal) is not known
        # the ends stay
        assert np.isfinite([value.low, value.high]).all() and value.low > 0
    assert math.isnan(cost.time_parts_s["in and out"]) is not known
    # cores are counted, whoever manages their steps
    assert cost.energy_J("core dynamic") == price_chip(work(n_chips)).energy_J("core dynamic")
    assert cost.energy_J("core dynamic").predicted


def test_ends_are_those_of_the_time_by_hand():
    """7.9 to 773 us a step, and powers of a board with one chip in use."""
    cost = price_chip(work(), host_io="host")
    assert (cost.step_s.low, cost.step_s.high) == pytest.approx((7.9e-6, 773e-6))
    cores, chip = cost.energy_J("core dynamic"), cost.energy_J("chip")
    # clock of the x86, its code for the share of the time at either end, and a chip in use
    low_W, high_W = 18e-3 + 0.685 * 6e-3 + 78.1e-3, 18e-3 + 0.967 * 6e-3 + 178e-3
    assert chip.low == pytest.approx(cores.low + STEPS * 7.9e-6 * low_W)
    assert chip.high == pytest.approx(cores.high + STEPS * 773e-6 * high_W)


def test_what_it_says_is_what_it_would_be_with_the_time():
    unknown, known = (price_chip(work(), host_io=io) for io in ("host", 100e-6))
    for name in UNKNOWN[1:]:
        found, without = known.energy_J(name), unknown.energy_J(name)
        assert without.low <= found.low <= found.nominal <= found.high <= without.high


def test_where_it_hardly_matters_it_is_predicted():
    """Spikes through the x86 of two chips take longer than all that is not known."""
    busy = price_chip(work(n_chips=2, host_to_chip=50_000))
    assert not busy.host_io.is_known(2) and busy.step_predicted
    assert busy.step_s.high <= TELLING * busy.step_s.low


def test_only_energies_that_hang_on_it():
    """Synops on all cores of a chip, which take as much as its x86 in a long time."""
    synops = 128 * 1_600 * STEPS
    cost = price_chip(work(synops=synops, n_cores=128), host_io="host")
    assert cost.not_predicted == ("time of a step", "used cores", "chip", "board")
    assert cost.energy_J("total dynamic").predicted
    assert "neither is the energy of used cores, chip and board" in cost.not_predicted_sentence()


def test_its_own_host():
    rough = HostIO("usb", Constant(1e-4, 1e-6, 1e-2, unit="s"), known="never")
    assert not price_chip(work(), host_io=rough).step_predicted
    narrow = HostIO("usb", Constant(1e-4, 5e-5, 2e-4, unit="s"), known="never")
    assert price_chip(work(), host_io=narrow).step_predicted
    with pytest.raises(
        EnergyError, match="HostIO 'usb': known must be one of 'always', 'one chip'"
    ):
        HostIO("usb", known="sometimes")


def test_several_processors_share_the_spikes():
    """A chip has three x86 processors, and each takes as long for a spike."""
    one = shipped_chip().host_io["x86"]
    alone_s = price_chip(work(), host_io="none").latency_s.nominal
    for n in (1, 2, 3):
        found = price_chip(work(), host_io=one.shared_by(n))
        assert found.latency_s.nominal - alone_s == pytest.approx(786 * 5.91e-6 / n, rel=1e-6)
        assert found.step_predicted
        assert not price_chip(work(16), host_io=one.shared_by(n)).step_predicted
    assert "by 3 processors" in one.shared_by(3).description
    free = shipped_chip().host_io["free_running"]
    assert free.shared_by(2) is free
    with pytest.raises(EnergyError, match="n_processors must be a whole number"):
        one.shared_by(0)


def test_words_have_no_nominal_value():
    cost = price_chip(work(), host_io="host")
    sentence = cost.not_predicted_sentence()
    assert "the time of a step, 7.90 us to 773 us, is not predicted: in and out by host" in sentence
    assert "neither is the energy of total dynamic, used cores, chip and board" in sentence
    assert "host_io=SECONDS (--host-io)" in sentence
    assert price_chip(work()).not_predicted_sentence() == ""
    several = price_chip(work(16)).not_predicted_sentence()
    assert "in and out by x86" in several and "known of one chip only" in several
    text = cost.summary_string()
    rows = {line.split("  ")[0]: line for line in text.splitlines()}
    for name in ("chip", "board", "Step", "Inference", "Inferences a second"):
        assert "not predicted" in rows[name], name
    assert "not predicted" not in rows["core dynamic"]
    assert "78.3 us" not in text and "78.3 us" not in cost.sentence()
    assert "395 us to 38.7 ms per inference" in cost.sentence()
    assert "the host sets" not in cost.limit_sentence()


def test_the_default_says_what_it_assumes():
    assumed = "That is assumed: where a host beside the board manages every step"
    assert assumed in " ".join(price_chip(work()).summary_string(10_000).split())
    for host_io in ("x86", "host", 80e-6):
        text = price_chip(work(), host_io=host_io).summary_string(10_000)
        assert assumed not in " ".join(text.split())


def test_json_has_null_and_says_which():
    content = json.loads(price_chip(work(), host_io="host").to_json())
    assert content["not_predicted"] == list(UNKNOWN)
    assert content["step_s"] == {"low": 7.9e-6, "nominal": None, "high": pytest.approx(773e-6)}
    assert content["boundaries"]["chip"]["energy_J"]["nominal"] is None
    assert content["boundaries"]["core_dynamic"]["energy_J"]["nominal"] > 0
    assert content["time_parts_s"]["in_and_out"] is None
    assert list(content["floorline"]) == ["cores_alone"] and content["measurability"] == []
    known = json.loads(price_chip(work()).to_json())
    assert known["not_predicted"] == [] and set(known["floorline"]) == {"with_host", "cores_alone"}


def test_pages_and_plots_have_bands_without_points():
    plt = pytest.importorskip("matplotlib.pyplot")
    cost = price_chip(work(), host_io="host")
    page = cost._repr_html_()
    assert not re.search(r"\bnan\b", page.lower()) and "not predicted" in page
    assert page.count('class="range"') == 5 and page.count('class="point"') == 1
    figure, axes = plt.subplots(1, 3)
    cost.plot(axes)
    bands = [line for line in axes[1].lines if line.get_linewidth() == 5]
    assert len(bands) == 5 and len(axes[1].lines[-1].get_xdata()) == 1
    assert "not predicted" in axes[2].get_title(loc="left")
    plt.close(figure)


def test_what_a_board_can_measure_hangs_on_it():
    cost = price_chip(work(), host_io="host")
    with pytest.raises(
        EnergyError, match="How often nahuku32 has to run it is not known: the time"
    ):
        cost.measurability("board")
    assert cost.measurability_sentence() == ""


def test_what_limits_a_step_hangs_on_it():
    cost = price_chip(work(), host_io="host")
    with pytest.raises(EnergyError, match=r"What limits a step is not known: the time.*host=False"):
        cost.floorline()
    assert cost.floorline(host=False) == price_chip(work(), host_io="none").floorline(host=False)
    # at the ends the time is known
    for level, step_s in (("low", 7.9e-6), ("high", 773e-6)):
        assert cost.floorline(level=level).step_s == pytest.approx(step_s)


@pytest.mark.parametrize("boundary", UNKNOWN[1:])
def test_who_needs_it_is_told_what_to_give(boundary):
    cost = price_chip(work(), host_io="host")
    cost.check_predicted("core dynamic")
    with pytest.raises(EnergyError, match=r"host_io=SECONDS.* boundary='core dynamic'"):
        cost.check_predicted(boundary)
    with pytest.raises(EnergyError, match="Not predicted: the time of a step"):
        cost.check_predicted()
    price_chip(work(), host_io=60e-6).check_predicted(boundary)


def test_a_range_tells_up_to_a_factor():
    assert Range(1.0, 2.0, 10.0).telling and not Range(1.0, 2.0, 10.1).telling
    assert Range(0.0, 0.0, 0.0).telling and not Range(0.0, 1.0, 2.0).telling
    assert Range(1.0, 2.0, 11.0).unless_too_wide().text("J") == "1.00 J to 11.0 J"
    assert Range(1.0, 2.0, 3.0).unless_too_wide() == Range(1.0, 2.0, 3.0)
