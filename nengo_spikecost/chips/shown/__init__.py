"""How fits and run times of chips look."""

from . import chip_fit_view, run_time_view  # noqa: F401  (they register themselves)
