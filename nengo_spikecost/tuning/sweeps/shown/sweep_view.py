"""A sweep: the front and the baseline, the best settings, and every trial."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ....errors import TuningError
from ....layout import Presenter, Table, presents, si
from ....layout.presenter import Part
from ..sweep_result import Sweep
from ..trials import Point, Reading, Trial
from .loss_words import interval, known, points
from .sweep_plot import draw_sweep

_SHOWN = 24
"""Points of a front that a table shows; of more, evenly chosen ones."""


@presents(Sweep)
class SweepPresenter(Presenter[Sweep]):
    """Counts of trials, the front, and the best setting within each loss beside the baseline's."""

    format = "nengo-spikecost/sweep/1"

    def summary(self, sweep: Sweep) -> Iterable[Part]:
        front = sweep.front()
        yield from _heading(sweep)
        yield ""
        if front:
            yield _front_table(sweep, front)
        yield from (f"* {line}" for line in _verdicts(sweep))

    def records(self, sweep: Sweep) -> list[dict[str, Any]]:
        """One flat dict for each trial and presentation time; one for a trial that failed."""
        front = {(point.trial, point.n_steps) for point in sweep.front()}
        complete = {(point.trial, point.n_steps): point for point in sweep.points}
        rows: list[dict[str, Any]] = []
        for trial in sweep.trials:
            scales = {f"scale {name}": scale for name, scale in trial.scales.items()}
            shared = {
                "trial": trial.number, "state": trial.state, "origin": trial.proposal.origin,
                "baseline": trial.proposal.baseline, "synapse": trial.proposal.setting.synapse,
                **scales, "reason": trial.reason, "seconds": trial.seconds,
            }  # fmt: skip
            rows += [
                {
                    **shared, "n_steps": reading.n_steps, "n_images": reading.n_seen,
                    "latency_s": reading.n_steps * sweep.dt, "energy_J": reading.mean_J,
                    "synops": known(reading.synops), "accuracy": reading.accuracy,
                    **_intervals(complete.get((trial.number, reading.n_steps))),
                    "on_front": (trial.number, reading.n_steps) in front,
                }
                for reading in trial.readings
            ] or [{**shared, "on_front": False}]  # fmt: skip
        return rows

    def content(self, sweep: Sweep) -> dict[str, Any]:
        return {
            "neuron_type": sweep.neuron_type, "device": sweep.device,
            "cost_model": sweep.cost_model, "simulator": sweep.simulator,
            "block_shapes": None if sweep.blocks is None else sweep.blocks.shapes, "dt_s": sweep.dt,
            "n_images": sweep.n_images, "confidence": sweep.confidence,
            "keras_accuracy": sweep.keras_accuracy, "n_steps": list(sweep.space.n_steps),
            "synapses": list(sweep.space.synapses), "accuracy_losses": list(sweep.space.losses),
            "rule_scales": dict(sweep.space.rule),
            "front": [_point_dict(point) for point in sweep.front()],
            "baseline": [_point_dict(point) for point in sweep.baseline()],
            "trials": [_trial_dict(trial) for trial in sweep.trials],
        }  # fmt: skip

    def draw(self, sweep: Sweep, axes: Any) -> None:
        draw_sweep(sweep, axes)


def _heading(sweep: Sweep) -> list[str]:
    n_complete = sum(trial.complete for trial in sweep.trials)
    chip = f" and {sweep.blocks.n_cores} emulated cores" if sweep.blocks else ""
    lines = [
        f"{len(sweep.trials)} settings of {sweep.neuron_type} on {sweep.n_images} images{chip}, "
        f"priced on {sweep.device} ({sweep.cost_model}): {n_complete} seen with all images, "
        f"{len(sweep.stopped)} given up early, {len(sweep.failed)} failed",
        f"Keras model: {sweep.keras_accuracy:.2%}",
    ]
    if sweep.failed:
        lines.append(
            f"The last failure, trial {sweep.failed[-1].number}: {sweep.failed[-1].reason}"
        )
    if not sweep.front():
        lines.append("No setting is within the losses of accuracy looked for.")
    return lines


def _front_table(sweep: Sweep, front: tuple[Point, ...]) -> Table:
    several = len(sweep.space.synapses) > 1
    rows = [_cells(point, several) for point in _thinned(front)]
    shown = f", {len(rows)} of its {len(front)} points" if len(rows) < len(front) else ""
    return Table.of(
        (
            "Trial", "Steps", "Energy", "Synops", "Accuracy", "Loss\npoints",
            *(("Synapse\nms",) if several else ()),
            *(f"Scale\n{name}" for name in sweep.space.layers),
        ),
        rows,
        title=f"The front, per inference{shown}; losses with {sweep.confidence:.0%} intervals",
    )  # fmt: skip


def _cells(point: Point, several: bool) -> tuple[str, ...]:
    return (
        f"{point.trial}{' (one scale)' if point.baseline else ''}", str(point.n_steps),
        si.si(point.energy_J, "J"), si.count(point.synops, short=True), f"{point.accuracy:.2%}",
        f"{points(point.loss)} ({interval(point.loss_interval)})",
        *((_ms(point.synapse),) if several else ()),
        *(f"{scale:.3g}" for scale in point.scale_firing_rates.values()),
    )  # fmt: skip


def _verdicts(sweep: Sweep) -> list[str]:
    """The best setting within each loss looked for, against the best with one scale."""
    lines = []
    for loss in sweep.space.losses:
        try:
            best = sweep.best(loss)
        except TuningError:
            lines.append(f"Within {loss:.1%} of the Keras model: none.")
            continue
        words = (
            f"Within {loss:.1%} of the Keras model: trial {best.trial} at {best.n_steps} steps, "
            f"{si.si(best.energy_J, 'J')}, {si.count(best.synops, short=True)} synops"
        )
        try:
            one = sweep.best(loss, baseline=True)
            words += f"; one scale for all layers takes {_against(one, best)}."
        except TuningError:
            words += "; no global scale that was tried is."
        lines.append(words)
    return lines


def _against(one: Point, best: Point) -> str:
    scale = next(iter(one.scale_firing_rates.values()))
    words = f"{si.si(one.energy_J, 'J')} ({scale:g}, {one.n_steps} steps)"
    return f"{words}, {one.energy_J / best.energy_J:.3g} times as much" if best.energy_J else words


def _trial_dict(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number, "state": trial.state, "origin": trial.proposal.origin,
        "parent": trial.proposal.parent, "scale_firing_rates": dict(trial.scales),
        "synapse": trial.proposal.setting.synapse, "reason": trial.reason, "seconds": trial.seconds,
        "readings": [_reading_dict(reading) for reading in trial.readings],
    }  # fmt: skip


def _reading_dict(reading: Reading) -> dict[str, Any]:
    return {
        "n_steps": reading.n_steps, "n_images": reading.n_seen, "accuracy": reading.accuracy,
        "energy_J": reading.mean_J, "synops": known(reading.synops),
    }  # fmt: skip


def _point_dict(point: Point) -> dict[str, Any]:
    values = {f.name: getattr(point, f.name) for f in fields(point) if f.name != "correct"}
    values["synops"] = known(point.synops)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _intervals(point: Point | None) -> dict[str, float]:
    """Of points seen with all images; the others have too few to be compared."""
    if point is None:
        return {}
    return {
        "accuracy_low": point.interval[0], "accuracy_high": point.interval[1], "loss": point.loss,
        "loss_low": point.loss_interval[0], "loss_high": point.loss_interval[1],
    }  # fmt: skip


def _thinned(front: tuple[Point, ...]) -> Iterable[Point]:
    if len(front) <= _SHOWN:
        return front
    chosen = {round(i * (len(front) - 1) / (_SHOWN - 1)) for i in range(_SHOWN)}
    return [front[i] for i in sorted(chosen)]


def _ms(synapse: float | None) -> str:
    return si.MISSING if synapse is None else f"{1000 * synapse:g}"
