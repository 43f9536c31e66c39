"""Quadratic assignment: who sits where, so that those who talk much sit close.

Items (blocks) with flows (messages) between them are put into places (tiles) that hold
several each, at the least sum of flow times distance. This is NP-hard. The start is never
left for anything worse: from it, from the answer of SciPy's FAQ method (Vogelstein et al.,
Fast Approximate Quadratic Programming for Graph Matching, PLoS ONE 10(4), 2015) and from
arrangements grown around several places, the best exchange or move is made until none
helps, and then robust tabu search (Taillard, Robust taboo search for the quadratic
assignment problem, Parallel Computing 17, 1991) goes on from the best of them. The lower
bound is Gilmore's and Lawler's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment, quadratic_assignment

#: The lower bound and FAQ work on matrices of seats by seats: on no larger ones than these.
MAX_BOUND_SEATS, MAX_FAQ_SEATS = 1024, 512

#: Arrangements are grown around so many places, and so many of them searched from; of more
#: items than `FEW_ITEMS`, each of which takes long, a quarter of both.
MAX_CENTRES, MAX_GROWN = 64, 8
FEW_ITEMS = 256

#: Exchanges of so many items with all others are looked at in a step of the search.
MAX_ROWS = 400


@dataclass(frozen=True)
class Problem:
    """Items to be put into places.

    Attributes
    ----------
    flow : ndarray of float64, shape (n_items, n_items)
        Between items, in both directions together: symmetric, with a diagonal of 0.
    distance : ndarray of float64, shape (n_places, n_places)
        Symmetric, with a diagonal of 0.
    capacity : ndarray of int64, shape (n_places,)
        Items that a place holds.
    region : ndarray of int64, shape (n_places,)
        Items stay in places of the region they are in.
    """

    flow: np.ndarray = field(repr=False)
    distance: np.ndarray = field(repr=False)
    capacity: np.ndarray = field(repr=False)
    region: np.ndarray = field(repr=False)

    def cost(self, places: np.ndarray) -> float:
        """Sum of flow times distance over pairs of items."""
        return float((self.flow * self.distance[np.ix_(places, places)]).sum() / 2)


@dataclass(frozen=True)
class Solution:
    """Where every item is put.

    Attributes
    ----------
    places : ndarray of int64, shape (n_items,)
    cost, start_cost : float
    lower_bound : float
        No arrangement costs less; 0 where it was too large to be computed.
    n_moves : int
        Exchanges and moves made by the search.
    in_time : bool
        False: the search was cut off by the clock, so that a faster machine may find better.
    """

    places: np.ndarray = field(repr=False)
    cost: float
    start_cost: float
    lower_bound: float
    n_moves: int
    in_time: bool

    @property
    def is_optimal(self) -> bool:
        """Whether the lower bound is reached; False says only that it is not known."""
        return self.cost <= self.lower_bound * (1 + 1e-12)


def solve(
    problem: Problem, start: np.ndarray, *, seed: int, max_moves: int, time_limit_s: float
) -> Solution:
    """Search for an arrangement at less cost than the start.

    Parameters
    ----------
    problem : Problem
    start : ndarray of int, shape (n_items,)
        Places that respect the capacities.
    seed : int
        Of the tabu search. The same seed gives the same answer, unless the clock stops it.
    max_moves : int
        Moves of the tabu search.
    time_limit_s : float
        Of the whole search in s; looked at between two steps.
    """
    deadline = time.perf_counter() + time_limit_s
    start = np.asarray(start, dtype=np.int64)
    start_cost = problem.cost(start)
    bound = lower_bound(problem)
    best, best_cost, moves, in_time = start, start_cost, 0, True
    if len(start) > 1 and start_cost > bound:
        for candidate in _starts(problem, start, deadline):
            search = _Search(problem, candidate, seed)
            in_time = search.descend(deadline) and in_time
            moves += search.n_moves
            cost = problem.cost(search.places)
            if cost < best_cost:
                best, best_cost = search.places.copy(), cost
        search = _Search(problem, best, seed)
        in_time = search.tabu(max_moves, deadline, bound) and in_time
        moves += search.n_moves
        cost = problem.cost(search.best)
        if cost < best_cost:
            best, best_cost = search.best, cost
    return Solution(best, best_cost, start_cost, bound, moves, in_time)


def lower_bound(problem: Problem) -> float:
    """A cost that no arrangement is below (Gilmore 1962, Lawler 1963).

    Each item pays at least its largest flows times the smallest distances from where it
    is; which item is where is then a linear assignment.
    """
    n_items, n_seats = len(problem.flow), int(problem.capacity.sum())
    if n_items < 2 or n_seats > MAX_BOUND_SEATS:
        return 0.0
    seats = np.repeat(np.arange(len(problem.capacity)), problem.capacity)
    between = problem.distance[np.ix_(seats, seats)]
    # the diagonal is an item's own seat, where no other can be
    others = between[~np.eye(n_seats, dtype=bool)].reshape(n_seats, n_seats - 1)
    nearest = np.sort(others, axis=1)[:, : n_items - 1]
    off_diagonal = problem.flow[~np.eye(n_items, dtype=bool)].reshape(n_items, n_items - 1)
    largest = -np.sort(-off_diagonal, axis=1)
    least = largest @ nearest.T
    return float(least[linear_sum_assignment(least)].sum() / 2)


def _starts(problem: Problem, start: np.ndarray, deadline: float) -> Iterator[np.ndarray]:
    """Arrangements to search from, as long as there is time: the one given first."""
    yield start
    for others in (_by_faq, _grown):
        if time.perf_counter() < deadline:
            yield from others(problem, start, deadline)


def _by_faq(problem: Problem, start: np.ndarray, deadline: float) -> list[np.ndarray]:
    """Places by SciPy's FAQ; none if items are bound to regions, or there are too many."""
    n_items, n_seats = len(problem.flow), int(problem.capacity.sum())
    if n_seats > MAX_FAQ_SEATS or len(np.unique(problem.region[problem.capacity > 0])) > 1:
        return []
    seats = np.repeat(np.arange(len(problem.capacity)), problem.capacity)
    flow = np.zeros((n_seats, n_seats))
    flow[:n_items, :n_items] = problem.flow
    distance = problem.distance[np.ix_(seats, seats)]
    found = quadratic_assignment(flow, distance, method="faq")
    return [np.asarray(seats[found.col_ind[:n_items]], dtype=np.int64)]


def _grown(problem: Problem, start: np.ndarray, deadline: float) -> list[np.ndarray]:
    """The best arrangements grown around single places, best first."""
    share = 1 if len(start) <= FEW_ITEMS else 4
    first = int(problem.flow.sum(axis=1).argmax())
    centres = np.flatnonzero(
        (problem.capacity > 0) & (problem.region == problem.region[start[first]])
    )
    if len(centres) > MAX_CENTRES // share:
        centres = centres[np.linspace(0, len(centres) - 1, MAX_CENTRES // share).astype(int)]
    found = []
    for centre in centres:
        if time.perf_counter() > deadline:
            break
        places = _grown_around(problem, start, first, int(centre))
        found.append((problem.cost(places), int(centre), places))
    found.sort(key=lambda entry: entry[:2])
    return [places for _, _, places in found[: MAX_GROWN // share]]


def _grown_around(problem: Problem, start: np.ndarray, first: int, centre: int) -> np.ndarray:
    """Put one item at a place, then always the one that talks most to those that are put.

    Items stay in the regions that they are in at the start.
    """
    free = problem.capacity.copy()
    places = np.full(len(start), -1, dtype=np.int64)
    pull = np.zeros((len(start), len(free)))
    talk = np.zeros(len(start))
    # what talks to nothing that is put yet goes near it all the same
    near = problem.distance[centre] * 1e-9
    item, place = first, centre
    for _ in range(len(start)):
        places[item] = place
        free[place] -= 1
        pull += np.outer(problem.flow[item], problem.distance[place])
        talk += problem.flow[item]
        talk[places >= 0] = -1
        item = int(talk.argmax())
        allowed = (free > 0) & (problem.region == problem.region[start[item]])
        place = int(np.where(allowed, pull[item] + near, np.inf).argmin())
    return places


class _Step(NamedTuple):
    """Two items that change places, or one that moves."""

    change: float
    items: tuple[int, ...]
    place: int = -1


class _Search:
    """An arrangement, and what every exchange and move would change of its cost.

    `pull[i, p]` is what item ``i`` would pay at place ``p``, if all others stayed; one
    exchange changes it by an outer product, so that a step takes no sum over items.
    """

    def __init__(self, problem: Problem, places: np.ndarray, seed: int):
        self.problem = problem
        self.places = np.array(places, dtype=np.int64)
        self.best = self.places.copy()
        self.free = problem.capacity - np.bincount(self.places, minlength=len(problem.capacity))
        self.pull = problem.flow @ problem.distance[self.places]
        self.twice_flow = 2 * problem.flow
        self.regions = len(np.unique(problem.region[self.places]))
        self.rng = np.random.RandomState(seed)
        self.n_moves = 0

    def descend(self, deadline: float) -> bool:
        """Make the best exchange until none helps; False if the time was over before."""
        smallest = -1e-9 * max(1.0, self.problem.cost(self.places))
        while True:
            step = self._best(None, 0)
            if step.change >= smallest:
                return True
            self._make(step)
            if time.perf_counter() > deadline:
                return False

    def tabu(self, max_moves: int, deadline: float, bound: float) -> bool:
        """Make the best exchange that does not lead back; False if the time was over."""
        n_items = len(self.places)
        cost = best_cost = self.problem.cost(self.places)
        until = np.zeros((n_items, len(self.free)), dtype=np.int64)
        for now in range(1, max_moves + 1):
            if time.perf_counter() > deadline:
                return False
            step = self._best(until >= now, best_cost - cost)
            if not np.isfinite(step.change):
                continue  # all are tabu, and will not be for ever
            for item in step.items:
                tenure = self.rng.randint(int(0.9 * n_items) + 1, int(1.1 * n_items) + 3)
                until[item, self.places[item]] = now + tenure
            self._make(step)
            cost += step.change
            if cost < best_cost - 1e-9 * max(1.0, best_cost):
                best_cost, self.best = cost, self.places.copy()
                if best_cost <= bound:
                    return True
        return True

    def _best(self, tabu: np.ndarray | None, aspired: float) -> _Step:
        """The exchange or move after which the cost is least.

        A tabu one counts only if it changes the cost by less than ``aspired``.
        """
        rows = np.arange(len(self.places))
        if len(rows) > MAX_ROWS:
            rows = np.sort(self.rng.choice(rows, MAX_ROWS, replace=False))
        change = self._exchanges(rows)
        if tabu is not None:
            back = tabu[rows][:, self.places] & tabu[:, self.places[rows]].T
            change[back & (change >= aspired)] = np.inf
        row, other = divmod(int(np.argmin(change)), change.shape[1])
        best = _Step(float(change[row, other]), (int(rows[row]), other))
        if self.free.any():
            change = self._moves(rows)
            if tabu is not None:
                change[tabu[rows] & (change >= aspired)] = np.inf
            row, place = divmod(int(np.argmin(change)), change.shape[1])
            if change[row, place] < best.change:
                best = _Step(float(change[row, place]), (int(rows[row]),), place)
        return best

    def _exchanges(self, rows: np.ndarray) -> np.ndarray:
        """Change of cost if each of ``rows`` changed places with each item."""
        places = self.places
        # what an item at another's place would pay more than the other does there
        more = self.pull[:, places]
        more -= more.diagonal().copy()
        between = self.problem.distance[np.ix_(places[rows], places)]
        if len(rows) < len(places):
            change = more[rows] + more[:, rows].T + 2 * self.problem.flow[rows] * between
        else:
            between *= self.twice_flow
            change = more + more.T
            change += between
        useless = places[rows][:, None] == places
        if self.regions > 1:
            region = self.problem.region[places]
            useless |= region[rows][:, None] != region
        change[useless] = np.inf
        return np.asarray(change)

    def _moves(self, rows: np.ndarray) -> np.ndarray:
        """Change of cost if each of ``rows`` moved to each place with a free seat."""
        places = self.places[rows]
        change = self.pull[rows] - self.pull[rows, places][:, None]
        change[:, self.free <= 0] = np.inf
        change[self.problem.region[places][:, None] != self.problem.region] = np.inf
        change[np.arange(len(rows)), places] = np.inf
        return np.asarray(change)

    def _make(self, step: _Step) -> None:
        flow, distance = self.problem.flow, self.problem.distance
        item = step.items[0]
        old = self.places[item]
        if len(step.items) == 2:
            other = step.items[1]
            new = self.places[other]
            moved = flow[item] - flow[other]
            self.places[other] = old
        else:
            new = step.place
            moved = flow[item]
            self.free[old] += 1
            self.free[new] -= 1
        self.places[item] = new
        self.pull += np.outer(moved, distance[new] - distance[old])
        self.n_moves += 1
