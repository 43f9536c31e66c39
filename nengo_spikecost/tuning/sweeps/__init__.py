"""Sweeps: settings searched for accuracy, energy and latency together."""

from . import shown as _shown  # noqa: F401  (registers presenters)
from .chip_blocks import ChipBlocks
from .confirmation import Confirmation
from .sweep_result import Sweep
from .sweep_run import sweep
from .trials import Point, Reading, Searched, Setting, Trial

__all__ = [
    "ChipBlocks", "Confirmation", "Point", "Reading", "Searched", "Setting", "Sweep", "Trial",
    "sweep",
]  # fmt: skip
