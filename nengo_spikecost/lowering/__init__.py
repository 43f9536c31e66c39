"""Linear paths composed, so that no relay Nodes are left between neurons."""

from . import shown as _shown  # noqa: F401  (registers presenters)
from .linear_map import LinearMap, Matrix
from .lower import lower
from .lowering_record import CHANGE_KINDS, Change, Lowering
from .map_reading import transform_readers

__all__ = [
    "CHANGE_KINDS", "Change", "LinearMap", "Lowering", "Matrix", "lower", "transform_readers",
]  # fmt: skip
