"""Activities of a setting, priced: the readings of every engine."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...activity import Activity
from ...conversion import Conversion
from ...energy import devices
from ...energy.host_pricing import DEFAULT_HOST
from ...energy.pricing import estimate_energy
from ...errors import UncountedWarning
from ...graph import NetworkGraph
from ...workload.exact import ExactCounter
from ...workload.workload_record import Workload
from ..sweep_options import SweepOptions
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


def readings(
    options: SweepOptions, activities: Mapping[int, Activity], graph: NetworkGraph,
    labels: np.ndarray,
) -> list[Reading]:  # fmt: skip
    """A reading for each presentation time.

    Parameters
    ----------
    options : SweepOptions
        Its cost model counts and prices for its device, and its readout says the class.
    activities : mapping from int to Activity
        By steps.
    graph : NetworkGraph
        Made by `priced_graph`, of the network that they were measured on, with these scales
        or others.
    labels : ndarray of int64, shape (n_images,)
        Classes of the images measured.
    """
    read, host = [], devices.get(DEFAULT_HOST, options.cost_model.name)
    for n_steps, activity in activities.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncountedWarning)  # said when the graph was made
            workload = options.cost_model.counter(graph, activity, None).workload()
        energy_J = estimate_energy(workload, options.device, options.cost_model, host).total_J
        reading = Reading(
            n_steps=n_steps, correct=activity.predictions(readout=options.readout) == labels,
            energy_J=np.array(np.broadcast_to(energy_J, labels.shape)), synops=workload.mean_synops,
            layer_synops=_synops_by_origin(workload, graph),
        )  # fmt: skip
        read.append(reading)
    return read


def _synops_by_origin(workload: Workload, graph: NetworkGraph) -> Mapping[str, float]:
    """Mean synops per inference by the layer whose spikes make them."""
    layer_of = {p.name: p.layer for p in graph.populations}
    synops = dict.fromkeys(layer_of.values(), 0.0)
    for pathway in workload.pathways:
        layer = layer_of.get(pathway.pre)
        if layer is not None and pathway.synops is not None:
            synops[layer] += float(np.mean(pathway.synops))
    return synops
