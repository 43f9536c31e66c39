"""Neuron types that the chip does not have, or runs otherwise than Nengo.

NengoLoihi finds the builder of a neuron type along the classes that it is derived from, so a
type of one's own, and many of other packages, are built as their base: LIF, say. What its own
types compute (`LoihiLIF`, `LoihiSpikingRectifiedLinear`) is what the chip does.

Reference: nengo-loihi 1.1.0, builder/ensemble.py (the builders of neuron types), block.py
(``Compartment.configure_lif``), builder/discretize.py, neurons.py; nengo 4.1, neurons.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np

from ... import stack
from ...graph.nengo_types import replaced
from ...nir.discrete_neurons import DiscreteLIF
from .discrete_rules import Finding, discrete_problems

OFF_CHIP = "mark it off chip (nengo_spikecost.loihi.mark_off_chip)"

#: The types of Nengo that NengoLoihi has builders for, by name, and its own type that computes
#: in Nengo what the chip does.
TWINS = {
    "LIF": "LoihiLIF", "SpikingRectifiedLinear": "LoihiSpikingRectifiedLinear",
    "RegularSpiking": "LoihiLIF or LoihiSpikingRectifiedLinear",
}  # fmt: skip


#: What NengoLoihi asks of a neuron type, whoever wrote it; and what it gives initial values.
_READ_ON_CHIP = {"gain_bias", "max_rates_intercepts", "state"}


def neuron_problems(neuron_type: Any, n_neurons: int, dt: float) -> Iterator[Finding]:
    """Problems of neurons on the chip.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
    n_neurons : int
    dt : float
        Time step in s.
    """
    kind, builder = type(neuron_type).__name__, builder_type(neuron_type)
    if builder is nengo.neurons.NeuronType:
        remedy = f"Use LoihiSpikingRectifiedLinear or LoihiLIF, or {OFF_CHIP}"
        yield f"has {kind} neurons, which the chip does not have", remedy, True
        return
    if builder is DiscreteLIF:
        yield from discrete_problems(neuron_type, OFF_CHIP)
        yield from _initial_values(neuron_type, n_neurons)
        return
    base = neuron_type
    if builder is nengo.RegularSpiking:
        base = neuron_type.base_type
        if type(base) not in (nengo.LIFRate, nengo.RectifiedLinear):
            reason = f"has RegularSpiking neurons of base type {type(base).__name__}"
            yield reason, "Use RectifiedLinear or LIFRate as base type", True
            return
        if base.amplitude != 1:
            reason = "has RegularSpiking neurons whose base type has an amplitude"
            yield reason, "Give the amplitude to RegularSpiking itself", True
    tau_rc = getattr(base, "tau_rc", None)
    if tau_rc is not None and not can_decay(tau_rc, dt):
        reason = f"has a membrane time constant of {tau_rc:g} s, too long for the chip to decay"
        yield reason, f"Use a shorter one, or {OFF_CHIP}", True
    yield from _differences(neuron_type, builder, base, dt)
    yield from _initial_values(neuron_type, n_neurons)


def _differences(neuron_type: Any, builder: type, base: Any, dt: float) -> Iterator[Finding]:
    """What the chip computes otherwise at each step."""
    kind = type(neuron_type).__name__
    own = any(_steps_like(neuron_type, one) for one in _own_types())
    if not own and not _steps_like(neuron_type, builder):
        remedy = f"Use {_twin(base, builder)}, or {OFF_CHIP}"
        yield f"has {kind} neurons, which NengoLoihi runs as {builder.__name__}", remedy, False
    elif not own:
        remedy = f"Use {_twin(base, builder)}, which computes what the chip does, or {OFF_CHIP}"
        yield _rounded(kind, base, dt), remedy, False
    min_voltage = getattr(neuron_type, "min_voltage", 0)
    if builder is nengo.LIF and min_voltage < 0 and np.isfinite(min_voltage):
        reason = (
            f"has a min_voltage of {min_voltage:g}, of which the chip keeps a power of two "
            "(in its own units), so up to 41% more or less"
        )
        yield reason, "Use min_voltage=0", False


def _rounded(kind: str, base: Any, dt: float) -> str:
    """What whole steps do to neurons of Nengo's own."""
    tau_ref = getattr(base, "tau_ref", None)
    if tau_ref is None:
        negative = "" if kind == "RegularSpiking" else ", and negative input lowers their voltage"
        return (
            f"has {kind} neurons, which on the chip spike after whole numbers of steps and at "
            f"most once a step{negative}"
        )
    steps = refractory_steps(tau_ref, dt)
    return (
        f"has {kind} neurons, whose refractory period of {tau_ref:g} s the chip makes a whole "
        f"number of steps and one more: from spike to spike {steps} steps at least, at most "
        f"{1 / (steps * dt):.4g} Hz"
    )


def refractory_steps(tau_ref: float, dt: float) -> int:
    """Fewest steps from one spike to the next of LIF neurons on the chip."""
    return int(np.round(tau_ref / dt)) + 1


def _twin(base: Any, builder: type) -> str:
    if builder is nengo.RegularSpiking:
        builder = nengo.LIF if hasattr(base, "tau_rc") else nengo.SpikingRectifiedLinear
    return TWINS[builder.__name__]


def _own_types() -> tuple[type, ...]:
    neurons = stack.nengo_loihi().neurons
    return neurons.LoihiLIF, neurons.LoihiSpikingRectifiedLinear


def _steps_like(neuron_type: Any, other: type) -> bool:
    """Whether a neuron type computes each step as another one that it is derived from, or is."""
    return isinstance(neuron_type, other) and not set(replaced(neuron_type, other)) - _READ_ON_CHIP


def _initial_values(neuron_type: Any, n_neurons: int) -> Iterator[Finding]:
    """Voltages and other state that neurons start with: on the chip all start at zero."""
    state = neuron_type.make_state(n_neurons, rng=np.random.RandomState(0))
    nonzero = [name for name, value in state.items() if np.any(np.asarray(value) != 0)]
    if nonzero:
        names = " and ".join(nonzero)
        kind = type(neuron_type).__name__
        given = ", ".join(f'"{name}": nengo.dists.Choice([0])' for name in nonzero)
        reason = f"has {kind} neurons with a {names} to start with, and on the chip all start at 0"
        yield reason, f"Make them with initial_state={{{given}}}", False


def builder_type(neuron_type: Any) -> type:
    """The class of neurons that NengoLoihi builds a neuron type as."""
    builders = stack.nengo_loihi().builder.builder.Builder.builders
    return next(cls for cls in type(neuron_type).__mro__ if cls in builders)


def can_decay(tau: float, dt: float) -> bool:
    """Whether the chip can decay so slowly, by this time constant in s."""
    return bool(-np.expm1(-dt / tau) > decay_threshold())


def decay_threshold() -> float:
    """Share of a value that decays in a step at least."""
    return float(stack.nengo_loihi().block.Compartment.DECAY_SCALE_TH)
