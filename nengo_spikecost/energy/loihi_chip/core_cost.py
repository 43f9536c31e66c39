"""`CoreCost` and `LayerCost`: what a core and a layer did and took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...chip.chip_work import ChipWork
from .price import ChipPrice
from .ranges import Range


@dataclass(frozen=True)
class CountedCost:
    """Counts and energy of some cores per inference, mean over samples.

    Attributes
    ----------
    name : str
    compartments : int
    synops, active_updates, spikes, messages_out, axon_events : float
    parts_J : mapping from one of `CORE_PARTS` to float
        Energy within the boundary ``"core dynamic"``.
    energy_J : Range
        Their sum.
    slowest : float
        Share of the steps in which one of them is the slowest core.
    """

    name: str
    compartments: int
    synops: float
    active_updates: float
    spikes: float
    messages_out: float
    axon_events: float
    parts_J: Mapping[str, float] = field(repr=False)
    energy_J: Range
    slowest: float


@dataclass(frozen=True)
class CoreCost(CountedCost):
    """Counts, energy and time of one core; see `CountedCost`.

    Attributes
    ----------
    layer : str
    chip : int
    busy_s : Range
        Time that the core works.
    """

    layer: str
    chip: int
    busy_s: Range


@dataclass(frozen=True)
class LayerCost(CountedCost):
    """The cores of one layer; see `CountedCost`.

    Attributes
    ----------
    n_cores : int
    """

    n_cores: int


class CoreColumns:
    """Counts and energies of each core, means over samples, added up where they are read."""

    def __init__(self, work: ChipWork, low: ChipPrice, nominal: ChipPrice, high: ChipPrice):
        self.work = work
        self.means = {
            "synops": work.total_synops().mean(axis=0),
            "active_updates": np.mean(work.active, axis=0),
            "spikes": np.mean(work.spikes, axis=0),
            "messages_out": np.mean(work.messages_out, axis=0),
            "axon_events": np.mean(work.axon_events, axis=0),
            "slowest": nominal.time.slowest,
        }
        self.parts_J = {key: part.mean(axis=0) for key, part in nominal.cores_J.items()}
        prices = (low, nominal, high)
        self.energy_J = [price.core_total_J().mean(axis=0) for price in prices]
        self.busy_s = [price.time.cores_s.mean(axis=0) for price in prices]

    def cores(self) -> tuple[CoreCost, ...]:
        """One entry a core, in the order of the work."""
        work = self.work
        return tuple(
            CoreCost(
                name=work.cores[i],
                layer=work.layers[i],
                chip=int(work.hops.chips[i]),
                **self.counts([i]),
                busy_s=Range(*(float(busy[i]) for busy in self.busy_s)),
            )
            for i in range(work.n_cores)
        )

    def layers(self) -> tuple[LayerCost, ...]:
        """One entry a layer with cores."""
        layers = np.array(self.work.layers)
        return tuple(
            self._together(name, np.flatnonzero(layers == name)) for name in self.work.layer_names
        )

    def total(self) -> LayerCost:
        """All cores as one layer."""
        return self._together("Total", np.arange(self.work.n_cores))

    def _together(self, name: str, cores: np.ndarray) -> LayerCost:
        return LayerCost(name=name, n_cores=len(cores), **self.counts(cores))

    def counts(self, cores: Any) -> dict[str, Any]:
        """Sums over some cores, by the names of `CoreCost` and `LayerCost`."""
        return {
            "compartments": round(float(self.work.compartments[cores].sum())),
            **{key: float(mean[cores].sum()) for key, mean in self.means.items()},
            "parts_J": {key: float(part[cores].sum()) for key, part in self.parts_J.items()},
            "energy_J": Range(*(float(energy[cores].sum()) for energy in self.energy_J)),
        }
