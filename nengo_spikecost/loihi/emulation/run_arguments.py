"""Arguments of `Emulator`, refused by name if they are wrong."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import nengo
import numpy as np

from ... import check
from ...errors import MeasurementError


def positive(value: Any, name: str) -> int:
    """A whole number of at least 1, which may be a float such as 5.0."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return check.whole(name, value, MeasurementError, 1)


def check_run(dt: Any, seed: Any, shared: Collection[Any]) -> None:
    """Refuse a wrong time step, a wrong seed, and ``shared`` that are no Nodes."""
    check.time("dt", dt, MeasurementError)
    if seed is not None:
        check.seed("seed", seed, MeasurementError)
    if not all(isinstance(node, nengo.Node) for node in shared):
        raise MeasurementError(f"shared must be Nodes of the network, not {list(shared)!r}.")
