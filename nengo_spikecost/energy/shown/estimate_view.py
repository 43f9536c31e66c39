"""An estimate on one device as a table, as records, and as bars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...layout import Presenter, Table, presents
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Details
from ..estimate import EnergyEstimate
from .device_list import device_details
from .layer_export import estimate_content
from .layer_notes import estimate_notes


@presents(EnergyEstimate)
class EnergyEstimatePresenter(Presenter[EnergyEstimate]):
    """One row a layer by what its energy is spent on, static power, the host, and totals."""

    format = "nengo-spikecost/estimate/1"
    index = "layer"

    def summary(self, estimate: EnergyEstimate) -> Iterable[Table]:
        parts = estimate.parts
        rows = [
            [layer.name, *(_energy(layer.mean_J(part), estimate) for part in (*parts, None))]
            for layer in estimate.layers
        ]
        gaps = [""] * len(parts)
        quantity = estimate.per.quantity.split()[0]
        if estimate.static is not None:
            static = _energy(estimate.static_J, estimate)
            at_least = ">= " * estimate.static.at_least
            rows.append(["static power", *gaps, f"{at_least}{static}"])
        for work in estimate.host:
            energy = _energy(work.energy_J, estimate)
            rows.append([f"{work.layer} {work.role} (host)", *gaps, energy])
        totals = [["Total", *gaps, _energy(estimate.mean_J, estimate)]]
        if estimate.host:
            with_host = _energy(estimate.mean_J + estimate.host_J, estimate)
            totals.append(["Total with host", *gaps, with_host])
        if estimate.lower_bound:
            for total in totals:
                total[0], total[-1] = f"{total[0]}, at least", f">= {total[-1]}"
        yield Table.of(
            ["Layer", *(part.capitalize() for part in parts), quantity],
            rows + totals,
            n_totals=len(totals),
            title=f"{estimate.per.quantity} on {estimate.device.name}, {estimate.cost_model}",
            notes=tuple(estimate_notes(estimate)),
        )

    def details(self, estimate: EnergyEstimate) -> Iterable[Details]:
        return [device_details([estimate.device])]

    def records(self, estimate: EnergyEstimate) -> list[dict[str, Any]]:
        records = []
        for layer in estimate.layers:
            parts = {f"{part}_J": layer.mean_J(part) for part in estimate.parts}
            records.append({"layer": layer.name, **parts, "energy_J": layer.mean_J()})
        return records

    def content(self, estimate: EnergyEstimate) -> dict[str, Any]:
        return {
            "cost_model": estimate.cost_model, "device": estimate.device.name,
            "layers": self.records(estimate), **estimate_content(estimate),
            "remarks": list(estimate.remarks),
        }  # fmt: skip

    def size(self, estimate: EnergyEstimate) -> tuple[float, float]:
        return bar_size(len(estimate.layers))

    def draw(self, estimate: EnergyEstimate, axes: Any) -> None:
        layers = [layer for layer in estimate.layers if np.any(layer.total_J)] or estimate.layers
        per, parts = estimate.per, estimate.parts
        lengths = {part: [per.of(layer.mean_J(part)) for layer in layers] for part in parts}
        draw_bars(axes, [layer.name for layer in layers], lengths, per.unit, per.quantity)
        axes.set_title(f"{estimate.device.name}, {estimate.cost_model}", loc="left")


def _energy(energy_J: float, estimate: EnergyEstimate) -> str:
    return estimate.per.energy(energy_J) if energy_J else "0"
