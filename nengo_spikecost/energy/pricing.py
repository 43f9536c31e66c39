"""An estimate made whole: a cost model prices the layers, and the rest is the same for all.

The rest is the range that the constants' ranges make, the static power of the device, and the
work that it leaves to its host.
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
        estimate = replace(cost_model.price(workload, device), device=device)
    else:
        low, nominal, high = (
            _at(workload, device.at(level), cost_model)
            if level == "nominal" or device.has_range
            else None
            for level in ("low", "nominal", "high")
        )
        assert nominal is not None
        estimate = replace(nominal, device=device, low=low, high=high)
    if device.spiking and not cost_model.whole_network:
        estimate = replace(estimate, host=price_host(workload, host), host_device=host)
    return replace(estimate, ran_s=workload.per.seconds)


def _at(workload: Workload, device: Device, cost_model: CostModel) -> EnergyEstimate:
    return replace(with_static(workload, device, cost_model), cost_model=cost_model.name)


def with_static(workload: Workload, device: Device, cost_model: CostModel) -> EnergyEstimate:
    """The price of a workload with its static energy: the cost model's own, or the device's."""
    estimate = cost_model.price(workload, device)
    if not device.spiking and workload.dense_passes != 1:
        estimate = estimate.times(workload.dense_passes)
    return replace(estimate, static=estimate.static or static_energy(workload, estimate.device))


def static_energy(workload: Workload, device: Device) -> StaticEnergy | None:
    """Energy drawn in the time of one inference; None if the static power is not known.

    A step takes as long on the device as its ``step_time`` says, and else as it stands for. A
    device without spikes is called once a pass, and launches every layer in it; for nothing at all
    it is not called.
    """
    if device.static_power is None:
        return None
    if not device.spiking:
        assert device.step_time is not None
        n_layers, call_s = 0, device.step_time.value
        if device.layer_time is not None:
            n_layers = workload.dense_layers
            call_s += n_layers * device.layer_time.value
        calls_s = 0.0 if workload.empty else workload.dense_passes * call_s
        return StaticEnergy(device.static_power.value, calls_s, n_layers=n_layers)
    step_s = workload.dt if device.step_time is None else device.step_time.value
    n_chips = 1
    if device.neurons_per_chip is not None:
        n_neurons = sum(p.n_neurons for p in workload.populations if p.on_chip)
        n_chips = max(1, -(-n_neurons // device.neurons_per_chip))
    return StaticEnergy(device.static_power.value, workload.n_steps * step_s, n_chips)
