"""How many spikes make a dense product of a convolution cheaper than events: measured."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from .product_kernels import CONVOLUTION, Products, active, convolution_dense, convolution_events

_known: dict[Any, int] = {}


def measured_crossovers(products: Any, dtype: Any) -> None:
    """Set ``most_events`` of the convolutions among these products.

    Both ways give the same bits, so that this decides on nothing but time; each kind of
    convolution is measured once in a process, in about a millisecond.
    """
    for product in products:
        if product.shape[0] == CONVOLUTION:
            key = (product.shape, np.dtype(dtype))
            if key not in _known:
                _known[key] = _measured(product, dtype)
            product.most_events = _known[key]


def _measured(product: Any, dtype: Any) -> int:
    zero, none = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int32)
    values = np.concatenate([product.by_source, product.by_target]).astype(dtype)
    shape = np.array([[*product.shape, 0]], dtype=np.int64)
    table = Products(
        shape, zero, zero + product.by_source.size, zero, none, np.zeros((1, 2), np.int64),
        zero, values,
    )  # fmt: skip
    n_sources, n_targets = product.shape[1:3]
    x = np.zeros(n_sources, dtype)
    x[:: max(n_sources // 50, 1)] = 1
    y, padded = np.zeros(n_targets, dtype), np.zeros(product.padded_size + 64, dtype)
    events = np.empty(n_sources, dtype=np.int32)
    n = active(x, 0, n_sources, events)
    of_events = _fastest(lambda: convolution_events(table, 0, x, 0, y, 0, events, n))
    of_dense = _fastest(lambda: convolution_dense(table, 0, x, 0, y, 0, padded))
    return int(n * of_dense / max(of_events, 1e-9))


def _fastest(call: Any) -> float:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
