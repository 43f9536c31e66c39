"""Tuning: firing rates, sweeps, training."""

from .firing_rates import tune_firing_rates
from .losses import PathwayFanOut, RateLoss, SynopLoss, synop_losses
from .rates.record import LayerRates, RateStep, RateTuning
from .rates.rules import activation_rule, global_scale
from .rates.statistics import RateStatistic
from .regularizers import L1, L1L2, L2, Percentile, RangedRegularizer
from .rescaling import RescalableNetwork
from .spiking_aware import spiking_aware_training
from .training import EpochRecord, FineTuning, fine_tune

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "EpochRecord",
    "FineTuning",
    "LayerRates",
    "PathwayFanOut",
    "Percentile",
    "RangedRegularizer",
    "RateLoss",
    "RateStatistic",
    "RateStep",
    "RateTuning",
    "RescalableNetwork",
    "SynopLoss",
    "activation_rule",
    "fine_tune",
    "global_scale",
    "spiking_aware_training",
    "synop_losses",
    "tune_firing_rates",
]
