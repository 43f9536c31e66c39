"""What a step takes time for, counted: one function a count, found by its name.

Each takes the spikes of every step, `StepSpikes`, and gives whole numbers of shape
(n_samples, n_steps). Several spikes of one neuron in one step count as one, as Xylo's vendor says:
"Multiple events per bin cost the same as a single event".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable

import numpy as np

from .layer_maps import layer_maps, layer_sizes
from .network_parts import NetworkParts


@dataclass(frozen=True)
class StepSpikes:
    """Which neurons and inputs were active at every step.

    Attributes
    ----------
    parts : NetworkParts
    fired : mapping from str to ndarray of bool, shape (n_samples, n_steps, n_neurons)
        By population on the chip: whether a neuron fired.
    inputs : mapping from str to ndarray of bool, shape (n_samples, n_steps, size)
        By input: whether an element had an event.
    assumed : tuple of str
        Inputs that are values and not events: they are taken for active at every step.
    dt : float
        Length of a step in s.
    """

    parts: NetworkParts = field(repr=False)
    fired: Mapping[str, np.ndarray] = field(repr=False)
    inputs: Mapping[str, np.ndarray] = field(repr=False)
    assumed: tuple[str, ...] = ()
    dt: float = 0.001

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of samples and of steps."""
        some = next(iter((*self.fired.values(), *self.inputs.values())))
        return some.shape[0], some.shape[1]

    def full(self, value: int) -> np.ndarray:
        """A number that is the same at every step."""
        return np.full(self.shape, value, dtype=np.int64)

    def every_one(self) -> StepSpikes:
        """One step of one sample in which every input and neuron is active: the worst case."""
        sizes = {p.name: p.n_neurons for p in self.parts.neurons}
        return StepSpikes(
            self.parts, {name: np.ones((1, 1, n), dtype=bool) for name, n in sizes.items()},
            {name: np.ones((1, 1, n), dtype=bool) for name, n in self.parts.inputs.items()},
            dt=self.dt,
        )  # fmt: skip


Count = Callable[[StepSpikes], np.ndarray]

COUNTS: dict[str, Count] = {}
"""All counts by name."""


def count(function: Count) -> Count:
    """Decorator that makes a function the count of its name."""
    COUNTS[function.__name__] = function
    return function


def _sum(spikes: StepSpikes, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """Neurons that fired, each times its weight, of the populations that have weights."""
    total = spikes.full(0)
    for name, weight in weights.items():
        total = total + spikes.fired[name] @ weight.astype(np.int64)
    return total


@count
def input_channels(spikes: StepSpikes) -> np.ndarray:
    """Elements of inputs that reach neurons."""
    return spikes.full(spikes.parts.n_channels)


@count
def input_events(spikes: StepSpikes) -> np.ndarray:
    """Elements of inputs with an event, of those that reach neurons."""
    total = spikes.full(0)
    for name, reached in spikes.parts.channels.items():
        total = total + spikes.inputs[name][..., reached].sum(axis=-1, dtype=np.int64)
    return total


@count
def input_events_times_hidden(spikes: StepSpikes) -> np.ndarray:
    """Input events, each times all hidden neurons."""
    return input_events(spikes) * spikes.parts.n_hidden


@count
def input_events_times_targets(spikes: StepSpikes) -> np.ndarray:
    """Input events, each times the neurons that any input reaches."""
    return input_events(spikes) * spikes.parts.n_targets


@count
def hidden_neurons(spikes: StepSpikes) -> np.ndarray:
    """Hidden neurons."""
    return spikes.full(spikes.parts.n_hidden)


@count
def hidden_spikes(spikes: StepSpikes) -> np.ndarray:
    """Hidden neurons that fired."""
    return _sum(spikes, {p.name: np.ones(p.n_neurons) for p in spikes.parts.hidden})


@count
def hidden_synops(spikes: StepSpikes) -> np.ndarray:
    """Hidden neurons that fired, each times the hidden neurons that it reaches."""
    return _sum(spikes, spikes.parts.fan_out)


@count
def hidden_spikes_times_outputs(spikes: StepSpikes) -> np.ndarray:
    """Hidden neurons that fired, each times all outputs."""
    return hidden_spikes(spikes) * spikes.parts.n_outputs


@count
def readout_spikes(spikes: StepSpikes) -> np.ndarray:
    """Hidden neurons that fired, of those that outputs read."""
    return _sum(spikes, spikes.parts.read)


@count
def readout_spikes_times_outputs(spikes: StepSpikes) -> np.ndarray:
    """Hidden neurons that fired, of those that outputs read, each times all outputs."""
    return readout_spikes(spikes) * spikes.parts.n_outputs


@count
def output_neurons(spikes: StepSpikes) -> np.ndarray:
    """Output neurons."""
    return spikes.full(spikes.parts.n_outputs)


@count
def layers(spikes: StepSpikes) -> np.ndarray:
    """Layers that weigh something."""
    return spikes.full(len(layer_maps(spikes.parts)))


@count
def layer_inputs(spikes: StepSpikes) -> np.ndarray:
    """Values that go into a layer, of all layers."""
    return spikes.full(sum(size_in for size_in, _ in layer_sizes(spikes.parts)))


@count
def layer_neurons(spikes: StepSpikes) -> np.ndarray:
    """Values that come out of a layer, of all layers."""
    return spikes.full(sum(size_out for _, size_out in layer_sizes(spikes.parts)))


@count
def layer_weights(spikes: StepSpikes) -> np.ndarray:
    """Values that go in times values that come out, of all layers: each as multiplied out."""
    return spikes.full(sum(size_in * size_out for size_in, size_out in layer_sizes(spikes.parts)))
