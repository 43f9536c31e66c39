"""Keras models trained as the spiking networks they become, and losses to train them with."""

from . import shown as _shown  # noqa: F401  (registers presenters)
from .fine_tune import fine_tune
from .fine_tuning import EpochRecord, FineTuning
from .losses import PathwayFanOut, RateLoss, SynopLoss, synop_losses
from .regularizers import L1, L1L2, L2, Percentile, RangedRegularizer
from .seed_runs import fine_tune_seeds
from .spiking_aware import spiking_aware_training

__all__ = [
    "L1", "L1L2", "L2", "EpochRecord", "FineTuning", "PathwayFanOut", "Percentile",
    "RangedRegularizer", "RateLoss", "SynopLoss", "fine_tune", "fine_tune_seeds",
    "spiking_aware_training", "synop_losses",
]  # fmt: skip
