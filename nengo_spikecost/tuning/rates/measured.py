"""Rates of layers in one simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...activity import Activity
from ...graph import Population
from ..rate_options import RateStatistic
from .curve import LARGEST, response

#: The strongest inputs, as a share of those that are not zero.
_STRONGEST = 0.1


class MeasuredRates:
    """Spikes and rates of each layer between the first step that counts and the last.

    Parameters
    ----------
    activities : sequence of Activity
        One of the whole presentation, last; before it one until the middle of the counted
        time, and before that one until its beginning, if that is not the first step.
    populations : mapping from str to sequence of Population
        Those of each layer.
    statistic : RateStatistic
    """

    def __init__(
        self, activities: Sequence[Activity], populations: Mapping[str, Sequence[Population]],
        statistic: RateStatistic,
    ):  # fmt: skip
        self.activity = activities[-1]
        self._populations, self._statistic = populations, statistic
        self._middle = activities[-2] if len(activities) > 1 else None
        self._before = activities[-3] if len(activities) > 2 else None
        begin = 0.0 if self._before is None else self._before.protocol.presentation_time
        self.seconds = self.activity.protocol.presentation_time - begin
        self.counts = {
            name: self._between(name, self._before, self.activity) for name in populations
        }
        self.rates_hz = {name: statistic.of(c, self.seconds) for name, c in self.counts.items()}

    def details(
        self, layer: str, scale: float, activations: Mapping[str, np.ndarray], dt: float
    ) -> dict[str, Any]:
        """The other figures of `LayerRates`.

        Parameters
        ----------
        layer : str
        scale : float
        activations : mapping from str to ndarray of shape (n_samples, n_neurons)
            ReLU outputs, by population.
        dt : float
            In s.
        """
        counts = self.counts[layer]
        first, second = self._halves(layer)
        figures = {
            "mean_hz": float(counts.mean(dtype=np.float64)) / self.seconds,
            "ceiling_hz": self._ceiling(layer, dt),
            "max_hz": float(counts.max(initial=0)) / self.seconds,
            "active": np.count_nonzero(counts) / max(1, counts.size),
            "saturated": self._saturated(layer, dt), "silent": 0.0, "linearity": 0.0, "skew": 0.0,
            "first_half_hz": first, "second_half_hz": second,
        }  # fmt: skip
        names = [p.name for p in self._populations[layer]]
        if all(name in activations for name in names):
            relu = np.concatenate([np.abs(activations[name]) for name in names], axis=1)
            figures.update(_against_relu(counts, relu * scale, self.seconds))
        return figures

    def _saturated(self, layer: str, dt: float) -> float:
        """Share of active neurons and samples that fire as often as they can."""
        end = self.activity.protocol.presentation_time
        begin = end - self.seconds
        if self._middle is not None:
            begin = self._middle.protocol.presentation_time
        counts = self._between(layer, self._middle, self.activity)
        most = min(1 / dt, self._ceiling(layer, dt) or np.inf)
        n_active = np.count_nonzero(counts)
        # half a spike less, as the first step may have been one without
        full = counts >= most * (end - begin) - 0.5
        return float(np.count_nonzero(full) / n_active) if n_active else 0.0

    def _ceiling(self, layer: str, dt: float) -> float | None:
        """The rate that ten times the input hardly raises; None if there is none."""
        kind = self._populations[layer][0].neuron_type
        before, most = response(kind, np.array([LARGEST / 10, LARGEST]), dt).tolist()
        return most if most < 2 * before else None

    def _halves(self, layer: str) -> tuple[float, float]:
        if self._middle is None:
            return self.rates_hz[layer], self.rates_hz[layer]
        end = self.activity.protocol.presentation_time
        middle = self._middle.protocol.presentation_time
        first = self._between(layer, self._before, self._middle)
        second = self._between(layer, self._middle, self.activity)
        return (
            float(first.mean(dtype=np.float64)) / (middle - (end - self.seconds)),
            float(second.mean(dtype=np.float64)) / (end - middle),
        )

    def _between(self, layer: str, begin: Activity | None, end: Activity) -> np.ndarray:
        """Counts of all neurons of a layer, shape (n_samples, n_neurons)."""
        names = [p.name for p in self._populations[layer]]
        counts = np.concatenate([end.populations[n].counts for n in names], axis=1)
        if begin is None:
            return counts
        wide = np.float64 if counts.dtype.kind == "f" else np.int64
        before = np.concatenate([begin.populations[n].counts for n in names], axis=1)
        return counts.astype(wide) - before


def _against_relu(counts: np.ndarray, wanted_hz: np.ndarray, seconds: float) -> dict[str, float]:
    """Counts held against the rates that ReLU outputs times the scale stand for."""
    active = wanted_hz > 0
    used = active.any(axis=0)
    silent = used & ~counts.any(axis=0)
    total = float(wanted_hz.sum(dtype=np.float64))
    linearity = float(counts.sum(dtype=np.float64)) / seconds / total if total else 0.0
    skew = 0.0
    if linearity:
        strong = wanted_hz >= np.quantile(wanted_hz[active], 1 - _STRONGEST)
        among = float(counts[strong].sum(dtype=np.float64)) / seconds
        skew = among / float(wanted_hz[strong].sum(dtype=np.float64)) / linearity
    return {
        "silent": float(silent.sum() / max(1, int(used.sum()))), "linearity": linearity,
        "skew": skew,
    }  # fmt: skip
