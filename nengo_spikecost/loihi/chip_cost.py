"""`chip_cost`: energy and latency of a network on Loihi, from the counts of its cores."""

from __future__ import annotations

from typing import Any

from ..chip.chip_hops import PlacedCores
from ..energy.loihi_chip import ChipCost, ChipOptions, chip_work, price_chip
from ..errors import EnergyError, MissingActivityError
from ..options import takes_options


@takes_options(ChipOptions)
def chip_cost(
    activity: Any, *, mapping: PlacedCores | None = None, options: ChipOptions
) -> ChipCost:
    """Energy and latency per inference of a measured run on a Loihi chip.

    Parameters
    ----------
    activity : Activity, or any object with one as ``.activity``
        Measured with ``simulator="loihi"``; or what `deploy` returns.
    mapping : Mapping, optional
        Where cores are, as `place` returns it, for chips, tiles and hops. Default: in their order
        on the fewest chips.
    {options}

    Returns
    -------
    ChipCost

    Raises
    ------
    MissingActivityError
        If the activity has no counts of cores.
    EnergyError
        If the mapping is of another network, or an option is wrong.

    Examples
    --------
    ::

        activity = nengo_spikecost.measure(conversion, x, 40, simulator="loihi")
        nengo_spikecost.loihi.chip_cost(activity).summary()
    """
    activity = getattr(activity, "activity", activity)
    if not hasattr(activity, "protocol"):
        raise MissingActivityError(
            "chip_cost takes an Activity, as nengo_spikecost.measure returns it with "
            f"simulator='loihi', or a Deployment, not {type(activity).__name__}."
        )
    if mapping is not None and not hasattr(mapping, "blocks"):
        raise EnergyError(
            "mapping must be a Mapping, as nengo_spikecost.loihi.place or Deployment.mapping "
            f"returns it, not {type(mapping).__name__}."
        )
    return price_chip(chip_work(activity, mapping), options=options)
