"""An estimate on one device as a table, as records, and as bars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...layout import Presenter, Table, presents, si
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
            [layer.name, *(_energy(layer.mean_J(part)) for part in parts), _energy(layer.mean_J())]
            for layer in estimate.layers
        ]
        gaps = [""] * len(parts)
        if estimate.static is not None:
            rows.append(["static power", *gaps, _energy(estimate.static_J)])
        for work in estimate.host:
            rows.append([f"{work.layer} {work.role} (host)", *gaps, _energy(work.energy_J)])
        totals = [["Total", *gaps, _energy(estimate.mean_J)]]
        if estimate.host:
            totals.append(["Total with host", *gaps, _energy(estimate.mean_J + estimate.host_J)])
        if estimate.lower_bound:
            for total in totals:
                total[0], total[-1] = f"{total[0]}, at least", f">= {total[-1]}"
        yield Table.of(
            ["Layer", *(part.capitalize() for part in parts), "Energy"],
            rows + totals,
            n_totals=len(totals),
            title=f"Energy per inference on {estimate.device.name}, {estimate.cost_model}",
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
        lengths = {part: [layer.mean_J(part) for layer in layers] for part in estimate.parts}
        draw_bars(axes, [layer.name for layer in layers], lengths, "J", "Energy per inference")
        axes.set_title(f"{estimate.device.name}, {estimate.cost_model}", loc="left")


def _energy(energy_J: float) -> str:
    return si.si(energy_J, "J") if energy_J else "0"
