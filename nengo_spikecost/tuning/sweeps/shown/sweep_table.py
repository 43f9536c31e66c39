"""A sweep, and the confirmation of its settings, as tables and records."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ....errors import TuningError
from ....layout import si
from ....layout.table import Table
from ....layout.text import to_text

if TYPE_CHECKING:
    from .. import Confirmation, Point, Sweep

_SHOWN = 24
"""Points of a front that a table shows; of more, evenly chosen ones."""


def summary(sweep: Sweep, line_length: int) -> str:
    """What was done, the front, the baseline at the same losses, and the best setting."""
    front, table = sweep.front(), ""
    if front:
        table = to_text(_front_table(sweep, front), line_length)
    lines = [*(_wrapped(line, line_length) for line in _heading(sweep)), "", table]
    lines += [_wrapped(line, line_length, "* ") for line in _verdicts(sweep)]
    return "\n".join(lines)


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
    layers = sweep.space.layers
    several = len(sweep.space.synapses) > 1
    headers: list[tuple[str, ...]] = [
        ("Trial",), ("Steps",), ("Energy",), ("Synops",), ("Accuracy",), ("Loss", "points"),
        *((("Synapse", "ms"),) if several else ()), *(("Scale", name) for name in layers),
    ]  # fmt: skip
    rows = tuple(_cells(sweep, point, several) for point in _thinned(front))
    shown = f", {len(rows)} of its {len(front)} points" if len(rows) < len(front) else ""
    return Table(
        headers=tuple(headers),
        short_headers=tuple(headers),
        right=(False, *(True,) * (len(headers) - 1)),
        rows=rows,
        short_rows=rows,
        title=f"The front, per inference{shown}; losses with {sweep.confidence:.0%} intervals",
    )


def _cells(sweep: Sweep, point: Point, several: bool) -> tuple[str, ...]:
    return (
        f"{point.trial}{' (one scale)' if point.baseline else ''}",
        str(point.n_steps),
        si.si(point.energy_J, "J"),
        si.count(point.synops, short=True),
        f"{point.accuracy:.2%}",
        f"{_points(point.loss)} ({_interval(point.loss_interval)})",
        *((_ms(point.synapse),) if several else ()),
        *(f"{scale:.3g}" for scale in point.scale_firing_rates.values()),
    )


def _verdicts(sweep: Sweep) -> list[str]:
    """The best setting within each loss looked for, against the best with one scale."""
    found = []
    for loss in sweep.space.losses:
        try:
            best = sweep.best(loss)
        except TuningError:
            found.append(f"Within {loss:.1%} of the Keras model: none.")
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
        found.append(words)
    return found


def _against(one: Point, best: Point) -> str:
    scale = next(iter(one.scale_firing_rates.values()))
    words = f"{si.si(one.energy_J, 'J')} ({scale:g}, {one.n_steps} steps)"
    return f"{words}, {one.energy_J / best.energy_J:.3g} times as much" if best.energy_J else words


def confirmation_summary(confirmation: Confirmation, line_length: int) -> str:
    """Each setting as the sweep saw it and as it was confirmed."""
    headers = (
        ("Trial",), ("Steps",), ("Accuracy", "in the sweep"), ("Accuracy", "confirmed"),
        ("Loss", "in the sweep"), ("Loss", "confirmed"), ("Energy", "in the sweep"),
        ("Energy", "confirmed"),
    )  # fmt: skip
    rows = tuple(
        (
            str(row.point.trial), str(row.n_steps),
            f"{row.point.accuracy:.2%} ({_share_interval(row.point.interval)})",
            f"{row.accuracy:.2%} ({_share_interval(row.interval)})", _points(row.point.loss),
            f"{_points(row.loss)} ({_interval(row.loss_interval)})",
            si.si(row.point.energy_J, "J"), si.si(row.energy_J, "J"),
        )
        for row in confirmation.rows
    )  # fmt: skip
    keras = f"{confirmation.keras_accuracy:.2%} ({_share_interval(confirmation.keras_interval)})"
    title = f"Confirmed on {confirmation.n_images} images, {confirmation.simulator}; Keras: {keras}"
    right = (False, *(True,) * (len(headers) - 1))
    return to_text(Table(headers, headers, right, rows, rows, title=title), line_length)


def confirmation_dict(confirmation: Confirmation) -> dict[str, Any]:
    """A confirmation as plain dicts, lists and numbers."""
    return {
        "simulator": confirmation.simulator,
        "n_images": confirmation.n_images,
        "keras_accuracy": confirmation.keras_accuracy,
        "keras_interval": list(confirmation.keras_interval),
        "device": confirmation.device,
        "rows": [
            {
                "trial": row.point.trial,
                "n_steps_in_sweep": row.point.n_steps,
                "n_steps": row.n_steps,
                "synapse": row.point.synapse,
                "scale_firing_rates": row.point.scale_firing_rates,
                "accuracy_in_sweep": row.point.accuracy,
                "interval_in_sweep": list(row.point.interval),
                "accuracy": row.accuracy,
                "interval": list(row.interval),
                "loss_in_sweep": row.point.loss,
                "loss": row.loss,
                "loss_interval": list(row.loss_interval),
                "p_value": row.p_value,
                "energy_in_sweep_J": row.point.energy_J,
                "energy_J": row.energy_J,
                "synops_in_sweep": _known(row.point.synops),
                "synops": _known(row.synops),
            }
            for row in confirmation.rows
        ],
    }


def records(sweep: Sweep) -> list[dict[str, Any]]:
    """One flat dict for each trial and presentation time; one for a trial that failed."""
    front = {(point.trial, point.n_steps) for point in sweep.front()}
    points = {(point.trial, point.n_steps): point for point in sweep.points}
    found = []
    for trial in sweep.trials:
        setting = trial.proposal.setting
        shared = {
            "trial": trial.number,
            "state": trial.state,
            "origin": trial.proposal.origin,
            "baseline": trial.proposal.baseline,
            "synapse": setting.synapse,
            **{f"scale {name}": scale for name, scale in setting.scales.items()},
            "reason": trial.reason,
            "seconds": trial.seconds,
        }
        found += [
            {
                **shared,
                "n_steps": reading.n_steps,
                "n_images": reading.n_seen,
                "latency_s": reading.n_steps * sweep.dt,
                "energy_J": reading.mean_J,
                "synops": _known(reading.synops),
                "accuracy": reading.accuracy,
                **_intervals(points.get((trial.number, reading.n_steps))),
                "on_front": (trial.number, reading.n_steps) in front,
            }
            for reading in trial.readings
        ] or [{**shared, "on_front": False}]
    return found


def to_dict(sweep: Sweep, kind: str) -> dict[str, Any]:
    """Everything as plain dicts, lists, strings and numbers."""
    return {
        "format": kind,
        "neuron_type": sweep.neuron_type,
        "device": sweep.device,
        "cost_model": sweep.cost_model,
        "simulator": sweep.simulator,
        "block_shapes": None if sweep.blocks is None else sweep.blocks.shapes,
        "dt_s": sweep.dt,
        "n_images": sweep.n_images,
        "confidence": sweep.confidence,
        "keras_accuracy": sweep.keras_accuracy,
        "n_steps": list(sweep.space.n_steps),
        "synapses": list(sweep.space.synapses),
        "accuracy_losses": list(sweep.space.losses),
        "rule_scales": dict(sweep.space.rule),
        "front": [_point_dict(point) for point in sweep.front()],
        "baseline": [_point_dict(point) for point in sweep.baseline()],
        "trials": [
            {
                "number": trial.number,
                "state": trial.state,
                "origin": trial.proposal.origin,
                "parent": trial.proposal.parent,
                "scale_firing_rates": dict(trial.scales),
                "synapse": trial.proposal.setting.synapse,
                "reason": trial.reason,
                "seconds": trial.seconds,
                "readings": [
                    {
                        "n_steps": reading.n_steps,
                        "n_images": reading.n_seen,
                        "accuracy": reading.accuracy,
                        "energy_J": reading.mean_J,
                        "synops": _known(reading.synops),
                    }
                    for reading in trial.readings
                ],
            }
            for trial in sweep.trials
        ],
    }


def _point_dict(point: Point) -> dict[str, Any]:
    values = {f.name: getattr(point, f.name) for f in fields(point) if f.name != "correct"}
    values["synops"] = _known(point.synops)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _intervals(point: Point | None) -> Mapping[str, float]:
    """Of points seen with all images; the others have too few to be compared."""
    if point is None:
        return {}
    return {
        "accuracy_low": point.interval[0],
        "accuracy_high": point.interval[1],
        "loss": point.loss,
        "loss_low": point.loss_interval[0],
        "loss_high": point.loss_interval[1],
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _thinned(front: tuple[Point, ...]) -> Iterable[Point]:
    if len(front) <= _SHOWN:
        return front
    chosen = {round(i * (len(front) - 1) / (_SHOWN - 1)) for i in range(_SHOWN)}
    return [front[i] for i in sorted(chosen)]


def _points(loss: float) -> str:
    """A loss in percentage points."""
    return f"{100 * loss + 0.0:.2f}"


def _interval(ends: tuple[float, float]) -> str:
    return f"{_points(ends[0])} to {_points(ends[1])}"


def _share_interval(ends: tuple[float, float]) -> str:
    return f"{100 * ends[0]:.1f} - {100 * ends[1]:.1f}"


def _ms(synapse: float | None) -> str:
    return si.MISSING if synapse is None else f"{1000 * synapse:g}"


def _wrapped(text: str, line_length: int, bullet: str = "") -> str:
    return textwrap.fill(
        text, line_length, initial_indent=bullet, subsequent_indent=" " * len(bullet)
    )
