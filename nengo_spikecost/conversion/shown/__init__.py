"""How a conversion is shown. Importing this package registers the presenter."""

from __future__ import annotations

from . import conversion_view

__all__ = ["conversion_view"]
