"""One proposal tried: on few images first, and given up as soon as it is hopeless."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .accuracy_statistics import mean_difference, paired_difference
from .trials import Proposal, Reading, Setting, Trial, with_more


class Engine(Protocol):
    """A network that is simulated with one setting after the other."""

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Simulate images ``start`` to ``stop``; a reading for each presentation time."""


@dataclass(frozen=True)
class Rules:
    """When a proposal is given up.

    Attributes
    ----------
    stages : tuple of int
        Numbers of images after which that is decided; the last is all of them.
    reference : ndarray of bool, shape (n_images,)
        Outcomes of the Keras model.
    worst_loss : float
        Largest loss of accuracy of interest.
    confidence : float
        Of the intervals it is decided by, for what all images would have said.
    """

    stages: tuple[int, ...]
    reference: np.ndarray
    worst_loss: float
    confidence: float = 0.98


def stages_of(n_images: int, first: int) -> tuple[int, ...]:
    """``first`` images, then twice as many each time, and all of them."""
    stages = [first]
    while 2 * stages[-1] <= 0.75 * n_images:
        stages.append(2 * stages[-1])
    return (*(n for n in stages if n <= 0.75 * n_images), n_images)


def try_out(
    number: int, proposal: Proposal, engine: Engine, rivals: Sequence[Reading], rules: Rules
) -> Trial:
    """Simulate a proposal, stage by stage.

    Parameters
    ----------
    number : int
        Of the trial.
    proposal : Proposal
        The setting to try.
    engine : Engine
        Simulates it.
    rivals : sequence of Reading
        Of all images, those that a new one has to be better than in something.
    rules : Rules
        When to give up.

    Returns
    -------
    Trial
        Whatever happens, unless the user interrupts: an error is in its ``reason``.
    """
    began = time.monotonic()
    readings: list[Reading] = []
    state, reason, seen = "complete", "", 0
    try:
        for stop in rules.stages:
            new = engine.read(proposal.setting, seen, stop)
            readings = with_more(readings, new)
            seen = stop
            if stop == rules.stages[-1] or proposal.baseline:
                continue
            reasons = [hopeless(reading, rivals, rules) for reading in readings]
            if all(reasons):
                state, reason = "stopped", f"{reasons[-1]} after {seen} images"
                break
    except Exception as error:  # kept with the trial: the next may well run
        lines = str(error).split("\n")
        state, reason = "failed", f"{type(error).__name__}: {lines[0]}"
        readings = []
    return Trial(number, proposal, state, tuple(readings), reason, time.monotonic() - began)


def hopeless(reading: Reading, rivals: Sequence[Reading], rules: Rules) -> str:
    """Why a reading of some of the images can't be on the front in the end; empty if it may.

    It can't if its accuracy is surely below the range of interest; or if a rival that is no
    slower is surely more accurate, and surely takes no more energy, on the same images.
    """
    seen, sure = reading.n_seen, (rules.confidence, rules.stages[-1])
    _, high = paired_difference(reading.correct, rules.reference[:seen], *sure)
    if high < -rules.worst_loss:
        return f"loses more than {rules.worst_loss:.1%}"
    for rival in rivals:
        if rival.n_steps > reading.n_steps:
            continue
        correct, energy_J = rival.correct[:seen], rival.energy_J[:seen]
        if energy_J.mean() > reading.mean_J or correct.mean() <= reading.accuracy:
            continue
        _, high = paired_difference(reading.correct, correct, *sure)
        low_J, _ = mean_difference(reading.energy_J, energy_J, *sure)
        if high < 0 and low_J >= 0:
            return "another takes less energy and is more accurate"
    return ""
