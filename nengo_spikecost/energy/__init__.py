"""Pricing: Joules from a workload, a cost model and a device. It knows no network."""

from __future__ import annotations

from .cost_models import CostModel, cost_model_names, register_cost_model
from .device import Constant, Device
from .devices import load_devices, register_device
from .estimate import EnergyEstimate, HostEnergy, LayerEnergy

__all__ = [
    "Constant",
    "CostModel",
    "Device",
    "EnergyEstimate",
    "HostEnergy",
    "LayerEnergy",
    "cost_model_names",
    "load_devices",
    "register_cost_model",
    "register_device",
]
