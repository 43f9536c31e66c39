"""How often a board has to run a network, against the noise of boards drawn at random."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from nengo_spikecost.energy.device import Constant
from nengo_spikecost.energy.loihi_chip import (
    BoardNoise,
    ChipWork,
    price_chip,
    read_chip_file,
    shipped_chip,
    told_apart,
)
from nengo_spikecost.energy.loihi_chip.measurability import MAX_RUNS, runs_needed, sentence_of
from nengo_spikecost.errors import EnergyError

from .works import property_test

MW = 1e-3


def noise(between=2.0, degrees=4, offset=0.0, **others):
    offsets = {"core dynamic": Constant(offset * MW, unit="W")}
    return BoardNoise(
        boundaries=("core dynamic",), between_runs=Constant(between * MW, unit="W"),
        degrees=degrees, offsets=offsets, **others,
    )  # fmt: skip


def cost_of(power_mW, board_noise, n_steps=40):
    """A cost whose cores take so much power for 1 ms, on a board with this noise."""
    board = replace(shipped_chip().boards["nahuku32"], noise=board_noise)
    synops = round(power_mW * MW * 1e-3 / 35.5e-12)
    work = ChipWork.by_hand(n_cores=128, n_compartments=0, n_steps=n_steps, synops=synops)
    cost = price_chip(work, board=board, host_io=1e-3 / n_steps)
    assert cost.power_W("core dynamic").nominal == pytest.approx(power_mW * MW, rel=1e-3)
    return cost


def measured(rng, power, runs, between, offset, presentations, within=0.0, interval=1.0):
    """The mean power of some runs; each is the mean of its readings, and off by its own error."""
    readings = max(1, int(presentations * 1e-3 / interval))
    own = rng.normal(0, between, runs)
    read = rng.normal(0, within / np.sqrt(readings), runs)
    return power + offset + (own + read).mean()


def test_longer_runs_help_only_until_readings_are_averaged():
    """At the presentations that are told, readings add less than a tenth of the variance."""
    rng = np.random.RandomState(1)
    board = noise(1.0, 9, within_run=Constant(20 * MW, unit="W"), interval=Constant(5e-3, unit="s"))
    found = cost_of(30.0, board).measurability(error=0.1)
    assert found.presentations == pytest.approx(20**2 * 5 / 0.1, rel=1e-6)

    def spread(presentations):
        runs = [measured(rng, 0, 1, 1.0, 0.0, presentations, 20.0, 5e-3) for _ in range(20_000)]
        return np.std(runs)

    assert spread(found.presentations) < np.sqrt(1.1) * 1.02
    assert spread(found.presentations // 20) > 1.3
    assert spread(10 * found.presentations) > 0.98


def test_no_number_of_runs_takes_an_offset_away():
    found = cost_of(10.0, noise(offset=1.5)).measurability(error=0.1)
    assert found.runs is None and not found.can_be_measured
    assert found.error_after(10**9) == pytest.approx(0.15, rel=1e-3)
    assert (
        found.sentence()
        == "core dynamic 10.0 mW never, however often it runs (readings may be off by 1.50 mW)"
    )
    assert cost_of(10.0, noise(offset=1.5)).measurability(error=0.2).can_be_measured
    rng = np.random.RandomState(2)
    means = [measured(rng, 10.0, 10_000, 2.0, 1.5, 1) for _ in range(100)]
    assert not any(abs(m - 10.0) <= 1.0 for m in means)


@property_test
@given(
    st.floats(0.1, 1000), st.floats(0.01, 0.5), st.floats(0.01, 50), st.floats(0, 20),
    st.floats(0.5, 0.999), st.integers(1, 40),
)  # fmt: skip
def test_one_run_less_is_too_few(power, error, between, offset, confidence, degrees):
    """By the distribution itself, with all runs off to one side by as much as they may be."""
    runs = runs_needed(power, error, between, offset, confidence, degrees)

    def inside(n):
        ends = np.array([-1, 1]) * error * power - offset
        low, high = student.cdf(ends * np.sqrt(n) / between, degrees)
        return high - low

    if runs is None:
        assert error * power <= offset or inside(MAX_RUNS) < confidence + 1e-9
        return
    assert inside(runs) >= confidence - 1e-9
    assert runs == 1 or inside(runs - 1) < confidence + 1e-9


@pytest.mark.parametrize("power, between, offset, degrees, error, confidence", [
    (10.0, 2.0, 0.0, 4, 0.1, 0.95), (10.0, 2.0, 0.8, 4, 0.1, 0.95),
    (30.0, 4.43, 0.0, 4, 0.05, 0.9), (5.0, 1.0, 0.2, 18, 0.1, 0.8), (8.0, 3.0, 0.0, 2, 0.1, 0.7),
])  # fmt: skip
def test_that_many_runs_reach_the_confidence_and_one_less_does_not(
    power, between, offset, degrees, error, confidence
):
    """The board's noise is known from a few repeats, which are drawn anew each time."""
    rng = np.random.RandomState(0)
    n, grid = 40_000, {}
    spread = between * np.sqrt(rng.chisquare(degrees, n) / degrees)
    runs = np.empty(n)
    for k, own in enumerate(spread):
        key = round(float(own), 2)  # a hundredth of a mW is a few runs in a hundred
        if key not in grid:
            grid[key] = runs_needed(power, error, key, offset, confidence, degrees) or np.inf
        runs[k] = grid[key]
    draws = rng.normal(0, 1, n)

    def inside(of_runs):
        means = offset + between * draws / np.sqrt(of_runs)
        return np.mean(np.abs(means) <= error * power)

    doubt = 3 * np.sqrt(confidence * (1 - confidence) / n)
    assert inside(runs) >= confidence - doubt
    # of a single run none can be left out
    several = runs > 1
    fewer = np.where(several, runs - 1, runs)
    assert several.mean() > 0.9
    assert inside(fewer) <= confidence + doubt
    # one less is near, not far: no more is asked for than is needed
    assert inside(fewer) >= confidence - 0.06


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.9])
def test_the_error_after_the_runs_that_are_needed_is_the_one_asked_for(offset):
    found = cost_of(10.0, noise(offset=offset)).measurability(error=0.1)
    assert found.error_after(found.runs) <= 0.1 < found.error_after(found.runs - 1)
    errors = [found.error_after(n) for n in (1, 10, 1000, 10**9)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == pytest.approx(offset / 10, abs=1e-4)


def told(first_mW, second_mW, board_noise, **options):
    return told_apart(cost_of(first_mW, board_noise), cost_of(second_mW, board_noise), **options)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("same_offset", [False, True])
def test_which_of_two_networks_takes_less(confidence, same_offset):
    """Means of so many runs are in the true order as often as is asked; of fewer, they are not."""
    own = noise(between=2.0, degrees=6, offset=0.2)
    first, second = cost_of(10.0, own), cost_of(11.5, own)
    found = told_apart(first, second, confidence=confidence, same_offset=same_offset)
    assert found.difference == pytest.approx(1.5e-6, rel=1e-2) and found.can_be_told
    # both take 1 ms: an offset of both alike is gone from the difference
    assert found.offset == pytest.approx(0.0 if same_offset else 0.4e-6, abs=1e-15)
    rng = np.random.RandomState(3)
    n = 40_000
    spread = 2.0 * np.sqrt(rng.chisquare(6, n) / 6)
    grid = {
        key: told_apart(
            first, second, confidence=confidence, same_offset=same_offset,
            board=replace(first.board, noise=noise(key, 6, 0.2)),
        ).runs
        for key in np.linspace(0.2, 8, 200)
    }  # fmt: skip
    keys = np.array([*grid])
    runs = np.array([*grid.values()])[np.clip(np.searchsorted(keys, spread), 0, 199)]
    errors = rng.normal(0, 2.0, (2, n))
    off = 0.0 if same_offset else 0.4

    def right(of_runs):
        return np.mean(1.5 - off + (errors[0] - errors[1]) / np.sqrt(of_runs) > 0)

    assert right(runs) >= confidence - 0.01
    assert right(np.maximum(runs * 0.8, 1)) < confidence + 0.015


def test_two_networks_that_can_not_be_told_apart():
    own = noise(between=2.0, offset=1.0)
    same = told(10.0, 10.0, own)
    assert same.runs is None and same.sentence().endswith("no number of runs (they take the same)")
    near = told(10.0, 10.5, own)
    assert near.runs is None and "may be off by 2.00 uJ in all runs alike" in near.sentence()
    alike = told(10.0, 10.5, own, same_offset=True)
    assert alike.runs > 1 and alike.offset == pytest.approx(0, abs=1e-12)
    assert f"{alike.runs} runs of each" in alike.sentence()
    tiny = told(10.0, 10.001, noise(between=40.0))
    assert tiny.runs is None and "more than 1,000,000 are needed" in tiny.sentence()
    # whichever is named first
    there, back = told(10.0, 14.0, own), told(14.0, 10.0, own)
    assert there.runs == back.runs and there.difference == -back.difference


def test_of_two_networks_there_is_a_table_a_frame_and_json():
    own = noise(between=2.0, offset=0.1)
    found = told(10.0, 14.0, own)
    text = " ".join(found.summary_string().split())
    assert text.startswith(f"to tell {found.sentence()}") and "second 14.0 uJ" in text
    content = json.loads(found.to_json())
    assert content["runs"] == found.runs > 1
    assert content["difference"] == pytest.approx(4e-6, rel=1e-3)
    assert content["deviation"] == pytest.approx(np.sqrt(2) * 2e-6, rel=1e-6)
    assert content["offset"] == pytest.approx(2 * 0.1e-6, rel=1e-6)
    for network, amount in zip(content["networks"], found.amounts):
        assert [network[end] for end in ("low", "nominal", "high")] == [*amount]
        assert network["unit"] == "J"
    frame = found.to_frame()
    assert list(frame.index) == ["first", "second"] and set(frame["runs"]) == {found.runs}
    never = told(10.0, 10.0, own)
    assert json.loads(never.to_json())["runs"] is None
    assert [row.split(",")[-1] for row in never.to_csv().splitlines()] == ["runs", "", ""]


@pytest.mark.parametrize("options, words", [
    ({"boundary": "chip"}, "boundary 'chip' is not read on nahuku32"),
    ({"boundary": "roof"}, "boundary must be one of"),
    ({"confidence": 1}, "confidence must be above 0 and below 1, not 1"),
    ({"board": "pohoiki_springs"}, "no repeats of a measurement are published"),
    ({"same_offset": 1}, "same_offset must be True or False"),
])  # fmt: skip
def test_arguments_of_two_networks(options, words):
    with pytest.raises(EnergyError, match=words):
        told(10.0, 11.0, noise(), **options)
    with pytest.raises(EnergyError, match="must be a ChipCost"):
        told_apart(cost_of(10.0, noise()), 3.0)


@pytest.mark.parametrize("share", [
    {"error": 1e-300}, {"error": 1e-12}, {"confidence": 1 - 1e-16}, {"confidence": 1 - 1e-15},
])  # fmt: skip
def test_shares_next_to_the_ends_have_an_answer(share):
    """Neither an overflow, nor a number of runs that nobody makes."""
    found = cost_of(10.0, noise(between=2.0)).measurability(**share)
    assert found.sentence() == (
        "core dynamic 10.0 mW never, however often it runs (more than 1,000,000 runs are needed, "
        "as runs differ by 2.00 mW)"
    )
    assert cost_of(10.0, noise()).measurability(error=1 - 1e-12, confidence=1e-12).runs == 1


def test_a_million_runs_are_the_most():
    quantile_of_half = student.ppf(0.75, 3)
    between = 2.0
    left = quantile_of_half * between / 1000
    assert runs_needed(left / 0.1, 0.1, between * (1 - 1e-9), 0.0, 0.5, 3) == 1_000_000
    assert runs_needed(left / 0.1, 0.1, between * 1.000001, 0.0, 0.5, 3) is None


def test_silent_cores_have_nothing_to_measure():
    found = cost_of(0.0, noise()).measurability()
    assert (
        found.sentence()
        == "core dynamic 0 W never, however often it runs (there is nothing to measure)"
    )
    assert (found.runs, found.error_after(7)) == (None, np.inf)


@settings(property_test, max_examples=20)
@given(st.integers(1, 3000), st.integers(1, 500))
def test_a_run_is_as_long_as_those_that_the_noise_is_of(run_steps, n_steps):
    found = cost_of(10.0, noise(run_steps=run_steps), n_steps).measurability()
    assert (found.presentations - 1) * n_steps < run_steps <= found.presentations * n_steps
    timed = noise(run=Constant(0.5, unit="s"))
    assert cost_of(10.0, timed, n_steps).measurability().presentations == 500


def test_the_range_of_the_power():
    found = cost_of(12.0, noise(offset=1.0)).measurability(error=0.1)
    power = found.power_W
    assert power.low < power.nominal < power.high
    assert found.runs == runs_needed(power.nominal, 0.1, 2 * MW, 1 * MW, 0.95, 4)
    assert found.runs_at_low == runs_needed(min(power), 0.1, 2 * MW, 1 * MW, 0.95, 4)


def test_what_is_shipped_is_what_was_published():
    """The standard deviations, from the numbers that the sources have."""
    boards = shipped_chip().boards
    idle = [939.3363636363637, 937.9130434782608, 946.6637931034483, 945.8220338983051,
            937.5611510791367]  # fmt: skip
    nahuku = boards["nahuku32"].noise
    assert nahuku.between_runs.value == pytest.approx(np.std(idle, ddof=1) * MW, rel=2e-3)
    assert nahuku.degrees == len(idle) - 1
    read = [6.059, 3.459, 2.801, -2.334]
    half = (max(read) - min(read)) / 2 * MW
    assert nahuku.offsets["core dynamic"].value == pytest.approx(half, rel=2e-3)
    # running less idle in mW of each run: keyword spotting, then seven sizes of another network
    networks = [
        [80.74, 80.73, 80.39, 80.28, 80.40], [78.01, 77.90, 77.96], [78.08, 78.18, 78.31],
        [80.54, 80.37, 80.50], [83.78, 83.67, 84.08], [87.65, 88.03, 87.69],
        [91.11, 91.75, 91.47], [95.19, 95.14, 95.53],
    ]  # fmt: skip
    wolf = boards["wolf_mountain"].noise
    assert wolf.degrees == sum(len(runs) - 1 for runs in networks)
    squares = sum(np.var(runs) * len(runs) for runs in networks)
    expected = np.sqrt(squares / wolf.degrees) * MW
    assert wolf.between_runs.value == pytest.approx(expected, rel=5e-3)


def demo_like(**options):
    work = ChipWork.by_hand(
        n_cores=11, n_compartments=7812, n_steps=40, synops={"conv": 735_000, "dense": 148_000},
        spikes=5271, active_share=0.4, messages=11_500, host_to_chip=2948,
    )  # fmt: skip
    return price_chip(work, **options)


def test_a_small_network_on_two_boards(tmp_path):
    """Its cores are below what probes are off by; a board's power is not."""
    nahuku = demo_like()
    core = nahuku.measurability()
    assert not core.can_be_measured and core.boundary == "core dynamic"
    assert nahuku.measurability("board").runs == 1
    assert nahuku.measurability("board").presentations == 60
    wolf = demo_like(board="wolf_mountain")
    assert wolf.measurability("total dynamic").runs == 1
    assert not wolf.measurability("core dynamic").can_be_measured
    assert nahuku.measurability("total dynamic", board="wolf_mountain") == (
        wolf.measurability("total dynamic")
    )
    text = " ".join(nahuku.summary_string().split())
    assert nahuku.measurability_sentence() in text
    assert "within 10% at 95% confidence on nahuku32: core dynamic" in text
    assert " mW and total dynamic " in text and text.count("never, however often it runs") == 1
    content = json.loads(nahuku.to_json())["measurability"]
    assert [entry["boundary"] for entry in content] == ["core dynamic", "total dynamic", "board"]
    assert content[0]["runs"] is None and content[2]["runs"] == 1


def test_powers_that_need_the_same_runs_are_named_together():
    one = cost_of(10.0, noise()).measurability(error=1 - 1e-12, confidence=1e-12)
    other = replace(one, boundary="board", runs=None, between_runs_W=2 * MW)
    words = ["core dynamic 10.0 mW"] * 3
    for names in ("{}", "{} and {}", "{}, {} and {}"):
        n = names.count("{}")
        said = sentence_of([one] * n + [other])
        assert said.startswith(f"{names.format(*words)} in 1 run of ")
        assert said.endswith(f"; {other.sentence()}")


def test_boards_without_repeats_say_so():
    cost = demo_like(board="pohoiki_springs")
    assert cost.measurability_sentence() == ""
    assert cost.to_dict()["measurability"] == []
    with pytest.raises(EnergyError, match="no repeats of a measurement are published"):
        cost.measurability()


@pytest.mark.parametrize("arguments, words", [
    ({"boundary": "cores"}, "boundary must be one of"),
    ({"boundary": "chip"}, "boundary 'chip' is not read on nahuku32; there are 'core dynamic'"),
    ({"board": "mine"}, "board must be one of 'nahuku32'"),
    ({"error": 0}, "error must be above 0 and below 1, not 0"),
    ({"error": "10%"}, "error must be between 0 and 1, not '10%'"),
    ({"confidence": 1.0}, "confidence must be above 0 and below 1"),
])  # fmt: skip
def test_arguments(arguments, words):
    with pytest.raises(EnergyError, match=words):
        demo_like().measurability(**arguments)
    with pytest.raises(EnergyError, match="runs must be"):
        demo_like().measurability("board").error_after(0)


@pytest.mark.parametrize("changes, words", [
    ({"degrees": 0}, "degrees must be a whole number from 1, not 0"),
    ({"interval": Constant(1.0, unit="s")}, "within_run and interval go together"),
    ({"boundaries": ("cores",)}, "a boundary must be one of 'core dynamic'"),
    ({"boundaries": ()}, "boundaries must name what the board reads"),
    ({"between_runs": Constant(0.0, unit="W")}, "between_runs must be above 0"),
])  # fmt: skip
def test_noise_is_checked(changes, words):
    with pytest.raises(EnergyError, match=words):
        replace(noise(), **changes)


def test_noise_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    text = """
    [boards.mine]
    n_chips = 1
    powers = {}
    [boards.mine.noise]
    boundaries = ["board"]
    degrees = 9
    between_runs = {W = 1e-3, source = "mine"}
    """
    path.write_text(text)
    found = read_chip_file(path).boards["mine"].noise
    assert (found.boundaries, found.degrees, found.between_runs.value) == (("board",), 9, 1e-3)
    path.write_text(text.replace("degrees = 9", "degrees = 0"))
    with pytest.raises(EnergyError, match=r"boards.mine in .*: noise: degrees must"):
        read_chip_file(path)
    path.write_text(text.replace("degrees", "repeats"))
    with pytest.raises(EnergyError, match=r"boards.mine in .*: noise"):
        read_chip_file(path)
