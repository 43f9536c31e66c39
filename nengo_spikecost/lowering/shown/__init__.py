"""How the results of this room look."""

from . import lowering_view as _lowering_view  # noqa: F401  (registers its presenter)
