"""Sums of products as operations of the processor, several numbers at a time.

Two pieces of code do the work of all products of a network, and give the same bits, which is the
point of both:

* `add_scaled` adds one row of weights, times the value of one source, to a run of neighbours;
* `add_tile` adds the rows of all sources to several runs at once, which stay in registers.

Both add one product after another to every target, in the order of the sources, and round in the
same places (``llvm.fmuladd``, which is one rounding where the processor has such an operation
and two where it has not, for both alike). Adding the product of a source that is silent changes
nothing. So whether a layer is delivered spike by spike or as a dense product is a question of
time only.

Written as operations of LLVM, because numba's own compiler turns neither into such code: its loops
keep sums in memory, and it never joins a product and a sum.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector_sizes import MARKED, WIDTH


def float_type(array: Any) -> Any:
    return ir.FloatType() if array.dtype.bitwidth == 32 else ir.DoubleType()


def _fmuladd(builder: Any, kind: Any, width: int) -> Any:
    """The function ``a * b + c`` of vectors, or of numbers if ``width`` is 1."""
    bits = 32 if isinstance(kind, ir.FloatType) else 64
    vector = ir.VectorType(kind, width) if width > 1 else kind
    name = f"llvm.fmuladd.v{width}f{bits}" if width > 1 else f"llvm.fmuladd.f{bits}"
    function = ir.FunctionType(vector, [vector] * 3)
    return cgutils.get_or_insert_function(builder.module, function, name)


def spread(builder: Any, value: Any, width: int) -> Any:
    """A vector with a number in all places."""
    if width == 1:
        return value
    undefined = ir.Constant(ir.VectorType(value.type, width), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
    return builder.shuffle_vector(first, undefined, zeros)


def pointer(builder: Any, data: Any, index: Any, kind: Any, width: int) -> Any:
    first = builder.gep(data, [index])
    return first if width == 1 else builder.bitcast(first, ir.VectorType(kind, width).as_pointer())


def _add_scaled(
    typing: Any, y: Any, at: Any, weights: Any, first: Any, value: Any, width: Any
) -> tuple[Any, Any]:
    """``y[at : at + width] += value * weights[first : first + width]``; ``width`` is a literal.

    Arrays are contiguous and of one type of numbers; indices are not checked.
    """
    signature = types.void(y, at, weights, first, value, width)
    n = width.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def data(k: int) -> Any:
            return context.make_array(signature.args[k])(context, builder, arguments[k]).data

        kind = float_type(signature.args[0])
        align = kind.get_abi_size(context.target_data)
        target = pointer(builder, data(0), arguments[1], kind, n)
        source = pointer(builder, data(2), arguments[3], kind, n)
        factor = spread(builder, arguments[4], n)
        parts = [factor, builder.load(source, align=align), builder.load(target, align=align)]
        builder.store(builder.call(_fmuladd(builder, kind, n), parts), target, align=align)
        return context.get_dummy_value()

    return signature, generate


add_scaled: Any = intrinsic(prefer_literal=True)(_add_scaled)


def _add_tile(
    typing: Any, y: Any, at: Any, y_step: Any, x: Any, x_at: Any, x_step: Any, x_row: Any,
    rows: Any, columns: Any, weights: Any, first: Any, w_step: Any, runs: Any, vectors: Any,
    width: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Add to several runs of neighbours the products of their sources, in order.

    For each ``i < runs``::

        y[at + i * y_step + j]  +=  sum over r < rows, k < columns, in this order, of
            x[x_at + i * x_step + r * x_row + k] * weights[first + (r * columns + k) * w_step + j]

    for ``j < vectors * width``. ``runs``, ``vectors`` and ``width`` are literals; arrays are
    contiguous and of one type of numbers; indices are int64 and are not checked.
    """
    signature = types.void(
        y, at, y_step, x, x_at, x_step, x_row, rows, columns, weights, first, w_step, runs,
        vectors, width,
    )  # fmt: skip
    n_runs, n_vectors, n = runs.literal_value, vectors.literal_value, width.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def data(k: int) -> Any:
            return context.make_array(signature.args[k])(context, builder, arguments[k]).data

        number = ir.IntType(64)
        kind = float_type(signature.args[0])
        align = kind.get_abi_size(context.target_data)
        vector = ir.VectorType(kind, n) if n > 1 else kind
        y_data, x_data, w_data = data(0), data(3), data(9)
        at, y_step, x_at, x_step, x_row = (arguments[k] for k in (1, 2, 4, 5, 6))
        rows, columns, first, w_step = (arguments[k] for k in (7, 8, 10, 11))
        multiply_add = _fmuladd(builder, kind, n)
        places = [(i, v) for i in range(n_runs) for v in range(n_vectors)]

        def target(i: int, v: int) -> Any:
            index = builder.add(at, builder.mul(y_step, number(i)))
            return pointer(builder, y_data, builder.add(index, number(v * n)), kind, n)

        # variables of the function, which the compiler keeps in registers
        sums = {place: cgutils.alloca_once(builder, vector) for place in places}
        for place in places:
            builder.store(builder.load(target(*place), align=align), sums[place])
        with cgutils.for_range(builder, rows) as row:
            x_of_row = builder.add(x_at, builder.mul(row.index, x_row))
            steps = builder.mul(builder.mul(row.index, columns), w_step)
            w_of_row = builder.add(first, steps)
            with cgutils.for_range(builder, columns) as column:
                w_index = builder.add(w_of_row, builder.mul(column.index, w_step))
                x_index = builder.add(x_of_row, column.index)
                own = [
                    builder.load(
                        pointer(builder, w_data, builder.add(w_index, number(v * n)), kind, n),
                        align=align,
                    )
                    for v in range(n_vectors)
                ]
                for i in range(n_runs):
                    index = builder.add(x_index, builder.mul(x_step, number(i)))
                    value = spread(builder, builder.load(builder.gep(x_data, [index])), n)
                    for v in range(n_vectors):
                        total = [value, own[v], builder.load(sums[i, v])]
                        builder.store(builder.call(multiply_add, total), sums[i, v])
        for place in places:
            builder.store(builder.load(sums[place]), target(*place), align=align)
        return context.get_dummy_value()

    return signature, generate


add_tile: Any = intrinsic(prefer_literal=True)(_add_tile)


def _active_bits(typing: Any, x: Any, at: Any) -> tuple[Any, Any]:
    """Which of ``x[at : at + 64]`` are not 0 (NaN is not): a bit for each, the lowest the first."""
    signature = types.uint64(x, at)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        kind = float_type(signature.args[0])
        align = kind.get_abi_size(context.target_data)
        values = builder.load(pointer(builder, array.data, arguments[1], kind, 64), align=align)
        return nonzero(builder, values)

    return signature, generate


active_bits: Any = intrinsic(_active_bits)


def place_of_marks(builder: Any, data: Any, at: Any, index: Any) -> Any:
    """Where the marks of the vector ``index`` are, of marks that begin at ``data[at]``."""
    first = builder.bitcast(builder.gep(data, [at]), ir.IntType(WIDTH).as_pointer())
    return builder.gep(first, [index])


def _write_marks(typing: Any, marks: Any, at: Any, x: Any, first: Any, index: Any) -> Any:
    """Mark who of ``x[first : first + WIDTH]`` is not 0, as the vector ``index`` of its array."""
    signature = types.void(marks, at, x, first, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        marks, at, x, first, index = arguments
        to = context.make_array(signature.args[0])(context, builder, marks).data
        source = context.make_array(signature.args[2])(context, builder, x).data
        kind = float_type(signature.args[2])
        align = kind.get_abi_size(context.target_data)
        values = builder.load(pointer(builder, source, first, kind, WIDTH), align=align)
        own = nonzero(builder, values)
        builder.store(own, place_of_marks(builder, to, at, index))
        return context.get_dummy_value()

    return signature, generate


write_marks: Any = intrinsic(_write_marks)


def nonzero(builder: Any, values: Any) -> Any:
    """Which numbers of a vector are not 0 (NaN is not): a bit for each, the lowest the first."""
    zeros = ir.Constant(values.type, [0.0] * values.type.count)
    bits = builder.fcmp_unordered("!=", values, zeros)
    return builder.bitcast(bits, ir.IntType(values.type.count))


def _set_marks(typing: Any, marks: Any, at: Any, bits: Any, index: Any) -> tuple[Any, Any]:
    """Write the lowest bits of a uint64 as the marks of the vector ``index``."""
    signature = types.void(marks, at, types.uint64, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        marks, at, bits, index = arguments
        to = context.make_array(signature.args[0])(context, builder, marks).data
        own = builder.trunc(bits, ir.IntType(WIDTH))
        builder.store(own, place_of_marks(builder, to, at, index))
        return context.get_dummy_value()

    return signature, generate


set_marks: Any = intrinsic(_set_marks)


def _read_marks(typing: Any, marks: Any, at: Any, block: Any) -> tuple[Any, Any]:
    """The marks of the block ``block`` of `MARKED` neighbours, the lowest bit the first."""
    signature = types.uint64(marks, at, block)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        marks, at, block = arguments
        data = context.make_array(signature.args[0])(context, builder, marks).data
        number = ir.IntType(MARKED)
        total = number(0)
        for k in range(MARKED // WIDTH):  # which is one load, where the lowest byte is the first
            index = builder.add(builder.mul(block, number(MARKED // WIDTH)), number(k))
            part = builder.load(place_of_marks(builder, data, at, index))
            total = builder.or_(total, builder.shl(builder.zext(part, number), number(k * WIDTH)))
        return total

    return signature, generate


read_marks: Any = intrinsic(_read_marks)


def _lowest_bit(typing: Any, bits: Any) -> tuple[Any, Any]:
    """The place of the lowest bit that is set, of uint64 that are not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), generate


lowest_bit: Any = intrinsic(_lowest_bit)


def _n_bits(typing: Any, bits: Any) -> tuple[Any, Any]:
    """How many bits of a uint64 are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


n_bits: Any = intrinsic(_n_bits)


def _is_set(typing: Any, flag: Any) -> tuple[Any, Any]:
    """Whether the only number of an array is not 0, read anew each time: another thread sets it.

    ``flag`` int64 (1,). A plain read might be made once, before a loop.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        value = builder.load_atomic(array.data, "monotonic", 8)
        return builder.icmp_signed("!=", value, ir.IntType(64)(0))

    return types.boolean(flag), generate


is_set: Any = intrinsic(_is_set)
