"""What the rows of a layer that is run at once say of it (layer_kernels.py)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .vector_sizes import WIDTH

#: Kernels of neuron_kernels.py that are here too, by their number.
SPIKING_RECTIFIED, LOIHI_RECTIFIED = 1, 10
KINDS = (SPIKING_RECTIFIED, LOIHI_RECTIFIED)

#: What of a layer is run at once: neurons and counters; with their current; with a filter of what
#: stays as it is; with one of sums that are emptied.
BARE, FED, DECAYED, FILTERED = 1, 2, 3, 4
#: Added to the last three: nothing else reads the currents, and they are not written.
QUIET = 8
ALL_MARKS = (BARE, *(mark + quiet for mark in (FED, DECAYED, FILTERED) for quiet in (0, QUIET)))
#: By the number of rows that are run at once.
MARKS: Mapping[int, int] = {2: BARE, 4: FED, 5: DECAYED, 6: FILTERED}
#: The place of a row that holds one of these, if it is the first of several that are run at once,
#: and two that hold after how many neurons biases and gains repeat themselves.
MARK, BIAS_REPEATS, GAIN_REPEATS = 14, 12, 13
#: Repeats that are looked for are shorter than this.
LONGEST = 4096


def repeats_after(values: np.ndarray) -> int:
    """After how many numbers an array repeats itself, to its end: a multiple of `WIDTH`.

    Whole vectors of it are read; if it repeats itself nowhere, or only after `LONGEST` numbers,
    that is one more than there are.
    """
    whole = len(values) // WIDTH * WIDTH
    values = values[:whole].view(f"i{values.itemsize}")  # 0 and -0 are two numbers
    for n in WIDTH + WIDTH * np.flatnonzero(values[WIDTH:LONGEST:WIDTH] == values[:1]):
        if np.array_equal(values[n:], values[:-n]):
            return int(n)
    return whole + WIDTH


def set_repeats(table: np.ndarray, constants: np.ndarray) -> None:
    """Write into the rows where layers begin what of their biases and gains is read.

    Parameters
    ----------
    table : ndarray of int64, shape (rows, numbers of an instruction)
    constants : ndarray
        As `run_kernels.run` takes them.
    """
    for k in np.flatnonzero(table[:, MARK] > BARE):
        n, product = table[k, 1], table[k + table[k, MARK] % QUIET - 1]
        for place, address in ((BIAS_REPEATS, table[k, 3]), (GAIN_REPEATS, product[3])):
            table[k, place] = repeats_after(constants[-1 - address : -1 - address + n])
