"""Filter, current, neuron and counter of a spiking ReLU in one pass, several neurons at a time.

One by one, these five instructions load and store every number between them; in one, what a neuron
needs stays in registers. Every operation is that of the single instructions, in the same order, and
no product is joined with a sum: the bits are the same.

Written as operations of LLVM, because numba's compiler does not turn a loop over so many arrays
into vectors: it can't prove that they do not overlap.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector_code import WIDTH, float_type, pointer, spread


def _chain(
    typing: Any, memory: Any, x: Any, state: Any, j: Any, voltage: Any, out: Any, counts: Any,
    constants: Any, bias: Any, gain: Any, keep: Any, new: Any, fill: Any, height: Any, dt: Any,
    scale: Any, stores: Any, width: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """``width`` neurons: see `integrate`; ``stores`` says whether currents are written."""
    arguments = (
        memory, x, state, j, voltage, out, counts, constants, bias, gain, keep, new, fill, height,
        dt, scale, stores, width,
    )  # fmt: skip
    signature = types.void(*arguments)
    n, with_current = width.literal_value, bool(stores.literal_value)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = float_type(signature.args[0])
        align = kind.get_abi_size(context.target_data)
        vector = ir.VectorType(kind, n) if n > 1 else kind
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        fixed = context.make_array(signature.args[7])(context, builder, given[7]).data
        zero = ir.Constant(vector, [0.0] * n if n > 1 else 0.0)

        def load(array: Any, at: Any) -> Any:
            return builder.load(pointer(builder, array, at, kind, n), align=align)

        def store(values: Any, at: Any) -> None:
            builder.store(values, pointer(builder, data, at, kind, n), align=align)

        def number(k: int) -> Any:
            return spread(builder, given[k], n)

        def apply(name: str, values: Any) -> Any:
            bits = 32 if isinstance(kind, ir.FloatType) else 64
            name = f"llvm.{name}.v{n}f{bits}" if n > 1 else f"llvm.{name}.f{bits}"
            function = ir.FunctionType(vector, [vector])
            return builder.call(
                cgutils.get_or_insert_function(builder.module, function, name), [values]
            )

        # the filter, of what came in the step before, whose sum begins anew
        kept = builder.fmul(load(data, given[2]), number(10))
        filtered = builder.fadd(kept, builder.fmul(number(11), load(data, given[1])))
        store(filtered, given[2])
        store(number(12), given[1])
        # the current
        scaled = builder.fmul(load(fixed, given[9]), filtered)
        current = builder.fadd(load(fixed, given[8]), scaled)
        if with_current:
            store(current, given[3])
        # the neuron
        below = builder.fcmp_ordered("<", current, zero)
        positive = builder.select(below, zero, current)
        v = builder.fadd(load(data, given[4]), builder.fmul(positive, number(14)))
        spikes = apply("floor", v)
        output = builder.fmul(number(13), spikes)
        store(output, given[5])
        store(builder.fsub(v, spikes), given[4])
        # its spikes
        whole = apply("rint", builder.fmul(apply("fabs", output), number(15)))
        store(builder.fadd(load(data, given[6]), whole), given[6])
        return context.get_dummy_value()

    return signature, generate


_some: Any = intrinsic(prefer_literal=True)(_chain)


@numba.njit(cache=True, nogil=True)
def integrate(i: Any, memory: Any, constants: Any, lo: int, hi: int) -> None:
    """Elements ``lo`` to ``hi`` of the instruction CHAIN.

    With the arrays of its row, for every neuron::

        state = keep * state + new * x;  x = fill;  j = bias + gain * state
        voltage += dt * max(j, 0);  n = floor(voltage);  out = height * n;  voltage -= n
        counts += round(abs(out) * scale)
    """
    x, state, j, voltage = i[2] + lo, i[3] + lo, i[4] + lo, i[5] + lo
    out, counts = i[6] + lo, i[7] + lo
    bias, gain = lo - 1 - i[8], lo - 1 - i[9]
    keep, new = constants[-1 - i[10]], constants[-i[10]]
    height, dt = constants[-1 - i[12]], constants[-i[12]]
    fill, scale = constants[-1 - i[11]], constants[-1 - i[13]]
    n, k = hi - lo, 0
    stores = i[4] >= 0
    while k + WIDTH <= n:
        if stores:
            _some(
                memory, x + k, state + k, j + k, voltage + k, out + k, counts + k, constants,
                bias + k, gain + k, keep, new, fill, height, dt, scale, 1, WIDTH,
            )  # fmt: skip
        else:
            _some(
                memory, x + k, state + k, j + k, voltage + k, out + k, counts + k, constants,
                bias + k, gain + k, keep, new, fill, height, dt, scale, 0, WIDTH,
            )  # fmt: skip
        k += WIDTH
    while k < n:
        if stores:
            _some(
                memory, x + k, state + k, j + k, voltage + k, out + k, counts + k, constants,
                bias + k, gain + k, keep, new, fill, height, dt, scale, 1, 1,
            )  # fmt: skip
        else:
            _some(
                memory, x + k, state + k, j + k, voltage + k, out + k, counts + k, constants,
                bias + k, gain + k, keep, new, fill, height, dt, scale, 0, 1,
            )  # fmt: skip
        k += 1
