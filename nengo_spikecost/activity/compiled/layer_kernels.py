"""A layer of neurons in one pass: what comes before its neurons, they, and their counters.

`instructions.run` passes a chunk of neurons once for each instruction. For the layers of converted
networks those are always the same, and all are of numbers side by side:

    current = bias                            COPY
    filtered = keep * filtered + new * sums   DECAY   (not in the first step, see CompiledNetwork)
    sums = 0                                  FILL
    current += gain * filtered                MULTIPLY_ADD
    neurons                                   NEURONS
    counts += round(abs(output) * scale)      COUNT

`mark` finds them among the rows of a program; `step_layer` runs them on 16 neurons at a time, whose
numbers stay in registers: a third of the loads and half of the stores. Each operation is the same,
on the same numbers and in the same order, so that results are the same bits; what is left of a
layer beyond a multiple of 16 neurons is run instruction by instruction.

Written as operations of LLVM (see vector_code.py): in a loop over nine arrays its compiler
can't tell that they do not overlap, and takes one number at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector_code import WIDTH, float_type, pointer, spread

#: Kernels of neuron_kernels.py that are here too, by their number.
SPIKING_RECTIFIED, LOIHI_RECTIFIED = 1, 10
_KINDS = (SPIKING_RECTIFIED, LOIHI_RECTIFIED)

#: What of a layer is run at once: neurons and counters; with their input; with its filter.
BARE, FED, FILTERED = 1, 2, 3
#: Rows of each.
ROWS: Mapping[int, int] = {BARE: 2, FED: 5, FILTERED: 6}
#: The place of a row that holds one of these, if it is the first of several that are run at once.
MARK = 14


def mark(table: np.ndarray, groups: np.ndarray, codes: Any) -> None:
    """Note at which rows of a program layers begin, and put those rows in the order above.

    Parameters
    ----------
    table : ndarray of int64, shape (rows, numbers of an instruction)
        Changed in place.
    groups : ndarray of int64, shape (groups, 3)
        As `instructions.run` takes them.
    codes : enum
        `instructions.Code`.
    """
    for first, last, n in groups:
        for k in range(first, last - 1) if n >= WIDTH else ():
            if not _counted_neurons(table[k], table[k + 1], codes):
                continue
            table[k, MARK] = BARE
            for how in (FILTERED, FED):
                begin = k + 2 - ROWS[how]
                order = _order(table[begin : k + 2], codes) if begin >= first else None
                if order is not None:
                    table[begin : k - 1] = table[begin : k - 1][order]
                    table[k, MARK], table[begin, MARK] = 0, how
                    break


def _counted_neurons(neurons: np.ndarray, count: np.ndarray, codes: Any) -> bool:
    """Whether these two rows are neurons that have a kernel here, and their counters."""
    if neurons[0] != codes.NEURONS or neurons[2] not in _KINDS or count[0] != codes.COUNT:
        return False
    return bool(count[3] == neurons[4] and neurons[3] >= 0)


def _order(rows: np.ndarray, codes: Any) -> list[int] | None:
    """The order of the first rows, if with those after them they are a layer."""
    *early, product, neurons, count = rows
    wanted = [codes.COPY, codes.DECAY, codes.FILL] if len(early) == 3 else [codes.COPY, codes.FILL]
    place = {int(row[0]): k for k, row in enumerate(early)}
    if set(place) != set(wanted) or product[0] != codes.MULTIPLY_ADD:
        return None
    copy, fill = early[place[codes.COPY]], early[place[codes.FILL]]
    current, filtered, sums = neurons[3], product[4], fill[2]
    fits = copy[2] == product[2] == current and max(copy[3], fill[3], product[3]) < 0
    if len(early) == 3:
        decay = early[place[codes.DECAY]]
        fits &= decay[2] == filtered and decay[3] == sums
        fits &= place[codes.DECAY] < place[codes.FILL]
    memory = (current, filtered, sums, neurons[4], neurons[5], count[2])
    if not fits or min(memory) < 0 or len(set(memory)) < len(memory):
        return None
    return [place[code] for code in wanted]


def _layer(
    typing: Any, memory: Any, constants: Any, n_vectors: Any, current: Any, output: Any,
    voltage: Any, numbers: Any, counts: Any, scale: Any, bias: Any, gain: Any, filtered: Any,
    sums: Any, value: Any, factors: Any, kind: Any, how: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """The step of ``n_vectors * WIDTH`` neurons; ``kind`` and ``how`` are literals.

    Indices are int64 and are not checked: ``bias``, ``gain``, ``value``, ``factors``, ``numbers``
    and ``scale`` of constants, the others of memory.
    """
    given = (
        memory, constants, n_vectors, current, output, voltage, numbers, counts, scale, bias, gain,
        filtered, sums, value, factors, kind, how,
    )  # fmt: skip
    signature = types.void(*given)
    is_loihi, how_value = kind.literal_value == LOIHI_RECTIFIED, how.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = [
            context.make_array(signature.args[k])(context, builder, arguments[k]).data
            for k in (0, 1)
        ]
        of_memory, of_constants = arrays
        number = float_type(signature.args[0])
        align = number.get_abi_size(context.target_data)
        vector = ir.VectorType(number, WIDTH)
        (n_vectors, current, output, voltage, numbers, counts, scale, bias, gain, filtered, sums,
         value, factors) = arguments[2:15]  # fmt: skip

        def single(index: Any, plus: int = 0) -> Any:
            at = builder.add(index, ir.IntType(64)(plus))
            return spread(builder, builder.load(builder.gep(of_constants, [at])), WIDTH)

        def called(name: str, *operands: Any) -> Any:
            bits = 32 if isinstance(number, ir.FloatType) else 64
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * len(operands)),
                f"llvm.{name}.v{WIDTH}f{bits}",
            )  # fmt: skip
            return builder.call(function, operands)

        zero = ir.Constant(vector, [0.0] * WIDTH)
        one = ir.Constant(vector, [1.0] * WIDTH)
        height, dt, per_unit = single(numbers), single(numbers, 1), single(scale)
        if how_value != BARE:
            emptied = single(value)
        if how_value == FILTERED:
            keep, new = single(factors), single(factors, 1)
        with cgutils.for_range(builder, n_vectors) as loop:
            offset = builder.mul(loop.index, ir.IntType(64)(WIDTH))

            def place(data: Any, index: Any) -> Any:
                return pointer(builder, data, builder.add(index, offset), number, WIDTH)

            def load(index: Any, data: Any = of_memory) -> Any:
                return builder.load(place(data, index), align=align)

            def store(vector: Any, index: Any) -> None:
                builder.store(vector, place(of_memory, index), align=align)

            # every operation by itself, with its own rounding
            if how_value == BARE:
                j = load(current)
            else:
                state = load(filtered)
                if how_value == FILTERED:
                    state = builder.fadd(
                        builder.fmul(state, keep), builder.fmul(new, load(sums))
                    )  # fmt: skip
                    store(state, filtered)
                j = builder.fadd(
                    load(bias, of_constants), builder.fmul(load(gain, of_constants), state)
                )  # fmt: skip
                store(emptied, sums)
                store(j, current)
            v = load(voltage)
            if is_loihi:
                v = builder.fadd(v, builder.fmul(j, dt))
                fires = builder.fcmp_ordered(">", v, one)
                out = builder.select(fires, height, zero)
                below = builder.fcmp_ordered(">", zero, v)
                left = builder.select(fires, zero, builder.select(below, zero, v))
            else:
                positive = builder.select(builder.fcmp_ordered("<", j, zero), zero, j)
                v = builder.fadd(v, builder.fmul(positive, dt))
                whole = called("floor", v)
                out, left = builder.fmul(height, whole), builder.fsub(v, whole)
            store(out, output)
            store(left, voltage)
            spikes = called("rint", builder.fmul(called("fabs", out), per_unit))
            store(builder.fadd(load(counts), spikes), counts)
        return context.get_dummy_value()

    return signature, generate


_step: Any = intrinsic(prefer_literal=True)(_layer)


@numba.njit(cache=True, nogil=True)
def step_layer(code: Any, how: int, memory: Any, constants: Any, lo: int, hi: int) -> None:
    """Neurons ``lo`` to ``hi`` of a layer, a multiple of `WIDTH`.

    Parameters
    ----------
    code : ndarray of int64, shape (rows, numbers of an instruction)
        The rows of the layer.
    how : int
        `BARE`, `FED` or `FILTERED`.
    memory, constants : ndarray
        As `instructions.run` takes them.
    """
    n: Any = np.int64((hi - lo) // WIDTH)
    neurons, count = code[len(code) - 2], code[len(code) - 1]
    current, output, voltage = neurons[3] + lo, neurons[4] + lo, neurons[5] + lo
    numbers, counts, scale = -1 - neurons[8], count[2] + lo, -1 - count[4]
    bias = gain = filtered = sums = value = factors = np.int64(0)
    if how != BARE:
        product, fill = code[len(code) - 3], code[len(code) - 4]
        bias, gain, filtered = -1 - code[0, 3] + lo, -1 - product[3] + lo, product[4] + lo
        sums, value = fill[2] + lo, -1 - fill[3]
        if how == FILTERED:
            factors = -1 - code[1, 4]
    if neurons[2] == LOIHI_RECTIFIED:
        if how == BARE:
            _step(
                memory, constants, n, current, output, voltage, numbers, counts, scale, bias, gain,
                filtered, sums, value, factors, LOIHI_RECTIFIED, BARE,
            )  # fmt: skip
        elif how == FED:
            _step(
                memory, constants, n, current, output, voltage, numbers, counts, scale, bias, gain,
                filtered, sums, value, factors, LOIHI_RECTIFIED, FED,
            )  # fmt: skip
        else:
            _step(
                memory, constants, n, current, output, voltage, numbers, counts, scale, bias, gain,
                filtered, sums, value, factors, LOIHI_RECTIFIED, FILTERED,
            )  # fmt: skip
    elif how == BARE:
        _step(
            memory, constants, n, current, output, voltage, numbers, counts, scale, bias, gain,
            filtered, sums, value, factors, SPIKING_RECTIFIED, BARE,
        )  # fmt: skip
    elif how == FED:
        _step(
            memory, constants, n, current, output, voltage, numbers, counts, scale, bias, gain,
            filtered, sums, value, factors, SPIKING_RECTIFIED, FED,
        )  # fmt: skip
    else:
        _step(
            memory, constants, n, current, output, voltage, numbers, counts, scale, bias, gain,
            filtered, sums, value, factors, SPIKING_RECTIFIED, FILTERED,
        )  # fmt: skip
