"""Neurons over all steps of a presentation in TensorFlow, with a gradient through their spikes.

A spike is a jump, without a gradient. In its place stands that of a curve that rises around the
threshold, the *surrogate*::

    "triangle"        d spike / d v  =  max(0, 1 - |v - 1|)
    "fast_sigmoid"    d spike / d v  =  1 / (1 + 4 |v - 1|) ** 2

at a voltage ``v``, for a threshold of 1.
What a spike takes from the voltage has none, so that the gradient of a voltage goes back through
all steps that it was collected in. Forward, every neuron does what its type does in Nengo.

A function here is given the currents of all steps and gives the spikes of all steps: lists of
``n_steps`` tensors of one shape.

Sources
-------
The triangle is that of Esser et al. 2016, https://doi.org/10.1073/pnas.1604850113, and the fast
sigmoid that of Zenke and Ganguli 2018, https://doi.org/10.1162/neco_a_01086. What is not
differentiated is as in Zenke and Vogels 2021, https://doi.org/10.1162/neco_a_01367.
The arithmetic is that of nengo 4.1.0 and nengo-loihi 1.1.0, neurons.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from ...errors import TuningError

Currents = Sequence[tf.Tensor]

#: The gradient of a spike by its distance from the threshold.
SURROGATES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "triangle": lambda distance: tf.nn.relu(1 - distance),
    "fast_sigmoid": lambda distance: 1 / tf.square(1 + 4 * distance),
}


@dataclass(frozen=True)
class Neurons:
    """Neurons of one population.

    Attributes
    ----------
    type : nengo.neurons.NeuronType
    dt : float
        Length of a step in s.
    surrogate : str
        One of `SURROGATES`.
    start : dict from str to ndarray of shape (n_neurons,)
        What each state is at the start.
    """

    type: Any
    dt: float
    surrogate: str
    start: dict[str, np.ndarray]

    def state(self, name: str, like: tf.Tensor) -> tf.Tensor:
        """A state at the start, for every sample."""
        shape = like.shape[1:]
        value = tf.constant(np.reshape(self.start[name], shape), like.dtype)
        return tf.broadcast_to(value, tf.shape(like))


def spikes(voltage: tf.Tensor, surrogate: str, threshold: Any = 1.0) -> tf.Tensor:
    """1 where a voltage is above the threshold, with the gradient of the surrogate."""

    rise = SURROGATES[surrogate]

    @tf.custom_gradient
    def fired(v: tf.Tensor) -> Any:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return upstream * rise(tf.abs(v / threshold - 1)) / threshold

        return tf.cast(v > threshold, v.dtype), gradient

    return fired(voltage)


def spike_counts(voltage: tf.Tensor, surrogate: str) -> tf.Tensor:
    """Whole spikes in a voltage of at least 0, with the surrogate at the nearest threshold."""

    rise = SURROGATES[surrogate]

    @tf.custom_gradient
    def fired(v: tf.Tensor) -> Any:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return upstream * rise(tf.abs(v - tf.maximum(tf.round(v), 1)))

        return tf.floor(v), gradient

    return fired(voltage)


def rectified(neurons: Neurons, currents: Currents) -> list[tf.Tensor]:
    """``SpikingRectifiedLinear``: keeps what is beyond a threshold, and may fire several times."""
    voltage = neurons.state("voltage", currents[0])
    fired = []
    for current in currents:
        voltage += tf.nn.relu(current) * neurons.dt
        fired.append(spike_counts(voltage, neurons.surrogate))
        voltage -= tf.stop_gradient(fired[-1])
    return fired


def loihi_rectified(neurons: Neurons, currents: Currents) -> list[tf.Tensor]:
    """``LoihiSpikingRectifiedLinear``: starts again at 0 after a spike, and is never below 0."""
    voltage = neurons.state("voltage", currents[0])
    fired = []
    for current in currents:
        voltage += current * neurons.dt
        fired.append(spikes(voltage, neurons.surrogate))
        voltage = tf.nn.relu(voltage) * (1 - tf.stop_gradient(fired[-1]))
    return fired


def lif(neurons: Neurons, currents: Currents) -> list[tf.Tensor]:
    """``LIF``: leaks, and rests from the moment within the step at which it fired."""
    kind = neurons.type

    def rest(voltage: tf.Tensor, current: tf.Tensor) -> tf.Tensor:
        nothing = tf.zeros_like(voltage)
        beyond = (voltage - 1) / tf.where(voltage > 1, current - 1, nothing + 1)
        at = neurons.dt + kind.tau_rc * tf.math.log1p(-tf.where(voltage > 1, beyond, nothing))
        return kind.tau_ref + at

    return _leaky(neurons, currents, float(kind.tau_rc), rest)


def loihi_lif(neurons: Neurons, currents: Currents) -> list[tf.Tensor]:
    """``LoihiLIF``: leaks, and rests for a whole number of steps."""
    from nengo_loihi.neurons import discretize_tau_rc, discretize_tau_ref

    kind, dt = neurons.type, neurons.dt
    rests = float(discretize_tau_ref(kind.tau_ref, dt)) + dt
    tau_rc = float(discretize_tau_rc(kind.tau_rc, dt))
    return _leaky(neurons, currents, tau_rc, lambda v, j: tf.zeros_like(v) + rests)


def _leaky(
    neurons: Neurons, currents: Currents, tau_rc: float, rest: Callable[..., tf.Tensor]
) -> list[tf.Tensor]:
    dt, lowest = neurons.dt, float(neurons.type.min_voltage)
    voltage = neurons.state("voltage", currents[0])
    waits = neurons.state("refractory_time", currents[0])
    fired = []
    for current in currents:
        waits -= dt
        awake = tf.clip_by_value(dt - waits, 0, dt)
        voltage -= (current - voltage) * tf.math.expm1(-awake / tau_rc)
        spiked = spikes(voltage, neurons.surrogate)
        fired.append(spiked)
        kept = tf.stop_gradient(spiked)
        resting = tf.stop_gradient(rest(voltage, current))
        waits = tf.where(kept > 0, resting, waits)
        voltage = tf.maximum(voltage, lowest) * (1 - kept)
    return fired


#: By module and name of the class that defines ``step``.
STEPS: dict[tuple[str, str], Callable[[Neurons, Currents], list[tf.Tensor]]] = {
    ("nengo", "SpikingRectifiedLinear"): rectified,
    ("nengo_loihi", "LoihiSpikingRectifiedLinear"): loihi_rectified,
    ("nengo", "LIF"): lif,
    ("nengo_loihi", "LoihiLIF"): loihi_lif,
}


def steps_of(neuron_type: Any, layer: str) -> Callable[[Neurons, Currents], list[tf.Tensor]]:
    """The function of a neuron type.

    Raises
    ------
    TuningError
        If there is none.
    """
    owner = next(kind for kind in type(neuron_type).__mro__ if "step" in vars(kind))
    found = STEPS.get((owner.__module__.split(".")[0], owner.__name__))
    if found is None:
        names = ", ".join(name for _, name in STEPS)
        raise TuningError(
            f"Layer {layer!r}: forward='steps' knows no gradient through the spikes of "
            f"{type(neuron_type).__name__} neurons. Take one of {names}, or forward='spikes'."
        )
    return found


def rests(neurons: Neurons) -> bool:
    """Whether neurons stay as they start, and silent, while they get nothing."""
    voltage = np.asarray(neurons.start["voltage"])
    if is_rectified(neurons.type):
        return bool((voltage >= 0).all() and (voltage < 1).all())
    return not voltage.any()


def is_rectified(neuron_type: Any) -> bool:
    """Whether the rate of neurons is their current, as long as it is small."""
    return steps_of(neuron_type, "") in (rectified, loihi_rectified)
