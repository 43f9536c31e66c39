"""An activity: how samples were presented, and the firing rate of each population."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Part
from ...layout.si import count
from ...words import counted
from ..activity_record import Activity, PopulationActivity, Protocol


@presents(Activity)
class ActivityPresenter(Presenter[Activity]):
    """A row a population: neurons, spikes of a sample, and rate. No counts of single neurons.

    Populations of one subnetwork share a line in print and in the plot: ``"ea (16 x 50)"``.
    """

    format = "nengo-spikecost/activity/1"
    index = "population"

    def summary(self, activity: Activity) -> Iterable[Part]:
        yield protocol_sentence(activity.protocol, activity.n_samples)
        yield from activity.protocol.notes
        rows = _rows(activity)
        cells = [
            [row.name, f"{row.n_neurons:,}", count(row.spikes_per_sample), f"{row.rate_hz:,.1f}"]
            for row in rows
        ]
        graded = ", ".join(row.name for row in rows if not row.spiking)
        note = f"graded, counted as the spikes of neurons that fire at that rate: {graded}"
        headers = ["population", "neurons", "spikes\nper sample", "rate\nHz"]
        yield Table.of(headers, cells, notes=(note,) if graded else ())
        for output in activity.outputs.values():
            yield f"output {output.name}: {counted(output.last.shape[1], 'value')}"
        if activity.chip is not None:
            yield f"each of {counted(len(activity.chip.cores), 'core')} counted (.chip)"

    def records(self, activity: Activity) -> list[dict[str, Any]]:
        return [
            {
                "population": name, "spiking": population.spiking, "neurons": population.n_neurons,
                "spikes_per_sample": float(population.per_sample().mean()),
                "rate_hz": activity.mean_rate_hz(name),
            }
            for name, population in activity.populations.items()
        ]  # fmt: skip

    def content(self, activity: Activity) -> dict[str, Any]:
        return {
            "protocol": asdict(activity.protocol),
            "n_samples": activity.n_samples,
            "populations": self.records(activity),
            "outputs": {name: o.last.shape[1] for name, o in activity.outputs.items()},
            "cores": None if activity.chip is None else list(activity.chip.cores),
        }

    def size(self, activity: Activity) -> tuple[float, float]:
        return bar_size(len(_rows(activity)))

    def draw(self, activity: Activity, axes: Any) -> None:
        rows = _rows(activity)
        rates = [row.rate_hz for row in rows]
        draw_bars(axes, [row.name for row in rows], {"rate": rates}, "Hz", "mean firing rate")


@dataclass(frozen=True)
class _Row:
    """A population, or all of one subnetwork that fire or do not."""

    name: str
    spiking: bool
    n_neurons: int
    spikes_per_sample: float
    rate_hz: float


def _rows(activity: Activity) -> list[_Row]:
    """Rows in the order of the populations; a subnetwork is where its first one is."""
    groups: dict[tuple[str, bool], list[PopulationActivity]] = {}
    for name, population in activity.populations.items():
        key = f"the group {population.group}" if population.group else name
        groups.setdefault((key, population.spiking), []).append(population)
    return [_row(own, activity.protocol.presentation_time) for own in groups.values()]


def _row(own: Sequence[PopulationActivity], presentation_time: float) -> _Row:
    sizes = [population.n_neurons for population in own]
    name = own[0].name
    if len(own) > 1:
        same = len(set(sizes)) == 1
        name = f"{own[0].group} ({f'{len(own):,} x {sizes[0]:,}' if same else f'{len(own):,}'})"
    spikes = float(sum(population.per_sample().mean() for population in own))
    return _Row(
        name, own[0].spiking, sum(sizes), spikes, spikes / (sum(sizes) * presentation_time)
    )  # fmt: skip


def protocol_sentence(protocol: Protocol, n_samples: int) -> str:
    """How samples were presented, in words: ``"10 samples of 40 steps of 1 ms, ..."``."""
    start = "started afresh" if protocol.presentation == "fresh" else "without a pause"
    if n_samples > 1:
        start = f"each {start}"
    frames = ""
    if protocol.frames not in (None, 1):
        frames = f" with {protocol.frames:,.4g} different frames"
    return (
        f"{counted(n_samples, 'sample')} of {counted(protocol.n_steps, 'step')} of "
        f"{1000 * protocol.dt:g} ms{frames}, {start}, on {protocol.simulator}"
    )
