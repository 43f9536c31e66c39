"""`CompiledNetwork`: a network that Nengo has built, stepped by compiled code.

1. Operators become instructions where they can (assembling.py). Those that depend only on inputs
   that do not change within a sample are run once a sample.
2. Instructions are ordered (ordering.py). A filter at the end of a step is put off to the start of
   the next one, where it shares a pass through memory with the neurons that it filters for; the
   first step has none, and after the last one it is made up for (`Program`).
3. If nothing is left to Python, threads take samples one by one, each with one memory that stays
   in its cache. Otherwise all samples of a batch have a memory, and go step by step: Python runs
   its operators between the instructions, for all samples at once where the numbers allow it
   (batched_steps.py).

Reference: nengo 4.1.0, simulator.py, builder/operator.py.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable

import nengo
import numpy as np
from nengo.builder import operator as operators
from nengo.builder.processes import SimProcess
from nengo.builder.transforms import GeneralConvInc
from nengo.utils.simulator import operator_dependency_graph

from .. import batched_steps
from ..batched_steps import written
from ..processors import usable_processors
from . import instructions as code
from .assembling import Assembler, Row
from .crossover import measured_crossovers
from .ordering import Item, Segment, ordered

#: Operators that add a product to a signal, and nothing if a factor is 0.
ADDING = (operators.ElementwiseInc, operators.DotInc, GeneralConvInc)

Step = Callable[[], None]


@dataclass(frozen=True)
class Counted:
    """Neurons that are counted.

    Attributes
    ----------
    signal : Signal
        Their output.
    per_unit : float
        Spikes of one unit of output in one step.
    spiking : bool
        Whether spikes are counted, or what graded neurons give is added up.
    """

    signal: Any
    per_unit: float
    spiking: bool


@dataclass(frozen=True)
class Output:
    """An output that is read.

    Attributes
    ----------
    signal : Signal
    every : float
        Steps between two values of it that count.
    """

    signal: Any
    every: float = 1


@dataclass(frozen=True)
class Read:
    """Counts and outputs of one sample.

    Attributes
    ----------
    counts : dict from str to ndarray, shape (n_neurons,)
    last, total : dict from str to ndarray, shape (size,)
        Last values of outputs that count, and their sum.
    """

    counts: dict[str, np.ndarray]
    last: dict[str, np.ndarray]
    total: dict[str, np.ndarray]


@dataclass(frozen=True)
class Program:
    """Segments that are run once a sample, at its first step, at others, and after the last."""

    once: list[Segment]
    first: list[Segment]
    other: list[Segment]
    after: list[Segment]

    @property
    def by_python(self) -> list[Any]:
        """Operators that Python runs."""
        segments = (*self.once, *self.first)
        return [segment.op for segment in segments if segment.op is not None]


class CompiledNetwork:
    """A built network as instructions, and the lanes that run them.

    Parameters
    ----------
    model : nengo.builder.Model
        Built by Nengo.
    fed : sequence of nengo.Node
        Nodes whose output is given from outside.
    changing : bool
        Whether these outputs change from step to step.
    counted : mapping from str to Counted
    read : mapping from str to Output
    dtype : {"float32", "float64"}
    n_lanes : int
        Samples side by side, where Python has to run operators or state is kept.
    functions : OperatorFunctions
        Functions of Nodes that remember something.
    seed : int
        Seed of processes that have none; the same for every sample.
    n_threads : int, optional
        Default: the processors that this process may use.

    Attributes
    ----------
    program : Program
    """

    def __init__(
        self, model: Any, fed: Sequence[nengo.Node], changing: bool,
        counted: Mapping[str, Counted], read: Mapping[str, Output], dtype: Any,
        n_lanes: int, functions: Any, seed: int = 0, n_threads: int | None = None,
    ):  # fmt: skip
        self.model, self.functions, self.seed = model, functions, seed
        self.batch_size = n_lanes
        self._n_threads = usable_processors() if n_threads is None else n_threads
        self._place = {id(op): k for k, op in enumerate(model.operators)}
        signals = [model.sig[node]["out"] for node in fed]
        steps = _steps(model, signals)
        asm = Assembler(model, steps, signals, np.dtype(dtype))
        self._asm, self._counted, self._outputs = asm, dict(counted), dict(read)
        self.program = self._programmed(steps, signals, changing)
        measured_crossovers(asm.products, asm.dtype)
        self._tables = (asm.all_indices(), asm.all_products(), asm.constants())
        self._start = asm.initial_memory()
        self._rooms = [asm.rooms() for _ in range(self._n_threads)]
        self._threads = concurrent.futures.ThreadPoolExecutor(self._n_threads)
        self._lanes: _Lanes | None = None
        #: Steps that lanes ran before this sample.
        self._n_done = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of all numbers."""
        return self._asm.dtype

    # -- building -------------------------------------------------------------------------

    def _programmed(self, steps: Sequence[Any], signals: Sequence[Any], changing: bool) -> Program:
        asm = self._asm
        rows = {id(op): asm.assembled(op) for op in steps}
        each = batched_steps.changing(steps, signals if changing else ())
        feeds, at = [], 0
        for signal in signals:
            feeds.append(Item([(code.FRAME, signal.size, _address(asm, signal), at)]))
            at += signal.size
        self._counts = {name: self._count(own) for name, own in self._counted.items()}
        self._sums = {name: self._sum(own) for name, own in self._outputs.items()}
        # what is added up at the end of a step, by the signal that it waits for
        added = [(own.signal, self._counts[name][1]) for name, own in self._counted.items()]
        added += [(own.signal, self._sums[name][2]) for name, own in self._outputs.items()]
        late = self._late([op for op in steps if id(op) in each], rows)
        once = [op for op in steps if id(op) not in each]
        now = [op for op in steps if id(op) in each and id(op) not in late]
        put_off = [op for op in steps if id(op) in late]
        fed_once, fed_each = ([], feeds) if changing else (feeds, [])
        return Program(
            ordered(_items(fed_once, signals, once, rows)),
            ordered(_items(fed_each, signals, now, rows, added)),
            ordered(_items(fed_each, signals, now, rows, added, put_off)),
            ordered([Item(rows[id(op)]) for op in put_off]),
        )

    def _late(self, steps: Sequence[Any], rows: Any) -> set[int]:
        """``id`` of the filters of the end of a step that can be put off to the next one."""
        if any(rows[id(op)] is None for op in steps):
            return set()
        summed = {own.signal.base for own in self._outputs.values()}
        filters = [op for op in steps if isinstance(op, SimProcess) and op.mode == "update"]
        return {
            id(op) for op in filters
            if rows[id(op)][0][0] in (code.DECAY, code.LOWPASS) and op.output.base not in summed
        }  # fmt: skip

    def _count(self, own: Counted) -> tuple[int, Row]:
        """Where neurons are counted, and the instruction that does it."""
        n, out = own.signal.size, _address(self._asm, own.signal)
        scale = self._asm.constant(own.per_unit, shared=False)
        place = self._asm.reserve(n) if own.spiking else self._asm.reserve_sum(n)
        return place, (code.COUNT if own.spiking else code.GRADED, n, place, out, scale)

    def _sum(self, own: Output) -> tuple[int, int, Row]:
        """Where an output is summed and its last value is, and the instruction for it."""
        n, out = own.signal.size, _address(self._asm, own.signal)
        place = self._asm.reserve_sum(n)
        if own.every == 1:
            return place, out, (code.SUM, n, place, out)
        last, every = self._asm.reserve(n), self._asm.reserve_sum(1, own.every)
        return place, last, (code.SAMPLE, n, place, out, every, last)

    # -- running --------------------------------------------------------------------------

    def present(
        self, frames: np.ndarray, lengths: Sequence[int], continuous: bool = False
    ) -> list[list[Read]]:
        """Present samples, and read them at each length.

        Parameters
        ----------
        frames : ndarray, shape (n_samples, 1 or n_steps, size of all that is fed)
        lengths : sequence of int
            Numbers of steps, ascending.
        continuous : bool
            Whether each lane goes on from where it stopped.

        Returns
        -------
        list of list of Read
            For each sample, one for each length.
        """
        frames = np.ascontiguousarray(frames, dtype=self.dtype)
        self._n_done = self._n_done if continuous else 0
        if self.program.by_python or continuous:
            return self._in_lanes(frames, lengths, continuous)
        results: list[list[Read]] = [[] for _ in frames]

        def work(thread: int) -> None:
            memory, sums = np.empty_like(self._start), self._asm.new_sums()
            for k in range(thread, len(frames), self._n_threads):
                memory[:], sums[:] = self._start, self._asm.new_sums()
                self._steps(memory, sums, frames[k], lengths, results[k], thread)

        list(self._threads.map(work, range(self._n_threads)))
        return results

    def renew(self, per_unit: Mapping[str, float]) -> None:
        """Take over what was changed in the model since it was built, without a new build.

        That may be values of signals that nothing writes, as gains and biases, and numbers of
        neuron types, as heights of spikes. Weights of products stay as they were built.

        Parameters
        ----------
        per_unit : mapping from str to float
            `Counted.per_unit` of all neurons that are counted.
        """
        constants = self._tables[2]
        self._asm.renew(constants)
        for name, (_, row) in self._counts.items():
            constants[-1 - row[4]] = per_unit[name]

    def reset(self) -> None:
        """Begin a continuous presentation anew."""
        self._lanes, self._n_done = None, 0

    def close(self) -> None:
        """Free threads and memory."""
        self._threads.shutdown()
        self._lanes = None

    def _steps(
        self, memory: np.ndarray, sums: np.ndarray, frames: np.ndarray, lengths: Sequence[int],
        results: list[Read], thread: int,
    ) -> None:  # fmt: skip
        """All steps of a sample, if Python has nothing to do in them."""
        program, done = self.program, 0
        self._run(program.once, memory, sums, frames, 0, 1, thread)
        for length in lengths:
            self._run(program.first, memory, sums, frames, done, 1, thread)
            self._run(program.other, memory, sums, frames, done + 1, length - done - 1, thread)
            self._run(program.after, memory, sums, frames, 0, 1, thread)
            results.append(self._read(memory, sums))
            done = length

    def _run(
        self, segments: Sequence[Segment], memory: np.ndarray, sums: np.ndarray,
        frames: np.ndarray, start: int, n_steps: int, thread: int,
    ) -> None:  # fmt: skip
        for segment in segments:
            code.run(
                segment.code, segment.groups, *self._tables, memory, sums, frames, start, n_steps,
                self._n_done, *self._rooms[thread],
            )  # fmt: skip

    def _over_lanes(self, segment: Segment, lanes: Any, frames: np.ndarray, t: int) -> None:
        """Run a segment for one step of all samples."""
        n = len(frames)

        def work(thread: int) -> None:
            for k in range(thread, n, self._n_threads):
                memory, sums = lanes.memory[k], lanes.sums[k]
                self._run([segment], memory, sums, frames[k], t, 1, thread)

        list(self._threads.map(work, range(min(self._n_threads, n))))

    def _in_lanes(
        self, frames: np.ndarray, lengths: Sequence[int], continuous: bool
    ) -> list[list[Read]]:
        """Samples step by step, side by side."""
        n = len(frames)
        if self._lanes is None:
            self._lanes = _Lanes(self)
        lanes = self._lanes
        lanes.begin(continuous)
        results: list[list[Read]] = [[] for _ in range(n)]
        if not self.program.by_python:

            def work(thread: int) -> None:
                for k in range(thread, n, self._n_threads):
                    memory, sums = lanes.memory[k], lanes.sums[k]
                    self._steps(memory, sums, frames[k], lengths, results[k], thread)

            list(self._threads.map(work, range(self._n_threads)))
            self._n_done += lengths[-1]
            return results
        lanes.run(self.program.once, frames, 0)
        for t in range(lengths[-1]):
            lanes.run(self.program.first, frames, t)
            if t + 1 in lengths:
                for k in range(n):
                    results[k].append(self._read(lanes.memory[k], lanes.sums[k]))
        self._n_done += lengths[-1]
        return results

    def _read(self, memory: np.ndarray, sums: np.ndarray) -> Read:
        counts = {}
        for name, own in self._counted.items():
            place = self._counts[name][0]
            array = memory if own.spiking else sums
            counts[name] = array[place : place + own.signal.size].copy()
        last, total = {}, {}
        for name, output in self._outputs.items():
            place, address, _ = self._sums[name]
            values = memory if address >= 0 else self._tables[2]
            address = address if address >= 0 else -1 - address
            last[name] = values[address : address + output.signal.size].copy()
            total[name] = sums[place : place + output.signal.size].copy()
        return Read(counts, last, total)


class _Lanes:
    """The memories of samples side by side, and what Python does on them.

    It has what batched_steps.py asks of its host.
    """

    def __init__(self, network: CompiledNetwork):
        self.network, self.model = network, network.model
        self.batch_size, self.functions = network.batch_size, network.functions
        self._asm = network._asm
        self.memory = np.empty((self.batch_size, len(network._start)), dtype=network.dtype)
        self.sums = np.empty((self.batch_size, len(network._asm.new_sums())))
        self._other = {
            base: np.empty((self.batch_size, *base.shape), dtype=base.initial_value.dtype)
            for base in self._asm.other
        }
        self._views: dict[Any, Any] = {}
        self._kept: dict[int, Step] = {}
        self._python: dict[int, Step] = {}
        self._clock: Step | None = None
        self._started = False

    def begin(self, continuous: bool) -> None:
        """Begin a sample, in the state of a new simulation unless it goes on."""
        self.sums[:] = self._asm.new_sums()
        if continuous and self._started:
            for own, (place, _) in zip(
                self.network._counted.values(), self.network._counts.values()
            ):
                if own.spiking:
                    self.memory[:, place : place + own.signal.size] = 0
            return
        self.memory[:] = self.network._start
        for base, array in self._other.items():
            array[...] = base.initial_value
        self.functions.reset()
        program = self.network.program
        clocks = [op for op in self.model.operators if isinstance(op, operators.TimeUpdate)]
        self._clock = self._make_step(clocks[0]) if clocks and self._other else None
        for segment in (*program.once, *program.first):
            if segment.op is not None:
                self._python[id(segment.op)] = self._make_step(segment.op)
        self._started = True

    def run(self, segments: Sequence[Segment], frames: np.ndarray, t: int) -> None:
        """Run segments for one step of all samples."""
        network = self.network
        if segments is network.program.first and self._clock is not None:
            self._clock()
        for segment in segments:
            if segment.op is not None:
                self._python[id(segment.op)]()
                continue
            network._over_lanes(segment, self, frames, t)

    def array(self, signal: Any) -> Any:
        """A signal in all lanes, ``(lanes, ...)``; without lanes if it never changes."""
        if signal not in self._views:
            self._views[signal] = self._view(signal)
        return self._views[signal]

    def is_batched(self, signal: Any) -> bool:
        """Whether each lane has its own values of a signal."""
        return signal.base in self._other or self._asm.changes(signal)

    def keep(self, op: Any, steps: list[Step]) -> None:
        """Called for operators that may remember something outside of signals."""

    def _view(self, signal: Any) -> Any:
        shape = (self.batch_size, *signal.shape)
        if signal.base in self._other:
            array = self._other[signal.base]
            if signal.base is signal:
                return array
            strides = (array.strides[0], *signal.strides)
            return np.ndarray(shape, array.dtype, array.data, signal.offset, strides)
        if not self._asm.changes(signal):
            return signal.initial_value
        size = self._asm.dtype.itemsize
        first = self._asm.base_address(signal) + signal.elemoffset
        strides = (self.memory.strides[0], *(step * size for step in signal.elemstrides))
        return np.ndarray(shape, self._asm.dtype, self.memory.data, first * size, strides)

    def _make_step(self, op: Any) -> Step:
        if id(op) in self._kept:
            return self._kept[id(op)]
        rngs = batched_steps.Generators(
            self.network.seed, self.batch_size, self.network._place[id(op)]
        )
        step = batched_steps.make_step(op, self, rngs)
        if batched_steps.remembers_nothing(op):
            self._kept[id(op)] = step
        return step


def _steps(model: Any, fed: Sequence[Any]) -> list[Any]:
    """The operators that do something in a step.

    An operator that adds a product with a signal that is always 0 does nothing: most neurons are
    connected one by one, and nothing reaches them through the encoders that Nengo builds.
    """
    steps = batched_steps.operators_of_a_step(model, fed)
    # the clock is kept beside the memory
    steps = [op for op in steps if not isinstance(op, operators.TimeUpdate)]
    while True:
        zero = _always_zero(steps, {signal.base for signal in fed})
        left = [
            op for op in steps
            if not (isinstance(op, ADDING) and any(s.base in zero for s in op.reads))
        ]  # fmt: skip
        if len(left) == len(steps):
            return steps
        steps = left


def _always_zero(steps: Sequence[Any], fed: Collection[Any]) -> set[Any]:
    """Signals that nothing but a reset to 0 writes."""
    zero: set[Any] = set()
    other = set(fed)
    for op in steps:
        resets = isinstance(op, operators.Reset) and not np.any(op.value)
        (zero if resets else other).update(s.base for s in written(op))
    return zero - other


def _items(
    feeds: Sequence[Item], fed: Sequence[Any], steps: Sequence[Any], rows: Mapping[int, Any],
    added: Sequence[tuple[Any, Row]] = (), late: Sequence[Any] = (),
) -> list[Item]:  # fmt: skip
    """What is run in a step, with what each has to wait for.

    Parameters
    ----------
    feeds : sequence of Item
        One for each signal of ``fed``.
    steps : sequence of Operator
    rows : mapping from int to list of Row
        Instructions by ``id`` of the operator.
    added : sequence of (Signal, Row)
        What is added up once a signal has its value of this step.
    late : sequence of Operator
        Filters of the step before.
    """
    items = [replace(item, after=[]) for item in feeds]
    places = {id(op): len(items) + k for k, op in enumerate((*steps, *late))}
    items += [Item(rows[id(op)], op) for op in (*steps, *late)]
    for op, following in operator_dependency_graph(list(steps)).items():
        for other in following:
            items[places[id(other)]].after.append(places[id(op)])
    feed_of = {s.base: k for k, s in enumerate(fed)} if feeds else {}
    for other in late:  # reads what was fed in the step before
        if other.input.base in feed_of:
            items[feed_of[other.input.base]].after.append(places[id(other)])
    for op in steps:
        after = items[places[id(op)]].after
        after += [feed_of[s.base] for s in op.reads if s.base in feed_of]
        bases = {s.base for s in (*op.reads, *written(op))}
        writes = {s.base for s in written(op)}
        for other in late:
            if other.output.base in bases or other.input.base in writes:
                after.append(places[id(other)])
    for signal, row in added:
        after = [places[id(op)] for op in steps if signal.base in {s.base for s in written(op)}]
        if signal.base in feed_of:
            after.append(feed_of[signal.base])
        items.append(Item([row], None, after))
    return items


def _address(asm: Assembler, signal: Any) -> int:
    address = asm.address(signal)
    assert address is not None, signal
    return address
