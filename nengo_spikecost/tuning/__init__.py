"""Firing rates: brought to a target, searched for what they cost, and trained for.

The options of each call are in files of their own that import nothing heavy, for the command
line; the public names below are imported when they are first used, TensorFlow with them.
"""

from __future__ import annotations

from ..lazy import lazy_names as _lazy_names

__getattr__, __dir__, __all__ = _lazy_names(
    __name__,
    {
        "rate_options": "RateStatistic",
        "rates": "LayerRates RateStep RateTuning activation_rule global_scale tune_firing_rates",
        "rescaling": "RescalableNetwork",
        "training": "L1 L1L2 L2 EpochRecord FineTuning PathwayFanOut Percentile RangedRegularizer "
        "RateLoss SynopLoss fine_tune fine_tune_seeds spiking_aware_training synop_losses",
    },
)
