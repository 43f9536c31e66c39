"""A profile in pictures: energy by device and layer, spikes, samples, break-even and cores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...energy.estimate import EnergyEstimate
from ...energy.loihi_chip.shown.chip_view import energy_by_layer, limit_charts, points_said
from ...layout.charts import Bars, Chart, Drawing
from ...layout.plots import COLOURS, bare, share_ticks, si_ticks
from ...layout.si import si
from ...loihi.shown.core_map import core_map
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
        yield _by_layer(profile, priced)
    yield from _counts(profile)
    on_loihi = priced.get(LOIHI)
    if on_loihi is not None and np.ptp(on_loihi.total_J) > 0:
        yield _over_samples(on_loihi)
    yield from _accuracy_against_energy(profile, priced)
    yield from _break_evens(profile)
    if profile.chip is not None:
        yield core_map(profile.chip.use)
    if profile.chip_cost is not None:
        yield energy_by_layer(profile.chip_cost)
        yield from limit_charts(profile.chip_cost)


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
    said = "" if profile.chip_cost is None else points_said(profile.chip_cost)
    bands = tuple((per.of(low), per.of(high)) for _, (low, high) in rows.values())
    return Bars(
        per.quantity, tuple(rows), {"energy": [per.of(mean) for mean, _ in rows.values()]},
        per.unit, "log", bands,
        "On a logarithmic axis; bands are the ranges of constants that sources give. Work beside "
        f"a chip, on its host, is not included.{said}",
    )  # fmt: skip


def _by_layer(profile: Profile, priced: dict[str, EnergyEstimate]) -> Bars:
    """Where the energy, or the power, goes on each device, as shares; of subnetworks as one."""
    per = next(iter(priced.values())).per
    rows = layer_counts(profile.energy.workload(), grouped=True)
    owners = {member: row.name for row in rows for member in row.members}
    layers: dict[str, list[float]] = {}
    for layer in next(iter(priced.values())).layers:
        energies = [per.of(e.layer(layer.name).mean_J()) for e in priced.values()]
        name = owners.get(layer.name, layer.name)
        layers[name] = np.add(layers.get(name, 0.0), energies).tolist()
    layers = {name: energies for name, energies in layers.items() if any(energies)}
    if any(e.static_J for e in priced.values()):
        layers["static power"] = [per.of(e.static_J) for e in priced.values()]
    if len(layers) > MOST_LAYERS:
        totals = [per.of(e.mean_J) or 1.0 for e in priced.values()]
        largest = sorted(layers, key=lambda n: -max(np.divide(layers[n], totals)))[:MOST_LAYERS]
        rest = np.sum([e for name, e in layers.items() if name not in largest], axis=0)
        layers = {name: e for name, e in layers.items() if name in largest}
        layers["other layers"] = rest.tolist()
    return Bars(f"{per.quantity.split()[0]} by layer", tuple(priced), layers, per.unit, "share")


def _counts(profile: Profile) -> Iterable[Bars]:
    """Spikes and synops of each layer that has any; of subnetworks as one."""
    workload = profile.energy.workload()
    rows = [row.over(workload.per) for row in layer_counts(workload, grouped=True)]
    for heading, key in (("Spikes", "spikes"), ("Synaptic operations", "synops")):
        counts = {row.name: getattr(row, key) for row in rows if getattr(row, key)}
        if counts:
            lengths = {heading: list(counts.values())}
            yield Bars(f"{heading} {workload.per.words}", tuple(counts), lengths)


def _over_samples(estimate: EnergyEstimate) -> Drawing:
    """How energies of single samples are spread."""

    def draw(axes: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        shown = [estimate.per.of(energy) for energy in estimate.total_J]
        axes.hist(shown, bins=min(40, 5 + len(estimate.total_J) // 8), color=COLOURS[0])
        axes.axvline(estimate.per.of(estimate.mean_J), color=COLOURS[5], lw=1.5, label="mean")
        axes.xaxis.set_major_formatter(si_ticks(estimate.per.unit))
        axes.set_xlabel(f"{quantity} of a sample")
        axes.set_ylabel("Samples")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        # above the bars, which may fill the axes
        axes.legend(
            frameon=False, fontsize="small", loc="lower right", bbox_to_anchor=(1, 1),
            borderaxespad=0,
        )  # fmt: skip
        bare(axes)

    s, quantity = estimate.spread(), estimate.per.quantity.split()[0]
    low, mean, high, most = map(estimate.per.energy, (s.low_J, s.mean_J, s.high_J, s.worst_J))
    return Drawing(
        f"{quantity} on {estimate.device.name} over samples", draw, (7.6, 2.8),
        description=f"Histogram: 5th percentile {low}, mean {mean}, 95th percentile {high}, most "
        f"{most}",
    )  # fmt: skip


def _break_evens(profile: Profile) -> Iterable[Drawing]:
    """Spikes against the same network without: in one technology, and on Loihi's cores."""
    headings = {
        SAME_TECHNOLOGY: "With and without spikes in one technology",
        LOIHI: "Loihi's cores against an accelerator without spikes",
    }
    for name, heading in headings.items():
        result = profile.opponents.get(name)
        if not isinstance(result, BreakEven):
            continue
        if result.network.where or result.network.total.crossing == "nothing":
            continue
        yield Drawing(heading, partial(draw_break_even, result), description=result.verdict)


def _accuracy_against_energy(
    profile: Profile, priced: Mapping[str, EnergyEstimate]
) -> Iterable[Drawing]:
    """A point for each device, where the labels of one output are classes."""
    by_name = {score.name: score.accuracy for score in profile.scores}
    spiking = [by_name.get(f"spiking, {at}") for at in ("last step", "mean over steps")]
    keras, spikes = by_name.get("keras"), max((a for a in spiking if a is not None), default=None)
    rows: list[tuple[str, float, float]] = []
    for name, estimate in priced.items():
        accuracy = spikes if estimate.device.spiking else keras
        if accuracy is not None and estimate.mean_J > 0:
            rows.append((name, estimate.mean_J, accuracy))
    chip = None if profile.chip is None else profile.chip.score
    if profile.chip_cost is not None and chip is not None and chip.accuracy is not None:
        for name in ("core dynamic", "board"):
            energy_J = profile.chip_cost.boundaries[name].nominal
            if energy_J > 0:
                least = ", at least" * profile.chip_cost.is_at_least(name)
                rows.append((f"emulated Loihi, {name}{least}", energy_J, chip.accuracy))
    if len(rows) > 1 and profile.energy.workload().per.seconds is None:
        words = ", ".join(f"{name} {accuracy:.1%} at {si(e, 'J')}" for name, e, accuracy in rows)
        draw = partial(draw_accuracies, rows=rows)
        yield Drawing("Accuracy against energy", draw, (7.6, 3.6), description=words)


def draw_accuracies(axes: Any, rows: Sequence[tuple[str, float, float]]) -> None:
    """Points with their names: energy on a logarithmic axis to the right, accuracy upwards.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    rows : sequence of (str, float, float)
        Name, energy in J, and accuracy from 0 to 1.
    """
    from matplotlib.ticker import NullFormatter

    for number, (name, energy_J, accuracy) in enumerate(rows):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot([energy_J], [accuracy], "o", ms=8, color=colour, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(si_ticks("J"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    share_ticks(axes.yaxis)
    low, high = (end(accuracy for _, _, accuracy in rows) for end in (min, max))
    room = 0.15 * (high - low) + 0.01
    axes.set_ylim(low - room, min(high + room, 1 + 0.1 * room))
    axes.axhline(1.0, color="#dddddd", lw=0.7, zorder=1)
    axes.set_xlabel("Energy per inference")
    axes.set_ylabel("Accuracy")
    axes.legend(fontsize="small", frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    bare(axes)
