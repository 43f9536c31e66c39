"""Hops walked one by one, and arrangements against all there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nengo_spikecost.chip.mesh import HopCosts, Mesh, count_hops
from nengo_spikecost.errors import LoihiError
from nengo_spikecost.loihi.mapping.assignment import solve
from nengo_spikecost.loihi.mapping.assignment_bounds import Problem, lower_bound
from nengo_spikecost.loihi.mapping.positions import search_positions

from .placements import cheapest, walk

MESHES = st.builds(
    Mesh,
    width=st.integers(1, 8),
    height=st.integers(1, 5),
    cores_per_tile=st.integers(1, 4),
    chips_per_row=st.integers(1, 3),
)


@given(mesh=MESHES, data=st.data())
@settings(max_examples=150)
def test_hops_are_those_of_a_walk_along_the_row_and_then_the_column(mesh, data):
    position = st.integers(0, 7 * mesh.n_cores - 1)
    starts = np.array(data.draw(st.lists(position, min_size=2, max_size=6)))
    n = len(starts)
    sender = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=10)))
    rng = np.random.RandomState(0)
    receiver = rng.randint(n, size=len(sender))
    messages = rng.randint(0, 1000, len(sender))
    expected = np.zeros(3, int)
    within = 0
    for a, b, count in zip(sender, receiver, messages):
        hops = walk(mesh, int(starts[a]), int(starts[b]))
        expected += count * np.array(hops)
        within += count * (sum(hops[:2]) == 0)
    found = count_hops(mesh, starts, sender, receiver, messages)
    assert [found.east_west, found.north_south, found.chip_crossings] == expected.tolist()
    assert found.total == expected[:2].sum()
    assert (found.messages, found.within_tile) == (messages.sum(), within)


def test_default_mesh_is_that_of_sana_fe():
    mesh = Mesh().for_chips(1)
    assert mesh.n_cores == 128
    # SANA-FE numbers tiles down the columns of 8 by 4 tiles, with four cores each
    columns, rows = mesh.coordinates(mesh.tile_of(np.array([0, 3, 4, 15, 16, 127])))
    assert columns.tolist() == [0, 0, 0, 0, 1, 7]
    assert rows.tolist() == [0, 0, 1, 3, 0, 3]


def test_chips_are_side_by_side_in_near_squares():
    assert [Mesh().for_chips(n).chips_per_row for n in (1, 2, 3, 4, 5, 32)] == [1, 2, 2, 2, 3, 6]
    assert Mesh(chips_per_row=8).for_chips(32).chips_per_row == 8


@pytest.mark.parametrize(
    "arguments", [{"width": 0}, {"height": 2.5}, {"cores_per_tile": -1}, {"chips_per_row": 0}]
)
def test_meshes_that_are_none_are_refused(arguments):
    with pytest.raises(LoihiError, match=next(iter(arguments))):
        Mesh(**arguments)


def test_costs_below_zero_are_refused():
    with pytest.raises(LoihiError, match="north_south can't be -1"):
        HopCosts(north_south=-1)


# ---------------------------------------------------------------- arrangements


def random_problem(rng):
    """A few items with random flows on a small mesh, some seats perhaps left free."""
    mesh = Mesh(int(rng.randint(1, 4)), int(rng.randint(1, 3)), 1, 2)
    n_chips = int(rng.randint(1, 3))
    n_places = mesh.n_tiles * n_chips
    capacity = rng.randint(0, 3, n_places)
    capacity[rng.randint(n_places)] += 2
    n_items = min(int(capacity.sum()), int(rng.randint(2, 6)))
    flow = rng.randint(0, 100, (n_items, n_items)) * (rng.rand(n_items, n_items) < 0.7)
    flow = np.triu(flow, 1).astype(float)
    costs = HopCosts(*rng.choice([1.0, 3.0, 4.0], 2), rng.choice([0.0, 5.0]))
    start = rng.permutation(np.repeat(np.arange(n_places), capacity))[:n_items]
    chip = np.arange(n_places) // mesh.n_tiles
    region = chip if rng.rand() < 0.4 else np.zeros_like(chip)
    distance = costs.of_tiles(mesh, n_places)
    return Problem(flow + flow.T, distance, capacity, region), start


def test_small_arrangements_are_optimal_and_none_is_below_the_bound():
    bounds_reached = 0
    for seed in range(40):
        problem, start = random_problem(np.random.RandomState(seed))
        solution = solve(problem, start, seed=seed, max_moves=300, time_limit_s=30)
        least = cheapest(problem.flow, problem.distance, problem.capacity, problem.region, start)
        assert solution.cost == pytest.approx(least), seed
        assert solution.cost == pytest.approx(problem.cost(solution.places))
        used = np.bincount(solution.places, minlength=len(problem.capacity))
        assert (used <= problem.capacity).all()
        assert (problem.region[solution.places] == problem.region[start]).all()
        assert lower_bound(problem) <= least * (1 + 1e-12)
        assert not solution.is_optimal or solution.cost == pytest.approx(least)
        bounds_reached += solution.is_optimal
    assert bounds_reached > 10


def chain_messages(rng, layers):
    """Messages of layers of blocks, each block to a few neighbours of the next layer."""
    first = np.cumsum([0, *layers])
    messages = np.zeros((first[-1], first[-1]), dtype=np.int64)
    for k in range(len(layers) - 1):
        pre = np.arange(layers[k])[:, None] / layers[k]
        post = np.arange(layers[k + 1]) / layers[k + 1]
        near = abs(pre - post) < 0.2
        sent = near * rng.randint(1, 1000, near.shape)
        messages[first[k] : first[k + 1], first[k + 1] : first[k + 2]] = sent
    return messages


def search(mesh, positions, messages, **options):
    options = {"between_chips": True, "seed": 0, "max_moves": 100, "time_limit_s": 60, **options}
    return search_positions(mesh, positions, messages, positions, HopCosts(), **options)


@pytest.mark.parametrize("between_chips", [True, False])
def test_large_arrangements_beat_the_order_and_chance(between_chips):
    rng = np.random.RandomState(0)
    messages = chain_messages(rng, (25, 40, 25, 5))
    n = len(messages)
    mesh = Mesh().for_chips(2)
    order = np.arange(n)
    found, positions = search(mesh, order, messages, between_chips=between_chips)
    assert found.in_time
    assert sorted(positions) == sorted(order)
    senders, receivers = messages.nonzero()

    def hops(at):
        return count_hops(mesh, at, senders, receivers, messages[senders, receivers]).total

    assert hops(order) == found.start_cost
    assert hops(positions) == found.cost
    chance = min(hops(rng.permutation(order)) for _ in range(20))
    assert found.lower_bound <= found.cost < 0.6 * min(hops(order), chance)
    _, same = search(mesh, order, messages, between_chips=between_chips)
    assert (same == positions).all()


def test_the_clock_stops_the_search_and_nothing_is_worse():
    messages = chain_messages(np.random.RandomState(1), (40, 60, 40))
    order = np.arange(len(messages))
    found, _ = search(Mesh().for_chips(2), order, messages, time_limit_s=0.0, max_moves=10**9)
    assert not found.in_time
    assert found.cost <= found.start_cost


def test_nothing_to_do_is_optimal():
    for messages in (np.zeros((5, 5), int), np.diag([3, 4, 5]), np.zeros((1, 1), int)):
        order = np.arange(len(messages))
        found, positions = search(Mesh().for_chips(1), order, messages)
        assert found.is_optimal
        assert found.cost == 0
        assert (positions == order).all()
