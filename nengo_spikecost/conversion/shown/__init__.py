"""How the results of this room look."""

from . import conversion_view as _conversion_view  # noqa: F401  (registers its presenter)
