"""Firing rates of layers: measured, predicted, and brought to a target."""

from .record import LayerRates, RateStep, RateTuning
from .rules import activation_rule, global_scale
from .statistics import RateStatistic
from .tuner import tune_firing_rates

__all__ = [
    "LayerRates",
    "RateStatistic",
    "RateStep",
    "RateTuning",
    "activation_rule",
    "global_scale",
    "tune_firing_rates",
]
