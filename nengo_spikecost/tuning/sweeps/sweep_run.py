"""`sweep`: settings searched for accuracy, energy and latency together.

Before the first setting, facts that the search needs are gathered once for a study:

1. The engine says what all settings are simulated with (block shapes, on a chip).
2. ReLU activations of the first images give the scales of the 200 Hz rule, which the
   bounds of the search are multiples of, and `tune_firing_rates` gives scales to start from.
3. The Keras model classifies all images: losses are counted against its outcomes.

All of it is written to the study before the first setting, and read from it when the sweep goes
on, which then simulates nothing for it and starts from the same numbers.

A proposal is tried on few images first, and given up as soon as it is hopeless. At the end NengoDL
judges what compiled code found (judging.py).
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...activity import simulators
from ...activity.intervals import mean_difference, paired_difference
from ...deadlines import check_time
from ...errors import ScaleOutError, StudyError, TuningError
from ...options import takes_options
from ...progress import progress_bar
from ...warned import each_once
from ...words import counted
from ...workload.neuron_costs import updates_on_chip
from ..rates import activation_rule, tune_firing_rates
from ..sweep_options import JUDGES, SweepOptions, checked_scales
from .front import rivals
from .judging import judge
from .search import Search
from .shared_engine import SharedEngine, SweepWork, failure
from .shared_study import DraftingEngine, TriedElsewhere, remove_drafts
from .study import Study
from .sweep_engine import SettingEngine, SweepEngine
from .sweep_plan import (
    Plan,
    check_reference,
    check_same,
    checked_convert_options,
    images_and_labels,
)
from .sweep_result import Sweep
from .time_limit import TimeLimit
from .trials import (
    RULE_HZ,
    Proposal,
    Reading,
    Setting,
    Space,
    Trial,
    global_scales,
    starts,
    with_more,
)


class Engine(Protocol):
    """A network that is simulated with one setting after the other."""

    def read(self, setting: Setting, start: int, stop: int) -> Sequence[Reading]:
        """Simulate images ``start`` to ``stop``; a reading for each presentation time."""


@dataclass(frozen=True)
class Rules:
    """When a proposal is given up.

    Attributes
    ----------
    stages : tuple of int
        Numbers of images after which that is decided; the last is all of them.
    reference : ndarray, shape (n_images,)
        Outcomes of the Keras model (`Labels.outcomes`).
    worst_loss : float
        Largest loss of accuracy of interest.
    confidence : float
        Of the intervals it is decided by, for what all images would have said.
    """

    stages: tuple[int, ...]
    reference: np.ndarray
    worst_loss: float
    confidence: float = 0.98


def stages_of(n_images: int, first: int) -> tuple[int, ...]:
    """``first`` images, then twice as many each time, and all of them."""
    stages = [first]
    while 2 * stages[-1] <= 0.75 * n_images:
        stages.append(2 * stages[-1])
    return (*(n for n in stages if n <= 0.75 * n_images), n_images)


def try_out(
    number: int, proposal: Proposal, engine: Engine, rivals: Sequence[Reading], rules: Rules
) -> Trial:
    """Simulate a proposal, stage by stage.

    Parameters
    ----------
    number : int
        Of the trial.
    proposal : Proposal
        The setting to try.
    engine : Engine
        Simulates it.
    rivals : sequence of Reading
        Of all images, those that a new one has to be better than in something.
    rules : Rules
        When to give up.

    Returns
    -------
    Trial
        Whatever happens, unless the user interrupts or time is over: an error is in its ``reason``.
    """
    began = time.monotonic()
    readings: list[Reading] = []
    state, reason, seen = "complete", "", 0
    try:
        for stop in rules.stages:
            new = engine.read(proposal.setting, seen, stop)
            readings = with_more(readings, new)
            seen = stop
            if stop == rules.stages[-1] or proposal.baseline:
                continue
            reasons = [hopeless(reading, rivals, rules) for reading in readings]
            if all(reasons):
                state, reason = "stopped", f"{reasons[-1]} after {counted(seen, 'image')}"
                break
    except (ScaleOutError, StudyError, TriedElsewhere):  # not of the setting
        raise
    except Exception as error:  # kept with the trial: the next may well run
        state, reason = "failed", failure(error)
        readings = []
    return Trial(number, proposal, state, tuple(readings), reason, time.monotonic() - began)


def hopeless(reading: Reading, rivals: Sequence[Reading], rules: Rules) -> str:
    """Why a reading of some of the images can't be on the front in the end; empty if it may.

    It can't if its accuracy is surely below the range of interest; or if a rival that is no
    slower is surely more accurate, and surely takes no more energy, on the same images.
    """
    seen, sure = reading.n_seen, (rules.confidence, rules.stages[-1])
    _, high = paired_difference(reading.correct, rules.reference[:seen], *sure)
    if high < -rules.worst_loss:
        return f"loses more than {rules.worst_loss:.1%}"
    for rival in rivals:
        if rival.n_steps > reading.n_steps:
            continue
        correct, energy_J = rival.correct[:seen], rival.energy_J[:seen]
        if energy_J.mean() > reading.mean_J or correct.mean() <= reading.accuracy:
            continue
        _, high = paired_difference(reading.correct, correct, *sure)
        low_J, _ = mean_difference(reading.energy_J, energy_J, *sure)
        if high < 0 and low_J >= 0:
            return "another takes less energy and is more accurate"
    return ""


TUNED_HZ = (150.0, 100.0)
"""Targets of the tuned scales. Lower ones need more steps than most presentations have."""

TUNED_SPIKES = 2.0
"""Spikes in a presentation that the lower one makes at least: of few steps, at higher rates."""


def tuned_hz(n_steps: int, dt: float) -> tuple[float, ...]:
    """Targets of the tuned scales for so many steps, in Hz: at most a spike in two steps."""
    fewest = min(TUNED_SPIKES / (n_steps * dt), 0.5 / dt / (TUNED_HZ[0] / TUNED_HZ[-1]))
    factor = max(1.0, fewest / TUNED_HZ[-1])
    return tuple(float(f"{factor * target:.3g}") for target in TUNED_HZ)


_SIMULATIONS = 8


def prepared(plan: Plan, file: Study, engine: SweepEngine) -> tuple[Search, Rules]:
    """The search and its rules, of this study's facts or new ones.

    Raises
    ------
    TuningError
        If the study was made with something else.
    LoihiError
        If the settings are for a chip, and it can't run the network.
    """
    options, now = plan.options, plan.fingerprint()
    if "made_with" in file.facts():
        # studies from before there was a choice do not name the simulator
        made_with = {"simulator": JUDGES, **file.facts()["made_with"]}
        check_same(file.path, made_with, now)
    else:
        _remember_facts(plan, file, engine, now)
    facts, reference = file.facts(), file.arrays()["reference"]
    engine.recall(facts)
    space = Space.of_dict(facts["space"])
    given = checked_scales(options.start_from, space.layers)
    one_scale = options.global_scales or global_scales(space.rule)
    search = Search(
        space=space, starts=tuple(starts(space, one_scale, facts["tuned"], given)),
        reference=float(reference.mean()), seed=options.seed, explore=options.explore,
    )  # fmt: skip
    stages = stages_of(len(reference), plan.first_images)
    return search, Rules(stages, reference, space.worst_loss)


def _remember_facts(plan: Plan, file: Study, engine: SweepEngine, now: dict[str, str]) -> None:
    options, (x, labels) = plan.options, plan.ordered()
    of_engine = engine.facts()
    network, first = engine.network(options.synapses[0]), x[: plan.first_images]
    checked_scales(options.start_from, network.layers)
    reference = plan.reference_outcomes(x, labels)
    rule = activation_rule(network, first, RULE_HZ)
    space = Space(rule, options.synapses, options.n_steps, options.accuracy_losses)
    tuned = {}
    n_steps = options.n_steps[len(options.n_steps) // 2]
    for target in tuned_hz(n_steps, options.dt):
        tuning = tune_firing_rates(
            network, first, target=target, n_steps=n_steps,
            max_simulations=_SIMULATIONS, progress=False, judged=False,
        )  # fmt: skip
        tuned[f"tuned to {target:g} Hz"] = {name: tuning.scales[name] for name in network.layers}
    facts = {
        "made_with": now, "about": options.about, "space": space.to_dict(), "tuned": tuned,
        "labels": {"kind": labels.kind, "variance": labels.variance},
        "updates_per_step": updates_on_chip(network.graph.populations),
    }  # fmt: skip
    file.remember({**facts, **of_engine}, {"reference": reference})


_FAILURES = 3
"""So many settings in a row may fail from the start; then something else is wrong."""


@takes_options(SweepOptions)
@each_once()
def sweep(model: Any, x: Any, y: Any, *, options: SweepOptions, **convert_options: Any) -> Sweep:
    """Search firing-rate scales, presentation time and synapse for the least energy.

    Every setting is simulated with the neurons given, once for all presentation times, and priced
    as `NetworkEnergy` does: in compiled code, with the best settings judged by NengoDL on the same
    samples; in NengoDL alone, or on the emulated chip, with all that it rounds and the
    steps that a spike takes from layer to layer. First come the scales of the tutorial's 200 Hz
    rule and of `tune_firing_rates`, and a baseline with one scale for all layers; then local moves
    that lower the energy within each loss of accuracy and presentation time asked for, and
    settings from a sampler that looks elsewhere. A setting that is surely worse than others after
    some of the images is given up.

    Parameters
    ----------
    model : tf.keras.Model
        A trained model with one input and one output: a classifier, or a regression, whose
        losses are of R², the share of the variance of the targets that is explained.
    x, y : array
        Samples and labels or targets to tune on, best such as the model was not trained on: on
        those that it was, spikes lose less. Judge settings by others again (`Sweep.confirm`).
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
    x, labels = images_and_labels(model, x, y, options.task)
    check_reference(options.reference, x, y, options.task)
    converted = checked_convert_options(convert_options)
    with Study(options.study) as file:
        options = options.searching(file.facts().get("made_with"))
        plan = Plan(model, x, labels, options, converted)
        limit = TimeLimit(options)
        n_trials = limit.n_trials(file, options.n_trials)
        make = simulators.get(str(options.simulator)).engine() or SettingEngine
        engine = make(plan)
        with limit.of_search.bounds():
            with contextlib.closing(engine):
                with file.alone():
                    search, rules = prepared(plan, file, engine)
                if options.client is None:
                    run_trials(file, search, rules, engine, n_trials, options.progress)
            if options.client is not None:
                # only now: the engine of this process has given its memory back
                work = SweepWork(make, plan, file.facts())
                shared = SharedEngine(options.client, work, rules.stages)
                with contextlib.closing(shared):
                    run_trials(
                        file, search, rules, shared, n_trials, options.progress, shared.expect
                    )
        limit.require_trials(file)
        if file.database.is_shared and file.n_trials() >= n_trials:
            remove_drafts(file)
        with limit.of_all.bounds(), file.alone():
            return judge(file, plan, options.progress)
        return Sweep.of_study(file, plan)  # with fewer settings judged, or none


def likely(search: Search, trials: Sequence[Trial], n_trials: int) -> Iterator[Proposal]:
    """The proposal that comes next, and those after it if none leads anywhere."""
    trials = list(trials)
    while len(trials) < n_trials:
        proposal = search.next(trials)
        yield proposal
        trials.append(Trial(len(trials), proposal, "failed"))


def run_trials(
    file: Study, search: Search, rules: Rules, engine: Engine, n_trials: int, progress: bool,
    expect: Callable[[Iterator[Proposal]], None] | None = None,
) -> None:  # fmt: skip
    """Try settings until there are enough, and write each as it is finished.

    ``expect`` is told before each what comes next, and what is likely to come then.
    """
    trials = file.trials()
    if file.database.is_shared:
        engine = DraftingEngine(file, engine, rules.stages)
        expect = engine.expect
    with progress_bar("Sweeping", n_trials, progress) as advance:
        advance(min(len(trials), n_trials))
        while len(trials) < n_trials:
            check_time()
            if file.database.is_shared and file.n_trials() > len(trials):
                before, trials = len(trials), file.trials()
                advance(min(len(trials), n_trials) - before)
                continue
            number = len(trials)
            after = likely(search, trials, n_trials)
            proposal = next(after)
            if expect is not None:
                expect(itertools.chain([proposal], after))
            try:
                trial = try_out(number, proposal, engine, rivals(trials), rules)
            except TriedElsewhere:
                continue
            if number + 1 >= _FAILURES and all(t.state == "failed" for t in (*trials, trial)):
                raise TuningError(
                    f"The first {number + 1} settings could not be simulated: {trial.reason}"
                )
            if any(r.at_least for r in trial.readings) and "at_least" not in file.facts():
                file.remember({"at_least": True})  # of one is of all: a host feeds the chip
            file.add(trial)
            trials.append(trial)
            advance(1)
