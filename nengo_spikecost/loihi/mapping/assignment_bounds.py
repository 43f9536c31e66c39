"""What no arrangement of a quadratic assignment costs less than.

Where there are few arrangements all of them are tried, and the bound is the cost of the best. Else
there are three bounds, of which the largest counts: each is the best of some networks. ``A`` are
the flows between items, and ``B`` the distances between seats, of which a place has several.

**Gilmore (1962) and Lawler (1963).** An item in a seat pays at least its largest flow times the
smallest distance to another seat, plus the second largest times the second smallest, and so on: no
other pairing of two sorted lists has a smaller sum of products. With these least payments of every
item in every seat, putting items into seats is a linear assignment, which is solved exactly.

**Donath and Hoffman (1973).** Items in different places pay at least the smallest distance between
two places. The flow between the parts of a partition, with an indicator vector ``x`` of each part,
is half the sum of ``x' L x``, where ``L`` is the Laplacian of the flows. These vectors are
orthogonal, and their squared lengths are the sizes of the parts; so the sum is at least that of the
smallest eigenvalues times the sizes, the largest size with the smallest eigenvalue. It is least
where as few places as possible hold all items.

**Hadley, Rendl and Wolkowicz (1992)**, where every seat is taken. A permutation ``X`` keeps the
vector of ones, so that ``X = ones / n + V Y V'``, with a basis ``V`` of what is orthogonal to that
vector, and ``Y`` orthogonal. In the cost ``tr(A X B X')`` that leaves ``tr(V'AV Y V'BV Y')``, at
least the smallest sum of products of the eigenvalues of both; and a part that is linear in ``X``, a
sum of products of the sums of rows, whose least is again that of sorted lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb

import numpy as np

#: Arrangements that are all tried, of so many items: as many as of eight in eight places.
MAX_ARRANGEMENTS, MAX_TRIED = 40_320, 16

#: Seats that items are assigned to exactly, and whose distances are taken apart into eigenvalues.
MAX_SEATS = 1024

#: Items whose flows are taken apart into eigenvalues: of 4,096 it takes half a minute.
MAX_ITEMS = 2048

#: Eigenvalues are rounded: a bound by them is less by this share of all that was added up.
ROUNDING = 1e-10


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


def lower_bound(problem: Problem) -> float:
    """A cost that no arrangement is below: that of the best, if all are tried, or else a bound.

    Regions are not asked for: without them there are more arrangements, and none of less cost.
    """
    if len(problem.flow) < 2:
        return 0.0
    if all_are_tried(problem):
        return _least_of_all(problem)
    bounds = [_gilmore_lawler(problem)]
    if len(problem.flow) <= MAX_ITEMS:
        bounds.append(_donath_hoffman(problem))
    if len(problem.flow) == problem.capacity.sum() <= MAX_SEATS:
        bounds.append(_projected_eigenvalues(problem))
    return max(bounds)


def all_are_tried(problem: Problem) -> bool:
    """Whether there are so few arrangements that the lower bound is the cost of the best."""
    n_items = len(problem.flow)
    if n_items > MAX_TRIED:
        return False
    ways = np.zeros(n_items + 1)  # to put so many of the items into the places up to here
    ways[0] = 1
    for room in problem.capacity[problem.capacity > 0]:
        before = ways.copy()
        for n in range(1, n_items + 1):
            ways[n] += sum(comb(n, k) * before[n - k] for k in range(1, min(room, n) + 1))
        if ways[n_items] > MAX_ARRANGEMENTS:
            return False
    return True


def _least_of_all(problem: Problem) -> float:
    """The cost of the best of all arrangements: one item after the other into every place."""
    places = np.flatnonzero(problem.capacity)
    found = np.zeros((1, 0), dtype=np.int64)
    cost, room = np.zeros(1), problem.capacity[places][None]
    for item, flow in enumerate(problem.flow):
        way, place = np.nonzero(room)
        distance = problem.distance[places[place, None], found[way]]
        cost = cost[way] + distance @ flow[:item]
        found, room = np.column_stack([found[way], places[place]]), room[way]
        room[np.arange(len(way)), place] -= 1
    return float(cost.min())


def _gilmore_lawler(problem: Problem) -> float:
    """Of more than `MAX_SEATS` seats every item pays what it does in the best for it alone."""
    from scipy.optimize import linear_sum_assignment  # a tenth of a second's import

    n_items = len(problem.flow)
    places = np.flatnonzero(problem.capacity)
    off_diagonal = problem.flow[~np.eye(n_items, dtype=bool)].reshape(n_items, n_items - 1)
    largest = -np.sort(-off_diagonal, axis=1)
    least = largest @ _nearest(problem, places, n_items - 1).T
    if problem.capacity.sum() > MAX_SEATS:
        return float(least.min(axis=1).sum() / 2)
    least = np.repeat(least, problem.capacity[places], axis=1)
    return float(least[linear_sum_assignment(least)].sum() / 2)


def _nearest(problem: Problem, places: np.ndarray, n_others: int) -> np.ndarray:
    """Distances from each of these places to the nearest other seats, (n_places, n_others)."""
    nearest = np.empty((len(places), n_others))
    for row, place in enumerate(places):
        room = problem.capacity.copy()
        room[place] -= 1  # an item's own seat, where no other can be
        order = np.argsort(problem.distance[place], kind="stable")
        nearest[row] = np.repeat(problem.distance[place][order], room[order])[:n_others]
    return nearest


def _donath_hoffman(problem: Problem) -> float:
    places = np.flatnonzero(problem.capacity)
    between = problem.distance[np.ix_(places, places)][~np.eye(len(places), dtype=bool)]
    if not between.size:
        return 0.0
    laplacian = np.diag(problem.flow.sum(axis=1)) - problem.flow
    sizes = np.sort(problem.capacity[places])[::-1]
    # as many items as there are, in the fullest places first
    sizes = np.diff(np.minimum(np.cumsum(sizes), len(problem.flow)), prepend=0)
    values = np.linalg.eigvalsh(laplacian)[: np.count_nonzero(sizes)]
    cut = (sizes[: len(values)] @ values - ROUNDING * problem.flow.sum()) / 2
    return float(max(cut, 0.0) * between.min())


def _projected_eigenvalues(problem: Problem) -> float:
    seats = np.repeat(np.arange(len(problem.capacity)), problem.capacity)
    flow, distance = problem.flow, problem.distance[np.ix_(seats, seats)]
    n = len(flow)
    ones = np.column_stack([np.ones(n), np.eye(n)[:, 1:]])
    basis = np.linalg.qr(ones)[0][:, 1:]
    flows, distances = (np.linalg.eigvalsh(basis.T @ x @ basis) for x in (flow, distance))
    rows, columns = np.sort(flow.sum(axis=1)), np.sort(distance.sum(axis=1))[::-1]
    linear = 2 / n * (rows @ columns) - flow.sum() * distance.sum() / n**2
    added = np.abs(flows) @ np.abs(distances)[::-1] + flow.sum() * distance.sum() / n
    return float((flows @ distances[::-1] + linear - ROUNDING * added) / 2)
