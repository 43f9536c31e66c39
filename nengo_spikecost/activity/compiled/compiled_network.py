"""`CompiledNetwork`: a network that Nengo has built, stepped by compiled code.

1. Operators become instructions where they can (operator_rows.py), on one flat memory a sample
   (assembling.py).
2. Programs say what is run when (programs.py), and in which order (ordering.py).
3. If nothing is left to Python, threads take samples one by one, each with one memory that stays
   in its cache. Otherwise all samples of a batch have a memory (sample_lanes.py), and go step by
   step: Python runs its operators between the instructions, for all samples at once where the
   numbers allow it (batched_steps.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass
from typing import Any, Callable

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons

from ...deadlines import PATIENCE_S, OutOfTime, check_time
from ...errors import MeasurementError
from ..backend import NO_SPIKES
from ..processors import usable_processors
from . import instructions as code
from . import operator_rows as _rows  # noqa: F401  registers the instructions of operators
from .assembling import Assembler, Row, aligned
from .crossover import measured_crossovers
from .native_run import Tables
from .neuron_numbers import is_events
from .ordering import Segment
from .programs import Program, Programs, steps_of
from .sample_lanes import SampleLanes

#: Seconds between two questions whether to go on, while compiled code runs.
_ASKED_EVERY_S = 0.1


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


class CompiledNetwork:
    """A built network as instructions, and the lanes that run them.

    Parameters
    ----------
    model : nengo.builder.Model
        Built by Nengo.
    fed : sequence of nengo.Node
        Nodes whose output is given from outside.
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
    n_done : int
        Steps that lanes ran before the sample that comes next.
    """

    def __init__(
        self, model: Any, fed: Sequence[nengo.Node], counted: Mapping[str, Counted],
        read: Mapping[str, Output], dtype: Any, n_lanes: int, functions: Any, seed: int = 0,
        n_threads: int | None = None,
    ):  # fmt: skip
        self._n_threads = usable_processors() if n_threads is None else n_threads
        signals = [model.sig[node]["out"] for node in fed]
        steps = steps_of(model, signals)
        asm = self._asm = Assembler(model, steps, signals, np.dtype(dtype))
        self._counted, self._outputs = dict(counted), dict(read)
        self._uncounted: frozenset[int] = frozenset()
        events = {op.output for op in steps if isinstance(op, SimNeurons) and is_events(op.neurons)}
        self._events = {name for name, own in counted.items() if own.signal in events}
        self._programs = Programs(asm, steps, signals)
        self._counts = {name: self._count(own) for name, own in self._counted.items()}
        self._sums = {name: self._sum(own) for name, own in self._outputs.items()}
        measured_crossovers(asm.products, asm.dtype)
        self._tables = Tables(asm.all_indices(), asm.all_products(), asm.constants())
        self._start = asm.initial_memory()
        self._rooms = [asm.rooms() for _ in range(self._n_threads)]
        self._threads = futures.ThreadPoolExecutor(self._n_threads)
        #: Not 0 where compiled code is to end, in whatever thread it runs.
        self._ended = np.zeros(1, dtype=np.int64)
        self._functions = functions
        self._lane_options: Any = (self.by_python, n_lanes, functions, seed)
        self._lanes: SampleLanes | None = None
        self.n_done = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of all numbers."""
        return self._asm.dtype

    @property
    def by_python(self) -> list[Any]:
        """Operators that Python runs."""
        return self._programs.by_python

    def _count(self, own: Counted) -> tuple[int, Row]:
        """Where neurons are counted, and the instruction that does it."""
        n, out = own.signal.size, self._asm.place(own.signal)
        scale = self._asm.constant(own.per_unit, shared=False)
        place = self._asm.reserve(n) if own.spiking else self._asm.reserve_sum(n)
        row: Row = (code.COUNT, n, place, out, scale, self._asm.reserve_marks(n))
        if not own.spiking:
            row = (code.GRADED, n, place, out, scale)
        self._programs.add(own.signal, row)
        return place, row

    def _sum(self, own: Output) -> tuple[int, int]:
        """Where an output is summed, and where its last value is."""
        n, out = own.signal.size, self._asm.place(own.signal)
        place, last = self._asm.reserve_sum(n), out
        row: Row = (code.SUM, n, place, out)
        if own.every != 1:
            last, every = self._asm.reserve(n), self._asm.reserve_sum(1, own.every)
            row = (code.SAMPLE, n, place, out, every, last)
        self._programs.add(own.signal, row, at_the_end=True)
        return place, last

    # -- running --------------------------------------------------------------------------

    def present(
        self, frames: np.ndarray, lengths: Sequence[int], continuous: bool = False,
        uncounted: Collection[int] = (),
    ) -> list[list[Read]]:  # fmt: skip
        """Present samples, and read them at each length.

        Parameters
        ----------
        frames : ndarray, shape (n_samples, 1 or n_steps, size of all that is fed)
        lengths : sequence of int
            Numbers of steps, ascending.
        continuous : bool
            Whether each lane goes on from where it stopped.
        uncounted : collection of int
            Those of the lengths at which outputs are read, and no counts.

        Returns
        -------
        list of list of Read
            For each sample, one for each length.
        """
        frames = np.ascontiguousarray(frames, dtype=self.dtype)
        program = self._programs.program(frames.shape[1] > 1, self._tables.constants)
        results: list[list[Read]] = [[] for _ in frames]
        self._uncounted = frozenset(uncounted)
        if self.by_python or continuous:
            self._in_lanes(program, frames, lengths, results, continuous)
            return results
        self.n_done = 0

        def work(thread: int) -> None:
            memory, sums = aligned(self._start.shape, self.dtype), self._asm.new_sums()
            for k in range(thread, len(frames), self._n_threads):
                memory[:], sums[:] = self._start, self._asm.new_sums()
                self._steps(program, memory, sums, frames[k], lengths, results[k], thread)

        self._in_threads(work)
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
        constants = self._tables.constants
        self._asm.renew(constants)
        for name, (_, row) in self._counts.items():
            constants[-1 - row[4]] = per_unit[name]
        self._programs.renew(constants)

    def runs_filter(self, op: Any) -> bool:
        """Whether an operator is a linear filter in compiled code, whose numbers can be renewed."""
        return op in self._asm.filter_numbers

    def renew_filters(self) -> None:
        """Take over what was changed in the processes of linear filters: see `runs_filter`."""
        self._asm.renew_filters(self._tables.constants)

    def reset(self) -> None:
        """Begin a continuous presentation anew."""
        self._lanes, self.n_done = None, 0

    def state(self) -> dict[str, np.ndarray]:
        """The state that the next sample of a continuous presentation starts from, as arrays."""
        return {**self._ready(True).state(), "n_done": np.array(self.n_done)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state` that an equal network gave, in this process or another."""
        self.reset()
        self._ready(True).restore(state)
        self.n_done = int(state["n_done"])

    def close(self) -> None:
        """Free threads and memory."""
        self._ended[0] = 1
        self._threads.shutdown(wait=False)
        self._lanes = None

    def _ready(self, continuous: bool) -> SampleLanes:
        """Lanes in the state that the next sample starts from."""
        if self._lanes is None:
            self._lanes, self.n_done = SampleLanes(self._asm, *self._lane_options), 0
        elif not continuous:
            self._lanes.reset()
            self.n_done = 0
        return self._lanes

    def _steps(
        self, program: Program, memory: np.ndarray, sums: np.ndarray, frames: np.ndarray,
        lengths: Sequence[int], results: list[Read], thread: int,
    ) -> None:  # fmt: skip
        """All steps of a sample, if Python has nothing to do in them."""
        done = 0
        self._run(program.once, memory, sums, frames, 0, 1, thread)
        for length in lengths:
            self._run(program.first, memory, sums, frames, done, 1, thread)
            n = length - done - 1
            self._run(program.other, memory, sums, frames, done + 1, n, thread)
            self._run(program.after, memory, sums, frames, 0, 1, thread)
            results.append(self._read(memory, sums, length not in self._uncounted))
            done = length

    def _in_threads(self, work: Callable[[int], None], most: int | None = None) -> None:
        """Work of each thread; Ctrl-C, or the end of the time there is, ends it soon."""
        self._ended[0] = 0
        n = self._n_threads if most is None else min(self._n_threads, most)
        tasks = [self._threads.submit(work, thread) for thread in range(n)]
        left: Any = tasks
        try:
            while left:
                done, left = futures.wait(left, _ASKED_EVERY_S, futures.FIRST_EXCEPTION)
                for task in done:
                    task.result()
                if left:
                    check_time()
        except BaseException:
            self._ended[0] = 1
            futures.wait(tasks, PATIENCE_S)
            raise

    def _run(
        self, segments: Sequence[Segment], memory: np.ndarray, sums: np.ndarray,
        frames: np.ndarray, start: int, n_steps: int, thread: int,
    ) -> None:  # fmt: skip
        for segment in segments:
            self._tables.run(
                segment.code, segment.groups, memory, sums, frames, start, n_steps, self.n_done,
                *self._rooms[thread], self._ended,
            )  # fmt: skip
            if self._ended[0]:
                raise OutOfTime

    def _in_lanes(
        self, program: Program, frames: np.ndarray, lengths: Sequence[int],
        results: list[list[Read]], continuous: bool,
    ) -> None:  # fmt: skip
        """Samples side by side, each with its own memory."""
        lanes = self._ready(continuous)
        lanes.begin([
            (self._counts[name][0], own.signal.size)
            for name, own in self._counted.items() if own.spiking
        ])  # fmt: skip
        if self.by_python:
            self._functions.watch()
            self._step_by_step(program, lanes, frames, lengths, results)
            self._functions.warn_if_changed()
        else:

            def work(thread: int) -> None:
                for k in range(thread, len(frames), self._n_threads):
                    own = (lanes.memory[k], lanes.sums[k], frames[k])
                    self._steps(program, *own, lengths, results[k], thread)

            self._in_threads(work)
        self.n_done += lengths[-1]

    def _step_by_step(
        self, program: Program, lanes: SampleLanes, frames: np.ndarray, lengths: Sequence[int],
        results: list[list[Read]],
    ) -> None:  # fmt: skip
        """One step of all samples after another, with turns of Python in between."""
        self._over_lanes(program.once, lanes, frames, 0)
        for t in range(lengths[-1]):
            check_time()
            lanes.tick()
            self._over_lanes(program.first, lanes, frames, t)
            if t + 1 in lengths:
                for k, own in enumerate(results):
                    counted = t + 1 not in self._uncounted
                    own.append(self._read(lanes.memory[k], lanes.sums[k], counted))

    def _over_lanes(
        self, segments: Sequence[Segment], lanes: SampleLanes, frames: np.ndarray, t: int
    ) -> None:
        """Run segments for one step of all samples."""
        n = len(frames)
        for segment in segments:
            if segment.op is not None:
                lanes.run(segment.op)
                continue

            def work(thread: int, own: Segment = segment) -> None:
                for k in range(thread, n, self._n_threads):
                    self._run([own], lanes.memory[k], lanes.sums[k], frames[k], t, 1, thread)

            self._in_threads(work, n)

    def _read(self, memory: np.ndarray, sums: np.ndarray, counted: bool) -> Read:
        counts = {}
        for name, own in self._counted.items() if counted else ():
            place = self._counts[name][0]
            array = memory if own.spiking else sums
            counts[name] = array[place : place + own.signal.size].copy()
            # see `discrete_kernels.event_input`
            if name in self._events and np.isnan(counts[name]).any():
                raise MeasurementError(NO_SPIKES)
        last, total = {}, {}
        for name, output in self._outputs.items():
            place, address = self._sums[name]
            values = memory if address >= 0 else self._tables.constants
            address = address if address >= 0 else -1 - address
            last[name] = values[address : address + output.signal.size].copy()
            total[name] = sums[place : place + output.signal.size].copy()
        return Read(counts, last, total)
