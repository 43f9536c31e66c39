"""Settings proposed by Optuna's multi-objective TPE sampler.

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
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from .space import Space
from .trials import ROUNDING, Key, Proposal, Setting, Trial

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
