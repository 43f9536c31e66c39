"""`chip_cost`: energy and latency of a network on Loihi, from the counts of its cores."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..activity.activity_record import Activity
from ..energy.loihi_chip import ChipCost, ChipOptions, chip_work, price_chip
from ..errors import EnergyError, MissingActivityError
from ..options import takes_options
from .mapping.mapping import Mapping


@runtime_checkable
class Measured(Protocol):
    """Anything with a measured activity, such as a `Deployment`."""

    @property
    def activity(self) -> Activity: ...


@takes_options(ChipOptions)
def chip_cost(
    activity: Activity | Measured, *, mapping: Mapping | None = None, options: ChipOptions
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
    if mapping is not None and not isinstance(mapping, Mapping):
        raise EnergyError(
            "mapping must be a Mapping, as nengo_spikecost.loihi.place or Deployment.mapping "
            f"returns it, not {type(mapping).__name__}."
        )
    measured = activity.activity if isinstance(activity, Measured) else activity
    if not isinstance(measured, Activity):
        raise MissingActivityError(
            "chip_cost takes an Activity, as nengo_spikecost.measure returns it with "
            f"simulator='loihi', or a Deployment, not {type(measured).__name__}."
        )
    return price_chip(chip_work(measured, mapping), options=options)
