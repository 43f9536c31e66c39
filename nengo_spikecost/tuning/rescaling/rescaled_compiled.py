"""The compiled engine with firing-rate scales that change without a rebuild.

A scale acts in three places of the model that Nengo has built: on the gains that inputs of a
population are multiplied with, on its biases, and on the height of its spikes. They are changed
there, and compiled code takes them over (`CompiledNetwork.renew`); what runs is the same code
as of a new build, on the same numbers. So can the filters of Connections, where another synapse
makes the same instructions: the process of their operators is another one then.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons
from nengo.builder.processes import SimProcess

from ...activity.backend import Setup
from ...activity.compiled.compiled_backend import CompiledBackend, built, of_nengo_dl
from ...activity.compiled.filter_steps import steps_alike
from .gain_operators import gain_operators, is_tunable
from .rescaled_biases import CannotRescale, ScaledBias, per_neuron


@dataclass(frozen=True)
class _Part:
    """Where the scale of one population acts in the model.

    Attributes
    ----------
    name, layer : str
        Of the population.
    amplitude : float
        At scale 1.
    gains : tuple of Signal
    bias_signal : Signal
    bias : ScaledBias
    neurons : SimNeurons
        With a neuron type that nothing else has.
    """

    name: str
    layer: str
    amplitude: float
    gains: tuple[Any, ...]
    bias_signal: Any
    bias: ScaledBias
    neurons: Any


class RescaledCompiled(CompiledBackend):
    """The back end of ``simulator="compiled"`` for any scales and numbers of steps.

    Parameters
    ----------
    setup : Setup
        With a network whose scales are all 1. Its ``n_steps`` is not used.
    biases : mapping from nengo.Ensemble to ScaledBias

    Raises
    ------
    CannotRescale
        If NengoDL has to run the network, or its model is not as Nengo 4.1 builds it.
    """

    def __init__(self, setup: Setup, biases: Mapping[nengo.Ensemble, ScaledBias]):
        foreign = of_nengo_dl(setup.network)
        if foreign:
            raise CannotRescale(f"only NengoDL can run a {type(foreign[0]).__name__}")
        super().__init__(setup, built(setup))
        self._kept_filters: list[Any] = []
        self._parts = [
            self._part(population, biases[population.obj])
            for population in setup.populations
            if is_tunable(population.obj)
        ]

    def rescale(self, scales: Mapping[str, float]) -> None:
        """Set the scales, by layer; 1 for layers left out."""
        per_unit = {}
        for part in self._parts:
            scale = scales.get(part.layer, 1)
            for gain in part.gains:
                _set(gain, scale)
            _set(part.bias_signal, part.bias.at(scale))
            height = part.amplitude if scale == 1 else part.amplitude / scale
            kind = part.neurons.neurons
            # Nengo's parameters are read-only once they are set
            type(kind).amplitude.data[kind] = height
            per_unit[part.name] = self.setup.dt / height
        self.renew(per_unit)

    def takes_synapse(self, synapse: Any, present: Sequence[Any]) -> bool:
        """Whether a synapse can take the place of filters without a new build.

        Parameters
        ----------
        synapse : nengo.synapses.Synapse
        present : sequence of nengo.synapses.Synapse
            The filters of the network that was built.
        """
        filters, dt = self._filters(present), self.setup.dt
        return len(filters) == len(present) > 0 and all(
            self._network.runs_filter(op) and steps_alike(op, synapse, dt) for op in filters
        )

    def use_synapse(self, synapse: Any, present: Sequence[Any]) -> None:
        """Have a synapse that it takes in place of these filters."""
        for op in self._filters(present):
            op.process = synapse
        self._network.renew_filters()

    def _filters(self, present: Sequence[Any]) -> list[Any]:
        if not self._kept_filters:
            own = {id(synapse) for synapse in present}
            self._kept_filters = [
                op for op in self._model.operators
                if isinstance(op, SimProcess) and id(op.process) in own
            ]  # fmt: skip
        return self._kept_filters

    def _part(self, population: Any, bias: ScaledBias) -> _Part:
        model, ensemble, name = self._model, population.obj, population.name
        if not np.all(per_neuron(ensemble.gain, ensemble) == 1):
            raise CannotRescale(f"the gains of {name} are not 1 at scale 1")
        if any(c.post_obj is ensemble for c in self.setup.network.all_connections):
            raise CannotRescale(f"{name} gets values through encoders")
        signals = model.sig[ensemble.neurons]
        gains = [op.A for owner, op in gain_operators(model, model.operators) if owner is ensemble]
        if not np.array_equal(signals["bias"].initial_value, bias.at(1)):
            raise CannotRescale(f"the biases of {name} are not those of its Ensemble")
        (neurons,) = (
            op for op in model.operators
            if isinstance(op, SimNeurons) and op.output is signals["out"]
        )  # fmt: skip
        neurons.neurons = copy.copy(neurons.neurons)
        return _Part(
            name, population.layer, float(neurons.neurons.amplitude), tuple(gains),
            signals["bias"], bias, neurons,
        )  # fmt: skip


def _set(signal: Any, values: Any) -> None:
    """Change a signal that nothing writes, in place, for all that reads it."""
    array = signal.initial_value
    array.setflags(write=True)
    array[...] = values
    array.setflags(write=False)
