"""Values of one Probe in one presentation, gathered a few steps at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import MeasurementError


def sampled(probe: Any, dt: float, first: int, n_steps: int) -> np.ndarray:
    """At which of the steps after ``first`` a Probe takes a value, as Nengo decides it."""
    period = 1 if probe.sample_every is None else probe.sample_every / dt
    return np.arange(first + 1, first + n_steps + 1) % period < 1


class Gathered:
    """Last value, mean, and on request all values of one Probe, in all lanes.

    Parameters
    ----------
    keep : bool
        Whether to keep all values.
    every : float
        Steps between two values.
    """

    def __init__(self, keep: bool = False, every: float = 1):
        self.every = every
        self._keep = keep
        self._sum: Any = 0.0
        self._last: np.ndarray | None = None
        self._values: list[np.ndarray] = []
        self._n = 0

    def add(self, values: np.ndarray) -> None:
        """Add the values of some steps, (lanes, n_steps, ...)."""
        if not values.shape[1]:
            return
        values = values.reshape(*values.shape[:2], -1)
        self._sum = self._sum + values.sum(axis=1, dtype=np.float64)
        self._last = values[:, -1].copy()
        self._n += values.shape[1]
        if self._keep:
            self._values.append(values.copy())

    def output(self, n_samples: int) -> dict[str, np.ndarray]:
        """``"last"``, ``"mean"``, and ``"steps"`` if they are kept, of the first lanes.

        Each (n_samples, ..., size); empty if there were no values.
        """
        if self._last is None:
            return {}
        output = {"last": self._last[:n_samples], "mean": self._sum[:n_samples] / self._n}
        if self._keep:
            output["steps"] = np.concatenate(self._values, axis=1)[:n_samples]
        return output


def saw_nothing(probe: str) -> MeasurementError:
    """The error for a Probe that has no value in a presentation."""
    return MeasurementError(
        f"Probe {probe!r} saw nothing of a sample: its sample_every is longer than a "
        "presentation. Take more steps, or a shorter sample_every."
    )
