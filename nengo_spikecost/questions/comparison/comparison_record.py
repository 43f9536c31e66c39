"""`Comparison`: one network as all cost models see it."""

from __future__ import annotations

from dataclasses import dataclass

from ... import check
from ...energy.estimate import EnergyEstimate
from ...errors import EnergyError
from ...layout import Result
from ...layout.per import Per


@dataclass(frozen=True)
class ComparedRow:
    """One cost model on one device.

    Attributes
    ----------
    cost_model, device : str
        Their names.
    synops : float, optional
        Synaptic operations per inference that it prices. None: the device works without spikes.
    macs : int, optional
        Multiply-accumulates of one dense pass that it prices. None: the device is spiking.
    estimate : EnergyEstimate, optional
        None: it can't be compared.
    ratio : float, optional
        Energy over that of the exact count with `REFERENCE` on the same device.
    explanation : str
        What makes the difference, or why there is nothing to compare.
    """

    cost_model: str
    device: str
    synops: float | None
    macs: int | None
    estimate: EnergyEstimate | None
    ratio: float | None
    explanation: str


@dataclass(frozen=True)
class Comparison(Result):
    """One network as all cost models see it.

    Attributes
    ----------
    rows : tuple of ComparedRow
        Cost model by cost model, device by device.
    n_steps, n_samples : int
    dt : float
        The presentation that was measured; ``n_samples`` is 0 if none was.
    runs_on : bool
        Whether the network has no inferences, so that energies are shown as power.
    """

    rows: tuple[ComparedRow, ...]
    n_steps: int
    n_samples: int
    dt: float
    runs_on: bool = False

    @property
    def per(self) -> Per:
        """What figures are shown per."""
        return Per(self.n_steps * self.dt if self.runs_on else None)

    def row(self, cost_model: str, device: str) -> ComparedRow:
        """The row of a cost model and a device, by name.

        Parameters
        ----------
        cost_model : str
            Name of the cost model.
        device : str
            Name of the device; case does not matter.

        Raises
        ------
        EnergyError
            If there is none.
        """
        key = str(cost_model), str(device).lower()
        for row in self.rows:
            if (row.cost_model, row.device.lower()) == key:
                return row
        pairs = ", ".join(f"{row.cost_model!r} on {row.device!r}" for row in self.rows)
        raise EnergyError(
            f"There is no row of cost_model {check.shown(cost_model)} on device "
            f"{check.shown(device)}; there are {pairs}."
        )
