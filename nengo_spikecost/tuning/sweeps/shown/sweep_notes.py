"""The notes below a sweep: the best settings, what searched, and layers that never fire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....errors import TuningError
from ....layout import si
from ....layout.si import times
from ....words import counted, in_words
from ...sweep_options import SEARCHES
from ..sweep_result import Sweep
from ..trials import Point, Reading
from .loss_words import quality
from .sweep_verdict import energy_words


def best_settings(sweep: Sweep) -> list[str]:
    """The best setting within each loss looked for, against the best with one scale.

    Losses with the same best setting are in one line.
    """
    told: dict[str, list[str]] = {}
    for loss in sweep.space.losses:
        told.setdefault(_within(sweep, loss), []).append(f"{loss:.1%}")
    return [f"Within {in_words(own)} of the Keras model: {best}" for best, own in told.items()]


def _within(sweep: Sweep, loss: float) -> str:
    """The best setting within a loss, against the best with one scale."""
    try:
        best = sweep.best(loss)
    except TuningError:
        return "none."
    words = (
        f"trial {best.trial} at {best.n_steps} steps, {energy_words(sweep, best)}, "
        f"{si.count(best.synops, short=True)} synops"
    )
    try:
        one = sweep.best(loss, baseline=True)
    except TuningError:
        return f"{words}; no global scale that was tried is."
    return f"{words}; one scale for all layers takes {_against(sweep, one, best)}."


def least_notes(sweep: Sweep) -> list[str]:
    """What the front is worth, if energies are only at least known."""
    if not sweep.at_least:
        return []
    return [
        "Energies are at least these: a host does more in a step than send its spikes, and what "
        "that takes is not known. The front is that of what is counted; of settings with more "
        "steps, more is missing. Give the measured time of a step: "
        "cost_model=loihi_chip(host_io=SECONDS)."
    ]


def searched_notes(sweep: Sweep) -> list[str]:
    """What searched, if not what judges; and what NengoDL said otherwise of the settings found."""
    if sweep.searched_because:
        return [f"Searched in NengoDL, not in compiled code: {sweep.searched_because}."]
    if sweep.searched_in != SEARCHES:
        return []
    judged = [point for point in sweep.points if point.searched is not None]
    if not judged:
        return ["Searched in compiled code; NengoDL judged none of the settings."]
    shown = [
        f"trial {point.trial} at {point.n_steps} steps: {_seen(sweep, point.searched)}"
        for point in judged
        if point.searched is not None and _seen(sweep, point.searched) != _seen(sweep, point)
    ]
    names = [f"{point.trial} at {point.n_steps}" for point in judged]
    words = "Searched in compiled code; the figures of " + (
        f"{counted(len(names), 'setting')} are NengoDL's, on the same samples (trial "
        f"{', '.join(names)} steps)"
    )
    return [f"{words}. The search had {'; '.join(shown)}." if shown else f"{words}, and equal."]


def _seen(sweep: Sweep, seen: Any) -> str:
    """Quality, energy and synops as the table shows them."""
    judged = quality(seen.accuracy, sweep.rmse_of(seen.accuracy))
    return f"{judged}, {si.si(seen.energy_J, 'J')}, {si.count(seen.synops, short=True)} synops"


def dead_notes(sweep: Sweep, front: Iterable[Point]) -> list[str]:
    """Settings on the front with layers that never spike: their accuracy is that of the rest."""
    trials = {trial.number: trial for trial in sweep.trials}
    lines = []
    for point in front:
        for reading in trials[point.trial].readings:
            dead = dead_layers(reading)
            if reading.n_steps == point.n_steps and dead:
                lines.append(
                    f"Trial {point.trial} at {point.n_steps} steps ({point.accuracy:.2%}) has dead "
                    f"layers, which did not spike for any image: {', '.join(dead)}."
                )
    return lines


def dead_layers(reading: Reading) -> list[str]:
    """Layers that did not spike for any image."""
    return [name for name, synops in reading.layer_synops.items() if not synops]


def _against(sweep: Sweep, one: Point, best: Point) -> str:
    scale = next(iter(one.scale_firing_rates.values()))
    words = f"{energy_words(sweep, one)} ({scale:g}, {one.n_steps} steps)"
    if best.energy_J:
        words += f", {times(one.energy_J / best.energy_J)} as much"
        words += " by what is counted" * sweep.at_least
    return words
