"""One estimate, whole: a cost model's, with what every estimate has whatever the cost model.

That is the range that constants' ranges make, what the device draws without any work, and
what it leaves to its host.
"""

from __future__ import annotations

from dataclasses import replace

from ..workload.workload_record import Workload
from .cost_models import CostModel
from .device import Device
from .estimate import EnergyEstimate, StaticEnergy
from .host_pricing import price_host


def estimate_energy(
    workload: Workload, device: Device, cost_model: CostModel, host: Device
) -> EnergyEstimate:
    """Energy per inference of a workload on a device.

    Parameters
    ----------
    workload : Workload
        What the network does.
    device : Device
        Whose constants are used: as they are, and at the ends of their ranges.
    cost_model : CostModel
        What prices the layers.
    host : Device
        The processor beside a spiking device, unless the cost model needs none.

    Returns
    -------
    EnergyEstimate

    Raises
    ------
    EnergyError
        As the cost model raises it.
    """
    if cost_model.has_ranges:
        found = replace(cost_model.price(workload, device), device=device)
    else:
        low, nominal, high = (
            _at(workload, device.at(level), cost_model)
            if level == "nominal" or device.has_range
            else None
            for level in ("low", "nominal", "high")
        )
        assert nominal is not None
        found = replace(nominal, device=device, low=low, high=high)
    if device.spiking and not cost_model.whole_network:
        found = replace(found, host=price_host(workload, host), host_device=host)
    return found


def _at(workload: Workload, device: Device, cost_model: CostModel) -> EnergyEstimate:
    found = cost_model.price(workload, device)
    return replace(found, cost_model=cost_model.name, static=static_energy(workload, device))


def static_energy(workload: Workload, device: Device) -> StaticEnergy | None:
    """What a device draws in the time of one inference; None if its static power is not known.

    A step takes as long on the device as its ``step_time`` says, and else as it stands for.
    """
    if device.static_power is None:
        return None
    step_s = workload.dt if device.step_time is None else device.step_time.value
    n_chips = 1
    if device.neurons_per_chip is not None:
        n_neurons = sum(p.n_neurons for p in workload.populations if p.on_chip)
        n_chips = max(1, -(-n_neurons // device.neurons_per_chip))
    return StaticEnergy(device.static_power.value, workload.n_steps * step_s, n_chips)
