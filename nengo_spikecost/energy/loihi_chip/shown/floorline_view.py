"""A `Floorline` as a table by layer, records, plain values and bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ....layout import Presenter, Table, presents, si
from ....layout.charts import Bars, Chart
from ....layout.plots import bar_size, draw_bars
from ....layout.presenter import Part
from ....layout.verdict import Verdict
from ..floorline_record import DECIDERS, Floorline, Limit

#: A share of the steps below which what decides them is not named beside the first.
NAMED = 0.05

_SETS = (
    "Decided by: what takes longest in the steps of the layer's slowest core. Sets: share of the "
    "chip's steps whose time the layer sets. Halved: how much shorter a step of the chip gets with "
    "half the load on the slowest core and those as slow (+), or on the whole layer. Then: who "
    "limits once that core is halved."
)


@presents(Floorline)
class FloorlinePresenter(Presenter[Floorline]):
    """The sentence, and a row a layer."""

    format = "nengo-spikecost/floorline/1"
    index = "name"

    def title(self, found: Floorline) -> str:
        return "What decides the time of a step"

    def verdict(self, found: Floorline) -> Verdict:
        return Verdict.of(("limit", found.sentence()))

    def charts(self, found: Floorline) -> Iterable[Chart]:
        yield deciders(found)

    def summary(self, found: Floorline) -> Iterable[Part]:
        yield floorline_table(found)

    def records(self, found: Floorline) -> list[dict[str, Any]]:
        return [_record(limit) for limit in (*found.layers, found.chip)]

    def content(self, found: Floorline) -> dict[str, Any]:
        return {
            "level": found.level, "host": found.host, "by_step": found.by_step,
            "step_s": found.step_s, "least_s": found.least_s, "sentence": found.sentence(),
            "chip": _plain(found.chip), "layers": [_plain(layer) for layer in found.layers],
        }  # fmt: skip

    def size(self, found: Floorline) -> tuple[float, float]:
        return bar_size(len(found.layers))

    def draw(self, found: Floorline, axes: Any) -> None:
        bars = deciders(found)
        draw_bars(axes, list(bars.names), bars.parts, "", bars.heading)


def deciders(found: Floorline) -> Bars:
    """What decides the steps of each layer."""
    layers = found.layers
    parts = {name: [layer.decided_by[name] for layer in layers] for name in DECIDERS}
    heading = "What decides a step" + ("" if found.host else ", of the cores alone")
    return Bars(heading, tuple(layer.name for layer in layers), parts, "", "share")


def floorline_table(found: Floorline) -> Table:
    """A row a layer, and one for all cores."""
    rows = [_row(found, limit) for limit in (*found.layers, found.chip)]
    headers = (
        "Layer", "Cores", "Step", "Decided by", "Slowest core", "Sets", "Core\nhalved", "Then",
        "Layer\nhalved",
    )  # fmt: skip
    what = "a step" if found.by_step else "an inference, as if it were one step"
    alone = "" if found.host else ", without the host"
    return Table.of(
        headers, rows, n_totals=1, title=f"What decides the time of {what}{alone}",
        notes=(_SETS, _least(found)),
        right=(False, True, True, False, False, True, True, False, True),
    )  # fmt: skip


def _least(found: Floorline) -> str:
    """What other blocks could save at most."""
    gap = found.share(max(found.step_s - found.least_s, 0.0))
    return (
        f"A step takes {si.si(found.step_s, 's')}, and no other blocks on as many cores a layer "
        f"take less than {si.si(found.least_s, 's')}: at most {gap:.0%} to save by cutting layers "
        "otherwise."
    )


def _row(found: Floorline, limit: Limit) -> tuple[str, ...]:
    core = limit.core + (f" +{len(limit.tied)}" if limit.tied else "")
    name = "All cores" if limit is found.chip else limit.name
    return (
        name, str(limit.n_cores), si.si(limit.step_s, "s"), _words(limit), core,
        f"{limit.all_sets:.0%}", _saves(found, limit.tied_saves_s), limit.then or si.MISSING,
        _saves(found, limit.all_saves_s),
    )  # fmt: skip


def _words(limit: Limit) -> str:
    shares = sorted(limit.decided_by.items(), key=lambda item: -item[1])
    named = [f"{name} {share:.0%}" for n, (name, share) in enumerate(shares) if not n
             or share >= NAMED]  # fmt: skip
    return ", ".join(named)


def _saves(found: Floorline, seconds: float) -> str:
    share = found.share(seconds)
    return f"-{share:.1%}" if share >= 0.0005 else "<0.1%" if share else "0%"


def _plain(limit: Limit) -> dict[str, Any]:
    return {**asdict(limit), "tied": list(limit.tied)}


def _record(limit: Limit) -> dict[str, Any]:
    record = {**asdict(limit), "tied": ", ".join(limit.tied)}
    decided = record.pop("decided_by")
    return {**record, **{f"{name}_decides": share for name, share in decided.items()}}
