"""Linear paths composed, so that no relay Nodes are left between neurons."""

from .linear_map import LinearMap, Matrix
from .lower import lower
from .reading import transform_readers
from .record import CHANGE_KINDS, Change, Lowering

__all__ = [
    "CHANGE_KINDS",
    "Change",
    "LinearMap",
    "Lowering",
    "Matrix",
    "lower",
    "transform_readers",
]
