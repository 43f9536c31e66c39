"""Nengo's neurons as the coefficients of one step, in which NIR's neurons can be written.

One function a neuron type, registered in `neuron_writers`. A `Membrane` says what the neurons do in
one step of ``dt``::

    i  <-  current_decay i + J
    v  <-  decay v + gain i + leak
    a spike where v > threshold (or v >= threshold), and a reset

Whatever of a type is not so is one of its ``differences``: nothing of it is written unless the user
says that an approximation will do.

Sources: nengo 4.1, neurons.py; nengo-loihi 1.1, neurons.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Callable

import nengo
import numpy as np

from ..graph.nengo_types import replaced
from ..registry import TypeRegistry
from .discrete_neurons import DiscreteLI, DiscreteLIF


@dataclass(frozen=True)
class Membrane:
    """What neurons do in one step.

    Attributes
    ----------
    decay, gain, leak : ndarray of shape (n,)
        ``v <- decay v + gain i + leak``.
    current_decay : ndarray of shape (n,)
        ``i <- current_decay i + J``: 0 without a synaptic current.
    threshold, reset_value, start : ndarray of shape (n,)
    reset : str
        As `DiscreteLIF` has it.
    at_threshold : bool
    spike : float
        A spike, as a value of the neurons' output in Nengo.
    graded : bool
        Whether the membrane is the output, and nothing fires.
    several : bool
        Whether a neuron fires several times in a step.
    lowest : float
        The membrane goes no lower.
    differences : tuple of str
        What NIR's neurons do otherwise, as clauses.
    """

    decay: np.ndarray
    gain: np.ndarray
    leak: np.ndarray
    threshold: np.ndarray
    spike: float
    current_decay: np.ndarray = field(default_factory=lambda: np.zeros(1))
    reset_value: np.ndarray = field(default_factory=lambda: np.zeros(1))
    start: np.ndarray = field(default_factory=lambda: np.zeros(1))
    reset: str = "value"
    at_threshold: bool = False
    graded: bool = False
    several: bool = False
    lowest: float = -np.inf
    differences: tuple[str, ...] = ()

    def filled(self, n: int, start: Any) -> Membrane:
        """With an array of n in every field, and the membranes' beginning."""
        names = ("decay", "gain", "leak", "threshold", "current_decay", "reset_value")
        given: dict[str, Any] = {name: _each(getattr(self, name), n) for name in names}
        return replace(self, start=_each(start, n), **given)

    def with_leak(self, leak: Any) -> Membrane:
        """With what the membrane gets besides at each step."""
        return replace(self, leak=np.atleast_1d(np.asarray(leak, dtype=float)))


def _each(values: Any, n: int) -> np.ndarray:
    return np.broadcast_to(np.ravel(values), (n,)).astype(float)


NeuronWriter = Callable[[Any, float], Membrane]

#: From a neuron type and the length of a step in s to what the neurons do in it.
neuron_writers: TypeRegistry[NeuronWriter] = TypeRegistry("writer of neurons", replaced)


def _membrane(decay: Any, gain: Any, threshold: Any, spike: float, **more: Any) -> Membrane:
    decay, gain, threshold = (np.atleast_1d(np.asarray(v, float)) for v in (decay, gain, threshold))
    return Membrane(decay, gain, np.zeros(1), threshold, spike, **more)


@neuron_writers.register(nengo.LIF)
def _lif(neuron_type: nengo.LIF, dt: float) -> Membrane:
    # Nengo's step is exact for an input that does not change in it: v + (J - v)(1 - exp(-dt/tau)).
    # With tau_ref=0 nothing of the next step is lost: a neuron rests until the spike's own time.
    decay = np.exp(-dt / neuron_type.tau_rc)
    return _membrane(
        decay, 1 - decay, 1.0, neuron_type.amplitude / dt, lowest=neuron_type.min_voltage,
        differences=_rest(1000 * neuron_type.tau_ref, "ms"),
    )  # fmt: skip


def _rest(time: float, unit: str) -> tuple[str, ...]:
    if time == 0:
        return ()
    return (f"rests for {time:g} {unit} after a spike (tau_ref), which NIR's neurons do not",)


@neuron_writers.register(nengo.SpikingRectifiedLinear)
def _rectified(neuron_type: nengo.SpikingRectifiedLinear, dt: float) -> Membrane:
    return _membrane(
        1.0, dt, 1.0, neuron_type.amplitude / dt, reset="subtract", several=True,
        at_threshold=True, differences=("takes inputs below 0 for 0, which NIR's neurons do not",),
    )  # fmt: skip


@neuron_writers.register(DiscreteLIF)
def _discrete(neuron_type: DiscreteLIF, dt: float) -> Membrane:
    return _membrane(
        neuron_type.decay, neuron_type.current_gain, neuron_type.threshold,
        neuron_type.amplitude / dt, current_decay=neuron_type.current_decay,
        reset_value=neuron_type.reset_value, reset=neuron_type.reset,
        at_threshold=neuron_type.at_threshold, several=neuron_type.several,
        lowest=float(neuron_type.lowest),
    ).with_leak(neuron_type.leak)  # fmt: skip


@neuron_writers.register(DiscreteLI)
def _integrator(neuron_type: DiscreteLI, dt: float) -> Membrane:
    return _membrane(
        neuron_type.decay, neuron_type.current_gain, np.inf, 1.0, reset="none", graded=True,
        current_decay=neuron_type.current_decay,
    ).with_leak(neuron_type.leak)  # fmt: skip


def _loihi_writers(module: Any) -> Mapping[type, NeuronWriter]:
    """NengoLoihi's neurons: whole steps of rest, and a reset to 0 at the end of a step."""
    from nengo_loihi.neurons import discretize_tau_rc, discretize_tau_ref

    def loihi_lif(neuron_type: Any, dt: float) -> Membrane:
        rest = float(discretize_tau_ref(neuron_type.tau_ref, dt)) / dt
        decay = np.exp(-dt / float(discretize_tau_rc(neuron_type.tau_rc, dt)))
        return _membrane(
            decay, 1 - decay, 1.0, neuron_type.amplitude / dt, lowest=neuron_type.min_voltage,
            differences=_rest(rest, "steps"),
        )  # fmt: skip

    def loihi_rectified(neuron_type: Any, dt: float) -> Membrane:
        return _membrane(1.0, dt, 1.0, neuron_type.amplitude / dt, lowest=0.0)

    return {module.LoihiLIF: loihi_lif, module.LoihiSpikingRectifiedLinear: loihi_rectified}


neuron_writers.add_defaults("nengo_loihi.neurons", _loihi_writers)
