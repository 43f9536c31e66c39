"""What the results of this room show."""

from . import rate_view as _rate_view  # noqa: F401  (registers presenters)
