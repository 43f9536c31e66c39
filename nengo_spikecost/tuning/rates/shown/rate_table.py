"""Tuned firing rates as a table and as records."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ....layout.table import Table
from ....layout.text import to_text
from ..rate_tuning import FLAGS

if TYPE_CHECKING:
    from ..rate_tuning import LayerRates, RateTuning

JSON_FORMAT = "nengo-spikecost/firing-rates/1"


def summary(tuning: RateTuning, line_length: int) -> str:
    """The table of all layers, and a line for each flag."""
    lines = [to_text(rate_table(tuning), line_length)]
    lines += [
        _bullet(f"{layer.layer}: target not reached, as {layer.reason}.", line_length)
        for layer in tuning.layers
        if layer.reason
    ]
    used = " ".join(flag for layer in tuning.layers for flag in layer.flags)
    lines += [
        _bullet(f"{name}: {meaning}.", line_length)
        for name, meaning in FLAGS.items()
        if name in used
    ]
    return "\n".join(lines)


def rate_table(tuning: RateTuning) -> Table:
    """One row a layer."""
    headers = (
        ("Layer",), ("Scale",), ("Target", "Hz"), ("Rate", "Hz"), ("Error",), ("Mean", "Hz"),
        ("Max", "Hz"), ("Spikes", "/ ReLU"), ("Flags",),
    )  # fmt: skip
    rows = tuple(_cells(layer) for layer in tuning.layers)
    counted = f"steps {tuning.skip_steps + 1} to {tuning.n_steps}"
    tuned = [layer for layer in tuning.layers if layer.target_hz is not None]
    n_reached = sum(layer.reached for layer in tuned)
    how = "in one build" if tuning.in_place else "with a build for each"
    plural = "s" if tuning.n_simulations > 1 else ""
    return Table(
        headers=headers,
        short_headers=headers,
        right=(False, *(True,) * (len(headers) - 2), False),
        rows=rows,
        short_rows=rows,
        title=f"Firing rates: {tuning.statistic}, {counted}",
        notes=(
            f"{n_reached} of {len(tuned)} layers within {tuning.tolerance:.0%} of their targets; "
            f"{tuning.n_simulations} simulation{plural} {how}",
        ),
    )


def _cells(layer: LayerRates) -> tuple[str, ...]:
    error = layer.error
    return (
        layer.layer,
        f"{layer.scale:.4g}",
        "-" if layer.target_hz is None else f"{layer.target_hz:.4g}",
        f"{layer.rate_hz:.1f}",
        "-" if error is None else f"{round(error, 3) + 0.0:+.1%}",
        f"{layer.mean_hz:.1f}",
        f"{layer.max_hz:.0f}",
        f"{layer.linearity:.3g}",
        ", ".join(layer.flags),
    )


def _bullet(text: str, line_length: int) -> str:
    return textwrap.fill(text, line_length, initial_indent="* ", subsequent_indent="  ")


def records(tuning: RateTuning) -> list[dict[str, Any]]:
    """One flat dict a layer."""
    return [
        {**asdict(layer), "error": layer.error, "flags": "; ".join(layer.flags)}
        for layer in tuning.layers
    ]


def to_frame(tuning: RateTuning) -> Any:
    """The records as a pandas DataFrame."""
    import pandas

    return pandas.DataFrame.from_records(records(tuning))


def to_dict(tuning: RateTuning) -> dict[str, Any]:
    """Everything as plain dicts, lists, strings and numbers."""
    protocol = tuning.activity.protocol
    return {
        "format": JSON_FORMAT,
        "statistic": tuning.statistic,
        "tolerance": tuning.tolerance,
        "protocol": {**asdict(protocol), "n_samples": tuning.activity.n_samples},
        "skip_steps": tuning.skip_steps,
        "reached": tuning.reached,
        "n_simulations": tuning.n_simulations,
        "seconds": tuning.seconds,
        "in_place": tuning.in_place,
        "scale_firing_rates": tuning.scales,
        "layers": [
            {**asdict(layer), "error": layer.error, "flags": list(layer.flags)}
            for layer in tuning.layers
        ],
        "history": [
            {"scales": dict(s.scales), "rates_hz": dict(s.rates_hz), "n_reached": s.n_reached}
            for s in tuning.history
        ],
    }
