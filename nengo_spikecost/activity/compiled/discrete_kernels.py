"""One step of NIR's neurons, compiled: the operations of nir/discrete_neurons.py, in their order.

Numbers ``p`` are eight for all neurons, or eight for each, one neuron after another: height of a
spike, threshold, decay, decay of the current, gain of the current, leak, value of the reset, lowest
membrane. What is no number is in the number of the kernel: see `discrete_lif`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from ...spiking.resets import RESETS
from .neuron_numbers import AT_THRESHOLD, N_NUMBERS, SEVERAL

_kernel = numba.njit(nogil=True, error_model="numpy")
_VALUE, _SKIP, _SUBTRACT, _LATER, _OWED, _NONE = range(len(RESETS))


@numba.njit(inline="always", error_model="numpy")
def _moved(j: Any, voltage: Any, current: Any, k: Any, p: Any, q: Any) -> Any:
    """The membrane after decay and input."""
    current[k] = p[q + 3] * current[k] + j[k]
    return (p[q + 2] * voltage[k] + p[q + 4] * current[k]) + p[q + 5]


@numba.njit(inline="always", error_model="numpy")
def _fires(v: Any, threshold: Any, how: Any) -> Any:
    return v >= threshold if how & AT_THRESHOLD else v > threshold


@_kernel
def discrete_li(j: Any, out: Any, voltage: Any, current: Any, p: Any) -> None:
    """Membranes that are read."""
    stride = N_NUMBERS if len(p) > N_NUMBERS else 0
    for k in range(len(j)):
        voltage[k] = _moved(j, voltage, current, k, p, k * stride)
        out[k] = voltage[k]


@_kernel
def discrete_lif(how: int, j: Any, out: Any, voltage: Any, current: Any, p: Any) -> None:
    """``how``: the reset in the lowest three bits, `AT_THRESHOLD` and `SEVERAL`."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    stride = N_NUMBERS if len(p) > N_NUMBERS else 0
    reset = how & 7
    for k in range(len(j)):
        q = k * stride
        threshold, value = p[q + 1], p[q + 6]
        # 1. what the step before left to be done
        fired = one if _fires(voltage[k], threshold, how) else zero
        v = _moved(j, voltage, current, k, p, q)
        if reset in (_LATER, _OWED):
            v = v - fired * threshold
        elif reset == _SKIP:
            v = value if fired > zero else v
        # 2. spikes
        spikes = one if _fires(v, threshold, how) else zero
        if how & SEVERAL:
            spikes = spikes * max(np.floor(v / threshold), one)
        out[k] = spikes * p[q]
        # 3. the reset of this step
        if reset == _SUBTRACT:
            v = v - spikes * threshold
        elif reset == _OWED:
            v = v - (spikes - fired) * threshold
        elif reset == _VALUE:
            v = value if spikes > zero else v
        voltage[k] = max(v, p[q + 7])


@_kernel
def event_input(j: Any, out: Any, p: Any) -> None:
    """Numbers of spikes, handed on; what is none becomes NaN, and is refused when it is counted."""
    for k in range(len(j)):
        whole = j[k] >= 0 and np.rint(j[k]) == j[k]
        out[k] = j[k] * p[0] if whole else p.dtype.type(np.nan)
