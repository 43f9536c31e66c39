"""What is run once a sample, at its first step, at others, and after the last one.

1. Operators that only add a product with what is always 0 are left out.
2. Operators that depend only on inputs that do not change within a sample are run once a sample.
3. Operators that Python runs keep Nengo's order: functions of Nodes may share what they remember.
4. A filter at the end of a step is put off to the start of the next one, where it shares a pass
   through memory with the neurons that it filters for; the first step has none, and after the last
   one it is made up for. Whatever the program, a sample ends in the same state.

Reference: nengo 4.1.0, simulator.py, builder/operator.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from nengo.builder import operator as operators
from nengo.builder.processes import SimProcess
from nengo.builder.transforms import GeneralConvInc
from nengo.utils.graphs import toposort
from nengo.utils.simulator import operator_dependency_graph

from .. import batched_steps
from ..batched_steps import written
from . import instructions as code
from .assembling import Assembler, Row
from .layer_marks import set_repeats
from .ordering import Item, Segment, ordered

#: Operators that add a product to a signal, and nothing if a factor is 0.
ADDING = (operators.ElementwiseInc, operators.DotInc, GeneralConvInc)


@dataclass(frozen=True)
class Program:
    """Segments that are run once a sample, at its first step, at others, and after the last."""

    once: list[Segment]
    first: list[Segment]
    other: list[Segment]
    after: list[Segment]

    def segments(self) -> list[Segment]:
        """All of them."""
        return [*self.once, *self.first, *self.other, *self.after]


class Programs:
    """The programs of a network: for inputs that change within a sample, and for others.

    Parameters
    ----------
    assembler : Assembler
    steps : sequence of Operator
        Of `steps_of`.
    fed : sequence of Signal
        What is given from outside, in the order of its places in a frame.

    Attributes
    ----------
    by_python : list of Operator
        Those that Python has to run.
    """

    def __init__(self, assembler: Assembler, steps: Sequence[Any], fed: Sequence[Any]):
        self._asm, self._steps, self._fed = assembler, steps, fed
        self._rows = {id(op): assembler.assembled(op) for op in steps}
        self.by_python = self._in_turn([op for op in steps if self._rows[id(op)] is None])
        self._feeds: list[Item] = []
        at = 0
        for signal in fed:
            row = (code.FRAME, signal.size, assembler.place(signal), at)
            self._feeds.append(Item([row]))
            at += signal.size
        self._added: list[tuple[Any, Row]] = []
        self._at_the_end: set[Any] = set()
        self._known: dict[bool, Program] = {}

    def _in_turn(self, functions: list[Any]) -> list[Any]:
        """Operators in the order in which Nengo runs them, without its optimizer."""
        if len(functions) < 2:
            return functions
        order = toposort(operator_dependency_graph(self._asm.model.operators))
        turn = {id(op): k for k, op in enumerate(order)}
        return sorted(functions, key=lambda op: turn[id(op)])

    def add(self, signal: Any, row: Row, at_the_end: bool = False) -> None:
        """An instruction that is run once a signal has its value of a step.

        Parameters
        ----------
        signal : Signal
        row : Row
        at_the_end : bool
            Whether it has to find the signal as it is at the end of a step.
        """
        self._added.append((signal, row))
        if at_the_end:
            self._at_the_end.add(signal.base)

    def program(self, changing: bool, constants: np.ndarray) -> Program:
        """The program for inputs that change from step to step, or do not.

        Parameters
        ----------
        changing : bool
        constants : ndarray
            As `run_kernels.run` takes them.

        Returns
        -------
        Program
        """
        if changing not in self._known:
            self._known[changing] = self._made(changing)
            self.renew(constants)
        return self._known[changing]

    def renew(self, constants: np.ndarray) -> None:
        """Look again at constants that may have changed."""
        for program in self._known.values():
            for segment in program.segments():
                set_repeats(segment.code, constants)

    def _made(self, changing: bool) -> Program:
        steps, rows, fed, added = self._steps, self._rows, self._fed, self._added
        each = batched_steps.changing(steps, fed if changing else ())
        late = self._late([op for op in steps if id(op) in each])
        once = [op for op in steps if id(op) not in each]
        now = [op for op in steps if id(op) in each and id(op) not in late]
        put_off = [op for op in steps if id(op) in late]
        now_by_python = [op for op in self.by_python if id(op) in each]
        once_by_python = [op for op in self.by_python if id(op) not in each]
        fed_once, fed_each = ([], self._feeds) if changing else (self._feeds, [])
        return Program(
            ordered(_items(fed_once, fed, once, rows, once_by_python)),
            ordered(_items(fed_each, fed, now, rows, now_by_python, added)),
            ordered(_items(fed_each, fed, now, rows, now_by_python, added, put_off)),
            ordered([Item(rows[id(op)]) for op in put_off]),
        )

    def _late(self, steps: Sequence[Any]) -> set[int]:
        """``id`` of the filters of the end of a step that can be put off to the next one."""
        if self.by_python:  # which goes step by step
            return set()
        filters = [op for op in steps if isinstance(op, SimProcess) and op.mode == "update"]
        late = set()
        for op in filters:
            ((kind, *_), *_) = self._rows[id(op)] or ((-1,),)
            if kind in (code.DECAY, code.LOWPASS) and op.output.base not in self._at_the_end:
                late.add(id(op))
        return late


def steps_of(model: Any, fed: Sequence[Any]) -> list[Any]:
    """The operators that do something in a step.

    Parameters
    ----------
    model : nengo.builder.Model
    fed : sequence of Signal
        What is given from outside.

    Notes
    -----
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
    by_python: Sequence[Any], added: Sequence[tuple[Any, Row]] = (), late: Sequence[Any] = (),
) -> list[Item]:  # fmt: skip
    """What is run in a step, with what each has to wait for.

    Parameters
    ----------
    feeds : sequence of Item
        One for each signal of ``fed``.
    steps : sequence of Operator
    rows : mapping from int to list of Row
        Instructions by ``id`` of the operator.
    by_python : sequence of Operator
        Those of ``steps`` that Python runs, one after the other.
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
    for before, op in zip(by_python, by_python[1:]):
        items[places[id(op)]].after.append(places[id(before)])
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
        if row[0] == code.COUNT:
            _read_by_marks(items, row)
        items.append(Item([row], None, after))
    return items


def _read_by_marks(items: Sequence[Item], count: Row) -> None:
    """Have products of what is counted wait for the item that is added next, and read its marks."""
    for item in items:
        own = [
            (*row[:5], 1 + count[5])
            if row[0] == code.PRODUCT and (row[1], row[4]) == (count[1], count[3])
            else row
            for row in item.rows or ()
        ]
        if own != (item.rows or []):
            item.rows = own
            item.after.append(len(items))
