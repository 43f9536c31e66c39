"""How many spikes make a dense product cheaper than events: measured."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Callable

import numpy as np

from .assembling import joined
from .product_kernels import (
    CONVOLUTION,
    MATRIX,
    Products,
    active,
    convolution_dense,
    convolution_events,
    matrix_dense,
    matrix_events,
)

_known: dict[Any, int] = {}


def measured_crossovers(products: Any, dtype: Any) -> None:
    """Set ``most_events`` of the convolutions and matrices among these products.

    Both ways give the same bits, so that this decides on nothing but time; each shape is measured
    once in a process, in some milliseconds.
    """
    for product in products:
        if product.shape[0] in (CONVOLUTION, MATRIX):
            key = (product.shape, np.dtype(dtype))
            if key not in _known:
                _known[key] = _measured(product, dtype)
            product.most_events = _known[key]


def _measured(product: Any, dtype: Any) -> int:
    """The number of spikes, at random places, that cost as much as the dense product.

    A few spikes cost more each than many, and their time grows otherwise where weights come from
    another cache: so they are timed as many as they seem to have to be, and then again.
    """
    zero, none = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int32)
    values = joined([product.by_source, product.by_target], dtype)
    shape = np.zeros((1, 16), dtype=np.int64)
    shape[0, : len(product.shape)] = product.shape
    table = Products(
        shape, zero, zero + product.by_source.size, zero, none, np.zeros((1, 2), np.int64),
        zero, values,
    )  # fmt: skip
    n_sources, n_targets = product.shape[1:3]
    # as a network has them: what lies in two lines of the cache takes longer
    x, y = joined([np.zeros(n_sources)], dtype), joined([np.zeros(n_targets)], dtype)
    order = np.random.RandomState(0).permutation(n_sources)
    events = np.empty(n_sources, dtype=np.int32)
    if product.shape[0] == MATRIX:
        one_by_one = matrix_events
        of_dense = _fastest(lambda: matrix_dense(table, 0, x, 0, y, 0))
    else:
        one_by_one = convolution_events
        padded = joined([np.zeros(product.padded_size + 64)], dtype)
        of_dense = _fastest(lambda: convolution_dense(table, 0, x, 0, y, 0, padded))
    n = max(n_sources // 10, 1)
    for _ in range(ROUNDS):
        x[...] = 0
        x[order[:n]] = 1
        found = active(x, 0, n_sources, events)
        of_events = _fastest(partial(one_by_one, table, 0, x, 0, y, 0, events, found))
        before, n = n, max(1, min(n_sources, round(n * of_dense / max(of_events, 1e-9))))
        if abs(n - before) < 0.05 * before:
            break
    return n


#: Times that events are timed, and of each the fewest calls, the seconds they take together, and
#: the most calls, as some clocks stand still for longer than that.
ROUNDS, CALLS, SECONDS, MOST_CALLS = 4, 4, 5e-4, 1000


def _fastest(call: Callable[[], Any]) -> float:
    seconds: list[float] = []
    while len(seconds) < CALLS or (sum(seconds) < SECONDS and len(seconds) < MOST_CALLS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
