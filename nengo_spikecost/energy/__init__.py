"""Pricing: Joules from a workload, a cost model and a device. It knows no network."""

from __future__ import annotations

from . import shown as _shown  # noqa: F401  (registers presenters)
from .cost_models import CostModel, cost_model_names, register_cost_model
from .device import Constant, Device
from .devices import load_devices, register_device
from .estimate import EnergyEstimate, HostEnergy, LayerEnergy, StaticEnergy
from .loihi_chip import loihi_chip
from .peers.lemaire import lemaire
from .peers.qtools import qtools
from .spread import Spread

# every cost model by its name, with its default options; `cost_models` has the first two
register_cost_model(lemaire())
register_cost_model(qtools())
register_cost_model(loihi_chip())

__all__ = [
    "Constant",
    "CostModel",
    "Device",
    "EnergyEstimate",
    "HostEnergy",
    "LayerEnergy",
    "Spread",
    "StaticEnergy",
    "cost_model_names",
    "lemaire",
    "load_devices",
    "loihi_chip",
    "qtools",
    "register_cost_model",
    "register_device",
]
