"""Activities of a setting, priced: the readings of every engine."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...activity import Activity
from ...conversion import Conversion
from ...energy import devices
from ...energy.cost_models import CostModel
from ...energy.device import Device
from ...energy.host_pricing import DEFAULT_HOST
from ...energy.pricing import estimate_energy
from ...errors import UncountedWarning
from ...graph import NetworkGraph
from ...workload.exact import ExactCounter
from ...workload.workload_record import Workload
from .trials import Reading


def priced_graph(conversion: Conversion) -> NetworkGraph:
    """The graph of a conversion, with the layers that counts are sorted into: made once.

    It serves for any scales. Parts of the network that can't be counted are warned of here, not
    at every reading.
    """
    graph: Any = NetworkGraph(conversion)
    # with these a counter sorts its counts as for the conversion (`DescribedLayers`)
    graph.layer_infos, graph.layer_shapes = conversion.layer_infos, conversion.layer_shapes
    ExactCounter(graph, None)
    return graph


@dataclass(frozen=True)
class Pricing:
    """From activities to readings.

    Attributes
    ----------
    device : Device
        A spiking device.
    cost_model : CostModel
        What counts, and what prices the counts.
    readout : {"last", "mean"}
        Which output is the class.
    """

    device: Device
    cost_model: CostModel
    readout: str

    def readings(
        self, activities: Mapping[int, Activity], graph: NetworkGraph, labels: np.ndarray
    ) -> list[Reading]:
        """A reading for each presentation time.

        Parameters
        ----------
        activities : mapping from int to Activity
            By steps.
        graph : NetworkGraph
            Made by `priced_graph`, of the network that they were measured on, with these scales
            or others.
        labels : ndarray of int64, shape (n_images,)
            Classes of the images measured.
        """
        return [self._reading(n, activities[n], graph, labels) for n in activities]

    def _reading(
        self, n_steps: int, activity: Activity, graph: NetworkGraph, labels: np.ndarray
    ) -> Reading:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncountedWarning)  # said when the graph was made
            workload = self.cost_model.counter(graph, activity, None).workload()
        host = devices.get(DEFAULT_HOST, self.cost_model.name)
        energy_J = estimate_energy(workload, self.device, self.cost_model, host).total_J
        return Reading(
            n_steps=n_steps, correct=activity.predictions(readout=self.readout) == labels,
            energy_J=np.array(np.broadcast_to(energy_J, labels.shape)), synops=workload.mean_synops,
            layer_synops=_synops_by_origin(workload, graph),
        )  # fmt: skip


def _synops_by_origin(workload: Workload, graph: NetworkGraph) -> Mapping[str, float]:
    """Mean synops per inference by the layer whose spikes make them."""
    layer_of = {p.name: p.layer for p in graph.populations}
    synops = dict.fromkeys(layer_of.values(), 0.0)
    for pathway in workload.pathways:
        layer = layer_of.get(pathway.pre)
        if layer is not None and pathway.synops is not None:
            synops[layer] += float(np.mean(pathway.synops))
    return synops
