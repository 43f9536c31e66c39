"""How the results of this room look."""

from . import activity_view as _activity_view  # noqa: F401  (registers its presenter)
