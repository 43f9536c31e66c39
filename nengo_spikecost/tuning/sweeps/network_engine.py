"""The network built once in NengoDL, and simulated with one setting after the other."""

from __future__ import annotations

from ...graph import NetworkGraph
from ..rescaling import RescalableNetwork
from .sweep_engine import Measured, SweepEngine
from .sweep_plan import Plan
from .sweep_pricing import priced_graph
from .trials import Setting


class NetworkEngine(SweepEngine):
    """Changes scales in place: one build for each synapse, whatever the number of settings."""

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self._networks: dict[float | None, tuple[RescalableNetwork, NetworkGraph]] = {}

    def network(self, synapse: float | None) -> RescalableNetwork:
        return self._network(synapse)[0]

    def simulation(self, setting: Setting, n_images: int) -> tuple[Measured, NetworkGraph]:
        network, graph = self._network(setting.synapse)
        scales, n_steps = dict(setting.scales), self.plan.options.n_steps
        return lambda x: network.run(x, n_steps, scales=scales), graph

    def close(self) -> None:
        for network, _ in self._networks.values():
            network.close()
        self._networks.clear()

    def _network(self, synapse: float | None) -> tuple[RescalableNetwork, NetworkGraph]:
        if synapse not in self._networks:
            network = self.plan.network(synapse)
            self._networks[synapse] = network, priced_graph(network.conversion)
        return self._networks[synapse]
