"""Events and dense products give the same bits; sums in exact arithmetic say which are right."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from nengo_spikecost.activity.compiled import product_kernels as kernels
from nengo_spikecost.activity.compiled.crossover import measured_crossovers
from nengo_spikecost.activity.compiled.instructions import SIZE, Code
from nengo_spikecost.activity.compiled.native_run import Tables
from nengo_spikecost.activity.compiled.products import MATRIX, Products


@pytest.mark.parametrize("n_targets", [1, 7, 100, 391])
@pytest.mark.parametrize("activity", [0.0, 0.1, 1.0])
def test_a_matrix_by_events_and_dense(n_targets, activity):
    rng = np.random.RandomState(n_targets)
    n = 700
    values = rng.normal(size=n * n_targets).astype(np.float32)
    x = (rng.rand(n + 3) < activity).astype(np.float32) * rng.normal(size=n + 3).astype(np.float32)
    shape = (MATRIX, n, n_targets)
    layer = SimpleNamespace(shape=shape, by_source=values, by_target=np.zeros(0), padded_size=0)
    measured_crossovers([layer], np.float32)
    assert 1 <= layer.most_events <= n
    results = []
    n_marks = -(-n // 64) * 2  # numbers of 32 bits
    bits = np.packbits(
        np.resize(np.append(x[3:] != 0, np.zeros(64, bool)), n_marks * 32), bitorder="little"
    )
    # always events, never, as measured; who has a value is looked up, or known from marks
    for most, is_marked in itertools.product((n, 0, layer.most_events), (False, True)):
        one, none = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int32)
        row = np.array([[*shape, *13 * [0]]])
        products = Products(
            row, one, one, one, none, np.zeros((1, 2), dtype=np.int64), one + most, values
        )
        memory = np.ones(n_targets + 5 + n_marks, dtype=np.float32)
        memory[n_targets + 5 :] = bits.view(np.float32)
        memory = np.concatenate([memory, x])
        x_at = memory.size - n
        code = np.zeros((1, SIZE), dtype=np.int64)
        code[0, :6] = Code.PRODUCT, n, 5, 0, x_at, 1 + n_targets + 5 if is_marked else 0
        Tables(one, products, np.zeros(1, np.float32)).run(
            code, np.array([[0, 1, 0]]), memory, np.zeros(1), np.zeros((1, 1), np.float32),
            0, 1, 0, np.empty(n, dtype=np.int32), np.zeros(64, dtype=np.float32),
            np.zeros(1, np.int64),
        )  # fmt: skip
        assert (memory[:5] == 1).all() and memory[x_at:].tobytes() == x[3:].tobytes()
        assert memory[n_targets + 5 :].tobytes().startswith(bits.tobytes())
        results.append(memory[5 : n_targets + 5])
    exact = 1 + x[3:].astype(np.float64) @ values.reshape(n, n_targets).astype(np.float64)
    np.testing.assert_allclose(results[0], exact, rtol=1e-4, atol=1e-3)
    for other in results[1:]:
        np.testing.assert_array_equal(other.view(np.int32), results[0].view(np.int32))


def test_products_are_timed_with_sources_that_fire(monkeypatch):
    """Of silent sources there is nothing to add: a call would seem to take microseconds."""
    from nengo_spikecost.activity.compiled import crossover

    n, n_targets, fired = 700, 100, []

    class Watched(Tables):
        def run(self, code, rows, memory, *arguments):
            fired.append(np.count_nonzero(memory[:n]))
            return super().run(code, rows, memory, *arguments)

    monkeypatch.setattr(crossover, "Tables", Watched)
    values = np.ones(n * n_targets, dtype=np.float32)
    layer = SimpleNamespace(
        shape=(MATRIX, n, n_targets), by_source=values, by_target=np.zeros(0), padded_size=0
    )
    assert 1 <= crossover._measured(layer, np.float32) <= n
    assert fired and min(fired) > 0


def test_how_busy_a_layer_seems():
    """Every eighth block of 64 sources: exact where blocks are alike. Small layers are listed."""
    x = np.zeros(64 * 64 + 1, dtype=np.float32)
    x[1::4] = 1
    assert kernels.seems_busy(x, 1, 4096, 1023)
    assert not kernels.seems_busy(x, 1, 4096, 1024)
    assert not kernels.seems_busy(x, 1, 448, 3)
    assert not kernels.seems_busy(x, 1, 4096, 4096)


def test_a_clock_that_stands_still_does_not_keep_it_waiting(monkeypatch):
    from nengo_spikecost.activity.compiled import crossover

    monkeypatch.setattr(crossover.time, "perf_counter", lambda: 0.0)
    calls = []
    assert crossover._fastest(lambda: calls.append(1)) == [0]
    assert len(calls) == crossover.MOST_CALLS
