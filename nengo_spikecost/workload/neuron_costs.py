"""Updates of a neuron at every step: one rule per neuron type.

The update that devices give an energy for is that of one leaky integrator. A neuron type that
needs several of them, such as one with a dendrite of its own compartment, says so::

    from nengo_spikecost.workload.neuron_costs import neuron_cost_rules

    @neuron_cost_rules.register(TwoCompartmentLIF)
    def two_compartments(neuron_type):
        return 2

The rule of a base class holds for the types derived from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable

import nengo
import numpy as np
from nengo.neurons import Direct, NeuronType

from ..errors import NetworkGraphError
from ..graph import Population
from ..registry import TypeRegistry

NeuronCostRule = Callable[[Any], int]

#: From neuron type to the updates of one neuron and step.
neuron_cost_rules: TypeRegistry[NeuronCostRule] = TypeRegistry("neuron-cost rule")
#: From neuron type to whether its state decays by itself.
leak_rules: TypeRegistry[Callable[[Any], bool]] = TypeRegistry("leak rule")
#: From neuron type to whether it adds something constant to its state at every step, by itself.
constant_input_rules: TypeRegistry[Callable[[Any], bool]] = TypeRegistry("constant-input rule")


@neuron_cost_rules.register(NeuronType)
def one_update(neuron_type: NeuronType) -> int:
    """One state, and everything that is computed from it at once."""
    return 1


@neuron_cost_rules.register(Direct)
def no_neurons(neuron_type: Direct) -> int:
    """Direct mode computes without neurons."""
    return 0


def updates_on_chip(populations: Iterable[Population]) -> int:
    """Neuron updates of one step, of all populations that are not left to a host."""
    return sum(p.n_neurons * updates_per_step(p.neuron_type) for p in populations if p.on_chip)


def updates_per_step(neuron_type: Any) -> int:
    """Neuron updates of one neuron at every step.

    Raises
    ------
    NetworkGraphError
        If there is no rule for the type, or its answer is no whole number from 0.
    """
    rule = neuron_cost_rules.find(neuron_type)
    name = type(neuron_type).__name__
    if rule is None:
        raise NetworkGraphError(
            f"No neuron-cost rule for {name}, which is no nengo NeuronType; register one with "
            "nengo_spikecost.workload.neuron_costs.neuron_cost_rules.register."
        )
    updates = rule(neuron_type)
    if not isinstance(updates, int) or updates < 0:
        raise NetworkGraphError(
            f"The neuron-cost rule for {name} must give a whole number of updates, not {updates!r}."
        )
    return updates


def is_leaky(neuron_type: Any) -> bool:
    """Whether the state of a neuron decays by itself: its rule, or a membrane time constant."""
    rule = leak_rules.find(neuron_type)
    return hasattr(neuron_type, "tau_rc") if rule is None else rule(neuron_type)


def has_bias(ensemble: nengo.Ensemble) -> bool:
    """Whether the neurons of an Ensemble may have biases: all do, but those set to zero."""
    rule = constant_input_rules.find(ensemble.neuron_type)
    if rule is not None and rule(ensemble.neuron_type):
        return True
    bias = ensemble.bias
    if isinstance(bias, nengo.dists.Choice):
        bias = bias.options
    return not (isinstance(bias, (np.ndarray, list, tuple, int, float)) and not np.any(bias))
