"""A `ChipList`: every limit of every chip, what steps take, and powers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.charts import Bars, Chart
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Part
from ...layout.si import si
from ...words import counted
from ..chip_list import ChipList
from ..chip_spec import Chip, Power
from ..quantities import QUANTITIES

PUBLISHED = "Limits that are published"


@presents(ChipList)
class ChipListPresenter(Presenter[ChipList]):
    """One line a chip; of a single one everything."""

    format = "nengo-spikecost/chips/1"
    index = "chip"

    def title(self, found: ChipList) -> str:
        return "Chips that people can buy"

    def charts(self, found: ChipList) -> Iterable[Chart]:
        if len(found.chips) != 1:
            yield Bars(PUBLISHED, *_published(found))

    def summary(self, found: ChipList) -> Iterable[Part]:
        if len(found.chips) == 1:
            yield from _all_of(found.chips[0])
            return
        rows = [(c.name, c.title, str(len(c.limits)), _step(c)) for c in found.chips]
        yield Table.of(("Chip", "Product", "Limits", "Time of a step"), rows, right=(0, 0, 1, 0))
        yield "* Name one for every number and its source: nengo-spikecost chips xylo_audio3."

    def records(self, found: ChipList) -> list[dict[str, Any]]:
        return [
            {
                "chip": chip.name, "quantity": x.quantity, "at_most": x.at_most,
                "only": ", ".join(x.only), **asdict(x.origin),
            }
            for chip in found.chips
            for x in chip.limits
        ]  # fmt: skip

    def content(self, found: ChipList) -> dict[str, Any]:
        return {"chips": [_content(chip) for chip in found.chips]}

    def size(self, found: ChipList) -> tuple[float, float]:
        return bar_size(len(found.chips))

    def draw(self, found: ChipList, axes: Any) -> None:
        names, parts = _published(found)
        draw_bars(axes, names, parts, "", PUBLISHED)


def _published(found: ChipList) -> tuple[tuple[str, ...], dict[str, list[float]]]:
    """Names of the chips, and how many limits are published of each."""
    return tuple(c.name for c in found.chips), {"": [float(len(c.limits)) for c in found.chips]}


def _all_of(chip: Chip) -> Iterable[Part]:
    yield f"{chip.name}: {chip.title}"
    origins = list(dict.fromkeys(str(x.origin) for x in chip.limits))
    numbers = {origin: f"({number})" for number, origin in enumerate(origins, 1)}
    rows = [
        (QUANTITIES[x.quantity].words, str(x), x.origin.evidence, numbers[str(x.origin)])
        for x in chip.limits
    ]
    yield Table.of(("Limit", "Chip", "Evidence", "Source"), rows, right=(False, True, False, False))
    for origin, number in numbers.items():
        yield f"* {number} {origin}."
    notes = [(QUANTITIES[x.quantity].words, x.origin.note) for x in chip.limits if x.origin.note]
    for words, note in notes:
        yield f"* {words}: {note}."
    if chip.step is not None:
        taken = ", ".join(
            f"{name.replace('_', ' ')} {'not published' if value is None else f'{value:g}'}"
            for name, value in chip.step.terms.items()
        )
        unit, join = chip.step.unit, chip.step.join
        yield f"* A step takes the {join} of, in {unit}: {taken}. {chip.step.origin}."
        if chip.step.origin.note:
            yield f"* {chip.step.origin.note}"
    if chip.clock_Hz is not None:
        yield f"* Clock: {si(chip.clock_Hz, 'Hz')} by default. {chip.clock_origin}."
    for power in chip.powers:
        clock = "" if power.clock_Hz is None else f" at {si(power.clock_Hz, 'Hz')}"
        name = power.name.replace("_", " ")
        yield f"* Power, {name}: {_watts(power)}{clock}; {power.origin.note}. {power.origin}."
    for text in (chip.note, *chip.refused.values()):
        if text:
            yield f"* {text[:1].upper()}{text[1:].rstrip('.')}."


def _watts(power: Power) -> str:
    """A power, with its range if it has one."""
    mean, low, high = (si(value, "W") for value in (power.W, power.low_W, power.high_W))
    return mean if low == high else f"{mean} ({low} to {high})"


def _step(chip: Chip) -> str:
    if chip.step is None:
        return "not published"
    missing = len(chip.step.missing)
    terms = counted(len(chip.step.terms), "term")
    return f"{terms}, in {chip.step.unit}" + (f", {missing} without a number" if missing else "")


def _content(chip: Chip) -> dict[str, Any]:
    step = chip.step
    return {
        "name": chip.name, "title": chip.title, "note": chip.note, "clock_Hz": chip.clock_Hz,
        "clock_source": None if chip.clock_origin is None else str(chip.clock_origin),
        "limits": [
            {"quantity": x.quantity, "at_most": x.at_most, "only": list(x.only),
             "cores": [list(core) for core in x.cores], **asdict(x.origin)}
            for x in chip.limits
        ],
        "step": None if step is None else {
            "unit": step.unit, "join": step.join, "terms": dict(step.terms), **asdict(step.origin),
        },
        "powers": [
            {"name": p.name, "power_W": p.W, "low_W": p.low_W, "high_W": p.high_W,
             "clock_Hz": p.clock_Hz, **asdict(p.origin)}
            for p in chip.powers
        ],
        "refused": dict(chip.refused),
    }  # fmt: skip
