"""The instructions of a compiled network, and the code that runs them.

An instruction is a row of whole numbers: its `Code`, addresses, sizes. Its operands lie in one of
two arrays of one type of numbers:

* the **memory** of a lane holds every signal that changes; address ``a >= 0`` is ``memory[a]``;
* **constants** hold all others, and all numbers that instructions need; address ``a < 0`` is
  ``constants[-1 - a]``. All lanes share them.

How a step of a lane runs, and why so:

1. Instructions that treat every element by itself, on equally many elements, and follow one
   another, are a **group**. A group is run for `CHUNK` elements from its first to its last
   instruction, then for the next: what one writes is still in the first cache when the next
   reads it. So currents, filters, neurons and counters of a layer pass memory once; the usual ones
   are even run at once (layer_kernels.py).
2. A product (product_kernels.py) is an instruction by itself.
3. A lane runs all its steps before the next lane begins, as long as nothing has to be done by
   Python in between; its state then stays in the second cache.

Sums over steps (of outputs, of what graded neurons give) are kept in float64, in ``sums``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

from .layer_kernels import BARE, MARK, QUIET, step_layer
from .neuron_kernels import step_neurons
from .product_kernels import product
from .vector_code import WIDTH, write_marks

#: Elements that a group handles at a time: eight arrays of them fill a first cache of 32 KB.
CHUNK = 1024
#: Numbers of an instruction.
SIZE = 15


class Code(enum.IntEnum):
    """What an instruction does; ``n`` is the number of elements, in place 1.

    ``y``, ``x``, ``a`` are addresses of arrays of ``n`` elements, ``s`` of a single number.
    """

    FILL = 0  # n, y, s:  y = s
    COPY = 1  # n, y, x:  y = x
    ADD = 2  # n, y, x:  y += x
    MULTIPLY_ADD = 3  # n, y, a, x:  y += a * x
    SCALE_ADD = 4  # n, y, s, x:  y += s * x
    SCALE = 5  # n, y, s, x:  y = s * x
    ADD_ONE = 6  # n, y, s:  y += s
    LOWPASS = 7  # n, y, state, x, s:  state = s[0] * state + s[1] * x;  y = state
    LOWPASS_ADD = 8  # the same, y += state
    NEURONS = 9  # n, kind, j, out, a, b, c, p
    COUNT = 10  # n, counts, out, s, place of marks:  counts += round(abs(out) * s), and marks
    # of who is not 0, a bit for each
    GRADED = 11  # n, place in sums, out, s:  sums += abs(out) * s
    SUM = 12  # n, place in sums, out:  sums += out
    DECAY = 13  # n, y, x, s:  y = s[0] * y + s[1] * x, a filter whose output is its state
    SAMPLE = 14  # n, place in sums, out, place of steps between two values, y: in some steps,
    # sums += out and y = out
    # not element by element
    PRODUCT = 20  # sources, y, product, x, 1 + place of the marks of x, or 0
    FILTER = 21  # n, y, state, x, order, matrices, whether y is added to, whether D is not 0
    GATHER = 22  # n, y, x, place of the indices of y, of x:  y[i] = x[j]
    GATHER_ADD = 23  # the same, y[i] += x[j]
    ROWS = 24  # n, y, matrix, x, number of columns:  y += matrix x, for a matrix that changes
    FRAME = 25  # n, y, place in a frame of the inputs


ELEMENTWISE = frozenset(code for code in Code if code < 20)

(FILL, COPY, ADD, MULTIPLY_ADD, SCALE_ADD, SCALE, ADD_ONE, LOWPASS, LOWPASS_ADD, NEURONS, COUNT,
 GRADED, SUM, DECAY, SAMPLE) = (int(code) for code in sorted(Code) if code < 20)  # fmt: skip
(PRODUCT, FILTER, GATHER, GATHER_ADD, ROWS, FRAME) = (int(code) for code in Code if code >= 20)

#: Places of operands: arrays that are written, arrays and single numbers that are read.
OPERANDS: Mapping[int, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    Code.FILL: ((2,), (), (3,)),
    Code.COPY: ((2,), (3,), ()),
    Code.ADD: ((2,), (3,), ()),
    Code.MULTIPLY_ADD: ((2,), (3, 4), ()),
    Code.SCALE_ADD: ((2,), (4,), (3,)),
    Code.SCALE: ((2,), (4,), (3,)),
    Code.ADD_ONE: ((2,), (), (3,)),
    Code.LOWPASS: ((2, 3), (4,), ()),
    Code.LOWPASS_ADD: ((2, 3), (4,), ()),
    Code.DECAY: ((2,), (3,), ()),
    Code.NEURONS: ((4, 5, 6, 7), (3,), ()),
    Code.COUNT: ((2,), (3,), ()),
    Code.GRADED: ((), (3,), ()),
    Code.SUM: ((), (3,), ()),
    Code.SAMPLE: ((5,), (3,), ()),
}

_inline = numba.njit(inline="always")


@_inline
def _at(memory: Any, constants: Any, address: Any, lo: Any, hi: Any) -> Any:
    """Elements ``lo`` to ``hi`` of the array at an address."""
    if address >= 0:
        return memory[address + lo : address + hi]
    return constants[-1 - address + lo : -1 - address + hi]


@numba.njit(cache=True, nogil=True)
def _element_wise(
    i: Any, memory: Any, constants: Any, sums: Any, lo: int, hi: int, step: int
) -> None:  # fmt: skip
    """One instruction on elements ``lo`` to ``hi``."""
    code = i[0]
    if code == NEURONS:
        n = hi - lo
        step_neurons(
            i[2], _at(memory, constants, i[3], lo, hi), memory[i[4] + lo : i[4] + hi],
            memory[i[5] + lo : i[5] + lo + n], memory[i[6] + lo : i[6] + lo + n],
            memory[i[7] + lo : i[7] + lo + n], constants[-1 - i[8] : -1 - i[8] + 8],
        )  # fmt: skip
        return
    if code in (GRADED, SUM):
        total = sums[i[2] + lo : i[2] + hi]
        x = _at(memory, constants, i[3], lo, hi)
        if code == GRADED:
            s = constants[-1 - i[4]]
            for k in range(len(total)):
                total[k] += abs(x[k]) * s
        else:
            for k in range(len(total)):
                total[k] += x[k]
        return
    if code == SAMPLE:
        if step % sums[i[4]] < 1:  # as Nengo decides it
            x = _at(memory, constants, i[3], lo, hi)
            for k in range(hi - lo):
                sums[i[2] + lo + k] += x[k]
                memory[i[5] + lo + k] = x[k]
        return
    y = memory[i[2] + lo : i[2] + hi]
    if code in (FILL, ADD_ONE):
        s = _at(memory, constants, i[3], 0, 1)[0]
        if code == FILL:
            y[:] = s
        else:
            for k in range(len(y)):
                y[k] += s
    elif code in (COPY, ADD):
        x = _at(memory, constants, i[3], lo, hi)
        if code == COPY:
            for k in range(len(y)):
                y[k] = x[k]
        else:
            for k in range(len(y)):
                y[k] += x[k]
    elif code == MULTIPLY_ADD:
        a = _at(memory, constants, i[3], lo, hi)
        x = _at(memory, constants, i[4], lo, hi)
        for k in range(len(y)):
            y[k] += a[k] * x[k]
    elif code in (SCALE_ADD, SCALE):
        s = _at(memory, constants, i[3], 0, 1)[0]
        x = _at(memory, constants, i[4], lo, hi)
        if code == SCALE:
            for k in range(len(y)):
                y[k] = s * x[k]
        else:
            for k in range(len(y)):
                y[k] += s * x[k]
    elif code in (LOWPASS, LOWPASS_ADD):
        state = memory[i[3] + lo : i[3] + hi]
        x = _at(memory, constants, i[4], lo, hi)
        keep, new = constants[-1 - i[5]], constants[-i[5]]
        if code == LOWPASS:
            for k in range(len(y)):
                state[k] = state[k] * keep + new * x[k]
                y[k] = state[k]
        else:
            for k in range(len(y)):
                state[k] = state[k] * keep + new * x[k]
                y[k] += state[k]
    elif code == DECAY:
        x = _at(memory, constants, i[3], lo, hi)
        keep, new = constants[-1 - i[4]], constants[-i[4]]
        for k in range(len(y)):
            y[k] = y[k] * keep + new * x[k]
    elif code == COUNT:
        out = _at(memory, constants, i[3], lo, hi)
        s = constants[-1 - i[4]]
        for k in range(len(y)):
            y[k] += np.rint(abs(out[k]) * s)
        _mark(i, memory, constants, lo, hi)


@numba.njit(cache=True, nogil=True)
def _mark(i: Any, memory: Any, constants: Any, lo: int, hi: int) -> None:
    """Mark who of the elements that are counted is not 0; ``lo`` is a multiple of `WIDTH`."""
    first = np.int64(lo)
    while first + WIDTH <= hi:
        if i[3] >= 0:
            write_marks(memory, i[5], memory, i[3] + first, first // WIDTH)
        else:
            write_marks(memory, i[5], constants, -1 - i[3] + first, first // WIDTH)
        first += WIDTH
    if first < hi:
        last = np.zeros(WIDTH, dtype=memory.dtype)
        last[: hi - first] = _at(memory, constants, i[3], first, hi)
        write_marks(memory, i[5], last, np.int64(0), first // WIDTH)


@numba.njit(cache=True, nogil=True)
def _filter(i: Any, memory: Any, constants: Any) -> None:
    """A linear filter with several elements of state for each signal element.

    ``x = A x + B u``, ``y = C x``; with D the output is ``C x + D u`` of the state before.
    """
    n, order = i[1], i[5]
    y = memory[i[2] : i[2] + n]
    state = memory[i[3] : i[3] + order * n]
    u = _at(memory, constants, i[4], 0, n)
    m = -1 - i[6]
    a = constants[m : m + order * order]
    b = constants[m + order * order : m + order * order + order]
    c = constants[m + order * order + order : m + order * order + 2 * order]
    d = constants[m + order * order + 2 * order]
    old = np.empty(order, dtype=memory.dtype)
    zero = memory.dtype.type(0)
    for k in range(n):
        for r in range(order):
            old[r] = state[r * n + k]
        before = zero
        for r in range(order):
            before += c[r] * old[r]
        for r in range(order):
            total = zero
            for q in range(order):
                total += a[r * order + q] * old[q]
            state[r * n + k] = total + b[r] * u[k]
        if i[8]:
            value = before + d * u[k]
        else:
            value = zero
            for r in range(order):
                value += c[r] * state[r * n + k]
        if i[7]:
            y[k] += value
        else:
            y[k] = value


@numba.njit(cache=True, nogil=True)
def run(
    code: Any, groups: Any, indices: Any, products: Any, constants: Any, memory: Any, sums: Any,
    frames: Any, start: int, n_steps: int, done: int, events: Any, padded: Any,
) -> None:  # fmt: skip
    """Run instructions for some steps of one lane.

    Parameters
    ----------
    code : ndarray of int64, shape (instructions, SIZE)
    groups : ndarray of int64, shape (groups, 3)
        First instruction, the one after the last, and elements if it is run by chunks, else 0.
    indices : ndarray of int64
        Places that GATHER instructions copy from and to.
    products : Products
    constants, memory : ndarray of one type of numbers
    sums : ndarray of float64
    frames : ndarray, shape (steps, size)
        What is fed, for FRAME: the row of each step from ``start`` on.
    start, n_steps : int
        Steps of the sample that were run before, and that are run now.
    done : int
        Steps that the lane ran before the sample.
    events, padded : ndarray of int32 and of numbers
        Room for products.
    """
    for t in range(n_steps):
        for g in range(len(groups)):
            first, last, n = groups[g, 0], groups[g, 1], groups[g, 2]
            if n:
                for lo in range(0, n, CHUNK):
                    hi = min(lo + CHUNK, n)
                    k = first
                    while k < last:
                        begin, stop = lo, k + 1
                        how = code[k, MARK]
                        if how:
                            stop = k + 2 + (how % QUIET if how > BARE else 0)
                            begin = hi - (hi - lo) % WIDTH
                            step_layer(code[k:stop], how, memory, constants, lo, begin)
                        while k < stop:
                            if begin < hi:
                                _element_wise(
                                    code[k],
                                    memory,
                                    constants,
                                    sums,
                                    begin,
                                    hi,
                                    done + start + t + 1,
                                )
                            k += 1
                continue
            i = code[first]
            if i[0] == PRODUCT:
                if i[4] >= 0:
                    product(products, i[3], memory, i[4], memory, i[2], i[5] - 1, events, padded)
                else:
                    product(products, i[3], constants, -1 - i[4], memory, i[2], -1, events, padded)
            elif i[0] == FILTER:
                _filter(i, memory, constants)
            elif i[0] in (GATHER, GATHER_ADD):
                x = memory if i[3] >= 0 else constants
                x_at = i[3] if i[3] >= 0 else -1 - i[3]
                for k in range(i[1]):
                    to = i[2] + indices[i[4] + k]
                    of = x_at + indices[i[5] + k]
                    if i[0] == GATHER:
                        memory[to] = x[of]
                    else:
                        memory[to] += x[of]
            elif i[0] == ROWS:
                x = _at(memory, constants, i[4], 0, i[5])
                for row in range(i[1]):
                    a = _at(memory, constants, i[3], row * i[5], (row + 1) * i[5])
                    total = memory.dtype.type(0)
                    for k in range(len(x)):
                        total += a[k] * x[k]
                    memory[i[2] + row] += total
            elif i[0] == FRAME:
                row = frames[start + t]
                for k in range(i[1]):
                    memory[i[2] + k] = row[i[3] + k]
