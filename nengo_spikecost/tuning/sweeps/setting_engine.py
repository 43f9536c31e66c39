"""Every setting converted and built for itself, in any simulator.

On a chip there is no other way: NengoLoihi rounds the weights of every block to whole numbers of
a few bits, and scales decide how, so that a chip with other scales is another chip. Block shapes
do not depend on scales, and are the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...activity import SimulatorSpec, default_batch_size, measure, simulators
from ...activity.backend import Setup
from ...activity.lengths import measured_at
from ...activity.measure import simulator_errors
from ...activity.subject import subject
from ...graph import NetworkGraph
from ..rescaling import RescalableNetwork
from .chip_blocks import ChipBlocks, found_blocks
from .sweep_engine import Measured, SweepEngine
from .sweep_plan import Plan
from .sweep_pricing import priced_graph
from .trials import Setting


class SettingEngine(SweepEngine):
    """Converts each setting, builds it, and measures it at every presentation time.

    A simulator whose back ends can be read on their way (`SimulatorSpec.lengths`) is built once a
    setting and simulates the longest time; every other is built and run for each.
    """

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self._spec = simulators.get(plan.options.simulator)
        self._blocks: ChipBlocks | None = None
        self._before: RescalableNetwork | None = None
        self._graphs: dict[float | None, NetworkGraph] = {}
        self._setting: Setting | None = None
        self._subject: Any = None
        self._built: _Built | None = None

    def facts(self) -> dict[str, Any]:
        """Block shapes, searched for the network that the sweep is about, on a chip.

        Raises
        ------
        LoihiError
            If NengoLoihi can't run the network, or a layer fits at no block shape.
        """
        if not self._spec.takes_block_shapes:
            return {}
        options = self.plan.options
        blocks = found_blocks(self.plan.converted(1, options.synapses[0]), options.dt)
        return {"blocks": blocks.to_dict()}

    def recall(self, facts: Mapping[str, Any]) -> None:
        if "blocks" in facts:
            self._blocks = ChipBlocks.of_dict(facts["blocks"])

    def network(self, synapse: float | None) -> RescalableNetwork:
        self._free()
        self._before = self.plan.network(synapse)
        return self._before

    def simulation(self, setting: Setting, n_images: int) -> tuple[Measured, NetworkGraph]:
        if self._setting != setting:
            self._free()
            conversion = self.plan.converted(dict(setting.scales), setting.synapse)
            if setting.synapse not in self._graphs:
                self._graphs[setting.synapse] = priced_graph(conversion)
            self._subject = conversion if self._blocks is None else self._blocks.on(conversion)
            if self._spec.lengths:
                self._built = _Built(self._spec, self._subject, self.plan, n_images)
            self._setting = setting
        measured = self._measured if self._built is None else self._built.measured
        return measured, self._graphs[setting.synapse]

    def close(self) -> None:
        self._free()
        self._graphs.clear()

    def _measured(self, x: np.ndarray) -> dict[int, Any]:
        return {
            n: measure(
                self._subject, x, n, simulator=self._spec.name, presentation="fresh",
                progress=False, **self.plan.simulation,
            )
            for n in self.plan.options.n_steps
        }  # fmt: skip

    def _free(self) -> None:
        """Only one network is held at a time: a large one takes much memory."""
        for held in (self._before, self._built):
            if held is not None:
                held.close()
        self._before = self._built = self._setting = self._subject = None


class _Built:
    """One setting, built in a simulator that is read at several lengths of one run."""

    def __init__(self, spec: SimulatorSpec, fit: Any, plan: Plan, n_images: int):
        self._spec, self._lengths, self._network = spec, plan.options.n_steps, subject(fit)
        inputs, _ = self._network.stream(plan.x[:1], self._lengths[-1])
        n_neurons = self._network.network.n_neurons
        batch_size = plan.options.batch_size
        if batch_size is None:
            batch_size = default_batch_size(n_neurons, "fresh", n_images if spec.minibatch else 1)
        setup = Setup(
            self._network.network, inputs, NetworkGraph(self._network.named).populations,
            self._network.outputs, self._lengths[-1], plan.options.dt, batch_size,
            plan.options.seed, "fresh", {}, self._network.fit,
        )  # fmt: skip
        with simulator_errors(spec.name):
            self._backend: Any = spec(setup)

    def measured(self, x: np.ndarray) -> dict[int, Any]:
        """The activity of these images at each length, each as of a run of its own."""
        _, stream = self._network.stream(x, self._lengths[-1])
        return measured_at(self._backend, stream, self._lengths, self._spec.name)

    def close(self) -> None:
        """Free what the simulation holds."""
        self._backend.close()
