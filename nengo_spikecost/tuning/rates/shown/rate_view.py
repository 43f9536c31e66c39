"""Tuned firing rates: a row for each layer, what is worth a look, and a plot."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ....activity.shown.activity_view import protocol_sentence
from ....layout import Presenter, Table, presents, si
from ....layout.charts import Bars, Chart, Drawing
from ....layout.plots import bare
from ....layout.presenter import Details, Part
from ....layout.verdict import NextStep, Verdict
from ....trying.retyping import spiking_flags
from ....words import counted
from ..rate_tuning import FLAGS, LayerRates, RateTuning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEURONS, _REACHED, _MISSED, _FREE = "#b5cbe0", "#1f4e79", "#c0392b", "#6b6b6b"
_TARGET, _CEILING, _OTHERS = "#2e8b57", "#8e44ad", "#1f4e79"

_WIDTH, _ROW, _AROUND = 7.6, 0.4, 1.9
"""Inches: of the figure, of a layer, and of what is above and below the layers."""

_BINS_A_DECADE = 20
_TALLEST = 0.78
"""Height of the shape of a layer, in rows."""
_NEAR = 1.5
"""A ceiling is in view if it is so little above all else, as a factor."""
_LONGEST_NAME = 32

_OTHER_STYLE: dict[str, Any] = {
    "ls": "", "marker": "o", "ms": 3, "mew": 0, "color": _OTHERS, "alpha": 0.35,
}  # fmt: skip


@presents(RateTuning)
class RateTuningPresenter(Presenter[RateTuning]):
    """A row for each layer, and below them a line for each target missed and for each flag."""

    format = "nengo-spikecost/firing-rates/1"

    def verdict(self, tuning: RateTuning) -> Verdict:
        tuned = [layer for layer in tuning.layers if layer.target_hz is not None]
        missed = [layer for layer in tuned if not layer.reached]
        n_reached = len(tuned) - len(missed)
        words = f"{n_reached} of {counted(len(tuned), 'layer')}"
        reached = f"{words} within {tuning.tolerance:.0%} of the target"
        flags = [
            f"{layer.layer} {', '.join(layer.flags)}" for layer in tuning.layers if layer.flags
        ]
        answer = "Yes: every layer fires as it was asked to"
        if missed:
            answer = f"Not wholly: {missed[0].layer} fires at {missed[0].rate_hz:.3g} Hz, as "
            answer += missed[0].reason or "no scale came nearer"
        command = f"nengo-spikecost report {tuning.files[0]} --data TEST_DATA --scales tune.json"
        command += f" {spiking_flags(tuning.typed, neurons=True)}"
        return Verdict.of(
            ("reached", reached),
            ("look at", "; ".join(flags)),
            ("worth it?", f"{answer}."),
            next_steps=[
                NextStep(
                    "See accuracy and energy with these scales, from the --json file of tune",
                    command.rstrip(),
                )
            ],
        )

    def title(self, tuning: RateTuning) -> str:
        return "Firing rates of layers"

    def about(self, tuning: RateTuning) -> str:
        return protocol_sentence(tuning.activity.protocol, tuning.activity.n_samples)

    def charts(self, tuning: RateTuning) -> Iterable[Chart]:
        """Rates of all neurons against their targets, and the scales that make them."""
        words = ", ".join(f"{layer.layer} {layer.rate_hz:.3g} Hz" for layer in tuning.layers)
        draw, size = partial(self.draw, tuning), self.size(tuning)
        yield Drawing("Rates of the neurons of each layer", draw, size, description=words)
        names = tuple(layer.layer for layer in tuning.layers)
        scales = {"scale": [layer.scale for layer in tuning.layers]}
        yield Bars("Scale of each layer", names, scales)

    def details(self, tuning: RateTuning) -> Iterable[Details]:
        skipped = counted(tuning.skip_steps, "step")
        yield Details(
            "How rates were measured",
            (
                f"Statistic: {tuning.statistic}, {tuning.counted}; tolerance "
                f"{tuning.tolerance:.0%}; the first {skipped} were not counted.",
                *(f"{name}: {meaning}." for name, meaning in FLAGS.items()),
            ),
        )

    def summary(self, tuning: RateTuning) -> Iterable[Part]:
        tuned = [layer for layer in tuning.layers if layer.target_hz is not None]
        how = "in one build" if tuning.in_place else "with a build for each"
        yield Table.of(
            (
                "Layer", "Scale", "Target\nHz", "Rate\nHz", "Error", "Mean\nHz", "Max\nHz",
                "Spikes\n/ ReLU", "Flags",
            ),
            map(_cells, tuning.layers), right=(False, *(True,) * 7, False), title=_title(tuning),
            notes=(
                f"{sum(layer.reached for layer in tuned)} of {len(tuned)} layers within "
                f"{tuning.tolerance:.0%} of their targets; "
                f"{counted(tuning.n_simulations, 'simulation')} {how}",
            ),
        )  # fmt: skip
        yield from (f"* {line}" for line in _searched(tuning))
        for layer in tuning.layers:
            if layer.reason:
                yield f"* {layer.layer}: target not reached, as {layer.reason}."
        raised = " ".join(flag for layer in tuning.layers for flag in layer.flags)
        yield from (f"* {name}: {meaning}." for name, meaning in FLAGS.items() if name in raised)

    def records(self, tuning: RateTuning) -> list[dict[str, Any]]:
        return [{**row, "flags": "; ".join(row["flags"])} for row in _layers(tuning)]

    def content(self, tuning: RateTuning) -> dict[str, Any]:
        return {
            "statistic": tuning.statistic, "tolerance": tuning.tolerance,
            "protocol": {
                **asdict(tuning.activity.protocol), "n_samples": tuning.activity.n_samples,
            },
            "skip_steps": tuning.skip_steps, "reached": tuning.reached,
            "n_simulations": tuning.n_simulations, "seconds": tuning.seconds,
            "in_place": tuning.in_place, "searched_in": tuning.searched_in,
            "judged_in": tuning.judged_in, "scale_firing_rates": tuning.scales,
            "layers": _layers(tuning), "history": [asdict(step) for step in tuning.history],
        }  # fmt: skip

    def size(self, tuning: RateTuning) -> tuple[float, float]:
        return figure_size(tuning)

    def draw(self, tuning: RateTuning, axes: Any) -> None:
        """The rates of the neurons of every layer, its own rate, and the target.

        A row for each layer, from the input on: a shape for the rates of the neurons that fired,
        its area in proportion to their number; the layer's rate as a dot, with those of the other
        simulations; the target with its tolerance, and the rate that the neurons can't exceed.
        """
        edges = _edges(tuning)
        low, high = _view(tuning, edges)
        # all else is of the first of these; the same scales give the same rates
        best = [step.scales for step in tuning.history].index(tuning.scales)
        for row, layer in enumerate(tuning.layers):
            axes.axhline(row, color="#dddddd", lw=0.7, zorder=1)
            _draw_neurons(axes, row, tuning.counts[layer.layer], edges, tuning)
            _draw_bounds(axes, row, layer, low, high)
            others = [s.rates_hz[layer.layer] for i, s in enumerate(tuning.history) if i != best]
            others = [rate for rate in others if rate > 0]
            axes.plot(others, [row + 0.13] * len(others), zorder=4, **_OTHER_STYLE)
            _draw_rate(axes, row, layer)
        axes.set(xscale="log", xlim=(low, high), ylim=(len(tuning.layers) - 0.6, -1))
        _finish(axes, tuning)


def _title(tuning: RateTuning) -> str:
    return f"Firing rates: {tuning.statistic}, {tuning.counted}"


def _searched(tuning: RateTuning) -> Iterable[str]:
    """Where the search ran, if not in NengoDL as usual, and the rates that it saw otherwise."""
    if tuning.searched_because:
        yield f"Searched in NengoDL, not in compiled code: {tuning.searched_because}."
    if tuning.judged_in is None:
        if tuning.searched_in == "compiled":
            yield "Searched and measured in compiled code."
        return
    words = "Searched in compiled code; the rates are NengoDL's with the scales found"
    differ = [
        f"{layer.layer} {layer.searched_hz:.1f} Hz"
        for layer in tuning.layers
        if f"{layer.searched_hz:.1f}" != f"{layer.rate_hz:.1f}"
    ]
    yield f"{words}. The search had {', '.join(differ)}." if differ else f"{words}, and equal."


def _layers(tuning: RateTuning) -> list[dict[str, Any]]:
    return [{**asdict(layer), "error": layer.error, "flags": list(layer.flags)}
            for layer in tuning.layers]  # fmt: skip


def _cells(layer: LayerRates) -> tuple[str, ...]:
    target = si.MISSING if layer.target_hz is None else f"{layer.target_hz:.4g}"
    return (
        layer.layer, f"{layer.scale:.4g}", target, f"{layer.rate_hz:.1f}",
        _error(layer) or si.MISSING, f"{layer.mean_hz:.1f}", f"{layer.max_hz:.0f}",
        f"{layer.linearity:.3g}", ", ".join(layer.flags),
    )  # fmt: skip


def _error(layer: LayerRates) -> str:
    # + 0.0, so that no error is "-0.0%"
    return "" if layer.error is None else f"{round(layer.error, 3) + 0.0:+.1%}"


def figure_size(tuning: RateTuning) -> tuple[float, float]:
    """Width and height in inches with which every layer can be read."""
    return _WIDTH, _AROUND + _ROW * len(tuning.layers)


def _draw_neurons(
    axes: Axes, row: int, counts: np.ndarray, edges: np.ndarray, tuning: RateTuning
) -> None:
    """How many neurons fire at each rate, a shape on the line of the row.

    Areas are true on the axis as it is drawn: bins of few spikes are wide, so heights are divided
    by the widths.
    """
    active = np.clip(counts[counts > 0], edges[0], edges[-1])
    if not active.size:
        return
    shares, _ = np.histogram(active, edges)
    heights = shares / np.diff(np.log(edges))
    tops = row - _TALLEST * heights / heights.max()
    rates = edges / tuning.counted_seconds
    axes.stairs(tops, rates, baseline=row, fill=True, color=_NEURONS, lw=0, zorder=2)


def _draw_bounds(axes: Axes, row: int, layer: LayerRates, low: float, high: float) -> None:
    """The target with what is within its tolerance, and what the neurons can't exceed."""
    top, bottom = row - _TALLEST - 0.03, row + 0.19  # one high in all: rows do not overlap
    if layer.target_hz is not None:
        first = max(layer.target_hz - layer.allowed_hz, low)
        sides = [first, layer.target_hz + layer.allowed_hz]
        axes.fill_between(sides, top, bottom, color=_TARGET, alpha=0.22, lw=0, zorder=2.5)
        axes.plot([layer.target_hz] * 2, [top, bottom], color=_TARGET, lw=1.4, zorder=3)
    if layer.ceiling_hz is not None and low < layer.ceiling_hz < high:
        axes.plot(
            [layer.ceiling_hz] * 2, [top, bottom], color=_CEILING, lw=1.4, ls=(0, (2, 1)), zorder=3
        )


def _draw_rate(axes: Axes, row: int, layer: LayerRates) -> None:
    """The rate as a dot, and as a number at the side, where nothing covers it."""
    colour = _FREE if layer.target_hz is None else _REACHED if layer.reached else _MISSED
    if layer.rate_hz > 0:
        axes.plot(layer.rate_hz, row, "o", ms=6, color=colour, mec="white", mew=0.8, zorder=5)
    text = f"{layer.rate_hz:.0f} Hz" if layer.rate_hz >= 10 else f"{layer.rate_hz:.2g} Hz"
    axes.text(
        1.012, row, f"{text}  {_error(layer)}".rstrip(), transform=axes.get_yaxis_transform(),
        color=colour, fontsize=8, va="center", ha="left",
    )  # fmt: skip


def _finish(axes: Axes, tuning: RateTuning) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.set_yticks(range(len(tuning.layers)), _names(tuning), fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda hz, _: f"{hz:,.10g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("Firing rate (Hz)")
    axes.set_title(_title(tuning), loc="left", fontsize=10)
    bare(axes)
    axes.spines["left"].set_visible(False)
    handles, labels = zip(*_legend(axes, tuning))
    axes.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0.0, 0.0), borderaxespad=4.6, ncol=3,
        fontsize=8, frameon=False, columnspacing=1.4,
    )  # fmt: skip


def _legend(axes: Axes, tuning: RateTuning) -> list[tuple[Any, str]]:
    """Marks and labels of what there is to see."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def mark(colour: str, **style: Any) -> Any:
        return Line2D([], [], ls="", color=colour, **{"marker": "o", "ms": 6, **style})

    def bar(colour: str) -> Any:
        return mark(colour, marker="|", ms=10, mew=1.6)

    aimed = [layer for layer in tuning.layers if layer.target_hz is not None]
    reached = [layer.reached for layer in aimed]
    ceilings = any(line.get_color() == _CEILING for line in axes.get_lines())
    band = Patch(color=_TARGET, alpha=0.22, lw=0)
    entries: list[tuple[Any, Any, str]] = [
        (True, Patch(color=_NEURONS, lw=0), "neurons that fired"),
        (any(reached), mark(_REACHED), "rate of the layer"),
        (not all(reached), mark(_MISSED), "rate, target missed"),
        (len(aimed) < len(tuning.layers), mark(_FREE), "rate, no target"),
        (aimed, (band, bar(_TARGET)), "target and tolerance"),
        (ceilings, bar(_CEILING), "most that neurons can fire"),
        (tuning.n_simulations > 1, Line2D([], [], **_OTHER_STYLE), "other simulations"),
    ]
    return [(handle, label) for seen, handle, label in entries if seen]


def _edges(tuning: RateTuning) -> np.ndarray:
    """Edges of bins, in spikes: a bin for every number, and wider ones where these are close."""
    most = max([1.0, *(float(c.max(initial=0)) for c in tuning.counts.values())])
    n = 1 + math.ceil(_BINS_A_DECADE * math.log10(most))
    numbers = np.unique(np.rint(np.geomspace(1, math.ceil(most), max(n, 2))))
    return np.concatenate([[math.sqrt(0.5)], np.sqrt(numbers * (numbers + 1))])


def _view(tuning: RateTuning, edges: np.ndarray) -> tuple[float, float]:
    """The least and the largest rate to be seen, a little space around them."""
    shown = [edges[0] / tuning.counted_seconds, edges[-1] / tuning.counted_seconds]
    shown += [layer.target_hz for layer in tuning.layers if layer.target_hz is not None]
    shown += [rate for step in tuning.history for rate in step.rates_hz.values() if rate > 0]
    high = max(shown)
    ceilings = [layer.ceiling_hz for layer in tuning.layers if layer.ceiling_hz is not None]
    near = [ceiling for ceiling in ceilings if ceiling <= _NEAR * high]
    return min(shown) / 1.05, max([high, *near]) * 1.08


def _names(tuning: RateTuning) -> list[str]:
    """Names of the layers, long ones without their middle unless two would look the same."""
    full = [layer.layer for layer in tuning.layers]
    head, tail = _LONGEST_NAME // 3, _LONGEST_NAME - _LONGEST_NAME // 3 - 1
    short = [n if len(n) <= _LONGEST_NAME else f"{n[:head]}…{n[-tail:]}" for n in full]
    return short if len(set(short)) == len(full) else full
