"""How the results of this room look."""

from . import estimate_view as _estimate_view  # noqa: F401  (registers its presenter)
