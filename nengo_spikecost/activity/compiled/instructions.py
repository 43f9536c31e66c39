"""The instructions of a compiled network; run_kernels.py is the code that runs them.

An instruction is a row of whole numbers: its `Code`, addresses, sizes. Its operands lie in one of
two arrays of one type of numbers:

* the **memory** of a lane holds every signal that changes; address ``a >= 0`` is ``memory[a]``;
* **constants** hold all others, and all numbers that instructions need; address ``a < 0`` is
  ``constants[-1 - a]``. All lanes share them.

How a step of a lane runs, and why so:

1. Instructions that treat every element by itself, on equally many elements, and follow one
   another, are a **group**. A group is run for `CHUNK` elements from its first to its last
   instruction, then for the next: what one writes is still in the first cache when the next
   reads it. So currents, filters, neurons and counters of a layer pass memory once; the usual ones
   are even run at once (layer_kernels.py).
2. A product (product_kernels.py) is an instruction by itself.
3. A lane runs all its steps before the next lane begins, as long as nothing has to be done by
   Python in between; its state then stays in the second cache.

Sums over steps (of outputs, of what graded neurons give) are kept in float64, in ``sums``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

#: Elements that a group handles at a time: eight arrays of them fill a first cache of 32 KB.
CHUNK = 1024
#: Numbers of an instruction.
SIZE = 15


class Code(enum.IntEnum):
    """What an instruction does; ``n`` is the number of elements, in place 1.

    ``y``, ``x``, ``a`` are addresses of arrays of ``n`` elements, ``s`` of a single number.
    """

    FILL = 0  # n, y, s:  y = s
    COPY = 1  # n, y, x:  y = x
    ADD = 2  # n, y, x:  y += x
    MULTIPLY_ADD = 3  # n, y, a, x:  y += a * x
    SCALE_ADD = 4  # n, y, s, x:  y += s * x
    SCALE = 5  # n, y, s, x:  y = s * x
    ADD_ONE = 6  # n, y, s:  y += s
    LOWPASS = 7  # n, y, state, x, s:  state = s[0] * state + s[1] * x;  y = state
    LOWPASS_ADD = 8  # the same, y += state
    NEURONS = 9  # n, kind, j, out, a, b, c, p, numbers of p for each neuron, or 0
    COUNT = 10  # n, counts, out, s, place of marks:  counts += round(abs(out) * s), and marks
    # of who is not 0, a bit for each
    GRADED = 11  # n, place in sums, out, s:  sums += abs(out) * s
    SUM = 12  # n, place in sums, out:  sums += out
    DECAY = 13  # n, y, x, s:  y = s[0] * y + s[1] * x, a filter whose output is its state
    SAMPLE = 14  # n, place in sums, out, place of steps between two values, y: in some steps,
    # sums += out and y = out
    # not element by element
    PRODUCT = 20  # sources, y, product, x, 1 + place of the marks of x, or 0
    FILTER = 21  # n, y, state, x, order, matrices, whether y is added to, whether D is not 0
    GATHER = 22  # n, y, x, place of the indices of y, of x:  y[i] = x[j]
    GATHER_ADD = 23  # the same, y[i] += x[j]
    ROWS = 24  # n, y, matrix, x, number of columns:  y += matrix x, for a matrix that changes
    FRAME = 25  # n, y, place in a frame of the inputs


ELEMENTWISE = frozenset(code for code in Code if code < 20)

(FILL, COPY, ADD, MULTIPLY_ADD, SCALE_ADD, SCALE, ADD_ONE, LOWPASS, LOWPASS_ADD, NEURONS, COUNT,
 GRADED, SUM, DECAY, SAMPLE) = (int(code) for code in sorted(Code) if code < 20)  # fmt: skip
(PRODUCT, FILTER, GATHER, GATHER_ADD, ROWS, FRAME) = (int(code) for code in Code if code >= 20)

#: Places of operands: arrays that are written, arrays and single numbers that are read.
OPERANDS: Mapping[int, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    Code.FILL: ((2,), (), (3,)),
    Code.COPY: ((2,), (3,), ()),
    Code.ADD: ((2,), (3,), ()),
    Code.MULTIPLY_ADD: ((2,), (3, 4), ()),
    Code.SCALE_ADD: ((2,), (4,), (3,)),
    Code.SCALE: ((2,), (4,), (3,)),
    Code.ADD_ONE: ((2,), (), (3,)),
    Code.LOWPASS: ((2, 3), (4,), ()),
    Code.LOWPASS_ADD: ((2, 3), (4,), ()),
    Code.DECAY: ((2,), (3,), ()),
    Code.NEURONS: ((4, 5, 6, 7), (3,), ()),
    Code.COUNT: ((2,), (3,), ()),
    Code.GRADED: ((), (3,), ()),
    Code.SUM: ((), (3,), ()),
    Code.SAMPLE: ((5,), (3,), ()),
}
