"""Tables, records and plots of a chip's cost: what they show is what was priced."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings

from nengo_spikecost.energy.loihi_chip import CORE_PARTS, ChipWork, price_chip
from nengo_spikecost.errors import DataError, EnergyError
from tests.energy.loihi_chip.works import property_test, works


@pytest.fixture
def cost():
    work = ChipWork.by_hand(
        n_cores=3,
        n_compartments=800,
        n_steps=20,
        synops={"dense": 40_000, "conv": 100_000},
        spikes=900,
        messages=1_300,
        host_to_chip=50,
        layer="[conv]",
    )
    return price_chip(work, "davies2018")


def test_summary_says_what_it_is(cost):
    text = cost.summary_string()
    for words in (
        "Loihi, 3 cores on 1 chip, profile davies2018, board nahuku32",
        "core dynamic",
        "total dynamic",
        "[conv]_2",
        "Not priced: the energy and the time of spikes, output axons, input axons",
        "Latency is at least this",
        "x86 (spikes go in through the embedded x86, one by one), which sets the time of a step",
    ):
        assert words in " ".join(text.replace("\n  ", " ").split("\n")), words
    assert str(cost) == text


@settings(property_test, max_examples=15)
@given(works())
def test_any_cost_can_be_shown(work):
    cost = price_chip(work)
    for width in (60, 98):
        assert all(len(line) <= width for line in cost.summary_string(width).split("\n"))
    assert json.loads(cost.to_json())["format"] == "nengo-spikecost/loihi-chip/3"


def test_cores_are_left_out_where_they_are_many():
    work = ChipWork.by_hand(n_cores=200, n_compartments=2000, n_steps=5, synops=100)
    cost = price_chip(work)
    assert "network_7 " not in cost.summary_string()
    assert "network_7 " in cost.summary_string(cores=True)


def test_frames_and_files(cost, tmp_path):
    cores, layers = cost.to_frame(), cost.to_frame("layers")
    assert list(cores.index) == ["[conv]_0", "[conv]_1", "[conv]_2"]
    assert layers.loc["[conv]", "energy_J"] == pytest.approx(cores["energy_J"].sum())
    priced = [f"{key}_J" for key in CORE_PARTS if f"{key}_J" in cores]
    assert cores[priced].to_numpy().sum() == pytest.approx(cost.energy_J("core dynamic").nominal)
    cost.to_csv(tmp_path / "cores.csv")
    assert (tmp_path / "cores.csv").read_text().count("\n") == 4
    text = cost.to_json(tmp_path / "cost.json")
    assert (tmp_path / "cost.json").read_text() == text
    found = json.loads(text)
    assert found["boundaries"]["chip"]["energy_J"]["nominal"] == cost.energy_J().nominal
    synop = found["constants"]["profile"]["energies"]["synop_dense"]
    assert (synop["value"], synop["evidence"], synop["year"]) == (2.36e-11, "simulated", 2018)
    with pytest.raises(DataError):
        cost.to_json(tmp_path / "missing" / "cost.json")
    with pytest.raises(EnergyError, match="rows must be one of 'cores', 'layers', not 'chips'"):
        cost.to_frame("chips")


def test_constants_have_their_sources(cost):
    text = cost.constants_string()
    assert "synop dense       23.6 pJ      23.6 to 35.5 pJ  simulated  2018  [1]" in text
    assert "78.1 to 178 mW" in text and "4.90 to 6.90 us" in text and "0.685 to 0.967" in text
    assert "IEEE Micro 38(1), 2018, Table 2" in " ".join(text.split())
    assert all(len(line) <= 98 for line in text.split("\n"))


def test_plots(cost):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = cost.plot()
    layer = cost.layers[0]
    drawn = sum(patch.get_width() for patch in panels[0].patches)
    assert drawn == pytest.approx(layer.energy_J.nominal)
    assert panels[1].get_xscale() == "log"
    step = sum(patch.get_width() for patch in panels[2].patches)
    assert step == pytest.approx(cost.step_s.nominal)
    with pytest.raises(EnergyError, match="axes must be 3 Axes of matplotlib"):
        cost.plot(np.array([panels[0]]))
    pyplot.close("all")
