"""Presenters of this room's results, registered when it is imported."""

from . import emulation_view

__all__ = ["emulation_view"]
