"""The next setting to try: local moves that lower energy, and a sampler that looks elsewhere.

How trial ``n`` gets its setting:

1. The first trials are the starts: the user's own settings, the 200 Hz rule, scales tuned to a
   rate, and the baseline of global scales.
2. After them, a share `Search.explore` of the trials is the sampler's, spread evenly.
3. The others are local moves. An aim is a loss of accuracy and a presentation time; the aims take
   turns, so that the whole front gets better, not one end of it.
4. A move starts from the incumbent of its aim: the trial with the least energy within loss and
   time, or, if no trial is within, the one with the smallest loss.
5. If the incumbent is within its loss, scales go down, from coarse factors to fine ones; first of
   the layers whose spikes make most synops, for there is most to save. Later one layer goes
   down while another, that makes fewer synops, goes up: that keeps accuracy where no single
   layer can go down. If the incumbent is beyond its loss, scales go up instead.
6. A move that was made from an ancestor of the incumbent, and led nowhere, is passed over at
   first; when nothing else is left in any aim, such moves are tried again.
7. If no local move is left, the sampler proposes.

Why not the sampler alone: it has to learn from trials which layer matters, while the readings
already say which layer makes the synops. Why not gradients: accuracy and energy jump with whole
spikes. In the tests, on a formula whose layers need very different scales, 60 trials of this
search find a setting with less than 0.6 of the energy of the best global scale.

The search has no state of its own. Its proposals follow from the trials so far, the space and the
seed alone, so that a sweep that was killed goes on as if it had not been.

How `sampled` proposes, with Optuna's multi-objective TPE sampler:

1. Every reading becomes a trial of Optuna's, with the presentation time as one of its parameters,
   so that the sampler learns from each length that a simulation was read at.
2. Optuna minimises loss of accuracy, energy and steps together. Losses beyond the largest of
   interest break a constraint, so that it does not spend trials on cheap and useless settings.
3. The sampler models the good and the other settings, and proposes one that is likely among the
   good. If that was tried already it proposes again, some times.

The study is built anew for each proposal, and the sampler seeded with the number of the trial:
that takes little time beside a simulation. A study that lived on would have random numbers as a
hidden state, and a sweep that was killed could not go on as if it had not been.

Sources
-------
Y. Ozaki et al. 2022, J. Artif. Intell. Res. 73:1209, the multi-objective tree-structured Parzen
estimator.
"""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .trials import ROUNDING, Key, Proposal, Reading, Setting, Space, Trial

STEPS = (0.6, 0.775, 0.88, 0.94)
"""Factors on a layer's scale, from the coarsest, each about the square root of the one before."""

LOCAL = "local: "


@dataclass(frozen=True)
class Search:
    """The search of one sweep: all that its proposals follow from, but for the trials.

    Attributes
    ----------
    space : Space
        The settings that can be tried.
    starts : tuple of Proposal
        The first trials.
    reference : float
        Accuracy of the Keras model.
    seed : int
        Of the sampler, with the number of the trial.
    explore : float
        Share of the trials after the starts that the sampler proposes.
    """

    space: Space
    starts: tuple[Proposal, ...]
    reference: float
    seed: int
    explore: float

    def next(self, trials: Sequence[Trial]) -> Proposal:
        """The proposal of trial ``len(trials)``."""
        number = len(trials)
        if number < len(self.starts):
            return self.starts[number]
        tried = {trial.proposal.setting.key for trial in trials}
        turn = number - len(self.starts)
        explores = int((turn + 1) * self.explore) > int(turn * self.explore)
        if not explores:
            move = self._local(trials, tried)
            if move is not None:
                return move
        return sampled(self.space, trials, tried, self.reference, (self.seed, number))

    def _local(self, trials: Sequence[Trial], tried: set[Key]) -> Proposal | None:
        """A move from the best trial of one of the aims, taken in turns."""
        complete = {trial.number: trial for trial in trials if trial.complete}
        if not complete:
            return None
        aims = [(loss, cap) for cap in self.space.n_steps[::-1] for loss in self.space.losses]
        turn = sum(trial.proposal.origin.startswith(LOCAL) for trial in trials)
        lineages: dict[int, set[str]] = {}
        for thorough in (False, True):  # at last, moves that failed for an ancestor too
            for i in range(len(aims)):
                loss, cap = aims[(turn + i) % len(aims)]
                parent, feasible = self._incumbent(complete.values(), loss, cap)
                if parent not in lineages:
                    lineages[parent] = _failed_in_lineage(trials, parent)
                failed = set() if thorough else lineages[parent]
                for words, setting in self._moves(complete[parent], cap, feasible):
                    setting = self.space.clipped(setting)
                    if words not in failed and setting.key not in tried:
                        return Proposal(setting, words, parent=parent)
        return None

    def _incumbent(self, trials: Iterable[Trial], loss: float, cap: int) -> tuple[int, bool]:
        """The trial with the least energy within a loss and a time; or the most accurate."""

        def excess(reading: Reading) -> float:
            return max(0.0, self.reference - reading.accuracy - loss - ROUNDING)

        pairs = [(t, r) for t in trials for r in t.readings if r.n_steps <= cap]
        # within the loss all are equal, and energy decides; of equals the first
        beyond, _, number = min((excess(r), r.mean_J, trial.number) for trial, r in pairs)
        return number, beyond == 0

    def _moves(self, parent: Trial, cap: int, feasible: bool) -> Iterator[tuple[str, Setting]]:
        """Settings next to a trial's, the most promising first."""
        setting = parent.proposal.setting
        for synapse in self.space.synapses:
            if synapse != setting.synapse:
                yield f"{LOCAL}synapse {synapse}", Setting(setting.scales, synapse)
        layers = _by_synops(parent, cap)
        for factors in _lower(layers) if feasible else _raise(layers):
            words = ", ".join(f"{name} x{factor:.3g}" for name, factor in factors.items())
            yield LOCAL + words, setting.scaled(factors)


def _lower(layers: Sequence[str]) -> Iterator[dict[str, float]]:
    """Each layer down, all of them down, and each against one that makes fewer synops.

    The last seldom help while the first still do, so they come a step later.
    """
    for i, step in enumerate(STEPS):
        yield from ({name: step} for name in layers)
        yield dict.fromkeys(layers, step)
        later = STEPS[max(i - 1, 0) : i] if i < len(STEPS) - 1 else STEPS[i - 1 :]
        for exchanged in later:
            for j, name in enumerate(layers):
                yield from ({name: exchanged, other: 1 / exchanged} for other in layers[j + 1 :])


def _raise(layers: Sequence[str]) -> Iterator[dict[str, float]]:
    """All layers up, and each layer up, those that make few synops first."""
    for step in STEPS:
        yield dict.fromkeys(layers, 1 / step)
        yield from ({name: 1 / step} for name in layers[::-1])


def _by_synops(trial: Trial, cap: int) -> list[str]:
    """Layers by the synops that their spikes make, most first."""
    longest = max((r for r in trial.readings if r.n_steps <= cap), key=lambda r: r.n_steps)
    return sorted(trial.scales, key=lambda name: -longest.layer_synops.get(name, 0.0))


def _failed_in_lineage(trials: Sequence[Trial], number: int) -> set[str]:
    """Moves that were made from a trial or its ancestors, and led to none of them.

    What did not help an ancestor seldom helps now: finer steps are tried before it is again.
    """
    lineage = {number}
    parent = trials[number].proposal.parent
    while parent is not None:
        lineage.add(parent)
        parent = trials[parent].proposal.parent
    children = [t for t in trials if t.proposal.parent in lineage]
    return {t.proposal.origin for t in children if t.number not in lineage}


ORIGIN = "sampler"
_ATTEMPTS = 20


def sampled(
    space: Space, trials: Sequence[Trial], tried: Collection[Key], reference: float,
    seed: tuple[int, int],
) -> Proposal:  # fmt: skip
    """A setting that no trial had.

    Parameters
    ----------
    space : Space
        The settings that can be tried.
    trials : sequence of Trial
        All so far; those that were stopped count with the images they saw.
    tried : collection of keys
        Of the settings that were tried.
    reference : float
        Accuracy of the Keras model.
    seed : (int, int)
        Of the sweep, and the number of the trial.
    """
    import optuna

    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    with _quietly():
        study = to_study(space, trials, reference)
        study.sampler = optuna.samplers.TPESampler(seed=state, n_startup_trials=1)
        for _ in range(_ATTEMPTS):
            params = study.ask(_distributions(space)).params
            scales = {layer: params[f"scale {layer}"] for layer in space.layers}
            setting = space.clipped(Setting(scales, space.synapses[params["synapse"]]))
            if setting.key not in tried:
                break
    return Proposal(setting, ORIGIN)


def to_study(space: Space, trials: Sequence[Trial], reference: float, **create: Any) -> Any:
    """All readings as an ``optuna.study.Study`` that minimises loss, energy and steps.

    Parameters
    ----------
    space : Space
        The settings that could be tried; trials beyond its bounds are left out.
    trials : sequence of Trial
        Their results.
    reference : float
        Accuracy of the Keras model.
    **create
        For ``optuna.create_study``: ``storage``, ``study_name``.
    """
    import optuna

    with _quietly():
        study = optuna.create_study(directions=["minimize"] * 3, **create)
        study.set_metric_names(["loss of accuracy", "log10 energy in J", "steps"])
    distributions = _distributions(space)
    for trial in trials:
        for reading in trial.readings:
            params = _params(space, trial, reading.n_steps)
            internal = {k: float(distributions[k].to_internal_repr(v)) for k, v in params.items()}
            if not all(distributions[k]._contains(value) for k, value in internal.items()):
                continue
            loss = reference - reading.accuracy
            study.add_trial(
                optuna.trial.create_trial(
                    params=params, distributions=distributions,
                    values=[loss, math.log10(max(reading.mean_J, 1e-30)), reading.n_steps],
                    constraints={"loss": loss - space.worst_loss - ROUNDING},
                    user_attrs={
                        "trial": trial.number, "origin": trial.proposal.origin,
                        "state": trial.state, "energy_J": reading.mean_J,
                    },
                )
            )  # fmt: skip
    return study


def _distributions(space: Space) -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    distributions: dict[str, Any] = {
        f"scale {layer}": FloatDistribution(*space.bounds(layer), log=True)
        for layer in space.layers
    }
    distributions["synapse"] = CategoricalDistribution(tuple(range(len(space.synapses))))
    distributions["steps"] = CategoricalDistribution(space.n_steps)
    return distributions


def _params(space: Space, trial: Trial, n_steps: int) -> dict[str, Any]:
    setting = trial.proposal.setting
    params: dict[str, Any] = {f"scale {n}": setting.scales[n] for n in space.layers}
    return {**params, "synapse": space.synapses.index(setting.synapse), "steps": n_steps}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without Optuna's lines for each study and its notes on what is experimental."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
