"""The plots of results as functions: each draws one kind of them."""

from __future__ import annotations

from typing import Any

from .. import check
from ..activity import Activity
from ..energy.estimate import EnergyEstimate
from ..errors import EnergyError
from ..layout.panels import checked_axes, plain_labels
from ..layout.plots import bar_size, draw_points
from ..loihi.blocks.block_fit import BlockFit
from ..loihi.cores.network_use import NetworkUse
from ..loihi.deployment import Deployment
from ..loihi.mapping.mapping import Mapping
from ..loihi.shown.core_map import draw_core_map
from ..questions.network_energy import NetworkEnergy
from ..questions.opponent.break_even_record import BreakEven
from ..questions.profile_record import Profile
from ..tuning.sweeps import Sweep


def energy_bars(result: Any, axes: Any = None) -> Any:
    """Draw energies: of each layer by what it is spent on, or of each device with its range.

    Parameters
    ----------
    result : EnergyEstimate, NetworkEnergy or Profile
        An estimate, or the network on its first spiking device, has a bar for each layer; a profile
        a point for each device on a logarithmic axis, over the range of the constants.
    axes : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    EnergyError
        If it is none of these results, or has no energy.
    """
    if isinstance(result, Profile):
        rows = {name: e for name, e in result.estimates.items() if e.mean_J > 0}
        if not rows:
            raise EnergyError("There is nothing to draw: no device has any energy.")
        axes = _new(bar_size(len(rows))) if axes is None else checked_axes(axes, 1)
        ranges = [e.range_J for e in rows.values()]
        draw_points(axes, list(rows), [e.mean_J for e in rows.values()], ranges, "J")
        axes.set_xlabel("Energy per inference, over the ranges of the constants")
        plain_labels(axes)
        return axes
    kinds = (EnergyEstimate, NetworkEnergy)
    check.kind("result", result, kinds, EnergyError, "an EnergyEstimate, NetworkEnergy or Profile")
    return result.plot(axes=axes)


def firing_rates(activity: Activity, axes: Any = None) -> Any:
    """Draw the mean firing rate of every population as a bar.

    Parameters
    ----------
    activity : Activity
        What `measure` returned.
    axes : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    check.kind("activity", activity, Activity, EnergyError, "an Activity (measure())")
    return activity.plot(axes)


def front(sweep: Sweep, axes: Any = None) -> Any:
    """Draw accuracy against energy for all settings of a sweep, and the best of them as a line.

    Parameters
    ----------
    sweep : Sweep
        What `sweep` returned.
    axes : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    check.kind("sweep", sweep, Sweep, EnergyError, "a Sweep (sweep())")
    return sweep.plot(axes)


def break_even(result: BreakEven, axes: Any = None, *, layer: str | None = None) -> Any:
    """Draw the energy of spikes over their rate, and that of a dense pass.

    Where one is several times the other the axis of energies is logarithmic, and the gap is marked.

    Parameters
    ----------
    result : BreakEven
        What `break_even` returned.
    axes : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    layer : str, optional
        Default: the whole network.

    Returns
    -------
    matplotlib.axes.Axes
    """
    check.kind("result", result, BreakEven, EnergyError, "a BreakEven (break_even())")
    return result.plot(axes=axes, layer=layer)


def core_map(result: Any, axes: Any = None) -> Any:
    """Draw cores as tiles: which layer each holds, and how full it is.

    Parameters
    ----------
    result : Mapping, BlockFit, NetworkUse or Deployment
        Cores of a mapping are in their places on the mesh, and their shade says how many messages
        they get; else they are in NengoLoihi's order, filled as far as they are used.
    axes : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if isinstance(result, Mapping):
        return result.plot(axes)
    kinds = (BlockFit, NetworkUse, Deployment)
    words = "a Mapping, BlockFit, NetworkUse or Deployment"
    check.kind("result", result, kinds, EnergyError, words)
    use = result if isinstance(result, NetworkUse) else result.use
    axes = _new((8.6, 4.2)) if axes is None else checked_axes(axes, 1)
    draw_core_map(axes, use)
    plain_labels(axes)
    return axes


def _new(size: tuple[float, float]) -> Any:
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]
