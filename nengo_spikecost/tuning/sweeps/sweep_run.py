"""`sweep`: settings searched for accuracy, energy and latency together."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...conversion import resolve_neuron_type
from ...energy.cost_models import get_cost_model
from ...errors import TuningError
from ...progress import progress_bar
from .evaluation import Engine, Rules, try_out
from .front import rivals
from .search import Search
from .study import Study
from .sweep_arguments import (
    checked_convert_options,
    checked_device,
    checked_global_scales,
    checked_losses,
    checked_numbers,
    checked_readout,
    checked_reference,
    checked_simulator,
    checked_steps,
    checked_synapses,
    images_and_labels,
)
from .sweep_plan import Plan, prepared
from .sweep_pricing import Pricing
from .sweep_result import Sweep
from .trials import Trial

_SIMULATED_FIRST = 100
_FAILURES = 3
"""So many settings in a row may fail from the start; then something else is wrong."""


def sweep(
    model: Any,
    x: Any,
    y: Any,
    *,
    neuron_type: Any = "LoihiSpikingRectifiedLinear",
    n_steps: int | Iterable[int] = (20, 30, 40, 60),
    synapses: float | Iterable[float | None] | None = (0.005,),
    n_trials: int = 100,
    device: Any = "loihi",
    cost_model: Any = "per_operation",
    simulator: str = "nengo_dl",
    accuracy_losses: float | Iterable[float] = (0.005, 0.01, 0.02),
    global_scales: Iterable[float] | None = None,
    start_from: Iterable[Mapping[str, float]] = (),
    reference: Any = None,
    readout: str = "last",
    first_images: int | None = None,
    explore: float = 0.1,
    confidence: float = 0.95,
    study: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    batch_size: int | None = None,
    dt: float = 0.001,
    seed: int = 0,
    progress: bool = True,
    **convert_options: Any,
) -> Sweep:
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
        it was, spikes lose less. Take others again to judge what is found (`Sweep.confirm`).
        A difference in accuracy is known to some 0.8 points from 1,000 images and 0.4 from 4,000.
    neuron_type : nengo.neurons.NeuronType or type or str
        See `convert`.
    n_steps : int or sequence of int
        Presentation times, in steps.
    synapses : float or None or sequence of them
        Time constants in s of the filter behind the neurons.
    n_trials : int
        Settings to try in all, those in the study file and the starting points among them.
    device : str or Device
        A spiking device to price on.
    cost_model : str or CostModel
        How to price. ``"loihi_chip"``, and others of what each core of a chip did, need
        ``simulator="loihi"``.
    simulator : {"nengo_dl", "loihi"}
        What simulates the settings. ``"loihi"`` converts each, builds it with NengoLoihi and
        runs it on `nengo_spikecost.loihi.Emulator`, every image afresh. Block shapes are found
        once, for the fewest cores, and kept in the study. Where the search starts is found in
        NengoDL.
    accuracy_losses : float or sequence of float
        Losses against the reference, as shares of images, within each of which energy is
        lowered. Settings that surely lose more than the largest are given up.
    global_scales : sequence of float, optional
        Scales of the baseline. Default: eight around those of the 200 Hz rule.
    start_from : sequence of dict
        More settings to start from: a scale for each layer.
    reference : tf.keras.Model, optional
        What losses of accuracy are against. Default: ``model`` without spikes; for one that was
        trained on with `fine_tune`, take the model before it, so that what training lost is
        counted too.
    readout : {"last", "mean"}
        Whether the class is the largest output at the last step, or of the mean over steps.
    first_images : int, optional
        After so many a setting is given up first. Default: a fifth, at least 100.
    explore : float
        Share of the trials after the starting points that the sampler proposes.
    confidence : float
        Of the intervals in the result.
    study : path, optional
        SQLite file that every trial is written to as it comes. If it exists, the sweep goes on
        where it was, even after it was killed, and ends as if it had not been; only the setting
        under way is simulated again. None: nothing is kept.
    timeout : float, optional
        Begin no setting after so many seconds.
    batch_size, dt
        See `measure`.
    seed : int
        Of the search, the simulation and the network. Two sweeps with equal arguments on one
        machine are equal, unless they end by ``timeout``.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal.
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
    checked_numbers(
        n_trials=n_trials, first_images=first_images, seed=seed, explore=explore,
        confidence=confidence, dt=dt, timeout=timeout,
    )  # fmt: skip
    simulator = checked_simulator(simulator)
    priced_on = checked_device(device, cost_model, simulator)
    x, labels = images_and_labels(model, x, y)
    about = {
        "device": priced_on.name,
        "cost_model": get_cost_model(cost_model).name,
        "simulator": simulator,
        "neuron_type": str(resolve_neuron_type(neuron_type)),
        "dt": float(dt),
        "confidence": float(confidence),
    }
    plan = Plan(
        model=model,
        x=x,
        labels=labels,
        about=about,
        neuron_type=neuron_type,
        n_steps=checked_steps(n_steps),
        synapses=checked_synapses(synapses),
        losses=checked_losses(accuracy_losses),
        one_scale=checked_global_scales(global_scales),
        given=tuple(start_from),
        reference=checked_reference(reference, x, labels),
        first_images=first_images or max(_SIMULATED_FIRST, len(x) // 5),
        explore=float(explore),
        seed=int(seed),
        simulation={"batch_size": batch_size, "dt": float(dt)},
        conversion=checked_convert_options(convert_options),
        pricing=Pricing(priced_on, get_cost_model(cost_model), checked_readout(readout)),
    )
    with Study(study) as file:
        engine = plan.engine()
        with contextlib.closing(engine):
            search, rules = prepared(plan, file, engine)
            run_trials(file, search, rules, engine, int(n_trials), timeout, progress)
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
