"""A spiking network on digital hardware, event by event, as it was counted."""

from __future__ import annotations

from ....layers.layer_macs import CONVOLUTIONS
from ....workload.work_entries import PathwayWork, PopulationWork
from ....workload.workload_record import Workload
from .ledger import Ledger
from .prices import Accesses, Memories, Prices


def spend_spiking(workload: Workload, prices: Prices, ledger: Ledger) -> None:
    """Price all populations and pathways, wherever a chip would have them."""
    biases = _stored_biases(workload)
    for population in workload.populations:
        if population.spiking and population.spikes is not None:
            done = population_accesses(population, workload.n_steps)
            words = biases.get(population.layer, population.n_neurons)
            stored = Memories(biases=words, potentials=population.n_neurons)
            ledger.spend(population.layer, done, stored, prices)
        else:
            reason = f"its {population.neuron_type} neurons have graded outputs, not spikes"
            ledger.leave_out(population.name, population.layer, reason)
    names = {population.name for population in workload.populations}
    for pathway in workload.pathways:
        if pathway.kind == "bias":
            # that of neurons is in their population
            if pathway.post not in names:
                _spend_readout_bias(pathway, workload.n_steps, prices, ledger)
        else:
            ledger.spend(pathway.layer, pathway_accesses(pathway), _memories(pathway), prices)
    for work in workload.host:
        if work.role == "function":
            operations = Accesses(additions=work.operations * work.passes)
            ledger.spend(work.layer, operations, Memories(), prices)
    for rule in workload.learning:
        ledger.leave_out(rule.name, rule.layer, "changes weights, for which there is no equation")


def population_accesses(population: PopulationWork, n_steps: int) -> Accesses:
    """Accesses of neurons by themselves: at every step, and for every spike that they emit."""
    assert population.spikes is not None
    biases = population.n_neurons * n_steps if population.has_bias else 0
    return Accesses(
        events_out=population.spikes, biases=biases, potentials=2 * population.updates,
        leaks=population.updates if population.leaky else 0, additions=biases + population.spikes,
    )  # fmt: skip


def pathway_accesses(pathway: PathwayWork) -> Accesses:
    """Accesses for arriving spikes; for graded values, of all synapses each time they come."""
    if pathway.source_spikes is None or pathway.events is None:
        values, reached = pathway.n_sources * pathway.passes, pathway.n_synapses * pathway.passes
        return Accesses(
            inputs=values, weights=reached, potentials=2 * reached, macs=reached,
            address_macs=2 * values if pathway.shared else 0, address_additions=reached,
        )  # fmt: skip
    spikes, events = pathway.source_spikes, pathway.events
    return Accesses(
        events_in=spikes, weights=events, potentials=2 * events, additions=events,
        address_macs=2 * spikes if pathway.shared else 0, address_additions=events,
    )  # fmt: skip


def _memories(pathway: PathwayWork) -> Memories:
    # workloads that are made by hand may not say how large the memories are
    return Memories(
        inputs=pathway.n_sources or pathway.n_synapses,
        weights=pathway.n_weights or pathway.n_synapses,
        potentials=pathway.n_targets or pathway.n_synapses,
    )


def _spend_readout_bias(pathway: PathwayWork, n_steps: int, prices: Prices, ledger: Ledger) -> None:
    """Biases of outputs that are no neurons: added to their accumulators at every step."""
    added = pathway.n_synapses * n_steps
    done = Accesses(biases=added, potentials=2 * added, additions=added)
    words = pathway.n_targets or pathway.n_synapses
    ledger.spend(pathway.layer, done, Memories(biases=words, potentials=words), prices)


def _stored_biases(workload: Workload) -> dict[str, int]:
    """Biases that layers store, where it is known: of convolutions one for each channel."""
    return {s.layer: s.channels_out for s in workload.shapes if s.kind in CONVOLUTIONS}
