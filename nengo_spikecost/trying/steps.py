"""What is tried for a result, and the next steps that come of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..layout.verdict import POINTS, NextStep, train_step
from ..workload.row_counts import names_in_note
from .attempts import ACCURACY, ENERGY, HOST, RATES, Attempts, steps_of
from .bench import Bench, settings
from .retyping import spiking_flags


def all_attempts(bench: Bench, lost: float) -> tuple[Attempts, ...]:
    """Try what might help: layers on the chip, rates that it has, accuracy, or less energy.

    Parameters
    ----------
    bench : Bench
    lost : float
        Points of accuracy that the result has lost on all its samples.
    """
    now, protocol = bench.now(), bench.activity.protocol
    scale, too_fast = bench.scale, (now.max_rate_hz or 0.0) * protocol.dt > 1
    if scale is None:
        return ()

    def wanted(purpose: str) -> list[dict[str, Any]]:
        return settings(purpose, scale, protocol.n_steps, now, protocol.dt)

    to_chip: dict[str, Any] = {}
    if pooled_on_host(bench.conversion):
        to_chip = {"max_pooling": "average"}
    elif now.synops is None and not bench.conversion.options.get("spike_input"):
        to_chip = {"spike_input": True}
    if to_chip:  # other rates and steps matter once there is something on the chip
        return (bench.attempts(HOST, [{**to_chip, **more} for more in ({}, *wanted(ACCURACY))]),)
    purpose = RATES if too_fast else ACCURACY if lost > POINTS else ENERGY
    return (bench.attempts(purpose, wanted(purpose)),)


def steps_tried(
    attempts: Iterable[Attempts], typed: str, lost: float, conversion: object, model: str
) -> list[NextStep]:
    """The next steps that were tried, and what is likely to help where nothing tried does.

    Parameters
    ----------
    attempts : iterable of Attempts
    typed : str
        The command of the result.
    lost : float
        Points of accuracy.
    conversion : Conversion
    model : str
        Name of the model's file.
    """
    attempts, flags = tuple(attempts), spiking_flags(typed, neurons=True)
    pooled = pooled_on_host(conversion)
    reasons = {
        HOST: f"Max pooling runs on the host ({names_in_note(pooled)})"
        if pooled
        else "No synapse of this network is on the chip: its layers are fed by the host",
        RATES: "Neurons fire more often than a chip's can",
        ACCURACY: f"{lost:.1f} points are lost",
        ENERGY: "No accuracy is lost" if lost <= 0 else f"No more than {lost:.1f} points are lost",
    }
    steps: list[NextStep] = []
    for purpose, reason in reasons.items():
        steps += steps_of(attempts, purpose, typed, reason)
        in_vain = [a for a in attempts if a.purpose == purpose and a.best is None and a.tried]
        partly = [
            a for a in attempts
            if a.purpose == purpose and a.best is not None and a.lost(a.best) > POINTS
        ]  # fmt: skip
        if (purpose in (ACCURACY, HOST) and in_vain) or partly:
            steps.append(train_step(changed_names(conversion), lost, model, flags))
    return steps


def pooled_on_host(conversion: object) -> list[str]:
    """Layers of max pooling that run on the host."""
    choices = getattr(conversion, "choices", ())
    return [c.layer for c in choices if c.on_host and "MaxPool" in c.layer_type]


def changed_names(conversion: object) -> str:
    """Names of the layers that became something else."""
    return names_in_note([c.layer for c in getattr(conversion, "choices", ()) if not c.exact])
