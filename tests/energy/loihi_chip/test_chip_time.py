"""Latency of a chip's work: loops over samples, steps and cores, and published times by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nengo_spikecost.energy.device import Constant
from nengo_spikecost.energy.loihi_chip import (
    Board,
    ChipWork,
    HostIO,
    Table,
    price_chip,
    shipped_chip,
)
from nengo_spikecost.errors import EnergyError

from .works import property_test, without_steps, works

NS = 1e-9


def silicon_step_s(work, sample, step, together):
    """SANA-FE's constants and its simple timing model, core by core; seconds of the slowest."""
    steps, times = work.by_step, []
    for core in range(work.n_cores):
        spikes, active = steps.spikes[sample, step, core], steps.active[sample, step, core]
        send = work.compartments[core] * 6.0 + active * 3.7 + spikes * 30.0
        send += steps.messages_out[sample, step, core] * 5.1
        receive = steps.axon_events[sample, step, core] * 16.0
        for kind, time in (("dense", 3.8), ("sparse", 4.7), ("conv", 3.1)):
            receive += steps.synops[kind][sample, step, core] * time
        times.append(max(send, receive) if together else send + receive)
    ties = np.array(times) >= max(times) * (1 - 1e-12)
    return max(times) * NS, ties / ties.sum()


@property_test
@given(works(steps=True))
def test_the_slowest_core_of_every_step_by_loops(work):
    cost = price_chip(work, "silicon", host_io="none")
    waits = sum(cost.nominal.time.parts_s[key] for key in ("hops", "tile barrier", "chip barrier"))
    latency = np.zeros(work.n_samples)
    slowest = np.zeros(work.n_cores)
    for sample in range(work.n_samples):
        for step in range(work.n_steps):
            seconds, ties = silicon_step_s(work, sample, step, together=True)
            latency[sample] += seconds
            slowest += ties
    assert cost.nominal.time.latency_s - waits == pytest.approx(latency)
    assert cost.nominal.time.slowest == pytest.approx(slowest / slowest.sum())


@property_test
@given(works(steps=True))
def test_without_steps_latency_is_a_lower_bound(work):
    for profile in ("davies2018", "silicon"):
        by_step, of_all = (
            price_chip(w, profile, host_io="none") for w in (work, without_steps(work))
        )
        assert not by_step.latency_is_at_least
        assert of_all.latency_is_at_least == (work.n_cores > 1)
        for known, bound in zip(by_step.latency_s, of_all.latency_s):
            assert bound <= known * (1 + 1e-9)
        assert of_all.energy_J("core dynamic") == by_step.energy_J("core dynamic")


def test_one_core_by_hand():
    """A step of 100 compartments, 30 with input, 8 spikes, 5 messages, 12 axons, 400 synops."""
    work = ChipWork.by_hand(
        n_cores=1,
        n_compartments=100,
        n_steps=1,
        synops={"sparse": 400},
        spikes=8,
        active_share=0.3,
        messages=5,
        axon_events=12,
    )
    sends = (100 * 6.0 + 30 * 3.7 + 8 * 30.0 + 5 * 5.1) * NS
    receives = (12 * 16.0 + 400 * 4.7) * NS
    cost = price_chip(work, "silicon", host_io="none")
    assert cost.latency_s.nominal == pytest.approx(max(sends, receives) + 0.6e-6)
    assert cost.time_parts_s["synops"] == pytest.approx(400 * 4.7 * NS)
    assert cost.time_parts_s["compartments"] == 0  # done while messages are taken in
    davies = price_chip(work, "davies2018", host_io="none")
    way = 2.1 * NS  # within a tile
    expected = max(70 * 5.3 + 30 * 8.4, 400 * 3.5) * NS + 113 * NS + way
    assert davies.latency_s.nominal == pytest.approx(expected)
    # at the high end one half after the other
    updates = 70 * 5.3 + 30 * 8.4
    assert davies.latency_s.high == pytest.approx((updates + 400 * 3.5) * NS + 113 * NS + way)


@pytest.mark.parametrize(
    "tiles, us", [(1, 0.6), (2, 1.0), (3, 1.0), (4, 1.4), (28, 1.4), (32, 1.8)]
)
def test_barrier_of_tiles_as_in_sana_fe(tiles, us):
    work = ChipWork.by_hand(n_cores=4, n_compartments=4, n_steps=10, synops=0, n_tiles=tiles)
    cost = price_chip(work, "silicon", host_io="none")
    assert cost.time_parts_s["tile barrier"] == pytest.approx(10 * us * 1e-6)


def test_barrier_of_chips():
    """Frady et al. 2020: 14.3 us on 256 chips, 16.2 us on 768; none on one."""
    barrier = shipped_chip().boards["nahuku32"].barrier
    assert [barrier.at(n, "nominal") for n in (1, 256, 768)] == [0, 14.3e-6, 16.2e-6]
    assert barrier.at(128, "low") == 0
    assert barrier.at(128, "high") == 14.3e-6
    assert 0 < barrier.at(2, "nominal") < barrier.at(32, "nominal") < 14.3e-6
    assert barrier.at(1024, "nominal") == pytest.approx(16.2e-6 + 256 * (1.9e-6 / 512))


@property_test
@given(
    st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True),
    st.integers(1, 150),
    st.sampled_from(("steps", "line")),
)
def test_tables_are_ordered(places, place, reading):
    points = tuple((p, Constant(i * 1e-6, unit="s")) for i, p in enumerate(sorted(places)))
    table = Table(points, reading)
    low, value, high = (table.at(place, level) for level in ("low", "nominal", "high"))
    assert low <= value * (1 + 1e-12) and value <= high * (1 + 1e-12)
    assert all(table.at(p, "nominal") == c.value for p, c in points)


def test_tables_are_checked():
    falling = ((1, Constant(2.0, unit="s")), (2, Constant(1.0, unit="s")))
    with pytest.raises(EnergyError, match="values that do not fall"):
        Table(falling)
    with pytest.raises(EnergyError, match="read as steps or line, not as 'cubic'"):
        Table(falling[:1], "cubic")


def busy_work(**changes):
    given = {"n_cores": 2, "n_compartments": 200, "n_steps": 50, "synops": 10_000, **changes}
    return ChipWork.by_hand(**given)


def test_a_step_takes_as_long_as_its_input():
    quiet, fed = busy_work(), busy_work(host_to_chip=300)
    assert price_chip(quiet).host_io.name == "free_running"
    assert price_chip(fed).host_io.name == "x86"
    by_host = price_chip(fed, host_io="host")
    middle = by_host.nominal  # of the networks that were measured: no prediction
    assert middle.time.latency_s == pytest.approx(50 * 78.3e-6)
    assert middle.board_J()["x86 code"] == pytest.approx(0.822 * 6.0e-3 * 50 * 78.3e-6)
    assert price_chip(quiet).parts_J["x86 code"].nominal == 0
    # 125,000 and 65,000 steps a second
    assert price_chip(quiet).step_s.nominal == pytest.approx(1 / 125e3)
    assert price_chip(busy_work(n_chips=2)).step_s.nominal == pytest.approx(1 / 65e3, rel=2e-3)
    alone = price_chip(quiet, host_io="none")
    assert alone.time_parts_s["in and out"] == 0
    assert alone.step_s.nominal < 8e-6


def test_a_spike_through_the_x86():
    """Sequential MNIST: 2,013 spikes of the host in 13.986 ms, besides what the cores take."""
    counts = {
        "n_cores": 2, "n_compartments": 350, "n_steps": 840, "synops": {"sparse": 636_472},
        "spikes": 10_868, "active_share": 0.806,
    }  # fmt: skip
    work = ChipWork.by_hand(host_to_chip=2013, messages=10_868, **counts)
    cost, alone = price_chip(work), price_chip(work, host_io="none")
    assert cost.host_io.name == "x86"
    assert cost.latency_s.nominal == pytest.approx(13.98556e-3, rel=2e-3)
    twice = ChipWork.by_hand(host_to_chip=2 * 2013, messages=10_868, **counts)
    more = (
        price_chip(twice).latency_s.nominal,
        price_chip(twice, host_io="none").latency_s.nominal,
    )
    assert more[0] - more[1] == pytest.approx(
        2 * (cost.latency_s.nominal - alone.latency_s.nominal)
    )
    silent = replace(work, host_to_chip=np.zeros(1, dtype=int))
    assert silent.fed_by_host
    assert price_chip(silent).latency_s.nominal == alone.latency_s.nominal
    # what the range is made of: log-normal, one degree of freedom, between 5 and 95%; the cores of
    # Quartz's network take 4.98 us a step, whatever runs
    quartz = {15.412: 96.0412, 8.637: 53.9251, 4.596: 28.8100, 2.375: 17.4406, 1.207: 13.3013}
    of_quartz = sum(us - 4.98 for us in quartz.values()) / sum(quartz)
    own_s = alone.latency_s.nominal
    logs = np.log([(13.98556e-3 - own_s) / 2013, of_quartz * 1e-6])
    reach = 6.314 * logs.std(ddof=1) * np.sqrt(1 + 1 / 2)
    constant = cost.host_io.spike
    ends = np.exp(logs.mean() + [-reach, reach])
    assert [constant.low, constant.high] == pytest.approx(ends, rel=0.01)


def test_the_x86_and_the_cores_do_not_work_at_once():
    """What is left of a step when the x86 is not active is at least what cores are said to take.

    Steps and lmtActiveRatio of Quartz in five runs, and of sequential MNIST, whose ratio follows
    from its 23.195 mW: 18 and 6 times the ratio.
    """
    quartz = [(96.041, 0.821828), (53.925, 0.776743), (28.81, 0.684693), (17.441, 0.549767)]
    boards = [(us, ratio, 4.98) for us, ratio in (*quartz, (13.301, 0.444828))]
    boards.append((16.649, (23.195 - 18.0) / 6.0, 2.48))
    for step_us, active, cores_us in boards:
        assert step_us * (1 - active) > 0.757 * cores_us  # and SANA-FE's 24.3% less


def test_little_is_left_of_a_step_besides_spikes_and_cores():
    """The high end of a step without spikes, of sequential MNIST by the low ends of all else."""
    x86 = shipped_chip().host_io["x86"]
    work = ChipWork.by_hand(
        n_cores=2, n_compartments=350, n_steps=840, synops={"sparse": 636_472}, spikes=10_868,
        messages=10_868, active_share=0.806,
    )  # fmt: skip
    cores = price_chip(work, host_io="none").step_s
    left_s = 13.98556e-3 / 840 - 2013 / 840 * x86.spike.low - cores.low
    assert x86.step.high == pytest.approx(left_s, rel=0.02)
    # the line through five runs of Quartz, whose cores take 3.1 us at the low end
    spikes = [15.412, 8.637, 4.596, 2.375, 1.207]
    line = np.polyfit(spikes, [96.041, 53.925, 28.81, 17.441, 13.301], 1)
    assert 0 < line[1] - 3.1 < x86.step.high * 1e6


def test_a_slow_core_hides_its_input():
    busy = busy_work(synops=10_000_000)
    assert price_chip(busy).latency_s == price_chip(busy, host_io="none").latency_s


def test_times_of_input_that_are_given():
    spike = Constant(2e-6, unit="s")
    io = HostIO("wire", step=Constant(5e-6, unit="s"), spike=spike, whole=False)
    work = busy_work(host_to_chip=1000)
    alone = price_chip(work, host_io="none").latency_s
    found = price_chip(work, host_io=io).latency_s
    sent = 50 * 5e-6 + 1000 * 2e-6
    assert found.low == pytest.approx(alone.low + sent)
    assert found.nominal == pytest.approx(alone.nominal + sent)
    assert found.high == pytest.approx(alone.high + sent)


def test_hops_of_the_last_message():
    work = busy_work(messages=100, hops=(10, 10))
    far = replace(work, hops=replace(work.hops, longest=(7, 3)))
    cost = price_chip(far, "silicon", host_io="none")
    assert cost.time_parts_s["hops"] == pytest.approx(50 * (7 * 4.1 + 3 * 6.5) * NS)


def test_active_updates_take_time_at_the_ends_that_are_not_known():
    """200 compartments on 2 cores, 50 steps: 5,000 updates a core, 10 to 90% of them active."""
    work = busy_work(synops=0, active_share=(0.1, 0.4, 0.9))
    found = price_chip(work, "davies2018", host_io="none").latency_s
    waits = 50 * 113 * NS
    for share, active_ns, seconds in zip((0.1, 0.4, 0.9), (5.3, 8.4, 8.4), found):
        core = 5000 * ((1 - share) * 5.3 + share * active_ns) * NS
        assert seconds == pytest.approx(core + waits)


def test_a_board_of_ones_own():
    board = Board(
        "mine",
        powers={"static_chip": Constant(1.0, unit="W")},
        n_chips=2,
        barrier=Table(((1, Constant(0.0, unit="s")),)),
    )
    cost = price_chip(busy_work(), board=board, host_io=1e-3)
    assert cost.boundaries["board"].nominal - cost.boundaries["total dynamic"].nominal == (
        pytest.approx(2 * 1.0 * 50e-3)
    )
    with pytest.raises(EnergyError, match="there is no power 'fan'"):
        replace(board, powers={"fan": Constant(1.0, unit="W")})
