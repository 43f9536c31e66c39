"""What the results of this room show."""

from . import confirmation_view as _confirmation_view  # noqa: F401  (registers presenters)
from . import sweep_view as _sweep_view  # noqa: F401
