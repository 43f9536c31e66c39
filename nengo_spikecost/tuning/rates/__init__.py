"""Firing rates of layers: measured, predicted, and brought to a target."""

from ..rate_options import RateStatistic
from . import shown as _shown  # noqa: F401  (registers presenters)
from .curve import activation_rule, global_scale
from .rate_tuning import LayerRates, RateStep, RateTuning
from .tuner import tune_firing_rates

__all__ = [
    "LayerRates", "RateStatistic", "RateStep", "RateTuning", "activation_rule", "global_scale",
    "tune_firing_rates",
]  # fmt: skip
