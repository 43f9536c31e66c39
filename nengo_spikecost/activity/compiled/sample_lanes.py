"""The memories of samples side by side, and what Nengo's own Python does on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

import numpy as np
from nengo.builder import operator as operators

from ...errors import MeasurementError
from .. import batched_steps
from ..lane_memory import Memory
from .assembling import Assembler, aligned

Step = Callable[[], None]


class SampleLanes:
    """A memory for each of several samples.

    It has what batched_steps.py asks of its host.

    Parameters
    ----------
    assembler : Assembler
    by_python : sequence of Operator
        Those that Python runs.
    batch_size : int
        Lanes.
    functions : OperatorFunctions
        Functions that remember something, with copies for every lane.
    seed : int
        Seed of processes that have none; the same for every lane.

    Attributes
    ----------
    memory : ndarray, shape (lanes, size)
    sums : ndarray of float64, shape (lanes, sums)
    """

    def __init__(
        self, assembler: Assembler, by_python: Sequence[Any], batch_size: int, functions: Any,
        seed: int,
    ):  # fmt: skip
        self.model, self.batch_size = assembler.model, batch_size
        self.functions, self._seed = functions, seed
        self._asm, self._by_python = assembler, by_python
        self._start = assembler.initial_memory()
        self._place = {id(op): k for k, op in enumerate(self.model.operators)}
        self.memory = aligned((batch_size, len(self._start)), assembler.dtype)
        self.sums = np.empty((batch_size, len(assembler.new_sums())))
        self._other = {
            base: np.empty((batch_size, *base.shape), dtype=base.initial_value.dtype)
            for base in assembler.other
        }
        self._views: dict[Any, Any] = {}
        self._kept: dict[int, Step] = {}
        self._python: dict[int, Step] = {}
        #: Steps that may remember something outside of signals, by place of the operator.
        self._opaque: dict[int, list[Step]] = {}
        self._clock: Step | None = None
        self.reset()

    def reset(self) -> None:
        """Take the state of a new simulation."""
        self.memory[:] = self._start
        for base, array in self._other.items():
            array[...] = base.initial_value
        self._opaque = {}
        self.functions.reset()
        if not self._by_python:
            return
        clocks = [op for op in self.model.operators if isinstance(op, operators.TimeUpdate)]
        self._clock = self._make_step(clocks[0]) if clocks else None
        self._python = {id(op): self._make_step(op) for op in self._by_python}

    def begin(self, counts: Sequence[tuple[int, int]]) -> None:
        """Begin a sample: nothing is summed, or counted in these places (first, size)."""
        self.sums[:] = self._asm.new_sums()
        for first, size in counts:
            self.memory[:, first : first + size] = 0

    def tick(self) -> None:
        """Begin a step."""
        if self._clock is not None:
            self._clock()

    def run(self, op: Any) -> None:
        """What Python does for an operator, in all lanes; invalid numbers raise, as in Nengo."""
        with np.errstate(invalid="raise", divide="ignore"):
            self._python[id(op)]()

    # -- what can be kept -----------------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """All that the next sample depends on, as arrays by name.

        Raises
        ------
        MeasurementError
            If a function or process keeps something that can't be pickled.
        """
        try:
            memory = self._memory().capture()
        except Exception as error:  # of whatever kind objects raise that can't be pickled
            raise MeasurementError(
                "checkpoint: the state can't be kept, because a process or the function of a Node "
                f"keeps something that can't be pickled ({error}). Leave checkpoint out, or use "
                "presentation='fresh'."
            ) from error
        kept = {name: array.copy() for name, array in self._arrays().items()}
        return {**kept, "remembered": np.frombuffer(memory, dtype=np.uint8)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state` of lanes like these.

        Raises
        ------
        MeasurementError
            If it is of another network.
        """
        self.reset()
        for name, array in self._arrays().items():
            kept = state.get(name)
            if kept is None or kept.shape != array.shape or kept.dtype != array.dtype:
                raise MeasurementError(
                    f"checkpoint: its state is of another network ({name} differs). Give another "
                    "folder."
                )
            array[...] = kept
        memory = self._memory()
        memory.restore(state["remembered"].tobytes())
        self.functions.replace(memory.roots[: len(self.functions.all())])

    def _arrays(self) -> dict[str, np.ndarray]:
        other = {f"other {k}": array for k, array in enumerate(self._other.values())}
        return {"memory": self.memory, **other}

    def _memory(self) -> Memory:
        """State that is in no array: of functions, of processes, of random numbers."""
        steps = [step for place in sorted(self._opaque) for step in self._opaque[place]]
        signals = [self.memory, *self._other.values(), *self._constants()]
        return Memory([*self.functions.all(), *steps], signals)

    def _constants(self) -> list[np.ndarray]:
        used = (signal.base for op in self._by_python for signal in op.all_signals)
        values = [b.initial_value for b in dict.fromkeys(used) if not self.is_batched(b)]
        return [array for array in values if isinstance(array, np.ndarray)]

    # -- what batched_steps.py asks for ---------------------------------------------------

    def array(self, signal: Any) -> Any:
        """A signal in all lanes, ``(lanes, ...)``; without lanes if it never changes."""
        if signal not in self._views:
            self._views[signal] = self._view(signal)
        return self._views[signal]

    def is_batched(self, signal: Any) -> bool:
        """Whether each lane has its own values of a signal."""
        return signal.base in self._other or self._asm.changes(signal)

    def keep(self, op: Any, steps: list[Step]) -> None:
        """Note the steps of an operator that may remember something outside of signals."""
        if not batched_steps.remembers_nothing(op):
            self._opaque[self._place[id(op)]] = steps

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
        rngs = batched_steps.Generators(self._seed, self.batch_size, self._place[id(op)])
        step = batched_steps.make_step(op, self, rngs)
        if batched_steps.remembers_nothing(op):
            self._kept[id(op)] = step
        return step
