"""Neuron types that have a kernel, and the numbers that it is given (neuron_kernels.py).

A type of neurons is known by the class that defines its ``step``: a subclass that only names or
starts its neurons otherwise is stepped alike, one with a step of its own is not known here.

Reference: nengo 4.1.0, neurons.py; nengo-loihi 1.1.0, neurons.py; nengo-dl 3.6.0, neurons.py.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from ...spiking.resets import RESETS


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


#: Numbers of one type of neurons, or of each neuron where they differ.
N_NUMBERS = 8
#: Of `DiscreteLIF`, the kernel's number is this one, its reset, and these two.
DISCRETE_LIF, AT_THRESHOLD, SEVERAL = 32, 8, 16
#: The kernel of neurons that hand numbers of spikes on.
EVENTS = 11


def _discrete_lif(neurons: Any) -> int:
    how = RESETS.index(neurons.reset)
    return DISCRETE_LIF + how + AT_THRESHOLD * neurons.at_threshold + SEVERAL * neurons.several


def _discrete_numbers(neurons: Any, dt: float) -> tuple[Any, ...]:
    fires = hasattr(neurons, "threshold")
    return (
        _height(neurons, dt) if fires else 0.0, neurons.threshold if fires else 0.0, neurons.decay,
        neurons.current_decay, neurons.current_gain, neurons.leak,
        neurons.reset_value if fires else 0.0, neurons.lowest if fires else 0.0,
    )  # fmt: skip


def table(numbers: Any, n: int) -> np.ndarray:
    """The numbers of a type as its kernel takes them: `N_NUMBERS`, or as many for each of ``n``."""
    full = [*numbers, *[0.0] * (N_NUMBERS - len(numbers))]
    if all(np.ndim(number) == 0 for number in full):
        return np.array(full, dtype=np.float64)
    return np.stack([np.broadcast_to(number, (n,)) for number in full], axis=1).ravel()


#: By module and name of the class that defines ``step``: number of the kernel (`step_neurons`), or
#: a function of the neuron type that gives it; its state in order; and a function of the neuron
#: type and dt that gives its numbers.
PARAMETERS: dict[tuple[str, str], tuple[Any, tuple[str, ...], Callable[..., Any]]] = {
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
    ("nengo_spikecost", "EventInput"): (EVENTS, (), lambda n, dt: (_height(n, dt),)),
    ("nengo_spikecost", "DiscreteLI"): (12, ("voltage", "current"), _discrete_numbers),
    ("nengo_spikecost", "DiscreteLIF"): (
        _discrete_lif, ("voltage", "current"), _discrete_numbers,
    ),
}  # fmt: skip


def kernel_of(neurons: Any) -> tuple[int, tuple[str, ...], Callable[..., Any]] | None:
    """The entry of `PARAMETERS` for a neuron type, or None."""
    owner = next(kind for kind in type(neurons).__mro__ if "step" in vars(kind))
    found = PARAMETERS.get((owner.__module__.split(".")[0], owner.__name__))
    if found is None:
        return None
    number, names, numbers = found
    return number(neurons) if callable(number) else number, names, numbers


def is_events(neurons: Any) -> bool:
    """Whether neurons hand on numbers of spikes that they are given."""
    kernel = kernel_of(neurons)
    return kernel is not None and kernel[0] == EVENTS
