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
    differences: tuple[str, ...] = ()

    def filled(self, n: int, start: Any) -> Membrane:
        """With an array of n in every field, and the membranes' beginning."""
        names = ("decay", "gain", "leak", "threshold", "current_decay", "reset_value")
        given = {k: np.broadcast_to(np.ravel(getattr(self, k)), (n,)).astype(float) for k in names}
        return replace(self, start=np.broadcast_to(np.ravel(start), (n,)).astype(float), **given)

    def with_leak(self, leak: Any) -> Membrane:
        """With what the membrane gets besides at each step."""
        return replace(self, leak=np.atleast_1d(np.asarray(leak, dtype=float)))


NeuronWriter = Callable[[Any, float], Membrane]

#: From a neuron type and the length of a step in s to what the neurons do in it.
neuron_writers: TypeRegistry[NeuronWriter] = TypeRegistry("writer of neurons", replaced)


def _membrane(decay: Any, gain: Any, threshold: Any, spike: float, **more: Any) -> Membrane:
    given = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (decay, gain, 0.0, threshold))
    return Membrane(*given, spike, **more)


def _floor(neuron_type: Any) -> tuple[str, ...]:
    least = neuron_type.min_voltage
    if least == -np.inf:
        return ()
    return (f"keeps its membrane from falling below {least:g}, which NIR's does not",)


@neuron_writers.register(nengo.LIF)
def _lif(neuron_type: nengo.LIF, dt: float) -> Membrane:
    # Nengo's step is exact for an input that does not change in it: v + (J - v)(1 - exp(-dt/tau)).
    # With tau_ref=0 nothing of the next step is lost: a neuron rests until the spike's own time.
    differences = _floor(neuron_type)
    if neuron_type.tau_ref > 0:
        rest = f"rests for {1000 * neuron_type.tau_ref:g} ms after a spike (tau_ref)"
        differences = (f"{rest}, which NIR's does not", *differences)
    decay = np.exp(-dt / neuron_type.tau_rc)
    return _membrane(
        decay, 1 - decay, 1.0, neuron_type.amplitude / dt, differences=differences
    )  # fmt: skip


@neuron_writers.register(nengo.SpikingRectifiedLinear)
def _rectified(neuron_type: nengo.SpikingRectifiedLinear, dt: float) -> Membrane:
    return _membrane(
        1.0, dt, 1.0, neuron_type.amplitude / dt,
        differences=(
            "keeps what is above the threshold after a spike, and fires several times in a step, "
            "where NIR's fires once and is reset to a value",
            "takes inputs below 0 for 0, which NIR's does not",
        ),
    )  # fmt: skip


@neuron_writers.register(DiscreteLIF)
def _discrete(neuron_type: DiscreteLIF, dt: float) -> Membrane:
    differences = ()
    if neuron_type.several:
        differences = ("fires several times in a step, where NIR's fires once",)
    return _membrane(
        neuron_type.decay, neuron_type.current_gain, neuron_type.threshold,
        neuron_type.amplitude / dt, current_decay=neuron_type.current_decay,
        reset_value=neuron_type.reset_value, reset=neuron_type.reset,
        at_threshold=neuron_type.at_threshold, differences=differences,
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
        rest = float(discretize_tau_ref(neuron_type.tau_ref, dt))
        differences = _floor(neuron_type)
        if rest > 0:
            differences = (
                f"rests for {rest / dt:g} steps after a spike (tau_ref), which NIR's does not",
                *differences,
            )
        decay = np.exp(-dt / float(discretize_tau_rc(neuron_type.tau_rc, dt)))
        return _membrane(
            decay, 1 - decay, 1.0, neuron_type.amplitude / dt, differences=differences
        )  # fmt: skip

    def loihi_rectified(neuron_type: Any, dt: float) -> Membrane:
        lowest = "keeps its membrane from falling below 0, which NIR's does not"
        return _membrane(1.0, dt, 1.0, neuron_type.amplitude / dt, differences=(lowest,))

    return {module.LoihiLIF: loihi_lif, module.LoihiSpikingRectifiedLinear: loihi_rectified}


neuron_writers.add_defaults("nengo_loihi.neurons", _loihi_writers)
