"""Layers of neurons found among the instructions of a group, to be run in one pass each.

See layer_kernels.py, which runs them. Instructions of several layers of one size may be mixed in a
group: those of each are put together, where nothing between them looks at the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from . import instructions as code
from .assembling import Row
from .layer_marks import BARE, KINDS, MARKS, QUIET
from .vector_sizes import WIDTH

#: Instructions of a layer that name its current: COPY, MULTIPLY_ADD and NEURONS.
_NAMED = 3

IsRead = Callable[[int, int, int], bool]


def with_layers(rows: Sequence[Row], is_read: IsRead) -> tuple[list[Row], list[int]]:
    """The instructions of a group with those of each layer side by side.

    Parameters
    ----------
    rows : sequence of Row
        All on the same elements.
    is_read : callable
        Whether anything looks at ``n`` places of memory from ``first`` on, beside the instructions
        of one layer, which name them ``own`` times.

    Returns
    -------
    rows : list of Row
    marks : list of int
        Of each row: what begins there, or 0.
    """
    units: list[list[Row]] = [[row] for row in rows]
    for neurons in rows if rows[0][1] >= WIDTH else ():
        for parts in _candidates(neurons, rows):
            together = _together(units, parts)
            if together is not None:
                units = together
                break
    written = [row for unit in units for row in unit]
    marks = [mark for unit in units for mark in (_mark(unit, is_read), *[0] * (len(unit) - 1))]
    return written, marks


def _candidates(neurons: Row, rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Instructions that may be a layer with these neurons, in the order of the kernel."""
    if neurons[0] != code.NEURONS or neurons[2] not in KINDS or neurons[3] < 0:
        return
    current, out = neurons[3], neurons[4]
    end = [neurons, *_only(row for row in rows if row[0] == code.COUNT and row[3] == out)]
    if len(end) < 2:
        return
    copy = _only(row for row in rows if row[0] == code.COPY and row[2] == current)
    product = _only(row for row in rows if row[0] == code.MULTIPLY_ADD and row[2] == current)
    if copy and product and max(copy[0][3], product[0][3]) < 0 <= product[0][4]:
        state = product[0][4]
        decay = _only(row for row in rows if row[0] == code.DECAY and row[2] == state)
        if decay and decay[0][4] < 0 <= decay[0][3]:
            sums = decay[0][3]
            fill = _only(row for row in rows if row[0] == code.FILL and row[2] == sums)
            if fill and fill[0][3] < 0:
                yield [*copy, *decay, *fill, *product, *end]
            yield [*copy, *decay, *product, *end]
        yield [*copy, *product, *end]
    yield end


def _only(rows: Iterable[Row]) -> list[Row]:
    """The row, if there is one and no other."""
    several = list(rows)
    return several if len(several) == 1 else []


def _together(units: list[list[Row]], parts: list[Row]) -> list[list[Row]] | None:
    """The units with these rows as one, in this order, at the place of the last of them.

    None if that would be another program, or if two of their arrays are one: the kernel keeps what
    it read in registers.
    """
    rows = [unit[0] if len(unit) == 1 else None for unit in units]
    if any(part not in rows for part in parts):
        return None
    at = [rows.index(part) for part in parts]
    arrays = [parts[-2][k] for k in (3, 4, 5)] + [parts[-1][2]]
    arrays += [part[2] for part in parts[:-2] if part[0] in (code.DECAY, code.FILL)]
    if min(arrays) < 0 or len(set(arrays)) < len(arrays):
        return None
    for k, (part, place) in enumerate(zip(parts, at)):
        # a row that another passes on its way must not look at what that one looks at
        later = [row for other, row in zip(at[:k], parts) if other > place]
        for unit in units[place + 1 : max(at)]:
            later += unit if len(unit) > 1 or unit[0] not in parts else []
        if any(_depend(part, row) for row in later):
            return None
    kept = [unit for k, unit in enumerate(units[: max(at)]) if k not in at]
    return [*kept, list(parts), *units[max(at) + 1 :]]


def _depend(first: Row, second: Row) -> bool:
    """Whether one of two instructions writes what the other reads or writes."""
    (written, read), (also_written, also_read) = _arrays(first), _arrays(second)
    return bool(written & (also_written | also_read) or also_written & read)


def _arrays(row: Row) -> tuple[set[int], set[int]]:
    """Where the arrays begin that an instruction writes, and those that it reads."""
    written, read, single = code.OPERANDS[row[0]]
    return {row[k] for k in written}, {row[k] for k in (*read, *single) if row[k] >= 0}


def _mark(unit: list[Row], is_read: IsRead) -> int:
    """What begins at the first row of a unit."""
    mark = MARKS.get(len(unit), 0)
    if mark <= BARE:
        return mark
    return mark if is_read(unit[-2][3], unit[-2][1], _NAMED) else mark + QUIET
