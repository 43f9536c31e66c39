"""Compiled code that runs instructions (instructions.py)."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import carray, cfunc, types
from numba.extending import intrinsic

from .call_table import NUMBERS, OWN, PLACES, SHARED, TABLE_SIZE
from .instructions import (
    ADD,
    ADD_ONE,
    CHUNK,
    COPY,
    COUNT,
    DECAY,
    FILL,
    FILTER,
    FRAME,
    GATHER,
    GATHER_ADD,
    GRADED,
    LOWPASS,
    LOWPASS_ADD,
    MULTIPLY_ADD,
    NEURONS,
    PRODUCT,
    ROWS,
    SAMPLE,
    SCALE,
    SCALE_ADD,
    SIZE,
    SUM,
)  # fmt: skip
from .layer_kernels import step_layer
from .layer_marks import BARE, MARK, QUIET
from .neuron_kernels import step_neurons
from .neuron_numbers import N_NUMBERS
from .product_kernels import product
from .products import Products
from .vector_code import is_set, set_marks, write_marks
from .vector_sizes import WIDTH

_inline = numba.njit(inline="always", error_model="numpy")
_kernel = numba.njit(nogil=True, error_model="numpy")


@_inline
def _at(memory: Any, constants: Any, address: Any, lo: Any, hi: Any) -> Any:
    """Elements ``lo`` to ``hi`` of the array at an address."""
    if address >= 0:
        return memory[address + lo : address + hi]
    return constants[-1 - address + lo : -1 - address + hi]


@_kernel
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
            memory[i[7] + lo : i[7] + lo + n],
            # of neurons that differ, each has its own numbers
            constants[-1 - i[8] + lo * i[9] : -1 - i[8] + (hi * i[9] if i[9] else N_NUMBERS)],
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


@_kernel
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
        rest = _at(memory, constants, i[3], first, hi)
        bits, bit = np.uint64(0), np.uint64(1)
        for k in range(len(rest)):
            if rest[k] != 0:
                bits |= bit
            bit += bit
        set_marks(memory, i[5], bits, first // WIDTH)


@_kernel
def _filter(i: Any, memory: Any, constants: Any, old: Any) -> None:
    """A linear filter with several elements of state for each signal element.

    ``x = A x + B u``, ``y = C x``; with D the output is ``C x + D u`` of the state before.
    ``old`` is room for the state of one element.
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


@_kernel
def run(
    code: Any, groups: Any, indices: Any, products: Any, constants: Any, memory: Any, sums: Any,
    frames: Any, start: int, n_steps: int, done: int, events: Any, padded: Any, ended: Any,
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
        Room for products, and for the state of an element of a filter.
    ended : ndarray of int64, shape (1,)
        Not 0 where it is to end at once, wherever it is.
    """
    for t in range(n_steps):
        for g in range(len(groups)):
            if is_set(ended):
                return
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
                    product(
                        products, i[3], memory, i[4], memory, i[2], i[5] - 1, events, padded, ended
                    )
                else:
                    product(
                        products, i[3], constants, -1 - i[4], memory, i[2], -1, events, padded,
                        ended,
                    )  # fmt: skip
            elif i[0] == FILTER:
                _filter(i, memory, constants, padded)
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


def _from_address(typing: Any, address: Any) -> tuple[Any, Any]:
    """An address as a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), generate


_pointer: Any = intrinsic(_from_address)


@_inline
def _array(table: Any, place: Any, kind: Any) -> Any:
    """The array at a place of the table."""
    return carray(_pointer(table[place]), (table[place + 1],), kind)


@_inline
def _rows(table: Any, place: Any, width: Any, kind: Any) -> Any:
    """The same with two dimensions."""
    return carray(_pointer(table[place]), (table[place + 1], width), kind)


def entry(dtype: str) -> Any:
    """`run` as a function of a table with the places of its arguments (call_table.py).

    Parameters
    ----------
    dtype : {"float32", "float64"}

    Returns
    -------
    numba.core.ccallback.CFunc
    """
    number = np.dtype(dtype)
    (indices, shape, weights, by_target, starts, places, sparse_at, most_events, values, constants,
     code, groups, memory, sums, frames, events, padded, ended
    ) = (PLACES[name] for name in (*SHARED, *OWN))  # fmt: skip

    def call(address: Any) -> None:
        t = carray(address, (TABLE_SIZE,), np.int64)
        products = Products(
            _rows(t, shape, 16, np.int64), _array(t, weights, np.int64),
            _array(t, by_target, np.int64), _array(t, starts, np.int64),
            _array(t, places, np.int32), _rows(t, sparse_at, 2, np.int64),
            _array(t, most_events, np.int64), _array(t, values, number),
        )  # fmt: skip
        start, n_steps, done = t[NUMBERS], t[NUMBERS + 1], t[NUMBERS + 2]
        frame_size = t[NUMBERS + 3]
        run(
            _rows(t, code, SIZE, np.int64), _rows(t, groups, 3, np.int64),
            _array(t, indices, np.int64), products, _array(t, constants, number),
            _array(t, memory, number), _array(t, sums, np.float64),
            _rows(t, frames, frame_size, number), start, n_steps, done,
            _array(t, events, np.int32), _array(t, padded, number), _array(t, ended, np.int64),
        )  # fmt: skip

    return cfunc(types.void(types.CPointer(types.int64)), error_model="numpy")(call)
