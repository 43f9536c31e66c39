"""Arguments of `Emulator`, refused by name if they are wrong."""

from __future__ import annotations

import numbers
from collections.abc import Collection
from typing import Any

import nengo
import numpy as np

from ...check import is_whole
from ...errors import MeasurementError


def positive(value: Any, name: str) -> int:
    """A whole number of at least 1."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    if not is_whole(value, 1):
        raise MeasurementError(f"{name} must be a whole number of at least 1, not {value!r}.")
    return int(value)


def check_choice(value: Any, name: str, choices: Collection[str]) -> None:
    """Refuse what is none of some words."""
    if value not in choices:
        raise MeasurementError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")


def check_run(dt: Any, seed: Any, shared: Collection[Any]) -> None:
    """Refuse steps without a length, what is no seed, and what is no Node."""
    if not isinstance(dt, numbers.Real) or not 0 < float(dt) < float("inf"):
        raise MeasurementError(f"dt must be a positive time in s, not {dt!r}.")
    if seed is not None and not is_whole(seed, 0, 2**32 - 1):
        raise MeasurementError(f"seed must be a whole number from 0 to 2**32 - 1, not {seed!r}.")
    if not all(isinstance(node, nengo.Node) for node in shared):
        raise MeasurementError(f"shared must be Nodes of the network, not {list(shared)!r}.")
