"""A layer of neurons in one pass: what comes before its neurons, they, and their counters.

`run_kernels.run` passes a chunk of neurons once for each instruction. For the layers of converted
networks those are always the same, and all are of numbers side by side:

    current = bias                            COPY
    filtered = keep * filtered + new * sums   DECAY   (not in the first step, see CompiledNetwork)
    sums = 0                                  FILL    (where they change from step to step)
    current += gain * filtered                MULTIPLY_ADD
    neurons                                   NEURONS
    counts += round(abs(output) * scale)      COUNT

`with_layers` (fused_layers.py) finds them among the rows of a program; `step_layer` runs them on 16
neurons at a time, whose numbers stay in registers: a third of the loads and half of the stores, and
the current is not written where nothing else reads it. Each operation is the same, on the same
numbers and in the same order, so that results are the same bits; what is left of a layer beyond a
multiple of 16 neurons is run instruction by instruction. Two things more keep memory, which is what
takes the time, out of it:

* Few neurons fire. Outputs and counts are touched only where one of 16 fires, or did in the step
  before; who does is kept as a bit for each, which products read instead of outputs.
* Biases and gains are often one number for all neurons, or one for each channel, again and again
  (`repeats_after`): then only the first of these repeats is read.

Written as operations of LLVM (see vector_code.py): in a loop over nine arrays its compiler
can't tell that they do not overlap, and takes one number at a time.
"""

from __future__ import annotations

import itertools
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .layer_marks import (
    ALL_MARKS,
    BARE,
    BIAS_REPEATS,
    DECAYED,
    FILTERED,
    GAIN_REPEATS,
    KINDS,
    LOIHI_RECTIFIED,
    QUIET,
)  # fmt: skip
from .vector_code import float_type, nonzero, place_of_marks, pointer, spread
from .vector_sizes import WIDTH


def _layer(
    typing: Any, memory: Any, constants: Any, n_vectors: Any, current: Any, output: Any,
    voltage: Any, numbers: Any, counts: Any, scale: Any, bias: Any, gain: Any, filtered: Any,
    sums: Any, value: Any, factors: Any, fired: Any, begin: Any, bias_repeats: Any,
    gain_repeats: Any, kind: Any, how: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """The step of ``n_vectors * WIDTH`` neurons of one of `KINDS`, from the neuron ``begin`` on.

    Indices are int64 and are not checked: ``bias``, ``gain``, ``value``, ``factors``, ``numbers``
    and ``scale`` of constants, the others of memory. ``how`` is the mark. There is a loop for each
    kind and mark, so that none asks within it.
    """
    given = (
        memory, constants, n_vectors, current, output, voltage, numbers, counts, scale, bias, gain,
        filtered, sums, value, factors, fired, begin, bias_repeats, gain_repeats, kind, how,
    )  # fmt: skip
    signature = types.void(*given)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        of_memory, of_constants = (
            context.make_array(signature.args[k])(context, builder, arguments[k]).data
            for k in (0, 1)
        )
        number, integer = float_type(signature.args[0]), ir.IntType(64)
        align = number.get_abi_size(context.target_data)
        vector = ir.VectorType(number, WIDTH)
        (n_vectors, current, output, voltage, numbers, counts, scale, bias, gain, filtered, sums,
         value, factors, fired, begin, bias_repeats, gain_repeats, kind, how
        ) = arguments[2:]  # fmt: skip
        first_vector = builder.sdiv(begin, integer(WIDTH))

        def single(index: Any, plus: int = 0) -> Any:
            at = builder.add(index, integer(plus))
            return spread(builder, builder.load(builder.gep(of_constants, [at])), WIDTH)

        def beginning(repeats: Any) -> Any:
            # a variable of the function, which the compiler keeps in a register
            return cgutils.alloca_once_value(builder, builder.srem(begin, repeats))

        def called(name: str, *operands: Any) -> Any:
            bits = 32 if isinstance(number, ir.FloatType) else 64
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * len(operands)),
                f"llvm.{name}.v{WIDTH}f{bits}",
            )  # fmt: skip
            return builder.call(function, operands)

        zero = ir.Constant(vector, [0.0] * WIDTH)
        one = ir.Constant(vector, [1.0] * WIDTH)

        def write_loop(is_loihi: bool, part: int, quiet: bool) -> None:
            height, dt, per_unit = single(numbers), single(numbers, 1), single(scale)
            if part == FILTERED:
                emptied = single(value)
            if part >= DECAYED:
                keep, new = single(factors), single(factors, 1)
            if part != BARE:
                at_bias, at_gain = beginning(bias_repeats), beginning(gain_repeats)
            with cgutils.for_range(builder, n_vectors) as loop:
                offset = builder.mul(loop.index, integer(WIDTH))

                def place(data: Any, index: Any) -> Any:
                    return pointer(builder, data, builder.add(index, offset), number, WIDTH)

                def load(index: Any) -> Any:
                    return builder.load(place(of_memory, index), align=align)

                def store(vector: Any, index: Any) -> None:
                    builder.store(vector, place(of_memory, index), align=align)

                def next_of(first: Any, at: Any, repeats: Any) -> Any:
                    index = builder.load(at)
                    own = pointer(builder, of_constants, builder.add(first, index), number, WIDTH)
                    after = builder.add(index, integer(WIDTH))
                    ends = builder.icmp_signed("==", after, repeats)
                    builder.store(builder.select(ends, integer(0), after), at)
                    return builder.load(own, align=align)

                # every operation by itself, with its own rounding
                if part == BARE:
                    j = load(current)
                else:
                    state = load(filtered)
                    if part >= DECAYED:
                        fresh = builder.fmul(new, load(sums))
                        state = builder.fadd(builder.fmul(state, keep), fresh)
                        store(state, filtered)
                    scaled = builder.fmul(next_of(gain, at_gain, gain_repeats), state)
                    j = builder.fadd(next_of(bias, at_bias, bias_repeats), scaled)
                    if part == FILTERED:
                        store(emptied, sums)
                    if not quiet:
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
                store(left, voltage)
                own = nonzero(builder, out)
                vectors = builder.add(first_vector, loop.index)
                marks = place_of_marks(builder, of_memory, fired, vectors)
                either = builder.or_(own, builder.load(marks))
                with builder.if_then(builder.icmp_unsigned("!=", either, either.type(0))):
                    builder.store(own, marks)
                    store(out, output)
                    spikes = called("rint", builder.fmul(called("fabs", out), per_unit))
                    store(builder.fadd(load(counts), spikes), counts)

        for a_kind, mark in itertools.product(KINDS, ALL_MARKS):
            chosen = builder.and_(
                builder.icmp_signed("==", kind, integer(a_kind)),
                builder.icmp_signed("==", how, integer(mark)),
            )
            with builder.if_then(chosen):
                write_loop(a_kind == LOIHI_RECTIFIED, mark % QUIET, mark > QUIET)
        return context.get_dummy_value()

    return signature, generate


_step: Any = intrinsic(_layer)


@numba.njit(nogil=True, error_model="numpy")
def step_layer(code: Any, how: int, memory: Any, constants: Any, lo: int, hi: int) -> None:
    """Neurons ``lo`` to ``hi`` of a layer, a multiple of `WIDTH`.

    Parameters
    ----------
    code : ndarray of int64, shape (rows, numbers of an instruction)
        The rows of the layer.
    how : int
        `BARE`, `FED`, `DECAYED` or `FILTERED`; the last three may have `QUIET` added.
    memory, constants : ndarray
        As `run_kernels.run` takes them.
    """
    n: Any = np.int64((hi - lo) // WIDTH)
    neurons, count = code[len(code) - 2], code[len(code) - 1]
    current, output, voltage = neurons[3] + lo, neurons[4] + lo, neurons[5] + lo
    numbers, counts, scale = -1 - neurons[8], count[2] + lo, -1 - count[4]
    bias = gain = filtered = sums = value = factors = np.int64(0)
    if how != BARE:
        product = code[len(code) - 3]
        bias, gain, filtered = -1 - code[0, 3], -1 - product[3], product[4] + lo
        if how % QUIET >= DECAYED:
            sums, factors = code[1, 3] + lo, -1 - code[1, 4]
            if how % QUIET == FILTERED:
                value = -1 - code[2, 3]
    _step(
        memory, constants, n, current, output, voltage, numbers, counts, scale, bias, gain,
        filtered, sums, value, factors, count[5], np.int64(lo), code[0, BIAS_REPEATS],
        code[0, GAIN_REPEATS], np.int64(neurons[2]), np.int64(how),
    )  # fmt: skip
