"""What is done with the spikes of the host at every step, compiled.

Arrays of all lanes are larger than a cache, so each is gone through once.

Imported when an `Emulator` is built, because numba takes half a second to import.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from ...activity.compiled.neuron_kernels import step_neurons

#: Neurons of which all arrays together fit in the first cache of a processor.
AT_ONCE = 1024


@numba.njit(cache=True, nogil=True)
def step_finite(kind: int, start: int, j: Any, out: Any, a: Any, b: Any, c: Any, p: Any) -> int:
    """Step neurons from ``start`` on, up to the first `AT_ONCE` with an input that is not finite.

    Gives where it stopped. ``j``, ``out`` and the state ``a``, ``b``, ``c`` are float (n,), the
    others as `step_neurons` takes them.
    """
    for first in range(start, len(j), AT_ONCE):
        some = slice(first, min(first + AT_ONCE, len(j)))
        if not _all_finite(j[some]):
            return first
        step_neurons(kind, j[some], out[some], a[some], b[some], c[some], p)
    return len(j)


@numba.njit(nogil=True)
def _all_finite(values: Any) -> bool:
    infinite = np.uint64(0x7FF0000000000000)
    bits = values.view(np.uint64)
    others = 0
    for k in range(len(bits)):
        others += (bits[k] & infinite) == infinite
    return others == 0


@numba.njit(cache=True, nogil=True)
def send(values: Any, flags: Any, step: int, first: int, limit: float) -> bool:
    """Set ``flags`` where values are not 0; gives whether one is above the limit.

    ``values`` float (lanes, neurons); ``flags`` uint8 (lanes, steps, neurons of all inputs), of
    which those of a step are set, from ``first`` on.
    """
    above, n = False, values.shape[1]
    for lane in range(values.shape[0]):
        own, sent = values[lane], flags[lane, step, first : first + n]
        for k in range(n):
            sent[k] = own[k] != 0
            above |= own[k] > limit
    return above


@numba.njit(cache=True, nogil=True)
def add_spikes(values: Any, height: float, counts: Any) -> None:
    """Add the spikes of one step of neurons on the host: ``values * height`` spikes each.

    ``values`` float (lanes, neurons), ``counts`` int32 of that shape.
    """
    for lane in range(values.shape[0]):
        own, total = values[lane], counts[lane]
        for k in range(len(own)):
            total[k] += np.int32(np.rint(abs(own[k]) * height))


@numba.njit(cache=True, nogil=True)
def add_graded(values: Any, height: float, counts: Any) -> None:
    """Add what one step of graded neurons on the host is worth in spikes; ``counts`` float64."""
    for lane in range(values.shape[0]):
        own, total = values[lane], counts[lane]
        for k in range(len(own)):
            total[k] += abs(own[k]) * height
