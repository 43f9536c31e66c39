"""Activity: what a network did, counted while it was simulated."""

from ..chip.chip_activity import ChipActivity, StepCounts
from . import simulators as _simulators  # noqa: F401  (registers them)
from .activity_record import Activity, OutputActivity, PopulationActivity, Protocol
from .backend import BACKENDS, Backend, register_backend
from .measure import default_batch_size, measure
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
