"""The plot of a break-even, with matplotlib: imported when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import EnergyError
from ...layout.plots import bare
from ...layout.si import si, times
from ...words import counted
from ..opponent.balance import LayerBalance
from ..opponent.break_even_record import BreakEven

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# of Okabe and Ito's palette, which colour-blind readers can tell apart
_SNN, _ANN, _BANDS = "#0072B2", "#D55E00", ("#009E73", "#CC79A7", "#E69F00", "#999999")
_FARTHEST = 20.0
"""Multiples of the measured spikes beyond which a crossing is not drawn, but named."""
_GAP = 5.0
"""How many times one side may take what the other does before the axis is logarithmic."""
_FAR = 3.0
"""Multiples up to which the axis is stretched for published thresholds."""


def draw_break_even(result: BreakEven, axes: Axes, layer: str | None = None) -> None:
    """Energy per inference against firing rate, as a multiple of the measured one.

    Parameters
    ----------
    result : BreakEven
    axes : matplotlib.axes.Axes
    layer : str, optional
        Default: the network.

    Raises
    ------
    EnergyError
        If both sides of the layer do nothing, or its spikes cannot be scaled.
    """
    shown = result.network if layer is None else result.layer(layer)
    if shown.where or shown.total.crossing == "nothing":
        raise EnergyError(f"There is nothing to plot of {shown.name}: see its verdict.")
    device, opponent = result.names
    end = _end(result, shown)
    factors = np.linspace(0.0, end, 60)  # a line is bent on a logarithmic axis
    axes.plot(
        factors, [shown.total.at(f) for f in factors], color=_SNN, lw=2, label=f"spikes, {device}"
    )
    axes.axhline(shown.total.ann_J, color=_ANN, lw=2, label=f"dense, {opponent}")
    if shown.arithmetic is not None:
        bare = shown.arithmetic
        style: dict[str, Any] = {"ls": "--", "lw": 1.2}
        axes.plot(
            factors, [bare.at(f) for f in factors], color=_SNN, label="both without memory", **style
        )
        axes.axhline(bare.ann_J, color=_ANN, **style)
    axes.plot(
        [1.0], [shown.total.mean_J], "o", color=_SNN, ms=8, label=f"measured{_rate(shown, 1.0)}"
    )
    factor = shown.total.factor
    if factor is not None and factor <= end:
        axes.plot(
            [factor], [shown.total.ann_J], "D", mfc="white", mec="black", ms=8,
            label=f"break-even{_rate(shown, factor)}",
        )  # fmt: skip
    else:
        never = factor is None
        axes.plot([], [], " ", label="no break-even" if never else f"break-even: {factor:.3g} x")
    _literature(axes, result, shown, end)
    _finish(axes, result, shown, end)


def _end(result: BreakEven, shown: LayerBalance) -> float:
    """The right end of the axis, in multiples of the measured spikes."""
    factor = shown.total.factor
    crossing = factor if factor is not None and factor <= _FARTHEST else 0.0
    published = [high for _, _, high in _bands(result, shown) if high <= _FAR]
    return 1.15 * max(1.1, crossing, *published)


def _rate(shown: LayerBalance, factor: float) -> str:
    if shown.rate_hz is None:
        return ""
    return f", {si(factor * float(np.mean(shown.rate_hz)), 'Hz')}"


def _bands(result: BreakEven, shown: LayerBalance) -> list[tuple[str, float, float]]:
    """Published thresholds as multiples of the measured spikes: name, low and high."""
    spikes = shown.spikes_per_synapse
    measured = 0.0 if spikes is None else float(np.mean(spikes))
    if measured <= 0:
        return []
    return [
        (t.name, *(end / measured for end in t.band(result.n_steps)))  # type: ignore[misc]
        for t in result.thresholds
        if t.evidence != "computed" and t.applies(result.n_steps)
    ]


def _literature(axes: Axes, result: BreakEven, shown: LayerBalance, end: float) -> None:
    """Bars above the lines, from the low to the high end of what each publication says."""
    for i, (name, low, high) in enumerate(_bands(result, shown)):
        if low > end:
            axes.plot([], [], " ", label=f"{name}: from {low:.3g} times")
            continue
        height = 0.97 - 0.04 * i
        style: dict[str, Any] = {"color": _BANDS[i % len(_BANDS)], "label": name}
        style["transform"] = axes.get_xaxis_transform()  # height as a share of the axes
        if low == high:
            axes.plot([low], [height], "|", ms=10, mew=3, **style)
        else:
            axes.plot([low, high], [height, height], lw=6, solid_capstyle="butt", **style)


def _finish(axes: Axes, result: BreakEven, shown: LayerBalance, end: float) -> None:
    from matplotlib.ticker import FuncFormatter

    def to_spikes(x: Any) -> Any:
        return x * measured

    def from_spikes(x: Any) -> Any:
        return x / measured

    name = "Network" if shown is result.network else shown.name
    axes.set_title(f"{name}: {result.cost_model}, {counted(result.n_steps, 'step')}", loc="left")
    axes.set_xlim(0, end)
    lines = [shown.total.at(end), shown.total.at(0.0), shown.total.ann_J]
    positive = [line for line in lines if line > 0]
    if positive and max(positive) > _GAP * min(positive) and _gap(shown) > _GAP:
        axes.set_yscale("log")
        axes.set_ylim(0.5 * min(positive), 3.0 * max(positive))
        _mark_gap(axes, shown)
    else:
        axes.set_ylim(0, 1.3 * max(lines))
    axes.set_xlabel("Firing rate [multiples of the measured rate]")
    axes.set_ylabel(result.per.quantity)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda energy_J, _: result.per.energy(energy_J)))
    bare(axes)
    if shown.spikes_per_synapse is not None:
        measured = float(np.mean(shown.spikes_per_synapse))
        if measured > 0:
            above = axes.secondary_xaxis("top", functions=(to_spikes, from_spikes))
            above.set_xlabel("Spikes per synapse and inference")
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _gap(shown: LayerBalance) -> float:
    """How many times one side takes what the other does, with the spikes that were measured."""
    ends = sorted((shown.total.mean_J, shown.total.ann_J))
    return ends[1] / ends[0] if ends[0] > 0 else 0.0


def _mark_gap(axes: Axes, shown: LayerBalance) -> None:
    """An arrow from one side to the other, and how many times as much it is."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_minor_formatter(NullFormatter())
    snn, ann = shown.total.mean_J, shown.total.ann_J
    axes.annotate(
        "", (1.0, ann), (1.0, snn), arrowprops={"arrowstyle": "<->", "color": "#555555"}
    )  # fmt: skip
    words = f"{times(_gap(shown))} {'more' if snn > ann else 'less'}"
    axes.annotate(
        words, (1.0, float(np.sqrt(snn * ann))), xytext=(-6, 0), textcoords="offset points",
        ha="right", va="center", fontsize="small",
    )  # fmt: skip
