"""Neurons that compute one step as PyTorch's spiking tools do: decay, input, threshold, reset.

Nengo's own types find the time of a spike within a step, and rest for a refractory period; NIR's do
neither. `DiscreteLIF` has what NIR's LIF, IF, CubaLIF and Threshold need, `DiscreteLI` what its LI,
CubaLI and I need: a membrane that is read and never fires. Parameters are numbers, or arrays with
one for each neuron.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import nengo
import numpy as np
from nengo.dists import Choice
from nengo.neurons import settled_firingrate
from nengo.params import BoolParam, EnumParam, NdarrayParam, NumberParam, equal

from ..activity.backend import NO_SPIKES
from ..digests import array_digest
from ..spiking.resets import RESETS
from ..workload.neuron_costs import constant_input_rules, leak_rules, neuron_cost_rules


class _Parameter(NdarrayParam):
    """A number, or one for each neuron. Equal numbers are one number."""

    def __init__(self, name: str, default: float):
        super().__init__(name, default=np.array(default), shape=("...",), readonly=True)

    def coerce(self, instance: Any, value: Any) -> Any:
        array = np.asarray(value, dtype=np.float64).ravel()
        if array.size and (array == array[0]).all():
            array = array[0]
        return super().coerce(instance, np.array(array))


def _in_short(value: Any) -> str:
    """A number as it is, and arrays by their size and digest."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    if not value.ndim:
        return repr(value.item())
    return f"<{value.size} values, {array_digest([value])[:8]}>"


class _DiscreteNeurons(nengo.neurons.NeuronType):
    """A membrane that decays and adds its input, and a current before it if it has one.

    Parameters
    ----------
    decay : float or array_like, shape (n_neurons,)
        What is left of the membrane after a step: 1 of one without a leak.
    current_decay : float or array_like, shape (n_neurons,), optional
        What is left of the synaptic current after a step; 0 without one.
    current_gain : float or array_like, shape (n_neurons,)
        What the membrane gets of the current.
    leak : float or array_like, shape (n_neurons,)
        What it gets besides at each step.
    """

    decay = _Parameter("decay", 1.0)
    current_decay = _Parameter("current_decay", 0.0)
    current_gain = _Parameter("current_gain", 1.0)
    leak = _Parameter("leak", 0.0)
    state: ClassVar[dict[str, Any]] = {"voltage": Choice([0]), "current": Choice([0])}

    def __init__(
        self, decay: Any = 1.0, *, current_decay: Any = 0.0, current_gain: Any = 1.0,
        leak: Any = 0.0, initial_state: Any = None,
    ):  # fmt: skip
        super().__init__(initial_state=initial_state)
        self.decay, self.current_decay = decay, current_decay
        self.current_gain, self.leak = current_gain, leak

    @property
    def _argreprs(self) -> list[str]:
        """Arguments that are not their defaults, for ``repr``, by which studies tell types apart.

        Nengo leaves out those that are given by keyword only, and most of an array's values.
        """
        arguments = list(inspect.signature(type(self).__init__).parameters.values())[1:]
        values = [(own, getattr(self, own.name)) for own in arguments]
        return [
            f"{own.name}={_in_short(value)}"
            for own, value in values
            if not equal(value, own.default)
        ]

    @property
    def has_current(self) -> bool:
        """Whether inputs go through a synaptic current."""
        return bool(np.any(self.current_decay != 0))

    def _moved(self, J: np.ndarray, voltage: np.ndarray, current: np.ndarray) -> np.ndarray:
        """The membrane after decay and input."""
        typed = self._typed(J)
        current[...] = typed(self.current_decay) * current + J
        moved = typed(self.decay) * voltage + typed(self.current_gain) * current
        return moved + typed(self.leak)

    @staticmethod
    def _typed(J: np.ndarray) -> Any:
        """Parameters in the numbers that the simulation has.

        Nengo steps populations whose types are equal as one, of several times as many neurons.
        """

        def typed(parameter: np.ndarray) -> np.ndarray:
            values = np.asarray(parameter, dtype=J.dtype)
            if values.ndim and len(values) != J.shape[-1]:
                values = np.tile(values, J.shape[-1] // len(values))
            return values

        return typed

    def max_rates_intercepts(self, gain: Any, bias: Any) -> tuple[np.ndarray, np.ndarray]:
        """Of neurons that get their gain and bias, there is no rate that they were made for."""
        return np.full_like(gain, np.nan), np.full_like(gain, np.nan)

    def rates(self, x: Any, gain: Any, bias: Any, dt: float = 0.001) -> np.ndarray:
        """What neurons give on average at a constant input, in 1,000 steps after the first 100."""
        J = self.current(x, gain, bias)
        state = {name: np.zeros_like(J) for name in ("output", "voltage", "current")}
        mean = settled_firingrate(
            self.step, J, state, dt, settle_time=100.5 * dt, sim_time=1000.5 * dt
        )
        return np.asarray(mean)


class DiscreteLIF(_DiscreteNeurons):
    """Leaky integrate-and-fire neurons in discrete steps.

    Parameters
    ----------
    decay, current_decay, current_gain, leak : float or array_like, shape (n_neurons,)
        ``current <- current_decay current + J`` and then
        ``voltage <- decay voltage + current_gain current + leak`` at each step.
    threshold : float or array_like, shape (n_neurons,)
        A neuron fires where its membrane is above it.
    reset : str
        One of `nengo_spikecost.spiking.resets.RESETS`.
    reset_value : float or array_like, shape (n_neurons,)
        Where the membrane is after a spike, of a reset to a value.
    at_threshold : bool
        Whether it fires at the threshold, too.
    several : bool
        Whether it fires several spikes in a step: as many as thresholds fit into the membrane.
    lowest : float
        The membrane goes no lower.
    amplitude : float
        Area of a spike; with ``amplitude=dt`` a spike is a 1.

    Examples
    --------
    >>> import nengo, numpy as np
    >>> with nengo.Network() as net:
    ...     inp = nengo.Node(0.4)
    ...     ens = nengo.Ensemble(1, 1, gain=[1], bias=[0], neuron_type=DiscreteLIF(
    ...         decay=0.9, threshold=1.0, reset="subtract", amplitude=0.001))
    ...     _ = nengo.Connection(inp, ens.neurons, synapse=None)
    ...     probe = nengo.Probe(ens.neurons)
    >>> with nengo.Simulator(net, progress_bar=False) as sim:
    ...     sim.run_steps(8)
    >>> sim.data[probe].ravel()
    array([0., 0., 1., 0., 1., 0., 0., 1.])
    """

    spiking = True
    negative = False

    threshold = _Parameter("threshold", 1.0)
    reset = EnumParam("reset", default="value", values=RESETS, readonly=True)
    reset_value = _Parameter("reset_value", 0.0)
    at_threshold = BoolParam("at_threshold", default=False, readonly=True)
    several = BoolParam("several", default=False, readonly=True)
    lowest = NumberParam("lowest", default=-np.inf, readonly=True)
    amplitude = NumberParam("amplitude", low=0, low_open=True, readonly=True)

    def __init__(
        self, decay: Any = 1.0, threshold: Any = 1.0, reset: str = "value", reset_value: Any = 0.0,
        *, at_threshold: bool = False, several: bool = False, lowest: float = -np.inf,
        amplitude: float = 1.0, current_decay: Any = 0.0, current_gain: Any = 1.0,
        leak: Any = 0.0, initial_state: Any = None,
    ):  # fmt: skip
        super().__init__(
            decay, current_decay=current_decay, current_gain=current_gain, leak=leak,
            initial_state=initial_state,
        )  # fmt: skip
        self.threshold, self.reset, self.reset_value = threshold, reset, reset_value
        self.at_threshold, self.several, self.amplitude = at_threshold, several, amplitude
        self.lowest = lowest

    def step(
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray,
        current: np.ndarray,
    ) -> None:  # fmt: skip
        """One step of all neurons, by the order in the module's docstring."""
        typed = self._typed(J)
        threshold, value = typed(self.threshold), typed(self.reset_value)
        # 1. what the step before left to be done: it fired where the membrane is still above
        fired = self._fires(voltage, threshold)
        moved = self._moved(J, voltage, current)
        if self.reset in ("subtract_later", "subtract_owed"):
            moved = moved - fired * threshold
        elif self.reset == "value_skip":
            moved = np.where(fired, value, moved)
        # 2. spikes
        spikes = self._fires(moved, threshold).astype(J.dtype)
        if self.several:
            spikes *= np.maximum(np.floor(moved / threshold), 1)
        output[...] = spikes * typed(self.amplitude / dt)
        # 3. the reset of this step
        if self.reset == "subtract":
            moved = moved - spikes * threshold
        elif self.reset == "subtract_owed":
            moved = moved - (spikes - fired) * threshold
        elif self.reset == "value":
            moved = np.where(spikes > 0, value, moved)
        if self.lowest > -np.inf:
            moved = np.maximum(moved, typed(self.lowest))
        voltage[...] = moved

    def _fires(self, voltage: np.ndarray, threshold: np.ndarray) -> np.ndarray:
        return voltage >= threshold if self.at_threshold else voltage > threshold


class DiscreteLI(_DiscreteNeurons):
    """Leaky integrators in discrete steps, whose membrane is their output.

    Parameters
    ----------
    decay, current_decay, current_gain, leak : float or array_like, shape (n_neurons,)
        As those of `DiscreteLIF`.
    """

    spiking = False
    negative = True

    def step(
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray,
        current: np.ndarray,
    ) -> None:  # fmt: skip
        """One step of all neurons."""
        voltage[...] = self._moved(J, voltage, current)
        output[...] = voltage


class EventInput(nengo.neurons.NeuronType):
    """Spikes that come from outside: the input is handed on as the number of spikes that it is.

    It stands for a sensor that sends events. It is no neuron, and takes no update.

    Parameters
    ----------
    amplitude : float
        Area of a spike; with ``amplitude=dt`` a spike is a 1.
    """

    spiking = True
    negative = False
    state: ClassVar[dict[str, Any]] = {}
    amplitude = NumberParam("amplitude", low=0, low_open=True, readonly=True)

    def __init__(self, amplitude: float = 1.0):
        super().__init__()
        self.amplitude = amplitude

    def step(self, dt: float, J: np.ndarray, output: np.ndarray) -> None:
        """Whole numbers from 0 are handed on; anything else is no number of spikes."""
        if (J < 0).any() or (np.rint(J) != J).any():
            raise nengo.exceptions.SimulationError(NO_SPIKES)
        output[...] = J * np.asarray(self.amplitude / dt, dtype=J.dtype)

    def max_rates_intercepts(self, gain: Any, bias: Any) -> tuple[np.ndarray, np.ndarray]:
        """There are none."""
        return np.full_like(gain, np.nan), np.full_like(gain, np.nan)

    def rates(self, x: Any, gain: Any, bias: Any, dt: float = 0.001) -> np.ndarray:
        """The events that it is given, on average: any number from 0."""
        rates: np.ndarray = np.maximum(self.current(x, gain, bias), 0) * (self.amplitude / dt)
        return rates


@leak_rules.register(_DiscreteNeurons)
def decays(neuron_type: _DiscreteNeurons) -> bool:
    """Whether a membrane or a current does."""
    return bool(np.any(neuron_type.decay != 1) or neuron_type.has_current)


@constant_input_rules.register(_DiscreteNeurons)
def has_leak(neuron_type: _DiscreteNeurons) -> bool:
    """What the membrane gets besides its input."""
    return bool(np.any(neuron_type.leak))


@neuron_cost_rules.register(EventInput)
def no_updates(neuron_type: EventInput) -> int:
    """A sensor's events are there without neurons."""
    return 0
