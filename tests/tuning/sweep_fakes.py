"""A network that is a formula, to sweep over in no time; and sweeps made with it."""

from __future__ import annotations

import numpy as np

from nengo_spikecost.tuning.sweeps.search import Search
from nengo_spikecost.tuning.sweeps.study import Study
from nengo_spikecost.tuning.sweeps.sweep_result import Sweep
from nengo_spikecost.tuning.sweeps.sweep_run import Rules, run_trials, stages_of
from nengo_spikecost.tuning.sweeps.trials import Reading, Space, global_scales, starts

RULE = {"first": 100.0, "middle": 400.0, "last": 50.0}
STEPS = (10, 20, 40)
ABOUT = {
    "device": "loihi",
    "cost_model": "per_operation",
    "neuron_type": "SpikingRectifiedLinear()",
    "dt": 0.001,
    "confidence": 0.95,
}


class FormulaEngine:
    """Accuracy rises and saturates with each layer's scale and with steps; energy goes on rising.

    An image is classified rightly if the network is good enough for it, with a little chance that
    depends on the setting and the image alone.
    """

    need = {"first": 0.2, "middle": 0.6, "last": 1.0}  # noqa: RUF012 read only
    cost = {"first": 3.0, "middle": 2.0, "last": 0.2}  # noqa: RUF012

    def __init__(self, n_images: int, fails: tuple[str, ...] = ()):
        rng = np.random.default_rng(1)
        self.hard = np.sort(rng.random(n_images) ** 6)[rng.permutation(n_images)]
        self.reference = self.hard < 0.985
        self.weight = rng.uniform(0.5, 1.5, n_images)
        self.fails = fails
        self.calls: list[tuple[int, int]] = []

    def quality(self, setting, n_steps):
        worst = 1.0
        for name, scale in setting.scales.items():
            share = scale / RULE[name] / self.need[name]
            worst *= 1 - np.exp(-1.5 * share * n_steps / 20)
        return worst

    def read(self, setting, start, stop):
        self.calls.append((start, stop))
        if setting.synapse is not None and f"{setting.synapse:g}" in self.fails:
            raise RuntimeError(f"no synapse {setting.synapse:g}\nand more of it")
        seed = np.frombuffer(repr(setting.key).encode().ljust(200)[:200], np.uint32)
        chance = np.random.default_rng(seed).normal(0, 0.01, len(self.hard))
        found = []
        for n_steps in STEPS:
            good = self.quality(setting, n_steps) + chance > self.hard
            synops = {n: self.cost[n] * s / RULE[n] * n_steps for n, s in setting.scales.items()}
            energy_J = 1e-9 * sum(synops.values()) * self.weight
            total = float(sum(synops.values()) * self.weight[start:stop].mean())
            found.append(Reading(n_steps, good[start:stop], energy_J[start:stop], total, synops))
        return found


def formula_search(engine, synapses, n_first, *, seed=0, explore=0.25, starting=True):
    """The search over the formula, and its rules."""
    space = Space(RULE, synapses, STEPS, (0.005, 0.02, 0.05))
    first = starts(space, global_scales(RULE), {}) if starting else []
    search = Search(space, tuple(first), float(engine.reference.mean()), seed, explore)
    stages = stages_of(len(engine.reference), n_first)
    return search, Rules(stages, engine.reference, space.worst_loss)


def formula_sweep(
    n_trials=60,
    *,
    n_images=400,
    synapses=(0.005, None),
    seed=0,
    explore=0.25,
    path=None,
    engine=None,
    starting=True,
):
    """A sweep over the formula, through the same steps as `sweep`."""
    engine = engine or FormulaEngine(n_images)
    search, rules = formula_search(
        engine, synapses, 100, seed=seed, explore=explore, starting=starting
    )
    with Study(path) as file:
        if "space" not in file.facts():
            file.remember(
                {"about": ABOUT, "space": search.space.to_dict(), "tuned": {}},
                {"reference": engine.reference},
            )
        run_trials(file, search, rules, engine, n_trials, False)
        return Sweep.of_study(file)
