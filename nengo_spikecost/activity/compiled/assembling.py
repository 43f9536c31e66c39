"""Operators of a built Nengo network as instructions on one flat memory.

1. Every base signal that an operator writes, or that is fed, gets a place in the memory of a lane;
   all others are constants. A view of a signal is an address within its base.
2. Each type of operator has a function in `ASSEMBLERS` (operator_rows.py) that gives its
   instructions, or None if it is one that has to be run by Nengo's own Python (then it works on
   views of the same memory).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Tuple  # noqa: UP035

import numpy as np

from .filter_steps import aliases, filter_numbers, filter_step
from .neuron_numbers import kernel_of, table
from .products import CONVOLUTION, Products
from .vector_sizes import MARKED

#: Signals begin at multiples of this many numbers, so that vectors are aligned.
ALIGNMENT = 16

#: One instruction: its numbers, in the order that `instructions.Code` gives.
Row = Tuple[int, ...]  # noqa: UP006  (Python 3.9 looks at it)


def aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array, not filled, that begins where a line of the cache does: no vector is in two.

    NumPy's own arrays begin at multiples of 16 bytes, in a quarter of all cases at one of 64.
    """
    n_bytes, line = math.prod(shape) * np.dtype(dtype).itemsize, 64
    room = np.empty(n_bytes + line, dtype=np.uint8)
    first = -room.ctypes.data % line
    return room[first : first + n_bytes].view(dtype).reshape(shape)


def joined(arrays: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    """Arrays one after another, `aligned`."""
    joined = aligned((sum(map(len, arrays)),), dtype)
    np.concatenate([*arrays, np.zeros(0)], out=joined, casting="unsafe")
    return joined


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
        #: Where the numbers of linear filters are, by their operator.
        self.filter_numbers: dict[Any, int] = {}
        self.size = 0
        self._initial: list[tuple[int, np.ndarray]] = []
        self.indices: list[np.ndarray] = []
        self._n_indices = 0
        self.products: list[Product] = []
        self._sums_begin: list[float] = []
        #: The most elements of state that a filter has for an element of its signal.
        self.largest_order = 1
        written = [s.base for op in operators for s in (*op.sets, *op.incs, *op.updates)]
        #: Signals that are kept beside the memory: the clock, and what is no floating-point number.
        self.other: list[Any] = [model.step, model.time]
        shared = aliases(operators, written, self.dt)
        for base in dict.fromkeys([*written, *(s.base for s in fed)]):
            if base in shared or base in self.other:
                continue
            if base.initial_value.dtype.kind != "f":
                self.other.append(base)
            else:
                self._addresses[base] = self.reserve(base.size, base.initial_value)

        for base, other in shared.items():
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

    def reserve_marks(self, n: int) -> int:
        """The address of a bit for each of ``n`` numbers, in whole blocks of `MARKED`."""
        return self.reserve(-(-n // MARKED) * MARKED // 8 // self.dtype.itemsize)

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
        rest = -len(array) % ALIGNMENT if len(array) > ALIGNMENT else 0
        self._constants += [array, np.zeros(rest, self.dtype)]
        self._n_constants += len(array) + rest
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

    def place(self, signal: Any) -> int:
        """The address of a signal that has to have one."""
        address = self.address(signal)
        assert address is not None, signal
        return address

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
        return joined([*self._constants, np.zeros(16)], self.dtype)

    def renew(self, constants: np.ndarray) -> None:
        """Write signals and numbers of neurons into `constants`, as they now are in the model."""
        for base, address in self._constant_at.items():
            values = np.asarray(base.initial_value, dtype=self.dtype).reshape(-1)
            constants[-1 - address : -1 - address + values.size] = values
        for op, address in self.neuron_numbers.items():
            kernel = kernel_of(op.neurons)
            assert kernel is not None, op
            numbers = table(kernel[2](op.neurons, self.dt), op.output.size)
            constants[-1 - address : -1 - address + len(numbers)] = numbers

    def renew_filters(self, constants: np.ndarray) -> None:
        """Write the numbers of linear filters into `constants`, as their processes now have them.

        They have to make the same instructions as those that were assembled (`steps_alike`).
        """
        for op, address in self.filter_numbers.items():
            numbers = filter_numbers(filter_step(op, self.dt))
            constants[-1 - address : -1 - address + len(numbers)] = numbers

    def all_indices(self) -> np.ndarray:
        """The indices of all instructions."""
        return np.concatenate([*self.indices, np.zeros(1, dtype=np.int64)])

    def new_sums(self) -> np.ndarray:
        """Sums over steps, before the first one."""
        return np.array([*self._sums_begin, 0.0])

    def rooms(self) -> tuple[np.ndarray, np.ndarray]:
        """Room for the events and the padded sources of the largest products, and for filters."""
        n_events = max([1, *(product.shape[1] for product in self.products)])
        n_padded = max([self.largest_order, *(product.padded_size for product in self.products)])
        return np.empty(n_events, dtype=np.int32), aligned((n_padded + ALIGNMENT,), self.dtype)

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
        # at once of the type that it is computed in, as there may be many millions of weights
        product.by_source = np.asarray(product.by_source, dtype=self.dtype)
        product.by_target = np.asarray(product.by_target, dtype=self.dtype)
        product.places = np.asarray(product.places, dtype=np.int32)
        self.products.append(product)
        return len(self.products) - 1

    def all_products(self) -> Products:
        """The products of all instructions."""
        n = max(len(self.products), 1)
        shape = np.zeros((n, 16), dtype=np.int64)
        weights, targets, most = (np.zeros(n, dtype=np.int64) for _ in range(3))
        sparse_at = np.zeros((n, 2), dtype=np.int64)
        values: list[np.ndarray] = []
        starts: list[np.ndarray] = [np.zeros(0)]
        places: list[np.ndarray] = [np.zeros(0, dtype=np.int32)]
        at = n_starts = n_places = 0
        for k, product in enumerate(self.products):
            shape[k, : len(product.shape)] = product.shape
            weights[k], most[k] = at, product.most_events
            targets[k] = at + product.by_source.size
            for array in (product.by_source, product.by_target):
                values.append(array)
                at += array.size
            sparse_at[k] = n_starts, n_places
            starts.append(product.starts)
            places.append(product.places)
            n_starts += product.starts.size
            n_places += product.places.size
        all_values, all_places = joined(values, self.dtype), np.concatenate(places)
        for k, product in enumerate(self.products):
            # parts of what was joined, so that nothing is there twice
            n, m = product.by_source.size, product.places.size
            product.by_source = all_values[weights[k] :][:n]
            product.by_target = all_values[targets[k] :][: product.by_target.size]
            product.places = all_places[sparse_at[k, 1] :][:m]
        starts_of_all = np.concatenate(starts).astype(np.int64)
        return Products(
            shape, weights, targets, starts_of_all, all_places, sparse_at, most, all_values
        )


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
