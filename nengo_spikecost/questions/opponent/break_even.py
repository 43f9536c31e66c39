"""`break_even`: a spiking network against the same network without spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...activity.activity_record import Activity, checked_activity
from ...energy import devices as device_table
from ...energy.cost_models import CostModel
from ...energy.device import Device
from ...errors import MissingActivityError
from ...options import named_arguments
from ...workload.workload_record import Workload
from .balance import Sides
from .bit_matching import Bits, BitWidths, matched_models
from .break_even_record import BreakEven
from .literature import PUBLISHED, yan_compute
from .two_sides import compare_sides

DEFAULT_OPPONENT = "digital"


@named_arguments
def break_even(
    network: Any, activity: Activity, *, cost_model: str | CostModel = "per_operation",
    device: str | Device = "digital_snn", opponent: str | Device | None = None, bits: Bits = None,
) -> BreakEven:  # fmt: skip
    """Hold a spiking network against the same network without spikes.

    Parameters
    ----------
    network : nengo.Network, Conversion or NetworkGraph
        The spiking network.
    activity : Activity
        Spikes measured on it.
    cost_model : str or CostModel
        What prices both sides: ``"per_operation"`` (arithmetic), ``"lemaire"`` (memory too), or
        one of your own.
    device : str or Device
        The spiking device.
    opponent : str or Device, optional
        The device without spikes. Default: ``"digital"``.
    bits : int or mapping, optional
        Width of the opponent's activations; or of ``"activations"``, ``"weights"`` (8) and
        ``"accumulators"`` (32), the last two of both sides. Default: as many bits as count to the
        number of steps, ``ceil(log2(n_steps + 1))``; of a network that runs on, 8.

    Returns
    -------
    BreakEven

    Raises
    ------
    EnergyError
        If the device does not spike, the opponent does, the cost model cannot price one of them,
        or widths are not whole numbers.
    MeasurementError
        If the activity was not measured on this network.

    Examples
    --------
    ::

        result = nengo_spikecost.break_even(conversion, activity, cost_model="lemaire")
        result.summary()
        result.plot()
    """
    if activity is None:
        raise MissingActivityError(
            "break_even needs the spikes of the network: pass activity=measure(network, data, "
            "n_steps)."
        )
    checked_activity(activity)
    model, _ = matched_models(cost_model, BitWidths.of(bits, activity.protocol.n_steps))
    return break_even_of(
        model.counter(network, activity, None).workload(), cost_model=cost_model, device=device,
        opponent=opponent, bits=bits, zero_share=zero_share(activity),
    )  # fmt: skip


def break_even_of(
    workload: Workload, *, cost_model: str | CostModel = "per_operation",
    device: str | Device = "digital_snn", opponent: str | Device | None = None, bits: Bits = None,
    zero_share: float = 0.0,
) -> BreakEven:  # fmt: skip
    """`break_even` of what has been counted already.

    Parameters
    ----------
    workload : Workload
        With measured spikes.
    cost_model : str or CostModel
        How both sides are priced.
    device : str or Device
        That of the spiking network.
    opponent : str or Device, optional
        That of the same network without spikes. Default: ``"digital"``.
    bits : int, mapping or BitWidths, optional
        Widths of weights, sums and the opponent's activations. Default: activations that tell as
        many values apart as there are steps.
    zero_share : float
        Share of neurons that do not spike in an inference; for the condition of Yan et al.
    """
    widths = BitWidths.of(bits, workload.n_steps, workload.runs_on)
    model, _ = matched_models(cost_model, widths)
    given = device_table.get(device, model.name)
    other = device_table.get(DEFAULT_OPPONENT if opponent is None else opponent, model.name)
    sides = compare_sides(workload, given, other, cost_model, widths)
    ratio = sides.mac_over_acc
    thresholds = PUBLISHED if ratio is None else (yan_compute(ratio, zero_share), *PUBLISHED)
    if workload.runs_on:
        thresholds = ()  # all of them are of inferences
    return BreakEven(
        sides=sides, cost_model=model.name, widths=widths, given_device=given,
        memory=sides.network.arithmetic is not None, prices_widths=bool(model.widths),
        n_steps=workload.n_steps, n_samples=workload.n_samples, dt=workload.dt,
        thresholds=thresholds, range=_range(workload, sides, cost_model, widths),
        runs_on=workload.runs_on,
    )  # fmt: skip


def zero_share(activity: Activity) -> float:
    """Share of spiking neurons that do not spike in an inference, mean over samples."""
    spiking = [record for record in activity.populations.values() if record.spiking]
    neurons = sum(record.counts.size for record in spiking)
    silent = neurons - sum(int(np.count_nonzero(record.counts)) for record in spiking)
    return silent / neurons if neurons else 0.0


def _range(
    workload: Workload, sides: Sides, cost_model: str | CostModel, widths: BitWidths
) -> tuple[float | None, float | None] | None:
    """Break-even with each side's constants at the end that favours it, the opponent first."""
    if not (sides.device.has_range or sides.opponent.has_range):
        return None

    def factor(device_level: str, opponent_level: str) -> float | None:
        ends = sides.device.at(device_level), sides.opponent.at(opponent_level)
        return compare_sides(workload, *ends, cost_model, widths).network.total.factor

    return factor("high", "low"), factor("low", "high")
