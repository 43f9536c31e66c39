"""Fine-tuning epoch by epoch: a table, and curves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ....layout import Presenter, Table, presents, si
from ....layout.plots import COLOURS, bare
from ....layout.presenter import Part
from ..fine_tuning import EpochRecord, FineTuning


@presents(FineTuning)
class FineTuningPresenter(Presenter[FineTuning]):
    """A row for each epoch, the best one marked; and objective, accuracy and synops as curves."""

    format = "nengo-spikecost/fine-tuning/1"
    panels = 3

    def summary(self, tuning: FineTuning) -> Iterable[Part]:
        yield Table.of(
            ("Epoch", "Objective", "Loss", "Accuracy", "Synops", "Loss\nin training", "Seconds"),
            [_cells(record, record.epoch == tuning.best_epoch) for record in tuning.history],
            title=f"Fine-tuned with {tuning.forward}, {si.counted(tuning.n_steps, 'step')}; "
            f"the model is that of epoch {tuning.best_epoch}",
            notes=("objective: the loss and all penalties; synops: a sample",),
        )
        if tuning.frozen:
            yield f"* Not trained: {', '.join(tuning.frozen)}."
        if tuning.stopped:
            yield f"* Stopped: {tuning.stopped}"

    def records(self, tuning: FineTuning) -> list[dict[str, Any]]:
        return [asdict(record) for record in tuning.history]

    def content(self, tuning: FineTuning) -> dict[str, Any]:
        return {
            "forward": tuning.forward, "n_steps": tuning.n_steps, "best_epoch": tuning.best_epoch,
            "scale_firing_rates": dict(tuning.scale_firing_rates), "frozen": list(tuning.frozen),
            "stopped": tuning.stopped,
            "history": [
                {name: value if math.isfinite(value) else None for name, value in record.items()}
                for record in self.records(tuning)
            ],
        }  # fmt: skip

    def size(self, tuning: FineTuning) -> tuple[float, float]:
        return 10.5, 3.4

    def draw(self, tuning: FineTuning, axes: Any) -> None:
        from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

        epochs = [record.epoch for record in tuning.history]
        formats = {
            "objective": None, "accuracy": PercentFormatter(1.0), "synops": EngFormatter(),
        }  # fmt: skip
        for axis, colour, (name, form) in zip(axes, COLOURS, formats.items()):
            axis.plot(epochs, [getattr(r, name) for r in tuning.history], "o-", ms=4, color=colour)
            axis.axvline(tuning.best_epoch, color="#999999", lw=1, ls=":")
            axis.set_title(name.capitalize(), loc="left", fontsize=10)
            axis.set_xlabel("Epoch")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            if form is not None:
                axis.yaxis.set_major_formatter(form)
            bare(axis)


def _cells(record: EpochRecord, best: bool) -> tuple[str, ...]:
    return (
        f"{record.epoch}{'*' if best else ''}", f"{record.objective:.4f}", f"{record.loss:.4f}",
        si.MISSING if math.isnan(record.accuracy) else f"{record.accuracy:.2%}",
        f"{record.synops:,.0f}",
        si.MISSING if math.isnan(record.train_loss) else f"{record.train_loss:.4f}",
        f"{record.seconds:.1f}",
    )  # fmt: skip
