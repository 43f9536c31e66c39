"""Quadratic assignment: who sits where, so that those who talk much sit close.

Items (blocks) with flows (messages) between them are put into places (tiles) that hold several
each, at the least sum of flow times distance. This is NP-hard: exact methods end at some 30 items,
and a network has hundreds of blocks. So `solve` searches, and says how far from the best it may be:

1. A lower bound (`assignment_bounds`). If the start reaches it, there is nothing to do.
2. Arrangements to search from: the start itself, so that the answer is never worse; the answer of
   SciPy's FAQ method (Vogelstein et al., Fast Approximate Quadratic Programming for Graph Matching,
   PLoS ONE 10(4), 2015); and arrangements grown around several places. They end in different
   valleys, and no single one is best for all networks.
3. From each of them the best exchange or move is made until none helps.
4. From the best of these, robust tabu search (Taillard, Robust taboo search for the quadratic
   assignment problem, Parallel Computing 17, 1991): the best exchange is made even if it is for the
   worse, but none that leads back for some time. Simulated annealing would do, too; it takes
   many more exchanges at random, while here all of them are priced at once by a few matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ...deadlines import Clock, in_time_here
from ...errors import SpikeCostWarning
from ...warned import warn
from .assignment_bounds import Problem, lower_bound

#: FAQ works on matrices of seats by seats: on no larger ones than this.
MAX_FAQ_SEATS = 512

#: Arrangements are grown around so many places, and so many of them searched from; of more
#: items than `FEW_ITEMS`, each of which takes long, a quarter of both.
MAX_CENTRES, MAX_GROWN = 64, 8
FEW_ITEMS = 256

#: Exchanges of so many items with all others are looked at in a step of the search.
MAX_ROWS = 400


@dataclass(frozen=True)
class Solution:
    """Where every item is put.

    Attributes
    ----------
    places : ndarray of int64, shape (n_items,)
    cost, start_cost : float
    lower_bound : float
        No arrangement costs less.
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
    """Search for an arrangement that costs less than the start.

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
        Of the whole search in s.

    Warns
    -----
    SpikeCostWarning
        If Ctrl-C ended it: the answer is the best so far.
    """
    start = np.asarray(start, dtype=np.int64)
    found, bound, in_time = _Found(problem, start), 0.0, False
    with Clock(time_limit_s).bounds():
        try:
            bound = in_time_here(lambda: lower_bound(problem))  # step 1
            if len(start) > 1 and found.cost > bound:
                in_time_here(lambda: _look(found, seed, max_moves, bound))
            in_time = True
        except KeyboardInterrupt:
            words = "The search for places was interrupted: these are the best so far."
            warn(words, SpikeCostWarning)
    found.keep()
    return Solution(found.places, found.cost, problem.cost(start), bound, found.n_moves, in_time)


class _Found:
    """The best arrangement so far, and a search that goes on from one."""

    def __init__(self, problem: Problem, start: np.ndarray):
        self.problem, self.places, self.cost = problem, start, problem.cost(start)
        self.n_moves = 0
        self._search: _Search | None = None

    def search(self, start: np.ndarray, seed: int) -> _Search:
        """A search from an arrangement; what the one before has found is kept."""
        self.keep()
        self._search = _Search(self.problem, start, seed)
        return self._search

    def keep(self) -> None:
        """Take what the search has found by now, if it is better."""
        if self._search is None:
            return
        self.n_moves += self._search.n_moves
        places, self._search = self._search.best, None
        cost = self.problem.cost(places)
        if cost < self.cost:
            self.places, self.cost = places, cost


def _look(found: _Found, seed: int, max_moves: int, bound: float) -> None:
    """Steps 2 to 4."""
    problem, start = found.problem, found.places
    for candidates in (lambda: [start], lambda: _by_faq(problem), lambda: _grown(problem, start)):
        for candidate in candidates():  # step 2
            found.search(candidate, seed).descend()  # step 3
    found.keep()
    found.search(found.places, seed).tabu(max_moves, bound)  # step 4


def _by_faq(problem: Problem) -> list[np.ndarray]:
    """Places by SciPy's FAQ; none if items are bound to regions, or there are too many."""
    from scipy.optimize import quadratic_assignment

    n_items, n_seats = len(problem.flow), int(problem.capacity.sum())
    if n_seats > MAX_FAQ_SEATS or len(np.unique(problem.region[problem.capacity > 0])) > 1:
        return []
    seats = np.repeat(np.arange(len(problem.capacity)), problem.capacity)
    flow = np.zeros((n_seats, n_seats))
    flow[:n_items, :n_items] = problem.flow
    distance = problem.distance[np.ix_(seats, seats)]
    answer = quadratic_assignment(flow, distance, method="faq")
    return [np.asarray(seats[answer.col_ind[:n_items]], dtype=np.int64)]


def _grown(problem: Problem, start: np.ndarray) -> list[np.ndarray]:
    """The best arrangements grown around single places, best first."""
    share = 1 if len(start) <= FEW_ITEMS else 4
    first = int(problem.flow.sum(axis=1).argmax())
    own_region = problem.region == problem.region[start[first]]
    centres = np.flatnonzero((problem.capacity > 0) & own_region)
    if len(centres) > MAX_CENTRES // share:
        centres = centres[np.linspace(0, len(centres) - 1, MAX_CENTRES // share).astype(int)]
    grown = []
    for centre in centres:
        places = _grown_around(problem, start, first, int(centre))
        grown.append((problem.cost(places), int(centre), places))
    grown.sort(key=lambda entry: entry[:2])
    return [places for _, _, places in grown[: MAX_GROWN // share]]


def _grown_around(problem: Problem, start: np.ndarray, first: int, centre: int) -> np.ndarray:
    """Put one item at a place, then always the one that talks most to those put already.

    Items stay in the regions that they are in at the start.
    """
    free = problem.capacity.copy()
    places = np.full(len(start), -1, dtype=np.int64)
    pull = np.zeros((len(start), len(free)))
    talk = np.zeros(len(start))
    # an item that talks to none of those put yet goes near them all the same
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
    """An arrangement, and the change of cost by every exchange and move.

    ``pull[i, p]`` is the cost of item ``i`` at place ``p`` if all others stayed:
    ``sum_j flow[i, j] * distance[p, place of j]``. Exchanging items ``i`` and ``j`` at places
    ``p`` and ``q`` then changes the cost by ::

        pull[i, q] - pull[i, p] + pull[j, p] - pull[j, q] + 2 * flow[i, j] * distance[p, q]

    The last term is there because each was counted at the other's old place. Two items that have
    moved change ``pull`` by an outer product, so that no step takes a sum over all items.
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

    def descend(self) -> None:
        """Make the best exchange until none helps."""
        smallest = -1e-9 * max(1.0, self.problem.cost(self.places))
        while True:
            step = self._best(None, 0)
            if step.change >= smallest:
                return
            self._make(step)
            self.best = self.places.copy()

    def tabu(self, max_moves: int, bound: float) -> None:
        """Make the best exchange that does not lead back."""
        n_items = len(self.places)
        cost = best_cost = self.problem.cost(self.places)
        until = np.zeros((n_items, len(self.free)), dtype=np.int64)
        for now in range(1, max_moves + 1):
            step = self._best(until >= now, best_cost - cost)
            if not np.isfinite(step.change):
                continue  # all are tabu for now
            # an item may not come back for about as many steps as there are items; by chance a
            # few more or less, so that the search does not go round in a circle
            for item in step.items:
                tenure = self.rng.randint(int(0.9 * n_items) + 1, int(1.1 * n_items) + 3)
                until[item, self.places[item]] = now + tenure
            self._make(step)
            cost += step.change
            if cost < best_cost - 1e-9 * max(1.0, best_cost):
                best_cost, self.best = cost, self.places.copy()
                if best_cost <= bound:
                    return

    def _best(self, tabu: np.ndarray | None, aspired: float) -> _Step:
        """The exchange or move after which the cost is least.

        A tabu one counts only if it changes the cost by less than ``aspired``: that is, if
        it leads to less than the best so far.
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
        # more[i, j]: the cost of item i at the place of j, less that of j itself there
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
