"""A workload as a table, as records, and as bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any, Callable

from ...layout import Presenter, Table, presents, si
from ...layout.plots import bar_size, draw_bars
from .. import row_counts
from ..row_counts import LayerCounts, layer_counts, total_counts
from ..workload_record import Workload

_COLUMNS: tuple[tuple[str, Callable[[LayerCounts], float | None]], ...] = (
    ("Synapses", lambda row: row.connections), ("MACs", lambda row: row.macs),
    ("Neurons", lambda row: row.neurons), ("Rate\nHz", lambda row: row.rate_hz),
    ("Spikes", lambda row: row.spikes), ("Synops", lambda row: row.synops),
    ("Neuron\nupdates", lambda row: row.updates),
)  # fmt: skip


@presents(Workload)
class WorkloadPresenter(Presenter[Workload]):
    """One row a layer, and the total.

    Tables and bars have one row for each subnetwork, such as an EnsembleArray, whose parts a page
    opens; records and JSON have all.
    """

    format = "nengo-spikecost/workload/1"
    index = "layer"

    def summary(self, workload: Workload) -> Iterable[Table]:
        folded = "Every ensemble", self._table(workload, grouped=False)
        table = self._table(workload, grouped=True)
        notes = tuple(row_counts.uncounted_note(workload.uncounted))
        yield replace(
            table, notes=notes, folded=folded if row_counts.has_groups(workload) else None
        )

    def _table(self, workload: Workload, grouped: bool) -> Table:
        rows = [*layer_counts(workload, grouped), total_counts(workload)]
        rows = [row.over(workload.per) for row in rows]
        return Table.of(
            ["Layer (type)", *(header for header, _ in _COLUMNS)],
            ([row.title, *(si.count(value(row)) for _, value in _COLUMNS)] for row in rows),
            n_totals=1, title=row_counts.caption(workload),
        )  # fmt: skip

    def records(self, workload: Workload) -> list[dict[str, Any]]:
        return [row.record() for row in layer_counts(workload)]

    def content(self, workload: Workload) -> dict[str, Any]:
        return {
            "presentation": row_counts.presentation(workload),
            "layers": self.records(workload),
            "total": total_counts(workload).record(),
            "uncounted": [asdict(work) for work in workload.uncounted],
        }

    def size(self, workload: Workload) -> tuple[float, float]:
        return bar_size(len(layer_counts(workload, grouped=True)))

    def draw(self, workload: Workload, axes: Any) -> None:
        rows = layer_counts(workload, grouped=True)
        key, label = ("synops", "Synops") if workload.measured else ("macs", "MACs of one pass")
        rows = [row.over(workload.per) for row in rows]
        lengths = [getattr(row, key) or 0.0 for row in rows]
        names = [row.name for row in rows]
        draw_bars(axes, names, {label: lengths}, "", f"{label} {workload.per.words}")
