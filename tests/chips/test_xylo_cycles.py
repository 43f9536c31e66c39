"""Cycles of Xylo's steps against its vendor's own model, recorded by tools/xylo_recordings.py."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nengo_spikecost import chips
from nengo_spikecost.chips.network_parts import NetworkParts
from nengo_spikecost.chips.run_time import counted
from nengo_spikecost.chips.step_counts import StepSpikes

from .networks import chain

RECORDED = json.loads((Path(__file__).parent / "recordings" / "xylo_cycles.json").read_text())
CASES = {case["name"]: case for case in RECORDED["cases"]}
XYLOS = ("xylo_audio2", "xylo_audio3", "xylo_imu")
DT = RECORDED["about"]["dt"]

#: Networks whose hidden neurons all have as many targets, and are all read: there the vendor's mean
#: number of targets is that of every neuron.
EVEN = ("feedforward", "recurrent", "quiet")


def run_time(chip, case):
    """What the steps of a case take, with its recorded spikes."""
    net = chain(case["weights"], case["layers"])
    parts = NetworkParts.of(net)
    spikes = {key: np.asarray(value, dtype=bool)[None] for key, value in case["spikes"].items()}
    starts = np.concatenate([[0], np.cumsum(case["layers"])])
    fired = {
        f"layer{k}": spikes["hidden"][..., a:b] for k, (a, b) in enumerate(zip(starts, starts[1:]))
    }
    fired["output"] = spikes["output"]
    given = StepSpikes(parts, fired, {"input": spikes["input"]}, dt=DT)
    return counted(chips.get(chip), given)


@pytest.mark.parametrize("chip", XYLOS)
@pytest.mark.parametrize("name", CASES)
def test_the_worst_case_and_its_clock_are_the_vendors(chip, name):
    case, theirs = CASES[name], CASES[name]["cycles"][chip]
    found = run_time(chip, case)
    assert found.worst_step == theirs["worst"]
    assert found.worst_clock_Hz() == pytest.approx(theirs["clock_Hz"], rel=1e-12)
    net = chain(case["weights"], case["layers"])
    assert chips.worst_clock_Hz(chip, net, DT) == pytest.approx(theirs["clock_Hz"], rel=1e-12)


@pytest.mark.parametrize("chip", XYLOS)
@pytest.mark.parametrize("name", EVEN)
def test_every_step_is_the_vendors_where_neurons_are_alike(chip, name):
    theirs = CASES[name]["cycles"][chip]
    found = run_time(chip, CASES[name])
    # the vendor multiplies by shares of neurons, which are rounded
    np.testing.assert_allclose(found.steps[0], theirs["steps"], rtol=1e-12)
    assert found.steps.mean() == pytest.approx(theirs["mean"], rel=1e-12)


@pytest.mark.parametrize("chip", XYLOS)
@pytest.mark.parametrize("name", CASES)
def test_elsewhere_the_difference_is_that_of_the_mean_number_of_targets(chip, name):
    case, theirs = CASES[name], CASES[name]["cycles"][chip]
    hidden, readout = (np.asarray(case["weights"][key]) != 0 for key in ("hidden", "readout"))
    fired = np.asarray(case["spikes"]["hidden"])
    targets, share = hidden.sum(axis=1), fired.mean(axis=1)
    less = 7 * (fired @ targets - targets.mean() * fired.sum(axis=1))
    if chip != "xylo_audio2":
        read = readout.any(axis=1)
        less = less + (1 + 8 * readout.shape[1]) * (fired @ read - read.sum() * share)
    # of the vendor's shares, as above
    np.testing.assert_allclose(run_time(chip, case).steps[0] - less, theirs["steps"], rtol=1e-12)


def test_the_network_that_the_vendor_ran_in_real_time_fits_and_its_clock_is_enough():
    """16-63-63-63-4 at steps of 9.994 ms on XyloAudio 3 at 12.5 MHz, which heard all its sounds."""
    layers, n = (63, 63, 63), 189
    weights = {"input": np.zeros((16, n)), "hidden": np.zeros((n, n)), "readout": np.zeros((n, 4))}
    weights["input"][:, :63] = 1
    weights["hidden"][:63, 63:126] = weights["hidden"][63:126, 126:] = 1
    weights["readout"][126:] = 1
    net = chain(weights, layers)
    assert chips.fit("xylo_audio3", net).fits
    # 65,962 cycles a step in the worst case: by hand from the vendor's model
    assert chips.worst_clock_Hz("xylo_audio3", net, 9.994e-3, margin=0) == pytest.approx(
        6.6e6, rel=0.001
    )
    assert chips.worst_clock_Hz("xylo_audio3", net, 9.994e-3) < 12.5e6


def test_the_example_that_the_vendor_printed():
    """757 cycles, of which the residual's copies of spikes, which no network here has, take 16."""
    assert run_time("xylo_imu", CASES["intro"]).worst_step == 757 - 16
