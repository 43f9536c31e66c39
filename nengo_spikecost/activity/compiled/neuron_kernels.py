"""One step of neurons, compiled: the arithmetic of Nengo's neuron types, in the same order.

Each function updates ``n`` neurons: ``j`` float (n,) their input, ``out`` float (n,) their output,
then their state, each float (n,), and ``p`` float, the numbers that neuron_numbers.py lists for its
type. All are of one type of numbers, and every operation rounds as NumPy's does: sums and products
are not joined.

Reference: nengo 4.1.0, neurons.py; nengo-loihi 1.1.0, neurons.py; nengo-dl 3.6.0, neurons.py.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .discrete_kernels import discrete_li, discrete_lif, event_input
from .neuron_numbers import DISCRETE_LIF, EVENTS

_kernel = numba.njit(nogil=True, error_model="numpy")


@_kernel
def rectified_linear(j: Any, out: Any, p: Any) -> None:
    """``p``: amplitude."""
    zero = j.dtype.type(0)
    for k in range(len(j)):
        out[k] = p[0] * (zero if j[k] < zero else j[k])


@_kernel
def spiking_rectified_linear(j: Any, out: Any, voltage: Any, p: Any) -> None:
    """``p``: height of a spike, dt."""
    zero = j.dtype.type(0)
    for k in range(len(j)):
        v = voltage[k] + (zero if j[k] < zero else j[k]) * p[1]
        n = np.floor(v)
        out[k] = p[0] * n
        voltage[k] = v - n


@_kernel
def regular_spiking(j: Any, out: Any, voltage: Any, p: Any) -> None:
    """``p``: height of a spike, dt. ``j`` is the rate."""
    for k in range(len(j)):
        v = voltage[k] + p[1] * j[k]
        n = np.floor(v)
        out[k] = p[0] * n
        voltage[k] = v - n


@_kernel
def leaky_relu(j: Any, out: Any, p: Any) -> None:
    """``p``: amplitude, slope below 0."""
    for k in range(len(j)):
        out[k] = p[0] * (p[1] * j[k] if j[k] < 0 else j[k])


@_kernel
def spiking_leaky_relu(j: Any, out: Any, voltage: Any, p: Any) -> None:
    """``p``: height of a spike, dt, slope below 0."""
    for k in range(len(j)):
        v = voltage[k] + (p[2] * j[k] if j[k] < 0 else j[k]) * p[1]
        n = np.trunc(v)
        out[k] = p[0] * n
        voltage[k] = v - n


@numba.njit(inline="always", error_model="numpy")
def _lif_rate(j: Any, p: Any) -> Any:
    one = p.dtype.type(1)
    above = j - one
    return p[0] / (p[1] + p[2] * np.log1p(one / above)) if above > 0 else p.dtype.type(0)


@_kernel
def lif_rate(j: Any, out: Any, p: Any) -> None:
    """``p``: amplitude, tau_ref, tau_rc."""
    for k in range(len(j)):
        out[k] = _lif_rate(j[k], p)


@_kernel
def adaptive_lif_rate(j: Any, out: Any, adaptation: Any, p: Any) -> None:
    """``p``: amplitude, tau_ref, tau_rc, dt / tau_n, inc_n."""
    for k in range(len(j)):
        out[k] = _lif_rate(j[k] - adaptation[k], p)
        adaptation[k] += p[3] * (p[4] * out[k] - adaptation[k])


@numba.njit(inline="always", error_model="numpy")
def _lif(j: Any, out: Any, voltage: Any, waits: Any, k: Any, p: Any) -> None:
    zero, one = p.dtype.type(0), p.dtype.type(1)
    dt, tau_rc = p[1], p[2]
    left = waits[k] - dt
    awake = min(max(dt - left, zero), dt)
    # most neurons are awake for the whole step; their factor is p[5]
    factor = p[5] if awake == dt else np.expm1(-awake / tau_rc)
    v = voltage[k] - (j - voltage[k]) * factor
    if v > one:
        out[k] = p[0]
        waits[k] = p[3] + (dt + tau_rc * np.log1p(-(v - one) / (j - one)))
        voltage[k] = zero
    else:
        out[k] = zero
        waits[k] = left
        voltage[k] = max(v, p[4])


@_kernel
def lif(j: Any, out: Any, voltage: Any, waits: Any, p: Any) -> None:
    """``p``: height of a spike, dt, tau_rc, tau_ref, min_voltage, expm1(-dt / tau_rc)."""
    for k in range(len(j)):
        _lif(j[k], out, voltage, waits, k, p)


@_kernel
def adaptive_lif(j: Any, out: Any, voltage: Any, waits: Any, adaptation: Any, p: Any) -> None:
    """``p``: as for `lif`, and dt / tau_n, inc_n."""
    for k in range(len(j)):
        _lif(j[k] - adaptation[k], out, voltage, waits, k, p)
        adaptation[k] += p[6] * (p[7] * out[k] - adaptation[k])


@_kernel
def loihi_lif(j: Any, out: Any, voltage: Any, waits: Any, p: Any) -> None:
    """``p``: as for `lif`; times are whole numbers of steps already."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    dt, tau_rc = p[1], p[2]
    for k in range(len(j)):
        left = waits[k] - dt
        awake = min(max(dt - left, zero), dt)
        factor = p[5] if awake == dt else np.expm1(-awake / tau_rc)
        v = voltage[k] - (j[k] - voltage[k]) * factor
        fires = v > one
        out[k] = p[0] if fires else zero
        voltage[k] = zero if fires else max(v, p[4])
        waits[k] = p[3] + dt if fires else left


@_kernel
def loihi_spiking_rectified_linear(j: Any, out: Any, voltage: Any, p: Any) -> None:
    """``p``: height of a spike, dt."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for k in range(len(j)):
        v = voltage[k] + j[k] * p[1]
        fires = v > one
        out[k] = p[0] if fires else zero
        voltage[k] = zero if fires or v < zero else v


@_kernel
def step_neurons(kind: int, j: Any, out: Any, a: Any, b: Any, c: Any, p: Any) -> None:
    """The kernel of that number; ``a``, ``b``, ``c`` are its state as far as it has some."""
    if kind == 0:
        rectified_linear(j, out, p)
    elif kind == 1:
        spiking_rectified_linear(j, out, a, p)
    elif kind == 2:
        regular_spiking(j, out, a, p)
    elif kind == 3:
        leaky_relu(j, out, p)
    elif kind == 4:
        spiking_leaky_relu(j, out, a, p)
    elif kind == 5:
        lif_rate(j, out, p)
    elif kind == 6:
        adaptive_lif_rate(j, out, a, p)
    elif kind == 7:
        lif(j, out, a, b, p)
    elif kind == 8:
        adaptive_lif(j, out, a, b, c, p)
    elif kind == 9:
        loihi_lif(j, out, a, b, p)
    elif kind == 10:
        loihi_spiking_rectified_linear(j, out, a, p)
    elif kind == EVENTS:
        event_input(j, out, p)
    elif kind == 12:
        discrete_li(j, out, a, b, p)
    elif kind >= DISCRETE_LIF:
        discrete_lif(kind - DISCRETE_LIF, j, out, a, b, p)
