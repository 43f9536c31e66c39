"""How many spikes make a dense product cheaper than events: measured."""

from __future__ import annotations

import math
import time
from typing import Any, Callable

import numpy as np

from . import instructions as code
from .assembling import ALIGNMENT, joined
from .native_run import Tables
from .products import CONVOLUTION, MATRIX, Products
from .vector_sizes import MARKED

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
    n_sources, n_targets = product.shape[1:3]
    shape, zero = np.zeros((1, 16), dtype=np.int64), np.zeros(1, dtype=np.int64)
    shape[0, : len(product.shape)] = product.shape
    values = joined([product.by_source, product.by_target], dtype)
    # memory is as a network has it: sources, targets, and marks of the sources that fire
    size = [-(-n // ALIGNMENT) * ALIGNMENT for n in (n_sources, n_targets)]
    n_marks = -(-n_sources // MARKED) * MARKED // 8 // np.dtype(dtype).itemsize
    memory = joined([np.zeros(sum(size) + n_marks)], dtype)
    padded = joined([np.zeros(product.padded_size + ALIGNMENT)], dtype)
    row = np.zeros((1, code.SIZE), dtype=np.int64)
    row[0, :6] = code.PRODUCT, n_sources, size[0], 0, 0, 1 + sum(size)
    never = np.zeros(1, dtype=np.int64)
    events, order = np.empty(n_sources, np.int32), np.random.RandomState(0).permutation(n_sources)

    def call(most_events: int, n_steps: int = 1) -> Callable[[], Any]:
        table = Products(
            shape, zero, zero + product.by_source.size, zero, np.zeros(1, dtype=np.int32),
            np.zeros((1, 2), dtype=np.int64), zero + most_events, values,
        )  # fmt: skip
        # one instruction of a network's own program: no other code has to be loaded for it
        tables = Tables(zero, table, np.zeros(1, dtype))
        return lambda: tables.run(
            row, np.array([[0, 1, 0]]), memory, np.zeros(1), np.zeros((n_steps, 1), dtype), 0,
            n_steps, 0, events, padded, never,
        )  # fmt: skip

    def let_fire(n: int) -> None:
        bits = np.zeros(n_marks * np.dtype(dtype).itemsize * 8, dtype=bool)
        bits[order[:n]] = True
        memory[:n_sources] = bits[:n_sources]
        memory[sum(size) :] = np.packbits(bits, bitorder="little").view(dtype)

    n = max(n_sources // 10, 1)
    let_fire(n)  # of silent sources there would be no product to time
    # several at a time, so that calling from Python is little of it; no more, as a busy machine
    # lets a call of milliseconds wait in its middle
    n_steps = min(math.ceil(AT_LEAST / max(_fastest(call(0))[0], 1e-9)), MOST_STEPS)
    by_events, dense = call(n_sources, n_steps), call(0, n_steps)
    for _ in range(ROUNDS):
        before = n
        let_fire(n)
        # in turn, so that whatever else runs on the machine slows down both
        own, other = _fastest(by_events, dense)
        n = max(1, min(n_sources, round(n * other / max(own, 1e-9))))
        if abs(n - before) < 0.05 * before:
            break
    return n


#: Times that both ways are timed, and of each the fewest calls, the seconds they take together, and
#: the most calls, as some clocks stand still for longer than that.
ROUNDS, CALLS, SECONDS, MOST_CALLS = 5, 4, 5e-4, 1000
#: Seconds that a call of a dense product takes at least, and in how many steps at most.
AT_LEAST, MOST_STEPS = 1e-4, 16


def _fastest(*calls: Callable[[], Any]) -> list[float]:
    """The least seconds of each, called in turn."""
    seconds: list[list[float]] = []
    spent = 0.0
    while len(seconds) < CALLS or (spent < SECONDS * len(calls) and len(seconds) < MOST_CALLS):
        turn = []
        for call in calls:
            start = time.perf_counter()
            call()
            turn.append(time.perf_counter() - start)
        seconds.append(turn)
        spent += sum(turn)
    return [min(own) for own in zip(*seconds)]
