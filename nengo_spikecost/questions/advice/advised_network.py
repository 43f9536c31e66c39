"""The network that is advised on, as it runs now; and what an inference of any variant takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...activity.samples import SampleStream
from ...activity.subject import subject as of_network
from ...chip.chip_work import ChipWork
from ...energy import devices
from ...energy.host_pricing import price_host
from ...energy.loihi_chip import price_chip
from ...energy.loihi_chip.boundaries import checked_boundary
from ...graph import NetworkGraph
from ...loihi import Deployment, deploy
from ...trying.bench import first
from ...trying.pruning import in_keras_2
from ...workload.exact import ExactCounter
from ...workload.measured_chip import chip_work
from ...workload.workload_record import Workload
from .advise_options import AdviseOptions


@dataclass(frozen=True)
class Subject:
    """The network as it is: deployed on all samples, counted and priced.

    Attributes
    ----------
    deployment : Deployment
    x, y : array
        All samples and labels.
    options : AdviseOptions
    was_converted : bool
        Whether a Keras model was given, not what it was converted to.
    convert_options : mapping from str to object
        Further arguments of `convert` that were given.
    """

    deployment: Deployment
    x: Any = field(repr=False)
    y: Any = field(repr=False)
    options: AdviseOptions
    was_converted: bool = True
    convert_options: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def work(self) -> ChipWork:
        """What the cores did."""
        return chip_work(self.deployment.activity)

    @cached_property
    def workload(self) -> Workload:
        """What the network did, pathway by pathway."""
        return ExactCounter(self.deployment.network, self.deployment.activity).workload()

    @property
    def conversion(self) -> Any | None:
        """Of a Keras model; None of a network."""
        network = self.deployment.network
        return network if hasattr(network, "remade") else None

    @cached_property
    def model(self) -> Any:
        """The Keras model, in Keras 2, without the neurons that make spikes of its inputs."""
        assert self.conversion is not None
        return in_keras_2(self.conversion.options["model"])

    def own_name(self, layer: str) -> str:
        """A layer's name in that model: behind neurons for its inputs it is a part of another."""
        inner = self.conversion is not None and self.conversion.options.get("spike_input")
        return layer.rpartition("/")[2] if inner else layer

    @cached_property
    def graph(self) -> NetworkGraph:
        """Its populations, on the chip and beside it."""
        return NetworkGraph(self.deployment.network)

    @cached_property
    def scales(self) -> dict[str, float]:
        """Of a conversion, the scale of each layer whose outputs can be divided by one."""
        assert self.conversion is not None
        layers = [p.layer for p in self.graph.populations if hasattr(p.neuron_type, "amplitude")]
        known = self.conversion.scale_firing_rates
        return {layer: float(known.get(layer, 1.0)) for layer in dict.fromkeys(layers)}

    @property
    def layers(self) -> list[str]:
        """Layers whose spikes cost the chip something: those on it, and those that it is fed by."""
        return list(dict.fromkeys([*self.feeding, *self.layers_on_chip]))

    @property
    def layers_on_chip(self) -> list[str]:
        """Layers that have cores, without the neurons that NengoLoihi adds to Connections."""
        own = {p.layer for p in self.graph.populations}
        return [layer for layer in self.work.layer_names if layer in own]

    @cached_property
    def feeding(self) -> dict[str, float]:
        """Layers on the host that send spikes to the chip, and their shares of all of these."""
        workload = self.workload
        on_chip = {p.name: p.on_chip for p in workload.populations}
        sends = {w.pre for w in workload.pathways if on_chip.get(w.post) and w.synops is not None}
        sent: dict[str, float] = {}
        for p in workload.populations:
            if p.name in sends and not p.on_chip and p.spikes is not None:
                sent[p.layer] = sent.get(p.layer, 0.0) + float(np.mean(p.spikes))
        total = sum(sent.values())
        return {layer: spikes / total if total else 0.0 for layer, spikes in sent.items()}

    @property
    def layers_off_chip(self) -> list[str]:
        """Layers with neurons that the host computes."""
        beside = [p.layer for p in self.graph.populations if not p.on_chip]
        return list(dict.fromkeys(beside))

    @cached_property
    def timed(self) -> tuple[bool, ...]:
        """Of each array of samples, whether it has values of its own for every step."""
        if self.x is None:
            return ()
        _, stream = of_network(self.deployment.network).stream(self.x, self.work.n_steps)
        assert isinstance(stream, SampleStream)
        return tuple(values.shape[1] > 1 for values in stream.part(0, 1).inputs.values())

    def shown_for(self, n_steps: int) -> Any:
        """The samples for so many steps, cut if they have values for every step."""
        if not any(self.timed):
            return self.x
        if isinstance(self.x, Mapping):
            return {name: values[:, :n_steps] for name, values in self.x.items()}
        return self.x[:, :n_steps]

    @property
    def n_samples(self) -> int:
        """How many there are."""
        return int(self.deployment.activity.n_samples)

    @property
    def n_first(self) -> int:
        """How many are predicted from to begin with: at most half, so that a prediction is one."""
        return max(1, min(self.options.first_samples, self.n_samples // 2))

    @property
    def most_first(self) -> int:
        """How many are predicted from at most, where fewer leave a saving unsure."""
        return max(1, 3 * self.n_samples // 4)

    @cached_property
    def before(self) -> float:
        """J or s of an inference."""
        return float(self.each.mean())

    @cached_property
    def each(self) -> np.ndarray:
        """J or s of an inference of each sample, shape (n_samples,)."""
        return self.takes(self.work) + self.own_host_J

    def takes(self, work: ChipWork) -> np.ndarray:
        """J or s of the chip for each sample, without the host's work, shape (n_samples,).

        Raises
        ------
        EnergyError
            If that is not predicted: see `ChipCost.check_predicted`.
        """
        own = self.options
        cost = price_chip(work, options=own.chip)
        if own.save == "time":
            cost.check_predicted()
            return np.asarray(cost.nominal.time.latency_s)
        cost.check_predicted(own.boundary)
        return cost.nominal.energy_J(own.boundary)

    def is_at_least(self, work: ChipWork) -> bool:
        """Whether what `takes` says may be more: a host does more in a step than is counted."""
        own = self.options
        hangs_on_time = own.save == "time" or bool(checked_boundary(own.boundary))
        return hangs_on_time and own.chip.setting(work).host_io.at_least

    @cached_property
    def own_host_J(self) -> float:
        """Energy of the processor beside the chip for an inference, as the network is."""
        return self.host_J(self.workload)

    def host_J(self, workload: Workload, left: Mapping[str, float] | None = None) -> float:
        """Energy of the processor beside the chip for an inference; 0 where it does not count.

        ``left``: by layer, the share of its work that is left.
        """
        if self.options.save == "time" or self.options.host is None:
            return 0.0
        found = price_host(workload, devices.get(self.options.host))
        return float(sum(work.energy_J * (left or {}).get(work.layer, 1.0) for work in found))

    def host_J_after(self, n_steps: int) -> float:
        """The same with so many steps, of samples that were shown for longer."""
        activity = self.deployment.activity
        shorter = replace(activity, protocol=replace(activity.protocol, n_steps=n_steps))
        return self.host_J(ExactCounter(self.deployment.network, shorter).workload())

    def deployed(self, network: Any, n_samples: int | None = None, **changes: Any) -> Deployment:
        """A variant, run as the network is; on the first samples only, if so many are named."""
        given = {**self.options.running(changed=True), "progress": False, **changes}
        x = self.shown_for(changes["n_steps"]) if "n_steps" in changes else self.x
        if n_samples is None:
            return deploy(network, x, self.y, **given)
        y = None if self.y is None else self.y[:n_samples]
        return deploy(network, first(x, n_samples), y, **given)

    def of(self, deployment: Deployment) -> np.ndarray:
        """J or s of an inference of a variant that ran, for each sample."""
        workload = ExactCounter(deployment.network, deployment.activity).workload()
        return self.takes(chip_work(deployment.activity)) + self.host_J(workload)
