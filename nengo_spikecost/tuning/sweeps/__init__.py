"""Sweeps: settings searched for accuracy, energy and latency together."""

from .chip_blocks import ChipBlocks
from .confirmation import Confirmation
from .records import Point, Reading, Setting, Trial
from .result import Sweep
from .run import sweep

__all__ = ["ChipBlocks", "Confirmation", "Point", "Reading", "Setting", "Sweep", "Trial", "sweep"]
