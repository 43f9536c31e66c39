"""Firing rates: brought to a target, searched for what they cost, and trained for.

The options of each call are in files of their own that import nothing heavy, for the command
line; the public names below are imported when they are first used, TensorFlow with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import rates, rescaling, training

    for room in (rates, rescaling, training):
        if name in room.__all__:
            globals()[name] = getattr(room, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
