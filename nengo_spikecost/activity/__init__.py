"""Activity: what a network did, counted while it was simulated."""

from . import nengo_dl as _nengo_dl  # noqa: F401  (registers the simulator)
from . import reference as _reference  # noqa: F401  (registers the simulator)
from .backend import BACKENDS, Backend, register_backend
from .chip_record import ChipActivity, StepCounts
from .measure import default_batch_size, measure
from .record import Activity, OutputActivity, PopulationActivity, Protocol
from .reference import register_simulator

__all__ = [
    "BACKENDS",
    "Activity",
    "Backend",
    "ChipActivity",
    "OutputActivity",
    "PopulationActivity",
    "Protocol",
    "StepCounts",
    "default_batch_size",
    "measure",
    "register_backend",
    "register_simulator",
]
