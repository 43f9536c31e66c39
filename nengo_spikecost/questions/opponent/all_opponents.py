"""A network against the same without spikes on several devices: the question of every report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...energy import devices as device_table
from ...errors import EnergyError
from ...workload.workload_record import Workload
from .break_even import break_even_of

#: The device on which spikes meet the same technology without them.
SAME_TECHNOLOGY = "digital_snn"


def all_opponents(
    workload: Workload, devices: Iterable[str], zero_share: float = 0.0, memory: bool = True
) -> dict[str, Any]:
    """`break_even` on each spiking device, and in one technology.

    Parameters
    ----------
    workload : Workload
        With measured spikes.
    devices : iterable of str
        Names; those that work without spikes are passed over.
    zero_share : float
        Share of neurons that do not spike in an inference.
    memory : bool
        Also in one technology with its memory.

    Returns
    -------
    dict from str to BreakEven or EnergyError
        Or the error that says why there is none. Empty where nothing spikes.
    """
    if not workload.spiking:
        return {}
    spiking = [name for name in devices if device_table.get(name).spiking]
    names = dict.fromkeys([SAME_TECHNOLOGY, *spiking])
    wanted = {name: (name, "per_operation") for name in names}
    if memory:
        wanted[f"{SAME_TECHNOLOGY} with memory"] = SAME_TECHNOLOGY, "lemaire"
    results: dict[str, Any] = {}
    for label, (name, cost_model) in wanted.items():
        try:
            results[label] = break_even_of(
                workload, cost_model=cost_model, device=name, zero_share=zero_share
            )
        except EnergyError as error:
            results[label] = error
    return results
