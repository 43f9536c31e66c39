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

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import instructions as code
from .assembling import Row
from .fused_layers import with_layers
from .layer_marks import MARK


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
        As `run_kernels.run` takes them.
    op : Operator, optional
    """

    code: np.ndarray
    groups: np.ndarray
    op: Any = None


class _Group:
    """Instructions that are run chunk by chunk."""

    def __init__(self) -> None:
        self.n = 0
        self._touched: list[tuple[int, int, bool]] = []

    def joins(self, row: Row) -> bool:
        """Take an instruction into the group if it can join."""
        if row[0] not in code.OPERANDS:
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
        if row[0] not in code.OPERANDS or self.n != row[1]:
            return False
        return all(self._agrees(*one) for one in self._ranges(row))

    def _ranges(self, row: Row) -> list[tuple[int, int, bool]]:
        written, read, single = code.OPERANDS[row[0]]
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
                sizes.append(row[1] if row[0] in code.OPERANDS else 0)
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
    named = np.sort([operand for row in everything for operand in row[2:]])

    def is_read(first: int, n: int, own: int) -> bool:
        # operands that are no places are counted too, which only makes it careful
        return not only_here or np.diff(np.searchsorted(named, (first, first + n)))[0] > own

    groups, written, marks = [], list[Row](), list[int]()
    for first, stop, n in zip(starts, [*starts[1:], len(rows)], sizes):
        groups.append((first, stop, n))
        own = list(rows[first:stop])
        own, own_marks = with_layers(own, is_read) if n else (own, [0] * len(own))
        written += own
        marks += own_marks
    table = np.zeros((len(written), code.SIZE), dtype=np.int64)
    for k, row in enumerate(written):
        table[k, : len(row)] = row
    if marks:
        table[:, MARK] = marks
    return Segment(table, np.array(groups, dtype=np.int64))
