"""`SweepEngine`: simulates the settings of a sweep.

A sweep calls it in this order:

1. ``facts()``, once for a study, and ``recall(facts)`` in every process that goes on with it;
2. ``network(synapse)``, once for a study, for the scales that the search starts from;
3. ``read(setting, start, stop)``, setting after setting, each in stages of more images;
4. ``close()``.

`NetworkEngine` builds the network once, in NengoDL or compiled, and simulates one setting after the
other. Compiled code only searches: settings that come into question are simulated by NengoDL once
more (judging.py).
`SettingEngine` converts and builds every setting for itself, in any simulator. On a chip
there is no other way: NengoLoihi rounds the weights of every block to whole numbers of a few bits,
and scales decide how, so that a chip with other scales is another chip. Block shapes do not depend
on scales, and are the same for all.
"""

from __future__ import annotations

import abc
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Callable

import numpy as np

from ...activity import Activity, SimulatorSpec, default_batch_size, measure, simulators
from ...activity.backend import Setup
from ...activity.batch_runs import simulator_errors
from ...activity.labels import Labels
from ...activity.lengths import measured_at
from ...activity.side_by_side import side_by_side
from ...activity.subject import subject
from ...conversion import Conversion
from ...deadlines import in_time_here
from ...energy import devices
from ...energy.host_pricing import DEFAULT_HOST
from ...energy.pricing import estimate_energy
from ...errors import UncountedWarning
from ...graph import NetworkGraph
from ...warned import warn
from ...workload.exact import ExactCounter
from ...workload.workload_record import Workload
from ..rescaling import RescalableNetwork, in_compiled_code
from ..sweep_options import SEARCHES, SweepOptions
from .chip_blocks import ChipBlocks, found_blocks, warn_of_short_times
from .joint_sums import Agreement
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
        """The network in which the search finds where it starts."""

    @abc.abstractmethod
    def simulation(self, setting: Setting, n_images: int) -> tuple[Measured, NetworkGraph]:
        """A function that measures images with this setting, and the graph to price them on."""

    @abc.abstractmethod
    def close(self) -> None:
        """Free what the simulations hold."""

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Simulate images ``start`` to ``stop``; a reading for each presentation time."""
        return self.read_part(setting, start, stop, stop - start)

    def read_part(
        self, setting: Setting, start: int, stop: int, n_images: int
    ) -> Sequence[Reading]:
        """The same of images in a simulation that is built for ``n_images``."""
        return self._read(*self.simulation(setting, n_images), start, stop)

    def _read(
        self, measured: Measured, graph: NetworkGraph, start: int, stop: int
    ) -> Sequence[Reading]:
        readings: list[Reading] = []
        for first in range(start, stop, IMAGES_AT_ONCE):
            part = slice(first, min(first + IMAGES_AT_ONCE, stop))
            activities = measured(self._x[part])
            given = activities, graph, self._labels.rows(part)
            new = in_time_here(partial(priced_readings, self.plan.options, *given))
            readings = with_more(readings, new)
        return readings


class NetworkEngine(SweepEngine):
    """Changes scales in place, and synapses too where that is possible, whatever their number.

    In NengoDL, and between a filter and none, there is a build for each synapse.
    """

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self._networks: dict[float | None, tuple[RescalableNetwork, NetworkGraph]] = {}
        self._because = ""

    def facts(self) -> dict[str, Any]:
        """What the settings are searched in, and why, if it is not what was asked for."""
        network = self.network(self.plan.options.synapses[0])
        return {"searched_in": network.simulator, "searched_because": self._because}

    def read_at(
        self, setting: Setting, n_steps: Sequence[int], start: int = 0, stop: int | None = None
    ) -> Sequence[Reading]:
        """Simulate images, or all; a reading for each of these presentation times."""
        network, graph = self._network(setting.synapse)
        scales = dict(setting.scales)
        measured: Measured = lambda x: network.run(x, n_steps, scales=scales)  # noqa: E731
        return self._read(measured, graph, start, len(self._x) if stop is None else stop)

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
            for network, graph in list(self._networks.values()):
                if network.takes_synapse(synapse):
                    self._networks[synapse] = network, graph
        if synapse not in self._networks:
            simulator = self.plan.options.simulator
            if simulator == SEARCHES:
                network, self._because = in_compiled_code(partial(self.plan.network, synapse))
            else:
                network = self.plan.network(synapse, str(simulator))
            self._networks[synapse] = network, priced_graph(network.conversion)
        self._networks[synapse][0].use_synapse(synapse)
        return self._networks[synapse]


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
        conversion = self.plan.converted(1, options.synapses[0])
        blocks = found_blocks(conversion, options.dt)
        warn_of_short_times(conversion, options.n_steps)
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
        usual = default_batch_size(n_neurons, "fresh", n_images if spec.minibatch else 1)
        need, memory = spec.need(self._network.network), plan.options.memory_bytes
        batch_size = side_by_side(need, plan.options.batch_size, usual, memory)
        setup = Setup(
            self._network.network, inputs, NetworkGraph(self._network.named).spike_sources,
            self._network.outputs, self._lengths[-1], plan.options.dt, batch_size,
            plan.options.seed, "fresh", {}, self._network.fit,
            self._network.named,
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


def priced_readings(
    options: SweepOptions, activities: Mapping[int, Activity], graph: NetworkGraph,
    labels: Labels,
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
    labels : Labels
        Classes or targets of the images measured.
    """
    read, host = [], devices.get(DEFAULT_HOST, options.cost_model.name)
    for n_steps, activity in activities.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncountedWarning)  # said when the graph was made
            workload = options.cost_model.counter(graph, activity, None).workload()
        estimate = estimate_energy(workload, options.device, options.cost_model, host)
        if estimate.time_at_least:
            part = estimate.uncounted[-1]
            warn(f"Energies hold the least of {part.name}: {part.reason}.", UncountedWarning)
        energy_J = estimate.total_J
        values = getattr(activity.read_from(readout=options.readout), options.readout)
        reading = Reading(
            n_steps=n_steps, correct=labels.outcomes(values), synops=workload.mean_synops,
            energy_J=np.array(np.broadcast_to(energy_J, (len(labels),))),
            layer_synops=_synops_by_origin(workload, graph),
            agreement=Agreement.of(values, labels.values) if labels.kind == "regression" else None,
            at_least=estimate.time_at_least,
        )  # fmt: skip
        read.append(reading)
    return read


def _synops_by_origin(workload: Workload, graph: NetworkGraph) -> Mapping[str, float]:
    """Mean synops per inference by the layer whose spikes make them.

    0 is that of a layer without a spike. One that spikes and makes no synops, as a last layer
    whose spikes the host reads, is left out: so those that are dead can be told in the study.
    """
    layer_of = {p.name: p.layer for p in graph.populations}
    synops: dict[str, float] = {}
    spikes: dict[str, float] = {}
    for pathway in workload.pathways:
        layer = layer_of.get(pathway.pre)
        if layer is None:
            continue
        if pathway.synops is not None:
            synops[layer] = synops.get(layer, 0.0) + float(np.mean(pathway.synops))
        if pathway.source_spikes is not None:
            spikes[layer] = spikes.get(layer, 0.0) + float(np.sum(pathway.source_spikes))
    made = {layer: n for layer, n in synops.items() if n or not spikes.get(layer, 0.0)}
    return {**made, **{layer: 0.0 for layer, n in spikes.items() if not n}}
