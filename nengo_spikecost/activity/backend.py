"""What `measure` asks of a simulator.

A backend is built once for a network and a batch size, and then runs batch after batch.
It counts while it simulates and hands back only totals, so that memory does not grow with
the number of steps.
"""

from __future__ import annotations

import abc
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from ..errors import OverwriteWarning
from ..graph import Population
from .samples import InputSpec


@dataclass(frozen=True)
class Setup:
    """All that a backend needs to build a simulation.

    Attributes
    ----------
    network : nengo.Network
        Must not be changed.
    inputs : sequence of InputSpec
        The Nodes that are fed.
    populations : sequence of Population
        What is counted.
    outputs : mapping from str to nengo.Probe
        What is read, by name; the Probes are in the network.
    n_steps, dt, batch_size, seed, presentation
        See `nengo_spikecost.activity.Protocol`.
    """

    network: Any
    inputs: Sequence[InputSpec]
    populations: Sequence[Population]
    outputs: Mapping[str, Any]
    n_steps: int
    dt: float
    batch_size: int
    seed: int
    presentation: str

    @property
    def continuous(self) -> bool:
        """Whether state is kept from one batch to the next."""
        return self.presentation == "continuous"


#: More spikes of one neuron for one sample than this are refused: float32, in which spikes
#: are counted, holds all whole numbers up to here.
MAX_SPIKES = 2**24


@dataclass(frozen=True)
class BatchCounts:
    """What happened in one batch.

    Attributes
    ----------
    counts : dict from str to ndarray of shape (batch_size, n_neurons), float
        By population: see `PopulationActivity.counts`. Spikes are whole numbers.
    outputs : dict from str to (ndarray, ndarray)
        By output: values at the last step and their mean, each ``(batch_size, size)``.
    """

    counts: dict[str, np.ndarray]
    outputs: dict[str, tuple[np.ndarray, np.ndarray]]


def amplitude(population: Population) -> float:
    """Height of a spike times dt: the factor between a neuron's output and its rate."""
    return float(getattr(population.neuron_type, "amplitude", 1.0))


class Backend(abc.ABC):
    """A simulator that counts spikes while it runs."""

    @abc.abstractmethod
    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        """Present one batch, ``(batch_size, 1 or n_steps, size)`` for each input."""

    @abc.abstractmethod
    def close(self) -> None:
        """Free what the simulation holds."""


#: Simulators by name, each a function from `Setup` to `Backend`.
BACKENDS: dict[str, Callable[[Setup], Backend]] = {}

#: Those of them that present samples one after another: they are given no more samples than
#: there are, and one at a time unless asked otherwise.
ONE_BY_ONE: set[str] = set()


def register_backend(
    *names: str, minibatch: bool = True
) -> Callable[[Callable[[Setup], Backend]], Callable[[Setup], Backend]]:
    """Decorator that makes a simulator known to `measure` under one or more names.

    Parameters
    ----------
    *names : str
        What users call it.
    minibatch : bool
        Whether it simulates the samples of a batch side by side, always as many.

    Warns
    -----
    OverwriteWarning
        If a name is that of another simulator.
    """

    def decorator(factory: Callable[[Setup], Backend]) -> Callable[[Setup], Backend]:
        for name in names:
            if BACKENDS.get(name) is not None:
                warnings.warn(
                    f"There is a simulator {name!r} already. Overwriting.",
                    OverwriteWarning,
                    stacklevel=2,
                )
            BACKENDS[name] = factory
            (ONE_BY_ONE.discard if minibatch else ONE_BY_ONE.add)(name)
        return factory

    return decorator
