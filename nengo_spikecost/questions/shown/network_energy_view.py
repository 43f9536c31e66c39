"""The counts and energies of a network as a table, as records, and as bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ... import check
from ...energy.estimate import EnergyEstimate
from ...energy.shown import layer_export
from ...energy.shown.device_list import device_details
from ...energy.shown.layer_columns import BREAK_EVEN, device_columns, parse_columns
from ...energy.shown.layer_rows import LayerRow
from ...energy.shown.layer_table import layer_table
from ...errors import EnergyError
from ...layout import Presenter, Table, presents
from ...layout.plots import bar_size
from ...layout.presenter import Details
from ...layout.verdict import Verdict
from ...workload.workload_record import Workload
from ..network_energy import NetworkEnergy
from ..opponent.all_opponents import all_opponents
from ..opponent.break_even import break_even_of
from .worth import Outlook

Presentation = tuple[Any, Any]


@presents(NetworkEnergy)
class NetworkEnergyPresenter(Presenter[NetworkEnergy]):
    """One row a layer, what is beside the device, and totals."""

    format = "nengo-spikecost/energy/1"
    index = "layer"

    def verdict(self, energy: NetworkEnergy) -> Verdict | None:
        """None without spikes, and where another cost model than the exact one prices them."""
        workload = energy.workload()
        spikes = workload.measured and any(p.spikes is not None for p in workload.populations)
        if energy.cost_model != "per_operation" or not spikes:
            return None
        estimates = energy.estimates()
        opponents = all_opponents(workload, estimates, memory=False)
        return Verdict.of(*Outlook(estimates, opponents, workload.per).lines())

    def summary(
        self, energy: NetworkEnergy, columns: Sequence[str] | None = None,
        presentation: Presentation = (None, None), print_warnings: bool = True,
        ensembles: bool = False, further: Sequence[LayerRow] = (),
    ) -> Iterable[Table]:  # fmt: skip
        workload = energy.workload(*presentation)
        columns = _columns(energy, workload, columns)
        estimates = _estimates(energy, workload, columns)
        break_evens = {
            name: _break_evens(energy, workload, name)
            for name in device_columns(columns, (BREAK_EVEN,))
        }
        units = energy.model.si_units
        grouped = not check.flag("ensembles", ensembles, EnergyError)
        return [
            layer_table(
                workload, estimates, columns, units, print_warnings, break_evens, grouped, further
            )
        ]

    def details(
        self, energy: NetworkEnergy, columns: Sequence[str] | None = None
    ) -> Iterable[Details]:
        workload = energy.workload()
        estimates = _estimates(energy, workload, _columns(energy, workload, columns))
        return [device_details(e.device for e in estimates.values())] if estimates else []

    def records(
        self, energy: NetworkEnergy, devices: Any = None,
        presentation: Presentation = (None, None),
    ) -> list[dict[str, Any]]:  # fmt: skip
        estimates = energy.estimates(devices, *presentation)
        return layer_export.records(energy.workload(*presentation), estimates)

    def content(
        self, energy: NetworkEnergy, devices: Any = None,
        presentation: Presentation = (None, None),
    ) -> dict[str, Any]:  # fmt: skip
        estimates = energy.estimates(devices, *presentation)
        workload = energy.workload(*presentation)
        return layer_export.content(workload, estimates, energy.cost_model)

    def size(self, energy: NetworkEnergy) -> tuple[float, float]:
        return bar_size(len(energy.workload().layers))

    def draw(self, energy: NetworkEnergy, axes: Any, device: Any = None) -> None:
        _drawn(energy, device).plot(axes)


def _columns(
    energy: NetworkEnergy, workload: Workload, columns: Sequence[str] | None
) -> Sequence[str]:
    """The columns of a table, checked. Default: those that the cost model has."""
    if columns is None:
        spikes = workload.measured and workload.spiking
        columns = energy.model.measured_columns if spikes else energy.model.columns
    parse_columns(columns)
    return columns


def _estimates(
    energy: NetworkEnergy, workload: Workload, columns: Sequence[str]
) -> dict[str, EnergyEstimate]:
    """Estimates on the devices that columns name, as they write them."""
    return {name: energy.price(workload, name) for name in device_columns(columns)}


def _drawn(energy: NetworkEnergy, device: Any) -> EnergyEstimate:
    """The estimate that a plot shows: on a device, or the first spiking one with a price."""
    if device is not None:
        return energy.estimate(device)
    estimates = list(energy.estimates().values())
    if not estimates:
        raise EnergyError(f"No device has a price in cost model {energy.cost_model!r}.")
    return next((e for e in estimates if e.device.spiking), estimates[0])


def _break_evens(
    energy: NetworkEnergy, workload: Workload, device: str
) -> dict[str, float | str | None]:
    """Spikes per synapse at break-even, by layer and ``"Total"``."""
    result = break_even_of(workload, cost_model=energy.model, device=device)
    return {
        side.name: "never"
        if side.total.crossing == "never" and not side.where
        else side.break_even_spikes_per_synapse
        for side in (*result.layers, result.network)
    }
