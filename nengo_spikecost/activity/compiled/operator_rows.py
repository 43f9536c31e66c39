"""The instructions of each type of Nengo's operators.

A function in `assembling.ASSEMBLERS` is given an operator and the `Assembler`; it gives the
instructions that do what the operator does in a step, or None if Python has to run it.

Reference: nengo 4.1.0, builder/operator.py, builder/transforms.py, builder/neurons.py,
builder/processes.py, synapses.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.builder import operator as operators
from nengo.builder.neurons import SimNeurons
from nengo.builder.processes import SimProcess
from nengo.builder.transforms import ConvInc, ConvTransposeInc

from . import instructions as code
from .assembling import Assembler, Product, Row, assembler
from .filter_steps import STEPS, filter_numbers, filter_step, is_linear_filter
from .neuron_numbers import N_NUMBERS, kernel_of, table
from .products import CONVOLUTION, MATRIX, SPARSE, by_source, by_target
from .sparse_convolution import has_kernel, sparse_matrix


@assembler(operators.Reset)
def reset(op: Any, asm: Assembler) -> list[Row] | None:
    """A value, written at every step."""
    y = asm.address(op.dst)
    if y is None:
        return None
    value = np.asarray(op.value)
    if value.size == 1:
        return [(code.FILL, op.dst.size, y, asm.constant(value))]
    full = np.broadcast_to(value, op.dst.shape)
    return [(code.COPY, op.dst.size, y, asm.constant(full))]


@assembler(operators.Copy)
def copy_signal(op: Any, asm: Assembler) -> list[Row] | None:
    """Some elements of a signal to some of another, written or added."""
    to, of = asm.elements(op.dst, op.dst_slice), asm.elements(op.src, op.src_slice)
    if to is None or of is None:
        return None
    of = np.broadcast_to(of, to.shape).reshape(-1)
    to = to.reshape(-1)
    y, x = asm.base_address(op.dst), asm.base_address(op.src)
    n = to.size
    if n == 0:
        return []
    if _is_run(to):
        at = y + int(to[0])
        if _is_run(of):
            from_ = x + int(of[0]) if x >= 0 else x - int(of[0])
            return [(code.ADD if op.inc else code.COPY, n, at, from_)]
        if (of == of[0]).all():
            from_ = x + int(of[0]) if x >= 0 else x - int(of[0])
            return [(code.ADD_ONE if op.inc else code.FILL, n, at, from_)]
    gather = code.GATHER_ADD if op.inc else code.GATHER
    return [(gather, n, y, x, asm.index(to), asm.index(of))]


def _is_run(places: np.ndarray) -> bool:
    return bool((np.diff(places) == 1).all())


@assembler(operators.ElementwiseInc)
def elementwise(op: Any, asm: Assembler) -> list[Row] | None:
    """Products of elements, added; one factor may be a single number."""
    y, a, x = (asm.address(s) for s in (op.Y, op.A, op.X))
    if y is None or a is None or x is None:
        return None
    n = op.Y.size
    if op.A.size == n and op.X.size == n:
        return [(code.MULTIPLY_ADD, n, y, a, x)]
    if op.A.size == 1 and op.X.size == n:
        return [(code.SCALE_ADD, n, y, a, x)]
    if op.X.size == 1 and op.A.size == n:
        return [(code.SCALE_ADD, n, y, x, a)]
    return None


@assembler(operators.DotInc)
def dot(op: Any, asm: Assembler) -> list[Row] | None:
    """A matrix times a vector, added: events of its columns, or row by row if it changes."""
    y, x = asm.address(op.Y), asm.address(op.X)
    if y is None or x is None or op.A.sparse:
        return None
    if op.A.size == 1 or op.X.size == 1:
        return elementwise(op, asm)
    rows, columns = op.Y.size, op.X.size
    if op.A.size != rows * columns:
        return None
    if asm.changes(op.A):
        a = asm.address(op.A)
        return None if a is None else [(code.ROWS, rows, y, a, x, columns)]
    matrix = np.asarray(op.A.initial_value).reshape(rows, columns)
    product = Product((MATRIX, columns, rows), np.ascontiguousarray(matrix.T).reshape(-1))
    return [(code.PRODUCT, product.shape[1], y, asm.add_product(product), x)]


@assembler(operators.SparseDotInc)
def sparse_dot(op: Any, asm: Assembler) -> list[Row] | None:
    """A sparse matrix times a vector, added."""
    matrix = op.A.initial_value
    if hasattr(matrix, "allocate"):  # Nengo's own type, where SciPy is not installed
        matrix = matrix.allocate()
    return _sparse(op, asm, matrix)


def _sparse(op: Any, asm: Assembler, matrix: Any) -> list[Row] | None:
    y, x = asm.address(op.Y), asm.address(op.X)
    if y is None or x is None:
        return None
    matrix = matrix.tocsc().copy()
    matrix.sum_duplicates()
    matrix.sort_indices()
    product = Product(
        (SPARSE, matrix.shape[1], matrix.shape[0]), matrix.data,
        starts=matrix.indptr, places=matrix.indices,
    )  # fmt: skip
    return [(code.PRODUCT, product.shape[1], y, asm.add_product(product), x)]


@assembler(ConvInc)
def convolution(op: Any, asm: Assembler) -> list[Row] | None:
    """A convolution, added: by its kernel where there is one for it, else as a sparse matrix."""
    conv = op.conv
    if asm.changes(op.W):
        return None
    kernel = np.asarray(op.W.initial_value)
    if not has_kernel(conv):
        return _sparse(op, asm, sparse_matrix(conv, kernel, transposed=False))
    y, x = asm.address(op.Y), asm.address(op.X)
    if y is None or x is None:
        return None
    product = convolution_shape(conv, kernel)
    return [(code.PRODUCT, product.shape[1], y, asm.add_product(product), x)]


def convolution_shape(conv: Any, kernel: np.ndarray) -> Product:
    """A convolution of one or two dimensions, channels last, without groups, as a product."""

    def two(values: Any) -> tuple[int, ...]:
        return (*[1] * (2 - conv.dimensions), *(int(v) for v in values))

    spatial_in, spatial_out = (
        two(conv.input_shape.spatial_shape),
        two(conv.output_shape.spatial_shape),
    )
    size, steps = two(conv.kernel_size), two(conv.strides)
    before = [
        max((o - 1) * s + k - i, 0) // 2 if conv.padding == "same" else 0
        for o, s, k, i in zip(spatial_out, steps, size, spatial_in)
    ]
    shape = (
        CONVOLUTION, conv.input_shape.size, conv.output_shape.size, *spatial_in,
        conv.input_shape.n_channels, *spatial_out, conv.n_filters, *size, *steps, *before,
    )  # fmt: skip
    kernel = kernel.reshape(*size, *kernel.shape[-2:])
    return Product(shape, by_source(kernel, steps[1]), by_target(kernel))


@assembler(ConvTransposeInc)
def transposed_convolution(op: Any, asm: Assembler) -> list[Row] | None:
    """A transposed convolution, added, as a sparse matrix."""
    if asm.changes(op.W):
        return None
    return _sparse(op, asm, sparse_matrix(op.conv, np.asarray(op.W.initial_value), True))


@assembler(SimNeurons)
def neurons(op: Any, asm: Assembler) -> list[Row] | None:
    """Neurons whose type has a kernel."""
    kernel = kernel_of(op.neurons)
    if kernel is None or op.state_extra:
        return None
    number, names, numbers = kernel
    if set(op.state) != set(names):
        return None
    state = [asm.address(op.state[name]) for name in names]
    j, out = asm.address(op.J), asm.address(op.output)
    if j is None or out is None or any(a is None for a in state):
        return None
    places = [a for a in state if a is not None]
    places += [out] * (3 - len(places))
    own = table(numbers(op.neurons, asm.dt), op.output.size)
    parameters = asm.constant(own, shared=False)
    asm.neuron_numbers[op] = parameters
    each = N_NUMBERS if len(own) > N_NUMBERS else 0
    return [(code.NEURONS, op.output.size, number, j, out, *places, parameters, each)]


@assembler(SimProcess)
def process(op: Any, asm: Assembler) -> list[Row] | None:
    """A linear filter, by its order; other processes are Python's."""
    if not is_linear_filter(op):
        return None
    y, x = asm.address(op.output), asm.address(op.input)
    if y is None or x is None:
        return None
    step = filter_step(op, asm.dt)
    memory = None if isinstance(step, STEPS.NoX) else asm.address(op.state["X"])
    if memory is None and not isinstance(step, STEPS.NoX):
        return None
    numbers = asm.constant(filter_numbers(step), shared=False)
    asm.filter_numbers[op] = numbers
    n, add = op.output.size, op.mode == "inc"
    if memory is None:
        return [(code.SCALE_ADD if add else code.SCALE, n, y, numbers, x)]
    if isinstance(step, STEPS.OneX):
        if memory == y:
            return [(code.DECAY, n, y, x, numbers)]
        return [(code.LOWPASS_ADD if add else code.LOWPASS, n, y, memory, x, numbers)]
    general = isinstance(step, STEPS.General)
    asm.largest_order = max(asm.largest_order, len(step.A))
    return [(code.FILTER, n, y, memory, x, len(step.A), numbers, int(add), int(general))]
