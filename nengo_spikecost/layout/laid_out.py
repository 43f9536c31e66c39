"""Charts as templates need them: lengths in percent, and every number as text."""

from __future__ import annotations

import math
from typing import Any

from .charts import COLOURS, Bars, Chart, Drawing, Tiles
from .si import count, si
from .svg import to_svg


def laid_out(chart: Chart, number: int) -> dict[str, Any]:
    """A chart as the template needs it: lengths in percent, and every number as text."""
    if isinstance(chart, Drawing):
        words = chart.description or chart.heading
        svg = to_svg(chart, number)
        return {"kind": "drawing", "heading": chart.heading, "svg": svg, "description": words}
    if isinstance(chart, Tiles):
        return {"kind": "tiles", **vars(chart)}
    kind = "points" if chart.scale == "log" else "bars"
    rows = _points(chart) if kind == "points" else _rows(chart)
    return {
        "kind": kind, "heading": chart.heading, "rows": rows, "note": chart.note,
        "legend": tuple(chart.parts) if len(chart.parts) > 1 else (),
        "axis": _decades(chart) if kind == "points" else (),
    }  # fmt: skip


def _rows(chart: Bars) -> list[dict[str, Any]]:
    """Bars of parts, each with its share of the width."""
    longest = max(chart.totals, default=0.0)
    rows = []
    for n, (name, total) in enumerate(zip(chart.names, chart.totals)):
        full = total if chart.scale == "share" else longest
        parts: list[dict[str, Any]] = [
            {
                "name": part, "number": k % len(COLOURS), "text": _amount(lengths[n], chart.unit),
                "percent": 100 * lengths[n] / full if full else 0.0,
            }
            for k, (part, lengths) in enumerate(chart.parts.items())
        ]  # fmt: skip
        shown = [part for part in parts if part["percent"] > 0]
        rows.append({"name": name, "parts": shown, "text": _amount(total, chart.unit)})
    return rows


def _points(chart: Bars) -> list[dict[str, Any]]:
    """Points, and ranges behind them, on a logarithmic axis."""
    ranges = chart.ranges or tuple((total, total) for total in chart.totals)
    rows = []
    for name, total, (low, high) in zip(chart.names, chart.totals, ranges):
        row: dict[str, Any] = {"name": name, "text": _amount(total, chart.unit)}
        if math.isnan(total) and low > 0:  # a band without a point
            row["text"] = f"{_amount(low, chart.unit)} to {_amount(high, chart.unit)}"
            ends = _place(chart, low), _place(chart, high)
            row.update(low=ends[0], width=ends[1] - ends[0])
        elif total > 0:
            ends = _place(chart, low or total), _place(chart, high)
            row.update(at=_place(chart, total), low=ends[0], width=ends[1] - ends[0])
            if low < high:
                row["range"] = f"{_amount(low, chart.unit)} to {_amount(high, chart.unit)}"
        rows.append(row)
    return rows


def _decades(chart: Bars) -> list[dict[str, Any]]:
    """The whole powers of ten on the axis, at most six of them."""
    first, last = _span(chart)
    every = max(1, math.ceil((last - first) / 5))
    return [
        {"at": _place(chart, 10.0**power), "text": si(10.0**power, chart.unit, 1)}
        for power in range(first, last + 1, every)
    ]


def _span(chart: Bars) -> tuple[int, int]:
    ends = [end for pair in chart.ranges for end in pair] + list(chart.totals)
    ends = [end for end in ends if end > 0] or [1.0]
    first, last = math.floor(math.log10(min(ends))), math.ceil(math.log10(max(ends)))
    return first, max(last, first + 1)


def _place(chart: Bars, value: float) -> float:
    first, last = _span(chart)
    return 100 * (math.log10(value) - first) / (last - first)


def _amount(value: float, unit: str) -> str:
    return si(value, unit) if unit else count(value)
