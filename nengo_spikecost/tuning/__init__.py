"""Firing rates: brought to a target, searched for what they cost, and trained for.

The options of each call are in files of their own that import nothing heavy, for the command
line; the public names below are imported when they are first used, TensorFlow with them.
"""

from __future__ import annotations

from typing import Any

# public names by the folder that has them
_PUBLIC = {
    "rates": (
        "LayerRates", "RateStatistic", "RateStep", "RateTuning", "activation_rule",
        "global_scale", "tune_firing_rates",
    ),
    "rescaling": ("RescalableNetwork",),
    "training": (
        "L1", "L1L2", "L2", "EpochRecord", "FineTuning", "PathwayFanOut", "Percentile",
        "RangedRegularizer", "RateLoss", "SynopLoss", "fine_tune", "spiking_aware_training",
        "synop_losses",
    ),
}  # fmt: skip

__all__ = sorted(name for names in _PUBLIC.values() for name in names)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import rates, rescaling, training

    for folder in (rates, rescaling, training):
        if hasattr(folder, name):
            globals()[name] = getattr(folder, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
