"""`Backend`: a simulator as `measure` uses it.

A back end is built once for a network and a batch size, and then runs batch after batch.
It counts while it simulates and hands back only totals, so that memory does not grow with
the number of steps.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..chip.chip_activity import ChipActivity
from ..graph import EventSource, SpikeSource
from .samples import InputSpec

#: What is said of values that were said to be numbers of spikes.
NO_SPIKES = (
    "An input was said to be spikes, and has values that are no whole numbers from 0: give numbers "
    "of spikes, or have it read as values (spikes=False)."
)


@dataclass(frozen=True)
class Setup:
    """All that a back end needs to build a simulation.

    Attributes
    ----------
    network : nengo.Network
        Must not be changed.
    inputs : sequence of InputSpec
        The Nodes that are fed.
    populations : sequence of Population or EventSource
        The neurons that are counted, and the processes on the chip whose events are.
    outputs : mapping from str to nengo.Probe
        The outputs that are read, by name; the Probes are in the network.
    n_steps : int
        Steps of a sample.
    dt : float
        Length of a step in s.
    batch_size : int
        Samples side by side.
    seed : int
        Seed of the build and the run.
    presentation : {"fresh", "continuous"}
        Start every sample from the initial state, or run on from the one before.
    options : mapping from str to object
        Arguments of `measure` that only this simulator takes: `SimulatorSpec.options`.
    fit : BlockFit, optional
        Block shapes to build with, where the simulator is a chip's.
    named : Conversion or nengo.Network, optional
        The object that the network came with, which knows the names of its layers.
    """

    network: Any
    inputs: Sequence[InputSpec]
    populations: Sequence[SpikeSource]
    outputs: Mapping[str, Any]
    n_steps: int
    dt: float
    batch_size: int
    seed: int
    presentation: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fit: Any = None
    named: Any = None

    @property
    def continuous(self) -> bool:
        """Whether state is kept from one batch to the next."""
        return self.presentation == "continuous"

    @property
    def by_step(self) -> bool:
        """Whether outputs are kept at every step, and cores counted step by step."""
        return bool(self.options.get("by_step"))

    @property
    def kept_by_step(self) -> tuple[str, ...]:
        """Outputs whose values are kept at every step; a Probe that samples has no such values."""
        if not self.by_step:
            return ()
        return tuple(name for name, probe in self.outputs.items() if probe.sample_every is None)


#: More spikes of one neuron for one sample than this are refused: float32, in which spikes
#: are counted, holds all whole numbers up to here.
MAX_SPIKES = 2**24


@dataclass(frozen=True)
class BatchCounts:
    """The counts and outputs of one batch.

    Attributes
    ----------
    counts : dict from str to ndarray of shape (batch_size, n_neurons), float
        By population: see `PopulationActivity.counts`. Spikes are whole numbers.
    outputs : dict from str to (ndarray, ndarray)
        By output: values at the last step and their mean, each ``(batch_size, size)``.
    chip : ChipActivity, optional
        The counts of each core, if the simulator is one of a chip; without those of samples
        that only fill a batch.
    notes : tuple of str
        What is to be said of how the network was run: `Protocol.notes`.
    steps : dict from str to ndarray of shape (batch_size, n_steps, size)
        By output: values at every step, of all outputs in `Setup.kept_by_step`.
    """

    counts: dict[str, np.ndarray]
    outputs: dict[str, tuple[np.ndarray, np.ndarray]]
    chip: ChipActivity | None = None
    notes: tuple[str, ...] = ()
    steps: Mapping[str, np.ndarray] = field(default_factory=dict)


def amplitude(population: SpikeSource) -> float:
    """Height of a spike times dt: the factor between a neuron's output and its rate."""
    return float(getattr(population.neuron_type, "amplitude", 1.0))


def draws_as_it_runs(population: SpikeSource) -> bool:
    """Whether neurons draw random numbers while they run, not only at the start."""
    if isinstance(population, EventSource):
        return False  # Nengo gives each process a generator of its own
    state = population.neuron_type.make_state(1, rng=np.random.RandomState(0))
    return any(isinstance(value, np.random.RandomState) for value in state.values())


class Backend(abc.ABC):
    """A simulator that counts spikes while it runs."""

    #: Whether a batch may hold fewer samples than `Setup.batch_size`; else it is filled up.
    any_size = False
    #: Why a continuous presentation can't be taken up, where it can't.
    not_resumable: str = ""

    @abc.abstractmethod
    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        """Present one batch, ``(batch_size, 1 or n_steps, size)`` for each input."""

    @abc.abstractmethod
    def close(self) -> None:
        """Free the memory and the threads of the simulation."""

    def state(self) -> dict[str, np.ndarray]:
        """The state that the next batch of a continuous presentation starts from, as arrays."""
        raise NotImplementedError

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state` that a simulation with an equal `Setup` gave."""
        raise NotImplementedError
