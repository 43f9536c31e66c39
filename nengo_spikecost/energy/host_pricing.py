"""The work of a spiking device's host, priced as work of a processor.

Every multiply-accumulate and every other operation at the host's ``E_synop``, every neuron
update at its ``E_neuron``. Moving data between host and device is not included, nor what a
processor draws besides its arithmetic.
"""

from __future__ import annotations

from ..errors import EnergyError
from ..workload.workload_record import Workload
from .device import Device
from .estimate import HostEnergy

#: The host unless another is asked for.
DEFAULT_HOST = "cpu"


def price_host(workload: Workload, host: Device) -> tuple[HostEnergy, ...]:
    """Energy per inference of all work beside a spiking device.

    Parameters
    ----------
    workload : Workload
        What the network does.
    host : Device
        The processor, one that works without spikes.

    Returns
    -------
    tuple of HostEnergy
        One for every layer and role, in the order of the workload's layers.

    Raises
    ------
    EnergyError
        If the host is a spiking device.
    """
    if host.spiking:
        words = f"the host must be a processor, such as {DEFAULT_HOST}"
        raise EnergyError(f"{host.name} is a spiking device; {words}.")
    sums: dict[tuple[str, str], list[float]] = {}
    for work in workload.host:
        entry = sums.setdefault((work.layer, work.role), [0, 0, 0])
        for i, count in enumerate((work.macs, work.updates, work.operations)):
            entry[i] += count * work.passes
    order = {name: i for i, name in enumerate(workload.layer_names)}
    energies = []
    for (layer, role), (macs, updates, operations) in sums.items():
        multiplied = (macs + operations) * host.energy_per_synop_J
        energy_J = multiplied + updates * host.energy_per_neuron_J
        energies.append(HostEnergy(layer, role, macs, updates, operations, energy_J))
    return tuple(sorted(energies, key=lambda work: order[work.layer]))
