"""`sweep`: settings searched for accuracy, energy and latency together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from ...activity import simulators
from ...errors import TuningError
from ...options import takes_options
from ...progress import progress_bar
from ..sweep_options import SweepOptions
from .evaluation import Engine, Rules, try_out
from .front import rivals
from .preparation import prepared
from .search import Search
from .setting_engine import SettingEngine
from .study import Study
from .sweep_data import check_reference, checked_convert_options, images_and_labels
from .sweep_plan import Plan
from .sweep_result import Sweep
from .trials import Trial

_FAILURES = 3
"""So many settings in a row may fail from the start; then something else is wrong."""


@takes_options(SweepOptions)
def sweep(model: Any, x: Any, y: Any, *, options: SweepOptions, **convert_options: Any) -> Sweep:
    """Search firing-rate scales, presentation time and synapse for the least energy.

    Every setting is simulated with the neurons given, once for all presentation times, and priced
    as `NetworkEnergy` does: in NengoDL, or on the emulated chip, with all that it rounds and the
    steps that a spike takes from layer to layer. First come the scales of the tutorial's 200 Hz
    rule and of `tune_firing_rates`, and a baseline with one scale for all layers; then local moves
    that lower the energy within each loss of accuracy and presentation time asked for, and
    settings from a sampler that looks elsewhere. A setting that is surely worse than others after
    some of the images is given up.

    Parameters
    ----------
    model : tf.keras.Model
        A trained classifier with one input and one output.
    x, y : array
        Samples and labels to tune on, best such as the model was not trained on: on those that
        it was, spikes lose less. Judge settings by others again (`Sweep.confirm`).
        A difference in accuracy is known to some 0.8 points from 1,000 images and 0.4 from 4,000.
    {options}
    **convert_options
        Further options of `convert`.

    Returns
    -------
    Sweep

    Raises
    ------
    TuningError
        If an argument is wrong; if the study was made with another model, data or arguments, or
        another process works on it; or if no setting can be simulated.
    DataError, ConversionError
        If the data or the model can't be used.
    LoihiError
        If it is for a chip that can't run the network, whatever the setting.
    """
    x, labels = images_and_labels(model, x, y)
    check_reference(options.reference, x, labels)
    plan = Plan(model, x, labels, options, checked_convert_options(convert_options))
    with Study(options.study) as file:
        engine = (simulators.get(options.simulator).engine() or SettingEngine)(plan)
        with contextlib.closing(engine):
            search, rules = prepared(plan, file, engine)
            run_trials(
                file, search, rules, engine, options.n_trials, options.timeout, options.progress
            )
        return Sweep.of_study(file, plan)


def run_trials(
    file: Study, search: Search, rules: Rules, engine: Engine, n_trials: int,
    timeout: float | None, progress: bool,
) -> None:  # fmt: skip
    """Try settings until there are enough, and write each as it is finished."""
    began = time.monotonic()
    trials = file.trials()
    with progress_bar("Sweeping", n_trials, progress) as advance:
        advance(min(len(trials), n_trials))
        while len(trials) < n_trials:
            if timeout is not None and trials and time.monotonic() - began > timeout:
                break
            number = len(trials)
            trial = try_out(number, search.next(trials), engine, rivals(trials), rules)
            if trial.state == "failed":
                _check_failures([*trials, trial])
            file.add(trial)
            trials.append(trial)
            advance(1)


def _check_failures(trials: Sequence[Trial]) -> None:
    if len(trials) >= _FAILURES and all(trial.state == "failed" for trial in trials):
        raise TuningError(
            f"The first {len(trials)} settings could not be simulated: {trials[-1].reason}"
        )
