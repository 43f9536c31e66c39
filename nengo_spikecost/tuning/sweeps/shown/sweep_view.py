"""A sweep: the front and the baseline, the best settings, and every trial."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ....energy import devices
from ....energy.shown.device_list import device_details
from ....errors import TuningError
from ....layout import Presenter, Table, presents, si
from ....layout.charts import Bars, Chart, Drawing
from ....layout.plots import bare, say, share_ticks, si_ticks
from ....layout.presenter import Details, Part
from ....layout.si import known
from ....layout.verdict import Verdict
from ....words import counted
from ..sweep_result import Sweep
from ..trials import Point, Trial
from .loss_words import correlated, interval, points, quality, renamed
from .sweep_notes import best_settings, dead_layers, dead_notes, least_notes, searched_notes
from .sweep_verdict import sweep_verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 24
"""Points of a front that a table shows; of more, evenly chosen ones."""

_BARS = 10
"""Points of a front whose synops a page shows."""

_BELOW = 1.5
"""The axis of a plot ends so many times the largest loss of interest below the Keras model."""


@presents(Sweep)
class SweepPresenter(Presenter[Sweep]):
    """Counts of trials, the front, and the best setting within each loss beside the baseline's."""

    format = "nengo-spikecost/sweep/1"

    def title(self, sweep: Sweep) -> str:
        return "Settings for accuracy and energy"

    def about(self, sweep: Sweep) -> str:
        return _heading(sweep)[0]

    def charts(self, sweep: Sweep) -> Iterable[Chart]:
        """Accuracy against energy; and where the synops are, of the best settings."""
        if sweep.points:
            words = "; ".join(best_settings(sweep))
            draw = partial(self.draw, sweep)
            yield Drawing("Accuracy against energy", draw, self.size(sweep), description=words)
        front = sweep.front()
        if front:
            shown = list(_thinned(front))[:_BARS]
            names = tuple(f"trial {p.trial}, {p.n_steps} steps" for p in shown)
            trials = {trial.number: trial for trial in sweep.trials}
            reads = [
                next(r for r in trials[p.trial].readings if r.n_steps == p.n_steps) for p in shown
            ]
            layers = dict.fromkeys(name for read in reads for name in read.layer_synops)
            synops = {n: [float(read.layer_synops.get(n, 0)) for read in reads] for n in layers}
            note = "Of the search's own simulation. The first has the least energy."
            yield Bars("Synops by layer along the front", names, synops, "", "linear", (), note)

    def details(self, sweep: Sweep) -> Iterable[Details]:
        space = sweep.space
        yield Details(
            "How it was searched",
            (
                f"Presentation times: {', '.join(map(str, space.n_steps))} steps of "
                f"{1e3 * sweep.dt:g} ms; synapses: {', '.join(map(str, space.synapses))} s.",
                f"Losses of accuracy looked for: {', '.join(f'{x:.1%}' for x in space.losses)}; "
                f"intervals of {sweep.confidence:.0%}.",
                f"Simulated in {sweep.simulator}, searched in {sweep.searched_in}.",
            ),
        )
        yield device_details([devices.get(sweep.device, sweep.cost_model)])

    def verdict(self, sweep: Sweep) -> Verdict | None:
        return sweep_verdict(sweep)

    def summary(self, sweep: Sweep) -> Iterable[Part]:
        front = sweep.front()
        yield from _heading(sweep)
        yield ""
        if front:
            yield _front_table(sweep, front)
        lines = best_settings(sweep), least_notes(sweep), searched_notes(sweep)
        yield from (f"* {line}" for line in (*chain(*lines), *dead_notes(sweep, front)))

    def records(self, sweep: Sweep) -> list[dict[str, Any]]:
        """One flat dict for each trial and presentation time; one for a trial that failed."""
        front = {(point.trial, point.n_steps) for point in sweep.front()}
        complete = {(point.trial, point.n_steps): point for point in sweep.points}
        rows: list[dict[str, Any]] = []
        correlations: list[float | None] = []
        for trial in sweep.trials:
            scales = {f"scale {name}": scale for name, scale in trial.scales.items()}
            shared = {
                "trial": trial.number, "state": trial.state, "origin": trial.proposal.origin,
                "baseline": trial.proposal.baseline, "synapse": trial.proposal.setting.synapse,
                **scales, "reason": trial.reason, "seconds": trial.seconds,
            }  # fmt: skip
            readings = [sweep.judged.get((trial.number, r.n_steps), r) for r in trial.readings]
            rows += [
                {
                    **shared, "n_steps": reading.n_steps, "n_images": reading.n_seen,
                    "latency_s": reading.n_steps * sweep.dt, "energy_J": reading.mean_J,
                    "energy_is_at_least": sweep.at_least,
                    "updates": sweep.updates(reading.n_steps),
                    "synops": known(reading.synops), "accuracy": reading.accuracy,
                    **_intervals(complete.get((trial.number, reading.n_steps))),
                    "dead_layers": " ".join(dead_layers(reading)),
                    "on_front": (trial.number, reading.n_steps) in front,
                }
                for reading in readings
            ] or [{**shared, "on_front": False}]  # fmt: skip
            correlations += [reading.correlation for reading in readings] or [None]
        if sweep.regression:
            return [
                renamed(row, sweep.rmse_of(row.get("accuracy", 0.0)), correlation)
                for row, correlation in zip(rows, correlations)
            ]
        return rows

    def content(self, sweep: Sweep) -> dict[str, Any]:
        return {
            "neuron_type": sweep.neuron_type, "device": sweep.device,
            "cost_model": sweep.cost_model, "simulator": sweep.simulator,
            "searched_in": sweep.searched_in,
            "block_shapes": None if sweep.blocks is None else sweep.blocks.shapes, "dt_s": sweep.dt,
            "energy_is_at_least": sweep.at_least,
            "readout": sweep.readout, "n_images": sweep.n_images, "confidence": sweep.confidence,
            **_keras(sweep), "n_steps": list(sweep.space.n_steps),
            "synapses": list(sweep.space.synapses), "accuracy_losses": list(sweep.space.losses),
            "rule_scales": dict(sweep.space.rule),
            "front": [_point_dict(point) for point in sweep.front()],
            "baseline": [_point_dict(point) for point in sweep.baseline()],
            "trials": [_trial_dict(sweep, trial) for trial in sweep.trials],
        }  # fmt: skip

    def draw(self, sweep: Sweep, axes: Any) -> None:
        """Accuracy against energy per inference, with the presentation time as colour.

        Where no setting is within the losses looked for, the picture says so, and has all that were
        tried.

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
            base = sorted(
                (p for p in sweep.baseline() if p.n_steps == n_steps), key=lambda p: p.energy_J
            )
            axes.plot(*_coordinates(base), ls=":", lw=1.2, color=colours[n_steps], zorder=2)
            _scatter(axes, base, colours, marker="s", s=26, linewidths=0.7, edgecolors="black")
        # the part of the front on which more energy means more accuracy, whatever the latency
        best = np.maximum.accumulate([-np.inf, *(p.accuracy for p in front)])
        stairs = [p for p, before in zip(front, best) if p.accuracy > before]
        if stairs:
            axes.step(*_coordinates(stairs), where="post", color="black", lw=1.4, zorder=3)
        _scatter(axes, front, colours, s=42, linewidths=0.9, edgecolors="black", zorder=4)
        axes.axhline(sweep.keras_accuracy, color="#555555", ls="--", lw=1)
        _finish(axes, sweep, colours)


_KINDS = {
    "binary": "The labels are binary: a value above the threshold is class 1.",
    "multi-label": "The labels are multi-label: accuracies are shares of all values.",
    "regression": "The labels are targets of a regression: losses are points of R², the share of "
    "the targets' variance that is explained.",
}


def _of_keras(sweep: Sweep) -> str:
    if not sweep.regression:
        return f"{sweep.keras_accuracy:.2%}"
    return f"RMSE {sweep.keras_rmse:.4g}, R² {sweep.keras_accuracy:.4f}"


def _keras(sweep: Sweep) -> dict[str, Any]:
    if not sweep.regression:
        return {"keras_accuracy": sweep.keras_accuracy}
    return {"task": "regression", "keras_r2": sweep.keras_accuracy, "keras_rmse": sweep.keras_rmse}


def _heading(sweep: Sweep) -> list[str]:
    n_complete = sum(trial.complete for trial in sweep.trials)
    chip = f" and {sweep.blocks.n_cores} emulated cores" if sweep.blocks else ""
    images = counted(sweep.n_images, "image")
    lines = [
        f"{counted(len(sweep.trials), 'setting')} of {sweep.neuron_type} on {images}{chip}, "
        f"priced on {sweep.device} ({sweep.cost_model}): {n_complete} seen with all images, "
        f"{len(sweep.stopped)} given up early, {len(sweep.failed)} failed",
        f"Keras model: {_of_keras(sweep)}",
    ]
    if sweep.kind != "classes":
        lines.append(_KINDS[sweep.kind])
    if sweep.failed:
        last = sweep.failed[-1]
        lines.append(f"The last failure, trial {last.number}: {last.reason}")
    if not sweep.front():
        lines.append("No setting is within the losses of accuracy looked for.")
    return lines


def _front_table(sweep: Sweep, front: tuple[Point, ...]) -> Table:
    several = len(sweep.space.synapses) > 1
    least = ">= " * sweep.at_least
    rows = [_cells(point, several, least) for point in _thinned(front)]
    shown = f", {len(rows)} of its {len(front)} points" if len(rows) < len(front) else ""
    return Table.of(
        (
            "Trial", "Steps", "Energy", *(("Updates",) if sweep.updates_per_step else ()), "Synops",
            *(("RMSE", "Correlation") if sweep.regression else ("Accuracy",)),
            "Loss\npoints",
            *(("Synapse\nms",) if several else ()),
            *(f"Scale\n{name}" for name in sweep.space.layers),
        ),
        rows,
        title=f"The front, per inference{shown}; losses with {sweep.confidence:.0%} intervals",
    )  # fmt: skip


def _cells(point: Point, several: bool, least: str) -> tuple[str, ...]:
    synapse = si.MISSING if point.synapse is None else f"{1000 * point.synapse:g}"
    return (
        f"{point.trial}{' (one scale)' if point.baseline else ''}", str(point.n_steps),
        f"{least}{si.si(point.energy_J, 'J')}",
        *((si.count(point.updates, short=True),) if point.updates else ()),
        si.count(point.synops, short=True),
        quality(point.accuracy, point.rmse),
        *((correlated(point.correlation),) if point.rmse is not None else ()),
        f"{points(point.loss)} ({interval(point.loss_interval)})", *((synapse,) if several else ()),
        *(f"{scale:.3g}" for scale in point.scale_firing_rates.values()),
    )  # fmt: skip


def _trial_dict(sweep: Sweep, trial: Trial) -> dict[str, Any]:
    readings = [
        renamed(
            {
                "n_steps": reading.n_steps, "n_images": reading.n_seen,
                "accuracy": reading.accuracy, "energy_J": reading.mean_J,
                "synops": known(reading.synops),
            },
            sweep.rmse_of(reading.accuracy), reading.correlation,
        )
        for reading in trial.readings
    ]  # fmt: skip
    return {
        "number": trial.number, "state": trial.state, "origin": trial.proposal.origin,
        "parent": trial.proposal.parent, "scale_firing_rates": dict(trial.scales),
        "synapse": trial.proposal.setting.synapse, "reason": trial.reason, "seconds": trial.seconds,
        "readings": readings,
    }  # fmt: skip


def _point_dict(point: Point) -> dict[str, Any]:
    apart = ("correct", "rmse", "correlation")
    values = {f.name: getattr(point, f.name) for f in fields(point) if f.name not in apart}
    values["synops"] = known(point.synops)
    if point.searched is not None:
        values["searched"] = {name: known(v) for name, v in asdict(point.searched).items()}
    values = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
    return renamed(values, point.rmse, point.correlation)


def _intervals(point: Point | None) -> dict[str, Any]:
    """Of points seen with all images; the others have too few to be compared."""
    if point is None:
        return {}
    seen = {} if point.searched is None else asdict(point.searched)
    return {
        "simulator": point.simulator,
        **{f"{name}_searched": known(value) for name, value in seen.items()},
        "accuracy_low": point.interval[0], "accuracy_high": point.interval[1], "loss": point.loss,
        "loss_low": point.loss_interval[0], "loss_high": point.loss_interval[1],
    }  # fmt: skip


def _thinned(front: tuple[Point, ...]) -> Iterable[Point]:
    if len(front) <= _SHOWN:
        return front
    chosen = {round(i * (len(front) - 1) / (_SHOWN - 1)) for i in range(_SHOWN)}
    return [front[i] for i in sorted(chosen)]


def _finish(axes: Axes, sweep: Sweep, colours: Any) -> None:
    from matplotlib import ticker
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="o", color="black", mfc="white", label="front"),
        Line2D(
            [], [], marker="s", ls=":", color="#777777", mec="black", mfc="white",
            label="one scale for all layers",
        ),
        Line2D([], [], marker="o", ms=3.5, ls="", color="#999999", label="other settings"),
        Line2D([], [], ls="--", color="#555555", label="Keras model"),
    ]  # fmt: skip
    for n in sweep.space.n_steps:
        label = f"{n} steps, {1e3 * n * sweep.dt:g} ms"
        handles.append(Line2D([], [], marker="o", ls="", color=colours[n], label=label))
    axes.legend(
        handles=handles, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5),
        frameon=False,
    )  # fmt: skip
    best = max(sweep.keras_accuracy, *(p.accuracy for p in sweep.points))
    low = sweep.keras_accuracy - max(_BELOW * sweep.space.worst_loss, 0.005)
    nearest = max(p.accuracy for p in sweep.points)
    if not sweep.front():
        low = min(low, min(p.accuracy for p in sweep.points) - 0.02)
        words = f"No setting is within {sweep.space.worst_loss:.1%} of the Keras model"
        say(axes, f"{words}: the nearest loses {points(sweep.keras_accuracy - nearest)} points.")
    axes.set_ylim(low, best + 0.08 * (best - low))
    shown = [p.energy_J for p in sweep.points if p.accuracy >= low and p.energy_J > 0]
    if shown:
        axes.set(xscale="log", xlim=(0.9 * min(shown), 1.1 * max(shown)))
        narrow = max(shown) < 10 * min(shown)  # too few powers of ten to be labels
        if max(shown) < 2 * min(shown):
            axes.xaxis.set_major_locator(ticker.MaxNLocator(5))
        else:
            digits = (1, 2, 3, 4, 5, 7) if narrow else (1, 2, 5)
            axes.xaxis.set_major_locator(ticker.LogLocator(subs=digits))
        axes.xaxis.set_major_formatter(si_ticks("J"))
        axes.xaxis.set_minor_formatter(ticker.NullFormatter())
        if narrow:
            axes.xaxis.set_minor_locator(ticker.NullLocator())
    if not sweep.regression:
        share_ticks(axes.yaxis)
    least = ", at least" * sweep.at_least
    axes.set_xlabel(f"Energy per inference on {sweep.device}, {sweep.cost_model}{least}")
    quality = "R²" if sweep.regression else "Accuracy"
    axes.set_ylabel(f"{quality} on {counted(sweep.n_images, 'image')}")
    title = f"{counted(len(sweep.trials), 'setting')} of {sweep.neuron_type}"
    axes.set_title(title, loc="left", fontsize=10)
    bare(axes)


def _colours(sweep: Sweep) -> Any:
    """A colour for each presentation time, dark for the shortest."""
    from matplotlib import colormaps

    steps = sweep.space.n_steps
    shades = np.linspace(0.1, 0.88, len(steps)) if len(steps) > 1 else [0.3]
    return {n: colormaps["viridis"](shade) for n, shade in zip(steps, shades)}


def _scatter(axes: Axes, points: Any, colours: Any, **style: Any) -> None:
    style = {"zorder": 2, "color": [colours[p.n_steps] for p in points], **style}
    axes.scatter(*_coordinates(points), **style)


def _coordinates(points: Any) -> tuple[list[float], list[float]]:
    return [p.energy_J for p in points], [p.accuracy for p in points]
