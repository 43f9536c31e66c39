"""What the results of this room show."""

from . import fine_tuning_view as _fine_tuning_view  # noqa: F401  (registers presenters)
