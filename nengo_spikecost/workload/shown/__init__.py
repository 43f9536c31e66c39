"""How the results of this room look."""

from . import workload_view as _workload_view  # noqa: F401  (registers its presenter)
