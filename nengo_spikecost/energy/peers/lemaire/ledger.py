"""Where the energies of layers add up."""

from __future__ import annotations

import numpy as np

from ....errors import EnergyError
from ....workload.work_entries import UncountedWork
from ....workload.workload_record import Workload
from ...device import Device
from ...estimate import EnergyEstimate, LayerEnergy
from .prices import PARTS, Accesses, Memories, Prices, priced


class Ledger:
    """Energy of every layer of a workload, by parts.

    Parameters
    ----------
    workload : Workload
        Whose layers are the rows.
    n_samples : int
        Samples that are told apart.
    """

    def __init__(self, workload: Workload, n_samples: int):
        self._workload = workload
        self._parts_J = {
            name: {part: np.zeros(n_samples) for part in PARTS} for name in workload.layer_names
        }
        self._uncounted: list[UncountedWork] = []

    def add(self, layer: str, parts_J: dict[str, np.ndarray]) -> None:
        """Add energies of a layer; arrays of shape (n_samples,) or numbers."""
        if layer not in self._parts_J:
            if not any(np.any(energy_J) for energy_J in parts_J.values()):
                return  # a part of the model that has no row has no cost either
            raise EnergyError(
                f"{layer!r} is no layer of the workload; these are "
                f"{', '.join(self._parts_J) or 'none'}."
            )
        for part, energy_J in parts_J.items():
            self._parts_J[layer][part] += energy_J

    def spend(self, layer: str, done: Accesses, memories: Memories, prices: Prices) -> None:
        """Add the energy of a layer's accesses."""
        self.add(layer, priced(done, memories, prices))

    def leave_out(self, name: str, layer: str, reason: str) -> None:
        """List a part that has no price."""
        self._uncounted.append(UncountedWork(name, layer, reason))

    def estimate(self, device: Device, cost_model: str) -> EnergyEstimate:
        """The estimate of everything that was added."""
        return EnergyEstimate(
            device=device,
            cost_model=cost_model,
            layers=tuple(LayerEnergy(name, parts) for name, parts in self._parts_J.items()),
            uncounted=(*self._workload.uncounted, *self._uncounted),
        )
