"""Losses of accuracy and their intervals, as tables write them."""

from __future__ import annotations

import math
from typing import Any

from ....layout.si import MISSING, known


def points(loss: float) -> str:
    """A loss in percentage points."""
    return f"{100 * loss + 0.0:.2f}"  # + 0.0, so that no loss is "-0.00"


def interval(ends: tuple[float, float]) -> str:
    """Both ends of an interval, in percentage points."""
    return f"{points(ends[0])} to {points(ends[1])}"


def share(value: float, ends: tuple[float, float]) -> str:
    """An accuracy with its interval: ``"98.20% (97.1 - 98.9)"``."""
    return f"{value:.2%} ({100 * ends[0]:.1f} - {100 * ends[1]:.1f})"


def quality(accuracy: float, rmse: float | None) -> str:
    """An accuracy, or of a regression the RMSE."""
    return f"{accuracy:.2%}" if rmse is None else f"{rmse:.4g}"


def correlated(value: float | None) -> str:
    """A correlation; a dash where there is none, or none was kept."""
    return MISSING if value is None or math.isnan(value) else f"{value:.4f}"


#: For rows whose correlation is not known, as that of Keras.
UNKNOWN = object()


def renamed(row: dict[str, Any], rmse: float | None, correlation: Any = UNKNOWN) -> dict[str, Any]:
    """A row of results; of a regression, what is called accuracy is R², and the RMSE beside it.

    The correlation follows it, if it is given: None and NaN are None, as JSON holds them.
    """
    if rmse is None:
        return row
    named: dict[str, Any] = {}
    for key, value in row.items():
        named[key.replace("accuracy", "r2")] = value
        if key == "accuracy":
            named["rmse"] = rmse
            if correlation is not UNKNOWN:
                named["correlation"] = known(correlation)
    return named
