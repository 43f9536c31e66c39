"""Tuning: firing rates, sweeps, training."""

from .losses import PathwayFanOut, RateLoss, SynopLoss, synop_losses
from .regularizers import L1, L1L2, L2, Percentile, RangedRegularizer
from .spiking_aware import spiking_aware_training
from .training import EpochRecord, FineTuning, fine_tune

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "EpochRecord",
    "FineTuning",
    "PathwayFanOut",
    "Percentile",
    "RangedRegularizer",
    "RateLoss",
    "SynopLoss",
    "fine_tune",
    "spiking_aware_training",
    "synop_losses",
]
