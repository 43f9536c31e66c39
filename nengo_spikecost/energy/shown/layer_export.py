"""Workloads and estimates as flat records, and as plain dicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ...workload.workload_record import Workload
from ..estimate import EnergyEstimate
from .layer_rows import LayerRow, host_rows, layer_rows, static_rows, total_row, uncounted_rows

#: Keys that say which row it is; the others are its counts.
_LABELS = ("layer", "type", "output_shape", "where")


def records(workload: Workload, estimates: Mapping[str, EnergyEstimate]) -> list[dict[str, Any]]:
    """One flat dict for each row of the table but totals, counts and Joules in full precision."""
    rows = layer_rows(workload, estimates) + static_rows(estimates) + host_rows(estimates)
    rows += uncounted_rows(workload, estimates)
    return [_record(row, estimates) for row in rows]


def content(
    workload: Workload, estimates: Mapping[str, EnergyEstimate], cost_model: str
) -> dict[str, Any]:
    """Everything a report says, as plain dicts, lists, strings and numbers."""
    total = _nested(total_row(workload, estimates))
    return {
        "cost_model": cost_model,
        "presentation": {
            "n_steps": workload.n_steps,
            "dt_s": workload.dt,
            "n_samples": workload.n_samples,
        },
        "layers": [_nested(row) for row in layer_rows(workload, estimates)],
        "total": {k: v for k, v in total.items() if k not in _LABELS},
        "devices": {name: _device(e) for name, e in estimates.items()},
        "uncounted": [dataclasses.asdict(u) for u in workload.uncounted],
    }


def _counts(row: LayerRow) -> dict[str, Any]:
    return {
        "layer": row.name,
        "type": row.kind,
        "output_shape": row.output_shape,
        "where": row.where,
        "params": row.params,
        "connections": row.connections,
        "neurons": row.neurons,
        "macs": row.macs,
        "rate_hz": row.rate_hz,
        "spikes": row.spikes,
        "synops": row.synops,
        "average_synops": row.average_synops,
        "factored": row.factored,
        "updates": row.updates,
        "weight_updates": row.weight_updates,
        "lower_bound": row.lower_bound,
        "uncounted_on": list(row.uncounted_on),
    }


def _energies(row: LayerRow) -> dict[str, dict[str, float]]:
    return {
        "synop_energy_J": row.synop_energy_J,
        "neuron_energy_J": row.neuron_energy_J,
        "energy_J": row.energy_J,
    }


def _nested(row: LayerRow) -> dict[str, Any]:
    """A row with a dict by device for each energy."""
    return {**_counts(row), **_energies(row)}


def _record(row: LayerRow, devices: Iterable[str]) -> dict[str, Any]:
    """A row with one entry, ``"energy_J cpu"``, for each energy and device."""
    record = {**_counts(row), "uncounted_on": " ".join(row.uncounted_on)}
    for device in devices:
        record.update({f"{key} {device}": v.get(device) for key, v in _energies(row).items()})
    return record


def _device(estimate: EnergyEstimate) -> dict[str, Any]:
    return {
        "constants": dataclasses.asdict(estimate.device),
        "total_energy_J": estimate.mean_J,
        "range_J": estimate.range_J,
        "samples_J": estimate.total_J.tolist(),
        "spread_J": dataclasses.asdict(estimate.spread()),
        "static": dataclasses.asdict(estimate.static) if estimate.static else None,
        "host_energy_J": estimate.host_J,
        "host_device": estimate.host_device.name if estimate.host_device else None,
        "lower_bound": estimate.lower_bound,
        "host": [dataclasses.asdict(work) for work in estimate.host],
        "uncounted": [dataclasses.asdict(u) for u in estimate.uncounted],
    }
