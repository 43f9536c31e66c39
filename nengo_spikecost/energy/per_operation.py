"""The per-operation cost model: so many synops and neuron updates at so many Joules each.

On a spiking device, per inference ::

    energy = synops * E_synop + neuron updates * E_neuron (+ spikes * E_spike)

over the pathways that carry spikes and the populations that spike; few devices have an energy
for a spike as such. A device that keeps
weights factored (`Device.weights`) makes the synops, and the multiplications at every step,
of that form instead. On any other device the
network runs once, dense: every weight of every Connection is one multiply-accumulate at
``E_synop`` each time it is used, every neuron one update at ``E_neuron``, and every other
operation that is known (the comparisons of a max pooling) costs ``E_synop`` too.

Assumptions, all stated with the result:

* A bias is part of the neuron's update.
* What is not on a spiking device (weights of inputs that are no spikes, neurons off the
  chip, readouts, functions) is its host's work, priced beside the device: see
  `nengo_spikecost.energy.host_pricing`.
* Changes of weights by learning rules are priced on dense devices; spiking devices have no
  energy for them, so they are listed.
* Graded populations in a network on a spiking device are not priced but listed.
* Static power is included where it is known of a device (`Device.static_power`), for the time
  of the inference. Spike routing, and input and output of the chip, are not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import EnergyError, MissingActivityError
from ..workload.work_entries import UncountedWork
from ..workload.workload_record import Workload
from .cost_models import CostModel, Counter
from .device import Device
from .estimate import EnergyEstimate, LayerEnergy

Energies = dict[str, np.ndarray]
"""Joules by layer, of shape (n_samples,) each."""


def exact_counter(network: Any, activity: Any, example_data: Any) -> Counter:
    """Count a network exactly, with the spikes of its activity if there is one.

    Raises
    ------
    EnergyError
        If example data are given, which belong to another cost model.
    """
    if example_data is not None:
        raise EnergyError(
            "example_data belongs to cost_model='kerasspiking'. To price measured spikes, "
            "pass activity=measure(network, data, n_steps)."
        )
    from ..workload.exact import ExactCounter  # devices are looked up without Nengo

    return ExactCounter(network, activity)


def price(workload: Workload, device: Device) -> EnergyEstimate:
    """Price a workload on a device.

    Parameters
    ----------
    workload : Workload
        What the network does.
    device : Device
        Energy per operation.

    Returns
    -------
    EnergyEstimate
        Parts ``"synop"`` and ``"neuron"`` (with the spikes' own energy) of each layer.

    Raises
    ------
    MissingActivityError
        If the device is spiking and no spikes were measured.
    EnergyError
        If the device is spiking and nothing in the network spikes.
    """
    uncounted: list[UncountedWork] = []
    if device.spiking:
        check_spikes(workload, device, " (with cost_model='kerasspiking': example_data)")
    n_samples = workload.n_samples if device.spiking else 1
    synop_J, neuron_J = (
        {layer.name: np.zeros(n_samples) for layer in workload.layers} for _ in range(2)
    )
    if device.spiking:
        uncounted = _price_spiking(workload, device, synop_J, neuron_J)
    else:
        _price_dense(workload, device, synop_J, neuron_J)
    layers = tuple(
        LayerEnergy(name, {"synop": synop_J[name], "neuron": neuron_J[name]})
        for name in workload.layer_names
    )
    left_out = (*workload.uncounted, *uncounted)
    return EnergyEstimate(device, "per_operation", layers, uncounted=left_out)


def takes_factors(workload: Workload, device: Device) -> bool:
    """Whether weights are priced in factors (`Device.weights`) in place of the synops.

    A workload estimated without a Nengo network has none.
    """
    return device.spiking and device.weights == "factored" and bool(workload.factored)


def check_spikes(workload: Workload, device: Device, otherwise: str = "") -> None:
    """Raise an error if there are no spikes to price.

    Parameters
    ----------
    workload : Workload
    device : Device
    otherwise : str
        Other ways to give spikes than an activity, said behind it.

    Raises
    ------
    MissingActivityError
        If no spikes were measured.
    EnergyError
        If nothing spikes.
    """
    if not workload.measured:
        raise MissingActivityError(
            f"{device.name} is a spiking device: its energy depends on the spikes of the "
            f"network. Pass activity=measure(network, data, n_steps){otherwise}."
        )
    if not workload.spiking:
        kinds = sorted({p.neuron_type for p in workload.populations}) or ["no neurons"]
        raise EnergyError(
            f"Nothing in this network spikes ({', '.join(kinds)}), so it cannot be priced on "
            f"{device.name}. Convert it with a spiking neuron_type, or price it on a device that "
            "works without spikes."
        )


def _price_spiking(
    workload: Workload, device: Device, synop_J: Energies, neuron_J: Energies
) -> list[UncountedWork]:
    uncounted: list[UncountedWork] = []
    factored = takes_factors(workload, device)
    for population in workload.populations:
        if not population.on_chip:
            continue  # the host's
        if population.spiking:
            neuron_J[population.layer] += population.updates * device.energy_per_neuron_J
            if device.energy_per_spike is not None and population.spikes is not None:
                neuron_J[population.layer] += population.spikes * device.energy_per_spike.value
        else:
            reason = f"its {population.neuron_type} neurons have graded outputs, not spikes"
            uncounted.append(UncountedWork(population.name, population.layer, reason))
    for pathway in workload.pathways:
        if not pathway.on_chip:
            continue  # the host's, or a bias: part of the neuron's update
        if pathway.synops is None:
            reason = "it carries graded values, not spikes"
            if pathway.kind == "events":
                reason = f"the events of {pathway.pre} are not in the activity: measure again"
            uncounted.append(UncountedWork(pathway.name, pathway.layer, reason))
        elif not factored:
            synop_J[pathway.layer] += pathway.synops * device.energy_per_synop_J
    if factored:
        for weights in workload.factored:
            synop_J[weights.layer] += weights.operations * device.energy_per_synop_J
    reason = "changes weights, for which the device has no energy"
    uncounted += [UncountedWork(rule.name, rule.layer, reason) for rule in workload.learning]
    return uncounted


def _price_dense(workload: Workload, device: Device, synop_J: Energies, neuron_J: Energies) -> None:
    for population in workload.populations:
        neuron_J[population.layer] += population.n_neurons * device.energy_per_neuron_J
    for weights in workload.dense:
        synop_J[weights.layer] += weights.macs * device.energy_per_synop_J
    for rule in workload.learning:
        synop_J[rule.layer] += rule.macs // workload.n_steps * device.energy_per_synop_J
    for work in workload.host:
        # functions between the layers: the weights of other host work are among the dense
        synop_J[work.layer] += work.operations * device.energy_per_synop_J


PER_OPERATION = CostModel(
    "per_operation", exact_counter, price,
    synop_J=lambda device: device.energy_per_synop_J,
)  # fmt: skip
