"""The network simulated with one setting after the other, and priced."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from ...energy.cost_models import get_cost_model
from ...energy.device import Device
from ...errors import UncountedWarning
from ...graph import NetworkGraph
from ...network_energy import NetworkEnergy
from .records import Reading, Setting

if TYPE_CHECKING:
    from ..rescaling import RescalableNetwork


IMAGES_AT_ONCE = 1000
"""Whose spikes are held at a time, neuron by neuron and for every presentation time."""


class NetworkEngine:
    """Simulates images of a sweep with any scales and synapse, without building anew.

    Parameters
    ----------
    build : callable
        ``build(synapse) -> RescalableNetwork``; called once for each synapse.
    x : ndarray of shape (n_images, ...)
        The images, in the order they are seen.
    labels : ndarray of int64, shape (n_images,)
        Their classes.
    n_steps : tuple of int
        Presentation times to read, ascending.
    device : Device
        What to price on.
    cost_model : str or CostModel
        How.
    readout : {"last", "mean"}
        Which output is the class.
    """

    def __init__(
        self,
        build: Callable[[float | None], RescalableNetwork],
        x: np.ndarray,
        labels: np.ndarray,
        *,
        n_steps: tuple[int, ...],
        device: Device,
        cost_model: Any,
        readout: str,
    ):
        self._build = build
        self._x, self._labels = x, labels
        self._n_steps, self._readout = n_steps, readout
        self._device, self._cost_model = device, get_cost_model(cost_model)
        self._networks: dict[float | None, tuple[RescalableNetwork, _PricedGraph]] = {}

    def network(self, synapse: float | None) -> RescalableNetwork:
        """The network with that synapse, built when it is first asked for."""
        return self._network(synapse)[0]

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Simulate images ``start`` to ``stop``; a reading for each presentation time."""
        network, graph = self._network(setting.synapse)
        readings: list[Reading] = []
        for first in range(start, stop, IMAGES_AT_ONCE):
            part = slice(first, min(first + IMAGES_AT_ONCE, stop))
            found = network.run(self._x[part], self._n_steps, scales=dict(setting.scales))
            labels = self._labels[part]
            new = [self._reading(n, found[n], graph, labels) for n in self._n_steps]
            readings = [a.joined(b) for a, b in zip(readings, new)] if readings else new
        return readings

    def close(self) -> None:
        """Free what the simulations hold."""
        for network, _ in self._networks.values():
            network.close()
        self._networks.clear()

    def _network(self, synapse: float | None) -> tuple[RescalableNetwork, _PricedGraph]:
        if synapse not in self._networks:
            network = self._build(synapse)
            graph = _PricedGraph(network.conversion)
            NetworkEnergy(graph)  # warns of what can't be counted, here and not at every reading
            self._networks[synapse] = network, graph
        return self._networks[synapse]

    def _reading(
        self, n_steps: int, activity: Any, graph: _PricedGraph, labels: np.ndarray
    ) -> Reading:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncountedWarning)
            energy = NetworkEnergy(graph, activity, cost_model=self._cost_model)
        energy_J = energy.estimate(self._device).total_J
        workload = energy.workload()
        layers = _synops_by_origin(workload, graph)
        counted = [p.synops for p in workload.pathways if p.synops is not None]
        synops = float(sum(np.mean(s) for s in counted)) if counted else float("nan")
        return Reading(
            n_steps=n_steps,
            correct=activity.predictions(readout=self._readout) == labels,
            energy_J=np.array(np.broadcast_to(energy_J, labels.shape)),
            synops=synops,
            layer_synops=layers,
        )


class _PricedGraph(NetworkGraph):
    """The graph of a conversion with what cost models ask a conversion for, made once."""

    def __init__(self, conversion: Any):
        super().__init__(conversion)
        self.layer_infos = conversion.layer_infos
        self.layer_shapes = conversion.layer_shapes
        self.layer_of = {p.name: p.layer for p in self.populations}


def _synops_by_origin(workload: Any, graph: _PricedGraph) -> Mapping[str, float]:
    """Mean synops per inference by the layer whose spikes make them."""
    found = dict.fromkeys(graph.layer_of.values(), 0.0)
    for pathway in workload.pathways:
        layer = graph.layer_of.get(pathway.pre)
        if layer is not None and pathway.synops is not None:
            found[layer] += float(np.mean(pathway.synops))
    return found
