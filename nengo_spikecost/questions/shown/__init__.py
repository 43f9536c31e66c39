"""Presenters of this room's results, registered when it is imported."""

from . import break_even_view, comparison_view, network_energy_view, profile_view

__all__ = ["break_even_view", "comparison_view", "network_energy_view", "profile_view"]
