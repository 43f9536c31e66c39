"""The plot of a sweep, with matplotlib: imported when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ....errors import TuningError
from ....layout.plots import bare
from ..sweep_result import Sweep
from ..trials import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BELOW = 1.5
"""The axis ends so many times the largest loss of interest below the Keras model."""


def draw_sweep(sweep: Sweep, axes: Axes) -> None:
    """Accuracy against energy per inference, with the presentation time as colour.

    Raises
    ------
    TuningError
        If no setting was seen with all images.
    """
    if not sweep.points:
        raise TuningError("There is nothing to plot: no setting was seen with all images.")
    colours = _colours(sweep)
    front = sweep.front()
    on_front = {(p.trial, p.n_steps) for p in front}
    rest = [p for p in sweep.points if (p.trial, p.n_steps) not in on_front and not p.baseline]
    _scatter(axes, rest, colours, s=12, alpha=0.45, linewidths=0)
    for n_steps in sweep.space.n_steps:
        base = sorted((p for p in sweep.baseline() if p.n_steps == n_steps), key=_energy)
        axes.plot(*_coordinates(base), ls=":", lw=1.2, color=colours(n_steps), zorder=2)
        _scatter(axes, base, colours, marker="s", s=26, linewidths=0.7, edgecolors="black")
    stairs = _stairs(front)
    if stairs:
        axes.step(*_coordinates(stairs), where="post", color="black", lw=1.4, zorder=3)
    _scatter(axes, front, colours, s=42, linewidths=0.9, edgecolors="black", zorder=4)
    axes.axhline(sweep.keras_accuracy, color="#555555", ls="--", lw=1)
    _finish(axes, sweep, colours)


def _finish(axes: Axes, sweep: Sweep, colours: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import (
        EngFormatter,
        LogLocator,
        MaxNLocator,
        NullFormatter,
        NullLocator,
        PercentFormatter,
    )

    handles = [
        Line2D([], [], marker="o", color="black", mfc="white", label="front"),
        Line2D(
            [], [], marker="s", ls=":", color="#777777", mec="black", mfc="white",
            label="one scale for all layers",
        ),
        Line2D([], [], marker="o", ms=3.5, ls="", color="#999999", label="other settings"),
        Line2D([], [], ls="--", color="#555555", label="Keras model"),
    ]  # fmt: skip
    handles += [
        Line2D([], [], marker="o", ls="", color=colours(n), label=f"{1e3 * n * sweep.dt:g} ms")
        for n in sweep.space.n_steps
    ]
    axes.legend(
        handles=handles, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5),
        frameon=False,
    )  # fmt: skip
    best = max(sweep.keras_accuracy, *(p.accuracy for p in sweep.points))
    low = sweep.keras_accuracy - max(_BELOW * sweep.space.worst_loss, 0.005)
    axes.set_ylim(low, best + 0.08 * (best - low))
    shown = [p.energy_J for p in sweep.points if p.accuracy >= low and p.energy_J > 0]
    if shown:
        axes.set_xscale("log")
        axes.set_xlim(0.9 * min(shown), 1.1 * max(shown))
        narrow = max(shown) < 10 * min(shown)  # too few powers of ten to be labels
        axes.xaxis.set_major_locator(MaxNLocator(7) if narrow else LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(EngFormatter("J"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        if narrow:
            axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(f"Energy per inference on {sweep.device}, {sweep.cost_model}")
    axes.set_ylabel(f"Accuracy on {sweep.n_images} images")
    axes.set_title(f"{len(sweep.trials)} settings of {sweep.neuron_type}", loc="left", fontsize=10)
    bare(axes)


def _stairs(front: tuple[Point, ...]) -> list[Point]:
    """The part of a front on which more energy means more accuracy, whatever the latency."""
    stairs: list[Point] = []
    for point in front:
        if not stairs or point.accuracy > stairs[-1].accuracy:
            stairs.append(point)
    return stairs


def _colours(sweep: Sweep) -> Any:
    """A colour for each presentation time, dark for the shortest."""
    from matplotlib import colormaps

    steps = sweep.space.n_steps
    shades = np.linspace(0.1, 0.88, len(steps)) if len(steps) > 1 else [0.3]
    table = {n: colormaps["viridis"](shade) for n, shade in zip(steps, shades)}
    return lambda n_steps: table[n_steps]


def _scatter(axes: Axes, points: Any, colours: Any, **style: Any) -> None:
    x, y = _coordinates(points)
    axes.scatter(x, y, color=[colours(p.n_steps) for p in points], **{"zorder": 2, **style})


def _coordinates(points: Any) -> tuple[list[float], list[float]]:
    return [p.energy_J for p in points], [p.accuracy for p in points]


def _energy(point: Point) -> float:
    return point.energy_J
