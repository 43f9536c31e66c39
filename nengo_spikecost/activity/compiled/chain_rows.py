"""Instructions of a group that are run as one: the chain of a filtered layer of spiking ReLUs."""

from __future__ import annotations

from collections.abc import Sequence

from . import instructions as code
from .assembling import Row

#: Number of the kernel of `nengo.SpikingRectifiedLinear`.
_SPIKING_RELU = 1


def joined(rows: Sequence[Row], others: Sequence[Row], only_here: bool) -> list[Row]:
    """The instructions of a group, with a CHAIN in place of those that make one.

    Parameters
    ----------
    rows : sequence of Row
        A group: all on the same elements.
    others : sequence of Row
        All instructions that are run in a step, these among them.
    only_here : bool
        Whether nothing but these instructions looks at memory in a step: currents that no other
        of them reads are then not written.

    Returns
    -------
    list of Row
    """
    left = list(rows)
    for neurons in rows:
        if neurons[0] == code.NEURONS and neurons[2] == _SPIKING_RELU:
            left = _joined(left, neurons, others, only_here)
    return left


def _joined(rows: list[Row], neurons: Row, others: Sequence[Row], only_here: bool) -> list[Row]:
    n, j, out, voltage, numbers = neurons[1], neurons[3], neurons[4], neurons[5], neurons[8]
    try:
        (bias,) = (row for row in rows if row[0] == code.COPY and row[2] == j)
        (current,) = (row for row in rows if row[0] == code.MULTIPLY_ADD and row[2] == j)
        _, _, _, gain, state = current[:5]
        (decay,) = (row for row in rows if row[0] == code.DECAY and row[2] == state)
        x = decay[3]
        (fill,) = (row for row in rows if row[0] == code.FILL and row[2] == x)
        (count,) = (row for row in rows if row[0] == code.COUNT and row[3] == out)
    except ValueError:  # one of them is missing, or there are several
        return rows
    if bias[3] >= 0 or gain >= 0 or fill[3] >= 0 or x < 0 or out < 0:
        return rows
    parts = (decay, fill, bias, current, neurons, count)
    at = [rows.index(row) for row in parts]
    if not (at[0] < at[1] and at[0] < at[3] and at[2] < at[3] < at[4] < at[5]):
        return rows
    # what is run between the first and the last of them now comes before all of them
    arrays = {x, state, j, voltage, out, count[2]}
    between = [row for k, row in enumerate(rows) if min(at) < k < max(at) and k not in at]
    if any(arrays & set(row[2:]) for row in between):
        return rows
    kept = not only_here or any(
        j <= operand < j + n for row in others if row not in parts for operand in row[2:]
    )
    chain = (
        code.CHAIN, n, x, state, j if kept else -1, voltage, out, count[2], bias[3], gain, decay[4],
        fill[3], numbers, count[4],
    )  # fmt: skip
    last = max(at)
    return [
        chain if k == last else row
        for k, row in enumerate(rows)
        if k == last or k not in at
    ]  # fmt: skip
