"""Whole numbers among the arguments."""

from __future__ import annotations

import math
import numbers
from typing import Any


def is_whole(value: Any, least: float = -math.inf, most: float = math.inf) -> bool:
    """Whether something is a whole number from ``least`` to ``most``.

    ``True`` and ``False`` are none, although Python counts with them: where a number is expected,
    they are an argument in the wrong place.
    """
    number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return number and bool(least <= value <= most)
