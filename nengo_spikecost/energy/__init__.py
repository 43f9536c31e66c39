"""Pricing: Joules from a workload, a cost model and a device. It knows no network."""

from __future__ import annotations

from . import shown as _shown  # noqa: F401  (registers presenters)
from .cost_models import CostModel, cost_model_names, register_cost_model
from .device import Constant, Device
from .devices import load_devices, register_device
from .estimate import EnergyEstimate, HostEnergy, LayerEnergy, StaticEnergy
from .loihi_chip import loihi_chip
from .mean_rates import AVERAGE
from .peers.kerasspiking.kerasspiking_model import KERASSPIKING
from .peers.lemaire import lemaire
from .peers.qtools import qtools
from .per_operation import PER_OPERATION
from .spread import Spread

for _model in (PER_OPERATION, AVERAGE, KERASSPIKING, lemaire(), qtools(), loihi_chip()):
    register_cost_model(_model)

__all__ = [
    "Constant", "CostModel", "Device", "EnergyEstimate", "HostEnergy", "LayerEnergy", "Spread",
    "StaticEnergy", "cost_model_names", "lemaire", "load_devices", "loihi_chip", "qtools",
    "register_cost_model", "register_device",
]  # fmt: skip
