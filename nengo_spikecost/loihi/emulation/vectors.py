"""A few numbers added at once, as one operation of the processor.

Runs of weights are short, mostly 4 to 800. numba's compiler speeds up only loops that are longer,
and would do most of the work number by number.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _add_several(typing: Any, q: Any, d: Any, weights: Any, w: Any, n: Any) -> tuple[Any, Any]:
    """``q[d : d + n] += weights[w : w + n]``.

    ``n`` is a literal; ``q`` is of int32, ``weights`` of int16 or int32, both contiguous.
    Indices are not checked.
    """
    signature = types.void(q, d, weights, w, n)
    count = n.literal_value
    weight_bits = weights.dtype.bitwidth

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        inputs = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], count)
        source = _pointer(context, builder, signature.args[2], arguments[2], arguments[3], count)
        values = builder.load(source, align=weight_bits // 8)
        if weight_bits < 32:
            values = builder.sext(values, ir.VectorType(ir.IntType(32), count))
        builder.store(builder.add(builder.load(inputs, align=4), values), inputs, align=4)
        return context.get_dummy_value()

    return signature, generate


add_several: Any = intrinsic(prefer_literal=True)(_add_several)


def _mark_several(typing: Any, flags: Any, d: Any, n: Any) -> tuple[Any, Any]:
    """``flags[d : d + n] = 1``; ``flags`` is of uint8."""
    signature = types.void(flags, d, n)
    count = n.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], count)
        ones = ir.Constant(ir.VectorType(ir.IntType(8), count), [1] * count)
        builder.store(ones, place, align=1)
        return context.get_dummy_value()

    return signature, generate


mark_several: Any = intrinsic(prefer_literal=True)(_mark_several)


def _take_several(typing: Any, to: Any, d: Any, of: Any, s: Any, n: Any) -> tuple[Any, Any]:
    """``to[d : d + n] = of[s : s + n]``, and then ``of[s : s + n] = 0``; both are of int32."""
    signature = types.void(to, d, of, s, n)
    count = n.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], count)
        source = _pointer(context, builder, signature.args[2], arguments[2], arguments[3], count)
        builder.store(builder.load(source, align=4), target, align=4)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
        builder.store(zeros, source, align=4)
        return context.get_dummy_value()

    return signature, generate


take_several: Any = intrinsic(prefer_literal=True)(_take_several)


def _flags_set(typing: Any, flags: Any, d: Any, n: Any) -> tuple[Any, Any]:
    """Which of ``flags[d : d + n]``, uint8, are not 0: bits of a uint64, the first one lowest."""
    signature = types.uint64(flags, d, n)
    count = n.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], count)
        return _bits(builder, builder.load(place, align=1), count)

    return signature, generate


flags_set: Any = intrinsic(prefer_literal=True)(_flags_set)


def _count_several(typing: Any, r: Any, s: Any, f: Any, d: Any, n: Any) -> tuple[Any, Any]:
    """How many of ``r[s : s + n]`` are set, and how many of these or of ``f[d : d + n]`` are.

    ``r``, ``f`` uint8, of 0 and 1; ``r[s : s + n]`` is set to 0. Gives a uint64: the first
    number, and the second times 2**32.
    """
    signature = types.uint64(r, s, f, d, n)
    count = n.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = ir.IntType(64)
        first = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], count)
        second = _pointer(context, builder, signature.args[2], arguments[2], arguments[3], count)
        own = builder.load(first, align=1)
        either = builder.or_(own, builder.load(second, align=1))
        builder.store(ir.Constant(own.type, [0] * count), first, align=1)
        n_own, n_either = (_n_set(builder, x, count) for x in (own, either))
        return builder.or_(n_own, builder.shl(n_either, number(32)))

    return signature, generate


count_several: Any = intrinsic(prefer_literal=True)(_count_several)


def _lowest_bit(typing: Any, bits: Any) -> tuple[Any, Any]:
    """The number of the lowest bit that is set, uint64; one must be."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.uint64(types.uint64), generate


lowest_bit: Any = intrinsic(_lowest_bit)


def _bits(builder: Any, values: Any, count: int) -> Any:
    """One bit for each of at most 64 numbers: whether it is not 0."""
    flags = builder.icmp_unsigned("!=", values, ir.Constant(values.type, [0] * count))
    return _widened(builder, builder.bitcast(flags, ir.IntType(count)), count)


def _n_set(builder: Any, values: Any, count: int) -> Any:
    """How many of at most 64 bytes are 1; the others are 0."""
    if count > 8:
        return builder.ctpop(_bits(builder, values, count))
    bits = _widened(builder, builder.bitcast(values, ir.IntType(8 * count)), 8 * count)
    return builder.ctpop(bits)


def _widened(builder: Any, bits: Any, width: int) -> Any:
    return bits if width == 64 else builder.zext(bits, ir.IntType(64))


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any, count: int) -> Any:
    """The place of several numbers of an array from an index on, as one vector."""
    data = context.make_array(kind)(context, builder, array).data
    vector = ir.VectorType(ir.IntType(kind.dtype.bitwidth), count)
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


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
