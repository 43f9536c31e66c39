"""Energies of a chip's work: the published constants, multiplied out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nengo_spikecost.energy.device import Constant
from nengo_spikecost.energy.loihi_chip import (
    BOUNDARIES,
    ChipOptions,
    ChipWork,
    price_chip,
    read_chip_file,
    shipped_chip,
)
from nengo_spikecost.energy.loihi_chip.shown.chip_tables import notes
from nengo_spikecost.errors import EnergyError

from .works import property_test, works

PROFILES = ("davies2018", "silicon")
LEVELS = ("low", "nominal", "high")
BOARDS = ("nahuku32", "nahuku32_from_boot", "wolf_mountain", "pohoiki_springs")

# 3 cores: 300 + 300 + 200 compartments, 20 steps
BY_HAND = {
    "n_cores": 3,
    "n_compartments": 800,
    "n_steps": 20,
    "synops": {"dense": 40_000, "sparse": 7_000, "conv": 100_000},
    "spikes": 900,
    "active_share": 0.3125,  # 5,000 of 16,000 updates
    "messages": 1_300,
    "hops": (600, 250),
}


def nominal(cost, part):
    return cost.parts_J[part].nominal


def test_davies_by_hand():
    """Davies et al. 2018, Table 2: 23.6 pJ a synop, 52 or 81 pJ an update, never both."""
    cost = price_chip(ChipWork.by_hand(**BY_HAND), "davies2018")
    assert nominal(cost, "synop_dense") == pytest.approx(40_000 * 23.6e-12)
    assert nominal(cost, "synop_sparse") == pytest.approx(7_000 * 23.6e-12)
    assert nominal(cost, "synop_conv") == pytest.approx(100_000 * 23.6e-12)
    updates = nominal(cost, "access") + nominal(cost, "update")
    assert updates == pytest.approx(5_000 * 81e-12 + (800 * 20 - 5_000) * 52e-12)
    assert nominal(cost, "message") == pytest.approx(1_300 * 1.7e-12)
    assert nominal(cost, "hop") == pytest.approx(600 * 3.0e-12 + 250 * 4.0e-12)
    assert nominal(cost, "spike") == 0
    # all inactive at the low end: which of those with something to do are active is not said
    ends = [
        147_000 * 23.6e-12 + 16_000 * 52e-12,
        40_000 * 35.5e-12 + 7_000 * 33.6e-12 + 100_000 * 24e-12 + updates,
    ]
    rest = nominal(cost, "message") + nominal(cost, "hop")
    found = cost.energy_J("core dynamic")
    assert [found.low, found.high] == pytest.approx([end + rest for end in ends])


def test_silicon_by_hand():
    """SANA-FE's arch/loihi.yaml."""
    cost = price_chip(ChipWork.by_hand(**BY_HAND), "silicon")
    expected = {
        "synop_dense": 40_000 * 35.5e-12,
        "synop_sparse": 7_000 * 33.6e-12,
        "synop_conv": 100_000 * 24.0e-12,
        "access": 800 * 20 * 51.2e-12,
        "update": 5_000 * 21.6e-12,
        "spike": 900 * 69.3e-12,
        "message": 1_300 * 111e-12,
        "axon_event": 0,
        "hop": 600 * 3.0e-12 + 250 * 4.2e-12,
    }
    assert {key: nominal(cost, key) for key in expected} == pytest.approx(expected)
    assert cost.energy_J("core dynamic").nominal == pytest.approx(sum(expected.values()))


def test_the_ends_of_silicon_are_those_that_boards_have():
    """0.43 to 1.31: of a chip whose active updates are known nothing else is unknown."""
    work = ChipWork.by_hand(**{**BY_HAND, "active_share": 1.0, "hops": (0, 0)})
    low, value, high = price_chip(work, "silicon").energy_J("core dynamic")
    assert low / value == pytest.approx(1 - 0.57)
    assert high / value == pytest.approx(1 + 0.31)


@pytest.mark.parametrize("wrong", ["[0.1]", "[0.1, 0.2, 0.3]", "[1.5, 0.2]", "-0.1", "true", "'x'"])
def test_an_error_of_a_profile_that_is_none(tmp_path, wrong):
    path = tmp_path / "chip.toml"
    path.write_text(
        f"[profiles.mine]\nenergy_error = {wrong}\n[profiles.mine.energy]\nspike = 1e-12\n"
        "[profiles.mine.time]\n[profiles.mine.sync]\npoints = [[1, 1e-6]]\n"
    )
    with pytest.raises(EnergyError, match="energy_error must be a share, or"):
        read_chip_file(path)
    path.write_text(path.read_text().replace(wrong, "[0.5, 0.25]", 1))
    spike = read_chip_file(path).profiles["mine"].energies["spike"]
    assert (spike.low, spike.high) == pytest.approx((0.5e-12, 1.25e-12))


def test_updates_that_are_not_known_have_a_range():
    """At least those that fire are active, at most all; nominally half of the others."""
    unknown = {key: value for key, value in BY_HAND.items() if key != "active_share"}
    work = ChipWork.by_hand(**unknown)
    shares = [900 / 16_000, (1 + 900 / 16_000) / 2, 1.0]
    assert [work.active_share(level) for level in LEVELS] == pytest.approx(shares)
    found = price_chip(work, "silicon")
    for level, share in zip(LEVELS, shares):
        known = price_chip(ChipWork.by_hand(**{**BY_HAND, "active_share": share}), "silicon")
        expected = getattr(known.energy_J("core dynamic"), level)
        assert getattr(found.energy_J("core dynamic"), level) == pytest.approx(expected)
    assert any("Active updates are not known: 53% (5.6% to 100%)" in note for note in notes(found))
    assert not any(
        "Active updates" in note for note in notes(price_chip(ChipWork.by_hand(**BY_HAND)))
    )


def test_silence_leaves_what_a_bias_keeps_active():
    """Twice the spikes: twice the updates that they make active, at most all."""
    work = ChipWork.by_hand(**BY_HAND)
    biased = replace(work, biased=np.array([50, 20, 0]))
    np.testing.assert_array_equal(biased.with_spikes(0).active, [[1000, 400, 0]])
    driven = work.active - [[1000, 400, 0]]
    np.testing.assert_allclose(biased.with_spikes(2).active, [[1000, 400, 0]] + 2 * driven)
    assert (biased.with_spikes(99).active == work.updates).all()
    longer = biased.for_presentation(40, 0.001)
    np.testing.assert_allclose(longer.active, 2 * work.active)
    np.testing.assert_allclose(longer.active_at("high"), 2 * work.active)


@pytest.mark.parametrize("synops, published_J", [(5.12e7, 1.448e-3), (5.76e7, 1.599e-3)])
def test_nearest_neighbours_of_frady_2020(synops, published_J):
    """76,800 neurons, 60 steps: 23.6 pJ and 52 pJ make 1.448 to 1.599 mJ a query."""
    work = ChipWork.by_hand(
        n_cores=32 * 128,
        n_compartments=76_800,
        n_steps=60,
        synops=synops,
        n_chips=32,
        active_share=0,
    )
    assert price_chip(work, "davies2018").energy_J("core dynamic").nominal == pytest.approx(
        published_J, abs=0.5e-6
    )


def test_powers_by_hand():
    """NxSDK's own formula: latency x (static of used cores + 18 mW a chip + 6 mW x active)."""
    work = ChipWork.by_hand(**{**BY_HAND, "n_chips": 2})
    cost = price_chip(work, host_io=1e-3, x86_active=0.25)
    latency = 20 * 1e-3  # a given time of a step, far longer than the cores need
    assert cost.latency_s.nominal == pytest.approx(latency)
    core, dynamic, used, chip, board = (r.nominal for r in cost.boundaries.values())
    assert dynamic - core == pytest.approx(latency * (2 * 18.0e-3 + 0.25 * 6.0e-3))
    assert used - dynamic == pytest.approx(latency * 3 * 0.474e-3)
    # what a chip in use draws has that of its cores in it
    assert chip - dynamic == pytest.approx(latency * 2 * 78.1e-3)
    assert board - chip == pytest.approx(latency * 30 * 27.3e-3)
    assert cost.power_W("board").nominal == pytest.approx(board / latency)
    assert cost.edp_Js("chip").nominal == pytest.approx(chip * latency)
    assert cost.inferences_per_s.nominal == pytest.approx(50)


def test_static_power_of_a_nahuku_board_as_it_was_measured():
    """Idle 941.5 (mean of five runs) and 1,973.7 mW, less 18 mW for each x86 that NxSDK counted."""
    for cores, chips, clocks, measured_W in ((11, 1, 1, 0.94146), (1753, 16, 14, 1.97367)):
        work = ChipWork.by_hand(
            n_cores=cores, n_compartments=cores, n_steps=1, synops=0, n_chips=chips
        )
        cost = price_chip(work)
        static = ("static chips", "static cores", "other chips")
        power = sum(cost.parts_J[key].nominal for key in static) / cost.latency_s.nominal
        idle_W = (
            power + cost.power_W("total dynamic").nominal - cost.power_W("core dynamic").nominal
        )
        assert idle_W == pytest.approx(measured_W, rel=1e-3)
        assert measured_W - 0.018 * clocks == pytest.approx(power, rel=0.03)


def test_a_chip_in_use_draws_the_same_on_both_ways_to_read_its_board():
    """Dynamic power differs, and that of the board does not; Wolf Mountain's own is near."""
    work = ChipWork.by_hand(**BY_HAND)
    probes, supply, wolf = (
        price_chip(work, board=b, host_io=1e-3, x86_active=0.0)
        for b in ("nahuku32", "nahuku32_from_boot", "wolf_mountain")
    )
    assert supply.power_W("board").nominal == pytest.approx(probes.power_W("board").nominal)
    assert supply.power_W("chip").nominal == pytest.approx(probes.power_W("chip").nominal)
    more = (68.8e-3 - 18.0e-3) / probes.power_W("total dynamic").nominal
    ratio = supply.power_W("total dynamic").nominal / probes.power_W("total dynamic").nominal
    assert ratio == pytest.approx(1 + more)
    # idle after a run 99.65 mW on the board of Blouw et al., 96.1 mW here
    assert wolf.power_W("chip").nominal == pytest.approx(supply.power_W("chip").nominal, rel=0.05)


def test_a_used_chip_draws_no_less_than_one_that_is_not():
    powers = {
        key: Constant(w, unit="W") for key, w in (("static_chip", 2), ("static_used_chip", 1))
    }
    with pytest.raises(EnergyError, match="static_used_chip is below static_chip"):
        replace(shipped_chip().boards["nahuku32"], powers=powers)


@property_test
@given(works(), st.sampled_from(PROFILES), st.sampled_from(BOARDS))
def test_sums_and_order(work, profile, board):
    cost = price_chip(work, profile, board=board)
    for end in ("low", "nominal", "high"):
        total = getattr(cost.energy_J("core dynamic"), end)
        for parts in (cost.cores, cost.layers, (cost.total,)):
            assert sum(getattr(p.energy_J, end) for p in parts) == pytest.approx(total)
        assert sum(getattr(p, end) for p in cost.parts_J.values()) == pytest.approx(
            getattr(cost.energy_J("board"), end)
        )
        nested = [getattr(cost.boundaries[name], end) for name in BOUNDARIES]
        assert nested == sorted(nested)
    for part in (*cost.cores, *cost.layers):
        assert sum(part.parts_J.values()) == pytest.approx(part.energy_J.nominal)
    ranges = [*cost.boundaries.values(), *cost.parts_J.values(), cost.latency_s, cost.step_s]
    ranges += [cost.inferences_per_s, *(c.busy_s for c in cost.cores)]
    # parts "access" and "update" split one quantity: only their sum has rising ends
    updates = cost.parts_J["update"]
    assert (
        min(min(part) for part in cost.parts_J.values()) >= 0
    )  # -1e-25 J, where it was a difference
    for low, value, high in (r for r in ranges if r != updates):
        assert low <= value * (1 + 1e-12)
        assert value <= high * (1 + 1e-12)


COUNTS = ("spikes", "active", "messages_out", "axon_events")


@property_test
@given(works(), st.sampled_from(PROFILES), st.sampled_from(COUNTS), st.integers(1, 50))
def test_more_of_anything_never_costs_less(work, profile, count, more):
    work = replace(work, by_step=None)
    extra = np.zeros(getattr(work, count).shape, dtype=np.int64)
    extra[:, 0] = more
    larger = getattr(work, count) + extra
    if count == "active":
        larger = np.minimum(larger, work.updates)
    after = replace(work, **{count: larger})
    for boundary in BOUNDARIES:
        a, b = (price_chip(w, profile).energy_J(boundary) for w in (work, after))
        assert all(x <= y * (1 + 1e-12) for x, y in zip(a, b))


@property_test
@given(works(), st.sampled_from(PROFILES), st.sampled_from(("dense", "sparse", "conv")))
def test_one_more_synop_costs_one_synop(work, profile, kind):
    more = {k: v + (k == kind) for k, v in work.synops.items()}
    after = replace(work, synops=more)
    added = [price_chip(w, profile).energy_J("core dynamic").nominal for w in (work, after)]
    constant = price_chip(work, profile).profile.energies[f"synop_{kind}"].value
    assert added[1] - added[0] == pytest.approx(constant * work.n_cores, rel=1e-6)


def test_every_constant_says_where_it_is_from():
    chip = shipped_chip()
    constants = [
        c for p in chip.profiles.values() for c in (*p.energies.values(), *p.times.values())
    ]
    constants += [c for p in chip.profiles.values() for _, c in p.sync.points]
    constants += [c for b in chip.boards.values() for c in b.powers.values()]
    constants += [c for _, c in chip.boards["nahuku32"].barrier.points]
    times = [(io.step, io.several_chips, io.spike) for io in chip.host_io.values()]
    constants += [c for of_io in times for c in of_io if c] + [chip.x86_active]
    for constant in constants:
        assert constant.source and constant.year and constant.evidence != "user", constant


@pytest.mark.parametrize(
    "text, words",
    [
        ("[profiles.x]\ndescription = 'y'", "lacks energy, time, sync"),
        ("[boards.x]\nn_chips = 1\npowers.fan = 1.0", "there is no power 'fan'"),
        ("[host_io.x]\nstep = -1.0", "at least 0"),
        ("[chips.x]\nn = 1", "has unknown chips"),
        ("[boards", "Cannot read"),
    ],
)
def test_files_are_checked(tmp_path, text, words):
    path = tmp_path / "chip.toml"
    path.write_text(text)
    with pytest.raises(EnergyError, match=words):
        read_chip_file(path)


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "chip.toml"
    path.write_text("[boards.mine]\nn_chips = 2\n[boards.mine.powers]\nstatic_chip = 0.5")
    board = read_chip_file(path).boards["mine"]
    cost = price_chip(ChipWork.by_hand(**BY_HAND), board=board, host_io=1e-3)
    assert cost.parts_J["static chips"].nominal == pytest.approx(0.5 * 20e-3)


def test_powered_cores():
    work = ChipWork.by_hand(**BY_HAND)
    core, chip = Constant(0.5e-3, unit="W"), Constant(30e-3, unit="W")
    powers = {"static_core": core, "static_chip": chip}
    board = replace(shipped_chip().boards["nahuku32"], powers=powers)
    used, all_on = (price_chip(work, board=board, powered_cores=p) for p in ("used", "all"))
    seconds = used.latency_s.nominal
    assert used.parts_J["unused cores"].nominal == 0
    assert all_on.parts_J["unused cores"].nominal == pytest.approx(125 * 0.5e-3 * seconds)
    assert all_on.energy_J("used cores") == used.energy_J("used cores")
    chips = [cost.energy_J("chip").nominal for cost in (used, all_on)]
    assert chips[1] - chips[0] == pytest.approx(125 * 0.5e-3 * seconds)
    # where a chip in use is known as a whole, cores have a share of it, and never more than all
    same = [price_chip(work, powered_cores=p).energy_J("chip") for p in ("used", "all")]
    assert same[0] == same[1]
    powers = {**powers, "static_used_chip": Constant(31e-3, unit="W")}
    full = ChipWork.by_hand(**{**BY_HAND, "n_cores": 100})
    parts = price_chip(full, board=replace(board, powers=powers), host_io=1e-3).parts_J
    assert parts["static chips"].nominal == 0
    assert parts["static cores"].nominal == pytest.approx(31e-3 * full.n_steps * 1e-3)
    with pytest.raises(EnergyError, match="powered_cores must be 'used', 'all', or a number"):
        price_chip(work, powered_cores=2)


@pytest.mark.parametrize(
    "option, value, words",
    [
        ("profile", "gold", "profile must be"),
        ("board", "x", "board must be 'nahuku32'"),
        ("board", None, "board must be"),
        ("host_io", "fast", "host_io must be 'x86'"),
        ("host_io", -1e-6, "host_io must be a finite number of at least 0, not -1e-06"),
        ("host_io", math.nan, "host_io must be"),
        ("host_io", True, "host_io must be"),
        *(("powered_cores", v, "powered_cores must be one of used, all")
          for v in ("some", 0, -1, 1.5, math.nan, True, None, [1])),
    ],
)  # fmt: skip
def test_wrong_constants_are_refused_before_there_is_a_chip(option, value, words):
    with pytest.raises(EnergyError, match=words):
        ChipOptions(**{option: value})


def test_what_is_missing_is_said():
    work = ChipWork.by_hand(**{**BY_HAND, "hops": None})
    davies, silicon = (price_chip(work, p) for p in PROFILES)
    assert any("spikes, output axons, input axons" in words for words in davies.not_priced)
    assert silicon.not_priced == ("hops (how many there were is not known)",)
    other = price_chip(ChipWork.by_hand(**BY_HAND), board="pohoiki_springs")
    assert any("static power of the used cores" in words for words in other.not_priced)


def test_sequential_mnist_as_nxsdk_adds_it_up():
    """Intel's notebook: dynamic 24.779 mW, static of cores 1.006 and x86 0.149, total 25.934 mW.

    The x86's own static power is not told apart here, but in that of the chip.
    """
    work = ChipWork.by_hand(n_cores=2, n_compartments=420, n_steps=840, synops=0, active_share=0)
    cost = price_chip(work, host_io=16.649476e-6, x86_active=(23.195125 - 18) / 6)
    parts = {name: part.nominal / cost.latency_s.nominal for name, part in cost.parts_J.items()}
    assert parts["x86 clock"] + parts["x86 code"] == pytest.approx(23.195125e-3)
    core_W = 1.583461e-3
    used_W = cost.power_W("used cores").nominal - cost.power_W("core dynamic").nominal + core_W
    # 0.474 mW a core, where NxSDK has 0.503
    assert used_W == pytest.approx(25.933977e-3 - 0.149004e-3, rel=0.003)


def test_the_x86_is_not_busy_all_the_time():
    """As boards tell it, of the time of input and output; of all the time, if it is given."""
    fed = ChipWork.by_hand(**{**BY_HAND, "host_to_chip": 2000})
    cost = price_chip(fed)
    shares = [
        price.powers_W["x86 code"][0] / 6.0e-3 for price in (cost.low, cost.nominal, cost.high)
    ]
    busy = [price.time.host_s / price.time.latency_s for price in (cost.low, cost.nominal)]
    assert shares == pytest.approx([0.685 * busy[0][0], 0.822 * busy[1][0], 0.967])
    quiet = price_chip(ChipWork.by_hand(**BY_HAND))
    assert [quiet.low.powers_W["x86 code"][0], quiet.nominal.powers_W["x86 code"][0]] == [0, 0]
    given = price_chip(fed, x86_active=(0.2, 0.5, 0.9))
    prices = (given.low, given.nominal, given.high)
    assert [p.powers_W["x86 code"][0] / 6.0e-3 for p in prices] == pytest.approx([0.2, 0.5, 0.9])


@pytest.mark.parametrize(
    "options, words",
    [
        ({"profile": "davies"}, "profile must be 'davies2018', 'silicon' or a Profile"),
        ({"board": "kapoho"}, "board must be 'nahuku32'"),
        ({"host_io": "usb"}, "host_io must be 'x86'"),
        ({"host_io": -1.0}, "host_io must be a finite number of at least 0"),
        ({"x86_active": 2}, "x86_active must be between 0 and 1"),
        ({"x86_active": (0.1, 0.2, 3)}, "x86_active must be between 0 and 1"),
        ({"x86_active": (0.5, 0.2, 0.9)}, "x86_active must be .low, nominal, high., which do not"),
    ],
)
def test_options_are_checked(options, words):
    with pytest.raises(EnergyError, match=words):
        price_chip(ChipWork.by_hand(**BY_HAND), **options)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"synops": -1}, "synops.* has to be 0 or more"),
        ({"spikes": float("nan")}, "spikes can't be nan"),
        ({"n_cores": 0}, "n_cores must be at least 1"),
        ({"n_chips": 1, "n_cores": 200}, "200 cores need 2 chips, not 1"),
        ({"active_share": 1.5}, "active_share can't be 1.5: it is a share of all updates"),
        ({"active_share": (0.5, 0.2, 1.0)}, "active_share must be .low, nominal, high."),
        ({"active_share": -0.1}, "active_share can't be -0.1: it has to be 0 or more"),
        ({"active_share": "all"}, "active_share must be a number, not 'all'"),
        ({"synops": {"csr": 3}}, "synops of format 'csr'; there are dense, sparse, conv"),
    ],
)
def test_hand_made_counts_are_checked(changes, words):
    with pytest.raises(EnergyError, match=words):
        ChipWork.by_hand(**{**BY_HAND, **changes})
