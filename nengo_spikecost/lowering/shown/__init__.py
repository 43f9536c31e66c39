"""How a lowering is shown. Importing this package registers the presenter."""

from __future__ import annotations

from . import lowering_view

__all__ = ["lowering_view"]
