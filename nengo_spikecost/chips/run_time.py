"""`run_time`: how long the steps of a network take on a chip, from exact spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import check
from ..errors import ChipError
from ..options import named_arguments
from .chip_fit import as_chip, parts_of
from .chip_spec import Chip
from .run_time_record import RunTime
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
        If there is no such chip, nothing is published of its steps, or ``network`` is none.
    DataError
        If the data do not fit the network.
    MeasurementError
        If the simulation fails.
    """
    given = as_chip(chip)
    _check_steps(given)
    parts = parts_of(network)
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


def worst_clock_Hz(chip: str | Chip, network: Any, dt: float = 0.001, margin: float = 0.2) -> float:
    """The clock at which no step of a network can take longer than ``dt``, without any data.

    Parameters
    ----------
    chip : str or Chip
    network : nengo.Network or Conversion
    dt : float
        Length of a step in s.
    margin : float
        How much faster, as a share; Xylo's vendor takes 0.2.

    Raises
    ------
    ChipError
        If there is no such chip, nothing is published of its steps, or ``network`` is none.
    """
    given = as_chip(chip)
    _check_steps(given)
    check.time("dt", dt, ChipError)
    nothing = StepSpikes(parts_of(network), {}, {"": np.ones((1, 1, 0), dtype=bool)}, dt=dt)
    return counted(given, nothing.every_one()).worst_clock_Hz(margin)


def _check_steps(chip: Chip) -> None:
    if chip.step is None:
        reason = chip.refused.get("time", "nothing is published of how long its steps take")
        raise ChipError(f"{chip.title}: {reason}.")
