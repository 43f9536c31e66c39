"""A comparison as a table, as records, and as bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from ...energy.estimate import EnergyEstimate
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
        priced: dict[str, list[tuple[float, str, EnergyEstimate]]] = {}
        for row in comparison.rows:
            if row.estimate is not None and row.estimate.mean_J > 0:
                own = row.estimate.mean_J, row.cost_model, row.estimate
                priced.setdefault(row.device, []).append(own)
        lines = []
        for device, energies in priced.items():
            (low_J, least, low), (high_J, most, high) = (
                end(energies, key=lambda own: own[:2]) for end in (min, max)
            )
            if high_J > 1.01 * low_J:
                words = f"{_energy(low, comparison.per)} ({least}) to "
                words += f"{_energy(high, comparison.per)} ({most})"
                if not low.time_at_least:
                    words += f": {'at least ' * high.time_at_least}{times(high_J / low_J)}"
                lines.append((device, words))
        return Verdict.of(*lines)

    def charts(self, comparison: Comparison) -> Iterable[Chart]:
        priced = [(row, row.estimate) for row in comparison.rows if row.estimate]
        per = comparison.per
        yield Bars(
            per.quantity,
            tuple(f"{row.device}, {row.cost_model}{_at_least(e)}" for row, e in priced),
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
        names = [f"{row.cost_model}, {row.device}{_at_least(e)}" for row, e in priced]
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
    ratio = si.MISSING
    if row.ratio is not None:
        ratio = f"{'>= ' * row.estimate.time_at_least}{row.ratio:.3g}"
    return (row.cost_model, row.device, *counts, _energy(row.estimate, per), *bands, ratio)


def _energy(estimate: EnergyEstimate, per: Per) -> str:
    return f"{'>= ' * estimate.lower_bound}{per.energy(estimate.mean_J)}"


def _at_least(estimate: EnergyEstimate) -> str:
    return ", at least" * estimate.time_at_least


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
