"""Spiking-aware training in NengoDL: spikes forward, the smooth rate curve backward.

NengoDL trains spiking neurons as rate neurons: in training, its builders leave the spikes
out altogether. So the network never meets what spikes do to it: rounding, the time they take
from layer to layer, what is left over in the membranes. `spiking_aware_training` makes it
simulate the spikes it will make, and pass gradients through as if they were rates.

Sources
-------
The idea is KerasSpiking's ``spiking_aware_training``,
https://www.nengo.ai/keras-spiking/reference.html. The rate curves are those of NengoDL's and
NengoLoihi's own builders.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from nengo_dl.neuron_builders import SimNeuronsBuilder, TFNeuronBuilder

from ...errors import TuningError


@tf.custom_gradient
def spikes_with_gradient_of(spikes: tf.Tensor, rates: tf.Tensor) -> Any:
    """``spikes``, exactly, with the gradient of ``rates``.

    ``rates + stop_gradient(spikes - rates)`` would round: a spike that is not exactly as
    high as a spike is not counted right.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.zeros_like(upstream), upstream

    return tf.identity(spikes), gradient


@contextlib.contextmanager
def spiking_aware_training() -> Iterator[None]:
    """Within this context NengoDL builds Simulators that train on spikes.

    Forward, in training as in inference, every neuron does what it does in inference.
    Backward, its output at each step has the gradient of its rate curve (NengoDL's
    ``training_step``) with respect to its input at that step, and membrane voltages have
    none. Only the building has to happen within; other Simulators are not affected.

    Raises
    ------
    TuningError
        When a Simulator is built with spiking neurons that have no rate curve in NengoDL,
        such as ``AdaptiveLIF``.

    Examples
    --------
    >>> import nengo_spikecost  # doctest: +SKIP
    >>> import nengo_dl
    >>> with nengo_spikecost.tuning.spiking_aware_training():
    ...     sim = nengo_dl.Simulator(net, minibatch_size=100)
    >>> sim.compile(optimizer="adam", loss={probe: "mse"})
    >>> sim.fit(x, y)
    """
    original = SimNeuronsBuilder.TF_NEURON_IMPL
    SimNeuronsBuilder.TF_NEURON_IMPL = _AwareBuilders(original)
    try:
        yield
    finally:
        SimNeuronsBuilder.TF_NEURON_IMPL = original


class _AwareBuilders(dict):
    """Builders by neuron type: those of NengoDL, aware of spikes."""

    def __contains__(self, neuron_type: Any) -> bool:
        known = super().__contains__(neuron_type)
        # a builder that spikes in training, too, has no rate curve either
        if known and getattr(super().__getitem__(neuron_type), "spiking", True):
            return True
        if getattr(neuron_type, "spiking", False):
            raise TuningError(
                f"{neuron_type.__name__} neurons can't be trained: NengoDL knows no rate curve of "
                "theirs. Train with another spiking type, such as LIF, LoihiLIF, "
                "SpikingRectifiedLinear or LoihiSpikingRectifiedLinear."
            )
        return known

    def __getitem__(self, neuron_type: Any) -> Any:
        builder = super().__getitem__(neuron_type)
        is_native = isinstance(builder, type) and issubclass(builder, TFNeuronBuilder)
        return (
            _aware_builder(builder) if is_native and getattr(builder, "spiking", False) else builder
        )


def _aware_builder(builder: type) -> type:
    """A builder whose neurons spike in training too."""

    class SpikingAwareBuilder(builder):  # type: ignore[misc, valid-type]
        def build_step(self, signals: Any, **options: Any) -> None:
            if self.config.inference_only:
                super().build_step(signals, **options)
                return
            inputs = signals.gather(self.J_data)
            state = {name: signals.gather(data) for name, data in self.state_data.items()}
            spikes, *new_state = tf.nest.flatten(self.step(inputs, signals.dt, **state))
            rates = self.training_step(inputs, signals.dt, **state)
            signals.scatter(self.output_data, spikes_with_gradient_of(spikes, rates))
            for data, value in zip(self.state_data.values(), new_state):
                signals.scatter(data, tf.stop_gradient(value))

    SpikingAwareBuilder.__name__ = f"SpikingAware{builder.__name__}"
    return SpikingAwareBuilder
