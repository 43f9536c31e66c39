"""`compare`: all counters and cost models side by side, each difference explained."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import nengo
import numpy as np

from ... import check
from ...activity.activity_record import Activity, checked_activity
from ...conversion import Conversion
from ...energy import devices as device_table
from ...energy.cost_models import CostModel, get_cost_model
from ...energy.device import Device, device_key
from ...energy.estimate import EnergyEstimate
from ...energy.host_pricing import DEFAULT_HOST
from ...energy.per_operation import takes_factors
from ...energy.pricing import estimate_energy
from ...errors import EnergyError, MissingActivityError, SpikeCostError
from ...graph import NetworkGraph
from ...options import named_arguments
from ...workload.presentation import Presentation
from ...workload.workload_record import Workload
from ..opponent.two_sides import leaves_host
from .comparison_record import ComparedRow, Comparison
from .differences import explain

REFERENCE = "per_operation"
"""The cost model that all others are compared with, on the same device."""

AVERAGE = "average"

COST_MODELS = (REFERENCE, AVERAGE, "kerasspiking", "lemaire", "qtools")
DEVICES = ("cpu", "loihi", "digital", "digital_snn")


@named_arguments
def compare(
    network: Any,
    activity: Activity | None = None,
    *,
    cost_models: Iterable[str | CostModel] = COST_MODELS,
    devices: Iterable[str | Device] | str | Device | None = None,
    example_data: Any = None,
) -> Comparison:
    """Count and price one network in every way, and say what makes the difference.

    What cannot be compared is a row with the reason, and no error.

    Parameters
    ----------
    network : nengo.Network or Conversion
        The network; of a `Conversion`, cost models that take a Keras model get the model that
        was converted.
    activity : Activity, optional
        Spikes measured on it. Without it spiking devices have no price.
    cost_models : iterable of str or CostModel
        What to compare. ``"average"`` is ``"per_operation"`` with mean rates times synapses in
        place of exact synops.
    devices : iterable of str or Device, optional
        Default: ``cpu``, ``loihi``, ``digital`` and ``digital_snn``, and of them those that a
        cost model can price; ``"all"``: all that it can.
    example_data : optional
        Inputs as ``model.predict`` takes them, for ``"kerasspiking"``: the data that the activity
        was measured on.

    Returns
    -------
    Comparison

    Raises
    ------
    UnknownDeviceError, EnergyError
        If there is no such device, or no such cost model.

    Examples
    --------
    ::

        activity = nengo_spikecost.measure(conversion, x, 40)
        nengo_spikecost.compare(conversion, activity, example_data=x).summary()
    """
    if activity is not None:
        checked_activity(activity)
    every = isinstance(devices, str) and device_key(devices) == "all"
    given = devices is not None and not every
    chosen = _devices(device_table.names() if every else DEVICES if devices is None else devices)
    counts = _Counts(network, activity, example_data)
    rows: list[ComparedRow] = []
    for cost_model in _listed(cost_models):
        rows += _rows(get_cost_model(cost_model), chosen, given, counts)
    shown = counts.presentation or Presentation(1, 0.001)
    n_samples = 0 if activity is None else activity.n_samples
    runs_on = any(row.estimate is not None and row.estimate.ran_s is not None for row in rows)
    return Comparison(tuple(rows), shown.n_steps, n_samples, shown.dt, runs_on)


class _Counts:
    """The work of one network as every cost model counts it, each count made once."""

    def __init__(self, network: Any, activity: Activity | None, example_data: Any):
        self.network, self.activity, self.example_data = network, activity, example_data
        self.presentation: Presentation | None = None
        if activity is not None:
            protocol = activity.protocol
            self.presentation = Presentation(protocol.n_steps, protocol.dt)
        self._known: dict[int, Workload] = {}

    def workload(self, model: CostModel) -> Workload:
        """The work that a cost model prices.

        Raises
        ------
        SpikeCostError
            If it cannot count the network; the message says why.
        """
        key = id(model.counter)  # cost models may share one
        if key not in self._known:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is uncounted is in the estimate
                self._known[key] = self._counted(model)
        return self._known[key]

    def _counted(self, model: CostModel) -> Workload:
        if model.counts_from != "example data":
            return model.counter(self.network, self.activity, None).workload()
        if isinstance(self.network, (nengo.Network, NetworkGraph)):
            raise EnergyError("takes a Keras model, and this network was not made of one")
        if self.example_data is None:
            raise EnergyError("takes the data that the Keras model is run on: pass example_data")
        made_of = self.network.model if isinstance(self.network, Conversion) else self.network
        counter = model.counter(made_of, None, self.example_data)
        shown = self.presentation
        return counter.workload(shown.n_steps, shown.dt) if shown else counter.workload()

    def reference(self, device: Device) -> tuple[Workload, EnergyEstimate] | None:
        """The exact count and its price; None if there is no count, or no price."""
        model = get_cost_model(REFERENCE)
        try:
            workload = self.workload(model)
            return workload, _priced(workload, device, model)
        except SpikeCostError:
            return None


def _rows(
    model: CostModel, devices: list[Device], all_devices: bool, counts: _Counts
) -> list[ComparedRow]:
    """One row a device: of all that are given, or of those that the cost model can price."""
    rows: list[ComparedRow] = []
    for given in devices:
        device = device_table.get(given.name, model.name) if _listed_device(given) else given
        if not all_devices and not model.can_price(device):
            continue
        try:
            workload = counts.workload(model)
        except SpikeCostError as error:
            rows.append(_empty(model, device, str(error)))
            if not all_devices:
                break  # the same is wrong with all
            continue
        try:
            estimate = _priced(workload, device, model)
        except MissingActivityError:
            rows.append(_empty(model, device, "needs measured spikes: pass activity"))
        except SpikeCostError as error:
            rows.append(_empty(model, device, str(error)))
        else:
            reference = counts.reference(given)
            rows.append(_row(model, workload, estimate, reference, counts.network))
    return rows or [_empty(model, None, "prices none of these devices")]


def _row(
    model: CostModel, workload: Workload, estimate: EnergyEstimate,
    reference: tuple[Workload, EnergyEstimate] | None, network: Any,
) -> ComparedRow:  # fmt: skip
    exact_J = reference[1].mean_J if reference else 0.0
    spiking = estimate.device.spiking
    row = ComparedRow(
        cost_model=model.name,
        device=estimate.device.name,
        synops=_synops(workload, estimate, model) if spiking else None,
        macs=None if spiking else sum(d.macs for d in workload.dense),
        estimate=estimate,
        ratio=estimate.mean_J / exact_J if exact_J else None,
        explanation="",
    )
    if reference is None:
        return row
    return replace(row, explanation=explain(row, workload, model, reference, network))


def _empty(model: CostModel, device: Device | None, reason: str) -> ComparedRow:
    """A row of nothing but the reason why there is nothing to compare."""
    name = device.name if device else "-"
    return ComparedRow(model.name, name, None, None, None, None, " ".join(reason.split()))


def _priced(workload: Workload, device: Device, model: CostModel) -> EnergyEstimate:
    return estimate_energy(workload, device, model, device_table.get(DEFAULT_HOST))


def _synops(workload: Workload, estimate: EnergyEstimate, model: CostModel) -> float | None:
    """Mean synops that are priced: those on the chip, or all events where all is priced."""
    if not model.whole_network and takes_factors(workload, estimate.device):
        return sum(float(np.mean(w.operations)) for w in workload.factored)
    on_chip = leaves_host(workload, estimate, estimate.device, model)
    counts = [p.synops if on_chip or p.events is None else p.events for p in workload.pathways]
    present = [np.mean(count) for count in counts if count is not None]
    return float(np.sum(present)) if present else None


def _listed(cost_models: Iterable[str | CostModel] | str | CostModel) -> list[str | CostModel]:
    if isinstance(cost_models, (str, CostModel)):
        return [cost_models]
    return check.several("cost_models", cost_models, EnergyError, "names of cost models")


def _devices(devices: Iterable[str | Device] | str | Device) -> list[Device]:
    return [device_table.get(device) for device in device_table.listed_devices(devices)]


def _listed_device(device: Device) -> bool:
    """Whether a device is that of the table, for which a cost model may have a preset."""
    return device.name in device_table.names() and device_table.get(device.name) is device
