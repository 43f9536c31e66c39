"""`simulator="compiled"`: Nengo's operators as instructions of compiled code."""

from ...stack.kernel_cache import forget_stale

forget_stale()
