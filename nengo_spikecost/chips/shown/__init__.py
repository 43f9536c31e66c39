"""How fits, run times and lists of chips look."""

from . import chip_fit_view, chip_list_view, run_time_view  # noqa: F401  (they register themselves)
