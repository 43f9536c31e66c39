"""Activity: spikes and outputs of a network, counted while it is simulated."""

from ..chip.chip_activity import ChipActivity, StepCounts
from . import known_simulators as _known_simulators  # noqa: F401  (registers them)
from . import shown as _shown  # noqa: F401  (registers presenters)
from .activity_record import Activity, OutputActivity, PopulationActivity, Protocol
from .backend import Backend, BatchCounts
from .measure import measure
from .reference import register_simulator
from .side_by_side import default_batch_size
from .simulator_spec import (
    BACKENDS,
    SimulatorSpec,
    register_backend,
    register_simulator_spec,
    simulators,
)

__all__ = [
    "BACKENDS", "Activity", "Backend", "BatchCounts", "ChipActivity", "OutputActivity",
    "PopulationActivity", "Protocol", "SimulatorSpec", "StepCounts", "default_batch_size",
    "measure", "register_backend", "register_simulator", "register_simulator_spec", "simulators",
]  # fmt: skip
