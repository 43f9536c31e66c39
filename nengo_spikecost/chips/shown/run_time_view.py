"""A `RunTime` term by term: what the steps take, the clock they need, and measured powers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.charts import Bars, Chart
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Part
from ...layout.si import MISSING, count, si
from ...layout.verdict import Verdict
from ...words import counted
from ..run_time_record import MARGIN, RunTime, unpublished


@presents(RunTime)
class RunTimePresenter(Presenter[RunTime]):
    """A row for each term of a step; then the powers that were measured."""

    format = "nengo-spikecost/run-time/1"
    index = "term"

    def title(self, time: RunTime) -> str:
        return f"Steps on {time.chip.title}"

    def verdict(self, time: RunTime) -> Verdict:
        return Verdict.of(*time_lines(time))

    def charts(self, time: RunTime) -> Iterable[Chart]:
        heading, means, unit = _means(time)
        yield Bars(heading, tuple(means), {"": [*means.values()]}, unit)

    def summary(self, time: RunTime) -> Iterable[Part]:
        yield (
            f"{counted(time.n_samples, 'sample')} of {counted(time.n_steps, 'step')} of "
            f"{si(time.dt, 's')} on {time.chip.title}"
        )
        rows: list[tuple[str, ...]] = [
            (
                row["term"].replace("_", " "), _number(row["each"]), count(row["counted"]),
                count(row["most"]), _amount(time, row["takes"]), _amount(time, row["all_active"]),
            )
            for row in self.records(time)
        ]  # fmt: skip
        if time.known:
            steps, join = time.steps, "Sum" if time.model.join == "sum" else "Largest"
            amounts = [_amount(time, v) for v in (steps.mean(), time.worst_step)]
            rows.append((join, "", "", "", *amounts))
            rows.append(("Longest step", "", "", "", _amount(time, steps.max()), ""))
        headers = (
            f"Per step ({time.model.unit})", "one\ntakes", "mean\ncounted", "most\ncounted",
            "takes\nmean", "all\nactive",
        )  # fmt: skip
        yield Table.of(headers, rows).without_empty_columns()
        if time.chip.powers:
            yield ""
            yield Table.of(
                ("Measured, of other networks", "power", "from", "to", "clock"),
                [
                    (
                        p.name.replace("_", " "),
                        *(si(w, "W") for w in (p.W, p.low_W, p.high_W)),
                        si(p.clock_Hz, "Hz"),
                    )
                    for p in time.chip.powers
                ],
            )
        yield from _notes(time)

    def records(self, time: RunTime) -> list[dict[str, Any]]:
        parts = time.parts if time.known else {}
        decides = time.decides if parts and time.model.join == "largest" else {}
        return [
            {
                "term": name, "each": each, "counted": float(time.counts[name].mean()),
                "most": int(time.counts[name].max(initial=0)),
                "takes": float(parts[name].mean()) if name in parts else None,
                "all_active": None if time.worst is None or each is None
                else time.worst[name] * each,
                "decides": decides.get(name),
            }
            for name, each in time.model.terms.items()
        ]  # fmt: skip

    def content(self, time: RunTime) -> dict[str, Any]:
        cycles, energy = time.known and time.model.unit == "cycles", time.energy_range_J
        worst = time.worst_step
        return {
            "chip": {"name": time.chip.name, "title": time.chip.title},
            "n_samples": time.n_samples, "n_steps": time.n_steps, "dt": time.dt,
            "unit": time.model.unit, "join": time.model.join, "terms": self.records(time),
            "step": {
                "mean": float(time.steps.mean()), "longest": float(time.steps.max()),
                "all_active": worst, "means": time.steps.mean(axis=0).tolist(),
            } if time.known else None,
            "clock_Hz": {
                "needed": time.clock_Hz() if cycles else None,
                "all_active": time.worst_clock_Hz() if cycles and worst is not None else None,
                "default": time.chip.clock_Hz,
            },
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
        heading, means, unit = _means(time)
        draw_bars(axes, list(means), {"": list(means.values())}, unit, heading)


def _means(time: RunTime) -> tuple[str, dict[str, float], str]:
    """What the means of a step are of, the mean by term, and its unit."""
    amounts = time.parts if time.known else time.counts
    means = {name.replace("_", " "): float(part.mean()) for name, part in amounts.items()}
    words = time.model.unit.capitalize() if time.known else "Counted"
    if not time.known or time.model.unit == "cycles":
        return f"{words} per step, mean", means, ""
    return "Time per step, mean", means, time.model.unit


def time_lines(time: RunTime) -> tuple[tuple[str, str], ...]:
    """Lines of a verdict: whether it runs in real time, and what is known of its energy."""
    return ("real time", _real_time(time)), ("energy", _energy(time))


def _real_time(time: RunTime) -> str:
    dt = si(time.dt, "s")
    if not time.known:
        return f"not known. {unpublished(time.chip)}"
    if time.model.unit == "s":
        longest = float(time.steps.max())
        words = f"the longest step takes {si(longest, 's')}, and one is to take {dt}"
        if time.model.join == "largest":
            name, share = max(time.decides.items(), key=lambda pair: pair[1])
            words += f"; {name.replace('_', ' ')} decide in {share:.0%} of the steps"
        return f"{'yes' if longest <= time.dt else 'no'}: {words}"
    need, default = time.clock_Hz(), time.chip.clock_Hz
    words = f"steps of {dt} need a clock of {si(need, 'Hz')} with these spikes"
    if time.worst is not None:
        safe = si(time.worst_clock_Hz(), "Hz")
        words += f"; {safe} is enough whatever fires, with {MARGIN:.0%} to spare"
    if default is None:
        return words
    able = "yes" if need <= default else "no"
    return f"{able}: {words}; the clock is {si(default, 'Hz')} by default"


def _energy(time: RunTime) -> str:
    energy = time.energy_range_J
    refusal = time.chip.refused.get("energy", "")
    if energy is None:
        return f"not known. {refusal}".strip()
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
        yield f"* {power.name.replace('_', ' ')}{clock}: {power.origin.note}. {power.origin}."
    if time.model.origin.note:
        yield f"* {time.model.origin.note}"
    yield f"* Model of a step: {time.model.origin}."


def _number(value: float | None) -> str:
    return MISSING if value is None else f"{value:g}"


def _amount(time: RunTime, value: float | None) -> str:
    if value is None:
        return MISSING
    return si(float(value), "s") if time.model.unit == "s" else count(float(value))
