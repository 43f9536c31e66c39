"""Presenters of this room's results, registered when it is imported."""

from . import activity_view

__all__ = ["activity_view"]
