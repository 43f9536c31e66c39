"""How a network graph is shown. Importing this package registers the presenter."""

from __future__ import annotations

from . import graph_view

__all__ = ["graph_view"]
