"""A profile in pictures: energy by device and layer, spikes, samples, break-even and cores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...energy.estimate import EnergyEstimate
from ...layout.charts import Bars, Chart, Drawing
from ...layout.plots import COLOURS, bare
from ...layout.result import presenter_of
from ...workload.row_counts import layer_counts
from ..opponent.all_opponents import SAME_TECHNOLOGY
from ..opponent.break_even_record import BreakEven
from ..profile_record import Profile
from .break_even_plot import draw_break_even
from .worth import LOIHI

#: Layers with a colour of their own; of more, those that take least are drawn as one.
MOST_LAYERS = 7


def profile_charts(profile: Profile) -> Iterable[Chart]:
    """Charts of a profile, the most telling first."""
    priced = {name: e for name, e in profile.estimates.items() if not e.all_on_host}
    if priced:
        yield _by_device(profile, priced)
        yield _by_layer(priced)
    yield from _counts(profile)
    on_loihi = priced.get(LOIHI)
    if on_loihi is not None and np.ptp(on_loihi.total_J) > 0:
        yield _over_samples(on_loihi)
    yield from _break_evens(profile)
    if profile.chip is not None:
        yield from presenter_of(profile.chip).charts(profile.chip)


def _by_device(profile: Profile, priced: dict[str, EnergyEstimate]) -> Bars:
    """Energies on one logarithmic axis, with the ranges of the constants."""
    per = profile.energy.workload().per
    rows = {name: (e.mean_J, e.range_J) for name, e in priced.items()}
    if profile.chip_cost is not None and per.seconds is None:
        for name, energy in profile.chip_cost.boundaries.items():
            rows[f"Loihi emulated, {name}"] = energy.nominal, (energy.low, energy.high)
    opponent = profile.opponents.get(SAME_TECHNOLOGY)
    if isinstance(opponent, BreakEven):
        total = opponent.network.total
        rows["45 nm, with spikes"] = total.mean_J, (total.mean_J, total.mean_J)
        rows["45 nm, without"] = total.ann_J, (total.ann_J, total.ann_J)
    if profile.chip_cost is not None and per.seconds is not None:
        for name in profile.chip_cost.boundaries:
            ends = [power * per.seconds for power in profile.chip_cost.running_W(name)]
            rows[f"Loihi emulated, {name}"] = ends[1], (ends[0], ends[2])
    bands = tuple((per.of(low), per.of(high)) for _, (low, high) in rows.values())
    return Bars(
        per.quantity, tuple(rows), {"energy": [per.of(mean) for mean, _ in rows.values()]},
        per.unit, "log", bands,
        "On a logarithmic axis; bands are the ranges of constants that sources give. Work beside "
        "a chip, on its host, is not included.",
    )  # fmt: skip


def _by_layer(priced: dict[str, EnergyEstimate]) -> Bars:
    """Where the energy goes on each device, as shares."""
    layers = {
        layer.name: [e.layer(layer.name).mean_J() for e in priced.values()]
        for layer in next(iter(priced.values())).layers
    }
    layers = {name: energies for name, energies in layers.items() if any(energies)}
    if any(e.static_J for e in priced.values()):
        layers["static power"] = [e.static_J for e in priced.values()]
    if len(layers) > MOST_LAYERS:
        totals = [e.mean_J or 1.0 for e in priced.values()]
        largest = sorted(layers, key=lambda n: -max(np.divide(layers[n], totals)))[:MOST_LAYERS]
        rest = np.sum([e for name, e in layers.items() if name not in largest], axis=0)
        layers = {name: e for name, e in layers.items() if name in largest}
        layers["other layers"] = rest.tolist()
    return Bars("Energy by layer", tuple(priced), layers, "J", "share")


def _counts(profile: Profile) -> Iterable[Bars]:
    """Spikes and synops of each layer that has any."""
    workload = profile.energy.workload()
    rows = [row.over(workload.per) for row in layer_counts(workload)]
    for heading, key in (("Spikes", "spikes"), ("Synaptic operations", "synops")):
        counts = {row.name: getattr(row, key) for row in rows if getattr(row, key)}
        if counts:
            lengths = {heading: list(counts.values())}
            yield Bars(f"{heading} {workload.per.words}", tuple(counts), lengths)


def _over_samples(estimate: EnergyEstimate) -> Drawing:
    """How energies of single samples are spread."""

    def draw(axes: Any) -> None:
        from matplotlib.ticker import EngFormatter

        axes.hist(estimate.total_J, bins=min(40, 5 + len(estimate.total_J) // 8), color=COLOURS[0])
        axes.axvline(estimate.mean_J, color=COLOURS[5], lw=1.5, label="mean")
        axes.xaxis.set_major_formatter(EngFormatter("J"))
        axes.set_xlabel("Energy of a sample")
        axes.set_ylabel("Samples")
        axes.legend(frameon=False, fontsize="small")
        bare(axes)

    spread = estimate.spread()
    return Drawing(
        f"Energy on {estimate.device.name} over samples", draw, (7.6, 2.8),
        description=f"Histogram: 5th percentile {spread.low_J:.3g} J, mean {spread.mean_J:.3g} J, "
        f"95th percentile {spread.high_J:.3g} J, most {spread.worst_J:.3g} J",
    )  # fmt: skip


def _break_evens(profile: Profile) -> Iterable[Drawing]:
    """Spikes against the same network without, where the two can meet."""
    result = profile.opponents.get(SAME_TECHNOLOGY)
    if not isinstance(result, BreakEven):
        return
    total = result.network.total
    if result.network.where or total.crossing == "nothing":
        return

    def draw(axes: Any) -> None:
        draw_break_even(result, axes)

    yield Drawing("With and without spikes in one technology", draw, description=result.verdict)
