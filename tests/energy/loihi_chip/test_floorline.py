"""What decides a step, and what halving gives: loops over steps and cores, in exact fractions."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nengo_spikecost.energy.device import Constant
from nengo_spikecost.energy.loihi_chip import DECIDERS, HostIO, price_chip, shipped_chip
from nengo_spikecost.errors import EnergyError

from .works import activity_of, chip_work, property_test, random_chip, without_steps, works

#: SANA-FE's times of silicon in tenths of ns, so that loads are whole numbers and ties are exact.
TIMES = {"idle": 60, "active": 97, "spike": 300, "message": 51, "axon": 160,
         "dense": 38, "sparse": 47, "conv": 31}  # fmt: skip
UNIT = 1e-10


def loads(work, sample, step):
    """Of each core the time of its parts in a step, as whole numbers of `UNIT`."""
    steps, found = work.by_step, []
    for core in range(work.n_cores):
        spikes = int(steps.spikes[sample, step, core])
        active = int(steps.active[sample, step, core])
        idle = int(work.compartments[core]) - active
        sends = {
            "updates": TIMES["idle"] * idle + TIMES["active"] * active + TIMES["spike"] * spikes,
            "messages": TIMES["message"] * int(steps.messages_out[sample, step, core]),
        }
        receives = {
            "messages": TIMES["axon"] * int(steps.axon_events[sample, step, core]),
            "synops": sum(TIMES[k] * int(x[sample, step, core]) for k, x in steps.synops.items()),
        }  # fmt: skip
        found.append((sends, receives))
    return found


def shared(values):
    """Each of the largest has its part of 1."""
    largest = [value == max(values) for value in values]
    return [Fraction(is_one, sum(largest)) for is_one in largest]


def core_time(core, together):
    halves = [sum(half.values()) for half in core]
    return Fraction(max(halves) if together else sum(halves))


def core_deciders(core, together):
    """What decides the time of one core, as shares."""
    decided = dict.fromkeys(DECIDERS, Fraction(0))
    if together:
        for half, of_half in zip(core, shared([sum(half.values()) for half in core])):
            for name, share in zip(half, shared(list(half.values()))):
                decided[name] += of_half * share
        return decided
    sums = {name: sum(half.get(name, 0) for half in core) for name in DECIDERS[:3]}
    decided.update(zip(sums, shared(list(sums.values()))))
    return decided


class BruteForce:
    """All of a Floorline by loops, of steps whose waits and host are whole numbers of `UNIT`."""

    def __init__(self, work, barrier, way, host, together=True):
        self.work, self.barrier, self.way, self.host = work, barrier, way, host
        self.together = together
        self.steps = [(n, s) for n in range(work.n_samples) for s in range(work.by_step.n_steps)]
        self.times = {
            key: [core_time(core, together) for core in loads(work, *key)] for key in self.steps
        }

    def lasts(self, times):
        return max(max(times) + self.barrier + self.way, self.host)

    def mean(self, values):
        return float(sum(values)) / len(self.steps)

    def saved(self, halved):
        less = []
        for times in self.times.values():
            fewer = [t / 2 if k in halved else t for k, t in enumerate(times)]
            less.append(self.lasts(times) - self.lasts(fewer))
        return self.mean(less) * UNIT

    def sets(self, times, core):
        """Share of a step that a core sets."""
        by_chip, _ = shared([max(times) + self.barrier + self.way, self.host])
        return by_chip * shared(times)[core]

    def set_by(self, cores):
        return self.mean([self.sets(t, k) for t in self.times.values() for k in cores])

    def limit(self, own):
        decided = dict.fromkeys(DECIDERS, Fraction(0))
        slowest, step_s = dict.fromkeys(own, Fraction(0)), []
        loads_of = {k: dict.fromkeys(DECIDERS[:3], Fraction(0)) for k in own}
        for key, times in self.times.items():
            mine = [times[k] for k in own]
            step_s.append(self.lasts(mine))
            by_chip, by_host = shared([max(mine) + self.barrier + self.way, self.host])
            by_core, by_barrier, by_way = shared([max(mine), self.barrier, self.way])
            decided["host"] += by_host
            decided["barrier"] += by_chip * by_barrier
            decided["messages"] += by_chip * by_way
            for k, share in zip(own, shared(mine)):
                slowest[k] += share
                for name, part in core_deciders(loads(self.work, *key)[k], self.together).items():
                    decided[name] += by_chip * by_core * share * part
                    if name in loads_of[k]:
                        loads_of[k][name] += share * part
        core = max(own, key=lambda k: (slowest[k], -k))
        mine = [t for t in self.times.values() if t[core] == max(t[j] for j in own)]
        tied = [
            k for k in own if k != core and 2 * sum(t[k] == t[core] for t in mine) > len(mine)
        ]  # fmt: skip
        together = [core, *tied]
        own_loads = {name: sum(loads_of[k][name] for k in together) for name in DECIDERS[:3]}
        after = dict.fromkeys([*range(self.work.n_cores), "host"], Fraction(0))
        for times in self.times.values():
            weight = sum(self.sets(times, k) for k in together)
            fewer = [t / 2 if k in together else t for k, t in enumerate(times)]
            for k in range(self.work.n_cores):
                after[k] += weight * self.sets(fewer, k)
            after["host"] += weight * (1 - sum(self.sets(fewer, k) for k in range(len(fewer))))
        then = max(after, key=lambda k: after[k])
        name = {k: self.work.cores[k] for k in range(self.work.n_cores)}
        return {
            "n_cores": len(own), "step_s": self.mean(step_s) * UNIT,
            "decided_by": {key: self.mean([share]) for key, share in decided.items()},
            "core": name[core], "tied": tuple(name[k] for k in tied),
            "core_decider": max(own_loads, key=lambda load: own_loads[load]),
            "slowest": self.mean([slowest[k] for k in together]),
            "core_sets": self.set_by(together), "all_sets": self.set_by(own),
            "core_saves_s": self.saved([core]), "tied_saves_s": self.saved(together),
            "all_saves_s": self.saved(own),
            "then": name.get(then, then) if any(after.values()) else None,
        }  # fmt: skip


def assert_same(limit, expected):
    for name, value in expected.items():
        found = getattr(limit, name)
        if isinstance(value, (float, dict)):
            assert found == pytest.approx(value, rel=1e-9, abs=1e-18), name
        else:
            assert found == value, name


@st.composite
def tied_works(draw):
    """Works of few cores, some of which do the same, and of steps that host or barrier decide."""
    n_cores, n_steps = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    chip = random_chip(
        draw(st.integers(0, 10_000)), draw(st.integers(1, 3)), n_steps, n_cores, True
    )
    twin = [draw(st.integers(0, k)) if draw(st.booleans()) else k for k in range(n_cores)]
    steps = chip.by_step
    quiet = np.array([[draw(st.sampled_from([0, 1, 10])) for _ in range(n_steps)]])[..., None]

    def copied(counts):
        return (np.asarray(counts) * quiet // 10)[..., twin]

    by_step = replace(
        steps, synops={key: copied(x) for key, x in steps.synops.items()},
        axon_events=copied(steps.axon_events), messages_out=copied(steps.messages_out),
        spikes=copied(steps.spikes), with_input=copied(steps.with_input),
        active=copied(steps.active),
    )  # fmt: skip
    chip = replace(
        chip, compartments=chip.compartments[twin], biased=np.zeros(n_cores, dtype=int),
        spikes=by_step.spikes.sum(axis=1), with_input=by_step.with_input.sum(axis=1),
        active=by_step.active.sum(axis=1),
        synops={key: x.sum(axis=1) for key, x in by_step.synops.items()},
        axon_events=by_step.axon_events.sum(axis=1),
        messages_out=by_step.messages_out.sum(axis=1), by_step=by_step,
    )  # fmt: skip
    return chip_work(activity_of(chip, n_steps))


def in_units(seconds):
    units = round(seconds / UNIT)
    assert units * UNIT == pytest.approx(seconds, rel=1e-9)
    return units


def exact_silicon():
    """SANA-FE's constants without their ranges: only the order of a core's halves differs at
    the high end."""
    silicon = shipped_chip().profiles["silicon"]
    times = {key: replace(c, low=None, high=None) for key, c in silicon.times.items()}
    sync = tuple((place, replace(c, low=None, high=None)) for place, c in silicon.sync.points)
    return replace(silicon, times=times, sync=replace(silicon.sync, points=sync))


@settings(property_test, max_examples=50)
@given(tied_works(), st.sampled_from([0, 10_000, 30_000, 100_000]), st.booleans())
def test_all_of_it_by_loops(work, host, serial):
    """Ties are exact: loads are whole numbers, and shares fractions."""
    io = HostIO("wire", step=Constant(host * UNIT, unit="s"), x86=False)
    cost = price_chip(work, exact_silicon(), host_io=io)
    level, price = ("high", cost.high) if serial else ("nominal", cost.nominal)
    parts = price.time.parts_s
    way, tiles = (in_units(parts[key][0] / work.n_steps) for key in ("hops", "tile barrier"))
    brute = BruteForce(work, tiles, way, host, together=not serial)
    found = cost.floorline(level=level)
    assert found.step_s == pytest.approx(price.time.latency_s.mean() / work.n_steps, rel=1e-12)
    assert_same(found.chip, brute.limit(list(range(work.n_cores))))
    for layer in found.layers:
        own = [k for k, name in enumerate(work.layers) if name == layer.name]
        assert_same(layer, brute.limit(own))
        assert sum(layer.decided_by.values()) == pytest.approx(1)
    alone = cost.floorline(host=False, level=level).chip
    brute = BruteForce(work, tiles, way, 0, together=not serial)
    assert_same(alone, brute.limit(list(range(work.n_cores))))
    assert alone.decided_by["host"] == 0
    assert str(found) and found.to_dict()["sentence"] and len(found.to_frame()) > 1


@settings(property_test, max_examples=20)
@given(works(steps=True))
def test_at_every_level_a_step_is_the_one_that_is_priced(work):
    cost = price_chip(work)
    for level, step_s in zip(("low", "nominal", "high"), cost.step_s):
        found = cost.floorline(level=level)
        assert found.step_s == pytest.approx(step_s)
        assert found.level == level
        chip = found.chip
        assert 0 <= chip.core_saves_s <= chip.tied_saves_s + 1e-18
        assert chip.tied_saves_s <= chip.all_saves_s + 1e-18
        assert sum(layer.all_sets for layer in found.layers) == pytest.approx(chip.all_sets)
        assert chip.all_sets + chip.decided_by["host"] == pytest.approx(1)


def test_not_the_largest_sum_but_the_largest_of_each_step():
    """Core 0 has the most synops of all steps; cores 1 and 2 are the slowest of all but one."""
    synops = np.array([[[900, 10, 10], [0, 200, 10], [0, 10, 200], [0, 200, 10]]])
    work = by_synops(synops)
    chip = price_chip(work, host_io="none").floorline().chip
    assert work.total_synops()[0].argmax() == 0
    assert (chip.core, chip.slowest, chip.then) == ("[a]_1", 0.5, "[a]_1")


def by_synops(synops):
    """Work of cores that do nothing but synops."""
    n_samples, n_steps, n_cores = synops.shape
    chip = random_chip(0, n_samples, n_steps, n_cores, True)
    nothing = np.zeros_like(synops)
    steps = replace(
        chip.by_step, synops={"dense": synops}, axon_events=nothing, messages_out=nothing,
        spikes=nothing, with_input=nothing, active=nothing,
    )  # fmt: skip
    compartments, none = np.ones(n_cores, dtype=int), nothing.sum(axis=1)
    chip = replace(
        chip, cores=tuple(f"[a]_{k}" for k in range(n_cores)), compartments=compartments,
        biased=np.zeros(n_cores, dtype=int), spikes=none, with_input=none, active=none,
        axon_events=none, messages_out=none,
        synops={"dense": synops.sum(axis=1)}, by_step=steps,
    )  # fmt: skip
    return chip_work(activity_of(chip, n_steps))


def test_sentences():
    a, b = 3800, 3400  # us of synops at 3.8 ns: 14.44 and 12.92
    one = price_chip(by_synops(np.array([[[a, b, 10]] * 4])), host_io="none")
    step = a * 3.8e-3 + 0.6
    saves = round(100 * (a - b) * 3.8e-3 / step)
    assert one.limit_sentence() == (
        "core [a]_0 sets the time of 100% of the steps, by synops; halving its load saves "
        f"{saves}% of a step, then core [a]_1 limits"
    )
    two = price_chip(by_synops(np.array([[[a, a, b]] * 4])), host_io="none")
    assert two.limit_sentence() == (
        "cores [a]_0 and [a]_1 set the time of 100% of the steps, by synops; halving the load of "
        f"one saves nothing, of both {saves}% of a step, then core [a]_2 limits"
    )
    three = price_chip(by_synops(np.array([[[a, a, a]]])), host_io="none")
    half = round(100 * (a / 2) * 3.8e-3 / step)
    assert three.limit_sentence() == (
        "core [a]_0 and 2 as slow set the time of 100% of the steps, by synops; halving the load "
        f"of one saves nothing, of all of them {half}% of a step, and they limit still"
    )
    fed = price_chip(by_synops(np.array([[[a, b, 10]] * 4])), host_io=1e-3)
    assert fed.limit_sentence() == (
        "the host sets the time of 100% of the steps; halving all cores saves nothing. Of the "
        f"cores alone, {one.limit_sentence()}"
    )
    near = price_chip(by_synops(np.array([[[a, b, 10]] * 4])), host_io=14.5e-6)
    assert near.limit_sentence().endswith("then the host limits")
    idle = price_chip(by_synops(np.array([[[100, 10, 10]] * 4])), host_io="none")
    assert idle.limit_sentence() == (
        "the barrier takes longer than any core in 100% of the steps; halving all cores saves 19% "
        "of a step"
    )


def test_the_limiting_core_is_named_with_its_own_load():
    """Synops decide most steps, on other cores; the core that sets most of them is updated."""
    synops = np.array(
        [[[0, 900, 0], [0, 0, 900], [0, 900, 0], [0, 0, 900], [0] * 3, [0] * 3, [0] * 3]]
    )
    work = by_synops(synops)
    work = replace(work, compartments=np.array([400, 1, 1]))
    cost = price_chip(work, host_io="none")
    chip = cost.floorline().chip
    assert (chip.decider, chip.core, chip.core_decider) == ("synops", "[a]_0", "updates")
    assert "core [a]_0 sets the time of 43% of the steps, by updates" in cost.limit_sentence()
    assert "Slowest core: [a]_0, by updates" in " ".join(cost.summary_string().split())


def test_as_slow_in_most_steps():
    """Equal cores differ in a step now and then; it is no use to halve one of them."""
    slow, fast = [3800, 3800, 100], [3700, 3800, 100]
    most = price_chip(by_synops(np.array([[slow, slow, fast]])), host_io="none").floorline().chip
    assert (most.core, most.tied) == ("[a]_1", ("[a]_0",))
    assert 0 < most.core_saves_s < most.tied_saves_s / 50
    half = price_chip(by_synops(np.array([[slow, fast]])), host_io="none").floorline().chip
    assert (half.core, half.tied) == ("[a]_1", ())


def test_without_single_steps():
    """An inference is taken for one long step, and the words say so."""
    work = by_synops(np.array([[[900, 10, 10], [0, 200, 10], [0, 10, 200], [0, 200, 10]]]))
    cost = price_chip(without_steps(work), host_io="none")
    found = cost.floorline()
    assert (found.by_step, found.chip.core) == (False, "[a]_0")
    assert found.step_s == pytest.approx(cost.step_s.nominal)
    assert "of the inferences" in cost.limit_sentence()
    assert cost.limit_sentence().endswith("by_step=True (--by-step) tells of single steps")
    assert "as if it were one step" in cost.summary_string()
    by_hand = price_chip(replace(without_steps(work), emulated=False), host_io="none")
    assert "by_step" not in by_hand.limit_sentence()


def test_shown_with_the_cost(tmp_path):
    work = by_synops(np.array([[[3800, 3800, 3400]] * 4]))
    cost = price_chip(work, host_io="none")
    text = cost.summary_string()
    assert " limit cores [a]_0 and [a]_1 set the time of 100%" in " ".join(text.split())
    assert "What decides the time of a step\n" in text
    assert "Slowest core: [a]_0, by synops, with all constants low and high, too." in (
        " ".join(text.split())
    )
    assert "What decides a step" in cost.to_html()
    fed = json.loads(price_chip(work, host_io=1e-3).to_json())["floorline"]
    assert fed["with_host"]["chip"]["decided_by"]["host"] == 1
    assert fed["cores_alone"]["chip"]["decided_by"]["synops"] == 1
    assert fed["cores_alone"]["layers"][0]["core"] == "[a]_0"
    assert "without the host" in price_chip(work, host_io=1e-3).summary_string()


def test_arguments():
    cost = price_chip(by_synops(np.array([[[1]]])))
    with pytest.raises(EnergyError, match="host must be True or False, not 'x86'"):
        cost.floorline(host="x86")
    with pytest.raises(EnergyError, match="level must be one of low, nominal, high"):
        cost.floorline(level="mean")


@settings(property_test, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(3, 5))
def test_no_deal_of_neurons_takes_less_than_the_bound(seed, n_cores, n_neurons):
    """All ways to deal one layer out, by hand: the slowest core of every step, and the barrier."""
    rng = np.random.RandomState(seed)
    n_steps = 3
    spikes = rng.randint(0, 2, (n_steps, n_neurons))
    synops = rng.randint(0, 80, (n_steps, n_neurons))
    found, best = [], np.inf
    for deal in itertools.product(range(n_cores), repeat=n_neurons):
        if len(set(deal)) < n_cores:
            continue
        onto = np.eye(n_cores, dtype=int)[list(deal)]
        chip = random_chip(0, 1, n_steps, n_cores, True)
        work = chip_work(activity_of(chip, n_steps))
        nothing = np.zeros((1, n_steps, n_cores), dtype=int)
        counts = {
            "synops": {"conv": (synops @ onto)[None]}, "spikes": (spikes @ onto)[None],
            "with_input": (spikes @ onto)[None], "active": (spikes @ onto)[None],
            "axon_events": nothing, "messages_out": nothing,
        }  # fmt: skip
        steps = replace(work.by_step, **counts)
        flat = {key: x.sum(axis=1) for key, x in counts.items() if key != "synops"}
        work = replace(
            work, by_step=steps, compartments=onto.sum(axis=0), layers=("a",) * n_cores,
            spikes=flat["spikes"], active=flat["active"], messages_out=flat["messages_out"],
            axon_events=flat["axon_events"], synops={"conv": (synops @ onto).sum(axis=0)[None]},
        )  # fmt: skip
        floorline = price_chip(work, exact_silicon(), host_io="none").floorline()
        found.append(floorline.least_s)
        best = min(best, floorline.step_s)
    assert max(found) == pytest.approx(min(found))  # whatever deal it is told of
    assert max(found) <= best * (1 + 1e-12)
    if n_cores == 1:
        assert max(found) == pytest.approx(best)
