"""Before the first setting: facts that the search needs, gathered once for a study.

1. The engine says what all settings are simulated with (block shapes, on a chip).
2. In NengoDL, ReLU activations of the first images give the scales of the 200 Hz rule, which the
   bounds of the search are multiples of, and `tune_firing_rates` gives scales to start from.
3. The Keras model classifies all images: losses are counted against its outcomes.

All of it is written to the study before the first setting, and read from it when the sweep goes
on, which then simulates nothing for it and starts from the same numbers.
"""

from __future__ import annotations

from ..rates import activation_rule, tune_firing_rates
from ..sweep_options import SweepOptions, checked_scales
from . import fingerprint
from .evaluation import Rules, stages_of
from .search import Search
from .space import RULE_HZ, Space, global_scales, starts
from .study import Study
from .sweep_engine import SweepEngine
from .sweep_plan import Plan

TUNED_HZ = (150.0, 100.0)
"""Targets of the tuned scales. Lower ones need more steps than most presentations have."""

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
        made_with = {"simulator": SweepOptions.simulator, **file.facts()["made_with"]}
        fingerprint.check(file.path, made_with, now)
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
    for target in TUNED_HZ:
        tuning = tune_firing_rates(
            network, first, target=target, n_steps=options.n_steps[len(options.n_steps) // 2],
            max_simulations=_SIMULATIONS, progress=False,
        )  # fmt: skip
        tuned[f"tuned to {target:g} Hz"] = {name: tuning.scales[name] for name in network.layers}
    facts = {"made_with": now, "about": options.about, "space": space.to_dict(), "tuned": tuned}
    file.remember({**facts, **of_engine}, {"reference": reference})
