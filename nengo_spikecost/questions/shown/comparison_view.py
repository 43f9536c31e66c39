"""A comparison as a table, as records, and as bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from ...energy.shown.device_list import device_details
from ...energy.shown.layer_columns import write_value
from ...layout import Presenter, Table, presents, si
from ...layout.charts import Bars, Chart
from ...layout.per import Per
from ...layout.plots import bar_size, draw_points
from ...layout.presenter import Details
from ...layout.si import times
from ...layout.verdict import Verdict
from ...words import counted
from ..comparison.comparison_record import ComparedRow, Comparison


@presents(Comparison)
class ComparisonPresenter(Presenter[Comparison]):
    """A row for each cost model and device, and below them a line on each difference."""

    format = "nengo-spikecost/comparison/1"
    index = ("cost_model", "device")
    nested = ("spread_J",)

    def title(self, comparison: Comparison) -> str:
        return "One network, all cost models"

    def about(self, comparison: Comparison) -> str:
        return _title(comparison)

    def verdict(self, comparison: Comparison) -> Verdict:
        """How far apart the cost models are, device by device."""
        priced: dict[str, list[tuple[float, str]]] = {}
        for row in comparison.rows:
            if row.estimate is not None and row.estimate.mean_J > 0:
                priced.setdefault(row.device, []).append((row.estimate.mean_J, row.cost_model))
        lines = []
        for device, energies in priced.items():
            (low_J, least), (high_J, most) = min(energies), max(energies)
            if high_J > 1.01 * low_J:
                low, high = map(comparison.per.energy, (low_J, high_J))
                words = f"{low} ({least}) to {high} ({most})"
                lines.append((device, f"{words}: {times(high_J / low_J)}"))
        return Verdict.of(*lines)

    def charts(self, comparison: Comparison) -> Iterable[Chart]:
        priced = [(row, row.estimate) for row in comparison.rows if row.estimate]
        per = comparison.per
        yield Bars(
            per.quantity, tuple(f"{row.device}, {row.cost_model}" for row, _ in priced),
            {"energy": [per.of(e.mean_J) for _, e in priced]}, per.unit, "log",
            tuple((per.of(e.range_J[0]), per.of(e.range_J[1])) for _, e in priced),
            "On a logarithmic axis; bands are the ranges of constants that sources give.",
        )  # fmt: skip

    def summary(self, comparison: Comparison) -> Iterable[Table]:
        short, long = (
            tuple(_cells(row, comparison.per, short) for row in comparison.rows)
            for short in (True, False)
        )
        table = Table.of(
            (
                "Cost\nmodel", "Device", "Synops", "MACs",
                comparison.per.quantity.split()[0], "Constants\nlow - high",
                "Samples\n5 - 95%", "Ratio to\nexact",
            ),
            long, n_text=2, n_keys=2,
            title=_title(comparison), notes=tuple(_notes(comparison.rows)),
        )  # fmt: skip
        return [replace(table, short_rows=short)]

    def details(self, comparison: Comparison) -> Iterable[Details]:
        # presets have the name of a device and other constants
        devices = [row.estimate.device for row in comparison.rows if row.estimate]
        unlike = [device for n, device in enumerate(devices) if device not in devices[:n]]
        return [device_details(unlike)] if unlike else []

    def records(self, comparison: Comparison) -> list[dict[str, Any]]:
        return [_record(row) for row in comparison.rows]

    def content(self, comparison: Comparison) -> dict[str, Any]:
        n_steps, n_samples = comparison.n_steps, comparison.n_samples
        presentation = {
            "n_steps": n_steps, "dt_s": comparison.dt, "n_samples": n_samples,
            "runs_on": comparison.runs_on,
        }  # fmt: skip
        return {"presentation": presentation, "rows": self.records(comparison)}

    def size(self, comparison: Comparison) -> tuple[float, float]:
        return bar_size(len(comparison.rows))

    def draw(self, comparison: Comparison, axes: Any) -> None:
        per = comparison.per
        priced = [(row, row.estimate) for row in comparison.rows if row.estimate]
        names = [f"{row.cost_model}, {row.device}" for row, _ in priced]
        ranges = [(per.of(e.range_J[0]), per.of(e.range_J[1])) for _, e in priced]
        draw_points(axes, names, [per.of(e.mean_J) for _, e in priced], ranges, per.unit)
        axes.set_xlabel(f"{per.quantity}, over the ranges of the constants")


def _title(comparison: Comparison) -> str:
    if comparison.runs_on:
        return (
            f"Per second of a network that runs on, measured for {comparison.n_steps} steps of "
            f"{1e3 * comparison.dt:g} ms, mean of {counted(comparison.n_samples, 'sample')}"
        )
    if not comparison.n_samples:
        return "Per inference; no spikes measured"
    return (
        f"Per inference of {comparison.n_steps} steps of {1e3 * comparison.dt:g} ms, mean of "
        f"{counted(comparison.n_samples, 'sample')}"
    )


def _notes(rows: Iterable[ComparedRow]) -> list[str]:
    """The explanations; where a cost model has one for several devices, once."""
    devices: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        devices.setdefault((row.cost_model, row.explanation), []).append(row.device)
    return [
        f"{model}, {', '.join(names)}: {words.rstrip('.')}."
        for (model, words), names in devices.items()
    ]


def _cells(row: ComparedRow, per: Per, short: bool) -> tuple[str, ...]:
    synops = None if row.synops is None else per.of(row.synops)
    counts = tuple(write_value("count", n, short=short) for n in (synops, row.macs))
    if row.estimate is None:
        return (row.cost_model, row.device, *counts, *(si.MISSING,) * 4)
    spread = row.estimate.spread()
    bands = _band(*row.estimate.range_J, per), _band(spread.low_J, spread.high_J, per)
    energy = f"{'>= ' * row.estimate.lower_bound}{per.energy(row.estimate.mean_J)}"
    ratio = si.MISSING if row.ratio is None else f"{row.ratio:.3g}"
    return (row.cost_model, row.device, *counts, energy, *bands, ratio)


def _band(low_J: float, high_J: float, per: Per) -> str:
    """``"23.1 - 35.0 uJ"``, or nothing if there is no band."""
    if high_J - low_J <= 1e-9 * high_J:
        return si.MISSING
    low, high = per.energy(low_J), per.energy(high_J)
    if low.split()[1:] == high.split()[1:]:
        low = low.split()[0]
    return f"{low} - {high}"


def _record(row: ComparedRow) -> dict[str, Any]:
    """A row as a flat dict, but for its spread over samples."""
    e = row.estimate
    low, high = e.range_J if e else (None, None)
    return {
        "cost_model": row.cost_model, "device": row.device, "synops": row.synops, "macs": row.macs,
        "energy_J": e.mean_J if e else None, "power_W": e.power_W if e else None,
        "low_J": low, "high_J": high,
        "spread_J": asdict(e.spread()) if e else None,
        "static_J": e.static_J if e else None,
        "host_J": e.host_J if e else None,
        "ratio": row.ratio,
        "lower_bound": e.lower_bound if e else None,
        "explanation": row.explanation,
    }  # fmt: skip
