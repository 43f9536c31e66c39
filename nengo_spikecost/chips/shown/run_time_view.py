"""A `RunTime` term by term: what the steps take, the clock they need, and measured powers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...layout import Presenter, Table, presents
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Part
from ...layout.si import count, si
from ...layout.verdict import Verdict
from ..run_time_record import MARGIN, RunTime


@presents(RunTime)
class RunTimePresenter(Presenter[RunTime]):
    """A row for each term of a step; then the powers that were measured."""

    format = "nengo-spikecost/run-time/1"
    index = "term"

    def title(self, time: RunTime) -> str:
        return f"Steps on {time.chip.title}"

    def verdict(self, time: RunTime) -> Verdict:
        return Verdict.of(*time_lines(time))

    def summary(self, time: RunTime) -> Iterable[Part]:
        yield (
            f"{time.n_samples:,} samples of {time.n_steps:,} steps of {si(time.dt, 's')} on "
            f"{time.chip.title}"
        )
        parts = time.parts
        rows = [
            (
                name.replace("_", " "), _number(time.model.terms[name]),
                count(float(time.counts[name].mean())), _amount(time, parts[name].mean()),
                _amount(time, time.worst[name] * _taken(time, name)),
            )
            for name in time.model.terms
        ]  # fmt: skip
        join = "Sum" if time.model.join == "sum" else "Largest"
        mean, longest = (_amount(time, value) for value in (time.steps.mean(), time.steps.max()))
        rows.append((join, "", "", mean, _amount(time, time.worst_step)))
        rows.append(("Longest step", "", "", longest, ""))
        yield Table.of(
            (f"Per step ({time.model.unit})", "one\ntakes", "counted\nmean", "takes\nmean",
             "all\nactive"), rows,
        )  # fmt: skip
        if time.chip.powers:
            yield ""
            yield Table.of(
                ("Measured, of other networks", "power", "from", "to", "clock"),
                [
                    (p.name, *(si(w, "W") for w in (p.W, p.low_W, p.high_W)), si(p.clock_Hz, "Hz"))
                    for p in time.chip.powers
                ],
            )
        yield from _notes(time)

    def records(self, time: RunTime) -> list[dict[str, Any]]:
        parts = time.parts
        return [
            {
                "term": name, "each": time.model.terms[name],
                "counted": float(time.counts[name].mean()), "takes": float(parts[name].mean()),
                "all_active": time.worst[name] * _taken(time, name),
            }
            for name in time.model.terms
        ]  # fmt: skip

    def content(self, time: RunTime) -> dict[str, Any]:
        cycles = time.model.unit == "cycles"
        energy = time.energy_range_J
        steps = time.steps
        return {
            "chip": {"name": time.chip.name, "title": time.chip.title},
            "n_samples": time.n_samples, "n_steps": time.n_steps, "dt": time.dt,
            "unit": time.model.unit, "join": time.model.join, "terms": self.records(time),
            "step": {"mean": float(steps.mean()), "longest": float(steps.max()),
                     "all_active": time.worst_step, "means": steps.mean(axis=0).tolist()},
            "clock_Hz": {"needed": time.clock_Hz() if cycles else None,
                         "all_active": time.worst_clock_Hz() if cycles else None,
                         "default": time.chip.clock_Hz},
            "powers": [
                {"name": p.name, "power_W": p.W, "low_W": p.low_W, "high_W": p.high_W,
                 "clock_Hz": p.clock_Hz, "source": str(p.origin), "note": p.origin.note}
                for p in time.chip.powers
            ],
            "energy_J": None if energy is None else {"low": energy[0], "high": energy[1]},
            "assumed": list(time.assumed),
            "source": str(time.model.origin),
        }  # fmt: skip

    def size(self, time: RunTime) -> tuple[float, float]:
        return bar_size(len(time.model.terms))

    def draw(self, time: RunTime, axes: Any) -> None:
        names = [name.replace("_", " ") for name in time.model.terms]
        means = [float(np.mean(part)) for part in time.parts.values()]
        unit = "s" if time.model.unit == "s" else ""
        draw_bars(axes, names, {"": means}, unit, f"{time.model.unit} per step, mean")


def time_lines(time: RunTime) -> tuple[tuple[str, str], ...]:
    """Lines of a verdict: whether it runs in real time, and what is known of its energy."""
    return ("real time", _real_time(time)), ("energy", _energy(time))


def _real_time(time: RunTime) -> str:
    dt = si(time.dt, "s")
    if time.model.unit == "s":
        longest = float(time.steps.max())
        able = "yes" if longest <= time.dt else "no"
        return f"{able}: the longest step takes {si(longest, 's')}, and one is to take {dt}"
    need, safe = time.clock_Hz(), time.worst_clock_Hz()
    words = (
        f"steps of {dt} need a clock of {si(need, 'Hz')} with these spikes; {si(safe, 'Hz')} is "
        f"enough whatever fires, with {MARGIN:.0%} to spare"
    )
    default = time.chip.clock_Hz
    if default is None:
        return words
    able = "yes" if need <= default else "no"
    return f"{able}: {words}; the clock is {si(default, 'Hz')} by default"


def _energy(time: RunTime) -> str:
    energy = time.energy_range_J
    refusal = time.chip.refused.get("energy", "")
    if energy is None:
        return refusal
    return (
        f"not known. {refusal} At the powers measured of other networks a sample would take "
        f"{si(energy[0], 'J')} to {si(energy[1], 'J')} in real time"
    )


def _notes(time: RunTime) -> Iterable[str]:
    if time.assumed:
        names = ", ".join(time.assumed)
        yield f"* At most: {names} gives values, no events, and is taken for active at every step."
    for power in time.chip.powers:
        clock = "" if power.clock_Hz is None else f" at {si(power.clock_Hz, 'Hz')}"
        yield f"* {power.name}{clock}: {power.origin.note}. {power.origin}."
    if time.model.origin.note:
        yield f"* {time.model.origin.note}"
    yield f"* Model of a step: {time.model.origin}."


def _taken(time: RunTime, name: str) -> float:
    value = time.model.terms[name]
    return 0.0 if value is None else value


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _amount(time: RunTime, value: float) -> str:
    return si(float(value), "s") if time.model.unit == "s" else count(float(value))
