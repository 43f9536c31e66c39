"""`price_chip`: energy and latency of what the cores of a chip did."""

from __future__ import annotations

from ...chip.chip_work import ChipWork
from ...options import takes_options
from .chip_options import ChipOptions
from .cost import ChipCost


@takes_options(ChipOptions)
def price_chip(work: ChipWork, *, options: ChipOptions) -> ChipCost:
    """Energy and latency of a chip's work.

    Parameters
    ----------
    work : ChipWork
        As `nengo_spikecost.workload.measured_chip` counts it, or `ChipWork.by_hand`.
    {options}

    Returns
    -------
    ChipCost

    Raises
    ------
    EnergyError
        If an option is not what it should be; the message names it.

    Examples
    --------
    >>> from nengo_spikecost.energy.loihi_chip import ChipWork, price_chip
    >>> work = ChipWork.by_hand(n_cores=2, n_compartments=1500, n_steps=10, synops=1e6)
    >>> price_chip(work, "davies2018").energy_J("core dynamic").nominal
    2.45975e-05
    """
    return ChipCost.of(work, options.setting(work))
