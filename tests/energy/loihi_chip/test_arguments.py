"""Wrong options of `chip_cost` are refused by name."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from nengo_spikecost.energy.loihi_chip import ChipWork, price_chip
from nengo_spikecost.errors import EnergyError
from nengo_spikecost.loihi import chip_cost

WORK = ChipWork.by_hand(n_cores=2, n_compartments=1500, n_steps=10, synops=1e6)


@pytest.mark.parametrize("wrong", ["often", float("nan"), -0.1, 2])
def test_share_of_time_of_the_x86(wrong):
    with pytest.raises(EnergyError, match="x86_active must be between 0 and 1"):
        price_chip(WORK, x86_active=wrong)


@pytest.mark.parametrize("wrong", [(0, 1), (), [0.1, 0.2, 0.3], (0.1, 0.2, 0.3, 0.4)])
def test_ends_of_the_share_are_three(wrong):
    with pytest.raises(EnergyError, match=r"x86_active must be a share.*\(low, nominal, high\)"):
        price_chip(WORK, x86_active=wrong)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1e-9, np.float32("nan")])
def test_seconds_that_are_none(wrong):
    with pytest.raises(EnergyError, match="host_io must be a finite number of at least 0"):
        price_chip(WORK, host_io=wrong)


@pytest.mark.parametrize("wrong", ["usb", True, [60e-6]])
def test_a_way_in_that_there_is_not(wrong):
    with pytest.raises(EnergyError, match="'none', seconds a step or a HostIO, not"):
        price_chip(WORK, host_io=wrong)


@pytest.mark.parametrize(
    "given, ends", [(0, (0, 0, 0)), (1, (1, 1, 1)), ((0, 0.5, 1), (0, 0.5, 1))]
)
def test_the_share_is_shown_and_adds_up(given, ends):
    """6 mW while code runs, whatever goes in and out; it is in words, JSON and constants."""
    cost = price_chip(WORK, x86_active=given, host_io=1e-4)
    for price, share in zip((cost.low, cost.nominal, cost.high), ends):
        assert price.powers_W["x86 code"][0] == pytest.approx(6.0e-3 * share)
        parts = price.board_J()
        total = price.core_total_J().sum() + parts["x86 clock"][0] + parts["x86 code"][0]
        assert price.energy_J("total dynamic")[0] == pytest.approx(total)
    said = f"The x86 runs code for {ends[1]:.0%}"
    assert said in " ".join(cost.summary_string().split())
    assert "of the time, as given." in " ".join(cost.summary_string().split())
    found = json.loads(cost.to_json())["constants"]["x86_active"]
    assert found["value"] == ends[1] and found["of_all_time"]
    assert "Share of the time that the x86 runs code" in cost.constants_string()
    assert said.split("for ")[1] in " ".join(cost.to_html().split())


def test_a_share_of_the_time_of_input_and_output():
    text = " ".join(price_chip(WORK, host_io="host").summary_string().split())
    assert "The x86 runs code for 82% (68% to 97%) of the time that input and output take." in text
    # nothing runs on it
    assert "runs code" not in price_chip(WORK, host_io="none").summary_string()


def test_a_given_time_of_a_step_may_be_a_number_of_numpy():
    expected = price_chip(WORK, host_io=0.25)
    assert price_chip(WORK, host_io=np.float32(0.25)).latency_s == expected.latency_s


@pytest.mark.parametrize("wrong", [3, "greedy"])
def test_what_is_no_mapping_is_refused(wrong):
    with pytest.raises(EnergyError, match=r"mapping must be a Mapping.*Deployment\.mapping"):
        chip_cost(SimpleNamespace(protocol=None), mapping=wrong)
