"""Fine-tuning epoch by epoch: a table, and curves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

from ....layout import Presenter, Table, presents, si
from ....layout.charts import Bars, Chart, Drawing
from ....layout.plots import COLOURS, bare, share_ticks, si_ticks
from ....layout.presenter import Part
from ....layout.si import times
from ....layout.verdict import NextStep, Verdict, accuracy_line
from ....words import counted
from ..fine_tuning import EpochRecord, FineTuning


@presents(FineTuning)
class FineTuningPresenter(Presenter[FineTuning]):
    """A row for each epoch, the best one marked; and objective, accuracy and synops as curves."""

    format = "nengo-spikecost/fine-tuning/1"
    panels = 3

    def title(self, tuning: FineTuning) -> str:
        return "A model trained on for spikes"

    def about(self, tuning: FineTuning) -> str:
        return (
            f"Trained with {tuning.forward}, {counted(tuning.n_steps, 'step')}; "
            f"{counted(len(tuning.history) - 1, 'epoch')}, the best is {tuning.best_epoch}"
        )

    def charts(self, tuning: FineTuning) -> Iterable[Chart]:
        """Objective, accuracy and synops over the epochs, and the rates that layers are to have."""
        first, best = tuning.history[0], tuning.best
        yield Drawing(
            "Epoch by epoch", partial(self.draw, tuning), self.size(tuning), self.panels,
            f"Objective {first.objective:.4g} before and {best.objective:.4g} at its best; synops "
            f"{first.synops:,.0f} and {best.synops:,.0f}",
        )  # fmt: skip
        scales = tuning.scale_firing_rates
        if scales:
            yield Bars("Scale of each layer", tuple(scales), {"scale": list(scales.values())})

    def verdict(self, tuning: FineTuning) -> Verdict | None:
        """None where nothing was measured before training."""
        before, best = tuning.history[0], tuning.best
        if before.epoch != 0:
            return None
        classes = not math.isnan(best.accuracy)
        values = (before.accuracy, best.accuracy) if classes else (before.loss, best.loss)
        shown = [f"{v:.1%}" if classes else f"loss {v:.3g}" for v in values]
        whose = {"with spikes before": shown[0], "after": shown[1]}
        synops = f"{before.synops:,.0f} before, {best.synops:,.0f} after, per sample"
        gained = 100 * (values[1] - values[0]) if classes else 0.0
        changes = [f"{gained:.1f} points gained"] if gained > 0 else []
        if not classes and values[1] < values[0]:
            changes.append(f"a loss of {times(values[1] / values[0])} that of before")
        if before.synops and best.synops < before.synops:
            changes.append(f"{1 - best.synops / before.synops:.0%} fewer synops")
        better = best.epoch != 0 and changes
        answer = f"Yes: {', '.join(changes)}." if better else "No: no epoch was better than before."
        return Verdict.of(
            ("accuracy" if classes else "error", accuracy_line(whose, "as simulated in training")),
            ("synops", synops), ("worth it?", answer),
            next_steps=_next_steps(tuning) if better else (),
        )  # fmt: skip

    def summary(self, tuning: FineTuning) -> Iterable[Part]:
        yield Table.of(
            ("Epoch", "Objective", "Loss", "Accuracy", "Synops", "Loss\nin training", "Seconds"),
            [_cells(record, record.epoch == tuning.best_epoch) for record in tuning.history],
            title=f"Fine-tuned with {tuning.forward}, {counted(tuning.n_steps, 'step')}; "
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
            "forward": tuning.forward, "n_steps": tuning.n_steps,
            "layer_delay": tuning.layer_delay, "best_epoch": tuning.best_epoch,
            "scale_firing_rates": dict(tuning.scale_firing_rates), "frozen": list(tuning.frozen),
            "stopped": tuning.stopped,
            "history": [
                {name: si.known(value) for name, value in record.items()}
                for record in self.records(tuning)
            ],
        }  # fmt: skip

    def size(self, tuning: FineTuning) -> tuple[float, float]:
        return 10.5, 3.4

    def draw(self, tuning: FineTuning, axes: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        epochs = [record.epoch for record in tuning.history]
        for axis, colour, name in zip(axes, COLOURS, ("objective", "accuracy", "synops")):
            axis.plot(epochs, [getattr(r, name) for r in tuning.history], "o-", ms=4, color=colour)
            axis.axvline(tuning.best_epoch, color="#999999", lw=1, ls=":")
            axis.set_title(name.capitalize(), loc="left", fontsize=10)
            axis.set_xlabel("Epoch")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            bare(axis)
        share_ticks(axes[1].yaxis)
        axes[2].yaxis.set_major_formatter(si_ticks())


def _next_steps(tuning: FineTuning) -> Iterable[NextStep]:
    """To see what came of it on samples that it was not trained with."""
    model, data = tuning.files
    scales = {*tuning.scale_firing_rates.values()} or {1.0}
    scale = f"--scale {scales.pop():g}" if len(scales) == 1 else "--scales train.json"
    yield NextStep(
        "Judge the trained model by samples that it was not trained with",
        f"nengo-spikecost report {model} --data {data} {scale} --steps {tuning.n_steps}"
        f"{tuning.flags} --chip",
    )


def _cells(record: EpochRecord, best: bool) -> tuple[str, ...]:
    return (
        f"{record.epoch}{'*' if best else ''}", f"{record.objective:.4f}", f"{record.loss:.4f}",
        si.MISSING if math.isnan(record.accuracy) else f"{record.accuracy:.2%}",
        f"{record.synops:,.0f}",
        si.MISSING if math.isnan(record.train_loss) else f"{record.train_loss:.4f}",
        f"{record.seconds:.1f}",
    )  # fmt: skip
