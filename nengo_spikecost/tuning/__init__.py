"""Firing rates: brought to a target, searched for what they cost, and trained for."""

from .rates import (
    LayerRates,
    RateStatistic,
    RateStep,
    RateTuning,
    activation_rule,
    global_scale,
    tune_firing_rates,
)
from .rescaling import RescalableNetwork
from .training import (
    L1,
    L1L2,
    L2,
    EpochRecord,
    FineTuning,
    PathwayFanOut,
    Percentile,
    RangedRegularizer,
    RateLoss,
    SynopLoss,
    fine_tune,
    spiking_aware_training,
    synop_losses,
)

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
