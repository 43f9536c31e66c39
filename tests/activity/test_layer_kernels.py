"""Layers run at once give the bits of their instructions run one by one."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_spikecost.activity.compiled.fused_layers import with_layers
from nengo_spikecost.activity.compiled.instructions import SIZE, Code
from nengo_spikecost.activity.compiled.layer_marks import (
    BARE,
    DECAYED,
    FED,
    FILTERED,
    LOIHI_RECTIFIED,
    MARK,
    QUIET,
    SPIKING_RECTIFIED,
    repeats_after,
    set_repeats,
)
from nengo_spikecost.activity.compiled.native_run import Tables
from nengo_spikecost.activity.compiled.products import Products

N = 1024 + 16 * 3 + 7  # more than a chunk, and not a multiple of 16
CURRENT, OUTPUT, VOLTAGE, COUNTS, FILTER, SUMS, FIRED, END = range(0, 8 * 1200, 1200)
NUMBERS, PER_UNIT, ZERO, FACTORS, BIAS, GAIN = 0, 8, 9, 10, 20, 2000


def rows(kind, how):
    """The rows of a layer, in an order that a network may have."""
    given = [
        (Code.DECAY, N, FILTER, SUMS, -1 - FACTORS),
        (Code.FILL, N, SUMS, -1 - ZERO),
        (Code.COPY, N, CURRENT, -1 - BIAS),
        (Code.MULTIPLY_ADD, N, CURRENT, -1 - GAIN, FILTER),
        (Code.NEURONS, N, kind, CURRENT, OUTPUT, VOLTAGE, OUTPUT, OUTPUT, -1 - NUMBERS),
        (Code.COUNT, N, COUNTS, OUTPUT, -1 - PER_UNIT, FIRED),
    ]
    left_out = {BARE: (0, 1, 2, 3), FED: (0, 1), DECAYED: (1,), FILTERED: ()}[how]
    return [row for k, row in enumerate(given) if k not in left_out]


def table_of(rows, marks=(), constants=None):
    """Rows and what begins at each, as they are run."""
    table = np.zeros((len(rows), SIZE), dtype=np.int64)
    for k, row in enumerate(rows):
        table[k, : len(row)] = row
    if len(marks):
        table[:, MARK] = marks
        set_repeats(table, constants)
    return table


def fired(outputs):
    """A bit for each output that is not 0, as NumPy packs them, in whole blocks of 64."""
    bits = np.zeros(-(-len(outputs) // 64) * 64, bool)
    bits[: len(outputs)] = outputs != 0
    return np.packbits(bits, bitorder="little")


def marks_in(memory):
    """The bytes of memory that hold the marks."""
    return memory[FIRED:].view(np.uint8)[: len(fired(memory[OUTPUT : OUTPUT + N]))]


def after(table, memory, constants, n_steps=3):
    """Memory after some steps of one group of instructions."""
    memory, none = memory.copy(), np.zeros(1, np.int64)
    no_products = Products(
        np.zeros((1, 16), np.int64), none, none, none, np.zeros(1, np.int32),
        np.zeros((1, 2), np.int64), none, np.zeros(1, memory.dtype),
    )  # fmt: skip
    Tables(none, no_products, constants).run(
        table, np.array([[0, len(table), N]]), memory, np.zeros(1),
        np.zeros((1, 1), memory.dtype), 0, n_steps, 0, np.zeros(1, np.int32),
        np.zeros(1, memory.dtype), none,
    )  # fmt: skip
    return memory


@pytest.mark.parametrize("biases", ["all", "channels", "one"])
@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("how", [BARE, FED, DECAYED, FILTERED])
@pytest.mark.parametrize("kind", [SPIKING_RECTIFIED, LOIHI_RECTIFIED])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_at_once_has_the_bits_of_its_instructions(dtype, kind, how, quiet, biases):
    rng = np.random.RandomState(how)
    memory = rng.normal(0, 3, END).astype(dtype)
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, 1e-40, -1e-40], dtype)
    memory[rng.randint(0, END, 400)] = special[rng.randint(0, len(special), 400)]
    memory[FIRED:] = 0  # the step before left some outputs, and their marks
    marks_in(memory)[:] = fired(memory[OUTPUT : OUTPUT + N])
    constants = rng.normal(0, 300, 4000).astype(dtype)
    period = {"all": N, "channels": 48, "one": 1}[biases]
    for first in (BIAS, GAIN):
        constants[first : first + N] = np.resize(constants[first : first + period], N)
    constants[:10] = [1000, 0.001, 0, 0, 0, 0, 0, 0, 0.001, 0]
    constants[FACTORS : FACTORS + 2] = 0.8, 0.2
    given = rows(kind, how)
    written, marks = with_layers(given, lambda *_: not quiet)
    assert marks[0] % QUIET == how and not any(marks[1:]) and sorted(written) == sorted(given)
    one_by_one = after(table_of(given), memory, constants)
    at_once = after(table_of(written, marks, constants), memory, constants)
    for own in (one_by_one, at_once):
        np.testing.assert_array_equal(marks_in(own), fired(own[OUTPUT : OUTPUT + N]))
    if marks[0] > QUIET:
        n = N - N % 16  # what is left over is run instruction by instruction
        left = at_once[CURRENT : CURRENT + n]
        np.testing.assert_array_equal(left, memory[CURRENT : CURRENT + n])
        left[:] = one_by_one[CURRENT : CURRENT + n]
    bits = f"i{memory.itemsize}"
    differ = one_by_one.view(bits) != at_once.view(bits)
    assert not (differ & ~(np.isnan(one_by_one) & np.isnan(at_once))).any()
    assert one_by_one[VOLTAGE : VOLTAGE + N].any() and one_by_one[OUTPUT : OUTPUT + N].any()


@pytest.mark.parametrize("values, repeats", [
    (np.ones(100), 16),  # one number
    (np.resize(np.arange(24), 100), 48),  # channels: as many as are whole vectors
    (np.resize(np.arange(32), 100), 32),
    (np.arange(100), 112),  # nowhere
    (np.where(np.arange(100) == 95, 7, np.ones(100)), 112),
    (np.where(np.arange(100) == 96, 7, np.ones(100)), 16),  # the rest is run by itself
    (np.where(np.arange(100) == 50, -0.0, np.zeros(100)), 64),  # another number
    (np.ones(9), 16),
])  # fmt: skip
def test_biases_repeat_themselves_after(values, repeats):
    assert repeats_after(values.astype("f4")) == repeats


def changed(row, place, value, how=FILTERED):
    given = rows(LOIHI_RECTIFIED, how)
    given[row] = (*given[row][:place], value, *given[row][place + 1 :])
    return given


def marks_of(given):
    return with_layers(given, lambda *_: True)[1]


@pytest.mark.parametrize("change", [
    (5, 3, VOLTAGE),  # counts something else
    (4, 2, 7),  # another type of neurons
])  # fmt: skip
def test_what_is_no_such_layer_is_left_alone(change):
    given = changed(*change)
    assert with_layers(given, lambda *_: True) == (given, [0] * len(given))


@pytest.mark.parametrize("change", [
    (2, 3, CURRENT),  # a bias that changes
    (1, 0, int(Code.ADD)),  # sums that grow
    (0, 4, SUMS),  # factors that are no constants
])  # fmt: skip
def test_another_input_is_run_by_itself(change):
    given = changed(*change)
    written, marks = with_layers(given, lambda *_: True)
    assert sorted(written) == sorted(given) and FILTERED not in marks and max(marks) > 0
    at = int(np.argmax(marks))
    own = written[at : at + (2 if marks[at] == BARE else 2 + marks[at])]
    assert given[change[0]] not in own


def test_a_filter_that_comes_after_its_sums_are_emptied_is_no_layer():
    given = rows(LOIHI_RECTIFIED, FILTERED)
    given = [given[k] for k in (1, 0, 2, 3, 4, 5)]
    written, marks = with_layers(given, lambda *_: True)
    assert marks == [0, DECAYED, 0, 0, 0, 0] and written[0] == given[0]


def test_what_reads_between_keeps_its_place():
    """The sum of outputs is of this step: neurons must not be moved behind it."""
    given = rows(LOIHI_RECTIFIED, FILTERED)
    reads = (Code.SUM, N, 0, OUTPUT)
    given.insert(5, reads)
    assert marks_of(given) == [0] * 7


def test_layers_that_are_mixed_are_put_together():
    first = rows(LOIHI_RECTIFIED, FILTERED)
    far = 7 * 1200  # the same, in another place of memory
    places = {Code.NEURONS: (3, 4, 5, 6, 7), Code.MULTIPLY_ADD: (2, 4), Code.DECAY: (2, 3)}
    second = [
        tuple(v + far * (k in places.get(row[0], (2, 3)) and v >= 0) for k, v in enumerate(row))
        for row in first
    ]
    mixed = [row for pair in zip(first, second) for row in pair]
    written, marks = with_layers(mixed, lambda *_: True)
    assert marks == [FILTERED, *[0] * 5] * 2
    assert {tuple(sorted(written[k : k + 6])) for k in (0, 6)} == {
        tuple(sorted(first)), tuple(sorted(second))
    }  # fmt: skip
