"""Neuron types that have a kernel, and the numbers that it is given (neuron_kernels.py).

A type of neurons is known by the class that defines its ``step``: a subclass that only names or
starts its neurons otherwise is stepped alike, one with a step of its own is not known here.

Reference: nengo 4.1.0, neurons.py; nengo-loihi 1.1.0, neurons.py; nengo-dl 3.6.0, neurons.py.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np


def _height(neurons: Any, dt: float) -> float:
    return neurons.amplitude / dt


def _rate_numbers(neurons: Any, dt: float) -> tuple[float, ...]:
    return neurons.amplitude, neurons.tau_ref, neurons.tau_rc


def _lif_numbers(neurons: Any, dt: float) -> tuple[float, ...]:
    return (
        _height(neurons, dt), dt, neurons.tau_rc, neurons.tau_ref, neurons.min_voltage,
        np.expm1(-dt / neurons.tau_rc),
    )  # fmt: skip


def _loihi_lif_numbers(neurons: Any, dt: float) -> tuple[float, ...]:
    from nengo_loihi.neurons import discretize_tau_rc, discretize_tau_ref

    tau_rc = float(discretize_tau_rc(neurons.tau_rc, dt))
    tau_ref = float(discretize_tau_ref(neurons.tau_ref, dt))
    return (
        _height(neurons, dt), dt, tau_rc, tau_ref, neurons.min_voltage, np.expm1(-dt / tau_rc),
    )  # fmt: skip


#: By module and name of the class that defines ``step``: number of the kernel (`step_neurons`), its
#: state in order, and a function of the neuron type and dt that gives its numbers.
PARAMETERS: dict[tuple[str, str], tuple[int, tuple[str, ...], Callable[..., Any]]] = {
    ("nengo", "RectifiedLinear"): (0, (), lambda n, dt: (n.amplitude,)),
    ("nengo", "SpikingRectifiedLinear"): (1, ("voltage",), lambda n, dt: (_height(n, dt), dt)),
    ("nengo", "RegularSpiking"): (2, ("voltage",), lambda n, dt: (_height(n, dt), dt)),
    ("nengo_dl", "LeakyReLU"): (3, (), lambda n, dt: (n.amplitude, n.negative_slope)),
    ("nengo_dl", "SpikingLeakyReLU"): (
        4, ("voltage",), lambda n, dt: (_height(n, dt), dt, n.negative_slope),
    ),
    ("nengo", "LIFRate"): (5, (), _rate_numbers),
    ("nengo", "AdaptiveLIFRate"): (
        6, ("adaptation",), lambda n, dt: (*_rate_numbers(n, dt), dt / n.tau_n, n.inc_n),
    ),
    ("nengo", "LIF"): (7, ("voltage", "refractory_time"), _lif_numbers),
    ("nengo", "AdaptiveLIF"): (
        8, ("voltage", "refractory_time", "adaptation"),
        lambda n, dt: (*_lif_numbers(n, dt), dt / n.tau_n, n.inc_n),
    ),
    ("nengo_loihi", "LoihiLIF"): (9, ("voltage", "refractory_time"), _loihi_lif_numbers),
    ("nengo_loihi", "LoihiSpikingRectifiedLinear"): (
        10, ("voltage",), lambda n, dt: (_height(n, dt), dt),
    ),
}  # fmt: skip


def kernel_of(neurons: Any) -> tuple[int, tuple[str, ...], Callable[..., Any]] | None:
    """The entry of `PARAMETERS` for a neuron type, or None."""
    owner = next(kind for kind in type(neurons).__mro__ if "step" in vars(kind))
    return PARAMETERS.get((owner.__module__.split(".")[0], owner.__name__))
