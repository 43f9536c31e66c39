"""A `ChipCost` as tables, records, plain values and plots."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from .... import check
from ....errors import EnergyError
from ....layout import Presenter, presents
from ....layout.charts import Bars, Chart
from ....layout.presenter import Details, Part
from ....layout.result import identifier, presenter_of
from ....layout.si import known
from ....layout.verdict import Verdict
from ...constant_list import constants_details
from ...device import LEVELS, Constant
from ..core_cost import CoreCost, LayerCost
from ..cost import ChipCost
from ..events import PART_GROUPS
from ..floorline_record import HOST
from ..ranges import Range, Table
from .chip_plots import plot_chip_cost
from .chip_tables import all_tables, caption
from .floorline_view import deciders


@presents(ChipCost)
class ChipCostPresenter(Presenter[ChipCost]):
    """Boundaries, times, layers and cores."""

    format = "nengo-spikecost/loihi-chip/3"
    index = "name"
    panels = 3

    def title(self, cost: ChipCost) -> str:
        return "What it costs on Loihi"

    def about(self, cost: ChipCost) -> str:
        return caption(cost)

    def verdict(self, cost: ChipCost) -> Verdict:
        return Verdict.of(
            ("Loihi", cost.sentence()), ("not known", cost.not_predicted_sentence()),
            ("limit", cost.limit_sentence()),
            ("to measure", cost.measurability_sentence()),
        )  # fmt: skip

    def charts(self, cost: ChipCost) -> Iterable[Chart]:
        ends = cost.boundaries
        yield Bars(
            "Energy per inference", tuple(ends), {"energy": [e.nominal for e in ends.values()]},
            "J", "log", tuple((e.low, e.high) for e in ends.values()),
            "On a logarithmic axis; bands are the ranges of all constants together."
            + points_said(cost),
        )  # fmt: skip
        yield energy_by_layer(cost)
        spent = {name: seconds for name, seconds in cost.time_parts_s.items() if seconds > 0}
        words = "" if cost.step_predicted else ", without what goes in and out"
        words += ", at least" * (cost.latency_is_at_least and cost.step_predicted)
        yield Bars(
            f"Time of an inference{words}", tuple(spent), {"time": list(spent.values())}, "s"
        )
        yield from limit_charts(cost)

    def summary(self, cost: ChipCost, cores: bool | None = None) -> Iterable[Part]:
        return all_tables(cost, cores)

    def details(self, cost: ChipCost) -> Iterable[Details]:
        return [constants_details(cost.setting.constants())]

    def records(self, cost: ChipCost, rows: str = "cores") -> list[dict[str, Any]]:
        check.choice("rows", rows, ("cores", "layers"), EnergyError, quoted=True)
        return [_record(part) for part in (cost.cores if rows == "cores" else cost.layers)]

    def content(self, cost: ChipCost) -> dict[str, Any]:
        work, hops = cost.work, cost.work.hops
        boundaries = {
            identifier(name): {
                "energy_J": _ends(energy), "power_W": _ends(cost.power_W(name)),
                "edp_Js": _ends(cost.edp_Js(name)),
            }
            for name, energy in cost.boundaries.items()
        }  # fmt: skip
        return {
            "presentation": {
                "n_steps": work.n_steps, "dt_s": work.dt, "n_samples": work.n_samples
            },
            "chip": {
                "cores": work.n_cores, "chips": work.n_chips,
                "tiles_of_fullest_chip": hops.n_tiles, "placement": hops.placement,
                "powered_cores": cost.setting.powered_cores,
                "active_share": {level: work.active_share(level) for level in LEVELS},
            },
            "boundaries": boundaries,
            "parts_J": {
                identifier(part): _ends(energy) for part, energy in cost.parts_J.items()
            },
            "latency_s": _ends(cost.latency_s),
            "latency_is_at_least": cost.latency_is_at_least,
            "host_does_more": cost.host_does_more,
            "step_s": _ends(cost.step_s),
            "inferences_per_s": _ends(cost.inferences_per_s),
            "time_parts_s": {identifier(part): known(s) for part, s in cost.time_parts_s.items()},
            "not_predicted": list(cost.not_predicted),
            "slowest_core": cost.slowest_core.name,
            "floorline": floorlines(cost),
            "measurability": [_measured(cost, name) for name in _read(cost)],
            "layers": self.records(cost, "layers"),
            "cores": self.records(cost, "cores"),
            "not_priced": list(cost.not_priced),
            "constants": {
                **{name: _plain(getattr(cost, name)) for name in ("profile", "board", "host_io")},
                "x86_active": {
                    **_plain(cost.setting.x86_active), "of_all_time": cost.setting.x86_all,
                },
            },
        }  # fmt: skip

    def size(self, cost: ChipCost) -> tuple[float, float]:
        return 12.5, 3.8

    def draw(self, cost: ChipCost, axes: Any) -> None:
        plot_chip_cost(cost, axes)


def points_said(cost: ChipCost) -> str:
    """What the points of a chart of boundaries are, if they are not what is predicted."""
    if cost.not_predicted:
        return " Without a point: not predicted."
    return " Points beyond the cores are at least." * cost.host_does_more


def limit_charts(cost: ChipCost) -> Iterable[Bars]:
    """What decides the steps of each layer; of the cores alone, too, where the host decides any."""
    if cost.step_predicted:
        yield deciders(cost.floorline())
    if not cost.step_predicted or cost.floorline().chip.decided_by[HOST]:
        yield deciders(cost.floorline(host=False))


def floorlines(cost: ChipCost) -> dict[str, Any]:
    """With the host, if the time of a step is predicted, and of the cores alone."""
    found = {"with_host": cost.floorline()} if cost.step_predicted else {}
    found["cores_alone"] = cost.floorline(host=False)
    return {name: presenter_of(one).content(one) for name, one in found.items()}


def _read(cost: ChipCost) -> tuple[str, ...]:
    """Boundaries that the board reads, of published repeats, where powers are predicted."""
    noise = cost.board.noise if cost.step_predicted else None
    return () if noise is None else noise.boundaries


def _measured(cost: ChipCost, boundary: str) -> dict[str, Any]:
    found = cost.measurability(boundary)
    record = {item.name: getattr(found, item.name) for item in dataclasses.fields(found)}
    return {**record, "power_W": _ends(found.power_W)}


def energy_by_layer(cost: ChipCost) -> Bars:
    """The energy of the cores of each layer, by what it is spent on."""
    groups = {
        f"{group}s": [sum(own.parts_J.get(part, 0.0) for part in parts) for own in cost.layers]
        for group, parts in PART_GROUPS.items()
    }
    names = tuple(layer.name for layer in cost.layers)
    return Bars("Energy of the cores by layer", names, groups, "J")


_NAMES = ("name", "layer", "chip", "n_cores")


def _record(part: CoreCost | LayerCost) -> dict[str, Any]:
    record: dict[str, Any] = {}
    # what it is, and then what it did
    for item in sorted(dataclasses.fields(part), key=lambda item: item.name not in _NAMES):
        value = getattr(part, item.name)
        if isinstance(value, Range):
            stem, _, unit = item.name.rpartition("_")
            record.update({item.name: value.nominal, f"{stem}_low_{unit}": value.low})
            record[f"{stem}_high_{unit}"] = value.high
        elif isinstance(value, Mapping):
            record.update({f"{key}_J": energy for key, energy in value.items()})
        else:
            record[item.name] = value
    return record


def _ends(value: Range) -> dict[str, float | None]:
    """JSON has no infinity and no NaN: what is not bounded, or not predicted, is null."""
    return {key: known(end) for key, end in vars(value).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Constant):
        return dataclasses.asdict(value)
    if isinstance(value, Table):
        points = [{"at": place, **dataclasses.asdict(c)} for place, c in value.points]
        return {"reading": value.reading, "points": points}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return value
