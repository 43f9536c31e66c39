"""`compare`: all counters and cost models side by side, each difference explained."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ...activity.activity_record import Activity
from ...energy import devices as device_table
from ...energy.cost_models import CostModel, get_cost_model
from ...energy.device import Device, device_key
from ...energy.estimate import EnergyEstimate
from ...energy.host_pricing import DEFAULT_HOST
from ...energy.per_operation import takes_factors
from ...energy.pricing import estimate_energy
from ...errors import MissingActivityError, SpikeCostError
from ...workload.workload_record import Workload
from ..opponent.two_sides import leaves_host
from .comparison_record import ComparedRow, Comparison
from .differences import explain

REFERENCE = "per_operation"
"""The cost model that all others are compared with, on the same device."""

AVERAGE = "average"
"""Not a cost model of its own: `REFERENCE` with mean rates times synapses for its synops."""

COST_MODELS = (REFERENCE, AVERAGE, "kerasspiking", "lemaire", "qtools")
DEVICES = ("cpu", "loihi", "digital", "digital_snn")


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
    from ...energy.peers.lemaire import lemaire
    from ...energy.peers.qtools import qtools

    try:
        return get_cost_model(name)
    except SpikeCostError:
        if name == "lemaire":
            return lemaire()
        if name == "qtools":
            return qtools()
        raise
