"""A few numbers added at once, as one operation of the processor.

Runs of weights are short, mostly 4 to 64. numba's compiler speeds up only loops that are longer,
and would do most of the work number by number.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _add_several(
    typing: Any, q: Any, reached: Any, weights: Any, d: Any, w: Any, n: Any
) -> tuple[Any, Any]:
    """``q[d : d + n] += weights[w : w + n]`` and ``reached[d : d + n] = 1``.

    ``n`` is a literal; ``q`` is of int32, ``reached`` of uint8, ``weights`` of int16 or
    int32, all contiguous. Indices are not checked.
    """
    signature = types.void(q, reached, weights, d, w, n)
    count = n.literal_value
    weight_bits = weights.dtype.bitwidth

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def pointer(k: int, index: Any, bits: int) -> Any:
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            first = builder.gep(array.data, [index])
            vector = ir.VectorType(ir.IntType(bits), count)
            return builder.bitcast(first, vector.as_pointer())

        at, start = arguments[3], arguments[4]
        inputs = pointer(0, at, 32)
        values = builder.load(pointer(2, start, weight_bits), align=weight_bits // 8)
        if weight_bits < 32:
            values = builder.sext(values, ir.VectorType(ir.IntType(32), count))
        builder.store(builder.add(builder.load(inputs, align=4), values), inputs, align=4)
        ones = ir.Constant(ir.VectorType(ir.IntType(8), count), [1] * count)
        builder.store(ones, pointer(1, at, 8), align=1)
        return context.get_dummy_value()

    return signature, generate


add_several: Any = intrinsic(prefer_literal=True)(_add_several)


def _fetch_soon(typing: Any, array: Any, index: Any) -> tuple[Any, Any]:
    """Ask the processor to load the value at an index, which need not exist."""
    signature = types.void(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(prefetch, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return signature, generate


fetch_soon: Any = intrinsic(_fetch_soon)
