"""Operators of a built Nengo network as instructions on one flat memory.

1. Every base signal that an operator writes, or that is fed, gets a place in the memory of a lane;
   all others are constants. A view of a signal is an address within its base.
2. Each type of operator has a function in `ASSEMBLERS` that gives its instructions, or None if it
   is one that has to be run by Nengo's own Python (then it works on views of the same memory).
3. What can't be an instruction is named, with the reason, in `Assembler.by_python`.

Reference: nengo 4.1.0, builder/operator.py, builder/transforms.py, builder/processes.py,
synapses.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Tuple  # noqa: UP035

import nengo
import numpy as np
from nengo.builder import operator as operators
from nengo.builder.neurons import SimNeurons
from nengo.builder.processes import SimProcess
from nengo.builder.transforms import ConvInc, ConvTransposeInc

from . import instructions as code
from .neuron_kernels import kernel_of
from .product_kernels import CONVOLUTION, MATRIX, SPARSE, Products, by_source, by_target
from .sparse_convolution import sparse_matrix

#: The kinds of steps that Nengo's linear filters have.
_FILTERS: Any = nengo.LinearFilter

#: Signals begin at multiples of this many numbers, so that vectors are aligned.
ALIGNMENT = 16

#: One instruction: its numbers, in the order that `instructions.Code` gives.
Row = Tuple[int, ...]  # noqa: UP006  (Python 3.9 looks at it)


class Assembler:
    """Memory, constants, and the instructions of operators.

    Parameters
    ----------
    model : nengo.builder.Model
    operators : sequence of Operator
        Those that are run, in order.
    fed : sequence of Signal
        Signals that are written from outside.
    dtype : numpy.dtype
        float32 or float64.
    """

    def __init__(self, model: Any, operators: Sequence[Any], fed: Sequence[Any], dtype: Any):
        self.model, self.dtype = model, np.dtype(dtype)
        self.dt = model.dt
        self._addresses: dict[Any, int] = {}
        self._constants: list[np.ndarray] = []
        self._n_constants = 0
        self._constant_at: dict[Any, int] = {}
        self._numbers: dict[Any, int] = {}
        #: Where the numbers of neurons are, by their operator.
        self.neuron_numbers: dict[Any, int] = {}
        self.size = 0
        self._initial: list[tuple[int, np.ndarray]] = []
        self.indices: list[np.ndarray] = []
        self._n_indices = 0
        self.products: list[Product] = []
        self._sums_begin: list[float] = []
        written = [s.base for op in operators for s in (*op.sets, *op.incs, *op.updates)]
        #: Signals that are kept beside the memory: the clock, and what is no floating-point number.
        self.other: list[Any] = [model.step, model.time]
        aliases = _aliases(operators, written)
        for base in dict.fromkeys([*written, *(s.base for s in fed)]):
            if base in aliases or base in self.other:
                continue
            if base.initial_value.dtype.kind != "f":
                self.other.append(base)
            else:
                self._addresses[base] = self.reserve(base.size, base.initial_value)

        for base, other in aliases.items():
            self._addresses[base] = self._addresses[other]

    @property
    def n_sums(self) -> int:
        """Numbers that are summed over steps."""
        return len(self._sums_begin)

    # -- places ---------------------------------------------------------------------------

    def reserve(self, n: int, initial: Any = None) -> int:
        """The address of ``n`` numbers of memory."""
        address = self.size
        self.size += -(-max(n, 1) // ALIGNMENT) * ALIGNMENT
        if initial is not None and np.any(initial):
            self._initial.append((address, np.asarray(initial).reshape(-1)))
        return address

    def changes(self, signal: Any) -> bool:
        """Whether a signal is in memory."""
        return signal.base in self._addresses

    def constant(self, values: Any, shared: bool = True) -> int:
        """The address of constant numbers: of equal ones, unless they may be changed later."""
        array = np.asarray(values, dtype=self.dtype).reshape(-1)
        key = (array.tobytes(), len(array)) if shared and array.size <= 16 else None
        if key is not None and key in self._numbers:
            return self._numbers[key]
        address = -1 - self._n_constants
        self._constants.append(array)
        self._n_constants += len(array)
        if key is not None:
            self._numbers[key] = address
        return address

    def address(self, signal: Any) -> int | None:
        """The address of a signal whose elements are next to one another, else None."""
        base = signal.base
        if base in self.other or signal.sparse or not signal.initial_value.flags.c_contiguous:
            return None
        if base in self._addresses:
            return self._addresses[base] + signal.elemoffset
        if base not in self._constant_at:
            self._constant_at[base] = self.constant(base.initial_value, shared=False)
        return self._constant_at[base] - signal.elemoffset

    def elements(self, signal: Any, part: Any = None) -> np.ndarray | None:
        """Places of the elements of a signal, or of some of them, from its base's address on."""
        if signal.base in self.other or signal.sparse:
            return None
        places = np.full(signal.shape, signal.elemoffset, dtype=np.int64)
        for axis, (n, step) in enumerate(zip(signal.shape, signal.elemstrides)):
            along = np.arange(n) * step
            places += along.reshape([-1 if k == axis else 1 for k in range(signal.ndim)])
        return places if part is None else places[part]

    def base_address(self, signal: Any) -> int:
        """The address of the base of a signal."""
        if signal.base in self._addresses:
            return self._addresses[signal.base]
        if signal.base not in self._constant_at:
            self._constant_at[signal.base] = self.constant(signal.base.initial_value, shared=False)
        return self._constant_at[signal.base]

    def index(self, places: np.ndarray) -> int:
        """Keep indices; gives where they begin."""
        at = self._n_indices
        self.indices.append(np.asarray(places, dtype=np.int64).reshape(-1))
        self._n_indices += self.indices[-1].size
        return at

    def reserve_sum(self, n: int, value: float = 0) -> int:
        """A place for ``n`` sums over steps, which begin at a value."""
        at = self.n_sums
        self._sums_begin += [value] * n
        return at

    # -- results --------------------------------------------------------------------------

    def initial_memory(self) -> np.ndarray:
        """The memory that a new simulation starts from."""
        memory = np.zeros(self.size, dtype=self.dtype)
        for address, values in self._initial:
            memory[address : address + len(values)] = values
        return memory

    def constants(self) -> np.ndarray:
        """All constants; a few more, because instructions look at a fixed number of them."""
        return np.concatenate([*self._constants, np.zeros(16)]).astype(self.dtype)

    def renew(self, constants: np.ndarray) -> None:
        """Write signals and numbers of neurons into `constants`, as they now are in the model."""
        for base, address in self._constant_at.items():
            values = np.asarray(base.initial_value, dtype=self.dtype).reshape(-1)
            constants[-1 - address : -1 - address + values.size] = values
        for op, address in self.neuron_numbers.items():
            kernel = kernel_of(op.neurons)
            assert kernel is not None, op
            numbers = kernel[2](op.neurons, self.dt)
            constants[-1 - address : -1 - address + len(numbers)] = numbers

    def all_indices(self) -> np.ndarray:
        """The indices of all instructions."""
        return np.concatenate([*self.indices, np.zeros(1, dtype=np.int64)])

    def new_sums(self) -> np.ndarray:
        """Sums over steps, before the first one."""
        return np.array([*self._sums_begin, 0.0])

    def rooms(self) -> tuple[np.ndarray, np.ndarray]:
        """Room for the events and the padded sources of the largest products."""
        n_events = max([1, *(product.shape[1] for product in self.products)])
        n_padded = max([0, *(product.padded_size for product in self.products)])
        return np.empty(n_events, dtype=np.int32), np.empty(n_padded + ALIGNMENT, self.dtype)

    def assembled(self, op: Any) -> list[Row] | None:
        """The instructions of an operator, or None."""
        for kind in type(op).__mro__:
            if kind in ASSEMBLERS:
                # an operator that makes its step in another way is another operator
                if type(op).make_step is not vars(kind).get("make_step", type(op).make_step):
                    return None
                return ASSEMBLERS[kind](op, self)
        return None

    def add_product(self, product: Product) -> int:
        """Keep a product; gives its number."""
        self.products.append(product)
        return len(self.products) - 1

    def all_products(self) -> Products:
        """The products of all instructions."""
        n = max(len(self.products), 1)
        shape = np.zeros((n, 16), dtype=np.int64)
        weights, targets, most = (np.zeros(n, dtype=np.int64) for _ in range(3))
        sparse_at = np.zeros((n, 2), dtype=np.int64)
        values: list[np.ndarray] = [np.zeros(0)]
        starts: list[np.ndarray] = [np.zeros(0)]
        places: list[np.ndarray] = [np.zeros(0)]
        at = n_starts = n_places = 0
        for k, product in enumerate(self.products):
            shape[k, : len(product.shape)] = product.shape
            weights[k], most[k] = at, product.most_events
            targets[k] = at + product.by_source.size
            for array in (product.by_source, product.by_target):
                values.append(np.asarray(array, dtype=self.dtype))
                at += array.size
            sparse_at[k] = n_starts, n_places
            starts.append(product.starts)
            places.append(product.places)
            n_starts += product.starts.size
            n_places += product.places.size
        return Products(
            shape, weights, targets, np.concatenate(starts).astype(np.int64),
            np.concatenate(places).astype(np.int32), sparse_at, most,
            np.concatenate(values).astype(self.dtype),
        )  # fmt: skip


def _aliases(steps: Sequence[Any], written: Sequence[Any]) -> dict[Any, Any]:
    """States of filters that are their outputs, and need no memory of their own.

    From the base of the state to that of the output.
    """
    aliases = {}
    for op in steps:
        if not isinstance(op, SimProcess) or op.mode == "inc" or "X" not in op.state:
            continue
        state, output = op.state["X"], op.output
        if not isinstance(op.process, nengo.LinearFilter) or state.shape[0] != 1:
            continue
        whole = output.base is output and state.base is state and state.size == output.size
        zero = not (np.any(state.initial_value) or np.any(output.initial_value))
        if whole and zero and written.count(output) == written.count(state) == 1:
            aliases[state] = output
    return aliases


@dataclass
class Product:
    """One product, as `Products` has it."""

    shape: tuple[int, ...]
    by_source: np.ndarray
    by_target: np.ndarray = field(default_factory=lambda: np.zeros(0))
    starts: np.ndarray = field(default_factory=lambda: np.zeros(0))
    places: np.ndarray = field(default_factory=lambda: np.zeros(0))
    most_events: int = np.iinfo(np.int64).max

    @property
    def padded_size(self) -> int:
        """Numbers of the sources with their border, of a convolution."""
        if self.shape[0] != CONVOLUTION:
            return 0
        channels, out_rows, out_columns = self.shape[5:8]
        rows, columns, down, right = self.shape[9:13]
        return ((out_rows - 1) * down + rows) * ((out_columns - 1) * right + columns) * channels


ASSEMBLERS: dict[type, Callable[[Any, Assembler], Any]] = {}


def assembler(*kinds: type) -> Callable[[Any], Any]:
    """Register the function that gives the instructions of a type of operator."""

    def register(function: Any) -> Any:
        for kind in kinds:
            ASSEMBLERS[kind] = function
        return function

    return register


@assembler(operators.Reset)
def reset(op: Any, asm: Assembler) -> list[Row] | None:
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
    return [(code.PRODUCT, 0, y, asm.add_product(product), x)]


@assembler(operators.SparseDotInc)
def sparse_dot(op: Any, asm: Assembler) -> list[Row] | None:
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
    return [(code.PRODUCT, 0, y, asm.add_product(product), x)]


@assembler(ConvInc)
def convolution(op: Any, asm: Assembler) -> list[Row] | None:
    conv = op.conv
    if asm.changes(op.W):
        return None
    kernel = np.asarray(op.W.initial_value)
    if conv.dimensions > 2 or conv.groups != 1 or not conv.channels_last:
        return _sparse(op, asm, sparse_matrix(conv, kernel, transposed=False))
    y, x = asm.address(op.Y), asm.address(op.X)
    if y is None or x is None:
        return None
    return [(code.PRODUCT, 0, y, asm.add_product(convolution_shape(conv, kernel)), x)]


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
    return Product(shape, by_source(kernel), by_target(kernel))


@assembler(ConvTransposeInc)
def transposed_convolution(op: Any, asm: Assembler) -> list[Row] | None:
    if asm.changes(op.W):
        return None
    return _sparse(op, asm, sparse_matrix(op.conv, np.asarray(op.W.initial_value), True))


@assembler(SimNeurons)
def neurons(op: Any, asm: Assembler) -> list[Row] | None:
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
    parameters = asm.constant([*numbers(op.neurons, asm.dt), *[0.0] * 8][:8], shared=False)
    asm.neuron_numbers[op] = parameters
    return [(code.NEURONS, op.output.size, number, j, out, *places, parameters)]


@assembler(SimProcess)
def process(op: Any, asm: Assembler) -> list[Row] | None:
    kind = next(k for k in type(op.process).__mro__ if "make_step" in vars(k))
    if kind is not nengo.LinearFilter or op.input is None:
        return None
    y, x = asm.address(op.output), asm.address(op.input)
    if y is None or x is None:
        return None
    state = {name: signal.initial_value.copy() for name, signal in op.state.items()}
    step = op.process.make_step(op.input.shape, op.output.shape, asm.dt, None, state)
    n, add = op.output.size, op.mode == "inc"
    if isinstance(step, _FILTERS.NoX):
        return [(code.SCALE_ADD if add else code.SCALE, n, y, asm.constant(step.d), x)]
    memory = asm.address(op.state["X"])
    if memory is None:
        return None
    if isinstance(step, _FILTERS.OneX):
        numbers = asm.constant([step.a, step.b])
        if memory == y:
            return [(code.DECAY, n, y, x, numbers)]
        return [(code.LOWPASS_ADD if add else code.LOWPASS, n, y, memory, x, numbers)]
    parts = [np.asarray(m, dtype=float).reshape(-1) for m in (step.A, step.B, step.C, step.D)]
    matrices = asm.constant(np.concatenate(parts))
    general = isinstance(step, _FILTERS.General)
    return [(code.FILTER, n, y, memory, x, len(step.A), matrices, int(add), int(general))]
