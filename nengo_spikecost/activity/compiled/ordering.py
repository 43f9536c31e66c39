"""The order of instructions: groups that pass memory once, and as few turns of Python as possible.

Any order in which every operator follows those it depends on gives the same result. Of these:

1. Of all instructions that could come next, one that can join the group before it comes first;
   else the one whose operator was built first, so that the order is the same in every process.
2. An operator that Python has to run comes only when no instruction can come before it.

An instruction can join a group if it is element by element, on as many elements, and reads and
writes what others of the group write only at the same elements: chunk after chunk, each then
finds what it would find if they were run one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import instructions as code
from .assembling import Row
from .chain_rows import joined
from .layer_kernels import mark


@dataclass
class Item:
    """Something that is run in a step: instructions, or an operator that Python runs.

    Attributes
    ----------
    rows : list of Row, or None
        None if Python runs it.
    op : Operator, optional
    after : list of int
        Places of the items that come before.
    """

    rows: list[Row] | None
    op: Any = None
    after: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Segment:
    """Instructions that are run at once, or an operator that Python runs.

    Attributes
    ----------
    code, groups : ndarray of int64
        As `instructions.run` takes them.
    op : Operator, optional
    """

    code: np.ndarray
    groups: np.ndarray
    op: Any = None


#: Places of operands: arrays that are written, arrays and single numbers that are read.
_OPERANDS: Mapping[int, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    code.FILL: ((2,), (), (3,)),
    code.COPY: ((2,), (3,), ()),
    code.ADD: ((2,), (3,), ()),
    code.MULTIPLY_ADD: ((2,), (3, 4), ()),
    code.SCALE_ADD: ((2,), (4,), (3,)),
    code.SCALE: ((2,), (4,), (3,)),
    code.ADD_ONE: ((2,), (), (3,)),
    code.LOWPASS: ((2, 3), (4,), ()),
    code.LOWPASS_ADD: ((2, 3), (4,), ()),
    code.DECAY: ((2,), (3,), ()),
    code.NEURONS: ((4, 5, 6, 7), (3,), ()),
    code.COUNT: ((2,), (3,), ()),
    code.GRADED: ((), (3,), ()),
    code.SUM: ((), (3,), ()),
    code.SAMPLE: ((5,), (3,), ()),
}


class _Group:
    """Instructions that are run chunk by chunk."""

    def __init__(self) -> None:
        self.n = 0
        self._touched: list[tuple[int, int, bool]] = []

    def joins(self, row: Row) -> bool:
        """Take an instruction into the group if it can join."""
        if row[0] not in _OPERANDS:
            self.n = 0
            return False
        own = self._ranges(row)
        if self.n == row[1] and all(self._agrees(*one) for one in own):
            self._touched += own
            return True
        self.n, self._touched = row[1], own
        return False

    def could_join(self, row: Row) -> bool:
        """Whether an instruction can join."""
        if row[0] not in _OPERANDS or self.n != row[1]:
            return False
        return all(self._agrees(*one) for one in self._ranges(row))

    def _ranges(self, row: Row) -> list[tuple[int, int, bool]]:
        written, read, single = _OPERANDS[row[0]]
        ranges = [(row[k], row[1], True) for k in written]
        ranges += [(row[k], row[1], False) for k in read if row[k] >= 0]
        return ranges + [(row[k], 1, False) for k in single if row[k] >= 0]

    def _agrees(self, start: int, n: int, written: bool) -> bool:
        for other, size, was_written in self._touched:
            apart = start + n <= other or other + size <= start
            same = start == other and n == size == self.n
            if (written or was_written) and not apart and not same:
                return False
        return True


def ordered(items: Sequence[Item]) -> list[Segment]:
    """Segments that run all items in a fitting order."""
    waiting = [len(set(item.after)) for item in items]
    following: list[list[int]] = [[] for _ in items]
    for k, item in enumerate(items):
        for before in set(item.after):
            following[before].append(k)
    ready = sorted(k for k, n in enumerate(waiting) if n == 0)
    segments: list[Segment] = []
    rows: list[Row] = []
    starts: list[int] = []
    sizes: list[int] = []
    group = _Group()
    everything = [row for item in items for row in item.rows or ()]
    only_here = all(item.rows is not None for item in items)

    def close() -> None:
        if rows:
            segments.append(_segment(rows, starts, sizes, everything, only_here))
        for kept in (rows, starts, sizes):
            kept.clear()
        group.n = 0

    n_left = len(items)
    while ready:
        compiled = [k for k in ready if items[k].rows is not None]
        joining = [k for k in compiled if any(map(group.could_join, items[k].rows or ()))]
        k = (joining or compiled or ready)[0]
        ready.remove(k)
        own = items[k].rows
        if own is None:
            close()
            segments.append(Segment(_no_rows(code.SIZE), _no_rows(3), items[k].op))
        for row in own or ():
            if not group.joins(row):
                starts.append(len(rows))
                sizes.append(row[1] if row[0] in _OPERANDS else 0)
            rows.append(row)
        n_left -= 1
        for other in following[k]:
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)
        ready.sort()
    close()
    if n_left:
        raise ValueError("operators depend on one another in a circle")
    return segments


def _no_rows(width: int) -> np.ndarray:
    return np.zeros((0, width), dtype=np.int64)


def _segment(
    rows: Sequence[Row], starts: Sequence[int], sizes: Sequence[int], everything: Sequence[Row],
    only_here: bool,
) -> Segment:  # fmt: skip
    groups, written = [], list[Row]()
    for first, stop, n in zip(starts, [*starts[1:], len(rows)], sizes):
        own = list(rows[first:stop])
        if n:
            own = joined(own, everything, only_here)
        groups.append((len(written), len(written) + len(own), n))
        written += own
    table = np.zeros((len(written), code.SIZE), dtype=np.int64)
    for k, row in enumerate(written):
        table[k, : len(row)] = row
    table_of_groups = np.array(groups, dtype=np.int64)
    mark(table, table_of_groups, code.Code)
    return Segment(table, table_of_groups)
