"""The network simulated by NengoDL with one setting after the other, and priced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

import numpy as np

from ..rescaling import RescalableNetwork
from .sweep_pricing import PricedGraph, Pricing, parts_of
from .trials import Reading, Setting, with_more


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
    pricing : Pricing
        What makes readings of what was measured.
    """

    def __init__(
        self,
        build: Callable[[float | None], RescalableNetwork],
        x: np.ndarray,
        labels: np.ndarray,
        *,
        n_steps: tuple[int, ...],
        pricing: Pricing,
    ):
        self._build = build
        self._x, self._labels = x, labels
        self._n_steps, self._pricing = n_steps, pricing
        self._networks: dict[float | None, tuple[RescalableNetwork, PricedGraph]] = {}

    def facts(self) -> dict[str, Any]:
        """Nothing has to be found out before settings are simulated."""
        return {}

    def recall(self, facts: Mapping[str, Any]) -> None:
        """Take up what `facts` gave."""

    def network(self, synapse: float | None) -> RescalableNetwork:
        """The network with that synapse, built when it is first asked for."""
        return self._network(synapse)[0]

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Simulate images ``start`` to ``stop``; a reading for each presentation time."""
        network, graph = self._network(setting.synapse)
        readings: list[Reading] = []
        for part in parts_of(start, stop):
            found = network.run(self._x[part], self._n_steps, scales=dict(setting.scales))
            new = self._pricing.readings(found, graph, self._labels[part])
            readings = with_more(readings, new)
        return readings

    def close(self) -> None:
        """Free what the simulations hold."""
        for network, _ in self._networks.values():
            network.close()
        self._networks.clear()

    def _network(self, synapse: float | None) -> tuple[RescalableNetwork, PricedGraph]:
        if synapse not in self._networks:
            network = self._build(synapse)
            self._networks[synapse] = network, PricedGraph(network.conversion)
        return self._networks[synapse]
