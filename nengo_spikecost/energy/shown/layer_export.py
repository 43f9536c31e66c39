"""Workloads and estimates as flat records, and as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...workload.row_counts import presentation
from ...workload.workload_record import Workload
from ..estimate import EnergyEstimate
from .layer_rows import LayerRow, layer_rows, other_rows, total_row

#: Keys that say which row it is; the others are its counts.
_LABELS = ("layer", "type", "output_shape", "where")


def records(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> list[dict[str, Any]]:
    """One flat dict for each row of the table but totals, counts and Joules in full precision."""
    rows = layer_rows(workload, estimates) + other_rows(workload, estimates)
    records = []
    for row in rows:
        record = {**row.record(), "uncounted_on": " ".join(row.uncounted_on)}
        for device in estimates:
            record.update({f"{k}_{device}": e.get(device) for k, e in row.energies().items()})
        records.append(record)
    return records


def content(
    workload: Workload, estimates: Mapping[str, EnergyEstimate], cost_model: str
) -> dict[str, Any]:
    """Counts and energies as plain dicts, lists, strings and numbers."""
    total = _nested(total_row(workload, estimates))
    return {
        "cost_model": cost_model,
        "presentation": presentation(workload),
        "layers": [_nested(row) for row in layer_rows(workload, estimates)],
        "total": {k: v for k, v in total.items() if k not in _LABELS},
        "devices": {name: estimate_content(e) for name, e in estimates.items()},
        "uncounted": [asdict(u) for u in workload.uncounted],
    }


def _nested(row: LayerRow) -> dict[str, Any]:
    """A row with a dict by device for each energy."""
    return {**row.record(), **row.energies()}


def estimate_content(estimate: EnergyEstimate) -> dict[str, Any]:
    """The energy on one device, with its constants and their sources."""
    return {
        "constants": asdict(estimate.device),
        "total_energy_J": estimate.mean_J,
        "power_W": estimate.power_W,
        "range_J": estimate.range_J,
        "samples_J": estimate.total_J.tolist(),
        "spread_J": asdict(estimate.spread()),
        "static": asdict(estimate.static) if estimate.static else None,
        "host_energy_J": estimate.host_J,
        "host_device": estimate.host_device.name if estimate.host_device else None,
        "lower_bound": estimate.lower_bound,
        "host": [asdict(work) for work in estimate.host],
        "uncounted": [asdict(u) for u in estimate.uncounted],
    }
