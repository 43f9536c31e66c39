"""Linear paths composed, so that no relay Nodes are left between neurons."""

from .lower import lower
from .record import CHANGE_KINDS, Change, Lowering

__all__ = ["CHANGE_KINDS", "Change", "Lowering", "lower"]
