"""Confirmed settings: accuracy, loss and energy, in the sweep and on other images."""

from __future__ import annotations

from typing import Any

from ....layout import Presenter, Table, presents, si
from ....layout.plots import COLOURS, bare, share_ticks, si_ticks
from ....layout.si import known
from ....layout.verdict import Verdict
from ....words import counted
from ..confirmation import Confirmation
from .loss_words import interval, points, quality, renamed, share
from .sweep_verdict import confirmation_verdict


@presents(Confirmation)
class ConfirmationPresenter(Presenter[Confirmation]):
    """A row for each setting, as the sweep saw it and as it was confirmed."""

    format = "nengo-spikecost/confirmation/1"
    nested = ("scale_firing_rates", "interval_in_sweep", "interval", "loss_interval")

    def verdict(self, confirmation: Confirmation) -> Verdict | None:
        return confirmation_verdict(confirmation)

    def summary(self, confirmation: Confirmation) -> list[Table]:
        regression, least = confirmation.keras_rmse is not None, ">= " * confirmation.at_least
        keras = share(confirmation.keras_accuracy, confirmation.keras_interval)
        if regression:
            keras = f"RMSE {confirmation.keras_rmse:.4g}, R² {confirmation.keras_accuracy:.4f}"
        pairs = ("RMSE" if regression else "Accuracy", "Loss", "Energy")
        headers = [f"{name}\n{where}" for name in pairs for where in ("in the sweep", "confirmed")]
        rows = [
            (
                str(row.point.trial), str(row.n_steps),
                _judged(row.point), _judged(row),
                points(row.point.loss), f"{points(row.loss)} ({interval(row.loss_interval)})",
                f"{least}{si.si(row.point.energy_J, 'J')}", f"{least}{si.si(row.energy_J, 'J')}",
            )
            for row in confirmation.rows
        ]  # fmt: skip
        images = counted(confirmation.n_images, "image")
        title = f"Confirmed on {images}, {confirmation.simulator}; Keras: {keras}"
        return [Table.of(("Trial", "Steps", *headers), rows, title=title)]

    def records(self, confirmation: Confirmation) -> list[dict[str, Any]]:
        rows = [
            {
                "trial": row.point.trial, "n_steps_in_sweep": row.point.n_steps,
                "n_steps": row.n_steps, "synapse": row.point.synapse,
                "scale_firing_rates": row.point.scale_firing_rates,
                "accuracy_in_sweep": row.point.accuracy,
                "interval_in_sweep": list(row.point.interval), "accuracy": row.accuracy,
                "interval": list(row.interval), "loss_in_sweep": row.point.loss, "loss": row.loss,
                "loss_interval": list(row.loss_interval), "p_value": row.p_value,
                "energy_in_sweep_J": row.point.energy_J, "energy_J": known(row.energy_J),
                "energy_is_at_least": confirmation.at_least,
                "synops_in_sweep": known(row.point.synops), "synops": known(row.synops),
            }
            for row in confirmation.rows
        ]  # fmt: skip
        for values, row in zip(rows, confirmation.rows):
            if row.rmse is not None:
                values |= {
                    "rmse_in_sweep": row.point.rmse,
                    "correlation_in_sweep": known(row.point.correlation),
                    "correlation": known(row.correlation),
                }  # fmt: skip
        return [renamed(v, row.rmse) for v, row in zip(rows, confirmation.rows)]

    def content(self, confirmation: Confirmation) -> dict[str, Any]:
        values = {
            "simulator": confirmation.simulator, "n_images": confirmation.n_images,
            "keras_accuracy": confirmation.keras_accuracy,
            "keras_interval": list(confirmation.keras_interval), "device": confirmation.device,
            "rows": self.records(confirmation),
        }  # fmt: skip
        if confirmation.keras_rmse is not None:
            values["keras_rmse"] = confirmation.keras_rmse
        return renamed(values, confirmation.keras_rmse)

    def draw(self, confirmation: Confirmation, axes: Any) -> None:
        for colour, label, seen in (
            (COLOURS[7], "in the sweep", [row.point for row in confirmation.rows]),
            (COLOURS[0], "confirmed", confirmation.rows),
        ):
            low = [row.accuracy - row.interval[0] for row in seen]
            high = [row.interval[1] - row.accuracy for row in seen]
            axes.errorbar(
                [row.energy_J for row in seen], [row.accuracy for row in seen], (low, high),
                ls="", marker="o", ms=4, capsize=2, color=colour, label=label,
            )  # fmt: skip
        axes.axhline(confirmation.keras_accuracy, color="#555555", ls="--", lw=1, label="Keras")
        axes.xaxis.set_major_formatter(si_ticks("J"))
        regression = confirmation.keras_rmse is not None
        if not regression:
            share_ticks(axes.yaxis)
        axes.set(
            xlabel=f"Energy per inference on {confirmation.device}"
            + ", at least" * confirmation.at_least,
            ylabel="R²" if regression else "Accuracy",
        )
        axes.legend(fontsize="small", frameon=False)
        bare(axes)


def _judged(seen: Any) -> str:
    """The accuracy with its interval, or the RMSE."""
    if seen.rmse is not None:
        return quality(seen.accuracy, seen.rmse)
    return share(seen.accuracy, seen.interval)
