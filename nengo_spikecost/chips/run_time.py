"""`run_time`: how long the steps of a network take on a chip, from exact spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import check
from ..activity.activity_record import Activity
from ..errors import ChipError
from ..options import named_arguments
from .chip_fit import as_chip, parts_of
from .chip_spec import Chip
from .core_counts import CORE_COUNTS
from .network_parts import NetworkParts
from .run_time_record import MARGIN, RunTime
from .step_counts import COUNTS, StepSpikes
from .step_recording import step_spikes


@named_arguments
def run_time(
    chip: str | Chip, network: Any, data: Any, n_steps: int | None = None, *,
    dt: float | None = None, seed: int = 0, spike_input: bool | None = None,
) -> RunTime:  # fmt: skip
    """Simulate a network, and count what each of its steps takes on a chip.

    Parameters
    ----------
    chip : str or Chip
        Its name (`names`), or one that you made.
    network : nengo.Network or Conversion
        It is not changed.
    data : array, dict or None
        Samples, as `nengo_spikecost.measure` takes them; None for a network without inputs.
    n_steps : int, optional
        Steps per sample. May be left out if samples have a time axis.
    dt : float, optional
        Length of a step in s. Default: that of the network, or 1 ms.
    seed : int
        Of the run.
    spike_input : bool, optional
        Whether the data are events: whatever is not 0. Default: as the network says. Elements of
        inputs that are values are taken for active at every step.

    Returns
    -------
    RunTime

    Raises
    ------
    ChipError
        If there is no such chip, nothing is published of its steps, or ``network`` is none, or has
        neurons that send values to a chip of spikes.
    DataError
        If the data do not fit the network.
    MeasurementError
        If the simulation fails.
    """
    given = as_chip(chip)
    _check_steps(given, COUNTS)
    parts = parts_of(network)
    reason = why_not_counted(given, parts)
    if reason:
        raise ChipError(reason)
    spikes = step_spikes(
        parts, network, data, n_steps, dt=dt, seed=seed, spike_input=spike_input
    )  # fmt: skip
    return counted(given, spikes)


def counted(chip: Chip, spikes: StepSpikes) -> RunTime:
    """What the steps of some spikes take on a chip."""
    assert chip.step is not None
    all_active = spikes.every_one()
    return RunTime(
        chip, {name: COUNTS[name](spikes) for name in chip.step.terms},
        {name: int(COUNTS[name](all_active)[0, 0]) for name in chip.step.terms},
        spikes.dt, spikes.assumed,
    )  # fmt: skip


@named_arguments
def run_time_on_cores(chip: str | Chip, activity: Any) -> RunTime:
    """Count what the fullest core does at each step, and what that takes on a chip.

    Parameters
    ----------
    chip : str or Chip
        A chip whose cores work side by side, such as ``"loihi2"``.
    activity : Activity
        Measured with ``simulator="loihi", by_step=True``: the cores are those of that chip.

    Returns
    -------
    RunTime
        Where what a term takes is not published, with its counts alone: `RunTime.steps` raises.

    Raises
    ------
    ChipError
        If there is no such chip, its steps are not those of cores, or the activity has no counts
        of cores at each step.
    """
    given = as_chip(chip)
    _check_steps(given, CORE_COUNTS)
    measured = check.kind("activity", activity, Activity, ChipError, "an Activity (measure())")
    if measured.chip is None or measured.chip.by_step is None:
        raise ChipError(
            "run_time_on_cores needs what each core did at every step: measure with "
            "simulator='loihi', by_step=True."
        )
    of_chip, by_step = measured.chip, measured.chip.by_step
    assert given.step is not None
    counts = {name: CORE_COUNTS[name](of_chip, by_step) for name in given.step.terms}
    return RunTime(given, counts, dt=measured.protocol.dt)


def worst_clock_Hz(
    chip: str | Chip, network: Any, dt: float = 0.001, margin: float = MARGIN
) -> float:
    """The clock at which no step of a network can take longer than ``dt``, without any data.

    Parameters
    ----------
    chip : str or Chip
    network : nengo.Network or Conversion
    dt : float
        Length of a step in s.
    margin : float
        How much faster, as a share; the default is that of Xylo's vendor.

    Raises
    ------
    ChipError
        If there is no such chip, nothing is published of its steps, or ``network`` is none.
    """
    given = as_chip(chip)
    _check_steps(given, COUNTS)
    check.time("dt", dt, ChipError)
    nothing = StepSpikes(parts_of(network), {}, {"": np.ones((1, 1, 0), dtype=bool)}, dt=dt)
    return counted(given, nothing.every_one()).worst_clock_Hz(margin)


def why_no_time(chip: Chip, counts: Mapping[str, Any] = COUNTS) -> str:
    """Why steps of a chip can't be told from these counts, as a sentence; empty if they can."""
    if chip.step is None:
        reason = chip.refused.get("time", "nothing is published of how long its steps take")
        return f"{chip.title}: {reason}."
    if not set(chip.step.terms) <= set(counts):
        other = "run_time" if counts is CORE_COUNTS else "run_time_on_cores"
        return f"Steps of {chip.title} are counted by {other}."
    return ""


def why_not_counted(chip: Chip, parts: NetworkParts) -> str:
    """Why steps of a network can't be counted for a chip, as a sentence; empty if they can."""
    only = next((limit.only for limit in chip.limits if limit.quantity == "signals"), ())
    graded = [p for p in parts.neurons if not p.spiking]
    if not graded or "spikes" not in only or "values" in only:
        return ""
    first = graded[0]
    return (
        f"Steps of {chip.title} are counted from spikes, and {first.name} has "
        f"{type(first.neuron_type).__name__} neurons, which send values: take neurons that spike."
    )


def _check_steps(chip: Chip, counts: Mapping[str, Any]) -> None:
    """Raise unless the steps of a chip take so much for each of these counts."""
    reason = why_no_time(chip, counts)
    if reason:
        raise ChipError(reason)
