"""A `ToldApart` as a sentence and a row a network, records, plain values and bars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....layout import Presenter, Table, presents
from ....layout.charts import Bars, Chart
from ....layout.plots import bar_size, draw_bars
from ....layout.presenter import Part
from ....layout.si import si
from ....layout.verdict import Verdict
from ..measurability import NO_LONGER
from ..told_apart import ToldApart

NAMES = ("first", "second")


@presents(ToldApart)
class ToldApartPresenter(Presenter[ToldApart]):
    """The sentence, and a row a network."""

    format = "nengo-spikecost/told-apart/1"
    index = "network"

    def title(self, found: ToldApart) -> str:
        return "Which of two networks takes less, as a board tells it"

    def verdict(self, found: ToldApart) -> Verdict:
        return Verdict.of(("to tell", found.sentence()))

    def charts(self, found: ToldApart) -> Iterable[Chart]:
        yield _bars(found)

    def summary(self, found: ToldApart) -> Iterable[Part]:
        rows = [
            (name, *(si(end, found.unit) for end in (amount.nominal, amount.low, amount.high)),
             f"{presentations:,}")
            for name, amount, presentations in zip(NAMES, found.amounts, found.presentations)
        ]  # fmt: skip
        deviation, offset = si(found.deviation, found.unit), si(found.offset, found.unit)
        notes = (
            f"Differences of a run of each differ by {deviation} (standard deviation), and all "
            f"alike may be off by {offset}.",
            "Confidence is of the board's readings, if the predictions are right.",
        )
        yield Table.of(
            ("Network", "Predicted", "Low", "High", "Presentations\nof a run"), rows,
            title=f"{_what(found)} on {found.board}", notes=notes,
        )  # fmt: skip

    def records(self, found: ToldApart) -> list[dict[str, Any]]:
        return [
            {
                "network": name, "nominal": amount.nominal, "low": amount.low,
                "high": amount.high, "unit": found.unit, "presentations": presentations,
                "host_does_more": found.host_does_more, "runs": found.runs,
            }
            for name, amount, presentations in zip(NAMES, found.amounts, found.presentations)
        ]  # fmt: skip

    def content(self, found: ToldApart) -> dict[str, Any]:
        return {
            "boundary": found.boundary, "board": found.board, "confidence": found.confidence,
            "unit": found.unit, "difference": found.difference, "deviation": found.deviation,
            "offset": found.offset, "runs": found.runs, "sentence": found.sentence(),
            "networks": self.records(found),
        }  # fmt: skip

    def size(self, found: ToldApart) -> tuple[float, float]:
        return bar_size(len(found.amounts))

    def draw(self, found: ToldApart, axes: Any) -> None:
        bars = _bars(found)
        draw_bars(axes, list(bars.names), bars.parts, bars.unit, bars.heading)


def _what(found: ToldApart) -> str:
    per = "power" if found.unit == "W" else "energy of an inference"
    return f"{found.boundary}, {per}" + f", {NO_LONGER}" * found.host_does_more


def _bars(found: ToldApart) -> Bars:
    """What each takes, as predicted."""
    parts = {found.boundary: [amount.nominal for amount in found.amounts]}
    return Bars(_what(found), NAMES, parts, found.unit)
