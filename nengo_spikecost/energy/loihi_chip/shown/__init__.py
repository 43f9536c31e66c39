"""How the results of this room look."""

from . import chip_view as _chip_view  # noqa: F401  (registers its presenter)
from . import floorline_view as _floorline_view  # noqa: F401
from . import told_apart_view as _told_apart_view  # noqa: F401
