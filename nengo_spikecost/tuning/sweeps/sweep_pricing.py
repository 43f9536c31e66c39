"""What was measured of a setting, priced: the readings of every engine."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...energy.cost_models import CostModel
from ...energy.device import Device
from ...errors import UncountedWarning
from ...graph import NetworkGraph
from ...questions.network_energy import NetworkEnergy
from .trials import Reading

IMAGES_AT_ONCE = 1000
"""Whose spikes are held at a time, neuron by neuron and for every presentation time."""


class PricedGraph(NetworkGraph):
    """The graph of a conversion with what cost models ask a conversion for, made once.

    It serves for any scales. What of the network can't be counted is warned of here, not at
    every reading.
    """

    def __init__(self, conversion: Any):
        super().__init__(conversion)
        self.layer_infos = conversion.layer_infos
        self.layer_shapes = conversion.layer_shapes
        self.layer_of = {p.name: p.layer for p in self.populations}
        NetworkEnergy(self)


@dataclass(frozen=True)
class Pricing:
    """From activities to readings.

    Attributes
    ----------
    device : Device
        What to price on.
    cost_model : CostModel
        How.
    readout : {"last", "mean"}
        Which output is the class.
    """

    device: Device
    cost_model: CostModel
    readout: str

    def readings(
        self, activities: Mapping[int, Any], graph: PricedGraph, labels: np.ndarray
    ) -> list[Reading]:
        """A reading for each presentation time.

        Parameters
        ----------
        activities : mapping from int to Activity
            What was measured, by steps.
        graph : PricedGraph
            Of the network that it was measured on, with these scales or others.
        labels : ndarray of int64, shape (n_images,)
            Classes of the images measured.
        """
        return [self._reading(n, activities[n], graph, labels) for n in activities]

    def _reading(
        self, n_steps: int, activity: Any, graph: PricedGraph, labels: np.ndarray
    ) -> Reading:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncountedWarning)
            energy = NetworkEnergy(graph, activity, cost_model=self.cost_model)
        energy_J = energy.estimate(self.device).total_J
        workload = energy.workload()
        return Reading(
            n_steps=n_steps,
            correct=activity.predictions(readout=self.readout) == labels,
            energy_J=np.array(np.broadcast_to(energy_J, labels.shape)),
            synops=workload.mean_synops,
            layer_synops=_synops_by_origin(workload, graph),
        )


def parts_of(start: int, stop: int) -> Iterator[slice]:
    """Images ``start`` to ``stop``, as many at a time as are held."""
    for first in range(start, stop, IMAGES_AT_ONCE):
        yield slice(first, min(first + IMAGES_AT_ONCE, stop))


def _synops_by_origin(workload: Any, graph: PricedGraph) -> Mapping[str, float]:
    """Mean synops per inference by the layer whose spikes make them."""
    found = dict.fromkeys(graph.layer_of.values(), 0.0)
    for pathway in workload.pathways:
        layer = graph.layer_of.get(pathway.pre)
        if layer is not None and pathway.synops is not None:
            found[layer] += float(np.mean(pathway.synops))
    return found
