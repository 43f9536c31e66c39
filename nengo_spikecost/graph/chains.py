"""Exact fan-out along a chain of patterns.

Along a chain, a source element may reach the same target by several paths; the network
without its passthrough Nodes has one synapse there, not several. So the number wanted is
the size of a union of sets, which the sum over paths overstates: 1.66 times for an
overlapping average pool before a convolution, 2.34 times for upsampling before one.

1. Rewrite the chain into fewer patterns with the same union (`simplify`).
2. Count the ends of the chain along which no two paths can meet by plain sums.
3. Multiply out the core between them, if any is left, in pieces of bounded size.

Step 3 alone would be right, but slow: its matrices hold every synapse of every pattern.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .connectivity import AllToAll, Connectivity, Identity, Placement, Selection
from .kronecker import Kronecker, on_grid, split_selection, union_of_products

#: Largest number of paths multiplied out at a time. 2**21 keep the sparse matrices of a
#: piece near 100 MB.
PATHS_AT_ONCE = 2**21


def chain_fan_out(chain: Sequence[Connectivity]) -> np.ndarray:
    """Number of distinct final outputs that each input of a chain reaches.

    Parameters
    ----------
    chain : sequence of Connectivity
        From source to target; at least one.

    Returns
    -------
    ndarray of shape (chain[0].size_in,), int64
    """
    core = simplify(chain)
    if len(core) == 1:
        return core[0].out_degree
    weights = np.ones(core[-1].size_out)
    # Where every output has at most one input, different elements never share a target:
    # the end of the chain only says how many targets each element stands for.
    while core and core[-1].in_degree.max(initial=0) <= 1:
        weights = core.pop().adjoint(weights)
    # Where every input has at most one output, the start only says whose count to take.
    start: list[Connectivity] = []
    while core and core[0].out_degree.max(initial=0) <= 1:
        start.append(core.pop(0))
    if core:
        weights = core[0].adjoint(weights) if len(core) == 1 else _union_sums(core, weights)
    for pattern in reversed(start):
        weights = pattern.adjoint(weights)
    return np.rint(weights).astype(np.int64)


def simplify(chain: Sequence[Connectivity]) -> list[Connectivity]:
    """A shorter chain, of one or more patterns, that joins the same pairs."""
    result: list[Connectivity] = []
    todo = list(reversed(chain))
    while todo:
        pattern = todo.pop()
        merged = _merge(result[-1], pattern) if result else None
        if merged is None:
            result.append(pattern)
        else:
            # The merged patterns may merge further, with the one before them as well.
            result.pop()
            todo.extend(reversed(merged))
    return result


def _merge(first: Connectivity, second: Connectivity) -> list[Connectivity] | None:
    """One or two simpler patterns that join the same pairs as ``second`` after ``first``.

    None if there are none. Every rewriting moves towards fewer or simpler patterns, so
    that `simplify` ends.
    """
    if isinstance(first, Identity):
        return [second]
    if isinstance(second, Identity):
        return [first]
    if isinstance(second, AllToAll):
        return _all_from(first, second.size_out)
    if isinstance(first, AllToAll):
        merged = _all_from(second.T, first.size_in)
        return None if merged is None else [pattern.T for pattern in reversed(merged)]
    if isinstance(first, Selection) and isinstance(second, Selection):
        return [Selection(first.indices[second.indices], first.size_in)]
    if isinstance(first, Placement) and isinstance(second, Placement):
        return [Placement(second.indices[first.indices], second.size_out)]
    if isinstance(first, Kronecker) and isinstance(second, Kronecker):
        product = union_of_products(first, second)
        return None if product is None else [product]
    if isinstance(first, Placement) and isinstance(second, Kronecker):
        grid = on_grid(first, second.shape_in)
        return None if grid is None else _merge(grid, second)
    if isinstance(first, Kronecker) and isinstance(second, Selection):
        grid = on_grid(Placement(second.indices, second.size_in), first.shape_out)
        return None if grid is None else _merge(first, grid.T)
    if isinstance(first, Selection) and isinstance(second, Kronecker):
        split = split_selection(first, second.shape_in)
        return None if split is None else [*split, second]
    return None


def _all_from(first: Connectivity, size_out: int) -> list[Connectivity] | None:
    """``first`` followed by an `AllToAll`: all outputs, from the inputs that reach any."""
    reaching = np.flatnonzero(first.out_degree)
    everything = AllToAll(len(reaching), size_out)
    if len(reaching) == first.size_in:
        return [everything]
    selection = Selection(reaching, first.size_in)
    if isinstance(first, Selection) and np.array_equal(first.indices, reaching):
        return None
    return [selection, everything]


def _union_sums(chain: Sequence[Connectivity], weights: np.ndarray) -> np.ndarray:
    """For each input of a chain, the sum of ``weights`` over the outputs it reaches."""
    result = np.zeros(chain[0].size_in)
    for inputs in _pieces(_most_paths(chain)):
        reached = chain[0].to_sparse(inputs)
        for pattern in chain[1:]:
            rows = np.flatnonzero(np.diff(reached.indptr))
            # A product of boolean matrices is the union: True + True is True.
            reached = pattern.to_sparse(rows) @ reached[rows]
        result[inputs] = reached.T @ weights
    return result


def _most_paths(chain: Sequence[Connectivity]) -> np.ndarray:
    """For each input, the largest number of paths from it to any stage of the chain."""
    most = np.zeros(chain[0].size_in)
    for stage in range(1, len(chain) + 1):
        paths = np.ones(chain[stage - 1].size_out)
        for pattern in reversed(chain[:stage]):
            paths = pattern.adjoint(paths)
        most = np.maximum(most, paths)
    return most


def _pieces(paths: np.ndarray) -> list[np.ndarray]:
    """Cut the inputs into consecutive pieces of about `PATHS_AT_ONCE` paths each."""
    numbers = (np.cumsum(paths) // PATHS_AT_ONCE).astype(np.int64)
    cuts = np.flatnonzero(np.diff(numbers)) + 1
    return np.split(np.arange(len(paths)), cuts)
