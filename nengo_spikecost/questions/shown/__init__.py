"""What the results of this room show: their presenters are registered when it is imported."""

from . import break_even_view, comparison_view, network_energy_view, profile_view

__all__ = ["break_even_view", "comparison_view", "network_energy_view", "profile_view"]
