"""Plots of a `ChipCost`, with matplotlib: imported when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....errors import EnergyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .. import ChipCost

# of Okabe and Ito's palette, which colour-blind readers can tell apart
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
_DARK = "#333333"

_LAYER_PARTS = {
    "synops": ("synop_dense", "synop_sparse", "synop_conv"),
    "neurons": ("access", "update", "spike"),
    "messages": ("message", "axon_event", "hop"),
}

#: Layers that have a bar each; the smallest share one beyond that.
MAX_LAYERS = 12


def plot_chip_cost(cost: ChipCost, axes: Sequence[Axes] | None = None) -> Any:
    """Energy by layer, energy within each boundary with its range, and the time of a step.

    Parameters
    ----------
    cost : ChipCost
        What to draw.
    axes : sequence of three matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    ndarray of three Axes

    Raises
    ------
    EnergyError
        If ``axes`` are not three.
    """
    if axes is None:
        from matplotlib import pyplot

        _, axes = pyplot.subplots(1, 3, figsize=(12.5, 3.8), layout="constrained")
    panels = np.array(axes, dtype=object).ravel()
    if len(panels) != 3:
        raise EnergyError(f"axes must be three Axes, one beside the other, not {len(panels)}.")
    _layers(panels[0], cost)
    _boundaries(panels[1], cost)
    _step(panels[2], cost)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return panels


def _layers(axes: Axes, cost: ChipCost) -> None:
    """A stacked bar a layer."""
    from matplotlib.ticker import EngFormatter

    shown = sorted(cost.layers, key=lambda layer: layer.energy_J.nominal)[-MAX_LAYERS:]
    shown = [layer for layer in cost.layers if layer in shown]
    names = [layer.name for layer in shown]
    bars = [[_sum(layer, keys) for layer in shown] for keys in _LAYER_PARTS.values()]
    rest = [layer for layer in cost.layers if layer not in shown]
    if rest:
        names.append(f"{len(rest)} more")
        for bar, keys in zip(bars, _LAYER_PARTS.values()):
            bar.append(sum(_sum(layer, keys) for layer in rest))
    start = np.zeros(len(names))
    for label, bar, colour in zip(_LAYER_PARTS, bars, _COLOURS):
        axes.barh(names, bar, left=start, color=colour, label=label)
        start += bar
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(EngFormatter("J"))
    axes.set_title(f"Cores: profile {cost.profile.name}", loc="left")
    axes.set_xlabel("Energy per inference")
    axes.legend(fontsize="small", frameon=False)


def _sum(layer: Any, keys: Sequence[str]) -> float:
    return float(sum(layer.parts_J.get(key, 0.0) for key in keys))


def _boundaries(axes: Axes, cost: ChipCost) -> None:
    """A point a boundary, and a line from its low to its high end."""
    from matplotlib.ticker import EngFormatter

    for row, (name, energy) in enumerate(cost.boundaries.items()):
        if not energy.nominal:
            continue
        axes.plot([energy.low, energy.high], [row, row], color=_COLOURS[0], lw=5, alpha=0.35)
        axes.plot([energy.nominal], [row], "o", color=_COLOURS[0], label=name)
    axes.set_yticks(range(len(cost.boundaries)), list(cost.boundaries))
    axes.set_ylim(len(cost.boundaries) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter("J"))
    axes.set_title(f"What is drawn around them: {cost.board.name}", loc="left")
    axes.set_xlabel("Energy per inference, low to high")


def _step(axes: Axes, cost: ChipCost) -> None:
    """A bar for each part of the time of a step, the longest first."""
    from matplotlib.ticker import EngFormatter

    times = {name: time / cost.work.n_steps for name, time in cost.time_parts_s.items() if time}
    names = sorted(times, key=lambda name: -times[name])
    colours = [_DARK if name == "in and out" else _COLOURS[0] for name in names]
    axes.barh(names, [times[name] for name in names], color=colours)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter("s"))
    at_least = "at least " if cost.latency_is_at_least else ""
    step = EngFormatter("s", places=1)(cost.step_s.nominal)
    axes.set_title(f"Time of a step: {at_least}{step}", loc="left")
    axes.set_xlabel(f"Slowest core: {cost.slowest_core.name}")
