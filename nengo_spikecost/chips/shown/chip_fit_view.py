"""A `ChipFit` limit by limit: what the network has, what the chip takes, and who says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.charts import Bars, Chart
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Details, Part
from ...layout.result import presenter_of
from ...layout.si import MISSING
from ...layout.verdict import NextStep, Verdict
from ..chip_fit import ChipFit, LimitCheck
from .run_time_view import time_lines

LONGEST, BELOW = 18, "see below"
"""Longest words in a column, and what stands in it for longer ones."""

REMEDIES = {
    "resets": "Take neurons that subtract the threshold, such as SpikingRectifiedLinear",
    "input_channels": "Send fewer values in: pool or select them first",
    "synaptic_filters": "Leave the filter of Connections out (synapse=None, --synapse 0)",
    "topology": "Take the recurrent connections out: this chip runs layers one after the other",
}
"""By what a network has too much of: what to do."""


@presents(ChipFit)
class ChipFitPresenter(Presenter[ChipFit]):
    """A row for each limit; the sources below."""

    format = "nengo-spikecost/chip-fit/1"
    index = "quantity"

    def title(self, fit: ChipFit) -> str:
        return f"Does it fit on {fit.chip.title}?"

    def verdict(self, fit: ChipFit) -> Verdict:
        return Verdict.of(
            ("fits", _answer(fit)),
            ("rounded", "; ".join(c.sentence() for c in fit.rounded)),
            *(() if fit.time is None else time_lines(fit.time)),
            next_steps=_next_steps(fit),
        )

    def charts(self, fit: ChipFit) -> Iterable[Chart]:
        counted = _counted(fit)
        if counted:
            yield Bars(
                "Share of the limit", tuple(c.quantity.words for c in counted),
                {"share": [_share(c) for c in counted]},
                note="1 is as much as the chip takes.",
            )  # fmt: skip
        if fit.time is not None:
            yield from presenter_of(fit.time).charts(fit.time)

    def summary(self, fit: ChipFit) -> Iterable[Part]:
        rows = [(c.quantity.words, _network(c), _short(str(c.limit)), c.answer) for c in fit.checks]
        yield Table.of(
            ("Limit", "Network", "Chip", "Within"), rows, right=(False, True, True, False)
        )
        for note in fit.notes:
            yield f"* {note}"
        if fit.chip.note:
            yield f"* {fit.chip.note}"
        for check in fit.checks:
            known = [check.limit.origin.note] if check.limit.origin.note else []
            if _short(str(check.limit)) == BELOW:
                known = [f"the chip takes {check.limit}", *known]
            if _network(check) == BELOW:
                known = [f"the network has {check.need}", *known]
            if known:
                yield f"* {check.quantity.words}: {'; '.join(known)}."
        yield "* Limits that are not listed are not published. Sources: " + "; ".join(_sources(fit))
        if fit.time is not None:
            yield ""
            yield from presenter_of(fit.time).summary(fit.time)

    def details(self, fit: ChipFit) -> Iterable[Details]:
        items = [f"{c.quantity.words}: {c.limit}. {c.limit.origin}" for c in fit.checks]
        yield Details("Sources of the limits", tuple(items))

    def records(self, fit: ChipFit) -> list[dict[str, Any]]:
        return [_record(c) for c in fit.checks]

    def content(self, fit: ChipFit) -> dict[str, Any]:
        limits = [
            {**_record(c), "only": list(c.limit.only), "words": _words(c)} for c in fit.checks
        ]
        return {
            "chip": {"name": fit.chip.name, "title": fit.chip.title}, "fits": fit.fits,
            "limits": limits, "unread": list(fit.unread), "notes": list(fit.notes),
            "run_time": None if fit.time is None else presenter_of(fit.time).content(fit.time),
        }  # fmt: skip

    def size(self, fit: ChipFit) -> tuple[float, float]:
        return bar_size(len(_counted(fit)))

    def draw(self, fit: ChipFit, axes: Any) -> None:
        shares = {c.quantity.words: _share(c) for c in _counted(fit)}
        draw_bars(axes, list(shares), {"": list(shares.values())}, "", "Share of the limit")
        axes.axvline(1.0, color="black", linewidth=1)


def _counted(fit: ChipFit) -> list[LimitCheck]:
    """The limits that are numbers, of quantities that can be told."""
    return [c for c in fit.checks if c.limit.at_most and isinstance(c.need.value, int)]


def _share(check: LimitCheck) -> float:
    assert isinstance(check.need.value, int) and check.limit.at_most
    return check.need.value / check.limit.at_most


def _answer(fit: ChipFit) -> str:
    if fit.misfits:
        return "no: " + "; ".join(c.sentence() for c in fit.misfits)
    if fit.fits is None:
        return "not known: " + "; ".join([*(c.sentence() for c in fit.unknown), *fit.unread])
    return f"yes, within all {len(fit.checks)} limits that are published of {fit.chip.title}"


def _next_steps(fit: ChipFit) -> Iterable[NextStep]:
    for check in fit.misfits:
        if check.limit.quantity == "input_channels" and hasattr(fit.network, "remade"):
            yield NextStep(_fewer_inputs(fit.network, check.limit.at_most or 0))
        elif check.limit.quantity in REMEDIES:
            yield NextStep(REMEDIES[check.limit.quantity])


def _fewer_inputs(conversion: Any, at_most: int) -> str:
    """What to do about the input channels of a Keras model."""
    if conversion.options.get("spike_input"):
        return REMEDIES["input_channels"]
    values = sum(node.size_out for node in conversion.input_nodes)
    if 2 * values <= at_most:
        return (
            f"Give the chip the inputs as spikes (spike_input=True, --spike-input): {values:,} "
            f"values are at most {2 * values:,} channels, one for each sign"
        )
    return "Make the first layer smaller: the host computes it, and its neurons are these channels"


def _network(check: LimitCheck) -> str:
    return MISSING if check.need.value is None else _short(str(check.need))


def _short(text: str) -> str:
    """Words that fit into a column."""
    return text if len(text) <= LONGEST else BELOW


def _sources(fit: ChipFit) -> list[str]:
    return list(dict.fromkeys(str(c.limit.origin) for c in fit.checks))


def _words(check: LimitCheck) -> list[str]:
    return list(check.need.value) if isinstance(check.need.value, tuple) else []


def _record(check: LimitCheck) -> dict[str, Any]:
    need, limit = check.need, check.limit
    return {
        "quantity": limit.quantity, "network": need.value if isinstance(need.value, int) else None,
        "where": need.where, "at_most": limit.at_most, "within": check.answer,
        **asdict(limit.origin),
    }  # fmt: skip
