"""The verdicts on a sweep and on its confirmation: accuracy, energy, whether it paid, what next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....errors import TuningError
from ....layout import si
from ....layout.verdict import TRAINING_HELPS, NextStep, Verdict, accuracy_line, train_command
from ....trying.retyping import changed_command, command_of, network_flags
from ....words import counted
from ...fine_tune_options import FineTuneOptions
from ..confirmation import Confirmation, ConfirmedPoint
from ..sweep_result import Sweep
from ..trials import Point

#: Share of the energy that scales by layer have to save for them to be worth it.
SAVED = 0.02

#: Samples that a front is confirmed on, where there are as many.
CONFIRMED = 200


def sweep_verdict(sweep: Sweep) -> Verdict | None:
    """What the search has come to; None if no setting was seen with all images."""
    if not sweep.points:
        return None
    loss = min(sweep.space.losses)
    best = _within(sweep, loss)
    shown = min(sweep.points, key=lambda p: p.loss) if best is None else best
    return Verdict.of(
        _accuracy(sweep.regression, sweep.keras_accuracy, sweep.keras_rmse, shown, sweep.n_images),
        (
            _device(sweep.device),
            f"{energy_words(sweep, shown)} per inference, {_setting(shown)}",
        ),
        ("worth it?", _worth(sweep, best, loss)),
        next_steps=_next_steps(sweep, best, shown),
    )  # fmt: skip


def energy_words(sweep: Sweep, point: Point) -> str:
    """The energy of a point, or what it is at least."""
    return f"{'at least ' * sweep.at_least}{si.si(point.energy_J, 'J')}"


def confirmation_verdict(confirmation: Confirmation) -> Verdict | None:
    """Whether what a search found holds on images that it did not see."""
    if not confirmation.rows:
        return None
    try:
        row = confirmation.best()
    except TuningError:
        row = min(confirmation.rows, key=lambda r: r.loss)
    regression = confirmation.keras_rmse is not None
    n_images, keras = confirmation.n_images, confirmation.keras_accuracy
    energy = "at least " * confirmation.at_least + f"{si.si(row.energy_J, 'J')} per inference, "
    energy = energy if row.energy_J == row.energy_J else ""
    held = row.loss <= max(row.point.loss, 0.005) + 1e-9
    words = f"{_points(row.loss)} here, {_points(row.point.loss)} where it was searched"
    answer = f"Yes, it holds: {words}." if held else f"Not as it seemed: {words}."
    return Verdict.of(
        _accuracy(regression, keras, confirmation.keras_rmse, row, n_images, " not searched on"),
        (_device(confirmation.device), f"{energy}{_setting(row.point, row.n_steps)}"),
        ("worth it?", answer),
    )  # fmt: skip


def _accuracy(
    regression: bool, keras: float, keras_rmse: float | None, shown: Point | ConfirmedPoint,
    n_images: int, which: str = "",
) -> tuple[str, str]:  # fmt: skip
    values = {"Keras": f"{keras:.1%}", "with spikes": f"{shown.accuracy:.1%}"}
    if regression:
        values = {"Keras": f"RMSE {keras_rmse:.3g}", "with spikes": f"RMSE {shown.rmse:.3g}"}
    samples = f"{counted(n_images, 'image')}{which}"
    return ("error" if regression else "accuracy", accuracy_line(values, samples))


def _within(sweep: Sweep, loss: float) -> Point | None:
    try:
        return sweep.best(loss)
    except TuningError:
        return None


def _worth(sweep: Sweep, best: Point | None, loss: float) -> str:
    """Whether the search has found something that one scale for all layers does not give."""
    if best is None:
        closest = min(sweep.points, key=lambda p: p.loss)
        return (
            f"No: no setting is within {100 * loss:.3g} points of the Keras model; the closest is "
            f"{_points(closest.loss)} from it."
        )
    try:
        one = sweep.best(loss, baseline=True)
    except TuningError:
        return "Yes: no single scale for all layers that was tried is as accurate."
    if best.energy_J >= (1 - SAVED) * one.energy_J:
        return f"No need of scales by layer: one for all takes {energy_words(sweep, one)}."
    saved = 1 - best.energy_J / one.energy_J
    answer = "Yes, by what is counted" if sweep.at_least else "Yes"
    return (
        f"{answer}: {saved:.0%} less energy than the best single scale, {energy_words(sweep, one)}."
    )


def _next_steps(sweep: Sweep, best: Point | None, shown: Point) -> Iterable[NextStep]:
    model = sweep.files[0]
    if best is None:
        command = _training(sweep, shown, train_command(model))
        if not sweep.regression and command:
            yield NextStep(TRAINING_HELPS, command)
        return
    if sweep.study is not None and (sweep.n_spare != 0 or sweep.n_images > 1):
        yield _confirming(sweep, sweep.study)
    command = f"nengo-spikecost deploy {model} --data TEST_DATA --scales sweep.json --cost"
    yield NextStep(
        "Run the best setting on the emulated chip, from the sweep's --json file",
        f"{command} {network_flags(sweep.typed)}".rstrip(),
    )


def _confirming(sweep: Sweep, study: str) -> NextStep:
    """The step that measures the front on other samples; without such, one that keeps some back."""
    model, data = sweep.files
    n_searched, n_spare = sweep.n_images, CONFIRMED if sweep.n_spare is None else sweep.n_spare
    advice = "measure the front on samples not searched on"
    kept = min(CONFIRMED, n_spare)
    if not n_spare:
        advice = "search anew with some samples kept back, and measure the front on these"
        kept = max(1, min(CONFIRMED, n_searched // 3))
        study, n_searched = "NEW_STUDY", n_searched - kept
    # a study goes on with the options that it was made with alone
    typed = sweep.typed or f"nengo-spikecost sweep {model} --data {data}"
    changes = {"study": study, "samples": n_searched, "confirm": kept}
    command = changed_command(typed, changes, {name: f"--{name}" for name in changes})
    return NextStep(f"The best of many is also lucky: {advice}", command)


def _training(sweep: Sweep, point: Point, command: str) -> str:
    """The command that trains with a setting; empty if something of it can't be typed."""
    name, parameters, _ = sweep.neuron_type.partition("()")
    if not parameters:
        return ""
    scales = dict(point.scale_firing_rates)
    first, *others = {*scales.values()}
    options = FineTuneOptions(
        n_steps=point.n_steps, scale_firing_rates=scales if others else first,
        synapse=point.synapse, neuron_type=name, readout=sweep.readout, dt=sweep.dt,
    )  # fmt: skip
    return command_of(command, options, {} if sweep.plan is None else sweep.plan.conversion)


def _setting(point: Any, n_steps: int | None = None) -> str:
    steps = point.n_steps if n_steps is None else n_steps
    return f"trial {point.trial} at {counted(steps, 'step')}"


def _points(loss: float) -> str:
    if loss <= 0:
        return "no points lost"
    return f"{100 * loss:.1f} points lost"


def _device(name: str) -> str:
    return "Loihi" if name == "loihi" else name
