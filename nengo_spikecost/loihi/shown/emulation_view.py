"""An emulated run: how samples were presented, and what each block of the chip did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...activity import Protocol
from ...activity.shown.activity_view import protocol_sentence
from ...layout import Presenter, Table, presents
from ...layout.plots import bar_size, draw_bars
from ...layout.presenter import Part
from ...layout.si import count
from ..emulation.emulation_records import EmulatedRun

#: Header of each column of numbers, by the key of its record.
COLUMNS = {
    "compartments": "compartments", "spikes": "spikes", "axon_events": "axon\nevents",
    "synops": "synops", "active": "active\nupdates",
}  # fmt: skip


@presents(EmulatedRun)
class EmulatedRunPresenter(Presenter[EmulatedRun]):
    """A row a block, with its counts per sample. No counts of single neurons."""

    format = "nengo-spikecost/emulation/2"
    index = "block"

    def summary(self, run: EmulatedRun) -> Iterable[Part]:
        protocol = Protocol("an emulated Loihi", run.presentation, run.n_steps, run.dt, 1, 0)
        yield protocol_sentence(protocol, run.n_samples)
        yield "counts per sample:"
        cells = [[row["block"], *(count(row[key]) for key in COLUMNS)] for row in self.records(run)]
        yield Table.of(["block", *COLUMNS.values()], cells)
        overflowing = np.array(run.block_names)[run.overflows.any(axis=(0, 2))]
        if len(overflowing):
            yield f"* numbers were too large for the chip in {', '.join(overflowing)}"

    def records(self, run: EmulatedRun) -> list[dict[str, Any]]:
        synops = sum(run.block_synops().values(), np.zeros_like(run.active))
        means = {
            "spikes": run.block_spikes(), "axon_events": run.messages_to(), "synops": synops,
            "messages_out": run.messages_from(), "with_input": run.with_input, "active": run.active,
        }  # fmt: skip
        rows = []
        for k, (name, own) in enumerate(zip(run.block_names, run.block_of)):
            counts = {key: float(values[:, k].mean()) for key, values in means.items()}
            rows.append({"block": name, "compartments": own.stop - own.start, **counts})
        return rows

    def content(self, run: EmulatedRun) -> dict[str, Any]:
        return {
            "n_samples": run.n_samples, "n_steps": run.n_steps, "dt": run.dt,
            "presentation": run.presentation, "blocks": self.records(run),
            "chip_to_host": float(run.chip_to_host.mean()),
            "host_to_chip": float(run.host_to_chip().sum(axis=1).mean()),
        }  # fmt: skip

    def size(self, run: EmulatedRun) -> tuple[float, float]:
        return bar_size(len(run.block_names))

    def draw(self, run: EmulatedRun, axes: Any) -> None:
        synops = [row["synops"] for row in self.records(run)]
        draw_bars(axes, run.block_names, {"synops": synops}, "", "synops per sample")
