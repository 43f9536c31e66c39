"""Early exit as a curve over thresholds: accuracy, steps and energy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ...errors import MeasurementError
from ...layout import Presenter, Table, presents, si
from ...layout.plots import COLOURS, bare, share_ticks
from ...layout.presenter import Part
from ...layout.verdict import Verdict
from ...words import counted
from ..early_exit.early_exit_record import EarlyExit, ExitPoint

#: Points that a table shows; of more, evenly chosen ones.
_SHOWN = 12

#: Losses within which the verdict looks for the fewest steps, as shares of the samples.
_LOSSES = (0.001, 0.005, 0.01)

_RULES = {
    "margin": "the two largest values are so far apart",
    "softmax": "the two largest after a softmax are so far apart",
}
_READ = {"mean": "the sum of the output so far", "last": "the output at that step"}

UNCOUNTED = "uncounted"


@presents(EarlyExit)
class EarlyExitPresenter(Presenter[EarlyExit]):
    """A row a threshold, from all samples that end early to none."""

    format = "nengo-spikecost/early-exit/1"
    nested = ("interval", "loss_interval", "energy_ends_J")

    def title(self, result: EarlyExit) -> str:
        return "Samples that end when the answer is sure"

    def about(self, result: EarlyExit) -> str:
        return _heading(result)

    def verdict(self, result: EarlyExit) -> Verdict | None:
        last = result.accuracy_by_step[-1]
        best = _best(result)
        words = "none of the thresholds loses less than a point"
        if best is not None:
            words = (
                f"{best.mean_steps:.1f} steps on average instead of {result.n_steps}, and "
                f"{best.accuracy:.1%} right, with a threshold of {_threshold(best)}"
            )
        accuracy = f"{last:.1%} after all {counted(result.n_steps, 'step')}"
        return Verdict.of(("accuracy", accuracy), ("early exit", words))

    def summary(self, result: EarlyExit) -> Iterable[Part]:
        yield _heading(result)
        yield ""
        points = list(result.points)
        if len(points) > _SHOWN:
            chosen = {round(k * (len(points) - 1) / (_SHOWN - 1)) for k in range(_SHOWN)}
            points = [points[k] for k in sorted(chosen)]
        yield Table.of(
            (
                "Threshold", "Steps", "Accuracy", "Loss\npoints", "Updates", "Synops", "Energy",
            ),
            [_cells(point, result.energy_is_at_least) for point in points],
            title=f"Per sample; energy is {result.options.boundary}",
        )  # fmt: skip
        if any(point.energy_ends_J for point in points):
            yield (
                "* Where two energies stand, none is predicted: of samples that end so early most "
                "hangs on a time of steps that is not known. Give the measured one, "
                "host_io=SECONDS."
            )
        if not result.counted:
            yield (
                "* Updates, synops and energy until a step are counted by simulator='loihi' with "
                "by_step=True only."
            )
        else:
            yield (
                "* The host has to read the output after every step. What that takes is not known: "
                "it is in boundaries with more than the cores only if the measured time of a step "
                "is given, host_io=SECONDS."
                + " Energies are at least these."
                * result.energy_is_at_least
            )

    def records(self, result: EarlyExit) -> list[dict[str, Any]]:
        return [
            {
                # JSON has no infinity
                "threshold": None if math.isinf(p.threshold) else p.threshold,
                "mean_steps": p.mean_steps, "early": p.early, "accuracy": p.accuracy,
                "interval": list(p.interval), "loss": p.loss,
                "loss_interval": list(p.loss_interval),
                "energy_J": None if p.energy_ends_J else p.energy_J,
                "energy_is_at_least": result.energy_is_at_least,
                "energy_ends_J": p.energy_ends_J and list(p.energy_ends_J),
                "updates": p.updates, "synops": p.synops,
            }
            for p in result.points
        ]  # fmt: skip

    def content(self, result: EarlyExit) -> dict[str, Any]:
        own = result.options
        return {
            "rule": own.rule, "readout": own.readout, "min_step": own.min_step,
            "output": result.output, "boundary": own.boundary, "confidence": own.confidence,
            "n_samples": result.n_samples, "n_steps": result.n_steps, "dt_s": result.dt,
            "accuracy_by_step": result.accuracy_by_step.tolist(), "points": self.records(result),
        }  # fmt: skip

    def draw(self, result: EarlyExit, axes: Any) -> None:
        """Accuracy over steps: of samples that end when sure, and of reading all at one step."""
        steps = [point.mean_steps for point in result.points]
        axes.plot(
            range(1, result.n_steps + 1), result.accuracy_by_step, marker="s", ms=3, ls=":",
            color=COLOURS[7], label="all samples read at this step",
        )  # fmt: skip
        axes.fill_between(
            steps, [p.interval[0] for p in result.points], [p.interval[1] for p in result.points],
            color=COLOURS[0], alpha=0.2, lw=0,
        )  # fmt: skip
        accuracy = [point.accuracy for point in result.points]
        label = "each sample ends when sure"
        axes.plot(steps, accuracy, marker="o", ms=4, color=COLOURS[0], label=label)
        share_ticks(axes.yaxis)
        axes.set(xlabel="Steps, mean of a sample", ylabel=f"Accuracy on {result.n_samples} samples")
        axes.legend(fontsize="small", frameon=False)
        bare(axes)


def _heading(result: EarlyExit) -> str:
    own = result.options
    samples = counted(result.n_samples, "sample")
    return (
        f"{samples} of at most {counted(result.n_steps, 'step')}: each ends from step "
        f"{own.min_step} on as soon as {_RULES[own.rule]} ({_READ[own.readout]})"
    )


def _best(result: EarlyExit) -> ExitPoint | None:
    for loss in _LOSSES:
        with suppress(MeasurementError):  # no threshold loses so little
            return result.best(loss)
    return None


def _threshold(point: ExitPoint) -> str:
    return "none" if math.isinf(point.threshold) else f"{point.threshold:.3g}"


def _cells(point: ExitPoint, at_least: bool) -> tuple[str, ...]:
    low, high = (100 * end for end in point.loss_interval)
    loss = f"{100 * point.loss + 0.0:.2f} ({low:.2f} to {high:.2f})"
    spent = [UNCOUNTED, UNCOUNTED, UNCOUNTED]
    if point.energy_J is not None and point.updates is not None and point.synops is not None:
        energy = " to ".join(si.si(end, "J") for end in point.energy_ends_J or (point.energy_J,))
        spent = [
            si.count(point.updates, short=True), si.count(point.synops, short=True),
            f"{'>= ' * at_least}{energy}",
        ]  # fmt: skip
    return (
        _threshold(point), f"{point.mean_steps:.2f}", f"{point.accuracy:.2%}", loss, *spent,
    )  # fmt: skip
