"""How the results of this room look."""

from . import graph_view as _graph_view  # noqa: F401  (registers its presenter)
