"""Tuned firing rates: a row for each layer, what is worth a look, and a plot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ....layout import Presenter, Table, presents, si
from ....layout.presenter import Part
from ..rate_tuning import FLAGS, LayerRates, RateTuning
from .rate_plot import draw_firing_rates, figure_size


@presents(RateTuning)
class RateTuningPresenter(Presenter[RateTuning]):
    """A row for each layer, and below them a line for each target missed and for each flag."""

    format = "nengo-spikecost/firing-rates/1"

    def summary(self, tuning: RateTuning) -> Iterable[Part]:
        tuned = [layer for layer in tuning.layers if layer.target_hz is not None]
        how = "in one build" if tuning.in_place else "with a build for each"
        yield Table.of(
            (
                "Layer", "Scale", "Target\nHz", "Rate\nHz", "Error", "Mean\nHz", "Max\nHz",
                "Spikes\n/ ReLU", "Flags",
            ),
            map(_cells, tuning.layers), right=(False, *(True,) * 7, False),
            title=f"Firing rates: {tuning.statistic}, {tuning.counted}",
            notes=(
                f"{sum(layer.reached for layer in tuned)} of {len(tuned)} layers within "
                f"{tuning.tolerance:.0%} of their targets; "
                f"{si.counted(tuning.n_simulations, 'simulation')} {how}",
            ),
        )  # fmt: skip
        for layer in tuning.layers:
            if layer.reason:
                yield f"* {layer.layer}: target not reached, as {layer.reason}."
        raised = " ".join(flag for layer in tuning.layers for flag in layer.flags)
        yield from (f"* {name}: {meaning}." for name, meaning in FLAGS.items() if name in raised)

    def records(self, tuning: RateTuning) -> list[dict[str, Any]]:
        return [{**row, "flags": "; ".join(row["flags"])} for row in _layers(tuning)]

    def content(self, tuning: RateTuning) -> dict[str, Any]:
        return {
            "statistic": tuning.statistic, "tolerance": tuning.tolerance,
            "protocol": {
                **asdict(tuning.activity.protocol), "n_samples": tuning.activity.n_samples,
            },
            "skip_steps": tuning.skip_steps, "reached": tuning.reached,
            "n_simulations": tuning.n_simulations, "seconds": tuning.seconds,
            "in_place": tuning.in_place, "scale_firing_rates": tuning.scales,
            "layers": _layers(tuning), "history": [asdict(step) for step in tuning.history],
        }  # fmt: skip

    def size(self, tuning: RateTuning) -> tuple[float, float]:
        return figure_size(tuning)

    def draw(self, tuning: RateTuning, axes: Any) -> None:
        draw_firing_rates(tuning, axes)


def _layers(tuning: RateTuning) -> list[dict[str, Any]]:
    return [
        {**asdict(layer), "error": layer.error, "flags": list(layer.flags)}
        for layer in tuning.layers
    ]


def _cells(layer: LayerRates) -> tuple[str, ...]:
    return (
        layer.layer,
        f"{layer.scale:.4g}",
        si.MISSING if layer.target_hz is None else f"{layer.target_hz:.4g}",
        f"{layer.rate_hz:.1f}",
        # + 0.0, so that no error is "-0.0%"
        si.MISSING if layer.error is None else f"{round(layer.error, 3) + 0.0:+.1%}",
        f"{layer.mean_hz:.1f}",
        f"{layer.max_hz:.0f}",
        f"{layer.linearity:.3g}",
        ", ".join(layer.flags),
    )
