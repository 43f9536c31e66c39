"""`compare`: all counters and cost models side by side, each difference explained."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .energy import devices as device_table
from .energy.break_even import leaves_host
from .energy.cost_models import CostModel, get_cost_model
from .energy.device import Device, device_key
from .energy.estimate import EnergyEstimate
from .energy.host import DEFAULT_HOST
from .energy.per_operation import takes_factors
from .energy.pricing import estimate_energy
from .errors import MissingActivityError, SpikeCostError
from .workload.record import Workload

if TYPE_CHECKING:
    import pandas

    from .activity.record import Activity

REFERENCE = "per_operation"
"""The cost model that all others are compared with, on the same device."""

AVERAGE = "average"
"""Not a cost model of its own: `REFERENCE` with mean rates times synapses for its synops."""

COST_MODELS = (REFERENCE, AVERAGE, "kerasspiking", "lemaire", "qtools")
DEVICES = ("cpu", "loihi", "digital", "digital_snn")


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
class Comparison:
    """One network as all cost models see it.

    Attributes
    ----------
    rows : tuple of ComparedRow
        Cost model by cost model, device by device.
    n_steps, n_samples : int
    dt : float
        The presentation that was measured; ``n_samples`` is 0 if none was.
    """

    rows: tuple[ComparedRow, ...]
    n_steps: int
    n_samples: int
    dt: float

    def row(self, cost_model: str, device: str) -> ComparedRow:
        """The row of a cost model and a device, by name.

        Raises
        ------
        KeyError
            If there is none.
        """
        for row in self.rows:
            if (row.cost_model, row.device.lower()) == (cost_model, device.lower()):
                return row
        raise KeyError(f"{cost_model} on {device}")

    def summary_string(self, line_length: int = 98) -> str:
        """The table, and below it a line on each difference."""
        from .report.comparison import comparison_table
        from .report.table import to_text

        return to_text(comparison_table(self), line_length)

    def summary(self, line_length: int = 98) -> None:
        """Print `summary_string`."""
        print(self.summary_string(line_length))

    def _repr_html_(self) -> str:
        from .report.comparison import comparison_table
        from .report.html import to_html

        estimates: list[EnergyEstimate] = []
        for row in self.rows:
            # presets have the name of a device and other constants
            if row.estimate and all(row.estimate.device != e.device for e in estimates):
                estimates.append(row.estimate)
        return to_html(comparison_table(self), {str(i): e for i, e in enumerate(estimates)})

    def to_frame(self) -> pandas.DataFrame:
        """A row for every cost model and device."""
        import pandas

        from .report.comparison import record

        records = [record(row) for row in self.rows]
        return pandas.DataFrame.from_records(records, index=["cost_model", "device"])

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain dicts, lists, strings and numbers."""
        from .report.comparison import record

        return {
            "format": "nengo-spikecost/comparison/1",
            "presentation": {
                "n_steps": self.n_steps,
                "dt_s": self.dt,
                "n_samples": self.n_samples,
            },
            "rows": [record(row) for row in self.rows],
        }

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """`to_dict` as JSON text, and written to ``path`` (whole or not at all) if given."""
        from .files import write_text

        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        if path is not None:
            write_text(path, text)
        return text

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write what `to_frame` gives to a CSV file, whole or not at all."""
        from .files import write_text

        write_text(path, self.to_frame().drop(columns="spread_J").to_csv())


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
    every = isinstance(devices, str) and device_key(devices) == "all"
    given = devices is not None and not every
    chosen = _devices(device_table.names() if every else DEVICES if devices is None else devices)
    reference = _counted(get_cost_model(REFERENCE), network, activity, None, None)
    rows: list[ComparedRow] = []
    for cost_model in _listed(cost_models):
        rows += _rows(cost_model, chosen, given, reference, (network, activity, example_data))
    n_steps, dt, n_samples = 1, 0.001, 0
    if activity is not None:
        n_steps, dt = activity.protocol.n_steps, activity.protocol.dt
        n_samples = activity.n_samples
    return Comparison(tuple(rows), n_steps, n_samples, dt)


def _rows(
    cost_model: str | CostModel,
    devices: list[Device],
    all_devices: bool,
    reference: Workload | str,
    counted: tuple[Any, Any, Any],
) -> list[ComparedRow]:
    from .report.comparison import explain

    network, activity, example_data = counted
    average = cost_model == AVERAGE
    model = _cost_model(REFERENCE if average else cost_model)
    name = AVERAGE if average else model.name
    if average:
        workload = reference if isinstance(reference, str) else with_average(reference)
    elif model.name == REFERENCE:
        workload = reference
    else:
        workload = _counted(model, network, activity, example_data, reference)
    rows: list[ComparedRow] = []
    for given in devices:
        device = device_table.get(given.name, model.name) if _listed_device(given) else given
        if not all_devices and not (model.can_price(device) and (device.spiking or not average)):
            continue
        if isinstance(workload, str):
            rows.append(_empty(name, device, workload))
            if not all_devices:
                break  # the same is wrong with all
            continue
        try:
            estimate = _priced(workload, device, model)
        except MissingActivityError:
            rows.append(_empty(name, device, "needs measured spikes: pass activity"))
            continue
        except SpikeCostError as error:
            rows.append(_empty(name, device, " ".join(str(error).split())))
            continue
        exact = _reference_estimate(reference, given)
        row = ComparedRow(
            cost_model=name,
            device=device.name,
            synops=_synops(workload, estimate, model) if device.spiking else None,
            macs=None if device.spiking else sum(d.macs for d in workload.dense),
            estimate=estimate,
            ratio=estimate.mean_J / exact.mean_J if exact and exact.mean_J else None,
            explanation="",
        )
        if exact is not None and not isinstance(reference, str):
            words = explain(row, workload, model, exact, reference, network)
            row = replace(row, explanation=words)
        rows.append(row)
    return rows or [_empty(name, None, "prices none of these devices")]


def _empty(cost_model: str, device: Device | None, reason: str) -> ComparedRow:
    return ComparedRow(cost_model, device.name if device else "-", None, None, None, None, reason)


def with_average(workload: Workload) -> Workload:
    """A workload whose synops are mean rate times number of synapses, of the same spikes.

    Weights in factors stay as they are counted, unless they are the synapses themselves.
    """
    operations = sum(float(np.sum(w.operations)) for w in workload.factored)
    synops = sum(float(np.sum(p.synops)) for p in workload.pathways if p.synops is not None)
    return replace(
        workload,
        pathways=tuple(replace(p, synops=p.average_synops) for p in workload.pathways),
        factored=() if operations == synops else workload.factored,
    )


def _counted(
    model: CostModel, network: Any, activity: Any, example_data: Any, reference: Any
) -> Workload | str:
    """The workload that a cost model sees, or why it sees none."""
    attempts = [(network, activity, None)]
    keras_model = getattr(network, "model", None)
    if keras_model is not None and example_data is not None:
        attempts.append((keras_model, None, example_data))
    reasons = []
    for attempt in attempts:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is uncounted is in the estimate
                counter = model.counter(*attempt)
                if activity is None or not _is_average(model):
                    return counter.workload()
                return counter.workload(activity.protocol.n_steps, activity.protocol.dt)
        except SpikeCostError as error:
            reasons.append(" ".join(str(error).split()))
    if _is_average(model):
        if keras_model is None:
            return "takes a Keras model, and this network was not made of one"
        if example_data is None:
            return "takes the data that the Keras model is run on: pass example_data"
    return reasons[-1]


def _is_average(model: CostModel) -> bool:
    """Whether a cost model counts as KerasSpiking, for any number of steps."""
    return model.counter is get_cost_model("kerasspiking").counter


def _priced(workload: Workload, device: Device, model: CostModel) -> EnergyEstimate:
    return estimate_energy(workload, device, model, device_table.get(DEFAULT_HOST))


def _reference_estimate(reference: Workload | str, device: Device) -> EnergyEstimate | None:
    if isinstance(reference, str):
        return None
    try:
        return _priced(reference, device, get_cost_model(REFERENCE))
    except SpikeCostError:
        return None


def _synops(workload: Workload, estimate: EnergyEstimate, model: CostModel) -> float | None:
    """Mean synops that are priced: those on the chip, or all events where all is priced."""
    if not model.whole_network and takes_factors(workload, estimate.device):
        return sum(float(np.mean(w.operations)) for w in workload.factored)
    on_chip = leaves_host(workload, estimate, estimate.device, model)
    found = [p.synops if on_chip or p.events is None else p.events for p in workload.pathways]
    present = [np.mean(count) for count in found if count is not None]
    return float(np.sum(present)) if present else None


def _listed(cost_models: Iterable[str | CostModel] | str | CostModel) -> list[str | CostModel]:
    return [cost_models] if isinstance(cost_models, (str, CostModel)) else list(cost_models)


def _devices(devices: Iterable[str | Device] | str | Device) -> list[Device]:
    if isinstance(devices, (str, Device)):
        devices = [devices]
    return [device_table.get(device) for device in devices]


def _listed_device(device: Device) -> bool:
    """Whether a device is that of the table, for which a cost model may have a preset."""
    return device.name in device_table.names() and device_table.get(device.name) is device


def _cost_model(name: str | CostModel) -> CostModel:
    """A cost model by name; those of packages whether they are registered or not."""
    from .energy.lemaire import lemaire
    from .energy.qtools import qtools

    try:
        return get_cost_model(name)
    except SpikeCostError:
        if name == "lemaire":
            return lemaire()
        if name == "qtools":
            return qtools()
        raise
