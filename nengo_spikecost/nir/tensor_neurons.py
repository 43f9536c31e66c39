"""`DiscreteLIF`, `DiscreteLI` and `EventInput` in TensorFlow, so that NengoDL runs them itself.

NengoDL finds a builder by the type of the neurons, and runs types without one in Python, step by
step. Here each operation of their ``step`` is one of TensorFlow's, in the same order. NengoDL may
merge operators of one type, so that parameters are numbers if they are equal for all, else arrays.

They have no rate curve to train by: ``spiking`` stays False, and training runs the same step.

Imported when NengoDL is. Reference: nengo-dl 3.6.0, neuron_builders.py (``TFNeuronBuilder``).
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import tensorflow as tf
from nengo_dl.neuron_builders import TFNeuronBuilder

from ..activity.backend import NO_SPIKES
from .discrete_neurons import DiscreteLI, DiscreteLIF, EventInput


class _Builder(TFNeuronBuilder):  # type: ignore[misc]
    """Neurons whose parameters are numbers if all have the same, else arrays."""

    def build_pre(self, signals: Any, config: Any) -> None:
        """Read the parameters."""
        super().build_pre(signals, config)
        self.dtype = self.J_data.dtype
        if hasattr(self.ops[0].neurons, "amplitude"):
            self.height = self.number(lambda n: n.amplitude / signals.dt_val)

    def number(self, get: Callable[[Any], Any]) -> tf.Tensor:
        """A parameter of all neurons, as one number if it is."""
        return tf.constant(self.values(get), dtype=self.dtype)

    def values(self, get: Callable[[Any], Any]) -> np.ndarray:
        """What each neuron has; without axes if that is the same for all."""
        parts = [np.broadcast_to(get(op.neurons), op.J.shape) for op in self.ops]
        values = np.concatenate(parts)
        return np.asarray(values[0] if values.size and (values == values[0]).all() else values)


class _DiscreteBuilder(_Builder):
    """Membranes that decay and add their input, and a current before it."""

    def build_pre(self, signals: Any, config: Any) -> None:
        """Read the parameters."""
        super().build_pre(signals, config)
        self.decay, self.current_decay = (
            self.number(lambda n: n.decay), self.number(lambda n: n.current_decay)
        )  # fmt: skip
        self.current_gain, self.leak = (
            self.number(lambda n: n.current_gain), self.number(lambda n: n.leak)
        )  # fmt: skip

    def moved(self, J: Any, voltage: Any, current: Any) -> tuple[Any, Any]:
        """The membrane after decay and input, and the current."""
        current = self.current_decay * current + J
        return self.decay * voltage + self.current_gain * current + self.leak, current


class DiscreteLIBuilder(_DiscreteBuilder):
    """Build a group of `DiscreteLI` neurons."""

    def step(self, J: Any, dt: Any, voltage: Any, current: Any) -> tuple[Any, ...]:
        """One step of all neurons."""
        voltage, current = self.moved(J, voltage, current)
        return voltage, voltage, current


class DiscreteLIFBuilder(_DiscreteBuilder):
    """Build a group of `DiscreteLIF` neurons."""

    def build_pre(self, signals: Any, config: Any) -> None:
        """Read the parameters."""
        super().build_pre(signals, config)
        self.threshold = self.number(lambda n: n.threshold)
        self.reset_value = self.number(lambda n: n.reset_value)
        self.at_threshold = self.values(lambda n: n.at_threshold)
        self.several = self.values(lambda n: n.several)
        self.resets = self.values(lambda n: n.reset)
        self.lowest = self.values(lambda n: n.lowest).astype(self.dtype)

    def step(self, J: Any, dt: Any, voltage: Any, current: Any) -> tuple[Any, ...]:
        """One step of all neurons, as `DiscreteLIF.step` has it."""
        # 1. what the step before left to be done
        fired = self._fires(voltage)
        moved, current = self.moved(J, voltage, current)
        moved = _chosen(
            np.isin(self.resets, ("subtract_later", "subtract_owed")),
            lambda: moved - tf.cast(fired, self.dtype) * self.threshold, moved,
        )  # fmt: skip
        skipping = moved
        moved = _chosen(
            self.resets == "value_skip",
            lambda: tf.where(fired, self.reset_value, skipping), moved,
        )  # fmt: skip
        # 2. spikes
        above = moved
        spikes = tf.cast(self._fires(above), self.dtype)
        one = spikes
        least = tf.ones((), self.dtype)
        spikes = _chosen(
            self.several, lambda: one * tf.maximum(tf.floor(above / self.threshold), least), one
        )
        # 3. the reset of this step
        left = _chosen(self.resets == "subtract", lambda: above - spikes * self.threshold, above)
        left = _chosen(
            self.resets == "value", lambda: tf.where(spikes > 0, self.reset_value, above), left
        )
        left = _chosen(
            self.resets == "subtract_owed",
            lambda: above - (spikes - tf.cast(fired, self.dtype)) * self.threshold, left,
        )  # fmt: skip
        left = _chosen(self.lowest > -np.inf, lambda: tf.maximum(left, self.lowest), left)
        return spikes * self.height, left, current

    def _fires(self, voltage: Any) -> Any:
        return _chosen(
            self.at_threshold, lambda: voltage >= self.threshold, voltage > self.threshold
        )


class EventInputBuilder(_Builder):
    """Build a group of `EventInput`."""

    def step(self, J: Any, dt: Any) -> Any:
        """Whole numbers from 0, handed on."""
        whole = tf.reduce_all(tf.logical_and(J >= 0, tf.equal(tf.math.rint(J), J)))
        with tf.control_dependencies([tf.debugging.Assert(whole, [NO_SPIKES])]):
            return J * self.height


def _chosen(mask: Any, make: Callable[[], Any], other: Any) -> Any:
    """``make()`` where the mask is set, else ``other``; not computed where it is set nowhere."""
    mask = np.asarray(mask)
    if not mask.any():
        return other
    return make() if mask.all() else tf.where(mask, make(), other)


BUILDERS = {
    DiscreteLIF: DiscreteLIFBuilder, DiscreteLI: DiscreteLIBuilder, EventInput: EventInputBuilder,
}  # fmt: skip
