"""Exact counting: every spike times the number of synapses it really reaches.

A spike of neuron *i* makes ``fan_out[i]`` synaptic operations, where the fan-out is exact
per neuron: a neuron in the corner of a convolution's input has fewer targets than one in
the middle. The usual estimate, mean rate times number of synapses, is kept beside it so
that the two can be compared on the same spikes.
"""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import nengo
import numpy as np

from ..activity.activity_record import Activity, PopulationActivity, checked_activity
from ..errors import EnergyError, EstimateWarning, MeasurementError, UncountedWarning
from ..graph import NetworkGraph, Pathway, Population, factored_forms
from ..graph.layered_network import LayeredNetwork
from ..graph.off_chip import held_by
from ..graph.spike_synops import spike_synops
from ..layers.layer_info import LayerInfo, named_layer
from ..layers.layer_shape import LayerShape
from . import workload_record as work
from .input_passes import InputPasses
from .neuron_costs import has_bias, is_leaky, updates_per_step
from .presentation import Presentation, checked_presentation
from .workload_record import Workload


def count(
    graph: NetworkGraph, activity: Activity | None = None, layers: Iterable[LayerInfo] = ()
) -> Workload:
    """Count the work of a network per inference.

    Parameters
    ----------
    graph : NetworkGraph
        Populations and pathways of the network.
    activity : Activity, optional
        Spikes measured on that network. Without it only static counts are made
        (synapses, neurons), which is all that a non-spiking device needs.
    layers : iterable of LayerInfo, optional
        The rows to sort the work into, in order. Default: one for every population and
        every sink of the network. Layers that are not listed but have work follow.

    Returns
    -------
    Workload
        Synops and spikes as int64, one entry a sample; for graded populations None.

    Raises
    ------
    MeasurementError
        If the activity is not one of this network: a population is missing, or has
        another number of neurons.
    """
    n_steps, dt, n_samples = 1, 0.001, 0
    if activity is not None:
        checked_activity(activity)
    passes = InputPasses(graph, None if activity is None else activity.protocol)
    if activity is not None:
        _check_activity(graph, activity)
        n_steps, dt = activity.protocol.n_steps, activity.protocol.dt
        n_samples = activity.n_samples
    records = activity.populations if activity is not None else {}
    biased = {p.post.name for p in graph.pathways if p.kind == "bias"}
    return Workload(
        layers=_layers(graph, layers),
        populations=tuple(
            _population_work(p, records.get(p.name), n_steps, biased) for p in graph.populations
        ),
        pathways=tuple(
            _pathway_work(
                p, records.get(p.pre.name), passes.of([p.pre]) if p.kind == "input" else n_steps
            )
            for p in graph.pathways
        ),
        dense=tuple(
            work.DenseWork(
                name=w.name, layer=w.layer, macs=w.macs, on_chip=w.obj in graph.dense_on_chip,
                n_sources=w.size_in, n_targets=w.size_out, n_weights=w.n_stored,
            )
            for w in graph.dense_weights
        ),
        host=tuple(_host_work(graph, n_steps, passes)),
        factored=tuple(_factored_work(graph, activity)) if activity is not None else (),
        learning=tuple(
            work.LearningWork(r.name, r.layer, r.n_weights * n_steps, r.macs * n_steps)
            for r in graph.learning
        ),
        uncounted=tuple(work.UncountedWork(u.name, u.layer, u.reason) for u in graph.uncounted),
        n_steps=n_steps, dt=dt, n_samples=n_samples, dense_passes=passes.dense,
        runs_on=passes.runs_on,
    )  # fmt: skip


@runtime_checkable
class DescribedLayers(Protocol):
    """A network whose layers have rows and shapes of their own, as a `Conversion`'s have."""

    @property
    def layer_infos(self) -> Iterable[LayerInfo]: ...
    @property
    def layer_shapes(self) -> Iterable[LayerShape]: ...


class ExactCounter:
    """Workloads of one Nengo network for any number of steps.

    Parameters
    ----------
    network : nengo.Network, Conversion or NetworkGraph
        The network to count.
    activity : Activity, optional
        Spikes measured on it.
    """

    def __init__(self, network: Any, activity: Activity | None = None):
        if isinstance(network, NetworkGraph):
            self.graph = network
        elif isinstance(network, (nengo.Network, LayeredNetwork)):
            self.graph = NetworkGraph(network)
        else:
            raise EnergyError(
                f"Expected a nengo.Network or a Conversion, not {type(network).__name__}. A "
                "Keras model is converted first, with convert(model); or use "
                "cost_model='kerasspiking' for KerasSpiking's own estimate of it."
            )
        if isinstance(network, DescribedLayers):
            counted = count(self.graph, activity, network.layer_infos)
            self.counted = replace(counted, shapes=tuple(network.layer_shapes))
        else:
            self.counted = count(self.graph, activity)
        if self.counted.uncounted:
            reasons = "; ".join(f"{u.name} {u.reason}" for u in self.counted.uncounted)
            warnings.warn(
                f"Not counted: {reasons}. Totals are lower bounds.", UncountedWarning, stacklevel=4
            )

    def workload(self, n_steps: int | None = None, dt: float | None = None) -> Workload:
        """The workload as measured, or scaled to another presentation.

        Parameters
        ----------
        n_steps : int, optional
            Steps of an inference. Default: as measured.
        dt : float, optional
            Length of a step in s. Default: as measured.

        Warns
        -----
        EstimateWarning
            If it was measured, and is scaled.
        """
        measured = Presentation(self.counted.n_steps, self.counted.dt)
        wanted = checked_presentation(n_steps, dt, measured)
        if wanted == measured or not self.counted.measured:
            return self.counted
        warnings.warn(
            f"Spikes were measured over {measured}; the counts for {wanted} are scaled from "
            "them at the same firing rates. Measure again with n_steps="
            f"{wanted.n_steps} for exact counts.",
            EstimateWarning,
            stacklevel=4,
        )
        return self.counted.for_presentation(wanted.n_steps, wanted.dt)

    def layer_name(self, layer: Any) -> str:
        """The row of a layer given by name, as a Keras layer or as an Ensemble.

        Parameters
        ----------
        layer : str, Keras layer, nengo.Ensemble or its neurons

        Raises
        ------
        EnergyError
            If there is no such layer.
        """
        for population in self.graph.populations:
            own = population.ensemble, population.ensemble.neurons
            if isinstance(layer, (nengo.Ensemble, nengo.ensemble.Neurons)) and layer in own:
                return population.layer
        for sink in self.graph.sinks:
            if layer is sink.obj:
                return sink.layer
        return named_layer(layer, self.counted.layer_names)


def _check_activity(graph: NetworkGraph, activity: Activity) -> None:
    for population in graph.populations:
        record = activity.populations.get(population.name)
        if record is None:
            if not population.spiking:
                continue
            raise MeasurementError(
                f"The activity has no spikes for population {population.name!r}; it has "
                f"{', '.join(activity.populations) or 'none'}. Measure this network."
            )
        if record.n_neurons != population.n_neurons or record.spiking != population.spiking:
            raise MeasurementError(
                f"Population {population.name!r} has {population.n_neurons} "
                f"{_manner(population.spiking)} neurons in the network but "
                f"{record.n_neurons} {_manner(record.spiking)} ones in the activity: they "
                "are not of the same network."
            )
        if record.spiking and record.counts.dtype.kind not in "iu":
            raise MeasurementError(
                f"The spikes of population {population.name!r} are of type "
                f"{record.counts.dtype}; exact counts must be integers."
            )


def _manner(spiking: bool) -> str:
    return "spiking" if spiking else "graded"


def _population_work(
    population: Population, record: PopulationActivity | None, n_steps: int, biased: Container[str]
) -> work.PopulationWork:
    spikes = most = silent = None
    if record is not None and record.spiking:
        spikes = record.per_sample()
        if record.counts.size:
            most = float(record.counts.max())
            silent = int(record.n_neurons - np.count_nonzero(record.counts.any(axis=0)))
    return work.PopulationWork(
        name=population.name, layer=population.layer, n_neurons=population.n_neurons,
        neuron_type=type(population.neuron_type).__name__, spiking=population.spiking,
        updates=population.n_neurons * updates_per_step(population.neuron_type) * n_steps,
        on_chip=population.on_chip, spikes=spikes, most_spikes=most, n_silent=silent,
        has_bias=population.name in biased or has_bias(population.ensemble),
        leaky=is_leaky(population.neuron_type),
    )  # fmt: skip


def _host_work(graph: NetworkGraph, n_steps: int, passes: InputPasses) -> Iterator[work.HostWork]:
    for part in graph.host:
        yield work.HostWork(
            name=part.name, layer=part.layer, role=part.role, macs=part.macs, updates=0,
            operations=part.operations,
            passes=passes.of(part.sources) if part.role == "input" else n_steps,
        )  # fmt: skip
    for p in graph.populations:
        updates = 0 if p.on_chip else p.n_neurons * updates_per_step(p.neuron_type)
        if updates:
            yield work.HostWork(p.name, p.layer, "neurons", 0, updates, 0, n_steps)


def _factored_work(graph: NetworkGraph, activity: Activity) -> Iterator[work.FactoredWork]:
    """The work of the weights on the chip if they are kept in factors."""
    used = held_by(p for p in graph.pathways if p.on_chip)
    nothing = np.zeros((activity.n_samples, 0), dtype=np.int64)
    for form in factored_forms(graph):
        if form.weights.obj not in used:
            continue
        counts = nothing if form.pre is None else activity.populations[form.pre.name].counts
        n_steps = activity.protocol.n_steps
        fixed = form.operations(np.zeros_like(counts[:1]), n_steps)
        operations = form.operations(counts, n_steps)
        without_spikes = int(fixed[0]) if len(fixed) else 0
        yield work.FactoredWork(form.name, form.layer, operations, without_spikes)


def _pathway_work(
    pathway: Pathway, record: PopulationActivity | None, passes: float
) -> work.PathwayWork:
    synops = average = spikes = events = None
    if record is not None and record.spiking:
        spikes = record.per_sample()
        events = spike_synops(record.counts, pathway.fan_out)
        if pathway.on_chip:
            synops = events
            average = spikes / record.n_neurons * pathway.n_synapses
    return work.PathwayWork(
        name=pathway.name, layer=pathway.layer, kind=pathway.kind,
        n_synapses=int(pathway.n_synapses), synops=synops, average_synops=average,
        on_chip=pathway.on_chip, n_sources=pathway.pre.size, n_targets=pathway.post.size,
        n_weights=pathway.n_weights, source_spikes=spikes, events=events, passes=passes,
        pre=pathway.pre.name, post=pathway.post.name,
    )  # fmt: skip


def _layers(graph: NetworkGraph, given: Iterable[LayerInfo]) -> tuple[LayerInfo, ...]:
    """The layers given, then one for each other layer that has work."""
    rows: dict[str, LayerInfo] = {layer.name: layer for layer in given}
    sizes: dict[str, int] = {}
    for population in graph.populations:
        sizes[population.layer] = sizes.get(population.layer, 0) + population.n_neurons
    parts: list[Any] = [*graph.populations, *graph.pathways, *graph.dense_weights]
    parts += [*graph.learning, *graph.host, *graph.uncounted]
    groups = {} if rows else graph.subnetworks
    for name in [part.layer for part in parts]:
        if name not in rows:
            shape, kind = (f"({sizes[name]},)", "Ensemble") if name in sizes else ("-", "Node")
            rows[name] = LayerInfo(name, kind, shape, group=groups.get(name, ""))
    return tuple(rows.values())
