"""Presenters of this room's results, registered when it is imported."""

from . import (
    advice_view,
    break_even_view,
    comparison_view,
    early_exit_view,
    network_energy_view,
    profile_view,
)

__all__ = [
    "advice_view", "break_even_view", "comparison_view", "early_exit_view", "network_energy_view",
    "profile_view",
]  # fmt: skip
