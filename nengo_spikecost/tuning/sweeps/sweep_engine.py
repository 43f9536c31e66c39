"""`SweepEngine`: simulates the settings of a sweep.

A sweep calls it in this order:

1. ``facts()``, once for a study, and ``recall(facts)`` in every process that goes on with it;
2. ``network(synapse)``, once for a study, for the scales that the search starts from;
3. ``read(setting, start, stop)``, setting after setting, each in stages of more images;
4. ``close()``.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

import numpy as np

from ...graph import NetworkGraph
from ..rescaling import RescalableNetwork
from .sweep_plan import Plan
from .trials import Reading, Setting, with_more

IMAGES_AT_ONCE = 1000
"""Images whose spikes are held at a time, neuron by neuron, for every presentation time."""

Measured = Callable[[np.ndarray], Mapping[int, Any]]
"""From images to their activities by presentation time."""


class SweepEngine(abc.ABC):
    """Simulates images of a sweep with one setting after the other, and prices them.

    Parameters
    ----------
    plan : Plan
        Of the sweep.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self._x, self._labels = plan.ordered()

    def facts(self) -> dict[str, Any]:
        """Whatever takes long to find and serves for all settings: kept in the study, as JSON."""
        return {}

    def recall(self, facts: Mapping[str, Any]) -> None:  # noqa: B027  (most have none)
        """Take up what `facts` gave, maybe in another process."""

    @abc.abstractmethod
    def network(self, synapse: float | None) -> RescalableNetwork:
        """The network in NengoDL, in which the search finds where it starts."""

    @abc.abstractmethod
    def simulation(self, setting: Setting, n_images: int) -> tuple[Measured, NetworkGraph]:
        """A function that measures images with this setting, and the graph to price them on."""

    @abc.abstractmethod
    def close(self) -> None:
        """Free what the simulations hold."""

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Simulate images ``start`` to ``stop``; a reading for each presentation time."""
        measured, graph = self.simulation(setting, stop - start)
        readings: list[Reading] = []
        for part in _parts(start, stop):
            activities = measured(self._x[part])
            new = self.plan.pricing.readings(activities, graph, self._labels[part])
            readings = with_more(readings, new)
        return readings


def _parts(start: int, stop: int) -> Iterator[slice]:
    """Images ``start`` to ``stop``, as many at a time as are held."""
    for first in range(start, stop, IMAGES_AT_ONCE):
        yield slice(first, min(first + IMAGES_AT_ONCE, stop))
