"""How the results of this room look."""

from . import chip_view as _chip_view  # noqa: F401  (registers its presenter)
