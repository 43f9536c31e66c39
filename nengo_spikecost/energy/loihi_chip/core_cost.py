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
class CoreCost:
    """Counts, energy and time of one core per inference, mean over samples.

    Attributes
    ----------
    name, layer : str
    chip : int
    compartments : int
    synops, active_updates, spikes, messages_out, axon_events : float
    parts_J : mapping from one of `CORE_PARTS` to float
        Energy within the boundary ``"core dynamic"``.
    energy_J : Range
        Their sum.
    busy_s : Range
        Time that the core works.
    slowest : float
        Share of the steps in which it is the slowest core.
    """

    name: str
    layer: str
    chip: int
    compartments: int
    synops: float
    active_updates: float
    spikes: float
    messages_out: float
    axon_events: float
    parts_J: Mapping[str, float] = field(repr=False)
    energy_J: Range
    busy_s: Range
    slowest: float


@dataclass(frozen=True)
class LayerCost:
    """The cores of one layer; see `CoreCost`.

    Attributes
    ----------
    name : str
    n_cores, compartments : int
    synops, active_updates, spikes, messages_out, axon_events : float
    parts_J : mapping from one of `CORE_PARTS` to float
    energy_J : Range
    slowest : float
        Share of the steps in which one of its cores is the slowest.
    """

    name: str
    n_cores: int
    compartments: int
    synops: float
    active_updates: float
    spikes: float
    messages_out: float
    axon_events: float
    parts_J: Mapping[str, float] = field(repr=False)
    energy_J: Range
    slowest: float


class CoreColumns:
    """Counts and energies of each core, means over samples, added up where they are read."""

    def __init__(self, work: ChipWork, low: ChipPrice, nominal: ChipPrice, high: ChipPrice):
        self.compartments = work.compartments
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

    def counts(self, cores: Any) -> dict[str, Any]:
        """Sums over some cores, by the names of `CoreCost` and `LayerCost`."""
        return {
            "compartments": round(float(self.compartments[cores].sum())),
            **{key: float(mean[cores].sum()) for key, mean in self.means.items()},
            "parts_J": {key: float(part[cores].sum()) for key, part in self.parts_J.items()},
            "energy_J": Range(*(float(energy[cores].sum()) for energy in self.energy_J)),
        }
