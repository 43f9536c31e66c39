"""The work of a chip's cores, from an `Activity` that was measured on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..chip.chip_hops import PlacedCores, hops_of
from ..chip.chip_work import ChipWork
from ..errors import MissingActivityError

if TYPE_CHECKING:  # prices are looked up without Nengo
    from ..activity.activity_record import Activity


def chip_work(activity: Activity, mapping: PlacedCores | None = None) -> ChipWork:
    """The work of a chip's cores, as it was measured.

    Parameters
    ----------
    activity : Activity
        Measured with ``simulator="loihi"``, so that it has ``activity.chip``.
    mapping : nengo_spikecost.loihi.Mapping, optional
        Of the same network: where its cores are. Default: in their order on the fewest chips,
        as NengoLoihi's greedy allocator puts them.

    Returns
    -------
    ChipWork

    Raises
    ------
    MissingActivityError
        If the activity has no counts of cores.
    EnergyError
        If the mapping is of another network.
    """
    chip = getattr(activity, "chip", None)
    if chip is None:
        raise MissingActivityError(
            "This activity does not say what each core of a chip did (synops, active updates, "
            "messages; a board and NengoLoihi's simulator tell spikes only): measure with "
            "simulator='loihi', or run nengo_spikecost.loihi.deploy."
        )
    n_steps = activity.protocol.n_steps
    return ChipWork(
        cores=tuple(chip.cores), layers=tuple(chip.layers),
        compartments=np.asarray(chip.compartments, dtype=np.int64), n_steps=n_steps,
        dt=activity.protocol.dt, spikes=chip.spikes, active=chip.active,
        synops=dict(chip.synops), messages_out=chip.messages_out,
        axon_events=chip.axon_events, host_to_chip=chip.host_to_chip,
        chip_to_host=chip.chip_to_host, fed_by_host=bool(chip.inputs), hops=hops_of(chip, mapping),
        by_step=chip.by_step, biased=chip.biased, runs_on=activity.protocol.runs_on,
        emulated=True,
    )  # fmt: skip
