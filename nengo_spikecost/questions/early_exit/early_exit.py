"""`early_exit`: what comes of ending a sample as soon as the answer is sure.

Nothing is simulated again. Of a run that kept outputs by step:

1. after every step, what is read says a class, and how sure it is (`_sureness`);
2. a sample ends at the first step from ``min_step`` on at which that reaches the threshold, or at
   the last step;
3. what the chip did until then is summed (`first_steps` of its work), step by step and sample by
   sample, and priced as `chip_cost` prices it. Where a time of steps is not known, so are both
   ends: whether an energy is predicted is asked of the samples as they end, not of the whole run,
   since the fewer steps they have the more hangs on that time.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...activity.activity_record import Activity, OutputActivity
from ...activity.intervals import paired_difference, wilson
from ...chip.changed_work import first_steps
from ...deadlines import check_time
from ...energy.device import LEVELS
from ...energy.loihi_chip import ChipCost, shipped_chip
from ...energy.loihi_chip.boundaries import checked_boundary
from ...energy.loihi_chip.price import price_at
from ...energy.loihi_chip.ranges import Range
from ...errors import DataError, MeasurementError
from ...options import takes_options
from ...words import counted
from ...workload.measured_chip import chip_work
from .early_exit_options import EarlyExitOptions
from .early_exit_record import EarlyExit, ExitPoint

N_THRESHOLDS = 30
"""Of the usual ones, beside that which ends all samples at once and that which ends none."""


@takes_options(EarlyExitOptions)
def early_exit(run: Any, y: Any = None, *, options: EarlyExitOptions) -> EarlyExit:
    """Accuracy, mean steps and energy if every sample ends when its answer is sure.

    Choose the threshold on some samples, and judge it on others: `EarlyExit.judging`.

    Parameters
    ----------
    run : Deployment or Activity
        Of fresh samples, measured with ``by_step=True``, so that outputs are known at every step.
        With ``simulator="loihi"``, as `nengo_spikecost.loihi.deploy` has it, energy is too.
    y : array, optional
        Labels. Default: those of the run.
    {options}

    Returns
    -------
    EarlyExit

    Raises
    ------
    MeasurementError
        If outputs were not kept at every step, or samples did not start afresh: one that ends
        early would leave another state to the next.
    DataError
        If there are no labels, or they are no classes.
    EnergyError
        If energy within the boundary hangs on a time of steps that is not predicted, of samples
        that all run to the last step.
    """
    activity, labels, own = _measured(run, y, options)
    record = activity.read_from(own.output)
    if activity.protocol.presentation != "fresh":
        raise MeasurementError(
            "Early exit needs samples that start afresh: in a continuous presentation one that "
            "ends early leaves another state to the next. Run with presentation='fresh'."
        )
    n_steps = activity.protocol.n_steps
    min_step = 1 if own.min_step is None else own.min_step
    if min_step > n_steps:
        raise MeasurementError(
            f"min_step={min_step} is beyond the {counted(n_steps, 'step')} of the run."
        )
    values = _read(record, own.readout)
    right = values.argmax(axis=2) == labels[:, None]
    sure = _sureness(values, own.rule)[:, min_step - 1 :]
    thresholds = own.thresholds
    if thresholds is None:
        thresholds = _usual(sure)
    spent, at_least = _spent(activity, own)
    points = [_point(float(t), sure, min_step, right, spent, own.confidence) for t in thresholds]
    return EarlyExit(
        tuple(points), right.mean(axis=0), replace(own, min_step=min_step), record.name,
        activity.n_samples, n_steps, activity.protocol.dt, at_least,
    )  # fmt: skip


def _measured(
    run: Any, y: Any, options: EarlyExitOptions
) -> tuple[Activity, np.ndarray, EarlyExitOptions]:
    """The activity of a run, its classes, and the options with what the run says itself."""
    activity = getattr(run, "activity", run)
    if not isinstance(activity, Activity):
        raise MeasurementError(
            "early_exit takes a Deployment, or an Activity as nengo_spikecost.measure returns it, "
            f"not {type(run).__name__}."
        )
    if activity is not run:
        y = run.labels if y is None else y
        output = run.output if options.output is None else options.output
        name = activity.read_from(output).name
        first = run.first_steps.outputs.get(name)
        if options.min_step is None and first is not None:
            first = min(first, activity.protocol.n_steps)
            options = replace(options, min_step=first)
        options = replace(options, output=name)
    labels = activity.labels(y, options.output, task="classification")
    if labels is None:
        raise DataError("Early exit needs labels, which say whether an answer is right: pass y.")
    if labels.kind != "classes":
        raise DataError(f"Early exit needs labels that are classes; these are {labels.words}.")
    return activity, labels.values, options


def _read(record: OutputActivity, readout: str) -> np.ndarray:
    """What is read after each step, float64 (n_samples, n_steps, size): a sum for the mean."""
    steps = record.until("last").astype(np.float64)
    return np.cumsum(steps, axis=1) if readout == "mean" else steps


def _sureness(values: np.ndarray, rule: str) -> np.ndarray:
    """How sure the answer is after each step, shape (n_samples, n_steps)."""
    if rule == "softmax":
        shares = np.exp(values - values.max(axis=2, keepdims=True))
        values = shares / shares.sum(axis=2, keepdims=True)
    largest = np.partition(values, -2, axis=2)[:, :, -2:]
    return np.asarray(largest[..., 1] - largest[..., 0])


def _usual(sure: np.ndarray) -> np.ndarray:
    """From 0, which ends all samples at the first step there is, to infinity, which ends none."""
    shares = np.linspace(0, 1, N_THRESHOLDS + 2)[1:-1]
    before = sure[:, :-1]
    middle = np.quantile(before, shares) if before.size else np.zeros(0)
    return np.unique([0.0, *middle, math.inf])


def _spent(activity: Activity, options: EarlyExitOptions) -> tuple[dict[str, np.ndarray], bool]:
    """Energy, updates and synops until each step, each (n_samples, n_steps); none if uncounted.

    With the ends of energy and latency, where it is not known how long a step takes. And whether
    energies leave out what it takes the host to read the output after every step.
    """
    chip = activity.chip
    if chip is None or chip.by_step is None:
        return {}, False
    work = chip_work(activity)
    setting, n_steps = options.chip.setting(work), activity.protocol.n_steps
    ChipCost.of(work, setting).check_predicted(options.boundary)
    known = setting.host_io.is_known(work.n_chips)
    levels = ("nominal",) if known else LEVELS
    energy, latency = (
        {level: np.empty((activity.n_samples, n_steps)) for level in levels} for _ in range(2)
    )
    for k in range(n_steps):
        check_time()
        until = first_steps(work, k + 1)
        for level in levels:
            price = price_at(until, setting, level)
            energy[level][:, k] = price.energy_J(options.boundary)
            latency[level][:, k] = price.time.latency_s
    synops = sum(counts.sum(axis=2) for counts in chip.by_step.synops.values())
    updates = int(np.sum(chip.compartments)) * np.arange(1, n_steps + 1)
    shape = energy["nominal"].shape
    ends = {} if known else {"energy_J": energy, "latency_s": latency}
    spent = {
        "energy_J": energy["nominal"],
        "updates": np.broadcast_to(updates, shape),
        "synops": np.cumsum(np.broadcast_to(synops, shape), axis=1),
        **{f"{name} {k}": at[k] for name, at in ends.items() for k in ("low", "high")},
    }
    given = setting.host_io.name not in shipped_chip().host_io
    return spent, bool(checked_boundary(options.boundary)) and not given


def _point(
    threshold: float, sure: np.ndarray, min_step: int, right: np.ndarray,
    spent: dict[str, np.ndarray], confidence: float,
) -> ExitPoint:  # fmt: skip
    reached = sure >= threshold
    reached[:, -1] = True
    steps = min_step + reached.argmax(axis=1)
    rows = np.arange(len(steps))
    correct, last = right[rows, steps - 1], right[:, -1]
    means = {name: float(until[rows, steps - 1].mean()) for name, until in spent.items()}
    energy_J, ends_J = _predicted(means)
    return ExitPoint(
        threshold, float(steps.mean()), float((steps < right.shape[1]).mean()),
        float(correct.mean()), wilson(int(correct.sum()), len(correct), confidence),
        float(last.mean() - correct.mean()), paired_difference(last, correct, confidence),
        energy_J, ends_J, means.get("updates"), means.get("synops"), steps, correct,
    )  # fmt: skip


def _predicted(means: dict[str, float]) -> tuple[float | None, tuple[float, float] | None]:
    """Mean energy, and its ends where it is not predicted, as `ChipCost.energy_J` says it."""
    energy_J = means.get("energy_J")
    if energy_J is None or "energy_J low" not in means:
        return energy_J, None
    time, energy = (
        Range(means[f"{name} low"], energy_J, means[f"{name} high"])
        for name in ("latency_s", "energy_J")
    )
    found = energy if time.telling else energy.unless_too_wide()
    return found.nominal, None if found.predicted else (found.low, found.high)
