"""Plots of a `ChipCost`, with matplotlib: imported when one is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ....layout.plots import COLOURS, draw_bars, draw_points, si_ticks
from ..core_cost import LayerCost
from ..cost import ChipCost
from ..events import PART_GROUPS
from ..step_time import IN_AND_OUT

_DARK = "#333333"

#: Of a chip whose host does more in a step than is counted.
ENERGIES_AT_LEAST = ";\npoints but that of the cores are at least"

#: Layers that have a bar each; the smallest share one beyond that.
MAX_LAYERS = 12


def plot_chip_cost(cost: ChipCost, axes: Any) -> None:
    """Energy by layer, energy within each boundary with its range, and the time of a step.

    Parameters
    ----------
    cost : ChipCost
        What to draw.
    axes : sequence of three matplotlib.axes.Axes
        Where to draw.
    """
    _draw_layers(axes[0], cost)
    _draw_boundaries(axes[1], cost)
    _draw_step(axes[2], cost)


def _draw_layers(axes: Any, cost: ChipCost) -> None:
    """A stacked bar a layer."""
    largest = sorted(cost.layers, key=lambda layer: layer.energy_J.nominal)[-MAX_LAYERS:]
    bars: dict[str, list[LayerCost]] = {
        layer.name: [layer] for layer in cost.layers if layer in largest
    }
    rest = [layer for layer in cost.layers if layer not in largest]
    if rest:
        bars[f"{len(rest)} more"] = rest
    series = {
        f"{group}s": [_sum(layers, parts) for layers in bars.values()]
        for group, parts in PART_GROUPS.items()
    }
    draw_bars(axes, list(bars), series, "J", "Energy per inference")
    axes.set_title(f"Cores: profile {cost.profile.name}", loc="left")


def _sum(layers: Iterable[LayerCost], parts: Sequence[str]) -> float:
    return sum(layer.parts_J.get(part, 0.0) for layer in layers for part in parts)


def _draw_boundaries(axes: Any, cost: ChipCost) -> None:
    """A point a boundary, and a line from its low to its high end."""
    ends = cost.boundaries
    ranges = [(energy.low, energy.high) for energy in ends.values()]
    draw_points(axes, list(ends), [energy.nominal for energy in ends.values()], ranges, "J")
    axes.set_title(f"What is drawn around them: {cost.board.name}", loc="left")
    least = ENERGIES_AT_LEAST * cost.host_does_more
    axes.set_xlabel(f"Energy per inference, low to high{least}")


def _draw_step(axes: Any, cost: ChipCost) -> None:
    """A bar for each part of the time of a step, the longest first."""
    times = {name: time / cost.work.n_steps for name, time in cost.time_parts_s.items() if time > 0}
    names = sorted(times, key=lambda name: -times[name])
    slowest = f"Slowest core: {cost.slowest_core.name}"
    draw_bars(axes, names, {"time": [times[name] for name in names]}, "s", slowest)
    for name, bar in zip(names, axes.patches):
        bar.set_color(_DARK if name == IN_AND_OUT else COLOURS[0])
    axes.set_xscale("log")
    at_least = "at least " if cost.latency_is_at_least else ""
    step = "not predicted; of the cores"
    if cost.step_predicted:
        step = f"{at_least}{si_ticks('s', places=1)(cost.step_s.nominal)}"
    axes.set_title(f"Time of a step: {step}", loc="left")
