"""Layers run at once give the bits of their instructions run one by one."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_spikecost.activity.compiled import instructions, layer_kernels
from nengo_spikecost.activity.compiled.instructions import SIZE, Code
from nengo_spikecost.activity.compiled.layer_kernels import BARE, FED, FILTERED, MARK
from nengo_spikecost.activity.compiled.product_kernels import Products

N = 1024 + 16 * 3 + 7  # more than a chunk, and not a multiple of 16
CURRENT, OUTPUT, VOLTAGE, COUNTS, FILTER, SUMS, END = range(0, 7 * 1200, 1200)
NUMBERS, PER_UNIT, ZERO, FACTORS, BIAS, GAIN = 0, 8, 9, 10, 20, 2000


def rows(kind, how):
    """The rows of a layer, in an order that a network may have."""
    given = [
        (Code.DECAY, N, FILTER, SUMS, -1 - FACTORS),
        (Code.FILL, N, SUMS, -1 - ZERO),
        (Code.COPY, N, CURRENT, -1 - BIAS),
        (Code.MULTIPLY_ADD, N, CURRENT, -1 - GAIN, FILTER),
        (Code.NEURONS, N, kind, CURRENT, OUTPUT, VOLTAGE, OUTPUT, OUTPUT, -1 - NUMBERS),
        (Code.COUNT, N, COUNTS, OUTPUT, -1 - PER_UNIT),
    ]
    given = given[{BARE: 4, FED: 1, FILTERED: 0}[how] :]
    table = np.zeros((len(given), SIZE), dtype=np.int64)
    for k, row in enumerate(given):
        table[k, : len(row)] = row
    return table


def after(table, memory, constants, n_steps=3):
    """Memory after some steps of one group of instructions."""
    memory, none = memory.copy(), np.zeros(1, np.int64)
    no_products = Products(
        np.zeros((1, 16), np.int64), none, none, none, np.zeros(1, np.int32),
        np.zeros((1, 2), np.int64), none, np.zeros(1, memory.dtype),
    )  # fmt: skip
    instructions.run(
        table, np.array([[0, len(table), N]]), none, no_products, constants, memory, np.zeros(1),
        np.zeros((1, 1), memory.dtype), 0, n_steps, 0, np.zeros(1, np.int32),
        np.zeros(1, memory.dtype),
    )  # fmt: skip
    return memory


@pytest.mark.parametrize("how", [BARE, FED, FILTERED])
@pytest.mark.parametrize("kind", [layer_kernels.SPIKING_RECTIFIED, layer_kernels.LOIHI_RECTIFIED])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_at_once_has_the_bits_of_its_instructions(dtype, kind, how):
    rng = np.random.RandomState(how)
    memory = rng.normal(0, 3, END).astype(dtype)
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, 1e-40, -1e-40], dtype)
    memory[rng.randint(0, END, 400)] = special[rng.randint(0, len(special), 400)]
    constants = rng.normal(0, 300, 4000).astype(dtype)
    constants[:10] = [1000, 0.001, 0, 0, 0, 0, 0, 0, 0.001, 0]
    constants[FACTORS : FACTORS + 2] = 0.8, 0.2
    table = rows(kind, how)
    marked = table.copy()
    layer_kernels.mark(marked, np.array([[0, len(table), N]]), Code)
    assert marked[0, MARK] == how and not marked[1:, MARK].any()
    one_by_one, at_once = (after(t, memory, constants) for t in (table, marked))
    bits = f"i{memory.itemsize}"
    differ = one_by_one.view(bits) != at_once.view(bits)
    assert not (differ & ~(np.isnan(one_by_one) & np.isnan(at_once))).any()
    assert one_by_one[VOLTAGE : VOLTAGE + N].any() and one_by_one[OUTPUT : OUTPUT + N].any()


@pytest.mark.parametrize("change", [
    (5, 3, VOLTAGE),  # counts something else
    (4, 2, 7),  # another type of neurons
])  # fmt: skip
def test_what_is_no_such_layer_is_left_alone(change):
    table = rows(layer_kernels.LOIHI_RECTIFIED, FILTERED)
    row, place, value = change
    table[row, place] = value
    layer_kernels.mark(table, np.array([[0, len(table), N]]), Code)
    assert not table[:, MARK].any()


@pytest.mark.parametrize("change", [
    (2, 3, CURRENT),  # a bias that changes
    (3, 4, CURRENT),  # multiplies something else than what is filtered
    (1, 0, int(Code.ADD)),
])  # fmt: skip
def test_neurons_with_another_input_are_run_without_it(change):
    table = rows(layer_kernels.LOIHI_RECTIFIED, FILTERED)
    row, place, value = change
    table[row, place] = value
    before = table.copy()
    layer_kernels.mark(table, np.array([[0, len(table), N]]), Code)
    assert table[:, MARK].tolist() == [0, 0, 0, 0, BARE, 0]
    assert np.array_equal(table[:, :MARK], before[:, :MARK])


def test_a_filter_that_comes_after_its_sums_are_emptied_is_no_layer():
    table = rows(layer_kernels.LOIHI_RECTIFIED, FILTERED)[[1, 0, 2, 3, 4, 5]]
    layer_kernels.mark(table, np.array([[0, len(table), N]]), Code)
    assert table[:, MARK].tolist() == [0, 0, 0, 0, BARE, 0]


def test_a_filter_of_something_else_is_run_by_itself():
    table = rows(layer_kernels.LOIHI_RECTIFIED, FILTERED)
    table[0, 3] = VOLTAGE
    layer_kernels.mark(table, np.array([[0, len(table), N]]), Code)
    assert table[:, MARK].tolist() == [0, FED, 0, 0, 0, 0]
    assert table[:, 0].tolist() == [
        Code.DECAY, Code.COPY, Code.FILL, Code.MULTIPLY_ADD, Code.NEURONS, Code.COUNT,
    ]  # fmt: skip
